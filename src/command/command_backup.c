/* SPDX-License-Identifier: Apache-2.0 */
/* juki backup: a sealed copy of one server's database, made while it works or while it is down.
 *
 * A running daemon only holds its file still; this process reads it, so that the key and the place of the
 * backup are the operator's own. While a daemon is down this process holds its lock instead. */
#include "command/backup_file.h"
#include "command/backup_print.h"
#include "command/node_database.h"
#include "command/node_process.h"
#include "command/nouns.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/progress.h"
#include "db/db_files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MIB = 1024 * 1024, RATE_STANDARD = 16 };

struct backup_options {
    struct str key;
    int64_t rate;
    bool json;
};
static const struct backup_options standard = {.rate = RATE_STANDARD};

static const struct option_row make_rows[] = {
    {.name = "key",
     .letter = 'k',
     OPTION_TEXT_AT(struct backup_options, key),
     .value = "FILE",
     .help = "the key file that seals the backup (juki backup key makes one)",
     .help_ja = "バックアップを封印する鍵ファイル（juki backup key で作成）"},
    {.name = "rate",
     OPTION_INT_AT(struct backup_options, rate),
     .least = 0,
     .most = 100000,
     .value = "MIB",
     .help = "read at most so many MiB a second, so that the server stays quick; 0: as fast as it goes; "
             "standard 16",
     .help_ja = "毎秒の読取り量の上限（MiB）。業務の応答を妨げないため。0は無制限。標準16"},
    {.name = "json",
     OPTION_FLAG_AT(struct backup_options, json),
     .help = "for scripts",
     .help_ja = "JSONで出力する"},
};
static const struct option_row check_rows[] = {
    {.name = "key",
     .letter = 'k',
     OPTION_TEXT_AT(struct backup_options, key),
     .value = "FILE",
     .help = "the key file that sealed the backup",
     .help_ja = "バックアップを封印した鍵ファイル"},
    {.name = "json",
     OPTION_FLAG_AT(struct backup_options, json),
     .help = "for scripts",
     .help_ja = "JSONで出力する"},
};
static const struct option_row show_rows[] = {
    {.name = "json",
     OPTION_FLAG_AT(struct backup_options, json),
     .help = "for scripts",
     .help_ja = "JSONで出力する"},
};

/* A secret never stands in the arguments: only the name of its file does. */
static enum err read_key(struct fail *f, const struct backup_options *o, struct sealed_key *key)
{
    if (o->key.n == 0)
        return fail_set(f, ERR_USAGE, NULL, "--key FILE is missing; juki backup key FILE makes one");
    return sealed_key_read(f, o->key.p, key);
}

static void draw(void *arg, int64_t done, int64_t total)
{
    struct progress *bar = arg;
    bar->total = (uint64_t)total;
    progress_set(bar, (uint64_t)done);
}

/* ---- make */

struct making {
    struct command_call *call;
    const struct network_node *node;
    struct node_database database;
    struct sealed_key key;
    char target[NETWORK_PATH_MAX], part[NETWORK_PATH_MAX];
    int fd;
    struct backup_facts facts;
    struct sha256 hash;
    struct backup_pace pace;
};

/* While the file is held. */
static enum err make_held(void *arg, struct fail *f)
{
    struct making *m = arg;
    struct progress bar = {.label = m->node->name.text};
    const struct backup_making making = {.path = m->database.path.p,
                                         .fd = m->fd,
                                         .key = &m->key,
                                         .pace = &m->pace,
                                         .progress = draw,
                                         .arg = &bar};
    enum err e = backup_facts_read(f, &m->node->name, m->database.path.p, m->database.modules,
                                   m->database.module_count, &m->call->arena, &m->facts);
    if (e)
        return e;
    progress_start(&bar, m->node->name.text, 0);
    e = backup_write(f, &making, &m->facts, &m->hash);
    progress_end(&bar);
    return e;
}

static enum err make_running(struct making *m, struct fail *f)
{
    struct json *answer = NULL;
    struct fail why = {0};
    const struct control_question q = {
        .socket = m->node->control.p, .text = STR("{\"do\":\"backup\"}"), .wait_millis = CONTROL_LONG};
    enum err e = control_ask_during(&why, &q, make_held, m, &answer);
    json_free(answer);
    if (e == ERR_CONTROL_DOWN || e == ERR_CONTROL_REFUSED)
        return fail_set(f, ERR_BACKUP_BROKEN_OFF, m->node->name.text, "%s", why.detail);
    return e ? fail_pass(f, &why) : ERR_OK;
}

static enum err make_stopped(struct making *m, struct fail *f)
{
    int lock = -1;
    struct stat st;
    if (stat(m->database.path.p, &st) != 0)
        return fail_set(f, ERR_NOT_FOUND, m->node->name.text, "it has no database: it never ran");
    enum err e = db_files_lock(f, m->database.path.p, &lock);
    if (!e)
        e = make_held(m, f);
    if (lock >= 0)
        close(lock);
    return e;
}

/* FILE, or in a folder NODE-STAMP.backup; what is unfinished is called FILE.part. */
static enum err choose_target(struct making *m, struct fail *f, const char *word)
{
    struct stat st;
    char stamp[CLOCK_TEXT_SIZE], digits[CLOCK_TEXT_SIZE];
    size_t k = 0;
    int n;
    clock_text(clock_now(), stamp);
    for (size_t i = 0; stamp[i] && stamp[i] != '.'; i++)
        if (stamp[i] != '-' && stamp[i] != ':')
            digits[k++] = stamp[i];
    digits[k] = 0;
    if (stat(word, &st) == 0 && S_ISDIR(st.st_mode))
        n = snprintf(m->target, sizeof m->target, "%s/%s-%sZ.backup", word, m->node->name.text, digits);
    else
        n = snprintf(m->target, sizeof m->target, "%s", word);
    if (n < 0 || (size_t)n >= sizeof m->target - 8)
        return fail_set(f, ERR_LIMIT, "path", NULL);
    snprintf(m->part, sizeof m->part, "%.*s.part", n, m->target);
    return lstat(m->target, &st) == 0 ? fail_set(f, ERR_EXISTS, NULL, "%.160s", m->target) : ERR_OK;
}

/* The name appears when the whole backup is on disk, and never over another file. */
static enum err finish(struct making *m, struct fail *f)
{
    if (link(m->part, m->target) != 0)
        return fail_errno(f, errno == EEXIST ? ERR_EXISTS : ERR_IO, m->target);
    enum err e = file_sync_folder(f, m->target);
    unlink(m->part);
    return e;
}

static enum err make_into(struct making *m, struct fail *f)
{
    m->fd = open(m->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (m->fd < 0)
        return fail_errno(f, ERR_IO, m->part);
    enum err e = control_pid(m->node->control.p) ? make_running(m, f) : make_stopped(m, f);
    if (close(m->fd) != 0 && !e)
        e = fail_errno(f, ERR_IO, m->part);
    if (!e)
        e = finish(m, f);
    if (e)
        unlink(m->part);
    return e;
}

static enum err make(struct command_call *c, struct fail *f)
{
    const struct backup_options *o = c->options;
    struct making m = {.call = c};
    struct network n;
    backup_step_back(&m.pace, o->rate * MIB);
    enum err e = read_key(f, o, &m.key);
    if (!e)
        e = network_load(f, c->words[0], &c->arena, &n);
    if (!e)
        e = network_find(f, &n, c->words[1], &m.node);
    if (!e)
        e = node_database_find(f, m.node, &c->arena, &m.database);
    if (!e && m.database.postgres)
        e = fail_set(f, ERR_BACKUP_POSTGRES, m.node->name.text, NULL);
    if (!e)
        e = choose_target(&m, f, c->words[2]);
    if (!e)
        e = make_into(&m, f);
    if (!e)
        e = backup_print(f, c, o->json, m.target, &m.facts, m.key.id, &m.hash);
    sealed_key_wipe(&m.key);
    return e;
}

/* ---- check, show, key */

static enum err open_file(struct fail *f, const char *path, int *fd)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    return *fd >= 0 ? ERR_OK : fail_errno(f, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, path);
}

static enum err check(struct command_call *c, struct fail *f)
{
    const struct backup_options *o = c->options;
    struct backup_facts facts;
    struct backup_reader *r = NULL;
    struct progress bar = {.label = c->words[0]};
    struct sealed_key key = {.id = ""};
    struct sha256 hash;
    int fd = -1;
    enum err e = read_key(f, o, &key);
    if (!e)
        e = open_file(f, c->words[0], &fd);
    if (!e)
        e = backup_open(f, fd, &key, &c->arena, &facts, &r);
    if (!e) {
        progress_start(&bar, c->words[0], 0);
        e = backup_copy(r, f, -1, -1, draw, &bar, &hash);
        progress_end(&bar);
    }
    if (!e)
        e = backup_print(f, c, o->json, c->words[0], &facts, key.id, &hash);
    backup_close(r);
    if (fd >= 0)
        close(fd);
    sealed_key_wipe(&key);
    return e;
}

static enum err show(struct command_call *c, struct fail *f)
{
    const struct backup_options *o = c->options;
    struct backup_facts facts;
    char id[SEALED_ID_SIZE] = "";
    int fd = -1;
    enum err e = open_file(f, c->words[0], &fd);
    if (!e)
        e = backup_peek(f, fd, &c->arena, &facts, id);
    if (!e)
        e = backup_print(f, c, o->json, c->words[0], &facts, id, NULL);
    if (fd >= 0)
        close(fd);
    return e;
}

static enum err key(struct command_call *c, struct fail *f)
{
    struct sealed_key made;
    enum err e = sealed_key_create(f, c->words[0], &made);
    if (!e)
        printf(
            command_text(
                c,
                "key %s written to %s\n"
                "Without it no backup can be restored; whoever has it can read them all. Keep copies away "
                "from\n"
                "the servers: the file is one line of text that can be printed and locked away.\n",
                "鍵 %s を %s に作成しました\n"
                "この鍵がなければ復元できません。鍵を持つ者はすべてのバックアップを読めます。\n"
                "サーバとは別の場所に写しを保管してください（1行の文字列で、印刷して施錠保管できます）。\n"),
            made.id, c->words[0]);
    sealed_key_wipe(&made);
    return e;
}

static const struct command_row rows[] = {
    {.verb = "make",
     .words = "DIR NODE FILE",
     .least = 3,
     .most = 3,
     .run = make,
     .options = make_rows,
     .option_count = COUNT_OF(make_rows),
     .standard = &standard,
     .size = sizeof(struct backup_options),
     .help = "Copy the database of a server or register, sealed, into FILE (or into a folder under a name of "
             "its own). "
             "Works while it runs, without stopping anything, and while it is down. Keys and configuration "
             "are not in it.",
     .help_ja =
         "サーバ又は住民記録のデータベースを封印してFILEに保存する（フォルダーを指定すると名前を付ける）。"
         "稼働中でも業務を止めずに、停止中でも実行できる。鍵と設定は含まない。"},
    {.verb = "check",
     .words = "FILE",
     .least = 1,
     .most = 1,
     .run = check,
     .options = check_rows,
     .option_count = COUNT_OF(check_rows),
     .size = sizeof(struct backup_options),
     .help =
         "Read a backup to its end and prove that nothing of it was changed or is missing; restores nothing.",
     .help_ja = "バックアップを最後まで読み、改変や欠落がないことを検証する。復元はしない。"},
    {.verb = "show",
     .words = "FILE",
     .least = 1,
     .most = 1,
     .run = show,
     .options = show_rows,
     .option_count = COUNT_OF(show_rows),
     .size = sizeof(struct backup_options),
     .help = "Say what a backup says of itself, without its key and without proof.",
     .help_ja = "バックアップの表書きを表示する（鍵は不要。検証はしない）。"},
    {.verb = "key",
     .words = "FILE",
     .least = 1,
     .most = 1,
     .run = key,
     .help = "Make a key file for backups.",
     .help_ja = "バックアップ用の鍵ファイルを作成する。"},
};
const struct command_noun command_backup = {"backup", "copy databases, sealed, and check the copies",
                                            "データベースを封印して保存し、検証する", rows, COUNT_OF(rows)};
