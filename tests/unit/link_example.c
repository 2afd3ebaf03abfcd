/* SPDX-License-Identifier: Apache-2.0 */
/* The worked example of docs/PROTOCOL.md is what the code makes: each value stands there, letter by letter.
 */
#include "base/arena.h"
#include "base/encode.h"
#include "base/file.h"
#include "ledger/merkle.h"
#include "link/batch.h"
#include "link/question.h"
#include "test.h"

#include <stdlib.h>

static const char *const payloads[] = {
    "{\"id\":\"cs.282049/prefecture.28/1\",\"time\":1763797500000000,\"body\":{\"a\":1}}",
    "{\"id\":\"cs.282049/prefecture.28/2\",\"time\":1763797500000001,\"body\":{\"a\":2}}",
};

static struct buf document;

static void stands_there(const char *what, struct str value)
{
    if (!memmem(document.p, document.n, value.p, value.n))
        fail_msg("docs/PROTOCOL.md lacks the %s: %.*s", what, STR_ARG(value));
}

static void hash_stands_there(const char *what, struct sha256 hash)
{
    struct buf hex;
    buf_init(&hex, 64);
    encode_hex(&hex, hash.bytes, sizeof hash.bytes);
    stands_there(what, buf_str(&hex));
    buf_release(&hex);
}

static void frame_stands_there(const struct frame *frame)
{
    struct buf wire, hex;
    buf_init(&wire, 4096);
    buf_init(&hex, 64);
    frame_write(&wire, frame);
    encode_hex(&hex, wire.p, FRAME_HEADER);
    stands_there("frame header", buf_str(&hex));
    buf_release(&wire);
    buf_release(&hex);
}

static void the_example_is_true(void **state UNUSED)
{
    uint8_t seed[ED25519_SEED], public_key[ED25519_PUBLIC];
    struct merkle_frontier tree = {0};
    struct batch_header h = {.origin = "cs.282049",
                             .destination = "prefecture.28",
                             .epoch = 1,
                             .first = 1,
                             .count = 2,
                             .time = 1763797501000000};
    struct key *key = NULL;
    struct buf text, path;
    for (size_t i = 0; i < sizeof seed; i++)
        seed[i] = (uint8_t)i;
    assert_ok(key_from_seed(NULL, seed, &key));
    assert_ok(key_public(NULL, key, public_key));
    buf_init(&document, 1 << 20);
    buf_init(&text, HEADER_TEXT_MAX);
    buf_init(&path, 4096);
    buf_add_format(&path, "%s/docs/PROTOCOL.md", getenv("JUKI_SOURCE"));
    assert_ok(file_read(NULL, path.p, &document));
    for (size_t i = 0; i < COUNT_OF(payloads); i++) {
        const struct frame frame = {10, 1, 2, str_of(payloads[i])};
        stands_there("payload", frame.payload);
        frame_stands_there(&frame);
        hash_stands_there("leaf", batch_leaf(&frame));
        merkle_append(&tree, batch_leaf(&frame));
    }
    h.root = merkle_root(&tree);
    hash_stands_there("root", h.root);
    assert_ok(batch_header_sign(NULL, key, &h, &text));
    stands_there("header", buf_str(&text));
    hash_stands_there("chain", sha256_of(buf_str(&text)));
    struct sha256 public_bytes;
    memcpy(public_bytes.bytes, public_key, sizeof public_key);
    hash_stands_there("public key", public_bytes);
    key_free(key);
    buf_release(&document);
    buf_release(&text);
    buf_release(&path);
}

static void the_example_of_a_question_is_true(void **state UNUSED)
{
    struct question q = {.id = "00112233445566778899aabbccddeeff",
                         .origin = "cs.282049",
                         .destination = "cs.131016",
                         .kind = "wide_area_certificate",
                         .version = 1,
                         .epoch = 1,
                         .time = 1763797501000000,
                         .deadline_ms = 10000,
                         .body = STR("{\"a\":1}")};
    struct answer r = {.from = "cs.131016",
                       .to = "cs.282049",
                       .epoch = 1,
                       .time = 1763797501200000,
                       .body = STR("{\"b\":2}")};
    uint8_t seeds[2][ED25519_SEED];
    struct key *keys[2] = {NULL, NULL};
    struct buf asked, answered, path;
    for (size_t i = 0; i < ED25519_SEED; i++) {
        seeds[0][i] = (uint8_t)i;
        seeds[1][i] = (uint8_t)(32 + i);
    }
    for (int i = 0; i < 2; i++)
        assert_ok(key_from_seed(NULL, seeds[i], &keys[i]));
    buf_init(&document, 1 << 20);
    buf_init(&asked, QUESTION_TEXT_MAX);
    buf_init(&answered, ANSWER_TEXT_MAX);
    buf_init(&path, 4096);
    buf_add_format(&path, "%s/docs/PROTOCOL.md", getenv("JUKI_SOURCE"));
    assert_ok(file_read(NULL, path.p, &document));
    assert_ok(question_sign(NULL, keys[0], &q, &asked));
    stands_there("question", buf_str(&asked));
    memcpy(r.id, q.id, sizeof r.id);
    r.question = sha256_of(buf_str(&asked));
    hash_stands_there("question's hash", r.question);
    assert_ok(answer_sign(NULL, keys[1], &r, &answered));
    stands_there("answer", buf_str(&answered));
    for (int i = 0; i < 2; i++)
        key_free(keys[i]);
    buf_release(&document);
    buf_release(&asked);
    buf_release(&answered);
    buf_release(&path);
}

/* The former key of a node stays in the directory: it must not be taken for the one that signed. */
static void a_header_is_not_called_forged_for_lack_of_memory(void **state UNUSED)
{
    static const uint8_t seeds[2][ED25519_SEED] = {{1}, {2}};
    struct directory_key keys[2] = {{.until = INT64_MAX}, {.until = INT64_MAX}};
    struct directory_node node = {.keys = keys, .key_count = COUNT_OF(keys)};
    struct batch_header h = {
        .origin = "cs.282049", .destination = "prefecture.28", .epoch = 1, .first = 1, .count = 1};
    struct key *key = NULL;
    struct buf text;
    bool failed = true;
    assert_ok(node_name_parse(NULL, STR("cs.282049"), &node.name));
    buf_init(&text, HEADER_TEXT_MAX);
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        key_free(key);
        assert_ok(key_from_seed(NULL, seeds[i], &key));
        assert_ok(key_public(NULL, key, keys[i].public_key));
    }
    assert_ok(batch_header_sign(NULL, key, &h, &text));
    key_free(key);
    for (unsigned long n = 1; failed; n++) {
        unsigned long before = memory_failures();
        memory_fail_at(n);
        enum err e = batch_header_verify(NULL, buf_str(&text), &node, &h);
        memory_fail_at(0);
        failed = memory_failures() > before;
        assert_int_equal(e, failed ? ERR_MEMORY : ERR_OK);
    }
    buf_release(&text);
}

/* Of other modules, but told over the link. */
static const enum err general[] = {
    ERR_LIMIT,      ERR_NOT_FOUND,   ERR_MALFORMED, ERR_JSON,           ERR_JSON_DEPTH, ERR_FIELD_MISSING,
    ERR_FIELD_TYPE, ERR_FIELD_RANGE, ERR_SIGNATURE, ERR_SIGNATURE_FORM, ERR_PROOF,      ERR_FORK,
};

static void every_error_is_in_the_table(void **state UNUSED)
{
    size_t count;
    const struct err_row *rows = err_rows(&count);
    char line[128], path[4096];
    snprintf(path, sizeof path, "%s/docs/PROTOCOL.md", getenv("JUKI_SOURCE"));
    buf_init(&document, 1 << 20);
    assert_ok(file_read(NULL, path, &document));
    for (size_t i = 0; i < count; i++) {
        bool shown = (rows[i].err >= 100 && rows[i].err < 200) || (rows[i].err >= 500 && rows[i].err < 650);
        for (size_t k = 0; k < COUNT_OF(general) && !shown; k++)
            shown = rows[i].err == general[k];
        if (!shown)
            continue;
        snprintf(line, sizeof line, "| %d | %s | %s | %d |", (int)rows[i].err, rows[i].name, rows[i].en,
                 rows[i].http);
        stands_there("error", str_of(line));
    }
    buf_release(&document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_is_true),
        cmocka_unit_test(the_example_of_a_question_is_true),
        cmocka_unit_test(a_header_is_not_called_forged_for_lack_of_memory),
        cmocka_unit_test(every_error_is_in_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
