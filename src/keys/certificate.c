/* SPDX-License-Identifier: Apache-2.0 */
/* Issues and reads the network's certificates (RFC 5280) with GnuTLS.
 *
 * Decides: what a node is called in a certificate, and when a peer's certificate is believed. Time is always the
 * project's clock, never the library's, so GnuTLS is told not to look at its own. */
#include "keys/certificate.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/random.h"
#include "base/sha256.h"

#include <arpa/inet.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <limits.h>

enum { DAY = 86400, SKEW = 300, NAME_MAX_BYTES = 255, CA_MAX = 8 };
static const struct str suffix = STR(".juki");

static gnutls_datum_t datum_of(struct str s)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)s.p, (unsigned)s.n};
}

static enum err fail_library(struct fail *f, int code)
{
    return fail_set(f, code == GNUTLS_E_MEMORY_ERROR ? ERR_MEMORY : ERR_CERTIFICATE, "certificate", "%s",
                    gnutls_strerror(code));
}

bool certificate_is_node_name(struct str name)
{
    if (name.n < 1 || name.n > 63 - suffix.n)
        return false;
    char before = '.';
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!word && ((c != '.' && c != '-') || before == '.' || (c == '.' && before == '-')))
            return false;
        before = c;
    }
    return before != '.' && before != '-';
}

/* Issuing */

static int set_serial(gnutls_x509_crt_t crt)
{
    uint8_t serial[16];
    random_bytes(serial, sizeof serial);
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, and always 16 bytes */
    return gnutls_x509_crt_set_serial(crt, serial, sizeof serial);
}

static int set_times(gnutls_x509_crt_t crt, int days)
{
    time_t now = (time_t)(clock_now() / 1000000), end = now + (time_t)days * DAY;
    int code = gnutls_x509_crt_set_activation_time(crt, days > 0 ? now - SKEW : end - DAY);
    return code < 0 ? code : gnutls_x509_crt_set_expiration_time(crt, end);
}

static int set_key_id(gnutls_x509_crt_t crt)
{
    unsigned char id[64];
    size_t n = sizeof id;
    int code = gnutls_x509_crt_get_key_id(crt, 0, id, &n);
    return code < 0 ? code : gnutls_x509_crt_set_subject_key_id(crt, id, n);
}

static int set_authority_id(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer)
{
    unsigned char id[64];
    size_t n = sizeof id;
    int code = gnutls_x509_crt_get_subject_key_id(issuer, id, &n, NULL);
    return code < 0 ? code : gnutls_x509_crt_set_authority_key_id(crt, id, n);
}

/* What every certificate of ours has. */
static int set_common(gnutls_x509_crt_t crt, struct key *subject, struct str name, int days)
{
    int code = gnutls_x509_crt_set_version(crt, 3);
    if (code >= 0)
        code = gnutls_x509_crt_set_pubkey(crt, key_gnutls_public(subject));
    if (code >= 0)
        code = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name.p, (unsigned)name.n);
    if (code >= 0)
        code = set_serial(crt);
    if (code >= 0)
        code = set_times(crt, days);
    return code < 0 ? code : set_key_id(crt);
}

/* The library's own choice of hash: SHA-256 for P-256, none for Ed25519. */
static enum err sign_and_write(struct fail *f, gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer, struct key *ca,
                               struct buf *out)
{
    int code = gnutls_x509_crt_privkey_sign(crt, issuer, key_gnutls(ca), GNUTLS_DIG_UNKNOWN, 0);
    if (code < 0)
        return fail_set(f, ERR_KEY_TOKEN, "certificate", "%s", gnutls_strerror(code));
    gnutls_datum_t pem = {NULL, 0};
    code = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem);
    if (code < 0)
        return fail_library(f, code);
    buf_add(out, pem.data, pem.size);
    gnutls_free(pem.data);
    return buf_check(out, f, "certificate");
}

enum err certificate_make_ca(struct fail *f, struct key *ca, const char *name, int days, struct buf *out)
{
    if (!name[0] || strlen(name) > 64)
        return fail_set(f, ERR_FIELD_RANGE, "name", "1 to 64 bytes");
    gnutls_x509_crt_t crt;
    if (gnutls_x509_crt_init(&crt) < 0)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    int code = set_common(crt, ca, str_of(name), days);
    if (code >= 0)
        code = gnutls_x509_crt_set_basic_constraints(crt, 1, 0);
    if (code >= 0)
        code = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
    enum err e = code < 0 ? fail_library(f, code) : sign_and_write(f, crt, crt, ca, out);
    gnutls_x509_crt_deinit(crt);
    return e;
}

static int add_name(gnutls_x509_crt_t crt, gnutls_x509_subject_alt_name_t type, const void *p, size_t n)
{
    return gnutls_x509_crt_set_subject_alt_name(crt, type, p, (unsigned)n, GNUTLS_FSAN_APPEND);
}

static bool ends_with(struct str s, struct str end)
{
    return s.n >= end.n && memcmp(s.p + s.n - end.n, end.p, end.n) == 0;
}

static enum err add_further_name(struct fail *f, gnutls_x509_crt_t crt, const char *name)
{
    uint8_t ip[16];
    int code;
    if (inet_pton(AF_INET, name, ip) == 1)
        code = add_name(crt, GNUTLS_SAN_IPADDRESS, ip, 4);
    else if (inet_pton(AF_INET6, name, ip) == 1)
        code = add_name(crt, GNUTLS_SAN_IPADDRESS, ip, 16);
    else if (certificate_is_node_name(str_of(name)) && !ends_with(str_of(name), suffix))
        code = add_name(crt, GNUTLS_SAN_DNSNAME, name, strlen(name));
    else
        return fail_set(f, ERR_FIELD_RANGE, "name", "neither a DNS name outside .juki nor an IP address");
    return code < 0 ? fail_library(f, code) : ERR_OK;
}

static enum err set_names(struct fail *f, gnutls_x509_crt_t crt, const char *const *names, size_t count)
{
    char dns[CERTIFICATE_NODE_SIZE];
    int n = snprintf(dns, sizeof dns, "%s%s", names[0], suffix.p);
    int code = add_name(crt, GNUTLS_SAN_DNSNAME, dns, (size_t)n);
    if (code < 0)
        return fail_library(f, code);
    for (size_t i = 1; i < count; i++) {
        enum err e = add_further_name(f, crt, names[i]);
        if (e)
            return e;
    }
    return ERR_OK;
}

static int set_node_uses(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer)
{
    int code = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);
    if (code >= 0)
        code = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
    if (code >= 0)
        code = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
    if (code >= 0)
        code = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_CLIENT, 0);
    return code < 0 ? code : set_authority_id(crt, issuer);
}

/* ca_pem must be this CA key's certificate: else the result would be believed by nobody. */
static enum err import_issuer(struct fail *f, struct key *ca, struct str ca_pem, gnutls_x509_crt_t issuer)
{
    gnutls_datum_t pem = datum_of(ca_pem);
    int code = gnutls_x509_crt_import(issuer, &pem, GNUTLS_X509_FMT_PEM);
    if (code < 0)
        return fail_library(f, code);
    unsigned char of_pem[64], of_key[64];
    size_t pem_n = sizeof of_pem, key_n = sizeof of_key;
    if (gnutls_x509_crt_get_key_id(issuer, 0, of_pem, &pem_n) < 0 ||
        gnutls_pubkey_get_key_id(key_gnutls_public(ca), 0, of_key, &key_n) < 0 || pem_n != key_n ||
        memcmp(of_pem, of_key, key_n) != 0)
        return fail_set(f, ERR_CERTIFICATE_ISSUER, "certificate", "the CA's certificate and key do not belong together");
    return ERR_OK;
}

enum err certificate_issue(struct fail *f, struct key *ca, struct str ca_pem, struct key *subject,
                           const char *const *names, size_t count, int days, struct buf *out)
{
    if (count < 1 || !certificate_is_node_name(str_of(names[0])))
        return fail_set(f, ERR_FIELD_RANGE, "node", "not a node's name");
    gnutls_x509_crt_t crt = NULL, issuer = NULL;
    if (gnutls_x509_crt_init(&crt) < 0 || gnutls_x509_crt_init(&issuer) < 0) {
        gnutls_x509_crt_deinit(crt);
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    }
    enum err e = import_issuer(f, ca, ca_pem, issuer);
    int code = 0;
    if (!e && (code = set_common(crt, subject, str_of(names[0]), days)) < 0)
        e = fail_library(f, code);
    if (!e)
        e = set_names(f, crt, names, count);
    if (!e && (code = set_node_uses(crt, issuer)) < 0)
        e = fail_library(f, code);
    if (!e)
        e = sign_and_write(f, crt, issuer, ca, out);
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_crt_deinit(issuer);
    return e;
}

/* Reading */

static enum err import(struct fail *f, struct str bytes, gnutls_x509_crt_fmt_t format, gnutls_x509_crt_t *out)
{
    if (bytes.n > CERTIFICATE_PEM_MAX)
        return fail_set(f, ERR_LIMIT, "certificate", NULL);
    gnutls_x509_crt_t crt;
    if (gnutls_x509_crt_init(&crt) < 0)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    gnutls_datum_t d = datum_of(bytes);
    int code = gnutls_x509_crt_import(crt, &d, format);
    if (code < 0) {
        gnutls_x509_crt_deinit(crt);
        return fail_library(f, code);
    }
    *out = crt;
    return ERR_OK;
}

static bool common_name_is(gnutls_x509_crt_t crt, struct str node)
{
    char name[NAME_MAX_BYTES + 1], second[NAME_MAX_BYTES + 1];
    size_t n = sizeof name, second_n = sizeof second;
    return gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &n) >= 0 &&
           str_equal((struct str){name, n}, node) &&
           gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 1, 0, second, &second_n) ==
               GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
}

/* How many names under .juki there are; the first is left in node. A name we cannot read counts as two. */
static unsigned count_nodes(gnutls_x509_crt_t crt, char node[static CERTIFICATE_NODE_SIZE])
{
    unsigned found = 0;
    for (unsigned i = 0;; i++) {
        char name[NAME_MAX_BYTES + 1];
        size_t n = sizeof name;
        int type = gnutls_x509_crt_get_subject_alt_name(crt, i, name, &n, NULL);
        if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            return found;
        if (type < 0)
            return 2;
        struct str s = {name, n};
        if (type != GNUTLS_SAN_DNSNAME || !ends_with(s, suffix))
            continue;
        s.n -= suffix.n;
        if (!certificate_is_node_name(s))
            return 2;
        if (found++ == 0)
            snprintf(node, CERTIFICATE_NODE_SIZE, "%.*s", STR_ARG(s));
    }
}

static enum err read_node(struct fail *f, gnutls_x509_crt_t crt, char out[static CERTIFICATE_NODE_SIZE])
{
    char node[CERTIFICATE_NODE_SIZE] = "";
    if (count_nodes(crt, node) != 1)
        return fail_set(f, ERR_CERTIFICATE, "certificate", "not exactly one name NODE.juki");
    if (!common_name_is(crt, str_of(node)))
        return fail_set(f, ERR_CERTIFICATE, "certificate", "CN is not the node %s", node);
    memcpy(out, node, sizeof node);
    return ERR_OK;
}

enum err certificate_node(struct fail *f, struct str der, char *out, size_t size)
{
    gnutls_x509_crt_t crt = NULL;
    enum err e = import(f, der, GNUTLS_X509_FMT_DER, &crt);
    if (e)
        return e;
    char node[CERTIFICATE_NODE_SIZE] = "";
    e = read_node(f, crt, node);
    gnutls_x509_crt_deinit(crt);
    if (!e && strlen(node) >= size)
        e = fail_set(f, ERR_LIMIT, "node", NULL);
    if (!e)
        memcpy(out, node, strlen(node) + 1);
    return e;
}

static bool is_authority(gnutls_x509_crt_t crt)
{
    return gnutls_x509_crt_get_ca_status(crt, NULL) > 0;
}

static enum err read_facts(struct fail *f, gnutls_x509_crt_t crt, struct certificate_facts *out)
{
    struct certificate_facts facts = {.authority = is_authority(crt)};
    if (!facts.authority) {
        enum err e = read_node(f, crt, facts.node);
        if (e)
            return e;
    }
    unsigned char serial[CERTIFICATE_SERIAL_SIZE / 2 - 1];
    size_t serial_n = sizeof serial, fingerprint_n = sizeof facts.fingerprint;
    if (gnutls_x509_crt_get_serial(crt, serial, &serial_n) < 0 ||
        gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, facts.fingerprint, &fingerprint_n) < 0)
        return fail_set(f, ERR_CERTIFICATE, "certificate", "serial or fingerprint");
    for (size_t i = 0; i < serial_n; i++)
        snprintf(facts.serial + 2 * i, 3, "%02x", serial[i]);
    facts.not_before = (int64_t)gnutls_x509_crt_get_activation_time(crt) * 1000000;
    facts.not_after = (int64_t)gnutls_x509_crt_get_expiration_time(crt) * 1000000;
    *out = facts;
    return ERR_OK;
}

enum err certificate_read(struct fail *f, struct str pem, struct certificate_facts *out)
{
    gnutls_x509_crt_t crt = NULL;
    enum err e = import(f, pem, GNUTLS_X509_FMT_PEM, &crt);
    if (e)
        return e;
    e = read_facts(f, crt, out);
    gnutls_x509_crt_deinit(crt);
    return e;
}

enum err certificate_der(struct fail *f, struct str pem, struct buf *out)
{
    gnutls_x509_crt_t crt = NULL;
    enum err e = import(f, pem, GNUTLS_X509_FMT_PEM, &crt);
    if (e)
        return e;
    gnutls_datum_t der = {NULL, 0};
    int code = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &der);
    gnutls_x509_crt_deinit(crt);
    if (code < 0)
        return fail_library(f, code);
    buf_add(out, der.data, der.size);
    gnutls_free(der.data);
    return buf_check(out, f, "certificate");
}

/* Believing */

static enum err check_time(struct fail *f, gnutls_x509_crt_t crt, int64_t now, const char *whose)
{
    char text[CLOCK_TEXT_SIZE];
    int64_t from = (int64_t)gnutls_x509_crt_get_activation_time(crt) * 1000000;
    int64_t until = (int64_t)gnutls_x509_crt_get_expiration_time(crt) * 1000000;
    if (now < from)
        return fail_set(f, ERR_CERTIFICATE_TIME, "certificate", "%s: not valid before %s", whose,
                        clock_text(from, text));
    if (now > until)
        return fail_set(f, ERR_CERTIFICATE_TIME, "certificate", "%s: expired at %s", whose, clock_text(until, text));
    return ERR_OK;
}

static bool signed_by(gnutls_x509_crt_t crt, gnutls_x509_crt_t ca)
{
    unsigned status = UINT_MAX;
    return is_authority(ca) && gnutls_x509_crt_check_issuer(crt, ca) == 1 &&
           gnutls_x509_crt_verify(crt, &ca, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &status) >= 0 && status == 0;
}

/* Signed by one of the CAs, which must itself be in its time. */
static enum err check_issuer(struct fail *f, gnutls_x509_crt_t crt, struct str ca_pem, int64_t now)
{
    gnutls_x509_crt_t cas[CA_MAX];
    unsigned count = CA_MAX;
    gnutls_datum_t pem = datum_of(ca_pem);
    int code = gnutls_x509_crt_list_import(cas, &count, &pem, GNUTLS_X509_FMT_PEM,
                                           GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
    if (code < 0)
        return fail_set(f, ERR_CERTIFICATE_ISSUER, "ca", "%s", gnutls_strerror(code));
    enum err e = fail_set(f, ERR_CERTIFICATE_ISSUER, "certificate", NULL);
    for (unsigned i = 0; i < count && e; i++) {
        if (signed_by(crt, cas[i]))
            e = check_time(f, cas[i], now, "the CA's");
    }
    for (unsigned i = 0; i < count; i++)
        gnutls_x509_crt_deinit(cas[i]);
    return e;
}

static bool has_purpose(gnutls_x509_crt_t crt, const char *want)
{
    for (unsigned i = 0; i < 16; i++) {
        char oid[64];
        size_t n = sizeof oid;
        if (gnutls_x509_crt_get_key_purpose_oid(crt, i, oid, &n, NULL) < 0)
            return false;
        if (strcmp(oid, want) == 0)
            return true;
    }
    return false;
}

enum err certificate_verify(struct fail *f, struct str der, struct str ca_pem, int64_t now,
                            struct certificate_facts *out)
{
    gnutls_x509_crt_t crt = NULL;
    enum err e = import(f, der, GNUTLS_X509_FMT_DER, &crt);
    if (e)
        return e;
    struct certificate_facts facts;
    e = check_issuer(f, crt, ca_pem, now);
    if (!e)
        e = check_time(f, crt, now, "the node's");
    if (!e)
        e = read_facts(f, crt, &facts);
    if (!e && facts.authority)
        e = fail_set(f, ERR_CERTIFICATE, "certificate", "a CA's, not a node's");
    if (!e && !(has_purpose(crt, GNUTLS_KP_TLS_WWW_SERVER) && has_purpose(crt, GNUTLS_KP_TLS_WWW_CLIENT)))
        e = fail_set(f, ERR_CERTIFICATE, "certificate", "not for client and server");
    gnutls_x509_crt_deinit(crt);
    if (!e)
        *out = facts;
    return e;
}
