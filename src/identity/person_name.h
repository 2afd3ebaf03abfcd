/* SPDX-License-Identifier: Apache-2.0 */
/* The name of a resident and how it is read: 氏名, 振り仮名, 旧氏, 通称 (住民基本台帳法 7 条 1 号, 1 号の 2;
 * 同法施行令 30 条の 13, 30 条の 16).
 *
 * Text is kept exactly as recorded, never normalised. Kana is katakana with one space between surname and
 * given name. What is not known about the kana is a state, not an invented text: nothing recorded (always so
 * for foreign residents), only the surname's kana, only the given name's. The limits are our own: the real
 * network's column widths are not published. Private-use characters are refused, since they mean another
 * character on each machine; the register sends 〓 in their place. */
#ifndef JUKI_IDENTITY_PERSON_NAME_H
#define JUKI_IDENTITY_PERSON_NAME_H

#include "base/buf.h"

enum { NAME_MAX_POINTS = 200, KANA_MAX_POINTS = 200 };
enum kana_state { KANA_NOT_RECORDED, KANA_RECORDED, KANA_SURNAME_ONLY, KANA_GIVEN_ONLY };

struct person_name { /* text is borrowed; n == 0 is "none" */
    struct str name; /* 「西宮　花子」 or roman letters; never empty in a valid record */
    struct str kana; /* the part that is known; empty when not recorded */
    enum kana_state kana_state;
    struct str former_name, former_name_kana; /* 旧氏: Japanese residents */
    struct str alias, alias_kana;             /* 通称: foreign residents */
};

/* The whole name by all rules above; foreign: a foreign resident's. Text has passed utf8_check. *f names the
 * field (name, name_kana, former_name, former_name_kana, alias, alias_kana) and the rule: ERR_FIELD_MISSING,
 * ERR_TEXT_LONG, ERR_TEXT_CHARACTER, ERR_TEXT_SPACE, ERR_KANA_CHARACTER, ERR_KANA_STATE, ERR_KANA_ALONE,
 * ERR_NAME_PART_FOREIGN, ERR_NAME_PART_JAPANESE. */
MUST_CHECK enum err person_name_check(struct fail *f, const struct person_name *name, bool foreign);
/* As screens and papers show it: the kana, `******`, 「ニシノミヤ　【名空欄】」, 「【氏空欄】　ハナコ」. */
void person_name_kana_text(const struct person_name *name, struct buf *out);
/* "recorded", "not_recorded", "surname_only", "given_only". */
const char *kana_state_name(enum kana_state state);
MUST_CHECK enum err kana_state_parse(struct fail *f, struct str text, enum kana_state *out);

#endif
