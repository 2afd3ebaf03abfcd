/* SPDX-License-Identifier: Apache-2.0 */
/* Decides whether a text is the question it says it is, and whether an answer belongs to it. What binds them
 * is the hash of the signed question: an answer to another question, or to the same one in other bytes, has
 * another. */
#include "link/question.h"

#include "base/random.h"
#include "keys/jws.h"
#include "link/batch.h"
#include "link/node_signed.h"

#include <stdio.h>

enum { READING_MEMORY = 64 * 1024 };

void question_id_new(char out[static QUESTION_ID_SIZE])
{
    uint8_t bytes[(QUESTION_ID_SIZE - 1) / 2];
    random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

enum err question_sign(struct fail *f, struct key *k, const struct question *q, struct buf *out)
{
    struct buf b;
    if (q->body.n > QUESTION_BODY_MAX)
        return fail_set(f, ERR_LIMIT, "body", "%d bytes at most", QUESTION_BODY_MAX);
    buf_init(&b, QUESTION_TEXT_MAX);
    json_begin(&b, NULL, '{');
    json_add_text(&b, "id", str_of(q->id));
    json_add_text(&b, "origin", str_of(q->origin));
    json_add_text(&b, "destination", str_of(q->destination));
    json_add_text(&b, "kind", str_of(q->kind));
    json_add_int(&b, "version", q->version);
    json_add_int(&b, "epoch", q->epoch);
    json_add_int(&b, "time", q->time);
    json_add_int(&b, "deadline", q->deadline_ms);
    json_add_raw(&b, "body", q->body);
    json_end(&b, '}');
    enum err e = buf_check(&b, f, "question");
    if (!e)
        e = jws_sign(f, k, str_of(q->origin), buf_str(&b), out);
    buf_release(&b);
    return e;
}

static enum err member_id(struct fail *f, const struct json *tree, struct arena *a,
                          char out[static QUESTION_ID_SIZE])
{
    struct str id = {NULL, 0};
    enum err e = json_member_text(f, tree, "id", a, &id);
    if (e)
        return e;
    if (id.n != QUESTION_ID_SIZE - 1 || strspn(id.p, "0123456789abcdef") != id.n)
        return fail_set(f, ERR_QUESTION_FORM, "id", "32 hexadecimal digits are required");
    memcpy(out, id.p, QUESTION_ID_SIZE);
    return ERR_OK;
}

/* A name as kind.def has them: small letters and underscores, so that it may stand in a log. */
static enum err member_kind(struct fail *f, const struct json *tree, struct arena *a, char *out, size_t size)
{
    struct str kind = {NULL, 0};
    enum err e = json_member_text(f, tree, "kind", a, &kind);
    if (e)
        return e;
    if (kind.n == 0 || kind.n >= size || strspn(kind.p, "abcdefghijklmnopqrstuvwxyz_") != kind.n)
        return fail_set(f, ERR_QUESTION_FORM, "kind", NULL);
    memcpy(out, kind.p, kind.n + 1);
    return ERR_OK;
}

static enum err question_parse(struct fail *f, const struct json *tree, struct arena *a, struct question *q,
                               const struct json **body)
{
    enum err e;
    if ((e = member_id(f, tree, a, q->id)) || (e = json_member_node(f, tree, "origin", a, q->origin)) ||
        (e = json_member_node(f, tree, "destination", a, q->destination)) ||
        (e = member_kind(f, tree, a, q->kind, sizeof q->kind)) ||
        (e = json_member_int(f, tree, "version", 1, UINT16_MAX, &q->version)) ||
        (e = json_member_int(f, tree, "epoch", 1, INT64_MAX, &q->epoch)) ||
        (e = json_member_int(f, tree, "time", 0, INT64_MAX, &q->time)) ||
        (e = json_member_int(f, tree, "deadline", 1, QUESTION_DEADLINE_MAX_MS, &q->deadline_ms)))
        return e;
    return json_member_object(f, tree, "body", body);
}

enum err question_verify(struct fail *f, struct str text, const struct directory_node *node,
                         struct question *out, struct json **tree, const struct json **body)
{
    const struct directory_key *key = NULL;
    struct question q = {.version = 0};
    struct json *read = NULL;
    struct arena a;
    if (text.n > QUESTION_TEXT_MAX)
        return fail_set(f, ERR_LIMIT, "question", "%d bytes at most", QUESTION_TEXT_MAX);
    enum err e = node_signed_read(f, text, node, &read, &key);
    if (e)
        return e;
    arena_init(&a, READING_MEMORY);
    e = question_parse(f, read, &a, &q, body);
    if (!e)
        e = node_signed_time(f, key, q.time);
    if (!e && strcmp(q.origin, node->name.text) != 0)
        e = fail_set(f, ERR_ORIGIN, "origin", "%s signed by %s", q.origin, node->name.text);
    arena_release(&a);
    if (e) {
        json_free(read);
        return e;
    }
    *tree = read;
    *out = q;
    return ERR_OK;
}

enum err answer_sign(struct fail *f, struct key *k, const struct answer *r, struct buf *out)
{
    struct buf b;
    if (r->body.n > ANSWER_BODY_MAX)
        return fail_set(f, ERR_LIMIT, "body", "%d bytes at most", ANSWER_BODY_MAX);
    buf_init(&b, ANSWER_TEXT_MAX);
    json_begin(&b, NULL, '{');
    json_add_text(&b, "id", str_of(r->id));
    json_add_text(&b, "from", str_of(r->from));
    json_add_text(&b, "to", str_of(r->to));
    json_add_hash(&b, "question", r->question);
    json_add_int(&b, "epoch", r->epoch);
    json_add_int(&b, "time", r->time);
    if (r->error) {
        json_begin(&b, "error", '{');
        json_add_int(&b, "number", r->error);
        json_add_text(&b, "field", str_of(r->field));
        json_end(&b, '}');
    } else {
        json_add_raw(&b, "body", r->body);
    }
    json_end(&b, '}');
    enum err e = buf_check(&b, f, "answer");
    if (!e)
        e = jws_sign(f, k, str_of(r->from), buf_str(&b), out);
    buf_release(&b);
    return e;
}

static enum err member_error(struct fail *f, const struct json *error, struct arena *a, struct answer *r)
{
    struct str field = {"", 0};
    enum err e = json_member_int(f, error, "number", 1, INT32_MAX, &r->error);
    if (!e)
        e = json_member_text(f, error, "field", a, &field);
    if (e)
        return e;
    snprintf(r->field, sizeof r->field, "%.*s", STR_ARG(field));
    utf8_drop_cut(r->field);
    return ERR_OK;
}

static enum err member_body(struct fail *f, const struct json *body, struct arena *a, struct answer *r)
{
    struct buf text;
    buf_init(&text, ANSWER_TEXT_MAX);
    json_add_tree(&text, NULL, body);
    enum err e = buf_check(&text, f, "body");
    if (!e && !(r->body = arena_copy(a, buf_str(&text))).p)
        e = fail_set(f, ERR_MEMORY, "body", NULL);
    buf_release(&text);
    return e;
}

static enum err answer_parse(struct fail *f, const struct json *tree, struct arena *a, struct answer *r)
{
    const struct json *body = json_get(tree, "body"), *error = json_get(tree, "error");
    enum err e;
    if ((e = member_id(f, tree, a, r->id)) || (e = json_member_node(f, tree, "from", a, r->from)) ||
        (e = json_member_node(f, tree, "to", a, r->to)) ||
        (e = json_hash(f, json_get(tree, "question"), "question", &r->question)) ||
        (e = json_member_int(f, tree, "epoch", 1, INT64_MAX, &r->epoch)) ||
        (e = json_member_int(f, tree, "time", 0, INT64_MAX, &r->time)))
        return e;
    if (json_is(body, JSON_OBJECT) == json_is(error, JSON_OBJECT))
        return fail_set(f, ERR_QUESTION_FORM, "body", "either body or error is required");
    return json_is(body, JSON_OBJECT) ? member_body(f, body, a, r) : member_error(f, error, a, r);
}

/* The first thing in which it is not the answer to this question. */
static enum err check_binding(struct fail *f, const struct answer *r, const struct question *q,
                              struct str asked)
{
    if (strcmp(r->id, q->id) != 0)
        return fail_set(f, ERR_ANSWER_OTHER, "id", "%s instead of %s", r->id, q->id);
    if (!sha256_equal(r->question, sha256_of(asked)))
        return fail_set(f, ERR_ANSWER_OTHER, "question", "%s", q->id);
    if (strcmp(r->from, q->destination) != 0)
        return fail_set(f, ERR_ANSWER_OTHER, "from", "%s instead of %s", r->from, q->destination);
    if (strcmp(r->to, q->origin) != 0)
        return fail_set(f, ERR_ANSWER_OTHER, "to", "%s instead of %s", r->to, q->origin);
    return ERR_OK;
}

enum err answer_verify(struct fail *f, struct str text, const struct directory_node *node,
                       const struct question *q, struct str asked, struct arena *a, struct answer *out)
{
    const struct directory_key *key = NULL;
    struct answer r = {.error = 0};
    struct json *tree = NULL;
    if (text.n > ANSWER_TEXT_MAX)
        return fail_set(f, ERR_LIMIT, "answer", "%d bytes at most", ANSWER_TEXT_MAX);
    enum err e = node_signed_read(f, text, node, &tree, &key);
    if (e == ERR_SIGNATURE || e == ERR_SIGNATURE_FORM)
        return fail_set(f, ERR_ANSWER_OTHER, "signature", "%s did not sign it", node->name.text);
    if (e)
        return e;
    e = answer_parse(f, tree, a, &r);
    if (!e && node_signed_time(NULL, key, r.time))
        e = fail_set(f, ERR_ANSWER_OTHER, "signature", "the key was not in force then");
    if (!e)
        e = check_binding(f, &r, q, asked);
    json_free(tree);
    if (!e)
        *out = r;
    return e;
}
