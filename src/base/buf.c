/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_release(struct buf *b)
{
    if (b->p)
        explicit_bzero(b->p, b->n);
    memory_free(b->p);
    *b = (struct buf){.max = b->max};
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->broken = b->starved = false;
    if (b->p)
        b->p[0] = 0;
}

static bool buf_grow(struct buf *b, size_t n)
{
    if (b->broken || n > b->max - b->n) {
        b->broken = true;
        return false;
    }
    size_t need = b->n + n + 1;
    if (need <= b->size)
        return true;
    size_t size = b->size ? b->size : 256;
    while (size < need)
        size *= 2;
    char *p = memory_new(size);
    if (!p) {
        b->broken = b->starved = true;
        return false;
    }
    if (b->p) {
        memcpy(p, b->p, b->n);
        explicit_bzero(b->p, b->n);
        memory_free(b->p);
    }
    b->p = p;
    b->size = size;
    return true;
}

char *buf_reserve(struct buf *b, size_t n)
{
    if (!buf_grow(b, n))
        return NULL;
    char *at = b->p + b->n;
    b->n += n;
    b->p[b->n] = 0;
    return at;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    char *at = n ? buf_reserve(b, n) : NULL;
    if (at)
        memcpy(at, p, n);
}

void buf_add_str(struct buf *b, struct str s)
{
    buf_add(b, s.p, s.n);
}

void buf_add_char(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_add_format(struct buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    size_t at = b->n;
    if (n < 0 || !buf_reserve(b, (size_t)n)) {
        b->broken = true;
        return;
    }
    va_start(args, fmt);
    vsnprintf(b->p + at, (size_t)n + 1, fmt, args);
    va_end(args);
}

static void add_big_endian(struct buf *b, uint64_t v, size_t bytes)
{
    unsigned char out[8];
    for (size_t i = 0; i < bytes; i++)
        out[i] = (unsigned char)(v >> (8 * (bytes - 1 - i)));
    buf_add(b, out, bytes);
}

void buf_add_u8(struct buf *b, uint8_t v)
{
    add_big_endian(b, v, 1);
}

void buf_add_u16(struct buf *b, uint16_t v)
{
    add_big_endian(b, v, 2);
}

void buf_add_u32(struct buf *b, uint32_t v)
{
    add_big_endian(b, v, 4);
}

void buf_add_u64(struct buf *b, uint64_t v)
{
    add_big_endian(b, v, 8);
}

enum err buf_check(const struct buf *b, struct fail *f, const char *field)
{
    if (b->starved)
        return fail_set(f, ERR_MEMORY, field, NULL);
    return b->broken ? fail_set(f, ERR_LIMIT, field, "%zu bytes at most", b->max) : ERR_OK;
}
