/* SPDX-License-Identifier: Apache-2.0 */
/* Records of a paper as rows: what reads, writes and prints them without knowing which they are. Private to
 * print. */
#ifndef JUKI_PRINT_PAPER_RECORD_H
#define JUKI_PRINT_PAPER_RECORD_H

#include "print/paper.h"

enum paper_kind {
    PAPER_KIND_TEXT,
    PAPER_KIND_CODE,   /* 住民票コード */
    PAPER_KIND_NUMBER, /* 個人番号 */
    PAPER_KIND_DATE,
    PAPER_KIND_BIRTH,
    PAPER_KIND_SEX,
    PAPER_KIND_FLAG,
    PAPER_KIND_LIST
};
struct paper_field {
    const char *name, *label;
    enum paper_kind kind;
    bool must;
    size_t offset;
    size_t least, most; /* code points of a text, items of a list */
    /* of a list */
    const struct paper_record *item;
    size_t count_offset;
};
struct paper_record {
    const struct paper_field *fields;
    size_t count, size;
};
extern const struct paper_record paper_record_certificate, paper_record_certificate_person,
    paper_record_move_out, paper_record_mover, paper_record_letter, paper_record_letter_section,
    paper_record_letter_row, paper_record_letter_remark;

/* NULL when there is none of that name. */
const struct paper_field *paper_field_find(const struct paper_record *record, const char *name);
static inline const void *paper_field_at(const struct paper_field *field, const void *content)
{
    return (const char *)content + field->offset;
}
/* The items of a list, each item->size bytes. */
const void *paper_field_items(const struct paper_field *field, const void *content, size_t *count);

#endif
