/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/jws.h"

#include "base/encode.h"
#include "test.h"

static const uint8_t seed[ED25519_SEED] = "thirty-two bytes for a test key.";

struct given {
    struct key *key;
    uint8_t public_key[ED25519_PUBLIC];
    struct buf compact, payload;
};

static int set_up(void **state)
{
    static struct given g;
    if (key_from_seed(NULL, seed, &g.key) || key_public(NULL, g.key, g.public_key))
        return -1;
    buf_init(&g.compact, 4096);
    buf_init(&g.payload, 4096);
    *state = &g;
    return jws_sign(NULL, g.key, STR("cs.282049"), STR("{\"first\":1,\"count\":3}"), &g.compact) ? -1 : 0;
}

static int tear_down(void **state)
{
    struct given *g = *state;
    key_free(g->key);
    buf_release(&g->compact);
    buf_release(&g->payload);
    return 0;
}

static enum err verify(struct given *g, const char *kid)
{
    return jws_verify(NULL, buf_str(&g->compact), str_of(kid), g->public_key, &g->payload);
}

static void what_was_signed_comes_back(void **state)
{
    struct given *g = *state;
    const struct str start = STR("eyJhbGciOiJFZERTQSIsImtpZCI6ImNzLjI4MjA0OSJ9."); /* {"alg":"EdDSA","kid":"cs.282049"} */
    assert_true(str_starts(buf_str(&g->compact), start));
    assert_ok(verify(g, "cs.282049"));
    assert_str(buf_str(&g->payload), "{\"first\":1,\"count\":3}");
}

static void appended_after_what_is_there(void **state)
{
    struct given *g = *state;
    struct buf b;
    buf_init(&b, 4096);
    buf_add_str(&b, STR("before"));
    assert_ok(jws_sign(NULL, g->key, STR("cs.282049"), STR("{\"first\":1,\"count\":3}"), &b));
    assert_int_equal(b.n, 6 + g->compact.n);
    assert_memory_equal(b.p + 6, g->compact.p, g->compact.n);
    buf_release(&b);
}

static void every_altered_byte_is_refused(void **state)
{
    struct given *g = *state;
    for (size_t i = 0; i < g->compact.n; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            g->compact.p[i] ^= (char)(1u << bit);
            enum err e = verify(g, "cs.282049");
            if (e != ERR_SIGNATURE && e != ERR_SIGNATURE_FORM)
                fail_msg("byte %zu bit %u: %s", i, bit, err_row(e)->name);
            g->compact.p[i] ^= (char)(1u << bit);
        }
    }
    for (size_t n = 0; n < g->compact.n; n++) {
        enum err e = jws_verify(NULL, (struct str){g->compact.p, n}, STR("cs.282049"), g->public_key, &g->payload);
        assert_true(e == ERR_SIGNATURE || e == ERR_SIGNATURE_FORM);
    }
    assert_int_equal(g->payload.n, 0);
    assert_ok(verify(g, "cs.282049"));
}

static void another_signer_is_refused(void **state)
{
    struct given *g = *state;
    assert_err(verify(g, "cs.282014"), ERR_SIGNATURE_FORM);
    g->public_key[0] ^= 1;
    assert_err(verify(g, "cs.282049"), ERR_SIGNATURE);
    assert_int_equal(g->payload.n, 0);
}

/* Headers that carry a right signature over themselves, and are refused all the same. */
static void another_header_is_refused(void **state)
{
    struct given *g = *state;
    static const char *const headers[] = {
        "{\"alg\":\"none\",\"kid\":\"cs.282049\"}",
        "{\"alg\":\"none\"}",
        "{\"alg\":\"HS256\",\"kid\":\"cs.282049\"}",
        "{\"alg\":\"ES256\",\"kid\":\"cs.282049\"}",
        "{\"alg\":\"eddsa\",\"kid\":\"cs.282049\"}",
        "{\"alg\":\"EdDSA\"}",
        "{\"kid\":\"cs.282049\",\"alg\":\"EdDSA\"}",
        "{\"alg\":\"EdDSA\", \"kid\":\"cs.282049\"}",
        "{\"alg\":\"EdDSA\",\"kid\":\"cs.282049\",\"crit\":[\"exp\"],\"exp\":1}",
        "{\"alg\":\"EdDSA\",\"kid\":\"cs.282049\",\"b64\":false,\"crit\":[\"b64\"]}",
        "{\"alg\":\"EdDSA\",\"kid\":\"cs.282049\",\"jwk\":{}}",
        "{\"alg\":\"EdDSA\",\"kid\":\"cs.282014\"}",
        "{\"alg\":\"EdDSA\",\"kid\":\"cs.282049\"}\n",
        "",
    };
    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        uint8_t signature[ED25519_SIGNATURE];
        buf_clear(&g->compact);
        encode_base64url(&g->compact, headers[i], strlen(headers[i]));
        buf_add_str(&g->compact, STR(".e30"));
        assert_ok(key_sign(NULL, g->key, buf_str(&g->compact), signature));
        buf_add_char(&g->compact, '.');
        encode_base64url(&g->compact, signature, sizeof signature);
        assert_err(verify(g, "cs.282049"), ERR_SIGNATURE_FORM);
    }
    assert_int_equal(g->payload.n, 0);
}

static void another_shape_is_refused(void **state)
{
    struct given *g = *state;
    buf_add_char(&g->compact, '.');
    assert_err(verify(g, "cs.282049"), ERR_SIGNATURE_FORM);
    buf_clear(&g->compact);
    assert_err(verify(g, "cs.282049"), ERR_SIGNATURE_FORM);
    buf_add_str(&g->compact, STR("eyJhbGciOiJFZERTQSIsImtpZCI6ImNzLjI4MjA0OSJ9.e30."));
    assert_err(verify(g, "cs.282049"), ERR_SIGNATURE_FORM);
}

static void only_node_names_sign(void **state)
{
    struct given *g = *state;
    static const char *const names[] = {"", "CS.1", "a\"b", "a b", ".a", "a.", "a..b", "-a",
                                        "a23456789012345678901234567890123456789012345678901234567890"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_err(jws_sign(NULL, g->key, str_of(names[i]), STR("x"), &g->payload), ERR_FIELD_RANGE);
    assert_err(verify(g, "a\"b"), ERR_FIELD_RANGE);
}

#define given(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        given(what_was_signed_comes_back), given(appended_after_what_is_there), given(every_altered_byte_is_refused),
        given(another_signer_is_refused),  given(another_header_is_refused),    given(another_shape_is_refused),
        given(only_node_names_sign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
