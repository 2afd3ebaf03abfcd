/* SPDX-License-Identifier: Apache-2.0 */
/* Decides how existing supplements are loaded from CSV: a row is one address of one person, in any order, and
 * is checked as a notice is, by the same form. Some hundred rows a transaction; each is taken or refused
 * alone, and a load that broke off is run again. */
#include "register/csv.h"
#include "register/register_sql.h"
#include "register/supplement.h"

enum { CHUNK_ROWS = 500, CHUNK_BYTES = 8 << 20, BODY_MAX = 16 << 10, SCRATCH_BYTES = 256 << 10 };

/* Named as the members of the notice. */
static const struct csv_column columns[] = {
    {"resident_code", "住民票コード", true},
    {"honseki_area_code", "本籍の市区町村コード", true},
    {"honseki", "本籍", true},
    {"honseki_head", "筆頭者", true},
    {"name", "氏名", true},
    {"birth_date", "生年月日", true},
    {"sex", "性別", true},
    {"area_code", "市区町村コード", true},
    {"address", "住所", true},
    {"address_since", "住所を定めた年月日", true},
    {"abroad_on", "国外転出年月日", false},
};
enum { SINCE_COLUMN = 9, ABROAD_COLUMN = 10 };

struct item {
    int64_t line;
    struct str body; /* of the notice that would say the same */
    struct fail verdict;
};
struct loading {
    struct resident_register *r;
    struct csv_reader *reader;
    struct arena arena;
    struct item items[CHUNK_ROWS];
    size_t count;
    register_refusal refusal;
    void *arg;
    struct register_result result;
};

static void refuse(struct loading *l, int64_t line, struct fail *f)
{
    if (!f->detail[0])
        snprintf(f->detail, sizeof f->detail, "line %lld", (long long)line);
    l->result.refused++;
    if (l->refusal)
        l->refusal(l->arg, line, f);
}

static enum err keep_row(struct loading *l, struct fail *f, const struct csv_row *row, struct str *body)
{
    const bool abroad = row->cell[ABROAD_COLUMN].n > 0;
    struct buf b;

    buf_init(&b, BODY_MAX);
    json_begin(&b, NULL, '{');
    for (size_t i = 0; i < COUNT_OF(columns); i++)
        if (row->cell[i].n)
            json_add_text(&b, columns[i].name, row->cell[i]);
    if (abroad)
        json_add_bool(&b, "abroad", true);
    json_add_text(&b, "event", str_of(supplement_event_name(abroad ? SUPPLEMENT_ABROAD : SUPPLEMENT_ENTRY)));
    json_add_text(&b, "event_date", row->cell[abroad ? ABROAD_COLUMN : SINCE_COLUMN]);
    json_add_int(&b, "sequence", 0);
    json_end(&b, '}');
    enum err e = buf_check(&b, f, "row");
    if (!e && !(*body = arena_copy(&l->arena, buf_str(&b))).p)
        e = fail_set(f, ERR_MEMORY, "row", NULL);
    buf_release(&b);
    return e;
}

/* One row into the chunk, or refused; *more false at the end of the file. */
static enum err read_row(struct loading *l, struct fail *f, bool *more)
{
    struct csv_row row;
    struct fail own = {0};
    struct item *item = &l->items[l->count];
    enum err e = csv_next(l->reader, &own, &row, more);

    if (!*more)
        return e ? fail_pass(f, &own) : ERR_OK;
    l->result.rows++;
    *item = (struct item){.line = row.line};
    if (!e)
        e = keep_row(l, &own, &row, &item->body);
    if (e == ERR_MEMORY)
        return fail_pass(f, &own);
    if (e)
        refuse(l, row.line, &own);
    else
        l->count++;
    return ERR_OK;
}

static enum err loaded_before(struct register_batch *b, struct fail *f, const struct supplement_said *s)
{
    struct db_rows rows;

    db_query(b->tx, &rows, &sql_register_supplement_loaded,
             DB(db_int(s->person), db_text(s->address.p ? s->address : STR("")),
                db_int(date_to_int(s->address_since)), db_int(date_to_int(s->abroad_on))));
    const bool before = db_next(&rows);
    enum err e = db_done(&rows, f);
    return e || !before ? e : fail_set(f, ERR_EXISTS, "address_since", NULL);
}

static enum err write_row(struct register_batch *b, struct fail *f, struct arena *a, struct str body)
{
    struct koseki_supplement_notice m;
    struct supplement_found found = {0};
    struct json *tree;
    enum err e = json_read(f, body, &tree);

    if (e)
        return e;
    e = message_read(f, &koseki_supplement_notice_form, tree, a, &m);
    json_free(tree);
    if (!e && !area_code_equal(area_code_cs(m.honseki_area_code), b->register_->cs))
        e = fail_set(f, ERR_DOOR_AREA, "honseki_area_code", NULL);
    if (e)
        return e;
    const struct supplement_koseki koseki = {m.honseki_area_code, m.honseki, m.honseki_head};
    struct supplement_said said = supplement_said_of(&m, STR(""));
    if ((e = supplement_find_code(b, f, &koseki, said.code, &found)))
        return e;
    said.person = found.person;
    if (found.person && (e = loaded_before(b, f, &said)))
        return e;
    if (!found.person) {
        found.state = SUPPLEMENT_ON;
        e = supplement_enter(b, f, &koseki, &said.person);
    }
    return e ? e : supplement_say(b, f, found.state, &said);
}

static enum err write_chunk(struct db_tx *tx, struct fail *f, void *arg)
{
    struct loading *l = arg;
    struct register_batch b = {.register_ = l->r, .tx = tx};
    struct arena a;
    enum err e = register_batch_begin(&b, f);

    arena_init(&a, SCRATCH_BYTES);
    for (size_t i = 0; !e && i < l->count; i++) {
        arena_reset(&a);
        l->items[i].verdict = (struct fail){0};
        enum err row = write_row(&b, &l->items[i].verdict, &a, l->items[i].body);
        if (row && err_row(row)->exit == 3)
            e = fail_pass(f, &l->items[i].verdict);
    }
    arena_release(&a);
    return e ? e : register_batch_end(&b, f);
}

static enum err load_chunk(struct loading *l, struct fail *f, bool *more)
{
    enum err e = ERR_OK;

    l->count = 0;
    arena_reset(&l->arena);
    while (!e && *more && l->count < CHUNK_ROWS && l->arena.used < CHUNK_BYTES / 2)
        e = read_row(l, f, more);
    if (e || !l->count || (e = db_transaction(l->r->db, f, write_chunk, l)))
        return e;
    for (size_t i = 0; i < l->count; i++) {
        if (l->items[i].verdict.err)
            refuse(l, l->items[i].line, &l->items[i].verdict);
        else
            l->result.taken++;
    }
    return ERR_OK;
}

enum err register_supplement_load(struct resident_register *r, struct fail *f, const char *path,
                                  register_progress progress, register_refusal refusal, void *arg,
                                  struct register_result *out)
{
    struct loading *l = memory_new(sizeof *l);
    bool more = true;
    enum err e = l ? ERR_OK : fail_set(f, ERR_MEMORY, "load", NULL);

    if (e)
        return e;
    *l = (struct loading){.r = r, .refusal = refusal, .arg = arg};
    arena_init(&l->arena, CHUNK_BYTES);
    if (!(e = csv_open(f, path, columns, COUNT_OF(columns), &l->reader))) {
        while (!e && more) {
            int64_t done, total;
            e = load_chunk(l, f, &more);
            csv_progress(l->reader, &done, &total);
            if (!e && progress)
                progress(arg, l->result.rows, done, total);
        }
        csv_close(l->reader);
        *out = l->result;
    }
    arena_release(&l->arena);
    memory_free(l);
    return e;
}
