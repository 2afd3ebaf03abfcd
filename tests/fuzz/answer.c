/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: only what its node signed for this very question is taken, and it is no other question's. */
#include "signed.h"

#include "link/question.h"

void fuzz_target(struct str in)
{
    struct directory_key key = {.from = 1000, .until = INT64_MAX};
    struct directory_node n = {.keys = &key, .key_count = 1};
    const struct question q = {
        .id = "00112233445566778899aabbccddeeff", .origin = "cs.282049", .destination = "cs.131016"};
    struct question other = q;
    struct answer r, again;
    struct buf text;
    struct arena a;
    signed_key(key.public_key);
    assert(!node_name_parse(NULL, STR("cs.131016"), &n.name));
    buf_init(&text, 2 << 20);
    arena_init(&a, 16 << 20);
    signed_text(&in, STR("cs.131016"), &text);
    if (!answer_verify(NULL, buf_str(&text), &n, &q, STR("asked"), &a, &r)) {
        assert(strcmp(r.id, q.id) == 0 && sha256_equal(r.question, sha256_of(STR("asked"))));
        assert((r.error == 0) == (r.body.n > 0));
        other.id[0] ^= 1;
        assert(answer_verify(NULL, buf_str(&text), &n, &other, STR("asked"), &a, &again) == ERR_ANSWER_OTHER);
        assert(answer_verify(NULL, buf_str(&text), &n, &q, STR("other"), &a, &again) == ERR_ANSWER_OTHER);
    }
    buf_release(&text);
    arena_release(&a);
}
