/* SPDX-License-Identifier: Apache-2.0 */
/* One row of the CSV of residents, its values checked (住民基本台帳法 7 条, 30 条の 45;
 * docs/REGISTER-CSV.md). */
#ifndef JUKI_REGISTER_RESIDENT_ROW_H
#define JUKI_REGISTER_RESIDENT_ROW_H

#include "identity/identity.h"
#include "register/csv.h"

struct resident_row { /* text is borrowed from the csv_row */
    struct str record, household_number, relationship;
    bool has_resident_code;   /* else the register draws one */
    struct identity identity; /* resident_code only when has_resident_code */
    struct str nationality, residence_status, residence_period;
    struct date residence_until; /* zeroed: none */
    struct str residence_category, residence_card_number;
    struct str town;
    struct area_code honseki_area;
    struct str honseki, honseki_head;
    struct date resident_since, address_since; /* address_since: resident_since when the cell is empty */
    enum municipal_reason entry_reason; /* one of the entries; EX_OFFICIO_ENTRY when the cell is empty */
    struct date notified_on;            /* zeroed: none */
    struct area_code moved_from_area;   /* 0: none, or from abroad */
    struct str moved_from_address;
    /* What a 転出証明書 also states (令23条); of words (resident_word.def) the name. Empty: it is not so. */
    struct str health_insurance, elderly_insurance, care_insurance, pension_category, child_allowance;
    struct str basic_pension_number; /* ten digits */
};

enum { RESIDENT_TEXT_MAX = 200 }; /* code points of 続柄, 在留資格, 町名, 本籍 and so on */

/* The Japanese name of a word that such a column holds; the word itself when there is none. */
const char *resident_word_ja(enum resident_column column, const char *word);
/* The first bad value is named by line and column, with the error of its own parser; ERR_FIELD_MISSING,
 * ERR_RESIDENT_NATIONALITY, ERR_RESIDENT_WORD, ERR_PENSION_NUMBER, ERR_RESIDENCE_CARD_NUMBER. */
MUST_CHECK enum err resident_row_parse(struct fail *f, const struct csv_row *row, struct resident_row *out);
/* Puts one value into a row, by its column's parser; an empty text removes it, ERR_FIELD_MISSING when it must
 * not be empty. What needs several columns is not looked at. */
MUST_CHECK enum err resident_row_set(struct fail *f, enum resident_column column, struct str text,
                                     struct resident_row *row);
/* What needs several columns: ERR_RESIDENT_NATIONALITY, those of person_name_check and address_check. */
MUST_CHECK enum err resident_row_check(struct fail *f, const struct resident_row *row);

#endif
