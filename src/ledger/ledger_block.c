/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/ledger_block.h"

enum { LENGTH_BYTES = 2, CONTENT_MAX = BLOCK_BYTES + BLOCK_ENTRIES_MOST * LENGTH_BYTES };

void block_init(struct block *b)
{
    b->count = 0;
    buf_init(&b->bodies, BLOCK_BYTES);
    buf_init(&b->content, CONTENT_MAX);
}

void block_release(struct block *b)
{
    buf_release(&b->bodies);
    buf_release(&b->content);
}

void block_clear(struct block *b)
{
    b->count = 0;
    buf_clear(&b->bodies);
}

bool block_has_room(const struct block *b, size_t length)
{
    return b->count < BLOCK_ENTRIES && b->bodies.n + length <= BLOCK_BYTES;
}

void block_add(struct block *b, const uint8_t salt[static SALT_BYTES], struct str body)
{
    assert(b->count < BLOCK_ENTRIES_MOST && body.n <= UINT16_MAX);
    b->lengths[b->count] = (uint16_t)body.n;
    memcpy(b->salts[b->count++], salt, SALT_BYTES);
    buf_add_str(&b->bodies, body);
}

enum err block_pack(struct block *b, struct body_packer *p, struct fail *f, struct block_row *out)
{
    struct str content = buf_str(&b->bodies);
    if (b->count > 1) {
        buf_clear(&b->content);
        for (size_t i = 0; i < b->count; i++)
            buf_add_u16(&b->content, b->lengths[i]);
        buf_add_str(&b->content, buf_str(&b->bodies));
        content = buf_str(&b->content);
    }
    enum err e = buf_check(&b->bodies, f, "block");
    if (!e)
        e = buf_check(&b->content, f, "block");
    if (!e)
        e = body_pack(p, f, content, &out->form, &out->body);
    out->salt = (struct str){(const char *)b->salts, b->count * SALT_BYTES};
    return e;
}

static enum err damaged(const struct row_reader *r, struct fail *f)
{
    return fail_set(f, ERR_LEDGER_DAMAGED, "row", "entry %lld", (long long)(r->id - 1));
}

static size_t length_at(const struct row_reader *r, size_t i)
{
    const uint8_t *p = (const uint8_t *)r->lengths.p + i * LENGTH_BYTES;
    return (size_t)p[0] << 8 | p[1];
}

/* Cuts the lengths off and holds them against what follows. */
static enum err cut_lengths(struct row_reader *r, struct fail *f)
{
    size_t total = 0, head = r->count * LENGTH_BYTES;
    if (r->count == 1)
        return ERR_OK;
    if (r->bodies.n < head)
        return damaged(r, f);
    r->lengths = (struct str){r->bodies.p, head};
    r->bodies = (struct str){r->bodies.p + head, r->bodies.n - head};
    for (size_t i = 0; i < r->count; i++)
        total += length_at(r, i);
    return total == r->bodies.n ? ERR_OK : damaged(r, f);
}

enum err row_reader_init(struct row_reader *r, struct fail *f, const struct db_rows *rows,
                         struct body_packer *p)
{
    int64_t count = db_row_int(rows, 4);
    bool sound = count >= 1 && count <= BLOCK_ENTRIES_MOST;
    *r = (struct row_reader){.id = db_row_int(rows, 0), .count = 1, .gone = db_row_null(rows, 3)};
    if (count > 1)
        r->count = sound ? (size_t)count : BLOCK_ENTRIES_MOST;
    if (!sound)
        return damaged(r, f);
    if (r->gone)
        return ERR_OK;
    r->salts = db_row_bytes(rows, 2);
    if (r->salts.n != r->count * SALT_BYTES)
        return damaged(r, f);
    enum err e = body_unpack(p, f, db_row_int(rows, 1), db_row_bytes(rows, 3), &r->bodies);
    return e ? e : cut_lengths(r, f);
}

bool row_reader_next(struct row_reader *r, struct row_entry *out)
{
    if (r->at == r->count)
        return false;
    size_t i = r->at++, length = r->gone ? 0 : r->count == 1 ? r->bodies.n : length_at(r, i);
    *out = (struct row_entry){.id = r->id + (int64_t)i, .gone = r->gone || (r->count > 1 && !length)};
    if (out->gone)
        return true;
    out->salt = (const uint8_t *)r->salts.p + i * SALT_BYTES;
    out->body = (struct str){r->bodies.p, length};
    r->bodies = (struct str){r->bodies.p + length, r->bodies.n - length};
    return true;
}
