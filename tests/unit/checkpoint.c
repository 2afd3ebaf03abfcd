/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/note.h"
#include "test.h"

#define ROOT "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="

static void a_head_reads_back_as_written(void **state)
{
    (void)state;
    struct head h = {"juki/cs.282049", 20852163, {{1, 2, 3}}, 1795336140000000}, back = {.size = 0};
    struct buf b;
    buf_init(&b, 1000);
    head_write(&h, &b);
    assert_ok(head_parse(NULL, buf_str(&b), &back));
    assert_memory_equal(&h, &back, sizeof h);
    buf_release(&b);
}

static void heads_have_one_spelling(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        enum err want;
    } rows[] = {
        {STR("example.com/behind-the-sofa\n20852163\n" ROOT "\n"), ERR_OK},
        {STR("example.com/behind-the-sofa\n0\n" ROOT "\n"), ERR_OK},
        {STR("o\n18446744073709551615\n" ROOT "\nother extension\ntime 5\n"), ERR_OK},
        {STR("o\n18446744073709551616\n" ROOT "\n"), ERR_MALFORMED},
        {STR("o\n01\n" ROOT "\n"), ERR_MALFORMED},
        {STR("o\n+1\n" ROOT "\n"), ERR_MALFORMED},
        {STR("o\n1 \n" ROOT "\n"), ERR_MALFORMED},
        {STR("o\n\n" ROOT "\n"), ERR_MALFORMED},
        {STR("\n1\n" ROOT "\n"), ERR_MALFORMED},
        {STR("o\n1\n" ROOT), ERR_MALFORMED},
        {STR("o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n"), ERR_MALFORMED},
        {STR("o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jx\n"), ERR_MALFORMED},
        {STR("o\n1\n"), ERR_MALFORMED},
        {STR(""), ERR_MALFORMED},
        {STR("o\n1\n" ROOT "\n\ntime 5\n"), ERR_MALFORMED},
        {STR("o\n1\n" ROOT "\ntime 05\n"), ERR_MALFORMED},
        {STR("o\n1\n" ROOT "\ntime 5\ntime 6\n"), ERR_MALFORMED},
        {STR("o\n1\n" ROOT "\ntime 5"), ERR_MALFORMED},
        {STR("ooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo\n1\n" ROOT "\n"),
         ERR_MALFORMED},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct head h;
        assert_err(head_parse(NULL, rows[i].text, &h), rows[i].want);
    }
}

static void a_proof_reads_back_as_written(void **state)
{
    (void)state;
    struct merkle_proof p = {.count = 3, .hashes = {{{1}}, {{2}}, {{3}}}};
    struct arena a;
    struct buf b;
    struct tlog_proof back;
    static const struct str extras[] = {STR(""), STR("anything\n\n")};
    arena_init(&a, 100000);
    buf_init(&b, 10000);
    for (size_t i = 0; i < COUNT_OF(extras); i++) {
        buf_clear(&b);
        assert_ok(tlog_proof_write(NULL, 73894, &p, extras[i], STR("note\n\n— a b\n"), &b));
        assert_ok(tlog_proof_parse(NULL, buf_str(&b), &a, &back));
        assert_int_equal(back.index, 73894);
        assert_int_equal(back.proof.count, 3);
        assert_memory_equal(back.proof.hashes, p.hashes, 3 * sizeof p.hashes[0]);
        assert_true(str_equal(back.extra, extras[i]));
        assert_str(back.checkpoint, "note\n\n— a b\n");
    }
    buf_release(&b);
    arena_release(&a);
}

#define TITLE "c2sp.org/tlog-proof@v1\n"
static void proofs_have_one_spelling(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        enum err want;
    } rows[] = {
        {STR(TITLE "index 0\n\nnote\n"), ERR_OK},
        {STR(TITLE "extra YWJj\nindex 7\n" ROOT "\n\nnote\n"), ERR_OK},
        {STR(TITLE "index 07\n\nnote\n"), ERR_MALFORMED},
        {STR(TITLE "index\n\nnote\n"), ERR_MALFORMED},
        {STR(TITLE "index 7\nextra YWJj\n\nnote\n"), ERR_MALFORMED},
        {STR(TITLE "extra \nindex 7\n\nnote\n"), ERR_MALFORMED},
        {STR(TITLE "extra YWJ\nindex 7\n\nnote\n"), ERR_MALFORMED},
        {STR(TITLE "extra YWJj\n"), ERR_MALFORMED},
        {STR(TITLE "index 7\n" ROOT "\nnote\n"), ERR_MALFORMED},
        {STR(TITLE "index 7\n" ROOT "\n\n"), ERR_MALFORMED},
        {STR("c2sp.org/tlog-proof@v2\nindex 7\n\nnote\n"), ERR_MALFORMED},
        {STR(""), ERR_MALFORMED},
    };
    struct arena a;
    arena_init(&a, 100000);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tlog_proof p;
        assert_err(tlog_proof_parse(NULL, rows[i].text, &a, &p), rows[i].want);
    }
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_reads_back_as_written),
        cmocka_unit_test(heads_have_one_spelling),
        cmocka_unit_test(a_proof_reads_back_as_written),
        cmocka_unit_test(proofs_have_one_spelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
