/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"
#include "ledger/note.h"
#include "test.h"
#include "test_key.h"

/* Three invented signers. */
struct signers {
    struct key *keys[3];
    uint8_t public_keys[3][ED25519_PUBLIC];
};

static int signers_setup(void **state)
{
    struct signers *s = memory_new(sizeof *s);
    for (int i = 0; i < 3; i++)
        s->keys[i] = test_key_new(s->public_keys[i]);
    *state = s;
    return 0;
}

static int signers_teardown(void **state)
{
    struct signers *s = *state;
    for (int i = 0; i < 3; i++)
        key_free(s->keys[i]);
    memory_free(s);
    return 0;
}

#define TEXT "juki/cs.282049\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

/* The note and the verifier key ("PeterNeumann+c74f20a3+...") that golang.org/x/mod/sumdb/note documents. */
static void a_note_made_elsewhere_verifies(void **state)
{
    (void)state;
    struct str note = STR("If you think cryptography is the answer to your problem,\n"
                          "then you don't know what your problem is.\n"
                          "\n"
                          "\xe2\x80\x94 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKv"
                          "qfqdngotpRZb6KE6RyyBwJnAM=\n");
    struct buf b;
    struct str body;
    buf_init(&b, 100);
    assert_ok(decode_base64(NULL, &b, STR("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")));
    assert_int_equal(b.n, 33);
    assert_int_equal(b.p[0], 1);
    assert_ok(note_verify(NULL, note, STR("PeterNeumann"), (const uint8_t *)b.p + 1, &body));
    assert_str(body, "If you think cryptography is the answer to your problem,\n"
                     "then you don't know what your problem is.\n");
    buf_release(&b);
}

static void many_signatures_each_found_by_name_and_key(void **state)
{
    struct signers *s = *state;
    struct buf first, second;
    struct str body;
    buf_init(&first, 10000);
    buf_init(&second, 10000);
    assert_ok(note_sign(NULL, s->keys[0], STR("juki/cs.282049"), STR(TEXT), &first));
    assert_ok(note_cosign(NULL, s->keys[1], STR("juki/prefecture.28"), buf_str(&first), &second));
    assert_ok(note_verify(NULL, buf_str(&second), STR("juki/cs.282049"), s->public_keys[0], &body));
    assert_str(body, TEXT);
    assert_ok(note_verify(NULL, buf_str(&second), STR("juki/prefecture.28"), s->public_keys[1], &body));
    assert_str(body, TEXT);
    /* the right name with another key is an unknown key, and so is the right key under another name */
    assert_err(note_verify(NULL, buf_str(&second), STR("juki/prefecture.28"), s->public_keys[2], &body), ERR_SIGNATURE);
    assert_err(note_verify(NULL, buf_str(&second), STR("juki/agency"), s->public_keys[1], &body), ERR_SIGNATURE);
    assert_err(note_verify(NULL, buf_str(&first), STR("juki/prefecture.28"), s->public_keys[1], &body), ERR_SIGNATURE);
    buf_release(&first);
    buf_release(&second);
}

static void every_changed_byte_is_noticed(void **state)
{
    struct signers *s = *state;
    struct buf note;
    struct str body;
    buf_init(&note, 10000);
    assert_ok(note_sign(NULL, s->keys[0], STR("juki/cs.282049"), STR(TEXT), &note));
    for (size_t i = 0; i < note.n; i++) {
        note.p[i] ^= 1;
        enum err e = note_verify(NULL, buf_str(&note), STR("juki/cs.282049"), s->public_keys[0], &body);
        assert_true(e == ERR_SIGNATURE || e == ERR_MALFORMED || e == ERR_UTF8);
        note.p[i] ^= 1;
    }
    for (size_t n = 0; n < note.n; n++)
        assert_int_not_equal(
            note_verify(NULL, (struct str){note.p, n}, STR("juki/cs.282049"), s->public_keys[0], &body), ERR_OK);
    assert_ok(note_verify(NULL, buf_str(&note), STR("juki/cs.282049"), s->public_keys[0], &body));
    buf_release(&note);
}

#define LINE "\xe2\x80\x94 juki/other AAAAAAAA\n"
static void unknown_lines_are_skipped_and_malformed_notes_refused(void **state)
{
    struct signers *s = *state;
    struct buf good, note;
    struct str body;
    static const struct {
        const char *before, *after; /* the good signature line */
        enum err want;
    } rows[] = {
        {TEXT "\n", "", ERR_OK},
        {TEXT "\n" LINE, LINE, ERR_OK},
        {TEXT "\n", LINE LINE LINE LINE LINE LINE LINE LINE LINE LINE LINE LINE LINE LINE LINE, ERR_OK},
        {TEXT "\n", "\xe2\x80\x94 juki/other AAAAAA==\n", ERR_MALFORMED},
        {TEXT "\n", "\xe2\x80\x94 juki/other AAAAAAA\n", ERR_MALFORMED},
        {TEXT "\n", "\xe2\x80\x94 juki/other\n", ERR_MALFORMED},
        {TEXT "\n", "\xe2\x80\x94  AAAAAAAA\n", ERR_MALFORMED},
        {TEXT "\n", "\xe2\x80\x94 juki+other AAAAAAAA\n", ERR_MALFORMED},
        {TEXT "\n", "\xe2\x80\x94 juki\xe3\x80\x80other AAAAAAAA\n", ERR_MALFORMED},
        {TEXT "\n", "- juki/other AAAAAAAA\n", ERR_MALFORMED},
        {TEXT "\n", "\xe2\x80\x94 juki/other AAAAAAAA", ERR_MALFORMED},
        {TEXT "\n", "\n", ERR_MALFORMED},
        {TEXT, "", ERR_MALFORMED},
        {TEXT "\t\n", "", ERR_MALFORMED},
        {TEXT "\xff\n\n", "", ERR_UTF8},
    };
    buf_init(&good, 10000);
    buf_init(&note, 10000);
    assert_ok(note_sign(NULL, s->keys[0], STR("juki/cs.282049"), STR(TEXT), &good));
    struct str line = {good.p + strlen(TEXT) + 1, good.n - strlen(TEXT) - 1};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        buf_clear(&note);
        buf_add_str(&note, str_of(rows[i].before));
        buf_add_str(&note, line);
        buf_add_str(&note, str_of(rows[i].after));
        assert_err(note_verify(NULL, buf_str(&note), STR("juki/cs.282049"), s->public_keys[0], &body), rows[i].want);
    }
    buf_clear(&note);
    assert_err(note_sign(NULL, s->keys[0], STR("juki cs"), STR(TEXT), &note), ERR_MALFORMED);
    assert_err(note_sign(NULL, s->keys[0], STR(""), STR(TEXT), &note), ERR_MALFORMED);
    assert_err(note_sign(NULL, s->keys[0], STR("juki/cs"), STR("no end"), &note), ERR_MALFORMED);
    assert_err(note_cosign(NULL, s->keys[0], STR("juki/cs"), STR(TEXT), &note), ERR_MALFORMED);
    buf_release(&good);
    buf_release(&note);
}

/* Whoever presents a note could put a line under the cosigner's name into it, so that what was co-signed never
 * verifies. */
static void nothing_false_is_cosigned(void **state)
{
    struct signers *s = *state;
    struct buf note, once, twice;
    struct str body;
    buf_init(&note, 200000);
    buf_init(&once, 200000);
    buf_init(&twice, 200000);
    assert_ok(note_sign(NULL, s->keys[0], STR("juki/cs.282049"), STR(TEXT), &note));
    assert_ok(note_cosign(NULL, s->keys[1], STR("juki/prefecture.28"), buf_str(&note), &once));
    assert_ok(note_cosign(NULL, s->keys[1], STR("juki/prefecture.28"), buf_str(&once), &twice));
    assert_true(str_equal(buf_str(&once), buf_str(&twice)));
    once.p[once.n - 20] = once.p[once.n - 20] == 'A' ? 'B' : 'A'; /* inside the cosignature */
    buf_clear(&twice);
    assert_err(note_cosign(NULL, s->keys[1], STR("juki/prefecture.28"), buf_str(&once), &twice), ERR_SIGNATURE);
    for (int i = 0; i < 63; i++)
        buf_add_str(&note, STR(LINE));
    assert_ok(note_verify(NULL, buf_str(&note), STR("juki/cs.282049"), s->public_keys[0], &body));
    assert_err(note_cosign(NULL, s->keys[1], STR("juki/prefecture.28"), buf_str(&note), &twice), ERR_LIMIT);
    buf_release(&note);
    buf_release(&once);
    buf_release(&twice);
}

static void limits_hold(void **state)
{
    struct signers *s = *state;
    struct buf note;
    struct str body;
    buf_init(&note, 200000);
    assert_ok(note_sign(NULL, s->keys[0], STR("juki/cs.282049"), STR(TEXT), &note));
    for (int i = 0; i < 63; i++)
        buf_add_str(&note, STR(LINE));
    assert_ok(note_verify(NULL, buf_str(&note), STR("juki/cs.282049"), s->public_keys[0], &body));
    buf_add_str(&note, STR(LINE));
    assert_err(note_verify(NULL, buf_str(&note), STR("juki/cs.282049"), s->public_keys[0], &body), ERR_LIMIT);
    while (note.n <= 64 * 1024)
        buf_add_str(&note, STR(LINE));
    assert_err(note_verify(NULL, buf_str(&note), STR("juki/cs.282049"), s->public_keys[0], &body), ERR_LIMIT);
    buf_release(&note);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_note_made_elsewhere_verifies),
        cmocka_unit_test(many_signatures_each_found_by_name_and_key),
        cmocka_unit_test(nothing_false_is_cosigned),
        cmocka_unit_test(every_changed_byte_is_noticed),
        cmocka_unit_test(unknown_lines_are_skipped_and_malformed_notes_refused),
        cmocka_unit_test(limits_hold),
    };
    return cmocka_run_group_tests(tests, signers_setup, signers_teardown);
}
