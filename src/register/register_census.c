/* SPDX-License-Identifier: Apache-2.0 */
/* Decides what the register says the network should know, in the very form in which the network's stores
 * count and digest themselves (store/census.c): per area the latest version of each episode in the order of
 * resident codes. So a register, its CS, the prefecture and the agency can be held against each other by 32
 * bytes. A person who went from ward to ward of a designated city has an episode in each: the record of the
 * ward that was left is no longer found by the code, and is read beside the others. */
#include "register/register_inside.h"

#include "base/sha256.h"
#include "register/register_sql.h"
#include "store/store.h"

enum { PAGE = 2000, FORMER_PAGE = 500, AREAS_MAX = 32, LINE_MAX_BYTES = 16 << 10 };
_Static_assert((int)LIFE_CURRENT == (int)STORE_CURRENT && (int)LIFE_LEAVING == (int)STORE_LEAVING &&
                   (int)LIFE_REMOVED == (int)STORE_REMOVED,
               "a record's life is an episode's state");

struct area_sum { /* a designated city has up to 24 wards */
    struct area_code area;
    int64_t current, leaving, removed;
    struct sha256_stream hash;
};
struct former { /* a record of a ward that was left */
    int64_t code, person, latest;
};
struct census {
    struct area_sum areas[AREAS_MAX];
    size_t count, rows;
    int64_t code; /* the page begins behind it */
    struct buf line;
    struct former formers[FORMER_PAGE];
    size_t former_count, former_at;
    struct former former_last; /* the next page of them begins behind it */
    bool former_ended;
};

static struct area_sum *sum_of(struct census *c, struct area_code area)
{
    for (size_t i = 0; i < c->count; i++)
        if (area_code_equal(c->areas[i].area, area))
            return &c->areas[i];
    if (c->count == AREAS_MAX)
        return NULL;
    struct area_sum *sum = &c->areas[c->count++];
    *sum = (struct area_sum){.area = area};
    sha256_stream_init(&sum->hash);
    return sum;
}

static enum err add_version(struct census *c, struct fail *f, const struct resident_version *v)
{
    const struct store_version told = {
        .identity = v->row.identity,
        .change = {.reason = v->sent_reason, .date = v->sent_date},
        .version = v->sent,
        .state = (enum store_state)v->life,
    };
    struct area_sum *sum = sum_of(c, v->row.identity.address.area_code);

    if (!sum)
        return fail_set(f, ERR_LIMIT, "area_code", NULL);
    sum->current += v->life == LIFE_CURRENT;
    sum->leaving += v->life == LIFE_LEAVING;
    sum->removed += v->life == LIFE_REMOVED;
    buf_clear(&c->line);
    store_digest_line(&c->line, &told);
    sha256_stream_add(&sum->hash, buf_str(&c->line));
    return buf_check(&c->line, f, "census");
}

/* The next record of a ward that was left; NULL when there is none. */
static enum err next_former(struct census *c, struct db_tx *tx, struct fail *f, const struct former **out)
{
    struct db_rows rows;
    enum err e = ERR_OK;

    if (c->former_at == c->former_count && !c->former_ended) {
        c->former_at = c->former_count = 0;
        db_query(tx, &rows, &sql_register_former_page,
                 DB(db_int(c->former_last.code), db_int(c->former_last.person), db_int(FORMER_PAGE)));
        while (db_next(&rows))
            c->formers[c->former_count++] =
                (struct former){db_row_int(&rows, 0), db_row_int(&rows, 1), db_row_int(&rows, 2)};
        e = db_done(&rows, f);
        c->former_ended = c->former_count < FORMER_PAGE;
        if (c->former_count)
            c->former_last = c->formers[c->former_count - 1];
    }
    *out = !e && c->former_at < c->former_count ? &c->formers[c->former_at] : NULL;
    return e;
}

/* Those whose code comes before `code`. */
static enum err add_formers(struct census *c, struct db_tx *tx, struct fail *f, int64_t code)
{
    const struct former *former;
    struct resident_version v;
    struct arena a;
    enum err e;

    arena_init(&a, 256 << 10);
    while (!(e = next_former(c, tx, f, &former)) && former && former->code < code) {
        if ((e = resident_version_get(tx, f, former->latest, &a, &v)) || (e = add_version(c, f, &v)))
            break;
        arena_reset(&a);
        c->former_at++;
    }
    arena_release(&a);
    return e;
}

/* One page; after an error the whole census is given up, so nothing is added twice. */
static enum err read_page(struct db_tx *tx, struct fail *f, void *arg)
{
    struct census *c = arg;
    struct resident_version v;
    struct db_rows rows;
    enum err e = ERR_OK;

    c->rows = 0;
    db_query(tx, &rows, &sql_register_census_page, DB(db_int(c->code), db_int(PAGE)));
    for (; !e && db_next(&rows); c->rows++) {
        if ((e = resident_version_read(&rows, f, NULL, &v)))
            break;
        c->code = v.row.identity.resident_code.value;
        if (!(e = add_formers(c, tx, f, c->code)))
            e = add_version(c, f, &v);
    }
    enum err done = db_done(&rows, e ? NULL : f);
    if (!e && !(e = done) && c->rows < PAGE)
        e = add_formers(c, tx, f, INT64_MAX);
    return e;
}

static int by_area(const void *a, const void *b)
{
    return ((const struct area_sum *)a)->area.value - ((const struct area_sum *)b)->area.value;
}

enum err register_census(struct resident_register *r, struct fail *f,
                         void (*each)(void *arg, struct area_code area, int64_t current, int64_t leaving,
                                      int64_t removed, const uint8_t digest[static 32]),
                         void *arg)
{
    struct census *c = memory_new(sizeof *c);
    enum err e = c ? ERR_OK : fail_set(f, ERR_MEMORY, "census", NULL);

    if (e)
        return e;
    c->code = c->former_last.code = -1;
    buf_init(&c->line, LINE_MAX_BYTES);
    do
        e = db_read(r->db, f, read_page, c);
    while (!e && c->rows == PAGE);
    qsort(c->areas, c->count, sizeof *c->areas, by_area);
    for (size_t i = 0; !e && i < c->count; i++) {
        const struct sha256 digest = sha256_stream_end(&c->areas[i].hash);
        each(arg, c->areas[i].area, c->areas[i].current, c->areas[i].leaving, c->areas[i].removed,
             digest.bytes);
    }
    buf_release(&c->line);
    memory_free(c);
    return e;
}
