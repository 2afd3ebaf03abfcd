/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/change_reason.h"

static const struct change_row changes[] = {
#define REASON(name, number, group, json, ja, planned, old_code, old_number, revokes)                        \
    {CHANGE_##name, CHANGE_##group, json, ja, planned, old_code, old_number, revokes},
#include "identity/change_reason.def"
#undef REASON
};
static const struct municipal_row municipals[] = {
#define MUNICIPAL(name, number, group, json, ja, legal)                                                      \
    {MUNICIPAL_##name, CHANGE_##group, json, ja, CHANGE_##legal},
#include "identity/municipal_reason.def"
#undef MUNICIPAL
};
static const struct group_row {
    const char *name, *ja;
} groups[] = {
    [CHANGE_ENTRY] = {"entry", "記載"},
    [CHANGE_REMOVAL] = {"removal", "消除"},
    [CHANGE_AMENDMENT] = {"amendment", "氏名、生年月日、性別、住所の修正"},
    [CHANGE_CODE_AMENDMENT] = {"resident_code_amendment", "住民票コードの修正"},
    [CHANGE_NUMBER_AMENDMENT] = {"individual_number_amendment", "個人番号の修正"},
    [CHANGE_CONFIRMATION] = {"confirmation", "転出確定"},
};

const struct change_row *change_row(enum change_reason reason)
{
    for (size_t i = 0; i < COUNT_OF(changes); i++)
        if (changes[i].reason == reason)
            return &changes[i];
    return NULL;
}

const struct change_row *change_rows(size_t *count)
{
    *count = COUNT_OF(changes);
    return changes;
}

enum err change_reason_parse(struct fail *f, struct str text, enum change_reason *out)
{
    for (size_t i = 0; i < COUNT_OF(changes); i++)
        if (str_equal(text, str_of(changes[i].name))) {
            *out = changes[i].reason;
            return ERR_OK;
        }
    return fail_set(f, ERR_CHANGE_REASON, "change_reason", NULL);
}

enum err change_reason_from_int(struct fail *f, int64_t number, enum change_reason *out)
{
    for (size_t i = 0; i < COUNT_OF(changes); i++)
        if ((int64_t)changes[i].reason == number) {
            *out = changes[i].reason;
            return ERR_OK;
        }
    return fail_set(f, ERR_CHANGE_REASON, "change_reason", "%lld", (long long)number);
}

const char *change_group_name(enum change_group group)
{
    assert((size_t)group < COUNT_OF(groups));
    return groups[group].name;
}

const char *change_group_ja(enum change_group group)
{
    assert((size_t)group < COUNT_OF(groups));
    return groups[group].ja;
}

const struct municipal_row *municipal_row(enum municipal_reason reason)
{
    for (size_t i = 0; i < COUNT_OF(municipals); i++)
        if (municipals[i].reason == reason)
            return &municipals[i];
    return NULL;
}

const struct municipal_row *municipal_rows(size_t *count)
{
    *count = COUNT_OF(municipals);
    return municipals;
}

enum err municipal_reason_parse(struct fail *f, struct str text, enum municipal_reason *out)
{
    for (size_t i = 0; i < COUNT_OF(municipals); i++)
        if (str_equal(text, str_of(municipals[i].name))) {
            *out = municipals[i].reason;
            return ERR_OK;
        }
    return fail_set(f, ERR_CHANGE_REASON, "municipal_reason", NULL);
}
