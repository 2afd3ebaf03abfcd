/* SPDX-License-Identifier: Apache-2.0 */
#include "print/paper_record.h"

enum { MAY = false, MUST = true };

#define FIELD(type, member, need, limit, text)                                                               \
    {.name = #member,                                                                                        \
     .label = (text),                                                                                        \
     .kind = PAPER_KIND_##type,                                                                              \
     .must = (need),                                                                                         \
     .offset = offsetof(struct HERE, member),                                                                \
     .most = (limit)},
#define LIST(of, member, fewest, limit, text)                                                                \
    {.name = #member,                                                                                        \
     .label = (text),                                                                                        \
     .kind = PAPER_KIND_LIST,                                                                                \
     .must = (fewest) > 0,                                                                                   \
     .offset = offsetof(struct HERE, member),                                                                \
     .least = (fewest),                                                                                      \
     .most = (limit),                                                                                        \
     .item = &paper_record_##of,                                                                             \
     .count_offset = offsetof(struct HERE, member##_count)},

#define HERE paper_certificate_person
static const struct paper_field certificate_person[] = {
#include "print/paper_certificate_person.def"
};
#undef HERE
#define HERE paper_certificate
static const struct paper_field certificate[] = {
#include "print/paper_certificate.def"
};
#undef HERE
#define HERE paper_mover
static const struct paper_field mover[] = {
#include "print/paper_mover.def"
};
#undef HERE
#define HERE paper_move_out
static const struct paper_field move_out[] = {
#include "print/paper_move_out.def"
};
#undef HERE
#define HERE paper_letter_remark
static const struct paper_field letter_remark[] = {
#include "print/paper_letter_remark.def"
};
#undef HERE
#define HERE paper_letter_row
static const struct paper_field letter_row[] = {
#include "print/paper_letter_row.def"
};
#undef HERE
#define HERE paper_letter_section
static const struct paper_field letter_section[] = {
#include "print/paper_letter_section.def"
};
#undef HERE
#define HERE paper_letter
static const struct paper_field letter[] = {
#include "print/paper_letter.def"
};
#undef HERE

#define RECORD(of) const struct paper_record paper_record_##of = {of, COUNT_OF(of), sizeof(struct paper_##of)}
RECORD(certificate_person);
RECORD(certificate);
RECORD(mover);
RECORD(move_out);
RECORD(letter_remark);
RECORD(letter_row);
RECORD(letter_section);
RECORD(letter);

const struct paper_field *paper_field_find(const struct paper_record *record, const char *name)
{
    for (size_t i = 0; i < record->count; i++)
        if (strcmp(record->fields[i].name, name) == 0)
            return &record->fields[i];
    return NULL;
}

const void *paper_field_items(const struct paper_field *field, const void *content, size_t *count)
{
    const void *items;
    memcpy(count, (const char *)content + field->count_offset, sizeof *count);
    memcpy(&items, paper_field_at(field, content), sizeof items);
    return items;
}
