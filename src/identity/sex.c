/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/sex.h"

static const struct sex_row {
    const char *name, *text;
} rows[] = {
    [SEX_UNKNOWN] = {"unknown", "不明"},
    [SEX_MALE] = {"male", "男"},
    [SEX_FEMALE] = {"female", "女"},
};

enum err sex_parse(struct fail *f, struct str text, enum sex *out)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (str_equal(text, str_of(rows[i].name))) {
            *out = (enum sex)i;
            return ERR_OK;
        }
    return fail_set(f, ERR_SEX, "sex", NULL);
}

enum err sex_from_int(struct fail *f, int64_t number, enum sex *out)
{
    if (number < 0 || number >= (int64_t)COUNT_OF(rows))
        return fail_set(f, ERR_SEX, "sex", "%lld", (long long)number);
    *out = (enum sex)number;
    return ERR_OK;
}

const char *sex_name(enum sex sex)
{
    assert((size_t)sex < COUNT_OF(rows));
    return rows[sex].name;
}

const char *sex_text(enum sex sex)
{
    assert((size_t)sex < COUNT_OF(rows));
    return rows[sex].text;
}
