/* SPDX-License-Identifier: Apache-2.0 */
/* A file sealed under a secret key: what it says of itself in clear, and content that only the key opens.
 * Neither can be changed, cut, put in another order or mixed with another file's without being refused.
 *
 *     "juki-sealed 1\n"   4 bytes: the key's id   u32 length of the header   header   32 random bytes
 *     chunk 0, 1, 2 ...:  u32 length n, its top bit set on the last one   n bytes of ciphertext   16 bytes
 * tag
 *
 * Numbers are big-endian. The file's own key is HKDF-SHA256(secret; salt: the random bytes; info: SHA-256 of
 * all that stands before them), so no chunk opens under another header or in another file. Chunks are
 * AES-256-GCM; the nonce is u32 0 ‖ u64 number of the chunk, the associated data the four bytes of its
 * length. Chunk 0 is empty and proves the header alone; others hold up to 256 KiB. Whoever has the key can
 * read and make such files, nobody else either. */
#ifndef JUKI_KEYS_SEALED_H
#define JUKI_KEYS_SEALED_H

#include "base/buf.h"

enum { SEALED_KEY_BYTES = 32, SEALED_ID_SIZE = 9, SEALED_HEADER_MAX = 256 * 1024 };

/* The file of a key is one line, "juki-key 1 ID BASE64URL": ID, the first 8 hexadecimal digits of the
 * secret's SHA-256, shows a mistake when the line was typed from paper, and names the key without telling it.
 */
struct sealed_key {
    uint8_t bytes[SEALED_KEY_BYTES];
    char id[SEALED_ID_SIZE];
};
/* Draws a new key into a file (mode 0600). ERR_EXISTS rather than overwrite. */
MUST_CHECK enum err sealed_key_create(struct fail *f, const char *path, struct sealed_key *out);
/* ERR_NOT_FOUND, ERR_KEY_PERMISSION, ERR_KEY_KIND. */
MUST_CHECK enum err sealed_key_read(struct fail *f, const char *path, struct sealed_key *out);
void sealed_key_wipe(struct sealed_key *key);

/* Writes to a descriptor from where it stands. */
struct sealed_writer;
MUST_CHECK enum err sealed_writer_new(struct fail *f, int fd, const struct sealed_key *key, struct str header,
                                      struct sealed_writer **out);
MUST_CHECK enum err sealed_write(struct sealed_writer *w, struct fail *f, struct str bytes);
/* Without this the file is one that was cut. The caller syncs. */
MUST_CHECK enum err sealed_writer_end(struct sealed_writer *w, struct fail *f);
void sealed_writer_free(struct sealed_writer *w);

/* Appends what a file says of itself, not proved. id (may be NULL): of the key it was sealed with.
 * ERR_SEALED_FORM. */
MUST_CHECK enum err sealed_peek(struct fail *f, int fd, struct buf *header, char id[SEALED_ID_SIZE]);
/* Reads from a descriptor; the header is appended once it is proved. ERR_SEALED_FORM; ERR_SEALED_KEY: another
 * key's; ERR_SEALED: changed, cut or mixed. */
struct sealed_reader;
MUST_CHECK enum err sealed_reader_new(struct fail *f, int fd, const struct sealed_key *key,
                                      struct buf *header, struct sealed_reader **out);
/* Exactly n bytes, none of them before its chunk was proved. ERR_SEALED also when there are fewer. */
MUST_CHECK enum err sealed_read(struct sealed_reader *r, struct fail *f, void *out, size_t n);
/* Was everything read, and is the end the end? ERR_SEALED. */
MUST_CHECK enum err sealed_reader_end(struct sealed_reader *r, struct fail *f);
void sealed_reader_free(struct sealed_reader *r);

#endif
