/* SPDX-License-Identifier: Apache-2.0 */
/* juki restore: a backup becomes a server's database, in a new life.
 *
 * All of it is proved before anything is replaced: the file's seal, SQLite's pages, the log against its own
 * signed heads and against the one in the backup's header. The epoch is raised in the copy, which only then
 * takes its place: killed at any moment there is the old database as it was, or the new one in its new life,
 * or one that no server opens until the restore is done again. The old one is set aside, never deleted. */
#include "command/backup_file.h"
#include "command/node_database.h"
#include "command/node_process.h"
#include "command/nouns.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/progress.h"
#include "db/db_files.h"
#include "link/link.h"
#include "register/register.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct restore_options {
    struct str key;
    bool raise_epoch;
};
static const struct option_row option_rows[] = {
    {.name = "key",
     .letter = 'k',
     OPTION_TEXT_AT(struct restore_options, key),
     .value = "FILE",
     .help = "the key file that sealed the backup",
     .help_ja = "バックアップを封印した鍵ファイル"},
    {.name = "raise-epoch",
     OPTION_FLAG_AT(struct restore_options, raise_epoch),
     .help = "restore nothing: the database was put back by other means (PostgreSQL's own, a copy of the "
             "disk); only "
             "begin its new life",
     .help_ja = "復元は行わず、他の方法（PostgreSQLの機能、ディスクの複製等）で戻したデータベースの世代だけを"
                "上げる"},
};

struct restoring {
    struct command_call *call;
    const struct network_node *node;
    struct node_database database;
    struct backup_facts facts;
    struct progress bar;
    char copy[PATH_MAX], aside[PATH_MAX];
    struct db *db;
    int64_t old_epoch, epoch;
    bool kept; /* there was a database, and it was set aside */
};

static void draw(void *arg, int64_t done, int64_t total)
{
    struct progress *bar = arg;
    bar->total = (uint64_t)total;
    progress_set(bar, (uint64_t)done);
}

/* ---- the copy */

static enum err check_facts(struct restoring *r, struct fail *f)
{
    if (!node_name_equal(&r->facts.node, &r->node->name))
        return fail_set(f, ERR_BACKUP_OTHER, r->node->name.text, "%s", r->facts.node.text);
    return backup_check_schema(f, &r->facts, r->database.modules, r->database.module_count);
}

static enum err check_space(struct restoring *r, struct fail *f)
{
    char folder[PATH_MAX];
    struct statvfs v;
    snprintf(folder, sizeof folder, "%s", r->copy);
    if (statvfs(dirname(folder), &v) != 0)
        return fail_errno(f, ERR_IO, r->copy);
    uint64_t free = (uint64_t)v.f_bavail * v.f_frsize,
             need = (uint64_t)(r->facts.file_bytes + 2 * r->facts.wal_bytes);
    return free > need ? ERR_OK
                       : fail_set(f, ERR_DB_FULL, NULL, "%llu MiB are free, %llu are needed",
                                  (unsigned long long)(free >> 20), (unsigned long long)(need >> 20));
}

static enum err unpack(struct restoring *r, struct fail *f, struct backup_reader *reader)
{
    char wal[PATH_MAX];
    struct sha256 hash;
    if ((size_t)snprintf(wal, sizeof wal, "%s-wal", r->copy) >= sizeof wal)
        return fail_set(f, ERR_LIMIT, "path", NULL);
    int wal_fd = open(wal, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int file_fd = open(r->copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    enum err e = wal_fd >= 0 && file_fd >= 0 ? ERR_OK : fail_errno(f, ERR_IO, r->copy);
    progress_start(&r->bar, r->node->name.text, 0);
    if (!e)
        e = backup_copy(reader, f, wal_fd, file_fd, draw, &r->bar, &hash);
    progress_end(&r->bar);
    if (wal_fd >= 0)
        close(wal_fd);
    if (file_fd >= 0)
        close(file_fd);
    return e;
}

static enum err unpack_file(struct restoring *r, struct fail *f, const char *path)
{
    const struct restore_options *o = r->call->options;
    struct backup_reader *reader = NULL;
    struct sealed_key key = {.id = ""};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(f, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, path);
    enum err e = sealed_key_read(f, o->key.p, &key);
    if (!e)
        e = backup_open(f, fd, &key, &r->call->arena, &r->facts, &reader);
    if (!e)
        e = check_facts(r, f);
    if (!e)
        e = check_space(r, f);
    if (!e)
        e = unpack(r, f, reader);
    backup_close(reader);
    sealed_key_wipe(&key);
    close(fd);
    return e;
}

/* ---- proving the copy */

static void say_finding(void *arg UNUSED, const struct ledger_finding *finding)
{
    fprintf(stderr, "    ! %llu..%llu: %s\n", (unsigned long long)finding->first,
            (unsigned long long)finding->last, finding->detail);
}

/* Is the head of the backup's header one that the copy has signed? Then the log that was proved is that one.
 */
static enum err find_head(struct restoring *r, struct fail *f, const uint8_t own[static ED25519_PUBLIC])
{
    struct str body = STR(""), theirs = STR("");
    struct head head = {.size = 0};
    struct buf note;
    uint64_t at = 0;
    char origin[sizeof head.origin];
    snprintf(origin, sizeof origin, "juki/%s", r->node->name.text);
    buf_init(&note, BACKUP_HEAD_MAX);
    enum err e = note_verify(f, r->facts.head, str_of(origin), own, &body);
    if (!e)
        e = head_parse(f, body, &head);
    if (!e)
        e = ledger_cosigned_head(f, r->db, head.size, r->node->name.text, own, &note, &at);
    if (!e)
        e = note_verify(f, buf_str(&note), str_of(origin), own, &theirs);
    if (!e && !str_equal(body, theirs))
        e = fail_set(f, ERR_RESTORE_LOG, "head", "the header's head is not the log's");
    buf_release(&note);
    return e;
}

static enum err prove_log(struct restoring *r, struct fail *f)
{
    struct ledger_verify_result result = {.entries = 0};
    uint8_t own[ED25519_PUBLIC];
    struct key *key = NULL;
    struct ledger_verify_options options = {.report = say_finding};
    enum err e = key_open(f, r->database.config.signing_key.p, &key);
    if (!e)
        e = key_public(f, key, own);
    key_free(key);
    if (e)
        return e;
    options.public_key = own;
    e = find_head(r, f, own);
    if (!e)
        e = link_entries_referenced(f, r->db, &options.referenced);
    if (!e)
        e = ledger_verify(f, r->db, r->node->name.text, &options, &result);
    if (!e && result.findings)
        e = fail_set(f, ERR_RESTORE_LOG, NULL, "%llu", (unsigned long long)result.findings);
    return e;
}

/* ---- the new life */

/* Of the database that is to be replaced, as far as it can still be read. After an attempt that was broken
 * off nobody opens it; that attempt's own epoch is above it, and nobody has lived in that. */
static void read_old_epoch(struct restoring *r)
{
    struct link_life life = {.epoch = 0};
    struct db *old = NULL;
    if (access(r->database.path.p, F_OK) == 0 &&
        !db_open_reader(NULL, r->database.path.p, r->database.modules, r->database.module_count, &old) &&
        link_life_read(NULL, old, &life))
        life.epoch = 0;
    db_close(old);
    const int64_t broken_off = db_files_broken_off(r->database.path.p);
    r->old_epoch = life.epoch > broken_off ? life.epoch : broken_off;
}

static enum err begin_life(struct restoring *r, struct fail *f)
{
    char source[128], stamp[CLOCK_TEXT_SIZE];
    snprintf(source, sizeof source, "restored from a backup of %s, epoch %lld",
             clock_text(r->facts.time, stamp), (long long)r->facts.epoch);
    return link_life_begin(f, r->db, r->old_epoch, str_of(source), &r->epoch);
}

/* Opens, proves and raises the copy; afterwards it is one file. */
static enum err prepare_copy(struct restoring *r, struct fail *f)
{
    enum err e = db_files_check(f, r->copy);
    if (!e)
        e = db_open(f, r->copy, r->database.modules, r->database.module_count, &r->db);
    if (e)
        return e;
    if (r->node->name.role != NODE_REGISTER) {
        e = prove_log(r, f);
        FAULT_POINT("restore_proved");
        if (!e)
            e = begin_life(r, f);
        FAULT_POINT("restore_raised");
    } else {
        e = register_restored(f, r->db);
    }
    db_close(r->db);
    r->db = NULL;
    return e;
}

static enum err name_files(struct restoring *r, struct fail *f)
{
    char stamp[CLOCK_TEXT_SIZE];
    clock_text(clock_now(), stamp);
    int copy = snprintf(r->copy, sizeof r->copy, "%s.restored", r->database.path.p);
    int aside = snprintf(r->aside, sizeof r->aside, "%s.before-%s", r->database.path.p, stamp);
    return copy > 0 && aside > 0 && (size_t)aside < sizeof r->aside - 8 && (size_t)copy < sizeof r->copy - 8
               ? ERR_OK
               : fail_set(f, ERR_LIMIT, "path", NULL);
}

static enum err restore_locked(struct restoring *r, struct fail *f, const char *path)
{
    enum err e = db_files_remove(f, r->copy); /* of a restore that was broken off */
    if (!e)
        e = unpack_file(r, f, path);
    if (!e && r->node->name.role != NODE_REGISTER)
        read_old_epoch(r);
    if (!e)
        e = prepare_copy(r, f);
    r->kept = access(r->database.path.p, F_OK) == 0;
    if (!e)
        e = db_files_replace(f, r->database.path.p, r->copy, r->aside, r->epoch);
    struct fail ignored;
    enum err removed = db_files_remove(e ? &ignored : f, r->copy);
    return e ? e : removed;
}

static enum err take_lock(struct restoring *r, struct fail *f, int *lock)
{
    struct fail why = {0};
    if (node_pid(r->node))
        return fail_set(f, ERR_RESTORE_RUNNING, r->node->name.text, NULL);
    enum err e = db_files_lock(&why, r->database.path.p, lock);
    if (e == ERR_DB_LOCKED)
        return fail_set(f, ERR_RESTORE_RUNNING, r->node->name.text, NULL);
    return e ? fail_pass(f, &why) : ERR_OK;
}

/* ---- what happens next */

static void print_next(const struct restoring *r)
{
    const struct command_call *c = r->call;
    const char *node = r->node->name.text;
    if (r->node->name.role == NODE_REGISTER) {
        printf(command_text(
                   c,
                   "Next: juki up %s %s. What its CS has taken since the backup the register takes back "
                   "(alarm register_old, "
                   "juki status);\n"
                   "until then it takes nothing in. What the CS does not know: juki register lacking, "
                   "docs/OPERATIONS.md.\n",
                   "次: juki up %s "
                   "%s。バックアップ後にCSが受け付けた異動を取り戻します（警報 register_old、juki status "
                   "で確認）。\n"
                   "終わるまで異動は受け付けません。CSにない項目は juki register lacking、docs/OPERATIONS.md "
                   "をご覧ください。\n"),
               c->words[0], node);
        return;
    }
    printf(command_text(
               c,
               "epoch %lld: an older copy of this server that is started anywhere is refused from now on.\n"
               "Next: juki up %s %s. It fetches back from its neighbours what it had sent since the backup, "
               "and takes again what it\n"
               "had received. If its log had gone on since, both ends alarm once that it forked (juki log "
               "forks shows the evidence).\n",
               "世代 %lld：これより前の複製を起動しても、相手サーバが拒否します。\n"
               "次: juki up %s "
               "%s。バックアップ後に送信した通知は相手サーバから取り戻し、受信した通知は再び受け取ります。\n"
               "その間に履歴が進んでいた場合、両側で一度だけ分岐の警報が出ます（証拠は juki log forks "
               "で表示）。\n"),
           (long long)r->epoch, c->words[0], node);
}

static void print_done(const struct restoring *r)
{
    const struct command_call *c = r->call;
    char stamp[CLOCK_TEXT_SIZE];
    printf(command_text(c, "%s restored as it stood at %s\n", "%s を %s の状態に復元しました\n"),
           r->node->name.text, clock_text(r->facts.time, stamp));
    if (r->kept)
        printf(command_text(c, "The database from before is kept as %s\n",
                            "以前のデータベースは %s として残しています\n"),
               r->aside);
    print_next(r);
}

/* ---- the command */

static enum err restore_file(struct restoring *r, struct fail *f)
{
    const struct restore_options *o = r->call->options;
    int lock = -1;
    if (r->call->word_count < 3)
        return fail_set(f, ERR_USAGE, NULL, "FILE is missing");
    if (o->key.n == 0)
        return fail_set(f, ERR_USAGE, NULL, "--key FILE is missing: the key that sealed the backup");
    if (r->database.postgres)
        return fail_set(f, ERR_BACKUP_POSTGRES, r->node->name.text, NULL);
    enum err e = name_files(r, f);
    if (!e)
        e = take_lock(r, f, &lock);
    if (!e)
        e = restore_locked(r, f, r->call->words[2]);
    if (lock >= 0)
        close(lock);
    if (!e)
        print_done(r);
    return e;
}

/* For a database that came back by other means. */
static enum err raise_epoch(struct restoring *r, struct fail *f)
{
    const char *url = r->database.config.database.p;
    if (r->call->word_count > 2)
        return fail_set(f, ERR_USAGE, NULL, "--raise-epoch takes no FILE");
    if (node_pid(r->node))
        return fail_set(f, ERR_RESTORE_RUNNING, r->node->name.text, NULL);
    if (!r->database.postgres && access(r->database.path.p, F_OK) != 0)
        return fail_set(f, ERR_NOT_FOUND, r->node->name.text, "it has no database");
    enum err e = db_open(f, url, r->database.modules, r->database.module_count, &r->db);
    if (!e)
        e = r->node->name.role == NODE_REGISTER
                ? register_restored(f, r->db)
                : link_life_begin(f, r->db, 0, STR("restored by other means"), &r->epoch);
    db_close(r->db);
    if (!e)
        print_next(r);
    return e;
}

static enum err restore(struct command_call *c, struct fail *f)
{
    const struct restore_options *o = c->options;
    struct restoring *r = arena_alloc(&c->arena, sizeof *r);
    struct network n;
    if (!r)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    *r = (struct restoring){.call = c};
    enum err e = network_load(f, c->words[0], &c->arena, &n);
    if (!e)
        e = network_find(f, &n, c->words[1], &r->node);
    if (!e)
        e = node_database_find(f, r->node, &c->arena, &r->database);
    if (e)
        return e;
    return o->raise_epoch ? raise_epoch(r, f) : restore_file(r, f);
}

static const struct command_row rows[] = {
    {.words = "DIR NODE [FILE]",
     .least = 2,
     .most = 3,
     .run = restore,
     .options = option_rows,
     .option_count = COUNT_OF(option_rows),
     .size = sizeof(struct restore_options),
     .help = "Put a backup in the place of a stopped server's database and begin a new life (epoch) of the "
             "server. The backup and "
             "its log are proved first; the database from before is kept under another name.",
     .help_ja = "停止中のサーバのデータベースをバックアップから復元し、サーバの世代を上げる。バックアップと履"
                "歴を検証してから"
                "置き換え、以前のデータベースは別名で残す。"},
};
const struct command_noun command_restore = {"restore", "bring a server back from a backup",
                                             "バックアップからサーバを復元する", rows, COUNT_OF(rows)};
