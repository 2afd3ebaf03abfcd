/* SPDX-License-Identifier: Apache-2.0 */
/* 変更情報: why an identity record changed. The complete legal set (住民基本台帳法施行令 30 条の 5, 施行規則
 * 11 条), one row each in change_reason.def, and the reasons a register knows (住民記録システム標準仕様書,
 * 異動事由), each mapped onto a legal one or onto "nothing is sent", in municipal_reason.def.
 *
 * The numbers are our own and replaceable: those of the real network are not published. */
#ifndef JUKI_IDENTITY_CHANGE_REASON_H
#define JUKI_IDENTITY_CHANGE_REASON_H

#include "base/str.h"

enum change_group {
    CHANGE_ENTRY,            /* 記載 */
    CHANGE_REMOVAL,          /* 消除 */
    CHANGE_AMENDMENT,        /* 氏名、生年月日、性別、住所の修正 */
    CHANGE_CODE_AMENDMENT,   /* 住民票コードの修正 */
    CHANGE_NUMBER_AMENDMENT, /* 個人番号の修正 */
    CHANGE_CONFIRMATION,     /* 転出確定: not of an identity notice */
};
enum change_reason {
    CHANGE_NONE = 0, /* nothing is sent; never in a record */
#define REASON(name, number, group, json, ja, planned, old_code, old_number, revokes)                        \
    CHANGE_##name = (number),
#include "identity/change_reason.def"
#undef REASON
};
enum carry { NEVER, MAY, MUST, MUST_OR_NOT_RECORDED };
struct change_row {
    enum change_reason reason;
    enum change_group group;
    const char *name;      /* "move_in" */
    const char *ja;        /* 「転入等」 */
    enum carry planned;    /* the date may be a planned one (転出届) */
    enum carry old_code;   /* 修正前の住民票コード, or that none was recorded */
    enum carry old_number; /* 修正前の個人番号, or that none was recorded */
    bool revokes_signing; /* ends the certificate for signing (公的個人認証法 12 条); 軽微な修正 does not */
};
/* NULL for CHANGE_NONE and unknown numbers. */
const struct change_row *change_row(enum change_reason reason);
const struct change_row *change_rows(size_t *count);
/* "move_in". ERR_CHANGE_REASON. */
MUST_CHECK enum err change_reason_parse(struct fail *f, struct str text, enum change_reason *out);
/* As stored. ERR_CHANGE_REASON. */
MUST_CHECK enum err change_reason_from_int(struct fail *f, int64_t number, enum change_reason *out);
/* "entry" .. "individual_number_amendment"; and 「記載」... */
const char *change_group_name(enum change_group group);
const char *change_group_ja(enum change_group group);

enum municipal_reason {
#define MUNICIPAL(name, number, group, json, ja, legal) MUNICIPAL_##name = (number),
#include "identity/municipal_reason.def"
#undef MUNICIPAL
};
struct municipal_row {
    enum municipal_reason reason;
    enum change_group group;  /* what it is in the register: entry, removal or amendment */
    const char *name, *ja;    /* "domestic_move_in", 「国内転入」 */
    enum change_reason legal; /* CHANGE_NONE: the network is not told */
};
const struct municipal_row *municipal_row(enum municipal_reason reason); /* NULL when unknown */
const struct municipal_row *municipal_rows(size_t *count);
/* ERR_CHANGE_REASON. */
MUST_CHECK enum err municipal_reason_parse(struct fail *f, struct str text, enum municipal_reason *out);

#endif
