/* SPDX-License-Identifier: Apache-2.0 */
/* How many persons each municipality has here, and a digest that two servers can compare.
 *
 * One walk over the episodes in the order of their key, with a sum and an open hash for each area, so that
 * nothing is sorted and memory is the same for a town and for the nation. The walk is cut into pages because
 * a snapshot may be held for seconds only. */
#include "base/sha256.h"
#include "store/store.h"
#include "store/store_row.h"
#include "store/store_sql.h"

enum {
    PREFECTURES = 48,
    MUNICIPALITIES = 1000 /* by the code's next three digits */,
    LINE_MAX_BYTES = 64 * 1024
};
enum { PAGE = 5000 };

struct area_sum {
    struct store_area_count count;
    struct sha256_stream hash;
};
struct prefecture_sums {
    struct area_sum *of[MUNICIPALITIES];
};
struct census {
    struct prefecture_sums *prefectures[PREFECTURES]; /* NULL: nobody lives there */
    int64_t code, area;                               /* the last key that was read */
    int64_t rows;                                     /* of the last page */
    struct buf line;
};

static void add_text(struct buf *b, struct str s)
{
    buf_add_str(b, s);
    buf_add_char(b, '\t');
}

static void add_name(struct buf *b, const struct person_name *n)
{
    add_text(b, n->name);
    add_text(b, n->kana);
    buf_add_format(b, "%d\t", (int)n->kana_state);
    add_text(b, n->former_name);
    add_text(b, n->former_name_kana);
    add_text(b, n->alias);
    add_text(b, n->alias_kana);
}

void store_digest_line(struct buf *b, const struct store_version *v)
{
    const struct identity *i = &v->identity;
    char code[RESIDENT_CODE_TEXT_SIZE], number[INDIVIDUAL_NUMBER_TEXT_SIZE];
    buf_add_format(b, "%06d\t%s\t%s\t", i->address.area_code.value,
                   resident_code_REVEAL(i->resident_code, code),
                   i->has_individual_number ? individual_number_REVEAL(i->individual_number, number) : "");
    add_name(b, &i->name);
    buf_add_format(b, "%08d\t%d\t", date_to_int(i->birth_date), (int)i->sex);
    add_text(b, i->address.text);
    add_text(b, i->address.town_code);
    add_text(b, i->address.postal_code);
    buf_add_format(b, "%d\t%lld\t%d\t%d\t%08d\n", i->foreign, (long long)v->version, (int)v->state,
                   (int)v->change.reason, date_to_int(v->change.date));
}

static struct area_sum *sum_of(struct census *c, int64_t area)
{
    assert(area >= 0 && area / 10 < PREFECTURES * MUNICIPALITIES);
    struct prefecture_sums **prefecture = &c->prefectures[area / 10 / MUNICIPALITIES];
    if (!*prefecture)
        *prefecture = memory_new(sizeof **prefecture);
    if (!*prefecture)
        return NULL;
    struct area_sum **place = &(*prefecture)->of[area / 10 % MUNICIPALITIES];
    if (!*place) {
        *place = memory_new(sizeof **place);
        if (!*place)
            return NULL;
        (*place)->count.area.value = (int32_t)area;
        sha256_stream_init(&(*place)->hash);
    }
    return *place;
}

static void count_one(struct store_area_count *count, enum store_state state, int64_t version)
{
    count->versions += version;
    count->current += state == STORE_CURRENT;
    count->leaving += state == STORE_LEAVING;
    count->removed += state == STORE_REMOVED;
}

/* One row of a page; false when memory ended. */
static bool take_row(struct census *c, const struct db_rows *rows)
{
    struct store_version v = {0};
    store_row_get(rows, &v, NULL);
    c->code = v.identity.resident_code.value;
    c->area = v.identity.address.area_code.value;
    struct area_sum *sum = sum_of(c, c->area);
    if (!sum)
        return false;
    count_one(&sum->count, v.state, v.version);
    buf_clear(&c->line);
    store_digest_line(&c->line, &v);
    sha256_stream_add(&sum->hash, buf_str(&c->line));
    return !c->line.broken;
}

static enum err read_page(struct db_tx *tx, struct fail *f, void *arg)
{
    struct census *c = arg;
    struct db_rows rows;
    bool good = true;
    c->rows = 0;
    db_query(tx, &rows, &sql_store_census_page, DB(db_int(c->code), db_int(c->area), db_int(PAGE)));
    while (good && db_next(&rows)) {
        good = take_row(c, &rows);
        c->rows++;
    }
    enum err e = db_done(&rows, f);
    return e || good ? e : fail_set(f, ERR_MEMORY, NULL, NULL);
}

static void tell(struct area_sum *sum, void (*each)(void *arg, const struct store_area_count *), void *arg)
{
    struct sha256 digest = sha256_stream_end(&sum->hash);
    memcpy(sum->count.digest, digest.bytes, sizeof digest.bytes);
    each(arg, &sum->count);
}

/* Tells every sum in the order of the codes, unless each is NULL, and gives it back. */
static void end(struct census *c, void (*each)(void *arg, const struct store_area_count *), void *arg)
{
    for (size_t i = 0; i < PREFECTURES; i++) {
        struct prefecture_sums *sums = c->prefectures[i];
        for (size_t k = 0; sums && k < MUNICIPALITIES; k++) {
            if (sums->of[k] && each)
                tell(sums->of[k], each, arg);
            memory_free(sums->of[k]);
        }
        memory_free(sums);
    }
    buf_release(&c->line);
    memory_free(c);
}

enum err store_tally(struct fail *f, struct db *db, struct tally **out)
{
    return tally_new(f, db, &sql_store_tally_page, out);
}

enum err store_census(struct db *db, struct fail *f, void (*each)(void *arg, const struct store_area_count *),
                      void *arg)
{
    struct census *c = memory_new(sizeof *c);
    if (!c)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    c->code = c->area = -1;
    c->rows = 1;
    buf_init(&c->line, LINE_MAX_BYTES);
    enum err e = ERR_OK;
    while (!e && c->rows)
        e = db_read(db, f, read_page, c);
    end(c, e ? NULL : each, arg);
    return e;
}
