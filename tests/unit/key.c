/* SPDX-License-Identifier: Apache-2.0 */
/* Keys from files and from a real token: SoftHSM in a folder of its own, filled with p11tool. */
#include "keys/key.h"

#include "base/encode.h"
#include "base/file.h"
#include "keys/certificate.h"
#include "keys/credentials.h"
#include "test.h"

#include <gnutls/abstract.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/juki-key-XXXXXX";

static const char *in_folder(const char *name, char out[static 256])
{
    snprintf(out, 256, "%s/%s", folder, name);
    return out;
}

static void run(const char *command)
{
    int status = system(command); /* words of this file only */
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("%s", command);
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    char path[256], line[512];
    snprintf(line, sizeof line, "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", folder);
    if (file_write(NULL, in_folder("softhsm.conf", path), str_of(line), 0600))
        return -1;
    return setenv("SOFTHSM2_CONF", path, 1);
}

static int remove_folder(void **state)
{
    (void)state;
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static struct key *open_key(const char *uri)
{
    struct key *k = NULL;
    struct fail f = {0};
    if (key_open(&f, uri, &k) != ERR_OK)
        fail_msg("%s: %s", uri, f.detail);
    return k;
}

static void sign_and_check(struct key *k)
{
    uint8_t public_key[ED25519_PUBLIC], signature[ED25519_SIGNATURE];
    assert_ok(key_public(NULL, k, public_key));
    assert_ok(key_sign(NULL, k, STR("notice"), signature));
    assert_ok(key_verify(NULL, public_key, STR("notice"), signature));
    assert_err(key_verify(NULL, public_key, STR("Notice"), signature), ERR_SIGNATURE);
    for (size_t i = 0; i < sizeof signature; i++) {
        signature[i] ^= 1;
        assert_err(key_verify(NULL, public_key, STR("notice"), signature), ERR_SIGNATURE);
        signature[i] ^= 1;
    }
    public_key[3] ^= 4;
    assert_err(key_verify(NULL, public_key, STR("notice"), signature), ERR_SIGNATURE);
}

static void a_new_file_key_signs(void **state)
{
    (void)state;
    char path[256], uri[300];
    struct stat st;
    assert_ok(key_create_file(NULL, in_folder("sign.pem", path), KEY_ED25519));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_err(key_create_file(NULL, path, KEY_ED25519), ERR_EXISTS);
    snprintf(uri, sizeof uri, "file:%s", path);
    struct key *k = open_key(uri);
    assert_int_equal(key_kind(k), KEY_ED25519);
    sign_and_check(k);
    key_free(k);
}

static void a_p256_key_does_not_sign_notices(void **state)
{
    (void)state;
    char path[256], uri[300];
    uint8_t bytes[64];
    assert_ok(key_create_file(NULL, in_folder("tls.pem", path), KEY_P256));
    snprintf(uri, sizeof uri, "file:%s", path);
    struct key *k = open_key(uri);
    assert_int_equal(key_kind(k), KEY_P256);
    assert_err(key_sign(NULL, k, STR("x"), bytes), ERR_KEY_KIND);
    assert_err(key_public(NULL, k, bytes), ERR_KEY_KIND);
    key_free(k);
}

static void files_others_may_read_are_refused(void **state)
{
    (void)state;
    char path[256], uri[300], other[256];
    struct key *k = NULL;
    assert_ok(key_create_file(NULL, in_folder("open.pem", path), KEY_ED25519));
    snprintf(uri, sizeof uri, "file:%s", path);
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610, 0601, 0644};
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        assert_err(key_open(NULL, uri, &k), ERR_KEY_PERMISSION);
    }
    assert_int_equal(chmod(path, 0400), 0);
    key_free(open_key(uri));
    assert_int_equal(symlink(path, in_folder("link.pem", other)), 0);
    snprintf(uri, sizeof uri, "file:%s", other);
    assert_err(key_open(NULL, uri, &k), ERR_KEY_PERMISSION);
    assert_int_equal(mkfifo(in_folder("pipe.pem", other), 0600), 0);
    snprintf(uri, sizeof uri, "file:%s", other);
    assert_err(key_open(NULL, uri, &k), ERR_KEY_PERMISSION);
    assert_null(k);
}

static void other_things_are_refused(void **state)
{
    (void)state;
    char path[256], uri[300], command[600];
    struct key *k = NULL;
    snprintf(uri, sizeof uri, "file:%s", in_folder("none.pem", path));
    assert_err(key_open(NULL, uri, &k), ERR_NOT_FOUND);
    assert_err(key_open(NULL, path, &k), ERR_MALFORMED);
    assert_ok(file_write(NULL, path, STR("-----BEGIN PRIVATE KEY-----\nnonsense\n"), 0600));
    assert_err(key_open(NULL, uri, &k), ERR_KEY_KIND);
    static const char *const kinds[] = {"rsa --bits 2048", "ecdsa --curve secp384r1", "ed448"};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        snprintf(command, sizeof command, "certtool --generate-privkey --key-type %s --outfile %s 2>/dev/null && chmod 600 %s",
                 kinds[i], path, path);
        run(command);
        assert_err(key_open(NULL, uri, &k), ERR_KEY_KIND);
    }
    assert_null(k);
}

static void a_published_seed_gives_its_key(void **state)
{
    (void)state; /* RFC 8032 §7.1, test 1 */
    struct buf seed, want;
    buf_init(&seed, 32);
    buf_init(&want, 32);
    assert_ok(decode_hex(NULL, &seed, STR("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")));
    assert_ok(decode_hex(NULL, &want, STR("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")));
    struct key *k = NULL;
    uint8_t got[ED25519_PUBLIC];
    assert_ok(key_from_seed(NULL, (const uint8_t *)seed.p, &k));
    assert_ok(key_public(NULL, k, got));
    assert_memory_equal(got, want.p, sizeof got);
    key_free(k);
    buf_release(&seed);
    buf_release(&want);
}

/* A token with a generated P-256 key "tls" and the Ed25519 key of sign.pem imported as "sign". */
static void fill_token(void)
{
    char command[1200], path[256];
    run("softhsm2-util --init-token --free --label juki --pin 246810 --so-pin 13579111 >/dev/null");
    assert_ok(file_write(NULL, in_folder("pin", path), STR("246810\n"), 0600));
    assert_ok(file_write(NULL, in_folder("wrong-pin", path), STR("999999\n"), 0600));
    snprintf(command, sizeof command,
             "cd %s && export GNUTLS_PIN=246810 && "
             "p11tool --login --generate-privkey ecdsa --curve secp256r1 --label tls --outfile tls.pub 'pkcs11:token=juki' "
             ">p11tool.log 2>&1 && "
             "p11tool --login --write --load-privkey sign.pem --label sign 'pkcs11:token=juki' >>p11tool.log 2>&1",
             folder);
    run(command);
}

static void *sign_many(void *arg)
{
    uint8_t public_key[ED25519_PUBLIC], signature[ED25519_SIGNATURE];
    enum err e = key_public(NULL, arg, public_key);
    for (int i = 0; i < 50 && !e; i++) {
        struct str message = {(const char *)&i, sizeof i};
        e = key_sign(NULL, arg, message, signature);
        if (!e)
            e = key_verify(NULL, public_key, message, signature);
    }
    return e ? arg : NULL;
}

static void token_uri(char out[static 600], const char *object, const char *pin, const char *public)
{
    snprintf(out, 600, "pkcs11:token=juki;object=%s?pin-source=file:%s/%s%s%s", object, folder, pin,
             public ? "&juki-public=" : "", public ? public : "");
}

static void a_token_signs_with_an_imported_key(void **state)
{
    (void)state;
    char path[256], uri[600];
    snprintf(uri, sizeof uri, "file:%s", in_folder("sign.pem", path));
    struct key *file = open_key(uri);
    uint8_t public_key[ED25519_PUBLIC];
    assert_ok(key_public(NULL, file, public_key));
    key_free(file);
    struct buf text;
    buf_init(&text, 64);
    encode_base64url(&text, public_key, sizeof public_key);
    token_uri(uri, "sign", "pin", text.p);
    struct key *k = open_key(uri);
    assert_int_equal(key_kind(k), KEY_ED25519);
    sign_and_check(k);
    pthread_t threads[4];
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_many, k), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        void *bad;
        assert_int_equal(pthread_join(threads[i], &bad), 0);
        assert_null(bad);
    }
    key_free(k);
    text.p[0] = text.p[0] == 'A' ? 'B' : 'A'; /* another public half: found out at opening */
    token_uri(uri, "sign", "pin", text.p);
    assert_err(key_open(NULL, uri, &k), ERR_KEY_TOKEN);
    buf_release(&text);
}

static void a_public_object_beside_it_serves_as_well(void **state)
{
    (void)state;
    char command[1200], uri[600];
    snprintf(command, sizeof command,
             "cd %s && export GNUTLS_PIN=246810 && certtool --load-privkey sign.pem --pubkey-info --outfile sign.pub && "
             "p11tool --login --write --load-pubkey sign.pub --label sign 'pkcs11:token=juki' >>p11tool.log 2>&1",
             folder);
    run(command);
    token_uri(uri, "sign", "pin", NULL);
    struct key *k = open_key(uri);
    sign_and_check(k);
    key_free(k);
}

/* One end of a handshake: TLS 1.3 with a certificate of its own. */
struct end {
    void *credentials;
    unsigned flags;
    int socket, result;
};

static void *shake(void *arg)
{
    struct end *end = arg;
    gnutls_session_t session;
    gnutls_init(&session, end->flags);
    gnutls_priority_set_direct(session, "NORMAL:-VERS-ALL:+VERS-TLS1.3", NULL);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, end->credentials);
    if (end->flags & GNUTLS_SERVER)
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
    gnutls_transport_set_int(session, end->socket);
    do
        end->result = gnutls_handshake(session);
    while (end->result < 0 && !gnutls_error_is_fatal(end->result));
    unsigned count = 0;
    if (end->result >= 0 && (!gnutls_certificate_get_peers(session, &count) || count != 1))
        end->result = GNUTLS_E_NO_CERTIFICATE_FOUND;
    gnutls_deinit(session);
    close(end->socket);
    return NULL;
}

/* Eight handshakes at once, the same key at both ends of each; with other's certificate it does not go together. */
static void shake_hands(struct key *k, struct key *other)
{
    const char *const names[] = {"cs.282049"};
    void *credentials = NULL;
    struct buf ca, node;
    buf_init(&ca, CERTIFICATE_PEM_MAX);
    buf_init(&node, CERTIFICATE_PEM_MAX);
    assert_ok(certificate_make_ca(NULL, k, "a CA", 1, &ca));
    assert_ok(certificate_issue(NULL, k, buf_str(&ca), k, names, 1, 1, &node));
    assert_err(credentials_new(NULL, k, STR("no certificate"), &credentials), ERR_CERTIFICATE);
    assert_err(credentials_new(NULL, other, buf_str(&node), &credentials), ERR_CERTIFICATE);
    assert_ok(credentials_new(NULL, k, buf_str(&node), &credentials));
    struct end ends[16];
    pthread_t threads[COUNT_OF(ends)];
    for (size_t i = 0; i < COUNT_OF(ends); i += 2) {
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        ends[i] = (struct end){credentials, GNUTLS_SERVER, pair[0], -1};
        ends[i + 1] = (struct end){credentials, GNUTLS_CLIENT, pair[1], -1};
    }
    for (size_t i = 0; i < COUNT_OF(ends); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, shake, &ends[i]), 0);
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        if (ends[i].result < 0)
            fail_msg("end %zu: %s", i, gnutls_strerror(ends[i].result));
    }
    credentials_free(credentials);
    buf_release(&ca);
    buf_release(&node);
}

static void keys_of_either_kind_and_place_serve_tls(void **state)
{
    (void)state;
    char uri[4][600];
    struct key *keys[4];
    snprintf(uri[0], sizeof uri[0], "file:%s/sign.pem", folder);
    snprintf(uri[1], sizeof uri[1], "file:%s/tls.pem", folder);
    token_uri(uri[2], "tls", "pin", NULL);
    token_uri(uri[3], "sign", "pin", NULL);
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        keys[i] = open_key(uri[i]);
    assert_int_equal(key_kind(keys[2]), KEY_P256);
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        shake_hands(keys[i], keys[i == 1 || i == 2 ? 0 : 1]);
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        key_free(keys[i]);
}

static void a_token_refuses_what_it_should(void **state)
{
    (void)state;
    char uri[600], path[256];
    struct key *k = NULL;
    token_uri(uri, "nothing", "pin", NULL);
    assert_err(key_open(NULL, uri, &k), ERR_NOT_FOUND);
    assert_err(key_open(NULL, "pkcs11:token=juki;object=tls?pin-value=246810", &k), ERR_KEY_PERMISSION);
    assert_err(key_open(NULL, "pkcs11:token=juki;object=tls?module-path=/tmp/x.so", &k), ERR_MALFORMED);
    token_uri(uri, "tls", "pin", NULL);
    assert_int_equal(chmod(in_folder("pin", path), 0644), 0);
    assert_err(key_open(NULL, uri, &k), ERR_KEY_TOKEN);
    assert_int_equal(chmod(path, 0600), 0);
    token_uri(uri, "tls", "wrong-pin", NULL);
    assert_err(key_open(NULL, uri, &k), ERR_KEY_TOKEN);
    assert_null(k);
    assert_int_equal(setenv("JUKI_PIN_FILE", path, 1), 0);
    key_free(open_key("pkcs11:token=juki;object=tls"));
    assert_int_equal(unsetenv("JUKI_PIN_FILE"), 0);
}

static int make_token(void **state)
{
    (void)state;
    fill_token();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_file_key_signs),
        cmocka_unit_test(a_p256_key_does_not_sign_notices),
        cmocka_unit_test(files_others_may_read_are_refused),
        cmocka_unit_test(other_things_are_refused),
        cmocka_unit_test(a_published_seed_gives_its_key),
        cmocka_unit_test_setup(a_token_signs_with_an_imported_key, make_token),
        cmocka_unit_test(a_public_object_beside_it_serves_as_well),
        cmocka_unit_test(keys_of_either_kind_and_place_serve_tls),
        cmocka_unit_test(a_token_refuses_what_it_should),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
