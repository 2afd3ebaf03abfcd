/* SPDX-License-Identifier: Apache-2.0 */
/* 本人確認情報: one person's identity record and the change that made it (住民基本台帳法 30 条の 6 第 1 項;
 * 同法施行令 30 条の 5). 本籍 and 続柄 are never part of it.
 *
 * JSON (an object; members in this order, names of the glossary, persons' numbers always as text):
 *   resident_code, individual_number?, foreign (bool), name, name_kana?, kana_state? (only surname_only,
 * given_only), former_name?, former_name_kana?, alias?, alias_kana?, birth_date, sex, area_code, address,
 * town_code?, postal_code?, change? {change_reason, change_date, planned? (true), old_resident_code?,
 *   old_resident_code_not_recorded? (true), old_individual_number?, old_individual_number_not_recorded?
 * (true)} An absent member means none; unknown members are ignored (they stay in the signed bytes). */
#ifndef JUKI_IDENTITY_IDENTITY_H
#define JUKI_IDENTITY_IDENTITY_H

#include "base/json.h"
#include "identity/address.h"
#include "identity/change_reason.h"
#include "identity/civil_date.h"
#include "identity/individual_number.h"
#include "identity/person_name.h"
#include "identity/resident_code.h"
#include "identity/sex.h"

struct identity { /* all text is borrowed */
    struct resident_code resident_code;
    bool has_individual_number; /* false until the agency has generated one */
    struct individual_number individual_number;
    bool foreign; /* 外国人住民 */
    struct person_name name;
    struct date birth_date; /* may be impossible or partly unknown */
    enum sex sex;
    struct address address;
};
struct change {
    enum change_reason reason;
    struct date date; /* 異動年月日, a real day */
    bool planned;     /* 転出の予定年月日 */
    bool has_old_code, old_code_not_recorded;
    struct resident_code old_code;
    bool has_old_number, old_number_not_recorded;
    struct individual_number old_number;
};

/* The whole record, and the change beside it (NULL: none). The first bad value is named by field and rule;
 * persons' numbers are masked. Errors are those of the parts and ERR_CHANGE_*, ERR_BIRTH_LATE. */
MUST_CHECK enum err identity_check(struct fail *f, const struct identity *identity,
                                   const struct change *change);

/* Writes the object as member `key`, or alone when key is NULL. change may be NULL. */
void identity_json_write(struct buf *b, const char *key, const struct identity *identity,
                         const struct change *change);
/* Reads an object and checks it whole with identity_check. Text is copied into the arena. change NULL: a
 * "change" member is not looked at; else it is required. Both outs are untouched on failure. */
MUST_CHECK enum err identity_json_read(struct fail *f, const struct json *object, struct arena *a,
                                       struct identity *identity, struct change *change);

/* Equal in every recorded value (reconciliation); the first field that differs, by its JSON name, or NULL. */
const char *identity_difference(const struct identity *a, const struct identity *b);

#endif
