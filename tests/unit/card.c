/* SPDX-License-Identifier: Apache-2.0 */
#include "card/card.h"

#include "base/file.h"
#include "test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FACE                                                                                                 \
    "\"resident_code\":\"24727059608\",\"issued_on\":\"2024-05-01\",\"valid_until\":\"2034-01-02\","         \
    "\"form\":\"1\""
static char path[64];

static enum err make(const char *description)
{
    struct json *tree;
    assert_ok(json_read(NULL, str_of(description), &tree));
    enum err e = card_make(NULL, path, tree);
    json_free(tree);
    return e;
}

static int fresh(void **state UNUSED)
{
    snprintf(path, sizeof path, "/tmp/juki-card-XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 || close(fd) || unlink(path);
}

static int gone(void **state UNUSED)
{
    unlink(path);
    return 0;
}

static void the_right_pin_opens_it(void **state UNUSED)
{
    struct card_face face;
    struct card *c, *second;
    struct stat st;
    assert_ok(make("{" FACE ",\"pin\":\"0429\"}"));
    assert_err(make("{" FACE ",\"pin\":\"0429\"}"), ERR_EXISTS);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_ok(card_open(NULL, path, &c));
    assert_err(card_open(NULL, path, &second), ERR_BUSY);
    assert_err(card_read(c, NULL, &face), ERR_CARD_NEEDED);
    assert_err(card_verify_pin(c, NULL, STR("0428")), ERR_CARD_PIN);
    assert_err(card_read(c, NULL, &face), ERR_CARD_NEEDED);
    assert_int_equal(card_tries_left(c), 2);
    assert_ok(card_verify_pin(c, NULL, STR("0429")));
    assert_int_equal(card_tries_left(c), CARD_TRIES);
    assert_ok(card_read(c, NULL, &face));
    assert_true(str_equal(face.resident_code, STR("24727059608")));
    assert_true(str_equal(face.form, STR("1")));
    assert_int_equal(face.authenticity_code.n, 0);
    assert_err(card_verify_pin(c, NULL, STR("")), ERR_CARD_PIN); /* and the door is shut again */
    assert_err(card_read(c, NULL, &face), ERR_CARD_NEEDED);
    card_close(c);
}

/* Taking it out between gives no try back. */
static void three_wrong_pins_lock_it_for_good(void **state UNUSED)
{
    struct card_face face;
    struct card *c;
    assert_ok(make("{" FACE ",\"pin\":\"0429\"}"));
    for (int left = CARD_TRIES - 1; left >= 0; left--) {
        struct fail f = {0};
        assert_ok(card_open(NULL, path, &c));
        assert_err(card_verify_pin(c, &f, STR("9999")), left ? ERR_CARD_PIN : ERR_CARD_LOCKED);
        assert_null(strstr(f.detail, "9999"));
        card_close(c);
        assert_ok(card_open(NULL, path, &c));
        assert_int_equal(card_tries_left(c), left);
        card_close(c);
    }
    assert_ok(card_open(NULL, path, &c));
    assert_err(card_verify_pin(c, NULL, STR("0429")), ERR_CARD_LOCKED);
    assert_err(card_read(c, NULL, &face), ERR_CARD_NEEDED);
    card_close(c);
}

static void a_pin_has_four_digits_and_stands_nowhere(void **state UNUSED)
{
    struct buf b;
    assert_err(make("{" FACE ",\"pin\":\"042\"}"), ERR_MALFORMED);
    assert_err(make("{" FACE ",\"pin\":\"042a\"}"), ERR_MALFORMED);
    assert_err(make("{" FACE "}"), ERR_FIELD_MISSING);
    assert_err(make("{\"pin\":\"0429\"}"), ERR_FIELD_MISSING);
    assert_ok(make("{" FACE ",\"pin\":\"0429\"}"));
    buf_init(&b, 4096);
    assert_ok(file_read(NULL, path, &b));
    assert_null(memmem(b.p, b.n, "\"0429\"", 6));
    buf_release(&b);
}

static void what_is_no_card_is_refused(void **state UNUSED)
{
    static const char *const files[] = {
        "",
        "{}",
        "{\"left\":3}",
        "{\"left\":4,\"salt\":\"00\",\"hash\":\"00\",\"face\":{}}",
        "{\"left\":3,\"salt\":\"00112233445566778899aabbccddeeff\",\"hash\":\"00\",\"face\":{}}",
        "{\"left\":3,\"salt\":\"00112233445566778899aabbccddeeff\",\"hash\":"
        "\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\",\"face\":[]}",
    };
    struct card *c;
    assert_err(card_open(NULL, path, &c), ERR_NOT_FOUND);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        assert_ok(file_write(NULL, path, str_of(files[i]), 0600));
        assert_err(card_open(NULL, path, &c), ERR_CARD_FILE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_right_pin_opens_it, fresh, gone),
        cmocka_unit_test_setup_teardown(three_wrong_pins_lock_it_for_good, fresh, gone),
        cmocka_unit_test_setup_teardown(a_pin_has_four_digits_and_stands_nowhere, fresh, gone),
        cmocka_unit_test_setup_teardown(what_is_no_card_is_refused, fresh, gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
