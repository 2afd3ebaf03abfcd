/* SPDX-License-Identifier: Apache-2.0 */
/* Decides how change events reach the register: from a file, some hundred a transaction, each taken or
 * refused alone; or one at a time from the counter, there also as 仮登録, which is checked and kept but
 * changes nothing and never reaches the network until it is confirmed. */
#include "register/register_inside.h"

#include "base/clock.h"
#include "register/register_sql.h"

#include <errno.h>

enum {
    CHUNK_EVENTS = 500,
    FIRST_EVENTS = 4,
    CHUNK_BYTES = 48 << 20,
    SCRATCH_BYTES = 1 << 20,
    BODY_MAX = MESSAGE_BYTES_MAX,
    INPUT_MAX = 256 << 10
};

struct apply_item {
    struct change_event event;
    struct fail verdict;
};
struct apply {
    struct resident_register *r;
    struct arena arena, scratch;
    struct buf body;
    struct apply_item *items;
    size_t size; /* of items */
    size_t count;
    int64_t first_change, last_change;
    bool dry; /* undo everything: only a look whether it would be taken */
};

static bool needs_code(const struct change_event *e)
{
    const struct municipal_row *row = municipal_row(e->reason);

    if (change_event_sets(e, RESIDENT_COLUMN_RESIDENT_CODE))
        return false;
    return row->group == CHANGE_CODE_AMENDMENT || (row->group == CHANGE_ENTRY && row->legal != CHANGE_NONE &&
                                                   !e->cancels.n && !e->has_resident_code);
}

static enum err apply_items(struct db_tx *tx, struct fail *f, void *arg)
{
    struct apply *a = arg;
    struct register_batch b = {.register_ = a->r, .tx = tx, .body = &a->body};
    enum err e = register_batch_begin(&b, f);

    for (size_t i = 0; !e && i < a->count; i++) {
        struct apply_item *item = &a->items[i];
        item->verdict = (struct fail){0};
        arena_reset(&a->scratch);
        enum err one = register_apply_event(&b, &item->verdict, &a->scratch, &item->event);
        if (one && err_row(one)->exit == 3)
            return fail_pass(f, &item->verdict);
    }
    a->first_change = b.first_change;
    a->last_change = b.change;
    if (!e && a->dry)
        return a->items[0].verdict.err ? fail_pass(f, &a->items[0].verdict)
                                       : fail_set(f, ERR_STOPPING, NULL, NULL);
    return e ? e : register_batch_end(&b, f);
}

static enum err apply_open(struct apply *a, struct fail *f, struct resident_register *r, size_t items)
{
    *a = (struct apply){.r = r};
    arena_init(&a->arena, CHUNK_BYTES);
    arena_init(&a->scratch, SCRATCH_BYTES);
    buf_init(&a->body, BODY_MAX);
    a->size = items;
    a->items = memory_new(items * sizeof *a->items);
    return a->items ? ERR_OK : fail_set(f, ERR_MEMORY, "changes", NULL);
}

/* A file of one event, which is most of them, takes the memory of a few. */
static enum err apply_grow(struct apply *a, struct fail *f)
{
    if (a->count < a->size)
        return ERR_OK;
    struct apply_item *grown = memory_new(2 * a->size * sizeof *grown);
    if (!grown)
        return fail_set(f, ERR_MEMORY, "changes", NULL);
    memcpy(grown, a->items, a->count * sizeof *grown);
    memory_free(a->items);
    a->items = grown;
    a->size *= 2;
    return ERR_OK;
}

static void apply_close(struct apply *a)
{
    memory_free(a->items);
    buf_release(&a->body);
    arena_release(&a->scratch);
    arena_release(&a->arena);
}

static enum err apply_chunk(struct apply *a, struct fail *f)
{
    int64_t codes = 0;
    enum err e;

    for (size_t i = 0; i < a->count; i++)
        codes += needs_code(&a->items[i].event);
    if ((codes && (e = register_draw(a->r, f, codes, codes))) ||
        (e = db_transaction(a->r->db, f, apply_items, a)))
        return e;
    door_sender_wake(a->r);
    return ERR_OK;
}

/* ---- files ---- */

struct event_file {
    struct apply apply;
    FILE *file;
    struct buf input; /* bytes read and not yet used, from `at` */
    size_t at;
    int64_t line, done, total;
    bool ended;
    register_refusal refusal;
    void *arg;
    struct register_result result;
};

static enum err fill_input(struct event_file *file, struct fail *f)
{
    size_t rest = file->input.n - file->at;

    if (file->at && file->input.p) {
        memmove(file->input.p, file->input.p + file->at, rest);
        file->input.n = rest;
        file->at = 0;
    }
    size_t room = INPUT_MAX - rest;
    char *p = buf_reserve(&file->input, room);
    if (!p)
        return fail_set(f, ERR_MEMORY, "changes", NULL);
    size_t n = fread(p, 1, room, file->file);
    file->input.n -= room - n;
    file->done += (int64_t)n;
    file->ended = n < room && feof(file->file);
    return ferror(file->file) ? fail_errno(f, ERR_IO, "reading changes") : ERR_OK;
}

/* The next line without its end; n > CHANGE_LINE_MAX stands for a line too long. *more false at the end. */
static enum err next_line(struct event_file *file, struct fail *f, struct str *line, bool *more)
{
    for (;;) {
        char *start = file->input.p ? file->input.p + file->at : NULL;
        size_t rest = file->input.n - file->at;
        char *end = start ? memchr(start, '\n', rest) : NULL;
        if (end || (file->ended && rest) || rest > CHANGE_LINE_MAX) {
            size_t n = end ? (size_t)(end - start) : rest;
            *line = (struct str){start, n};
            file->at += n + (end != NULL);
            file->line++;
            *more = true;
            return ERR_OK;
        }
        *more = !file->ended;
        enum err e = file->ended ? ERR_OK : fill_input(file, f);
        if (e || !*more)
            return e;
    }
}

static void refuse_line(struct event_file *file, int64_t line, const struct fail *f)
{
    file->result.refused++;
    if (file->refusal)
        file->refusal(file->arg, line, f);
}

static enum err read_event(struct event_file *file, struct fail *f, bool *more)
{
    struct apply *a = &file->apply;
    struct fail own = {0};
    struct str line;
    enum err e = next_line(file, f, &line, more);

    if (e || !*more)
        return e;
    line = str_trim(line);
    if (!line.n)
        return ERR_OK;
    file->result.rows++;
    if ((e = apply_grow(a, f)))
        return e;
    if (!(e = change_event_parse(&own, file->line, line, &a->arena, &a->items[a->count].event)))
        a->count++;
    else if (err_row(e)->exit == 3)
        return fail_pass(f, &own);
    else
        refuse_line(file, file->line, &own);
    return ERR_OK;
}

static void settle(struct event_file *file)
{
    struct apply *a = &file->apply;

    for (size_t i = 0; i < a->count; i++) {
        const struct apply_item *item = &a->items[i];
        if (item->verdict.err)
            refuse_line(file, item->event.value.line, &item->verdict);
        else
            file->result.taken++;
    }
    if (a->last_change < a->first_change)
        return;
    if (!file->result.first_change)
        file->result.first_change = a->first_change;
    file->result.last_change = a->last_change;
}

static enum err apply_file(struct event_file *file, struct fail *f, register_progress progress)
{
    struct apply *a = &file->apply;
    bool more = true;
    enum err e = ERR_OK;

    while (!e && more) {
        a->count = 0;
        arena_reset(&a->arena);
        while (!e && more && a->count < CHUNK_EVENTS && a->arena.used < CHUNK_BYTES / 2)
            e = read_event(file, f, &more);
        if (!e && a->count && !(e = apply_chunk(a, f)))
            settle(file);
        if (!e && progress)
            progress(file->arg, file->result.rows, file->done, file->total);
    }
    return e;
}

typedef enum err (*take_lines)(struct event_file *file, struct fail *f, register_progress progress);

static enum err take_file(struct event_file *file, struct fail *f, struct resident_register *r,
                          const char *path, register_progress progress, take_lines take)
{
    enum err e;

    if (!(file->file = fopen(path, "re")))
        return fail_errno(f, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, path);
    if (!fseek(file->file, 0, SEEK_END)) {
        file->total = ftell(file->file);
        rewind(file->file);
    }
    buf_init(&file->input, INPUT_MAX);
    if (!(e = apply_open(&file->apply, f, r, FIRST_EVENTS)))
        e = take(file, f, progress);
    apply_close(&file->apply);
    buf_release(&file->input);
    fclose(file->file);
    return e;
}

enum err register_apply(struct resident_register *r, struct fail *f, const char *path,
                        register_progress progress, register_refusal refusal, void *arg,
                        struct register_result *out)
{
    struct event_file file = {.refusal = refusal, .arg = arg};
    enum err e = take_file(&file, f, r, path, progress, apply_file);

    *out = file.result;
    return e;
}

/* ---- the counter ---- */

struct provisional {
    struct str event, line;
    struct arena *arena;
    int64_t changed; /* rows */
};

static enum err keep_provisional(struct db_tx *tx, struct fail *f, void *arg)
{
    struct provisional *p = arg;

    return db_exec(tx, f, &sql_register_provisional_add,
                   DB(db_text(p->event), db_text(p->line), db_int(clock_now())), &p->changed);
}

static enum err drop_provisional(struct db_tx *tx, struct fail *f, void *arg)
{
    struct provisional *p = arg;

    return db_exec(tx, f, &sql_register_provisional_remove, DB(db_text(p->event)), &p->changed);
}

static enum err find_provisional(struct db_tx *tx, struct fail *f, void *arg)
{
    struct provisional *p = arg;
    struct db_rows rows;

    db_query(tx, &rows, &sql_register_provisional_find, DB(db_text(p->event)));
    if (db_next(&rows))
        p->line = arena_copy(p->arena, db_row_text(&rows, 0));
    enum err e = db_done(&rows, f);
    return e || p->line.p ? e : fail_set(f, ERR_NOT_FOUND, "event", NULL);
}

static enum err apply_one(struct apply *a, struct fail *f, int64_t *change)
{
    a->count = 1;
    enum err e = apply_chunk(a, f);
    if (e)
        return a->dry && e == ERR_STOPPING ? ERR_OK : e;
    if (a->items[0].verdict.err)
        return fail_pass(f, &a->items[0].verdict);
    *change = a->last_change >= a->first_change ? a->last_change : 0;
    return ERR_OK;
}

static enum err enter_line(struct resident_register *r, struct fail *f, int64_t line_number, struct str line,
                           bool provisional, int64_t *change)
{
    struct apply a;
    int64_t number = 0;
    enum err e = apply_open(&a, f, r, 1);

    a.dry = provisional;
    if (!e && !(e = change_event_parse(f, line_number, line, &a.arena, &a.items[0].event)))
        e = apply_one(&a, f, &number);
    if (!e && provisional) {
        struct provisional p = {.event = a.items[0].event.event, .line = line};
        e = db_transaction(r->db, f, keep_provisional, &p);
        if (!e && !p.changed)
            e = fail_set(f, ERR_EXISTS, "event", "it waits to be confirmed");
    }
    if (!e)
        *change = number;
    apply_close(&a);
    return e;
}

enum err register_enter_event(struct resident_register *r, struct fail *f, struct str line, bool provisional,
                              int64_t *change)
{
    return enter_line(r, f, 1, line, provisional, change);
}

static enum err enter_next(struct event_file *file, struct fail *f, bool *more)
{
    struct fail own = {0};
    struct str line;
    int64_t change;
    enum err e = next_line(file, f, &line, more);

    if (e || !*more)
        return e;
    line = str_trim(line);
    if (!line.n)
        return ERR_OK;
    file->result.rows++;
    if (!(e = enter_line(file->apply.r, &own, file->line, line, true, &change)))
        file->result.taken++;
    else if (err_row(e)->exit == 3)
        return fail_pass(f, &own);
    else
        refuse_line(file, file->line, &own);
    return ERR_OK;
}

static enum err enter_lines(struct event_file *file, struct fail *f, register_progress progress)
{
    bool more = true;
    enum err e = ERR_OK;

    while (!e && more) {
        e = enter_next(file, f, &more);
        if (!e && progress)
            progress(file->arg, file->result.rows, file->done, file->total);
    }
    return e;
}

enum err register_enter_file(struct resident_register *r, struct fail *f, const char *path,
                             register_progress progress, register_refusal refusal, void *arg,
                             struct register_result *out)
{
    struct event_file file = {.refusal = refusal, .arg = arg};
    enum err e = take_file(&file, f, r, path, progress, enter_lines);

    *out = file.result;
    return e;
}

enum err register_confirm(struct resident_register *r, struct fail *f, struct str event, int64_t *change)
{
    struct arena arena;
    struct provisional p = {.event = event, .arena = &arena};

    arena_init(&arena, 256 << 10);
    enum err e = db_read(r->db, f, find_provisional, &p);
    if (!e)
        e = register_enter_event(r, f, p.line, false, change);
    if (!e || e == ERR_EXISTS) { /* confirmed before a crash: only the waiting line is left */
        enum err dropped = db_transaction(r->db, e ? NULL : f, drop_provisional, &p);
        e = e ? e : dropped;
    }
    arena_release(&arena);
    return e;
}

enum err register_withdraw(struct resident_register *r, struct fail *f, struct str event)
{
    struct provisional p = {.event = event};
    enum err e = db_transaction(r->db, f, drop_provisional, &p);

    return e || p.changed ? e : fail_set(f, ERR_NOT_FOUND, "event", NULL);
}

struct provisional_list {
    void (*each)(void *arg, const struct register_provisional *p);
    void *arg;
    struct arena arena;
};

static enum err list_provisional(struct db_tx *tx, struct fail *f, void *arg)
{
    struct provisional_list *l = arg;
    struct db_rows rows;
    enum err bad = ERR_OK;

    db_query(tx, &rows, &sql_register_provisional_list, DB_NONE);
    while (!bad && db_next(&rows)) {
        struct change_event event;
        arena_reset(&l->arena);
        if (!(bad = change_event_parse(f, 1, db_row_text(&rows, 0), &l->arena, &event)))
            l->each(l->arg, &(struct register_provisional){.event = event.event,
                                                           .record = event.record,
                                                           .reason = event.reason,
                                                           .date = event.date,
                                                           .since = db_row_int(&rows, 1)});
    }
    enum err e = db_done(&rows, bad ? NULL : f);
    return bad ? bad : e;
}

enum err register_provisionals(struct resident_register *r, struct fail *f,
                               void (*each)(void *arg, const struct register_provisional *p), void *arg)
{
    struct provisional_list l = {.each = each, .arg = arg};

    arena_init(&l.arena, 1 << 20);
    enum err e = db_read(r->db, f, list_provisional, &l);
    arena_release(&l.arena);
    return e;
}
