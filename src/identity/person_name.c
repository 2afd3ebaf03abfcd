/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/person_name.h"

#include "identity/text_check.h"

static const char *const state_names[] = {
    [KANA_NOT_RECORDED] = "not_recorded",
    [KANA_RECORDED] = "recorded",
    [KANA_SURNAME_ONLY] = "surname_only",
    [KANA_GIVEN_ONLY] = "given_only",
};

const char *kana_state_name(enum kana_state state)
{
    assert((size_t)state < COUNT_OF(state_names));
    return state_names[state];
}

enum err kana_state_parse(struct fail *f, struct str text, enum kana_state *out)
{
    for (size_t i = 0; i < COUNT_OF(state_names); i++)
        if (str_equal(text, str_of(state_names[i]))) {
            *out = (enum kana_state)i;
            return ERR_OK;
        }
    return fail_set(f, ERR_KANA_STATE, "kana_state", NULL);
}

/* U+30A1..30FA ァ..ヺ and U+30FC ー. */
static bool is_katakana(uint32_t point)
{
    return (point >= 0x30a1 && point <= 0x30fa) || point == 0x30fc;
}

/* Katakana with at most `spaces` single spaces inside. */
static enum err kana_check(struct fail *f, const char *field, struct str kana, size_t spaces)
{
    enum err e = text_check(f, field, kana, KANA_MAX_POINTS);
    size_t seen = 0;
    for (size_t at = 0; !e && at < kana.n;) {
        uint32_t point = utf8_next(kana, &at);
        if (text_is_space(point) ? ++seen > spaces : !is_katakana(point))
            e = fail_set(f, ERR_KANA_CHARACTER, field, "U+%04X", (unsigned)point);
    }
    return e;
}

static enum err reading_check(struct fail *f, const struct person_name *n, bool foreign)
{
    bool known = n->kana_state != KANA_NOT_RECORDED;
    if ((size_t)n->kana_state >= COUNT_OF(state_names) || known != (n->kana.n > 0))
        return fail_set(f, ERR_KANA_STATE, "name_kana", NULL);
    if (known && foreign)
        return fail_set(f, ERR_NAME_PART_JAPANESE, "name_kana", NULL);
    return kana_check(f, "name_kana", n->kana, n->kana_state == KANA_RECORDED);
}

/* 旧氏 comes from a family register; 通称 is for those who have none. */
static enum err second_name_check(struct fail *f, const char *field, const char *kana_field, struct str name,
                                  struct str kana, enum err forbidden)
{
    if (forbidden && (name.n || kana.n))
        return fail_set(f, forbidden, name.n ? field : kana_field, NULL);
    if (kana.n && !name.n)
        return fail_set(f, ERR_KANA_ALONE, kana_field, NULL);
    enum err e = text_check(f, field, name, NAME_MAX_POINTS);
    return e ? e : kana_check(f, kana_field, kana, 1);
}

enum err person_name_check(struct fail *f, const struct person_name *n, bool foreign)
{
    if (n->name.n == 0)
        return fail_set(f, ERR_FIELD_MISSING, "name", NULL);
    enum err e = text_check(f, "name", n->name, NAME_MAX_POINTS);
    if (!e)
        e = reading_check(f, n, foreign);
    if (!e)
        e = second_name_check(f, "former_name", "former_name_kana", n->former_name, n->former_name_kana,
                              foreign ? ERR_NAME_PART_JAPANESE : ERR_OK);
    if (!e)
        e = second_name_check(f, "alias", "alias_kana", n->alias, n->alias_kana,
                              foreign ? ERR_OK : ERR_NAME_PART_FOREIGN);
    return e;
}

void person_name_kana_text(const struct person_name *n, struct buf *out)
{
    static const struct {
        const char *before, *after;
    } forms[] = {
        [KANA_NOT_RECORDED] = {"******", ""},
        [KANA_RECORDED] = {"", ""},
        [KANA_SURNAME_ONLY] = {"", "　【名空欄】"},
        [KANA_GIVEN_ONLY] = {"【氏空欄】　", ""},
    };
    assert((size_t)n->kana_state < COUNT_OF(forms));
    buf_add_str(out, str_of(forms[n->kana_state].before));
    if (n->kana_state != KANA_NOT_RECORDED)
        buf_add_str(out, n->kana);
    buf_add_str(out, str_of(forms[n->kana_state].after));
}
