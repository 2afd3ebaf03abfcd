/* SPDX-License-Identifier: Apache-2.0 */
/* What a clerk sees of the supplements, and sums over them by which a driver of many registers sees that
 * every supplement is where the 本籍 is. */
#include "base/sha256.h"
#include "register/register_sql.h"
#include "register/supplement.h"

enum { LIST_PAGE = 200, CENSUS_PAGE = 1000, SUMS_MAX = 1 << 14, LINE_BYTES = 4096, SCRATCH_BYTES = 1 << 20 };

/* ---- the list ---- */

struct list_page {
    struct str honseki, head;
    struct register_supplement_person items[LIST_PAGE];
    size_t count;
    int64_t after;
};

static enum err read_list(struct db_tx *tx, struct fail *f, void *arg)
{
    struct list_page *p = arg;
    struct db_rows rows;

    p->count = 0;
    db_query(tx, &rows, &sql_register_supplement_list,
             DB(db_text(p->honseki), db_text(p->head), db_int(p->after), db_int(LIST_PAGE)));
    while (p->count < LIST_PAGE && db_next(&rows)) {
        struct register_supplement_person *i = &p->items[p->count++];
        *i = (struct register_supplement_person){
            .person = db_row_int(&rows, 0),
            .off = db_row_int(&rows, 1) != SUPPLEMENT_ON,
            .honseki_area = {(int32_t)db_row_int(&rows, 2)},
            .event = (int)db_row_int(&rows, 5),
            .area = {(int32_t)db_row_int(&rows, 6)},
            .address_since = date_from_int((int32_t)db_row_int(&rows, 8)),
        };
        snprintf(i->head, sizeof i->head, "%.*s", STR_ARG(db_row_text(&rows, 3)));
        snprintf(i->name, sizeof i->name, "%.*s", STR_ARG(db_row_text(&rows, 4)));
        snprintf(i->address, sizeof i->address, "%.*s", STR_ARG(db_row_text(&rows, 7)));
    }
    return db_done(&rows, f);
}

enum err register_supplement_list(struct resident_register *r, struct fail *f, struct str honseki,
                                  struct str head,
                                  void (*each)(void *arg, const struct register_supplement_person *p),
                                  void *arg)
{
    struct list_page *page = memory_new(sizeof *page);
    enum err e = page ? ERR_OK : fail_set(f, ERR_MEMORY, "supplement", NULL);

    if (e)
        return e;
    page->honseki = honseki;
    page->head = head;
    do {
        e = db_read(r->db, f, read_list, page);
        for (size_t i = 0; !e && i < page->count; i++)
            each(arg, &page->items[i]);
        if (!e && page->count)
            page->after = page->items[page->count - 1].person;
    } while (!e && page->count == LIST_PAGE);
    memory_free(page);
    return e;
}

/* ---- one person ---- */

static void add_text(struct buf *b, const char *key, struct str text)
{
    if (text.n)
        json_add_text(b, key, text);
}

static void add_day(struct buf *b, const char *key, int64_t day)
{
    char text[DATE_TEXT_SIZE];

    if (day)
        json_add_text(b, key, str_of(date_text(date_from_int((int32_t)day), text)));
}

static void add_area(struct buf *b, const char *key, int64_t area)
{
    char text[AREA_CODE_TEXT_SIZE];

    if (area)
        json_add_text(b, key, str_of(area_code_text((struct area_code){(int32_t)area}, text)));
}

static void add_said(struct buf *b, const struct db_rows *rows, int64_t standing)
{
    const enum supplement_event event = (enum supplement_event)db_row_int(rows, 2);
    const struct resident_code code = {db_row_int(rows, 5)};
    char digits[RESIDENT_CODE_TEXT_SIZE];

    json_begin(b, NULL, '{');
    if (db_row_int(rows, 0) == standing)
        json_add_bool(b, "standing", true);
    add_text(b, "notice", db_row_text(rows, 1));
    json_add_text(b, "event", str_of(supplement_event_name(event)));
    json_add_text(b, "event_ja", str_of(supplement_event_ja(event)));
    add_day(b, "event_date", db_row_int(rows, 3));
    if (db_row_int(rows, 4))
        json_add_bool(b, "cancelled", true);
    if (code.value)
        json_add_text(b, "resident_code", str_of(resident_code_REVEAL(code, digits)));
    json_add_text(b, "name", db_row_text(rows, 6));
    add_day(b, "birth_date", db_row_int(rows, 7));
    json_add_text(b, "sex", str_of(sex_name((enum sex)db_row_int(rows, 8))));
    add_area(b, "area_code", db_row_int(rows, 9));
    add_text(b, "address", db_row_text(rows, 10));
    add_day(b, "address_since", db_row_int(rows, 11));
    if (db_row_int(rows, 12))
        json_add_bool(b, "abroad", true);
    add_day(b, "abroad_on", db_row_int(rows, 12));
    json_end(b, '}');
}

struct viewing {
    int64_t person;
    struct buf *out;
};

static enum err view_person(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct viewing *w = arg;
    struct buf *b = w->out;
    struct db_rows rows;
    int64_t standing = 0;

    buf_clear(b);
    json_begin(b, NULL, '{');
    db_query(tx, &rows, &sql_register_supplement_get, DB(db_int(w->person)));
    const bool found = db_next(&rows);
    if (found) {
        standing = db_row_int(&rows, 1);
        json_add_bool(b, "removed", db_row_int(&rows, 0) != SUPPLEMENT_ON);
        add_area(b, "honseki_area_code", db_row_int(&rows, 2));
        json_add_text(b, "honseki", db_row_text(&rows, 3));
        json_add_text(b, "honseki_head", db_row_text(&rows, 4));
    }
    enum err e = db_done(&rows, f);
    if (e || !found)
        return e ? e : fail_set(f, ERR_NOT_FOUND, "person", NULL);
    json_begin(b, "history", '[');
    db_query(tx, &rows, &sql_register_supplement_history, DB(db_int(w->person)));
    while (db_next(&rows))
        add_said(b, &rows, standing);
    json_end(b, ']');
    json_end(b, '}');
    e = db_done(&rows, f);
    return e ? e : buf_check(b, f, "supplement");
}

enum err register_supplement_show(struct resident_register *r, struct fail *f, int64_t person,
                                  struct buf *out)
{
    struct viewing w = {person, out};

    return db_read(r->db, f, view_person, &w);
}

/* ---- sums ---- */

struct sums {
    struct register_supplement_sum slot[SUMS_MAX]; /* open addressing; count 0: free */
    size_t rows;
    int64_t after;
    struct buf line;
};

static struct register_supplement_sum *sum_of(struct sums *s, int64_t home, int64_t honseki)
{
    size_t at = ((size_t)home * 31 + (size_t)honseki * 1000003) % SUMS_MAX;

    for (size_t tried = 0; tried < SUMS_MAX; tried++, at = (at + 1) % SUMS_MAX) {
        struct register_supplement_sum *slot = &s->slot[at];
        if (slot->count && slot->area.value == home && slot->honseki_area.value == honseki)
            return slot;
        if (!slot->count) {
            *slot =
                (struct register_supplement_sum){.area = {(int32_t)home}, .honseki_area = {(int32_t)honseki}};
            return slot;
        }
    }
    return NULL;
}

struct settled {
    int64_t code, area, honseki;
    struct str address;
    struct date since;
};

static enum err add_settled(struct sums *s, struct fail *f, const struct settled *p)
{
    struct register_supplement_sum *sum = sum_of(s, p->area, p->honseki);

    if (!sum)
        return fail_set(f, ERR_LIMIT, "area_code", NULL);
    buf_clear(&s->line);
    buf_add_format(&s->line, "%lld\t%lld\t%d\t%.*s", (long long)p->code, (long long)p->area,
                   (int)date_to_int(p->since), STR_ARG(p->address));
    const struct sha256 digest = sha256_of(buf_str(&s->line));
    for (size_t i = 0; i < sizeof digest.bytes; i++)
        sum->digest[i] ^= digest.bytes[i];
    sum->count++;
    return buf_check(&s->line, f, "census");
}

static enum err read_supplements(struct db_tx *tx, struct fail *f, void *arg)
{
    struct sums *s = arg;
    struct db_rows rows;
    enum err e = ERR_OK;

    s->rows = 0;
    db_query(tx, &rows, &sql_register_supplement_census_page, DB(db_int(s->after), db_int(CENSUS_PAGE)));
    for (; !e && db_next(&rows); s->rows++) {
        const enum supplement_event event = (enum supplement_event)db_row_int(&rows, 6);
        s->after = db_row_int(&rows, 0);
        if (event == SUPPLEMENT_ABROAD || event == SUPPLEMENT_REMOVAL || !db_row_text(&rows, 4).n)
            continue;
        e = add_settled(s, f,
                        &(struct settled){.code = db_row_int(&rows, 2),
                                          .area = db_row_int(&rows, 3),
                                          .honseki = db_row_int(&rows, 1),
                                          .address = db_row_text(&rows, 4),
                                          .since = date_from_int((int32_t)db_row_int(&rows, 5))});
    }
    enum err done = db_done(&rows, e ? NULL : f);
    return e ? e : done;
}

/* Whoever is leaving for another municipality stands here until that tells; who goes abroad does not. */
static enum err add_resident(struct sums *s, struct db_tx *tx, struct fail *f, struct arena *a,
                             int64_t latest)
{
    struct resident_version v, departure;
    enum err e = resident_version_get(tx, f, latest, a, &v);

    if (e || v.row.identity.foreign || !v.row.honseki_area.value || !v.row.honseki.n || !v.row.honseki_head.n)
        return e;
    e = register_find_departure(tx, f, a, &v, &departure);
    if (e || departure.reason == MUNICIPAL_MOVE_OUT_ABROAD)
        return e;
    return add_settled(s, f,
                       &(struct settled){.code = v.row.identity.resident_code.value,
                                         .area = v.row.identity.address.area_code.value,
                                         .honseki = v.row.honseki_area.value,
                                         .address = v.row.identity.address.text,
                                         .since = v.row.address_since});
}

static enum err read_residents(struct db_tx *tx, struct fail *f, void *arg)
{
    struct sums *s = arg;
    int64_t latest[CENSUS_PAGE] = {0};
    struct db_rows rows;
    struct arena a;

    s->rows = 0;
    db_query(tx, &rows, &sql_register_supplement_homes_page, DB(db_int(s->after), db_int(CENSUS_PAGE)));
    while (s->rows < CENSUS_PAGE && db_next(&rows)) {
        s->after = db_row_int(&rows, 0);
        latest[s->rows++] = db_row_int(&rows, 1);
    }
    enum err e = db_done(&rows, f);
    arena_init(&a, SCRATCH_BYTES);
    for (size_t i = 0; !e && i < s->rows; i++) {
        arena_reset(&a);
        e = add_resident(s, tx, f, &a, latest[i]);
    }
    arena_release(&a);
    return e;
}

enum err register_supplement_census(struct resident_register *r, struct fail *f, bool homes,
                                    void (*each)(void *arg, const struct register_supplement_sum *sum),
                                    void *arg)
{
    struct sums *s = memory_new(sizeof *s);
    enum err e = s ? ERR_OK : fail_set(f, ERR_MEMORY, "census", NULL);

    if (e)
        return e;
    buf_init(&s->line, LINE_BYTES);
    do
        e = db_read(r->db, f, homes ? read_residents : read_supplements, s);
    while (!e && s->rows == CENSUS_PAGE);
    for (size_t i = 0; !e && i < SUMS_MAX; i++)
        if (s->slot[i].count)
            each(arg, &s->slot[i]);
    buf_release(&s->line);
    memory_free(s);
    return e;
}
