/* SPDX-License-Identifier: Apache-2.0 */
/* Decides how Individual Numbers stand in the telegram 837Y; the layout is in the header. Digits only, so
 * bytes and characters are the same. Rule: DOMAIN 1.3 (a layout seen in public, the meaning inferred). */
#include "door/telegram_837y.h"

#define TELEGRAM_ID "837Y"
#define TELEGRAM_END "$\n"
enum {
    ID_SIZE = 4,
    COUNT_DIGITS = 2,
    AREA_DIGITS = 5,
    HEAD_SIZE = ID_SIZE + COUNT_DIGITS + AREA_DIGITS,
    PERSON_SIZE = RESIDENT_CODE_DIGITS + INDIVIDUAL_NUMBER_DIGITS,
    END_SIZE = 2
};

enum err telegram_837y_write(struct fail *f, struct area_code area, const struct telegram_person *persons,
                             size_t count, struct buf *out)
{
    char code[RESIDENT_CODE_TEXT_SIZE], number[INDIVIDUAL_NUMBER_TEXT_SIZE];

    if (count < 1 || count > TELEGRAM_837Y_PERSONS)
        return fail_set(f, ERR_TELEGRAM_COUNT, "count", "%zu", count);
    buf_add_format(out, TELEGRAM_ID "%02zu%05d", count, area.value / 10);
    for (size_t i = 0; i < count; i++)
        buf_add_format(out, "%s%s", resident_code_REVEAL(persons[i].code, code),
                       individual_number_REVEAL(persons[i].number, number));
    buf_add(out, TELEGRAM_END, END_SIZE);
    return buf_check(out, f, "telegram");
}

/* The next n bytes of a telegram whose length has been checked. */
static struct str column(struct str *rest, size_t n)
{
    struct str part = {rest->p, n};

    rest->p += n;
    rest->n -= n;
    return part;
}

static enum err read_head(struct fail *f, struct str bytes, uint64_t *count, struct area_code *area)
{
    struct str rest = bytes;

    if (rest.n < HEAD_SIZE || !str_equal(column(&rest, ID_SIZE), STR(TELEGRAM_ID)))
        return fail_set(f, ERR_TELEGRAM_FORM, "telegram", "no head " TELEGRAM_ID);
    if (!str_to_uint(column(&rest, COUNT_DIGITS), TELEGRAM_837Y_PERSONS, count) || *count == 0)
        return fail_set(f, ERR_TELEGRAM_FORM, "count", NULL);
    return area_code_parse5(f, column(&rest, AREA_DIGITS), area);
}

enum err telegram_837y_read(struct fail *f, struct str *bytes, struct area_code *area,
                            struct telegram_person *persons, size_t *count)
{
    struct area_code seen_area;
    uint64_t seen = 0;
    enum err e = read_head(f, *bytes, &seen, &seen_area);

    if (e)
        return e;
    size_t size = HEAD_SIZE + (size_t)seen * PERSON_SIZE + END_SIZE;
    if (bytes->n < size)
        return fail_set(f, ERR_TELEGRAM_FORM, "telegram", "cut short");
    struct str rest = {bytes->p + HEAD_SIZE, size - HEAD_SIZE};
    for (size_t i = 0; i < seen; i++) {
        if ((e = resident_code_parse(f, column(&rest, RESIDENT_CODE_DIGITS), &persons[i].code)) ||
            (e = individual_number_parse(f, column(&rest, INDIVIDUAL_NUMBER_DIGITS), &persons[i].number)))
            return e;
    }
    if (!str_equal(rest, STR(TELEGRAM_END)))
        return fail_set(f, ERR_TELEGRAM_FORM, "telegram", "no end mark");
    *area = seen_area;
    *count = (size_t)seen;
    bytes->p += size;
    bytes->n -= size;
    return ERR_OK;
}
