/* SPDX-License-Identifier: Apache-2.0 */
/* Decides how residents are loaded from CSV: some two thousand rows a transaction, read as they come, so that
 * a file of any size needs the same memory. Each row is taken or refused alone, and refusals are told after
 * the commit that settles them. A load that broke off is run again: what is there is refused as such, the
 * rest is taken. */
#include "register/register_inside.h"

enum { CHUNK_ROWS = 2000, CHUNK_BYTES = 24 << 20, BODY_MAX = 16 << 10 };

struct load_item {
    int64_t line;
    struct resident_row row;
    struct fail verdict;
};
struct load {
    struct resident_register *r;
    struct csv_reader *reader;
    struct arena arena;
    struct buf body;
    struct load_item *items;
    size_t count;
    int64_t without_code, first_change, last_change; /* of the chunk */
    int64_t without_code_before;                     /* in the chunks before it */
    register_refusal refusal;
    void *arg;
    struct register_result result;
};

static void refuse(struct load *l, int64_t line, const struct fail *f)
{
    l->result.refused++;
    if (l->refusal)
        l->refusal(l->arg, line, f);
}

/* The row's text, moved from the reader into the chunk. */
static bool keep_text(struct load *l, struct csv_row *row)
{
    size_t total = 0, at = 0;

    for (size_t i = 0; i < RESIDENT_COLUMNS; i++)
        total += row->cell[i].n;
    char *text = arena_alloc(&l->arena, total + 1);
    for (size_t i = 0; text && i < RESIDENT_COLUMNS; i++) {
        memcpy(text + at, row->cell[i].p, row->cell[i].n);
        row->cell[i].p = text + at;
        at += row->cell[i].n;
    }
    return text != NULL;
}

/* One row into the chunk, or refused; *more false at the end of the file. */
static enum err read_row(struct load *l, struct fail *f, bool *more)
{
    struct csv_row row;
    struct fail own = {0};
    struct load_item *item = &l->items[l->count];
    enum err e = csv_next(l->reader, &own, &row, more);

    if (!*more)
        return e ? fail_pass(f, &own) : ERR_OK;
    l->result.rows++;
    if (!e && !keep_text(l, &row))
        return fail_set(f, ERR_MEMORY, "row", NULL);
    *item = (struct load_item){.line = row.line};
    if (e || resident_row_parse(&own, &row, &item->row)) {
        refuse(l, row.line, &own);
        return ERR_OK;
    }
    l->without_code += !item->row.has_resident_code;
    l->count++;
    return ERR_OK;
}

static enum err enter_row(struct register_batch *b, struct load_item *item)
{
    struct resident_version v = {
        .reason = item->row.entry_reason, .change_date = item->row.resident_since, .row = item->row};

    /* 改製 and 再製 say why the paper is new; to the network the person is new */
    if (municipal_row(v.reason)->legal == CHANGE_NONE)
        v.reason = MUNICIPAL_EX_OFFICIO_ENTRY;
    return register_enter(b, &item->verdict, &v);
}

static enum err write_chunk(struct db_tx *tx, struct fail *f, void *arg)
{
    struct load *l = arg;
    struct register_batch b = {.register_ = l->r, .tx = tx, .body = &l->body};
    enum err e = register_batch_begin(&b, f);

    for (size_t i = 0; !e && i < l->count; i++) {
        l->items[i].verdict = (struct fail){0};
        enum err row = enter_row(&b, &l->items[i]);
        if (row && err_row(row)->exit == 3)
            return fail_pass(f, &l->items[i].verdict);
    }
    l->first_change = b.first_change;
    l->last_change = b.change;
    return e ? e : register_batch_end(&b, f);
}

static void settle_chunk(struct load *l)
{
    char line[24];

    for (size_t i = 0; i < l->count; i++) {
        struct load_item *item = &l->items[i];
        if (!item->verdict.err) {
            l->result.taken++;
            continue;
        }
        snprintf(line, sizeof line, "line %lld", (long long)item->line);
        if (!item->verdict.detail[0])
            snprintf(item->verdict.detail, sizeof item->verdict.detail, "%s", line);
        refuse(l, item->line, &item->verdict);
    }
    if (l->last_change >= l->first_change && !l->result.first_change)
        l->result.first_change = l->first_change;
    if (l->last_change >= l->first_change)
        l->result.last_change = l->last_change;
}

/* How many codes this chunk and the rest of the file will need, when the rest is like what was read. */
static int64_t codes_ahead(const struct load *l)
{
    int64_t done = 0, total = 0;

    csv_progress(l->reader, &done, &total);
    double read = (double)(l->without_code_before + l->without_code);
    return done > 0 ? (int64_t)(read * (double)total / (double)done) - l->without_code_before : 0;
}

static enum err load_chunk(struct load *l, struct fail *f, bool *more)
{
    enum err e = ERR_OK;

    l->count = 0;
    l->without_code_before += l->without_code;
    l->without_code = 0;
    arena_reset(&l->arena);
    while (!e && *more && l->count < CHUNK_ROWS && l->arena.used < CHUNK_BYTES / 2)
        e = read_row(l, f, more);
    if (e || !l->count ||
        (l->without_code && (e = register_draw(l->r, f, l->without_code, codes_ahead(l)))) ||
        (e = db_transaction(l->r->db, f, write_chunk, l)))
        return e;
    settle_chunk(l);
    door_sender_wake(l->r);
    return ERR_OK;
}

enum err register_load(struct resident_register *r, struct fail *f, const char *path,
                       register_progress progress, register_refusal refusal, void *arg,
                       struct register_result *out)
{
    struct load l = {.r = r, .refusal = refusal, .arg = arg};
    bool more = true;
    enum err e = csv_open(f, path, resident_columns, RESIDENT_COLUMNS, &l.reader);

    if (e)
        return e;
    arena_init(&l.arena, CHUNK_BYTES);
    buf_init(&l.body, BODY_MAX);
    if (!(l.items = memory_new(CHUNK_ROWS * sizeof *l.items)))
        e = fail_set(f, ERR_MEMORY, "load", NULL);
    while (!e && more) {
        int64_t done, total;
        e = load_chunk(&l, f, &more);
        csv_progress(l.reader, &done, &total);
        if (!e && progress)
            progress(arg, l.result.rows, done, total);
    }
    memory_free(l.items);
    buf_release(&l.body);
    arena_release(&l.arena);
    csv_close(l.reader);
    *out = l.result;
    return e;
}
