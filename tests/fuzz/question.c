/* SPDX-License-Identifier: Apache-2.0 */
/* Questions: nothing unsigned is taken, and what is taken, signed again from its values, reads the same. */
#include "signed.h"

#include "link/question.h"

static void check(struct question *q, const struct json *body, const struct directory_node *n)
{
    uint8_t public_key[ED25519_PUBLIC];
    struct question again;
    struct json *tree = NULL;
    const struct json *same;
    struct buf json, text;
    buf_init(&json, 1 << 20);
    buf_init(&text, 1 << 20);
    assert(strcmp(q->origin, "cs.282049") == 0 && strlen(q->id) == QUESTION_ID_SIZE - 1);
    json_add_tree(&json, NULL, body);
    q->body = buf_str(&json);
    enum err e = question_sign(NULL, signed_key(public_key), q, &text);
    assert(!e || e == ERR_LIMIT);
    if (!e && text.n <= QUESTION_TEXT_MAX) {
        assert(!question_verify(NULL, buf_str(&text), n, &again, &tree, &same));
        assert(strcmp(again.id, q->id) == 0 && strcmp(again.kind, q->kind) == 0);
        assert(strcmp(again.destination, q->destination) == 0 && again.version == q->version);
        assert(again.epoch == q->epoch && again.time == q->time && again.deadline_ms == q->deadline_ms);
        json_free(tree);
    }
    buf_release(&json);
    buf_release(&text);
}

void fuzz_target(struct str in)
{
    struct directory_key key = {.from = 1000, .until = INT64_MAX};
    struct directory_node n = {.keys = &key, .key_count = 1};
    struct question q;
    struct json *tree = NULL;
    const struct json *body = NULL;
    struct buf text;
    signed_key(key.public_key);
    assert(!node_name_parse(NULL, STR("cs.282049"), &n.name));
    buf_init(&text, 2 << 20);
    signed_text(&in, STR("cs.282049"), &text);
    if (!question_verify(NULL, buf_str(&text), &n, &q, &tree, &body)) {
        check(&q, body, &n);
        json_free(tree);
        text.p[text.n / 2] ^= 1;
        assert(question_verify(NULL, buf_str(&text), &n, &q, &tree, &body));
    }
    buf_release(&text);
}
