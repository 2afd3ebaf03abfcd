/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/certificate.h"

#include "base/clock.h"
#include "base/sha256.h"
#include "test.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <unistd.h>

static const int64_t day = 86400LL * 1000000;
static char folder[] = "/tmp/juki-certificate-XXXXXX";
static struct key *ca_key, *other_ca_key, *node_keys[2]; /* Ed25519, P-256 */
static struct buf ca, other_ca;

static struct key *new_key(const char *name, enum key_kind kind)
{
    char uri[128];
    struct key *k = NULL;
    snprintf(uri, sizeof uri, "file:%s/%s", folder, name);
    if (key_create_file(NULL, uri + 5, kind) || key_open(NULL, uri, &k))
        return NULL;
    return k;
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    ca_key = new_key("ca", KEY_P256);
    other_ca_key = new_key("other-ca", KEY_ED25519);
    node_keys[0] = new_key("node0", KEY_ED25519);
    node_keys[1] = new_key("node1", KEY_P256);
    if (!ca_key || !other_ca_key || !node_keys[0] || !node_keys[1])
        return -1;
    buf_init(&ca, CERTIFICATE_PEM_MAX);
    buf_init(&other_ca, CERTIFICATE_PEM_MAX);
    return certificate_make_ca(NULL, ca_key, "juki CA", 3650, &ca) ||
                   certificate_make_ca(NULL, other_ca_key, "juki CA", 3650, &other_ca)
               ? -1
               : 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[100];
    key_free(ca_key);
    key_free(other_ca_key);
    key_free(node_keys[0]);
    key_free(node_keys[1]);
    buf_release(&ca);
    buf_release(&other_ca);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* The DER of a new certificate; the caller releases. */
static struct buf issue(struct key *by, const struct buf *by_pem, struct key *subject, const char *const *names,
                        size_t count, int days)
{
    struct buf pem, der;
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    buf_init(&der, CERTIFICATE_PEM_MAX);
    assert_ok(certificate_issue(NULL, by, buf_str(by_pem), subject, names, count, days, &pem));
    assert_ok(certificate_der(NULL, buf_str(&pem), &der));
    buf_release(&pem);
    return der;
}

static const char *const cs[] = {"cs.282049", "cs.nishinomiya.example", "192.0.2.7", "2001:db8::7", "localhost"};

static void either_kind_of_key_is_certified(void **state)
{
    (void)state;
    struct key *cas[] = {ca_key, other_ca_key};
    const struct buf *pems[] = {&ca, &other_ca};
    for (size_t i = 0; i < 4; i++) {
        struct buf der = issue(cas[i / 2], pems[i / 2], node_keys[i % 2], cs, COUNT_OF(cs), 365);
        struct certificate_facts facts;
        char node[CERTIFICATE_NODE_SIZE];
        assert_ok(certificate_verify(NULL, buf_str(&der), buf_str(pems[i / 2]), clock_now(), &facts));
        assert_string_equal(facts.node, "cs.282049");
        assert_false(facts.authority);
        assert_int_equal(strlen(facts.serial), 32);
        assert_in_range(facts.serial[0], '4', '7'); /* positive, sixteen bytes */
        struct sha256 want = sha256_of(buf_str(&der));
        assert_memory_equal(facts.fingerprint, want.bytes, 32);
        assert_int_equal((facts.not_after - facts.not_before) / 1000000, 365 * 86400 + 300);
        assert_ok(certificate_node(NULL, buf_str(&der), node, sizeof node));
        assert_string_equal(node, "cs.282049");
        assert_err(certificate_node(NULL, buf_str(&der), node, 9), ERR_LIMIT);
        buf_release(&der);
    }
}

static void names_and_uses_stand_in_it(void **state)
{
    (void)state;
    struct buf der = issue(ca_key, &ca, node_keys[1], cs, COUNT_OF(cs), 365);
    gnutls_x509_crt_t crt;
    gnutls_datum_t d = {(unsigned char *)der.p, (unsigned)der.n};
    assert_int_equal(gnutls_x509_crt_init(&crt), 0);
    assert_int_equal(gnutls_x509_crt_import(crt, &d, GNUTLS_X509_FMT_DER), 0);
    static const char *const good[] = {"cs.282049.juki", "cs.nishinomiya.example", "192.0.2.7", "2001:db8::7",
                                       "localhost"};
    for (size_t i = 0; i < COUNT_OF(good); i++)
        assert_true(gnutls_x509_crt_check_hostname(crt, good[i]));
    assert_false(gnutls_x509_crt_check_hostname(crt, "cs.282014.juki"));
    assert_false(gnutls_x509_crt_check_hostname(crt, "192.0.2.8"));
    unsigned usage = 0;
    assert_true(gnutls_x509_crt_get_key_usage(crt, &usage, NULL) >= 0);
    assert_int_equal(usage, GNUTLS_KEY_DIGITAL_SIGNATURE);
    gnutls_x509_crt_deinit(crt);
    buf_release(&der);
}

static void serials_differ(void **state)
{
    (void)state;
    struct certificate_facts a, b;
    struct buf one = issue(ca_key, &ca, node_keys[1], cs, 1, 1), two = issue(ca_key, &ca, node_keys[1], cs, 1, 1);
    assert_ok(certificate_verify(NULL, buf_str(&one), buf_str(&ca), clock_now(), &a));
    assert_ok(certificate_verify(NULL, buf_str(&two), buf_str(&ca), clock_now(), &b));
    assert_string_not_equal(a.serial, b.serial);
    buf_release(&one);
    buf_release(&two);
}

static void time_is_checked_by_our_clock(void **state)
{
    (void)state;
    struct certificate_facts facts;
    struct fail f = {0};
    struct buf der = issue(ca_key, &ca, node_keys[1], cs, 1, 30);
    int64_t now = clock_now();
    assert_ok(certificate_verify(&f, buf_str(&der), buf_str(&ca), now + 29 * day, &facts));
    assert_err(certificate_verify(&f, buf_str(&der), buf_str(&ca), now + 31 * day, &facts), ERR_CERTIFICATE_TIME);
    assert_non_null(strstr(f.detail, "the node's: expired at"));
    assert_err(certificate_verify(&f, buf_str(&der), buf_str(&ca), now - day, &facts), ERR_CERTIFICATE_TIME);
    assert_non_null(strstr(f.detail, "not valid before"));
    assert_err(certificate_verify(&f, buf_str(&der), buf_str(&ca), now + 4000 * day, &facts), ERR_CERTIFICATE_TIME);
    assert_non_null(strstr(f.detail, "the CA's: expired at"));
    buf_release(&der);
    der = issue(ca_key, &ca, node_keys[1], cs, 1, -1);
    assert_err(certificate_verify(&f, buf_str(&der), buf_str(&ca), now, &facts), ERR_CERTIFICATE_TIME);
    buf_release(&der);
    clock_shift(100 * 86400); /* issued in a moved world, valid there */
    der = issue(ca_key, &ca, node_keys[1], cs, 1, 30);
    assert_ok(certificate_verify(&f, buf_str(&der), buf_str(&ca), clock_now(), &facts));
    clock_shift(0);
    assert_err(certificate_verify(&f, buf_str(&der), buf_str(&ca), now, &facts), ERR_CERTIFICATE_TIME);
    buf_release(&der);
}

static void only_our_ca_counts(void **state)
{
    (void)state;
    struct certificate_facts facts;
    struct buf der = issue(other_ca_key, &other_ca, node_keys[1], cs, 1, 30), both, pem;
    assert_err(certificate_verify(NULL, buf_str(&der), buf_str(&ca), clock_now(), &facts), ERR_CERTIFICATE_ISSUER);
    assert_err(certificate_verify(NULL, buf_str(&der), STR(""), clock_now(), &facts), ERR_CERTIFICATE_ISSUER);
    buf_init(&both, CERTIFICATE_PEM_MAX);
    buf_add_str(&both, buf_str(&ca));
    buf_add_str(&both, buf_str(&other_ca));
    assert_ok(certificate_verify(NULL, buf_str(&der), buf_str(&both), clock_now(), &facts));
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    assert_err(certificate_issue(NULL, ca_key, buf_str(&other_ca), node_keys[0], cs, 1, 30, &pem),
               ERR_CERTIFICATE_ISSUER);
    buf_clear(&both);
    assert_ok(certificate_der(NULL, buf_str(&ca), &both)); /* the CA itself is no node */
    assert_err(certificate_verify(NULL, buf_str(&both), buf_str(&ca), clock_now(), &facts), ERR_CERTIFICATE);
    buf_release(&pem);
    buf_release(&both);
    buf_release(&der);
}

static void every_altered_byte_is_refused(void **state)
{
    (void)state;
    struct certificate_facts facts;
    struct buf der = issue(ca_key, &ca, node_keys[1], cs, 1, 30);
    for (size_t i = 0; i < der.n; i++) {
        der.p[i] ^= 1;
        if (certificate_verify(NULL, buf_str(&der), buf_str(&ca), clock_now(), &facts) == ERR_OK)
            fail_msg("byte %zu", i);
        der.p[i] ^= 1;
    }
    assert_ok(certificate_verify(NULL, buf_str(&der), buf_str(&ca), clock_now(), &facts));
    buf_release(&der);
}

static void bad_names_are_not_issued(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", "a"}, {"CS.1", "a"}, {"cs 1", "a"}, {"cs.1", "agency.juki"}, {"cs.1", "*.example"}, {"cs.1", ""},
        {"cs.1", "300.1.1.1.1 "}, {"cs..1", "a"}, {"-cs", "a"}, {"cs-", "a"}, {"cs.-1", "a"}, {"cs-.1", "a"},
    };
    struct buf pem;
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_err(certificate_issue(NULL, ca_key, buf_str(&ca), node_keys[0], rows[i], 2, 30, &pem), ERR_FIELD_RANGE);
    assert_err(certificate_issue(NULL, ca_key, buf_str(&ca), node_keys[0], rows[0], 0, 30, &pem), ERR_FIELD_RANGE);
    assert_int_equal(pem.n, 0);
    buf_release(&pem);
}

/* A certificate our CA signed (by mistake, with other tools) whose names are not one node. */
static struct buf foreign(const char *const *dns, size_t count, const char *cn)
{
    gnutls_x509_crt_t crt, issuer;
    gnutls_datum_t pem = {(unsigned char *)ca.p, (unsigned)ca.n}, der;
    time_t now = (time_t)(clock_now() / 1000000);
    gnutls_x509_crt_init(&crt);
    gnutls_x509_crt_init(&issuer);
    assert_int_equal(gnutls_x509_crt_import(issuer, &pem, GNUTLS_X509_FMT_PEM), 0);
    gnutls_x509_crt_set_version(crt, 3);
    gnutls_x509_crt_set_serial(crt, "\1", 1);
    gnutls_x509_crt_set_pubkey(crt, key_gnutls_public(node_keys[1]));
    gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, cn, (unsigned)strlen(cn));
    for (size_t i = 0; i < count; i++)
        gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, dns[i], (unsigned)strlen(dns[i]),
                                             GNUTLS_FSAN_APPEND);
    gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
    gnutls_x509_crt_set_activation_time(crt, now - 10);
    gnutls_x509_crt_set_expiration_time(crt, now + 1000);
    assert_int_equal(gnutls_x509_crt_privkey_sign(crt, issuer, key_gnutls(ca_key), GNUTLS_DIG_SHA256, 0), 0);
    assert_int_equal(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &der), 0);
    struct buf out;
    buf_init(&out, CERTIFICATE_PEM_MAX);
    buf_add(&out, der.data, der.size);
    gnutls_free(der.data);
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_crt_deinit(issuer);
    return out;
}

static void anything_but_one_node_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *dns[2];
        size_t count;
        const char *cn;
        enum err want;
    } rows[] = {
        {{"cs.1.juki", "door.example"}, 2, "cs.1", ERR_OK},
        {{"cs.1.juki", "cs.2.juki"}, 2, "cs.1", ERR_CERTIFICATE},
        {{"cs.1.juki", "cs.1.juki"}, 2, "cs.1", ERR_CERTIFICATE},
        {{"cs.1.juki"}, 1, "cs.2", ERR_CERTIFICATE},
        {{"cs.1.juki"}, 1, "cs.1.juki", ERR_CERTIFICATE},
        {{"CS.1.juki"}, 1, "CS.1", ERR_CERTIFICATE},
        {{"*.juki"}, 1, "*", ERR_CERTIFICATE},
        {{"door.example"}, 1, "door", ERR_CERTIFICATE},
        {{NULL}, 0, "cs.1", ERR_CERTIFICATE},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char node[CERTIFICATE_NODE_SIZE];
        struct certificate_facts facts;
        struct buf der = foreign(rows[i].dns, rows[i].count, rows[i].cn);
        assert_err(certificate_node(NULL, buf_str(&der), node, sizeof node), rows[i].want);
        /* and never for a connection, since it is not for a client */
        assert_err(certificate_verify(NULL, buf_str(&der), buf_str(&ca), clock_now(), &facts), ERR_CERTIFICATE);
        buf_release(&der);
    }
    char node[CERTIFICATE_NODE_SIZE];
    assert_err(certificate_node(NULL, STR("not a certificate"), node, sizeof node), ERR_CERTIFICATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(either_kind_of_key_is_certified), cmocka_unit_test(names_and_uses_stand_in_it),
        cmocka_unit_test(serials_differ),                  cmocka_unit_test(time_is_checked_by_our_clock),
        cmocka_unit_test(only_our_ca_counts),              cmocka_unit_test(every_altered_byte_is_refused),
        cmocka_unit_test(bad_names_are_not_issued),        cmocka_unit_test(anything_but_one_node_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
