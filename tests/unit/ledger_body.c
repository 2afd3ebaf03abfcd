/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/ledger_body.h"

#include "base/random.h"
#include "test.h"

/* An invented notice as it stands in a log. */
#define NOTICE                                                                                               \
    "communication 2027-04-01T09:00:00.000000Z received cs.282049 1234 identity_notice/1\n"                  \
    "{\"id\":\"cs.282049/prefecture.28/1234\",\"time\":1806570000000000,\"body\":{\"resident_code\":\"24727059608\"," \
    "\"individual_number\":\"123456789018\",\"foreign\":false,\"name\":\"西宮　花子\",\"name_kana\":\"ニシノミヤ　ハナコ\"," \
    "\"birth_date\":\"1958-02-03\",\"sex\":\"female\",\"area_code\":\"282049\",\"address\":\"兵庫県西宮市六湛寺町１０番３号\"," \
    "\"town_code\":\"0123000\",\"postal_code\":\"6620918\",\"change\":{\"change_reason\":\"move_in\"," \
    "\"change_date\":\"2027-04-01\"}}}"

static int packer_setup(void **state)
{
    struct body_packer *p = NULL;
    enum err e = body_packer_new(NULL, &p);
    *state = p;
    return e ? -1 : 0;
}

static int packer_teardown(void **state)
{
    body_packer_free(*state);
    return 0;
}

static void assert_comes_back(struct body_packer *p, struct str body, int64_t *form, size_t *stored)
{
    struct str packed, back;
    struct buf copy;
    buf_init(&copy, LEDGER_BODY_MAX + 1000);
    assert_ok(body_pack(p, NULL, body, form, &packed));
    *stored = packed.n;
    buf_add_str(&copy, packed);
    assert_ok(body_unpack(p, NULL, *form, buf_str(&copy), &back));
    assert_true(str_equal(back, body));
    buf_release(&copy);
}

static void a_notice_is_stored_in_less_than_half(void **state)
{
    int64_t form;
    size_t stored;
    assert_comes_back(*state, STR(NOTICE), &form, &stored);
    assert_int_equal(form, 1);
    print_message("%zu bytes instead of %zu\n", stored, sizeof NOTICE - 1);
    assert_true(stored * 2 < sizeof NOTICE - 1);
}

static void what_does_not_shrink_is_stored_as_it_is(void **state)
{
    int64_t form;
    size_t stored;
    char noise[5000];
    random_bytes(noise, sizeof noise);
    for (size_t n = 0; n <= sizeof noise; n += n < 64 ? 1 : 617) {
        assert_comes_back(*state, (struct str){noise, n}, &form, &stored);
        assert_int_equal(form, 0);
        assert_int_equal(stored, n);
    }
}

static void every_length_up_to_the_limit_comes_back(void **state)
{
    int64_t form;
    size_t stored;
    struct str packed;
    char *text = memory_new(LEDGER_BODY_MAX + 1);
    assert_non_null(text);
    memset(text, 'a', LEDGER_BODY_MAX + 1);
    assert_comes_back(*state, (struct str){text, LEDGER_BODY_MAX}, &form, &stored);
    assert_int_equal(form, 1);
    assert_err(body_pack(*state, NULL, (struct str){text, LEDGER_BODY_MAX + 1}, &form, &packed), ERR_LIMIT);
    memory_free(text);
}

static void damaged_bodies_are_refused(void **state)
{
    int64_t form;
    struct str packed, back;
    struct buf copy;
    buf_init(&copy, 10000);
    assert_ok(body_pack(*state, NULL, STR(NOTICE), &form, &packed));
    buf_add_str(&copy, packed);
    assert_err(body_unpack(*state, NULL, 2, buf_str(&copy), &back), ERR_LEDGER_DICTIONARY);
    assert_err(body_unpack(*state, NULL, -1, buf_str(&copy), &back), ERR_LEDGER_DICTIONARY);
    for (size_t n = 0; n < copy.n; n++)
        assert_err(body_unpack(*state, NULL, 1, (struct str){copy.p, n}, &back), ERR_LEDGER_DAMAGED);
    for (size_t i = 0; i < copy.n; i++) { /* any answer but a crash: the leaf is what proves the bytes */
        copy.p[i] ^= 0x41;
        enum err e = body_unpack(*state, NULL, 1, buf_str(&copy), &back);
        assert_true(!e || e == ERR_LEDGER_DAMAGED);
        copy.p[i] ^= 0x41;
    }
    buf_release(&copy);
}

static void headings_read_back(void **state)
{
    (void)state;
    static const struct {
        struct str body;
        enum err want;
    } rows[] = {
        {STR("book 2026-11-22T09:00:00.000000Z lent\npayload\nmore"), ERR_OK},
        {STR("book 2026-11-22T09:00:00.000000Z \n"), ERR_OK},
        {STR("book 2026-11-22T09:00:00.000000Z lent"), ERR_LEDGER_DAMAGED},
        {STR("hook 2026-11-22T09:00:00.000000Z lent\n"), ERR_LEDGER_DAMAGED},
        {STR("book 2026-11-22 lent\n"), ERR_LEDGER_DAMAGED},
        {STR("book\n"), ERR_LEDGER_DAMAGED},
        {STR(""), ERR_LEDGER_DAMAGED},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ledger_entry e = {.body = rows[i].body};
        assert_err(body_read_heading(NULL, &e), rows[i].want);
        if (i == 0) {
            assert_int_equal(e.kind, LEDGER_BOOK);
            assert_str(e.what, "lent");
            assert_str(e.payload, "payload\nmore");
            assert_int_equal(e.time, 1795338000000000);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_notice_is_stored_in_less_than_half),
        cmocka_unit_test(what_does_not_shrink_is_stored_as_it_is),
        cmocka_unit_test(every_length_up_to_the_limit_comes_back),
        cmocka_unit_test(damaged_bodies_are_refused),
        cmocka_unit_test(headings_read_back),
    };
    return cmocka_run_group_tests(tests, packer_setup, packer_teardown);
}
