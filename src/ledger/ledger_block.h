/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of ledger_entry: how entries are put into them and read out again.
 *
 * A row holds one entry, or a block: up to 256 entries that follow each other, packed together. Bodies are
 * alike, so a block takes fewer bytes than its entries alone, and one row's cost is shared by all of them.
 *
 *     id       of the first entry (index + 1)      entries   how many
 *     form     0: as it is, n: zstd with dictionary n (ledger_body.h)
 *     salt     16 bytes for each entry
 *     body     entries = 1: the body. More: the length of each body (u16), then the bodies one behind the
 * other
 *
 * Where retention has deleted a body its length and its salt are 0; where it has deleted all of a row, salt
 * and body are NULL. Leaves are hashes of single bodies as ever: the tree does not know how its entries are
 * stored. */
#ifndef JUKI_LEDGER_LEDGER_BLOCK_H
#define JUKI_LEDGER_LEDGER_BLOCK_H

#include "ledger/ledger_body.h"

enum {
    BLOCK_ENTRIES_MOST = 256,    /* that can be read */
    BLOCK_ENTRIES = 128,         /* that are written: reading one entry unpacks its block */
    BLOCK_BYTES = 96 * 1024,     /* a block is closed when its bodies would take more */
    BLOCK_BODY_MOST = 16 * 1024, /* a longer body gets a row of its own */
    SALT_BYTES = 16,
};

/* Writing: entries one by one, then the row. A zeroed one, with block_init, is empty. */
struct block {
    size_t count;
    uint16_t lengths[BLOCK_ENTRIES_MOST];
    uint8_t salts[BLOCK_ENTRIES_MOST][SALT_BYTES];
    struct buf bodies, content;
};
void block_init(struct block *b);
void block_release(struct block *b);
void block_clear(struct block *b);
bool block_has_room(const struct block *b, size_t length); /* for a body of at most BLOCK_BODY_MOST bytes */
/* body.n 0: one that was deleted. There is room. */
void block_add(struct block *b, const uint8_t salt[static SALT_BYTES], struct str body);
/* What the row's columns hold; borrows from b and p. A block of one entry is stored as the entry alone. */
struct block_row {
    int64_t form;
    struct str salt, body;
};
MUST_CHECK enum err block_pack(struct block *b, struct body_packer *p, struct fail *f, struct block_row *out);

/* Reading. */
struct row_entry {
    int64_t id;
    bool gone; /* its body was deleted: no salt, no body */
    const uint8_t *salt;
    struct str body;
};
struct row_reader {
    int64_t id;
    size_t count, at; /* entries of the row; the next one */
    bool gone;        /* all of them */
    struct str salts, lengths, bodies;
};
/* The row that `rows` stands on (id, form, salt, body, entries). Borrows from it and from p until its next
 * call. On ERR_LEDGER_DAMAGED and ERR_LEDGER_DICTIONARY id and count are set all the same, count to 1..256.
 */
MUST_CHECK enum err row_reader_init(struct row_reader *r, struct fail *f, const struct db_rows *rows,
                                    struct body_packer *p);
bool row_reader_next(struct row_reader *r, struct row_entry *out);

#endif
