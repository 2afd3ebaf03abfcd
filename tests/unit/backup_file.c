/* SPDX-License-Identifier: Apache-2.0 */
/* A backup of a database that is written to all the while: one committed state, whatever the checkpoints
 * would do. */
#include "command/backup_file.h"

#include "base/file.h"
#include "db/db_files.h"
#include "db/sqlite.h"
#include "sample_sql.h"
#include "test.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROWS_A_CHANGE = 20 };
static const struct db_module *const modules[] = {&sample_module};
static char folder[] = "/tmp/juki-backup-XXXXXX";
static struct sealed_key key;

static const char *in_folder(const char *name, char out[static 256])
{
    snprintf(out, 256, "%s/%s", folder, name);
    return out;
}

static int make_folder(void **state UNUSED)
{
    char path[256];
    assert_non_null(mkdtemp(folder));
    assert_ok(sealed_key_create(NULL, in_folder("key", path), &key));
    return 0;
}

static int remove_folder(void **state UNUSED)
{
    char command[300];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

struct writing {
    struct db *db;
    long next; /* changes that were made */
};

/* Each change writes ROWS_A_CHANGE rows: a state in between would show. */
static enum err add_rows(struct db_tx *tx, struct fail *f, void *arg)
{
    struct writing *w = arg;
    static char filler[400];
    enum err e = ERR_OK;
    memset(filler, 'x', sizeof filler);
    for (int i = 0; i < ROWS_A_CHANGE && !e; i++) /* all over the tree */
        e = db_exec(tx, f, &sql_sample_row_add,
                    DB(db_int((w->next * ROWS_A_CHANGE + i) * 7919 % 1000003),
                       db_text((struct str){filler, sizeof filler})),
                    NULL);
    return e;
}

static void change_once(struct writing *w)
{
    assert_ok(db_transaction(w->db, NULL, add_rows, w));
    w->next++;
}

static enum err count_rows(struct db_tx *tx, struct fail *f, void *arg)
{
    struct db_rows rows;
    db_query(tx, &rows, &sql_sample_row_count, DB_NONE);
    if (db_next(&rows))
        *(int64_t *)arg = db_row_int(&rows, 0);
    return db_done(&rows, f);
}

static int open_new(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

/* Changes between every two pieces of the backup, with a checkpoint due each time. */
static void let_changes_in(void *arg, int64_t done UNUSED, int64_t total UNUSED)
{
    struct writing *w = arg;
    change_once(w);
}

static void restore_to(const char *backup, const char *path)
{
    char wal[300];
    struct backup_reader *r;
    struct backup_facts facts;
    struct sha256 hash;
    struct arena a;
    snprintf(wal, sizeof wal, "%s-wal", path);
    int fd = open(backup, O_RDONLY | O_CLOEXEC), file = open_new(path), log = open_new(wal);
    arena_init(&a, 1 << 20);
    assert_ok(backup_open(NULL, fd, &key, &a, &facts, &r));
    assert_ok(backup_copy(r, NULL, log, file, NULL, NULL, &hash));
    backup_close(r);
    arena_release(&a);
    close(fd);
    close(file);
    close(log);
}

/* In one process only because no other has this database open: see backup_write. */
static void back_up(struct writing *w, const char *path, const char *target, bool hold)
{
    struct backup_facts facts = {.node = {.text = "cs.282049"}, .program = "test", .head = STR("")};
    struct sha256 hash;
    int fd = open_new(target);
    struct backup_pace pace = {.rate = 0};
    const struct backup_making m = {
        .path = path, .fd = fd, .key = &key, .pace = &pace, .progress = let_changes_in, .arg = w};
    if (hold)
        db_hold_file(w->db);
    assert_ok(backup_write(NULL, &m, &facts, &hash));
    if (hold)
        db_release_file(w->db);
    close(fd);
}

/* A thread of its own, which stays stepped back. */
static void *pace_run(void *arg UNUSED)
{
    enum { RATE = 1 << 20, SECONDS = 60 };
    struct backup_pace p;
    backup_step_back(&p, 0);
    assert_false(p.waits_for_all);
    backup_step_back(&p, RATE);
    bool waited = p.waits_for_all;
    assert_int_equal(sched_getscheduler(0), waited ? SCHED_IDLE : SCHED_OTHER);
    assert_true(waited || geteuid() != 0);
    backup_pace_start(&p);
    p.started -= SECONDS * INT64_C(1000000);
    backup_pace_keep(&p, INT64_C(1) * (SECONDS - 5) * RATE); /* a little late */
    assert_int_equal(p.waits_for_all, waited);
    backup_pace_keep(&p, RATE);
    assert_false(p.waits_for_all);
    assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
    assert_true(getpriority(PRIO_PROCESS, 0) > 0);
    return NULL;
}

static void a_backup_lets_all_go_first_until_it_is_left_behind(void **state UNUSED)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, pace_run, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void a_backup_is_one_state_while_changes_go_on(void **state UNUSED)
{
    char path[256], target[256], copy[256];
    struct writing w = {.next = 0};
    assert_ok(db_open(NULL, in_folder("live.db", path), modules, COUNT_OF(modules), &w.db));
    struct sqlite_store *store = w.db->store;
    atomic_store(&store->finish_bytes, 16 * 1024); /* a checkpoint after every change, were it not held */
    for (int i = 0; i < 60; i++)
        change_once(&w);
    for (int round = 0; round < 2; round++) {
        long before = w.next;
        int64_t rows = 0;
        struct db *db;
        back_up(&w, path, in_folder("made", target), true);
        restore_to(target, in_folder("copy.db", copy));
        assert_ok(db_files_check(NULL, copy));
        assert_ok(db_open(NULL, copy, modules, COUNT_OF(modules), &db));
        assert_ok(db_read(db, NULL, count_rows, &rows));
        db_close(db);
        assert_int_equal(rows % ROWS_A_CHANGE, 0);
        assert_true(rows / ROWS_A_CHANGE >= before);
        assert_ok(db_files_remove(NULL, copy));
    }
    db_close(w.db);
}

/* The file stays as it is, and once it is let go the WAL goes back into it. */
static void a_held_file_does_not_change(void **state UNUSED)
{
    char path[256];
    struct stat before, after;
    struct writing w = {.next = 0};
    assert_ok(db_open(NULL, in_folder("held.db", path), modules, COUNT_OF(modules), &w.db));
    struct sqlite_store *store = w.db->store;
    atomic_store(&store->passive_bytes, 16 * 1024);
    atomic_store(&store->finish_bytes, 64 * 1024);
    db_hold_file(w.db);
    db_hold_file(w.db);
    assert_int_equal(stat(path, &before), 0);
    for (int i = 0; i < 10; i++)
        change_once(&w);
    db_release_file(w.db); /* one holds on */
    for (int i = 0; i < 10; i++)
        change_once(&w);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_size, before.st_size);
    assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
    db_release_file(w.db);
    change_once(&w);
    for (int i = 0; i < 4000 && after.st_size == before.st_size; i++) {
        usleep(5000);
        assert_int_equal(stat(path, &after), 0);
    }
    assert_true(after.st_size > before.st_size);
    db_close(w.db);
}

/* ---- taking the place */

static int64_t rows_of(const char *path)
{
    struct db *db;
    int64_t rows = 0;
    assert_ok(db_open(NULL, path, modules, COUNT_OF(modules), &db));
    assert_ok(db_read(db, NULL, count_rows, &rows));
    db_close(db);
    return rows;
}

static void make_database(const char *path, int changes)
{
    struct writing w = {.next = 0};
    assert_ok(db_open(NULL, path, modules, COUNT_OF(modules), &w.db));
    for (int i = 0; i < changes; i++)
        change_once(&w);
    db_close(w.db);
}

static void one_database_takes_anothers_place(void **state UNUSED)
{
    char path[256], new[256], aside[PATH_MAX], marker[256], name[256], wal[256];
    struct db *db;
    int lock;
    make_database(in_folder("place.db", path), 1);
    make_database(in_folder("place.db.new", new), 2);
    assert_ok(db_open(NULL, path, modules, COUNT_OF(modules), &db));
    assert_err(db_files_lock(NULL, path, &lock), ERR_DB_LOCKED); /* a server runs */
    db_close(db);
    assert_ok(db_files_lock(NULL, path, &lock));
    snprintf(aside, sizeof aside, "%s", in_folder("place.db.before", name));
    assert_ok(db_files_replace(NULL, path, new, aside, 5));
    close(lock);
    assert_int_equal(rows_of(path), 2 * ROWS_A_CHANGE);
    assert_int_equal(rows_of(aside), ROWS_A_CHANGE);
    assert_int_equal(access(new, F_OK), -1);
    /* a former attempt had moved the WAL away when it was killed: the file follows it there, not elsewhere */
    make_database(in_folder("place.db.new", new), 3);
    close(open_new(in_folder("place.db.first-wal", wal)));
    assert_ok(file_write(NULL, in_folder("place.db-restoring", marker),
                         str_of(in_folder("place.db.first", name)), 0600));
    snprintf(aside, sizeof aside, "%s/place.db.second", folder);
    assert_ok(db_files_replace(NULL, path, new, aside, 5));
    assert_string_equal(aside, name);
    assert_int_equal(rows_of(path), 3 * ROWS_A_CHANGE);
    assert_int_equal(rows_of(name), 2 * ROWS_A_CHANGE);
    /* or all of it: then what stands in its place now goes elsewhere */
    make_database(in_folder("place.db.new", new), 4);
    assert_ok(file_write(NULL, marker, str_of(name), 0600));
    snprintf(aside, sizeof aside, "%s/place.db.second", folder);
    assert_ok(db_files_replace(NULL, path, new, aside, 5));
    assert_int_equal(rows_of(name), 2 * ROWS_A_CHANGE);
    assert_int_equal(rows_of(aside), 3 * ROWS_A_CHANGE);
    assert_int_equal(db_files_broken_off(path), 0);
    assert_ok(file_write(NULL, marker, STR("/elsewhere/place.db.before\n7\n"), 0600));
    assert_int_equal(db_files_broken_off(path), 7);
    assert_err(db_open(NULL, path, modules, COUNT_OF(modules), &db), ERR_DB_RESTORING);
    assert_err(db_open_reader(NULL, path, modules, COUNT_OF(modules), &db), ERR_DB_RESTORING);
    unlink(marker);
    assert_int_equal(rows_of(path), 4 * ROWS_A_CHANGE);
    int fd = open(path, O_RDWR);
    assert_int_equal(pwrite(fd, "\377\377\377\377\377\377\377\377", 8, 4096),
                     8); /* a page of it is damaged */
    close(fd);
    assert_err(db_files_check(NULL, path), ERR_DB_BROKEN);
}

/* ---- what a backup says of itself */

static void a_newer_programs_backup_is_refused(void **state UNUSED)
{
    struct backup_facts facts = {.schema = {{"sample", (int64_t)sample_module.migration_count}},
                                 .schema_count = 1};
    assert_ok(backup_check_schema(NULL, &facts, modules, COUNT_OF(modules)));
    facts.schema[0].migrations++;
    assert_err(backup_check_schema(NULL, &facts, modules, COUNT_OF(modules)), ERR_BACKUP_NEWER);
    facts.schema[0].migrations = 0; /* an older one's is brought up to date */
    assert_ok(backup_check_schema(NULL, &facts, modules, COUNT_OF(modules)));
    snprintf(facts.schema[0].module, sizeof facts.schema[0].module, "stranger");
    assert_err(backup_check_schema(NULL, &facts, modules, COUNT_OF(modules)), ERR_BACKUP_NEWER);
}

static enum err open_header(const char *header)
{
    struct sealed_writer *w;
    struct backup_reader *r = NULL;
    struct backup_facts facts;
    struct arena a;
    char path[256];
    int fd = open_new(in_folder("header", path));
    assert_ok(sealed_writer_new(NULL, fd, &key, str_of(header), &w));
    assert_ok(sealed_writer_end(w, NULL));
    sealed_writer_free(w);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    arena_init(&a, 1 << 20);
    enum err e = backup_open(NULL, fd, &key, &a, &facts, &r);
    backup_close(r);
    arena_release(&a);
    close(fd);
    return e;
}

static void headers_are_read_strictly(void **state UNUSED)
{
    assert_ok(open_header(
        "{\"juki_backup\":1,\"node\":\"agency\",\"time\":\"2026-11-22T09:00:00.000000Z\",\"program\":\"1\","
        "\"epoch\":1,\"entries\":0,\"head\":\"\",\"schema\":{},\"wal_bytes\":0,\"file_bytes\":0}"));
    assert_err(open_header("{\"juki_backup\":2}"), ERR_BACKUP_NEWER);
    assert_err(open_header("{\"juki_backup\":1}"), ERR_FIELD_MISSING);
    assert_err(open_header("{\"juki_backup\":1,\"node\":\"nobody\"}"), ERR_NODE_NAME);
    assert_err(open_header("[]"), ERR_FIELD_MISSING);
    assert_err(open_header("no"), ERR_JSON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backup_lets_all_go_first_until_it_is_left_behind),
        cmocka_unit_test(a_backup_is_one_state_while_changes_go_on),
        cmocka_unit_test(a_held_file_does_not_change),
        cmocka_unit_test(one_database_takes_anothers_place),
        cmocka_unit_test(a_newer_programs_backup_is_refused),
        cmocka_unit_test(headers_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
