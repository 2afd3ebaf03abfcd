/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/special_move_in/special_move_in_message.h"

#define FIELD(type, name, must, most, ja, source) MESSAGE_FIELD(certificate_alias, type, name, must, most)
static const struct message_field alias_fields[] = {
#include "flow/special_move_in/certificate_alias.def"
};
#undef FIELD
#define LIST(item, name, must, most, ja, source)                                                             \
    MESSAGE_LIST_FIELD(certificate_person, item, name, must, most)
#define FIELD(type, name, must, most, ja, source) MESSAGE_FIELD(certificate_person, type, name, must, most)
static const struct message_field person_fields[] = {
#include "flow/special_move_in/certificate_person.def"
};
#undef FIELD
#undef LIST
#define FIELD(type, name, must, most, ja, source) MESSAGE_FIELD(move_out_certificate, type, name, must, most)
#define LIST(item, name, must, most, ja, source)                                                             \
    MESSAGE_LIST_FIELD(move_out_certificate, item, name, must, most)
static const struct message_field certificate_fields[] = {
#include "flow/special_move_in/move_out_certificate.def"
};
#undef FIELD
#undef LIST

#define FIELD(type, name, must, most, ja, source)                                                            \
    MESSAGE_FIELD(move_out_certificate_question, type, name, must, most)
static const struct message_field question_fields[] = {
#include "flow/special_move_in/move_out_certificate_question.def"
};
#undef FIELD

/* A card's items come together: 発行の日 and 満了日 are on every card. */
static enum err check_person(struct fail *f, const void *message)
{
    const struct certificate_person *p = message;
    if (date_known(p->card_issued_on) != date_known(p->card_valid_until))
        return fail_set(f, ERR_FIELD_MISSING,
                        date_known(p->card_issued_on) ? "card_valid_until" : "card_issued_on", NULL);
    if (p->foreign ? p->honseki.n || !p->nationality.n : p->nationality.n > 0)
        return fail_set(f, ERR_RESIDENT_NATIONALITY, "nationality", NULL);
    return ERR_OK;
}

static bool twice(const struct move_out_certificate *m, size_t i)
{
    bool found = false;
    for (size_t j = 0; !found && j < i; j++)
        found = resident_code_equal(certificate_person_at(m, i)->resident_code.value,
                                    certificate_person_at(m, j)->resident_code.value);
    return found;
}

/* Somebody goes, each is named once, and one of them at least has a card (法24条の2第1項), unless it is
 * withdrawn. */
static enum err check_certificate(struct fail *f, const void *message)
{
    const struct move_out_certificate *m = message;
    bool card = false;
    if (area_code_equal(m->area_code, m->destination_area_code))
        return fail_set(f, ERR_FIELD_RANGE, "destination_area_code", "the same as area_code");
    for (size_t i = 0; i < m->persons.count; i++) {
        card = card || certificate_has_card(certificate_person_at(m, i));
        if (twice(m, i))
            return fail_set(f, ERR_EXISTS, "persons", NULL);
    }
    return m->withdrawn || card ? ERR_OK : fail_set(f, ERR_FIELD_MISSING, "card_issued_on", NULL);
}

const struct message_form certificate_alias_form = {"certificate_alias", sizeof(struct certificate_alias),
                                                    alias_fields, COUNT_OF(alias_fields), NULL};
const struct message_form certificate_person_form = {"certificate_person", sizeof(struct certificate_person),
                                                     person_fields, COUNT_OF(person_fields), check_person};
const struct message_form move_out_certificate_form = {
    "move_out_certificate", sizeof(struct move_out_certificate), certificate_fields,
    COUNT_OF(certificate_fields), check_certificate};

/* By code, or by the three others together. */
static enum err check_question(struct fail *f, const void *message)
{
    const struct move_out_certificate_question *q = message;
    if (q->resident_code.has)
        return ERR_OK;
    if (!q->name.n)
        return fail_set(f, ERR_FIELD_MISSING, "resident_code", "or name, birth_date and sex");
    if (!date_to_int(q->birth_date) || !q->sex.has)
        return fail_set(f, ERR_FIELD_MISSING, q->sex.has ? "birth_date" : "sex", NULL);
    return ERR_OK;
}

const struct message_form move_out_certificate_question_form = {
    "move_out_certificate_question", sizeof(struct move_out_certificate_question), question_fields,
    COUNT_OF(question_fields), check_question};
