/* SPDX-License-Identifier: Apache-2.0 */
/* The telegram 837Y: Individual Numbers for a resident register, in fixed columns.
 *
 *     電文ID "837Y" X(4) | 対象となる人数 9(2) | 市町村コード X(5)
 *     { 住民票コード X(11) | 個人番号 X(12) } repeated 人数 times
 *     "$" LF
 *
 * The layout follows the only published glimpse of a CS's telegram (DOMAIN 1.3); that 837Y is the number
 * notice is inferred from its items. The municipality stands in its 5-digit form, without check digit. */
#ifndef JUKI_DOOR_TELEGRAM_837Y_H
#define JUKI_DOOR_TELEGRAM_837Y_H

#include "base/buf.h"
#include "identity/area_code.h"
#include "identity/individual_number.h"
#include "identity/resident_code.h"

enum { TELEGRAM_837Y_PERSONS = 99 };
struct telegram_person {
    struct resident_code code;
    struct individual_number number;
};
/* Appends one telegram; 1..99 persons, else ERR_TELEGRAM_COUNT. */
MUST_CHECK enum err telegram_837y_write(struct fail *f, struct area_code area,
                                        const struct telegram_person *persons, size_t count, struct buf *out);
/* Cuts one telegram off the front of *bytes. persons holds TELEGRAM_837Y_PERSONS. ERR_TELEGRAM_FORM, and the
 * errors of the numbers; *bytes is untouched on failure. */
MUST_CHECK enum err telegram_837y_read(struct fail *f, struct str *bytes, struct area_code *area,
                                       struct telegram_person *persons, size_t *count);

#endif
