/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of 転入届の特例 share. Private to src/register. */
#ifndef JUKI_REGISTER_REGISTER_CERTIFICATE_INSIDE_H
#define JUKI_REGISTER_REGISTER_CERTIFICATE_INSIDE_H

#include "flow/special_move_in/special_move_in_message.h"
#include "register/register_certificate.h"
#include "register/register_inside.h"

/* ---- cards (register_card.c) ---- */

struct card_items {
    struct date issued_on, valid_until;
    struct str form, authenticity_code;
    struct date continuation_due; /* zeroed: nothing is due */
};
/* Text lies in the arena. */
MUST_CHECK enum err card_items_read(struct fail *f, const struct json *card, struct arena *a,
                                    struct card_items *out);
MUST_CHECK enum err card_items_get(struct db_tx *tx, struct fail *f, struct arena *a, int64_t person,
                                   struct card_items *out, bool *found);
MUST_CHECK enum err card_items_set(struct db_tx *tx, struct fail *f, int64_t person,
                                   const struct card_items *items);

/* ---- a person in a 転出証明書情報 (certificate_person.c) ---- */

/* What is said of v, with the card of its person. Text lies in the arena, or is v's. */
MUST_CHECK enum err certificate_person_make(struct db_tx *tx, struct fail *f, struct arena *a,
                                            const struct resident_version *v, struct certificate_person *out);
/* The same as cells of an entry: what is absent stays as it is. */
MUST_CHECK enum err certificate_person_fill(struct fail *f, struct arena *a,
                                            const struct certificate_person *p, struct change_event *event);
/* Puts a value into the event. */
static inline void change_event_put(struct change_event *event, enum resident_column column, struct str text)
{
    event->set |= UINT64_C(1) << column;
    event->value.cell[column] = text;
}
/* Aliases that v's person had, here and before, for a message; and keeps those that came with a person. */
MUST_CHECK enum err alias_history_make(struct db_tx *tx, struct fail *f, struct arena *a,
                                       const struct resident_version *v, struct message_list *out);
MUST_CHECK enum err alias_history_keep(struct db_tx *tx, struct fail *f, int64_t person,
                                       const struct message_list *aliases);
/* The name of a household's 世帯主; empty when there is none. */
MUST_CHECK enum err register_householder(struct db_tx *tx, struct fail *f, struct arena *a,
                                         struct str household, struct str *name);

/* ---- the new municipality (register_certificate.c) ---- */

struct kept_certificate {
    int64_t place, came; /* in the order in which they came; stamp */
    struct move_out_certificate message;
};
/* As it came; text lies in the arena. ERR_NOT_FOUND. */
MUST_CHECK enum err kept_certificate_get(struct db_tx *tx, struct fail *f, struct arena *a,
                                         struct area_code origin, struct str certificate,
                                         struct kept_certificate *out);

/* ---- the old municipality (register_departure.c) ---- */

/* By which 転出届 by card the person goes; empty: none. */
MUST_CHECK enum err register_departure_find(struct db_tx *tx, struct fail *f, struct arena *a, int64_t person,
                                            struct str *certificate);
/* The content for who is leaving: of all who go by one 転出届 by card (*special), else of v alone. */
MUST_CHECK enum err register_departure_make(struct db_tx *tx, struct fail *f, struct arena *a,
                                            const struct resident_version *v, struct move_out_certificate *m,
                                            bool *special);

#endif
