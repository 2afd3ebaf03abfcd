/* SPDX-License-Identifier: Apache-2.0 */
#include "command/network.h"

#include "base/clock.h"
#include "base/file.h"
#include "keys/certificate.h"
#include "keys/secret.h"
#include "program/node_config.h"
#include "test.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static char base[64], folder[96];
static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    snprintf(base, sizeof base, "/tmp/juki-network-XXXXXX");
    if (!mkdtemp(base))
        return -1;
    snprintf(folder, sizeof folder, "%s/net", base);
    arena_init(&arena, 64 * 1024 * 1024);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_release(&arena);
    return network_remove_folder(NULL, base) ? -1 : 0;
}

static enum err make(const char *where, const char *code, const char *prefecture, struct fail *f, struct network *n)
{
    struct str codes[] = {str_of(code)}, prefectures[] = {str_of(prefecture)};
    const struct network_plan plan = {.folder = where, .municipalities = codes, .municipality_count = code != NULL,
                                      .prefectures = prefectures, .prefecture_count = prefecture != NULL,
                                      .base_port = 7100, .disk_least = -1};
    return network_init(f, &plan, &arena, n);
}

static int check_mode(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)where;
    if (kind == FTW_D && (st->st_mode & 0777) != 0700)
        fail_msg("%s is %03o", path, (unsigned)st->st_mode & 0777);
    if (kind == FTW_F && (st->st_mode & 0777) != 0600)
        fail_msg("%s is %03o", path, (unsigned)st->st_mode & 0777);
    return 0;
}

static void a_municipality_brings_its_prefecture_and_ports(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int port, door_port;
    } want[] = {{"agency", 7100, 0}, {"prefecture.28", 7101, 0}, {"cs.282049", 7102, 7103}, {"register.282049", 0, 0}};
    struct network n;
    assert_ok(make(folder, "282049", NULL, NULL, &n));
    assert_int_equal(n.count, COUNT_OF(want));
    for (size_t i = 0; i < n.count; i++) {
        assert_string_equal(n.nodes[i].name.text, want[i].name);
        assert_int_equal(n.nodes[i].port, want[i].port);
        assert_int_equal(n.nodes[i].door_port, want[i].door_port);
    }
    assert_int_equal(nftw(folder, check_mode, 16, FTW_PHYS), 0);
}

/* What a daemon does with the files at its start: configuration, keys, certificate, directory. */
static void check_node(const struct network *n, const struct network_node *node)
{
    struct node_config c;
    struct directory *d = NULL;
    struct buf text;
    struct key *key = NULL;
    uint8_t public_key[ED25519_PUBLIC], roots[1][ED25519_PUBLIC];
    bool linked = node->name.role != NODE_REGISTER;
    buf_init(&text, 1 << 20);
    assert_ok(node_config_load(NULL, node->folder.p, &arena, &c));
    assert_string_equal(c.node.p, node->name.text);
    assert_string_equal(c.control.p, node->control.p);
    assert_int_equal(c.roots.count, 1);
    assert_ok(network_read_directory(NULL, n, &d));
    const uint8_t(*trusted)[ED25519_PUBLIC];
    assert_int_equal(directory_roots(d, &trusted), 1);
    memcpy(roots[0], trusted[0], sizeof roots[0]);
    directory_unref(d);
    d = NULL;
    assert_ok(file_read(NULL, c.directory.p, &text));
    assert_ok(directory_read(NULL, buf_str(&text), (const uint8_t(*)[ED25519_PUBLIC])roots, 1, clock_now(), &d));
    if (linked) {
        struct certificate_facts facts;
        struct buf der;
        assert_ok(key_open(NULL, c.signing_key.p, &key));
        assert_ok(key_public(NULL, key, public_key));
        const struct directory_node *entry = directory_find(d, str_of(node->name.text));
        assert_non_null(entry);
        assert_memory_equal(directory_key_at(entry, clock_now())->public_key, public_key, sizeof public_key);
        assert_string_equal(entry->address, c.listen.p);
        buf_clear(&text);
        buf_init(&der, 65536);
        assert_ok(file_read(NULL, c.tls_certificate.p, &text));
        assert_ok(certificate_der(NULL, buf_str(&text), &der));
        assert_ok(certificate_verify(NULL, buf_str(&der), directory_ca(d), clock_now(), &facts));
        assert_string_equal(facts.node, node->name.text);
        buf_release(&der);
    } else {
        assert_null(directory_find(d, str_of(node->name.text)));
        assert_string_equal(c.door_url.p, "https://127.0.0.1:7103");
    }
    key_free(key);
    directory_unref(d);
    buf_release(&text);
}

static void every_server_can_use_its_files(void **state)
{
    (void)state;
    struct network n;
    assert_ok(make(folder, "282049", NULL, NULL, &n));
    for (size_t i = 0; i < n.count; i++)
        check_node(&n, &n.nodes[i]);
}

static void a_second_init_changes_nothing(void **state)
{
    (void)state;
    struct network n;
    struct stat before, after;
    char key[160];
    assert_ok(make(folder, "282049", NULL, NULL, &n));
    snprintf(key, sizeof key, "%s/authority/root.key", folder);
    assert_int_equal(stat(key, &before), 0);
    assert_err(make(folder, "282049", NULL, NULL, &n), ERR_NETWORK_EXISTS);
    assert_int_equal(stat(key, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
}

static void a_place_without_cs_is_refused_with_its_reason(void **state)
{
    (void)state;
    static const struct {
        const char *code, *prefecture;
        enum err err;
        const char *says;
    } rows[] = {
        {"281018", NULL, ERR_AREA_WARD, "281000"},         /* 神戸市東灘区: the city's */
        {"280003", NULL, ERR_AREA_NO_CS, "--prefecture 28"}, /* 兵庫県 */
        {"282040", NULL, ERR_AREA_CODE_CHECK, ""},
        {"28", NULL, ERR_AREA_CODE_FORM, ""},
        {NULL, "48", ERR_FIELD_RANGE, "48"},
        {NULL, "0", ERR_FIELD_RANGE, ""},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct network n;
        struct fail f = {0};
        assert_err(make(folder, rows[i].code, rows[i].prefecture, &f, &n), rows[i].err);
        assert_non_null(strstr(f.detail, rows[i].says));
        assert_false(file_exists(folder)); /* nothing is left */
    }
}

static void a_city_as_such_and_a_special_ward_have_a_cs(void **state)
{
    (void)state;
    struct network n;
    assert_ok(make(folder, "281000", NULL, NULL, &n)); /* 神戸市 */
    assert_ok(network_add_municipality(NULL, &n, &arena, STR("131016"))); /* 千代田区 */
    assert_err(network_add_municipality(NULL, &n, &arena, STR("281000")), ERR_NETWORK_MEMBER);
}

static void a_long_folder_puts_its_sockets_elsewhere(void **state)
{
    (void)state;
    struct network n;
    char deep[256];
    int len = snprintf(deep, sizeof deep, "%s/%0100d", base, 1);
    assert_true(len > 100);
    assert_ok(make(deep, "282049", NULL, NULL, &n));
    assert_true(n.sockets.n > 0);
    assert_ok(network_make_sockets(NULL, &n));
    for (size_t i = 0; i < n.count; i++) {
        assert_true(n.nodes[i].control.n <= 107);
        check_node(&n, &n.nodes[i]);
    }
    assert_int_equal(chmod(n.sockets.p, 0755), 0);
    assert_err(network_make_sockets(NULL, &n), ERR_SOCKET_FOLDER);
    assert_int_equal(rmdir(n.sockets.p), 0);
}

static void renewing_gives_another_certificate_and_revoking_lists_the_old(void **state)
{
    (void)state;
    const struct network_node *node;
    struct network n;
    struct directory *d = NULL;
    char old[48], older[48];
    int64_t version = 0;
    assert_ok(make(folder, "282049", NULL, NULL, &n));
    assert_ok(network_find(NULL, &n, "cs.282049", &node));
    assert_ok(network_renew_node(NULL, &n, node, false, 10, older));
    assert_ok(network_renew_node(NULL, &n, node, false, 10, old));
    assert_string_not_equal(old, older);
    check_node(&n, node);
    assert_ok(network_sign_directory(NULL, &n, false, &(struct network_revocation){"cs.282049", older}, &version));
    assert_ok(network_sign_directory(NULL, &n, false, &(struct network_revocation){"cs.282049", old}, &version));
    assert_int_equal(version, 3);
    assert_ok(network_read_directory(NULL, &n, &d));
    const struct directory_node *entry = directory_find(d, STR("cs.282049"));
    assert_int_equal(entry->revoked_serial_count, 2);
    assert_string_equal(entry->revoked_serials[1], old);
    assert_int_equal(entry->key_count, 1); /* the signing key is as before */
    directory_unref(d);
}

static void a_new_signing_key_leaves_the_former_one_in_the_directory(void **state)
{
    (void)state;
    struct network n;
    struct directory *d = NULL;
    char key[160];
    int64_t version;
    assert_ok(make(folder, "282049", NULL, NULL, &n));
    snprintf(key, sizeof key, "%s/cs.282049/keys/signing.key", folder);
    assert_int_equal(unlink(key), 0);
    assert_ok(key_create_file(NULL, key, KEY_ED25519));
    assert_ok(network_sign_directory(NULL, &n, false, NULL, &version));
    assert_ok(network_read_directory(NULL, &n, &d));
    const struct directory_node *entry = directory_find(d, STR("cs.282049"));
    assert_int_equal(entry->key_count, 2);
    assert_true(entry->keys[0].until < entry->keys[1].from && entry->keys[1].until == INT64_MAX);
    directory_unref(d);
}

static void what_is_saved_is_loaded(void **state)
{
    (void)state;
    struct network n, again;
    assert_ok(make(folder, "282049", "13", NULL, &n));
    assert_ok(network_add_municipality(NULL, &n, &arena, STR("272035")));
    assert_ok(network_save(NULL, &n));
    assert_ok(network_load(NULL, folder, &arena, &again));
    assert_int_equal(again.count, n.count);
    assert_int_equal(again.next_port, n.next_port);
    for (size_t i = 0; i < n.count; i++) {
        assert_string_equal(again.nodes[i].name.text, n.nodes[i].name.text);
        assert_int_equal(again.nodes[i].port, n.nodes[i].port);
        assert_string_equal(again.nodes[i].control.p, n.nodes[i].control.p);
    }
    assert_err(network_load(NULL, base, &arena, &again), ERR_NETWORK_NONE);
}

static bool file_has(struct str where, const char *name, const char *text)
{
    char path[NETWORK_PATH_MAX];
    struct buf b;
    buf_init(&b, 1024 * 1024);
    snprintf(path, sizeof path, "%.*s/%s", STR_ARG(where), name);
    assert_ok(file_read(NULL, path, &b));
    bool has = strstr(b.p, text) != NULL;
    buf_release(&b);
    return has;
}

static void a_password_stands_in_configurations_alone(void **state)
{
    (void)state;
    struct str codes[] = {STR("282049")};
    const struct network_plan plan = {.folder = folder, .municipalities = codes, .municipality_count = 1,
                                      .base_port = 7100, .disk_least = -1,
                                      .postgresql = STR("postgresql://juki:s3:cret@127.0.0.1:5432/")};
    struct network n, again;
    assert_ok(network_init(NULL, &plan, &arena, &n));
    assert_str(n.postgresql, "postgresql://juki@127.0.0.1:5432");
    assert_false(file_has(n.folder, "network.json", "cret"));
    assert_true(file_has(n.folder, "cs.282049/juki.yaml", "\"postgresql://juki:s3:cret@127.0.0.1:5432/juki_cs_282049\""));
    assert_ok(network_load(NULL, folder, &arena, &again)); /* a server that is added needs it too */
    assert_ok(network_read_postgresql(NULL, &again, &arena));
    assert_str(again.postgresql_secret, "postgresql://juki:s3:cret@127.0.0.1:5432");
    assert_ok(network_save(NULL, &again));
    assert_false(file_has(n.folder, "network.json", "cret"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_municipality_brings_its_prefecture_and_ports),
        TEST(every_server_can_use_its_files),
        TEST(a_second_init_changes_nothing),
        TEST(a_place_without_cs_is_refused_with_its_reason),
        TEST(a_city_as_such_and_a_special_ward_have_a_cs),
        TEST(a_long_folder_puts_its_sockets_elsewhere),
        TEST(renewing_gives_another_certificate_and_revoking_lists_the_old),
        TEST(a_new_signing_key_leaves_the_former_one_in_the_directory),
        TEST(what_is_saved_is_loaded),
        TEST(a_password_stands_in_configurations_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
