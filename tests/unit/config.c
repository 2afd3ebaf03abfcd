/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config.h"
#include "test.h"

#include "base/file.h"

#include <stdio.h>

struct settings {
    struct str name, note, socket;
    int64_t port, wait;
    bool tls;
    int keys;
    struct config_list peers;
};
static const struct config_row rows[] = {
    {.key = "name",
     CONFIG_TEXT_AT(struct settings, name),
     .least = 2,
     .most = 12,
     .example = "cs.282049",
     .help = "The name of this node"},
    {.key = "note", CONFIG_TEXT_AT(struct settings, note), .standard = "", .help = "Anything"},
    {.key = "keys",
     CONFIG_CHOICE_AT(struct settings, keys),
     .standard = "file",
     .choices = "file pkcs11",
     .help = "Where keys are"},
    {.key = "link.port",
     CONFIG_INT_AT(struct settings, port),
     .least = 1,
     .most = 65535,
     .standard = "7800",
     .help = "The port"},
    {.key = "link.wait",
     CONFIG_DURATION_AT(struct settings, wait),
     .least = 1,
     .most = 3600,
     .standard = "30s",
     .help = "How long to wait"},
    {.key = "link.tls",
     CONFIG_BOOL_AT(struct settings, tls),
     .standard = "true",
     .help = "Whether to use TLS"},
    {.key = "link.peers",
     CONFIG_LIST_AT(struct settings, peers),
     .least = 1,
     .most = 3,
     .standard = "agency, prefecture.28",
     .help = "Whom to know"},
    {.key = "door.socket",
     CONFIG_PATH_AT(struct settings, socket),
     .standard = "run/\"door\"",
     .help = "The socket"},
};
static const struct config_table table = {rows, COUNT_OF(rows), sizeof(struct settings)};

static void a_full_file_is_read(void **state)
{
    (void)state;
    struct arena a;
    struct settings s = {.port = 0};
    arena_init(&a, 1 << 20);
    assert_ok(config_parse(NULL, &table,
                           STR("# a comment\n"
                               "name: \"西宮\"\n"
                               "note: null\n"
                               "keys: pkcs11\n"
                               "link:\n"
                               "  port: 0900 # decimal, never octal\n"
                               "  wait: 2min\n"
                               "  tls: false\n"
                               "  peers: [no, '09', ~]\n"
                               "door: {socket: a/b}\n"),
                           STR("/etc/juki"), &a, &s));
    assert_str(s.name, "西宮");
    assert_str(s.note, "null");
    assert_int_equal(s.keys, 1);
    assert_int_equal(s.port, 900);
    assert_int_equal(s.wait, 120000000);
    assert_false(s.tls);
    assert_int_equal(s.peers.count, 3);
    assert_str(s.peers.items[0], "no");
    assert_str(s.peers.items[1], "09");
    assert_str(s.peers.items[2], "~");
    assert_string_equal(s.socket.p, "/etc/juki/a/b");
    arena_release(&a);
}

static void what_is_not_given_has_its_default(void **state)
{
    (void)state;
    struct arena a;
    struct settings s = {.port = 0};
    arena_init(&a, 1 << 20);
    assert_ok(config_parse(NULL, &table, STR("name: cs"), STR(""), &a, &s));
    assert_str(s.note, "");
    assert_int_equal(s.keys, 0);
    assert_int_equal(s.port, 7800);
    assert_int_equal(s.wait, 30000000);
    assert_true(s.tls);
    assert_int_equal(s.peers.count, 2);
    assert_str(s.peers.items[1], "prefecture.28");
    assert_str(s.socket, "run/\"door\"");
    arena_release(&a);
}

/* Each bad form: what stands in the file, the key that is blamed, the detail's beginning. */
static const struct {
    struct str text;
    const char *field, *detail;
} bad[] = {
    {STR(""), "name", "must be given"},
    {STR("# nothing\n"), "name", "must be given"},
    {STR("name: cs\nlink:\n  prot: 1\n"), "link.prot", "line 3: unknown key; did you mean link.port?"},
    {STR("name: cs\nzebra: 1\n"), "zebra", "line 2: unknown key"},
    {STR("name: cs\n\nzebra:\n  port: 1\n"), "zebra", "line 3: unknown key"},
    {STR("name: cs\nname: cs\n"), "name", "line 2: given twice"},
    {STR("name: cs\nlink: {port: 1}\nlink: {tls: true}\n"), "link", "line 3: given twice"},
    {STR("name: cs\nlink: {port: 1,\n port: 2}\n"), "link.port", "line 3: given twice"},
    {STR("name: cs\nlink.port: 1\n"), "", "line 2: not a key"},
    {STR("name: cs\nlink: 1\n"), "link", "line 2: unknown key"},
    {STR("name: {a: b}\n"), "name", "line 1: must be a value, not a group of keys"},
    {STR("name: cs\nlink:\n  port:\n    tls: true\n"), "link.port", "line 4: nested too deeply"},
    {STR("name: cs\nlink:\n  peers: [[a]]\n"), "link.peers", "line 3: must be a single value"},
    {STR("name: cs\nlink:\n  peers: agency\n"), "link.peers", "line 3: must be a list"},
    {STR("name: cs\nlink:\n  peers: []\n"), "link.peers", "line 3: must be from 1 to 3 entries"},
    {STR("name: cs\nlink:\n  peers: [a, b, c, d]\n"), "link.peers", "line 3: must be from 1 to 3 entries"},
    {STR("name: cs\nlink:\n  peers:\n  - a\n  -\n"), "link.peers", "line 5: has no value"},
    {STR("name: cs\nlink:\n  peers: [\"\"]\n"), "link.peers", "line 3: must be from 1 to 4096 bytes long"},
    {STR("name: [a]\n"), "name", "line 1: must be a single value"},
    {STR("name:\n"), "name", "line 1: has no value"},
    {STR("name: \"\"\n"), "name", "line 1: must be from 2 to 12 bytes long"},
    {STR("name: 0123456789abc\n"), "name", "line 1: must be from 2 to 12 bytes long"},
    {STR("name: cs\nkeys: File\n"), "keys", "line 2: must be one of: file pkcs11"},
    {STR("name: cs\nlink: {port: 0}\n"), "link.port", "line 2: must be from 1 to 65535"},
    {STR("name: cs\nlink: {port: 65536}\n"), "link.port", "line 2: must be from 1 to 65535"},
    {STR("name: cs\nlink: {port: 0x10}\n"), "link.port", "line 2: must be a whole number"},
    {STR("name: cs\nlink: {port: 1e3}\n"), "link.port", "line 2: must be a whole number"},
    {STR("name: cs\nlink: {port: +1}\n"), "link.port", "line 2: must be a whole number"},
    {STR("name: cs\nlink: {port: -}\n"), "link.port", "line 2: must be a whole number"},
    {STR("name: cs\nlink: {port: 1_000}\n"), "link.port", "line 2: must be a whole number"},
    {STR("name: cs\nlink: {port: \"1 \"}\n"), "link.port", "line 2: must be a whole number"},
    {STR("name: cs\nlink: {port: 99999999999999999999}\n"), "link.port", "line 2: must be a whole number"},
    {STR("name: cs\nlink: {tls: yes}\n"), "link.tls", "line 2: must be true or false"},
    {STR("name: cs\nlink: {tls: True}\n"), "link.tls", "line 2: must be true or false"},
    {STR("name: cs\nlink: {wait: 30}\n"), "link.wait", "line 2: must be a duration"},
    {STR("name: cs\nlink: {wait: s}\n"), "link.wait", "line 2: must be a duration"},
    {STR("name: cs\nlink: {wait: 1 s}\n"), "link.wait", "line 2: must be a duration"},
    {STR("name: cs\nlink: {wait: -1s}\n"), "link.wait", "line 2: must be a duration"},
    {STR("name: cs\nlink: {wait: 1.5h}\n"), "link.wait", "line 2: must be a duration"},
    {STR("name: cs\nlink: {wait: 9999999999999999d}\n"), "link.wait", "line 2: must be a duration"},
    {STR("name: cs\nlink: {wait: 999ms}\n"), "link.wait", "line 2: must be from 1s to 3600s"},
    {STR("name: cs\nlink: {wait: 61min}\n"), "link.wait", "line 2: must be from 1s to 3600s"},
    {STR("name: cs\ndoor: {socket: \"\"}\n"), "door.socket", "line 2: a path has from 1"},
    {STR("name: &a cs\n"), "", "line 1: anchors"},
    {STR("name: cs\nnote: *a\n"), "", "line 2: anchors"},
    {STR("name: !!str cs\n"), "", "line 1: anchors"},
    {STR("name: cs\n<<: {note: a}\n"), "<<", "line 2: unknown key"},
    {STR("? [a, b]\n: c\n"), "", "line 1: must be a single value"},
    {STR("name: cs\n---\nnote: a\n"), "", "line 2: only one document"},
    {STR("- name\n"), "", "line 1: the file must be keys"},
    {STR("just text\n"), "", "line 1: the file must be keys"},
    {STR("name: [a\n"), "name", "line "},
    {STR("name: \"a\n"), "", "line "},
    {STR("name: cs\n\tnote: a\n"), "", "line "},
    {STR("name: \"a\\0b\"\n"), "name", "line 1: holds a character"},
};

static void each_bad_form_is_refused_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct arena a;
        struct fail f = {.err = ERR_OK};
        struct settings s = {.port = 77};
        arena_init(&a, 1 << 20);
        enum err e = config_parse(&f, &table, bad[i].text, STR(""), &a, &s);
        if (e != ERR_CONFIG || strcmp(f.field, bad[i].field) != 0 ||
            strncmp(f.detail, bad[i].detail, strlen(bad[i].detail)) != 0)
            fail_msg("%s\ngives %s: %s: %s", bad[i].text.p, err_row(e)->name, f.field, f.detail);
        assert_int_equal(s.port, 77);
        arena_release(&a);
    }
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    (void)state;
    struct arena a;
    struct settings s;
    arena_init(&a, 1 << 20);
    assert_err(config_parse(NULL, &table, STR("name: \xff\xff\n"), STR(""), &a, &s), ERR_UTF8);
    assert_err(config_parse(NULL, &table, STR("name: a\0b\n"), STR(""), &a, &s), ERR_UTF8);
    arena_release(&a);
}

static void deep_nesting_is_refused_where_it_opens(void **state)
{
    (void)state;
    struct arena a;
    struct buf text;
    struct settings s;
    arena_init(&a, 1 << 20);
    buf_init(&text, CONFIG_FILE_MAX);
    buf_add_str(&text, STR("name: "));
    for (int i = 0; i < 20000; i++)
        buf_add_char(&text, i % 2 ? '{' : '[');
    assert_err(config_parse(NULL, &table, buf_str(&text), STR(""), &a, &s), ERR_CONFIG);
    buf_release(&text);
    arena_release(&a);
}

static void the_sample_is_a_file_with_the_defaults(void **state)
{
    (void)state;
    struct arena a;
    struct buf sample;
    struct settings s = {.port = 0}, standard = {.port = 0};
    arena_init(&a, 1 << 20);
    buf_init(&sample, 65536);
    config_write_sample(&table, &sample);
    assert_ok(config_parse(NULL, &table, buf_str(&sample), STR(""), &a, &s));
    assert_ok(config_parse(NULL, &table, STR("name: cs.282049"), STR(""), &a, &standard));
    assert_true(str_equal(s.name, standard.name) && str_equal(s.note, standard.note));
    assert_true(str_equal(s.socket, standard.socket));
    assert_int_equal(s.port, standard.port);
    assert_int_equal(s.wait, standard.wait);
    assert_int_equal(s.peers.count, standard.peers.count);
    assert_true(str_equal(s.peers.items[1], standard.peers.items[1]));
    assert_non_null(strstr(sample.p, "  # The port (number, 1 to 65535; default 7800)\n  port: 7800\n"));
    assert_non_null(strstr(sample.p, "name: \"cs.282049\"\n"));
    buf_release(&sample);
    arena_release(&a);
}

static void the_help_names_each_key(void **state)
{
    (void)state;
    struct buf help;
    buf_init(&help, 65536);
    config_write_help(&table, &help);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_true(strstr(help.p, rows[i].key) && strstr(help.p, rows[i].help));
    buf_release(&help);
}

static void a_file_is_loaded_with_paths_beside_it(void **state)
{
    (void)state;
    struct arena a;
    struct settings s = {.port = 0};
    char folder[] = "/tmp/juki-config-XXXXXX", path[64], want[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/cs.yaml", folder);
    snprintf(want, sizeof want, "%s/x", folder);
    arena_init(&a, 1 << 20);
    assert_err(config_load(NULL, &table, path, &a, &s), ERR_NOT_FOUND);
    assert_ok(file_write(NULL, path, STR("name: cs\ndoor: {socket: x}\n"), 0600));
    assert_ok(config_load(NULL, &table, path, &a, &s));
    assert_string_equal(s.socket.p, want);
    arena_release(&a);
    remove(path);
    remove(folder);
}

/* Every allocation of ours fails once: the file is refused for memory, nothing leaks, nothing is written. */
static void memory_that_runs_out_is_told(void **state)
{
    (void)state;
    for (size_t limit = 0; limit < 200000; limit += 1000) {
        struct arena a;
        struct settings s = {.port = 77};
        arena_init(&a, limit);
        enum err e =
            config_parse(NULL, &table, STR("name: cs\nlink: {peers: [a, b]}\n"), STR("/etc"), &a, &s);
        assert_true(e == ERR_OK || e == ERR_MEMORY);
        assert_int_equal(s.port, e ? 77 : 7800);
        arena_release(&a);
        if (!e)
            return;
    }
    fail_msg("never enough memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_file_is_read),
        cmocka_unit_test(what_is_not_given_has_its_default),
        cmocka_unit_test(each_bad_form_is_refused_with_its_line),
        cmocka_unit_test(bytes_that_are_no_text_are_refused),
        cmocka_unit_test(deep_nesting_is_refused_where_it_opens),
        cmocka_unit_test(the_sample_is_a_file_with_the_defaults),
        cmocka_unit_test(the_help_names_each_key),
        cmocka_unit_test(a_file_is_loaded_with_paths_beside_it),
        cmocka_unit_test(memory_that_runs_out_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
