/* SPDX-License-Identifier: Apache-2.0 */
/* A question of one node to another and its answer, each as a signed text.
 *
 * Question: JWS (kid = origin) over {"id","origin","destination","kind","version","epoch","time","deadline",
 * "body":{...}}: id is 128 random bits as 32 hexadecimal digits, deadline the milliseconds for which the
 * asker waits, body the kind's own. Answer: JWS (kid = the answerer) over
 * {"id","from","to","question","epoch","time"} and either "body":{...} or "error":{"number","field"}:
 * question is the SHA-256 of the question's compact text, base64. Promises: an answer that was read is that
 * of this very question, from the node that was asked. */
#ifndef JUKI_LINK_QUESTION_H
#define JUKI_LINK_QUESTION_H

#include "base/json.h"
#include "base/sha256.h"
#include "link/directory.h"

enum {
    QUESTION_ID_SIZE = 33,
    QUESTION_DEADLINE_MAX_MS = 120 * 1000,
    QUESTION_BODY_MAX = 32 * 1024,
    ANSWER_BODY_MAX = 512 * 1024,
    QUESTION_TEXT_MAX = 64 * 1024, /* of the JWS */
    ANSWER_TEXT_MAX = 768 * 1024
};

struct question {
    char id[QUESTION_ID_SIZE];
    char origin[NODE_NAME_SIZE], destination[NODE_NAME_SIZE];
    char kind[48]; /* its name in kind.def, or what the asker calls a kind that is unknown here */
    int64_t version, epoch, time, deadline_ms;
    struct str body; /* when written: the JSON object */
};
void question_id_new(char out[static QUESTION_ID_SIZE]);
MUST_CHECK enum err question_sign(struct fail *f, struct key *k, const struct question *q, struct buf *out);
/* Checks that `node` signed the text with a key that was its own at the question's time, then the form. *tree
 * is the caller's to free, *body borrows from it; out->body stays empty. ERR_LIMIT over QUESTION_TEXT_MAX,
 * ERR_SIGNATURE..., ERR_ORIGIN, ERR_QUESTION_FORM (id, kind), and the errors of the members. */
MUST_CHECK enum err question_verify(struct fail *f, struct str text, const struct directory_node *node,
                                    struct question *out, struct json **tree, const struct json **body);

struct answer {
    char id[QUESTION_ID_SIZE];
    char from[NODE_NAME_SIZE], to[NODE_NAME_SIZE];
    struct sha256 question; /* of the question's text */
    int64_t epoch, time;
    int64_t error; /* 0: there is a body */
    char field[48];
    struct str body; /* the JSON object; when read: in the arena, as it was signed but without spaces */
};
MUST_CHECK enum err answer_sign(struct fail *f, struct key *k, const struct answer *r, struct buf *out);
/* The answer of `node` to that question of ours, whose compact text is asked. Everything that makes it
 * another's answer is ERR_ANSWER_OTHER, with what differs as the field: signature, id, from, to, question.
 * ERR_LIMIT over ANSWER_TEXT_MAX, ERR_QUESTION_FORM (neither or both of body and error), and the errors of
 * the members. */
MUST_CHECK enum err answer_verify(struct fail *f, struct str text, const struct directory_node *node,
                                  const struct question *q, struct str asked, struct arena *a,
                                  struct answer *out);

#endif
