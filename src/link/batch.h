/* SPDX-License-Identifier: Apache-2.0 */
/* The signed header of a batch, and the receipt that answers it.
 *
 * Header: JWS (kid = origin) over {"origin","destination","epoch","first","count","root","previous","time"}:
 * root is the RFC 6962 root of the notices' leaves (H(0x00 ‖ u16 kind ‖ u16 version ‖ payload)), previous the
 * SHA-256 of the previous header's compact text (32 zero bytes before the first), both base64. Receipt: JWS
 * (kid = acceptor) over
 * {"from","to","epoch","sequence","header","refused":[{"sequence","error","field"}],"time"}: all up to
 * sequence is on the acceptor's disk; header is the SHA-256 of the header it answers; refused are the
 * exceptions. */
#ifndef JUKI_LINK_BATCH_H
#define JUKI_LINK_BATCH_H

#include "base/json.h"
#include "base/sha256.h"
#include "link/directory.h"
#include "link/frame.h"

enum { BATCH_NOTICES_MAX = 4000, BATCH_BYTES_MAX = 4 * 1024 * 1024, HEADER_TEXT_MAX = 4096 };

struct batch_header {
    char origin[NODE_NAME_SIZE], destination[NODE_NAME_SIZE];
    int64_t epoch, first, count, time;
    struct sha256 root, previous;
};
MUST_CHECK enum err batch_header_sign(struct fail *f, struct key *k, const struct batch_header *h,
                                      struct buf *out);
/* Checks that `node` signed the text with a key that was its own at the header's time, then the form.
 * ERR_LIMIT over HEADER_TEXT_MAX, and the errors of jws_verify and of the members. */
MUST_CHECK enum err batch_header_verify(struct fail *f, struct str text, const struct directory_node *node,
                                        struct batch_header *out);
struct sha256 batch_leaf(const struct frame *notice);

struct receipt_exception {
    int64_t sequence, error;
    char field[48];
};
struct receipt {
    char from[NODE_NAME_SIZE], to[NODE_NAME_SIZE];
    int64_t epoch, sequence, time;
    struct sha256 header;
    struct receipt_exception *refused; /* in the arena when read */
    size_t refused_count;
};
/* "[{...}]": the exceptions as JSON, also how they are stored. */
void receipt_exceptions_write(struct buf *out, const char *key, const struct receipt_exception *refused,
                              size_t count);
/* The exceptions in the member "refused". */
MUST_CHECK enum err receipt_exceptions_read(struct fail *f, const struct json *tree, struct arena *a,
                                            struct receipt *r);
MUST_CHECK enum err receipt_sign(struct fail *f, struct key *k, const struct receipt *r,
                                 struct str refused_json, struct buf *out);
MUST_CHECK enum err receipt_verify(struct fail *f, struct str text, const struct directory_node *node,
                                   struct arena *a, struct receipt *out);

/* base64 of 32 bytes as a JSON value, both ways. key names it in errors. */
void json_add_hash(struct buf *b, const char *key, struct sha256 hash);
MUST_CHECK enum err json_hash(struct fail *f, const struct json *v, const char *key, struct sha256 *out);

#endif
