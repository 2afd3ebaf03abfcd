/* SPDX-License-Identifier: Apache-2.0 */
/* Decides how the watched folder is served: the door for registers that exchange files.
 *
 *     in/NAME.json       one request of POST /v1/changes; appears by rename, taken in the order of names
 *     taken/, refused/   where it goes, with NAME.json.result.json: the answer, or the error
 *     out/               outcomes-CURSOR.json, numbers-CURSOR.json, messages-CURSOR.json, 837Y-CURSOR.dat:
 * what the feeds gave
 *
 * Crash-safe without a log of its own: the result is written before the file is moved, so that a file found
 * again is taken again, and the numbers of its changes make that change nothing. A feed's place moves after
 * its file is on disk, so a page may be written twice, under the same name. A file of out/ that was fetched
 * may be deleted. Names hold cursors, never a person's number. Trouble of our own (disk, database) leaves a
 * file where it is. */
#include "door/door_inside.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "door/door_sql.h"

#include <dirent.h>

enum { ROUND_MICROSECONDS = 1000000, FILES_A_ROUND = 4096, NAME_MAX_BYTES = 200 };

static struct str path_of(struct arena *a, const struct door *d, const char *sub, const char *name,
                          const char *end)
{
    return arena_format(a, "%s/%s/%s%s", d->folder, sub, name, end);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_request(const char *name)
{
    size_t n = strlen(name);

    return name[0] != '.' && n > 5 && n <= NAME_MAX_BYTES && strcmp(name + n - 5, ".json") == 0;
}

static enum err list_requests(struct door *d, struct fail *f, struct arena *a, const char ***names,
                              size_t *count)
{
    struct str path = path_of(a, d, "in", "", "");
    const char **list = arena_alloc(a, FILES_A_ROUND * sizeof *list);
    DIR *folder = path.p && list ? opendir(path.p) : NULL;

    *count = 0;
    if (!folder)
        return fail_errno(f, ERR_IO, "opendir");
    for (struct dirent *entry; *count < FILES_A_ROUND && (entry = readdir(folder));) {
        struct str name =
            is_request(entry->d_name) ? arena_copy(a, str_of(entry->d_name)) : (struct str){NULL, 0};
        if (name.p)
            list[(*count)++] = name.p;
    }
    closedir(folder);
    qsort(list, *count, sizeof *list, by_name);
    *names = list;
    return ERR_OK;
}

static bool is_environment(enum err e)
{
    return err_row(e)->exit == 3 || e == ERR_STOPPING;
}

static enum err file_result(struct door *d, struct fail *f, struct door_request *r, const char *name,
                            const char *where)
{
    struct str from = path_of(&r->arena, d, "in", name, ""), to = path_of(&r->arena, d, where, name, ""),
               result = path_of(&r->arena, d, where, name, ".result.json");
    enum err e;

    if (!from.p || !to.p || !result.p)
        return fail_set(f, ERR_MEMORY, "folder", NULL);
    if ((e = file_write(f, result.p, buf_str(&r->out), 0600)))
        return e;
    return rename(from.p, to.p) ? fail_errno(f, ERR_IO, "rename") : ERR_OK;
}

static enum err take_file(struct door *d, struct fail *f, const char *name)
{
    struct door_request r = {0};
    struct fail refusal = {0};

    door_request_init(&r);
    struct str path = path_of(&r.arena, d, "in", name, "");
    enum err e =
        path.p ? file_read(&refusal, path.p, &r.body) : fail_set(&refusal, ERR_MEMORY, "folder", NULL);
    if (!e)
        e = door_changes_take(d, &r, &refusal);
    if (e && is_environment(e)) {
        e = fail_pass(f, &refusal);
    } else {
        if (e) {
            log_fail(LOG_WARNING, "door_file_refused", &refusal);
            door_request_fail(&r, &refusal);
        }
        e = file_result(d, f, &r, name, e ? "refused" : "taken");
    }
    door_request_release(&r);
    return e;
}

static enum err take_files(struct door *d, struct fail *f)
{
    struct arena a;
    const char **names;
    size_t count;

    arena_init(&a, 4 << 20);
    enum err e = list_requests(d, f, &a, &names, &count);
    for (size_t i = 0; !e && i < count; i++)
        e = take_file(d, f, names[i]);
    arena_release(&a);
    return e;
}

/* ---- out ---- */

struct place {
    enum door_mark mark;
    int64_t value;
};
static enum err read_place(struct db_tx *tx, struct fail *f, void *arg)
{
    struct place *place = arg;

    return door_mark_get(tx, f, place->mark, &place->value);
}
static enum err write_place(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct place *place = arg;

    return db_exec(tx, f, &sql_door_mark_set, DB(db_int(place->mark), db_int(place->value)), NULL);
}

typedef enum err (*feed_fn)(struct door *d, struct door_request *r, struct fail *f);

static enum err write_feed(struct door *d, struct fail *f, struct door_request *r, feed_fn feed,
                           const char *stem, const char *end)
{
    enum err e;

    buf_clear(&r->out);
    if ((e = feed(d, r, f)) || r->cursor == r->after)
        return e;
    struct str path =
        arena_format(&r->arena, "%s/out/%s-%012lld%s", d->folder, stem, (long long)r->after + 1, end);
    return path.p ? file_write(f, path.p, buf_str(&r->out), 0600) : fail_set(f, ERR_MEMORY, "folder", NULL);
}

/* Both forms hold the same numbers: one that comes between them belongs to the next page. */
static enum err write_numbers(struct door *d, struct fail *f, struct door_request *r)
{
    enum err e = write_feed(d, f, r, door_telegrams_read, "837Y", ".dat");

    r->until = r->cursor;
    return e || r->cursor <= r->after ? e : write_feed(d, f, r, door_numbers_read, "numbers", ".json");
}

/* One page of a feed, in each of its forms, then the place. *more says whether to come again at once. */
static enum err write_page(struct door *d, struct fail *f, enum door_mark mark, bool *more)
{
    struct door_request r = {0};
    struct place place = {.mark = mark};
    enum err e = db_read(d->flow->db, f, read_place, &place);

    if (e)
        return e;
    door_request_init(&r);
    r.after = place.value;
    if (mark == DOOR_FOLDER_OUTCOMES)
        e = write_feed(d, f, &r, door_outcomes_read, "outcomes", ".json");
    else if (mark == DOOR_FOLDER_MESSAGES)
        e = write_feed(d, f, &r, door_messages_read, "messages", ".json");
    else
        e = write_numbers(d, f, &r);
    *more = !e && r.cursor > place.value;
    if (*more) {
        place.value = r.cursor;
        e = db_transaction(d->flow->db, f, write_place, &place);
    }
    door_request_release(&r);
    return e;
}

enum err door_folder_round(struct door *d, struct fail *f)
{
    static const enum door_mark feeds[] = {DOOR_FOLDER_OUTCOMES, DOOR_FOLDER_NUMBERS, DOOR_FOLDER_MESSAGES};
    enum err e = take_files(d, f);

    for (size_t i = 0; !e && i < COUNT_OF(feeds); i++)
        for (bool more = true; !e && more;)
            e = write_page(d, f, feeds[i], &more);
    return e;
}

/* ---- the thread ---- */

static bool pause_round(struct door *d)
{
    int64_t deadline = clock_steady() + ROUND_MICROSECONDS;
    const struct timespec until = {deadline / 1000000, deadline % 1000000 * 1000};
    int late = 0;

    pthread_mutex_lock(&d->lock);
    while (!d->stopping && !late)
        late = pthread_cond_timedwait(&d->wake, &d->lock, &until);
    bool go_on = !d->stopping;
    pthread_mutex_unlock(&d->lock);
    return go_on;
}

static void *serve_folder(void *arg)
{
    struct door *d = arg;
    enum err last = ERR_OK;

    do {
        struct fail f = {0};
        enum err e = door_folder_round(d, &f);
        if (e && e != last) /* once, not each second */
            log_fail(LOG_ALARM, "door_folder", &f);
        last = e;
    } while (pause_round(d));
    return NULL;
}

enum err door_folder_start(struct door *d, struct fail *f)
{
    static const char *const subs[] = {"in", "taken", "refused", "out"};
    char path[512];
    enum err e;

    for (size_t i = 0; i < COUNT_OF(subs); i++) {
        if ((size_t)snprintf(path, sizeof path, "%s/%s", d->folder, subs[i]) >= sizeof path)
            return fail_set(f, ERR_LIMIT, "folder", NULL);
        if ((e = file_make_folder(f, path)))
            return e;
    }
    if (pthread_create(&d->folder_thread, NULL, serve_folder, d))
        return fail_errno(f, ERR_MEMORY, "pthread_create");
    d->folder_running = true;
    return ERR_OK;
}

void door_folder_stop(struct door *d)
{
    if (d->folder_running)
        pthread_join(d->folder_thread, NULL);
    d->folder_running = false;
}
