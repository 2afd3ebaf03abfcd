/* SPDX-License-Identifier: Apache-2.0 */
#include "command/command.h"

#include "base/file.h"
#include "command/network.h"
#include "keys/sealed.h"
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

/* Runs a command line with stdout and stderr in files; the texts stay until the next run. */
static char out_text[65536], err_text[65536];

static void take(FILE *file, char *text, size_t size)
{
    rewind(file);
    text[fread(text, 1, size - 1, file)] = 0;
    fclose(file);
}

static int run(const char *line)
{
    char copy[1024], *argv[32], *rest = copy, *word;
    int argc = 0;
    snprintf(copy, sizeof copy, "%s", line);
    while (*line && (word = strsep(&rest, " ")))
        argv[argc++] = word;
    fflush(stdout);
    int old_out = dup(STDOUT_FILENO), old_err = dup(STDERR_FILENO);
    FILE *out = tmpfile(), *err = tmpfile();
    dup2(fileno(out), STDOUT_FILENO);
    dup2(fileno(err), STDERR_FILENO);
    int status = command_run(argc, argv);
    fflush(stdout);
    dup2(old_out, STDOUT_FILENO);
    dup2(old_err, STDERR_FILENO);
    close(old_out);
    close(old_err);
    take(out, out_text, sizeof out_text);
    take(err, err_text, sizeof err_text);
    return status;
}

static void wrong_lines_are_refused_and_name_the_way_out(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int status;
        const char *says;
    } rows[] = {
        {"", 2, "juki --help"},
        {"chek", 2, "did you mean check?"},
        {"zzzzzz", 2, "juki --help lists them"},
        {"network", 2, "juki network --help"},
        {"network inti x", 2, "did you mean init?"},
        {"network init", 2, "usage: juki network init"},
        {"network init a b", 2, "b is too much"},
        {"network init --base-port nine x", 2, "--base-port needs a whole number"},
        {"network init --base-prot 9 x", 2, "did you mean --base-port?"},
        {"network show /nonexistent", 1, "juki network init makes one"},
        {"up /nonexistent", 1, "juki network init makes one"},
        {"down --kil /nonexistent", 2, "did you mean --kill?"},
        {"check resident-code 12345678901", 1, "check digit"},
        {"check resident-code abc", 1, "(not only digits"},
        {"check area-code 282040", 1, "check digit"},
        {"check colour red", 2, "resident-code, individual-number, area-code, date"},
        {"selftest --ff1 /nonexistent", 1, "no such thing"},
        {"paper sample --form diary", 1, "juki paper list names them"},
        {"paper sample", 2, "--form NAME is needed"},
        {"paper make --content x", 2, "--output FILE are needed"},
        {"paper make --content /nonexistent --output x", 1, "no such thing"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int status = run(rows[i].line);
        if (status != rows[i].status || !strstr(err_text, rows[i].says) || out_text[0])
            fail_msg("juki %s: %d, stdout \"%s\", stderr \"%s\"", rows[i].line, status, out_text, err_text);
    }
}

static void a_number_that_was_refused_is_not_repeated(void **state)
{
    (void)state;
    assert_int_equal(run("check individual-number 123456789012"), 1);
    assert_null(strstr(err_text, "123456789012"));
    assert_int_equal(run("check resident-code 12345678901"), 1);
    assert_null(strstr(err_text, "12345678901"));
}

static void what_is_right_is_done(void **state)
{
    (void)state;
    assert_int_equal(run("check area-code 282049"), 0);
    assert_non_null(strstr(out_text, "西宮市"));
    assert_int_equal(run("selftest"), 0);
    assert_non_null(strstr(out_text, " passed, 0 failed\n"));
    assert_int_equal(run("--version"), 0);
    assert_string_equal(out_text, "juki " JUKI_VERSION "\n");
}

static void errors_speak_the_language_of_the_locale(void **state)
{
    (void)state;
    setenv("LC_ALL", "ja_JP.UTF-8", 1);
    int status = run("network show /nonexistent");
    setenv("LC_ALL", "C.UTF-8", 1);
    assert_int_equal(status, 1);
    assert_non_null(strstr(err_text, "ネットワークのフォルダーではありません"));
}

/* Every row: complete, reachable, and explained in both languages. */
static void every_row_has_its_help(void **state)
{
    (void)state;
    char line[128];
    for (size_t i = 0; i < command_noun_count; i++) {
        const struct command_noun *noun = command_nouns[i];
        assert_true(noun->help && noun->help_ja && noun->count > 0);
        snprintf(line, sizeof line, "%s --help", noun->noun);
        assert_int_equal(run(line), 0);
        for (size_t k = 0; k < noun->count; k++) {
            const struct command_row *row = &noun->rows[k];
            assert_true(row->run && row->help && row->help_ja && row->least <= row->most);
            assert_true(!row->option_count == !row->size);
            snprintf(line, sizeof line, "%s %s%s--help", noun->noun, row->verb ? row->verb : "",
                     row->verb ? " " : "");
            assert_int_equal(run(line), 0);
            for (size_t o = 0; o < row->option_count; o++)
                if (noun->count == 1 || row->verb)
                    assert_non_null(strstr(out_text, row->options[o].name));
        }
    }
    assert_int_equal(run("--help"), 0);
    for (size_t i = 0; i < command_noun_count; i++)
        assert_non_null(strstr(out_text, command_nouns[i]->noun));
}

/* ---- a backup that a newer release made */

static void seal(const char *path, const struct sealed_key *key, const char *schema)
{
    char header[400];
    struct sealed_writer *w = NULL;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    snprintf(header, sizeof header,
             "{\"juki_backup\":1,\"node\":\"cs.282049\",\"time\":\"2026-11-22T09:00:00.000000Z\",\"program\":"
             "\"9\","
             "\"epoch\":1,\"entries\":0,\"head\":\"\",\"schema\":%s,\"wal_bytes\":0,\"file_bytes\":0}",
             schema);
    assert_ok(sealed_writer_new(NULL, fd, key, str_of(header), &w));
    assert_ok(sealed_writer_end(w, NULL));
    sealed_writer_free(w);
    close(fd);
}

/* Files of a folder that are no lock. */
static int files_in(const char *path)
{
    int count = 0;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.' && !strstr(entry->d_name, "-lock");
    closedir(folder);
    return count;
}

static void a_newer_releases_backup_touches_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *says;
    } rows[] = {
        {"{\"ledger\":99}", "newer program"},
        {"{\"ledger\":1,\"moves\":1}", "newer program"}, /* a module that this release does not have */
        {"{\"ledger\":1}", "changed, cut"},              /* that one is read on, and is found to be empty */
    };
    char base[] = "/tmp/juki-command-XXXXXX", path[160], data[128], line[400];
    struct sealed_key key;
    struct buf text;
    assert_non_null(mkdtemp(base));
    buf_init(&text, 1000);
    snprintf(line, sizeof line, "network init %s/n --municipality 282049", base);
    assert_int_equal(run(line), 0);
    snprintf(path, sizeof path, "%s/key", base);
    assert_ok(sealed_key_create(NULL, path, &key));
    snprintf(data, sizeof data, "%s/n/cs.282049/data", base);
    snprintf(path, sizeof path, "%s/juki.db", data);
    assert_ok(file_write(NULL, path, STR("what was there"), 0600));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char backup[128];
        snprintf(backup, sizeof backup, "%s/backup", base);
        seal(backup, &key, rows[i].schema);
        snprintf(line, sizeof line, "restore %s/n cs.282049 %s --key %s/key", base, backup, base);
        assert_int_equal(run(line), 1);
        assert_non_null(strstr(err_text, rows[i].says));
        assert_int_equal(files_in(data), 1);
        buf_clear(&text);
        assert_ok(file_read(NULL, path, &text));
        assert_str(buf_str(&text), "what was there");
    }
    buf_release(&text);
    assert_ok(network_remove_folder(NULL, base));
}

int main(void)
{
    setenv("LC_ALL", "C.UTF-8", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_lines_are_refused_and_name_the_way_out),
        cmocka_unit_test(a_number_that_was_refused_is_not_repeated),
        cmocka_unit_test(what_is_right_is_done),
        cmocka_unit_test(errors_speak_the_language_of_the_locale),
        cmocka_unit_test(every_row_has_its_help),
        cmocka_unit_test(a_newer_releases_backup_touches_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
