/* SPDX-License-Identifier: Apache-2.0 */
/* The signed texts of questions and answers: what is written reads back, and whatever is not the answer to
 * this very question is told from it, each a row. */
#include "link/question.h"

#include "keys/jws.h"
#include "test.h"

#include <stdio.h>

enum { TEXT_MAX = 1 << 20, NOW = 5000 };

static struct key *keys[2]; /* of cs.282049 and cs.131016 */
static struct directory_key own[2];
static struct directory_node nodes[2];
static struct arena arena;
static struct buf asked, text;
static struct question question;

static int setup(void **state UNUSED)
{
    static const char *const names[] = {"cs.282049", "cs.131016"};
    arena_init(&arena, 4 << 20);
    buf_init(&asked, TEXT_MAX);
    buf_init(&text, TEXT_MAX);
    for (uint8_t i = 0; i < 2; i++) {
        const uint8_t seed[ED25519_SEED] = {i, 1};
        assert_ok(key_from_seed(NULL, seed, &keys[i]));
        assert_ok(key_public(NULL, keys[i], own[i].public_key));
        own[i].from = 1000;
        own[i].until = INT64_MAX;
        nodes[i] = (struct directory_node){.keys = &own[i], .key_count = 1};
        assert_ok(node_name_parse(NULL, str_of(names[i]), &nodes[i].name));
    }
    question = (struct question){.origin = "cs.282049",
                                 .destination = "cs.131016",
                                 .kind = "wide_area_certificate",
                                 .version = 1,
                                 .epoch = 1,
                                 .time = NOW,
                                 .deadline_ms = 3000,
                                 .body = STR("{\"about\":\"a person\"}")};
    question_id_new(question.id);
    assert_ok(question_sign(NULL, keys[0], &question, &asked));
    return 0;
}

static int teardown(void **state UNUSED)
{
    for (int i = 0; i < 2; i++)
        key_free(keys[i]);
    buf_release(&asked);
    buf_release(&text);
    arena_release(&arena);
    return 0;
}

static struct answer right_answer(void)
{
    struct answer r = {.from = "cs.131016",
                       .to = "cs.282049",
                       .question = sha256_of(buf_str(&asked)),
                       .epoch = 1,
                       .time = NOW + 1,
                       .body = STR("{\"said\":[1,\"二\"]}")};
    memcpy(r.id, question.id, sizeof r.id);
    return r;
}

static enum err read_answer(struct fail *f, struct answer *out)
{
    return answer_verify(f, buf_str(&text), &nodes[1], &question, buf_str(&asked), &arena, out);
}

static void a_question_reads_back(void **state UNUSED)
{
    struct question q;
    struct json *tree = NULL;
    const struct json *body = NULL;
    assert_ok(question_verify(NULL, buf_str(&asked), &nodes[0], &q, &tree, &body));
    assert_string_equal(q.id, question.id);
    assert_string_equal(q.destination, "cs.131016");
    assert_string_equal(q.kind, "wide_area_certificate");
    assert_int_equal(q.deadline_ms, 3000);
    assert_str(json_str(json_get(body, "about")), "a person");
    json_free(tree);
    assert_err(question_verify(NULL, buf_str(&asked), &nodes[1], &q, &tree, &body), ERR_SIGNATURE_FORM);
}

static void ids_are_never_the_same(void **state UNUSED)
{
    char one[QUESTION_ID_SIZE], other[QUESTION_ID_SIZE];
    question_id_new(one);
    question_id_new(other);
    assert_int_equal(strlen(one), QUESTION_ID_SIZE - 1);
    assert_string_not_equal(one, other);
}

#define QUESTION(id, kind, version, deadline, body)                                                          \
    "{\"id\":\"" id "\",\"origin\":\"cs.282049\",\"destination\":\"cs.131016\",\"kind\":\"" kind             \
    "\",\"version\":" version ",\"epoch\":1,\"time\":5000,\"deadline\":" deadline ",\"body\":" body "}"
#define ID "00112233445566778899aabbccddeeff"

static void bad_questions_are_refused(void **state UNUSED)
{
    static const struct {
        const char *json;
        enum err err;
    } rows[] = {
        {QUESTION(ID, "a_kind", "1", "1", "{}"), ERR_OK},
        {QUESTION("00112233", "a_kind", "1", "1", "{}"), ERR_QUESTION_FORM},
        {QUESTION("00112233445566778899AABBCCDDEEFF", "a_kind", "1", "1", "{}"), ERR_QUESTION_FORM},
        {QUESTION(ID, "", "1", "1", "{}"), ERR_QUESTION_FORM},
        {QUESTION(ID, "a kind", "1", "1", "{}"), ERR_QUESTION_FORM},
        {QUESTION(ID, "a_kind_whose_name_is_longer_than_any_kind_is_here", "1", "1", "{}"),
         ERR_QUESTION_FORM},
        {QUESTION(ID, "a_kind", "0", "1", "{}"), ERR_FIELD_RANGE},
        {QUESTION(ID, "a_kind", "1", "0", "{}"), ERR_FIELD_RANGE},
        {QUESTION(ID, "a_kind", "1", "120001", "{}"), ERR_FIELD_RANGE},
        {QUESTION(ID, "a_kind", "1", "1", "[]"), ERR_FIELD_TYPE},
        {QUESTION(ID, "a_kind", "1", "1", "null"), ERR_FIELD_MISSING},
        {"{}", ERR_FIELD_MISSING},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct question q;
        struct json *tree = NULL;
        const struct json *body;
        buf_clear(&text);
        assert_ok(jws_sign(NULL, keys[0], STR("cs.282049"), str_of(rows[i].json), &text));
        enum err e = question_verify(NULL, buf_str(&text), &nodes[0], &q, &tree, &body);
        if (e != rows[i].err)
            fail_msg("%s: %s", rows[i].json, err_row(e)->name);
        if (!e)
            json_free(tree);
    }
}

static void what_is_too_large_is_neither_written_nor_read(void **state UNUSED)
{
    static char large[ANSWER_BODY_MAX + 16];
    struct question q = question;
    struct answer r = right_answer();
    struct json *tree = NULL;
    const struct json *body;
    memset(large, ' ', sizeof large);
    q.body = (struct str){large, QUESTION_BODY_MAX + 1};
    assert_err(question_sign(NULL, keys[0], &q, &text), ERR_LIMIT);
    r.body = (struct str){large, ANSWER_BODY_MAX + 1};
    assert_err(answer_sign(NULL, keys[1], &r, &text), ERR_LIMIT);
    assert_err(question_verify(NULL, (struct str){large, QUESTION_TEXT_MAX + 1}, &nodes[0], &q, &tree, &body),
               ERR_LIMIT);
}

static void an_answer_reads_back(void **state UNUSED)
{
    struct answer r = right_answer(), out;
    assert_ok(answer_sign(NULL, keys[1], &r, &text));
    assert_ok(read_answer(NULL, &out));
    assert_int_equal(out.error, 0);
    assert_str(out.body, "{\"said\":[1,\"二\"]}");
    buf_clear(&text);
    r.error = ERR_QUESTION_UNKNOWN;
    snprintf(r.field, sizeof r.field, "kind");
    assert_ok(answer_sign(NULL, keys[1], &r, &text));
    assert_ok(read_answer(NULL, &out));
    assert_int_equal(out.error, ERR_QUESTION_UNKNOWN);
    assert_string_equal(out.field, "kind");
    assert_int_equal(out.body.n, 0);
}

/* Each makes the right answer another's. */
static void other_id(struct answer *r)
{
    r->id[0] = r->id[0] == '0' ? '1' : '0';
}
static void other_hash(struct answer *r)
{
    r->question.bytes[31] ^= 1;
}
static void other_sender(struct answer *r)
{
    snprintf(r->from, sizeof r->from, "cs.282022");
}
static void other_receiver(struct answer *r)
{
    snprintf(r->to, sizeof r->to, "cs.282022");
}
static void key_not_yet(struct answer *r)
{
    r->time = 1;
}

static void an_answer_to_another_question_is_told_from_ours(void **state UNUSED)
{
    static const struct {
        void (*change)(struct answer *r);
        int signer;
        const char *field;
    } rows[] = {
        {other_id, 1, "id"},       {other_hash, 1, "question"},   {other_sender, 1, "signature"},
        {other_receiver, 1, "to"}, {key_not_yet, 1, "signature"}, {NULL, 0, "signature"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct answer r = right_answer(), out = {.error = 77};
        struct fail f = {0};
        buf_clear(&text);
        if (rows[i].change)
            rows[i].change(&r);
        assert_ok(answer_sign(NULL, keys[rows[i].signer], &r, &text));
        assert_err(read_answer(&f, &out), ERR_ANSWER_OTHER);
        assert_string_equal(f.field, rows[i].field);
        assert_int_equal(out.error, 77); /* untouched */
    }
}

static void an_answer_says_one_thing(void **state UNUSED)
{
    static const char *const ends[] = {"}", ",\"body\":{},\"error\":{\"number\":1,\"field\":\"\"}}",
                                       ",\"body\":[]}", ",\"error\":7}"};
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        struct answer r = right_answer(), out;
        struct buf payload, whole;
        buf_init(&payload, TEXT_MAX);
        buf_init(&whole, TEXT_MAX);
        buf_clear(&text);
        assert_ok(answer_sign(NULL, keys[1], &r, &text));
        assert_ok(jws_verify(NULL, buf_str(&text), STR("cs.131016"), own[1].public_key, &payload));
        const char *body = memmem(payload.p, payload.n, ",\"body\":", 8);
        assert_non_null(body);
        buf_add(&whole, payload.p, (size_t)(body - payload.p));
        buf_add_str(&whole, str_of(ends[i]));
        buf_clear(&text);
        assert_ok(jws_sign(NULL, keys[1], STR("cs.131016"), buf_str(&whole), &text));
        assert_err(read_answer(NULL, &out), ERR_QUESTION_FORM);
        buf_release(&payload);
        buf_release(&whole);
    }
}

/* ANSWER_OTHER is an alarm: a machine without memory must not raise it. */
static void an_answer_is_not_called_anothers_for_lack_of_memory(void **state UNUSED)
{
    struct answer r = right_answer(), out;
    bool failed = true;
    assert_ok(answer_sign(NULL, keys[1], &r, &text));
    for (unsigned long n = 1; failed; n++) {
        unsigned long before = memory_failures();
        arena_release(&arena);
        memory_fail_at(n);
        enum err e = read_answer(NULL, &out);
        memory_fail_at(0);
        failed = memory_failures() > before;
        assert_int_equal(e, failed ? ERR_MEMORY : ERR_OK);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_question_reads_back),     TEST(ids_are_never_the_same),
        TEST(bad_questions_are_refused), TEST(what_is_too_large_is_neither_written_nor_read),
        TEST(an_answer_reads_back),      TEST(an_answer_to_another_question_is_told_from_ours),
        TEST(an_answer_says_one_thing),  TEST(an_answer_is_not_called_anothers_for_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
