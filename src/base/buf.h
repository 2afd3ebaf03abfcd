/* SPDX-License-Identifier: Apache-2.0 */
/* A byte buffer that grows up to a maximum given at birth.
 *
 * Invariants: p[n] is 0 whenever p is not NULL; n <= max. A write that does not fit sets `broken` and changes
 * nothing more: writers may ignore each result and ask buf_check once at the end. */
#ifndef JUKI_BASE_BUF_H
#define JUKI_BASE_BUF_H

#include "base/arena.h"

struct buf {
    char *p;
    size_t n, max, size; /* used, maximum, allocated */
    bool broken, starved; /* starved: broken because the machine gave no memory */
};

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b); /* wipes */
void buf_clear(struct buf *b);   /* n = 0, keeps the memory, mends `broken` and `starved` */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_str(struct buf *b, struct str s);
void buf_add_char(struct buf *b, char c);
void buf_add_format(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_add_u8(struct buf *b, uint8_t v);
void buf_add_u16(struct buf *b, uint16_t v); /* big-endian, as all numbers on the wire */
void buf_add_u32(struct buf *b, uint32_t v);
void buf_add_u64(struct buf *b, uint64_t v);
/* Room for n more bytes that the caller fills; NULL when it does not fit. n grows at once. */
char *buf_reserve(struct buf *b, size_t n);
/* ERR_LIMIT when anything did not fit, ERR_MEMORY when there was no memory for it: that says nothing about the bytes. */
MUST_CHECK enum err buf_check(const struct buf *b, struct fail *f, const char *field);
static inline struct str buf_str(const struct buf *b)
{
    return (struct str){b->p ? b->p : "", b->n};
}

#endif
