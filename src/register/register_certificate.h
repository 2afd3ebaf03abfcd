/* SPDX-License-Identifier: Apache-2.0 */
/* 転入届の特例 (法24条の2) at a register: cards, 転出届 by card, and the 転出証明書情報 of other
 * municipalities, which are kept until their persons come and used when they file the 転入届 with the card.
 *
 * A 転出届 by card is a change event with `special` (docs/REGISTER-CSV.md); what it sends, corrects and takes
 * back goes by itself. Days are civil dates in Japan, the day of a 転入届 is today. */
#ifndef JUKI_REGISTER_REGISTER_CERTIFICATE_H
#define JUKI_REGISTER_REGISTER_CERTIFICATE_H

#include "base/json.h"
#include "register/register.h"

enum {
    CERTIFICATE_PLANNED_DAYS =
        30, /* 令24条の2: so many days after the planned day a 転入届 may still be filed by it, */
    CERTIFICATE_MOVED_DAYS = 14,    /* and so many after the move */
    CERTIFICATE_CONTINUE_DAYS = 90, /* 令30条の20: within which the card is to be continued */
};

/* The card of a record's person: {"issued_on","valid_until","form"?,"authenticity_code"?}. It takes the place
 * of another. ERR_NOT_FOUND, those of the values. */
MUST_CHECK enum err register_card_set(struct resident_register *r, struct fail *f, struct str record,
                                      const struct json *card);
/* The same, with "continuation_due" when something is due. ERR_NOT_FOUND: no record, or no card. */
MUST_CHECK enum err register_card_show(struct resident_register *r, struct fail *f, struct str record,
                                       struct buf *out);

struct register_certificate {
    struct area_code origin;
    char certificate[404];       /* the name of the 転出届 there */
    int64_t came;                /* stamp */
    struct date planned_on, due; /* due: the last day for a 転入届 by it, whatever the day of the move */
    int64_t persons, entered;
    bool withdrawn;
};
/* Keeps one that came as an answer (register_certificate_answer of the other end), as if it had been sent.
 * id: its name for ever. Errors of its form, ERR_DOOR_AREA when it is for another municipality. */
MUST_CHECK enum err register_certificate_keep(struct resident_register *r, struct fail *f, struct str id,
                                              const struct json *certificate);
/* All that came, in their order. */
MUST_CHECK enum err register_certificates(struct resident_register *r, struct fail *f,
                                          void (*each)(void *arg, const struct register_certificate *c),
                                          void *arg);
/* One as it came, with the records that were made of it: {"from","came","due","withdrawn","entered":{CODE:
 * RECORD}, "certificate":{...}}. Holds persons' codes and numbers. ERR_NOT_FOUND. */
MUST_CHECK enum err register_certificate_show(struct resident_register *r, struct fail *f,
                                              struct area_code origin, struct str certificate,
                                              struct buf *out);
/* A 転入届 by card: all persons that it names are entered, or none.
 *
 *     {"from":"282049","certificate":"g-1","event":"272035-e-9","change_date":"2026-04-01",
 *      "card":{"resident_code","issued_on","valid_until","form"?,"authenticity_code"?},
 *      "set":{"area_code","address","household_number",...},
 *      "persons":[{"resident_code","record","set"?:{"relationship",...}}, ...]}
 *
 * card: what the card said once its side had checked the PIN (src/card); absent, it was not presented. Values
 * are those that came, but the name of who has been here before is the one kept here; over them go "set" and
 * then the person's own "set", by the columns of docs/REGISTER-CSV.md. Events are named "EVENT/1", "EVENT/2"
 * ... Errors: ERR_CERTIFICATE_..., ERR_CARD_..., those of an entry; nothing is written then. first, last: the
 * changes. */
MUST_CHECK enum err register_certificate_enter(struct resident_register *r, struct fail *f,
                                               const struct json *filing, int64_t *first, int64_t *last);
/* What a 転出証明書 says of a person who is leaving, for printing:
 * {"paper":"move_out_certificate","title","mark"?,"issuer", "made_on","certificate":{...}}; alone, or all who
 * go by one 転出届 by card, marked 「特例による転出処理済」. ERR_NOT_FOUND, ERR_STATE when nobody is leaving.
 */
MUST_CHECK enum err register_certificate_paper(struct resident_register *r, struct fail *f, struct str record,
                                               struct buf *out);
/* The answer to a municipality where a person arrived who had planned to go elsewhere (or whose
 * 転出証明書情報 was lost):
 * question: flow/special_move_in/move_out_certificate_question.def. Appends the
 * message. ERR_NOT_FOUND (nobody, or more than one), ERR_CERTIFICATE_CARD (no 転出届 by card), ERR_STATE (not
 * leaving, or arrived elsewhere). */
MUST_CHECK enum err register_certificate_answer(struct resident_register *r, struct fail *f,
                                                const struct json *question, struct buf *out);

#endif
