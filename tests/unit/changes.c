/* SPDX-License-Identifier: Apache-2.0 */
#include "simulate/changes.h"

#include "register/change_event.h"
#include "test.h"

enum { COUNT = 20000, HOUSEHOLDS = 20000, PLACES = 16 };
static const struct simulate_count nishinomiya = {{282049}, COUNT};
static const struct simulate_period year = {{2026, 4, 1}, {2027, 3, 31}, 0};

static enum err keep(void *arg, struct fail *f, struct str text)
{
    buf_add_str(arg, text);
    return buf_check(arg, f, NULL);
}

static struct simulate_world *world(bool with_codes)
{
    struct simulate_options options = {.seed = 11, .with_codes = with_codes};
    struct simulate_world *w = NULL;
    assert_ok(simulate_world_new(NULL, &options, &w));
    return w;
}

static void make(const struct simulate_world *w, const struct simulate_period *period, struct buf *out)
{
    buf_init(out, 256 << 20);
    assert_ok(simulate_changes(NULL, w, &nishinomiya, 1, period, keep, out));
}

/* What a register would know: who is there, and who has gone. */
struct model {
    uint8_t there[HOUSEHOLDS * PLACES]; /* 1 there, 2 gone */
    int64_t seen[512];                  /* by municipal reason */
    int64_t events, newest;
};

static uint8_t *place_of(struct model *m, struct str record)
{
    struct str area, household, member;
    uint64_t h, p;
    assert_true(str_cut(&record, '-', &area) && str_cut(&record, '-', &household) &&
                str_cut(&record, '-', &member));
    assert_true(str_to_uint(household, HOUSEHOLDS - 1, &h) && str_to_uint(member, PLACES - 1, &p));
    return &m->there[h * PLACES + p];
}

static void load(const struct simulate_world *w, struct model *m)
{
    struct buf text;
    struct csv_reader *r;
    struct csv_row row;
    bool more = true;
    buf_init(&text, 256 << 20);
    assert_ok(simulate_residents(NULL, w, &nishinomiya, 1, keep, &text));
    assert_ok(csv_open_text(NULL, buf_str(&text), resident_columns, RESIDENT_COLUMNS, &r));
    while (more) {
        assert_ok(csv_next(r, NULL, &row, &more));
        if (more)
            *place_of(m, row.cell[RESIDENT_COLUMN_RECORD]) = 1;
    }
    csv_close(r);
    buf_release(&text);
}

static void apply(struct model *m, const struct change_event *e)
{
    uint8_t *place = place_of(m, e->record);
    bool entry = municipal_row(e->reason)->group == CHANGE_ENTRY;
    if (*place != !entry)
        fail_msg("%s of somebody who is %s", municipal_row(e->reason)->name,
                 *place ? "gone or there" : "unknown");
    if (entry)
        *place = 1;
    if (e->reason == MUNICIPAL_DEATH)
        *place = 2;
    assert_true(date_to_int(e->date) >= m->newest);
    m->newest = date_to_int(e->date);
    m->seen[e->reason]++;
    m->events++;
}

/* The new values in somebody's row keep it valid as a whole. */
static void amend_somebody(const struct change_event *e)
{
    bool foreign = e->reason == MUNICIPAL_ALIAS_ENTRY || e->reason == MUNICIPAL_ALIAS_REMOVAL;
    struct resident_row row = {.nationality = foreign ? STR("中国") : STR(""), .identity.foreign = foreign};
    row.identity.name.name = foreign ? STR("WANG LI") : STR("西宮　花子");
    row.identity.name.kana = foreign ? STR("") : STR("ニシノミヤ　ハナコ");
    row.identity.name.kana_state = foreign ? KANA_NOT_RECORDED : KANA_RECORDED;
    row.identity.address.area_code.value = 282049;
    row.identity.address.text = STR("兵庫県西宮市六湛寺町１０番３号");
    struct fail f = {0};
    assert_ok(change_event_amend(NULL, e, &row));
    if (resident_row_check(&f, &row))
        fail_msg("%s: %s %s %s", municipal_row(e->reason)->name, err_row(f.err)->name, f.field, f.detail);
}

static void read_all(struct model *m, struct str text)
{
    struct arena a;
    struct str line;
    arena_init(&a, 1 << 20);
    for (int64_t number = 1; str_cut(&text, '\n', &line) && line.n; number++) {
        struct change_event e;
        struct fail f = {0};
        arena_reset(&a);
        if (change_event_parse(&f, number, line, &a, &e))
            fail_msg("%s %s %s", err_row(f.err)->name, f.field, f.detail);
        apply(m, &e);
        if (municipal_row(e.reason)->group != CHANGE_ENTRY)
            amend_somebody(&e);
    }
    arena_release(&a);
}

static void a_register_can_apply_every_event(void **state)
{
    (void)state;
    static const enum municipal_reason expected[] = {MUNICIPAL_BIRTH,
                                                     MUNICIPAL_DEATH,
                                                     MUNICIPAL_MOVE_WITHIN,
                                                     MUNICIPAL_EX_OFFICIO_AMENDMENT,
                                                     MUNICIPAL_FORMER_NAME_ENTRY,
                                                     MUNICIPAL_FORMER_NAME_REMOVAL,
                                                     MUNICIPAL_ALIAS_ENTRY,
                                                     MUNICIPAL_CODE_CHANGE_REQUEST,
                                                     MUNICIPAL_NUMBER_CHANGE_REQUEST,
                                                     MUNICIPAL_MINOR_CORRECTION,
                                                     MUNICIPAL_CLERICAL_CORRECTION,
                                                     MUNICIPAL_HOUSEHOLDER_CHANGE,
                                                     MUNICIPAL_CANCELLED_AMENDMENT};
    struct simulate_world *w = world(true);
    struct model *m = memory_new(sizeof *m);
    struct buf text;
    struct simulate_period busy = year;
    busy.percent = 300;
    assert_non_null(m);
    load(w, m);
    make(w, &busy, &text);
    read_all(m, buf_str(&text));
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        if (!m->seen[expected[i]])
            fail_msg("no %s in the year", municipal_row(expected[i])->name);
    memory_free(m);
    buf_release(&text);
    simulate_world_free(w);
}

/* 日本, 2023: 12.7 deaths and 6.0 births among 1,000. */
static void a_usual_year(void **state)
{
    (void)state;
    struct simulate_world *w = world(false);
    struct model *m = memory_new(sizeof *m);
    struct buf text;
    assert_non_null(m);
    load(w, m);
    make(w, &year, &text);
    read_all(m, buf_str(&text));
    assert_in_range(m->seen[MUNICIPAL_DEATH], COUNT * 9 / 1000, COUNT * 17 / 1000);
    assert_in_range(m->seen[MUNICIPAL_BIRTH], COUNT * 3 / 1000, COUNT * 9 / 1000);
    assert_in_range(m->events, COUNT * 50 / 1000, COUNT * 130 / 1000);
    memory_free(m);
    buf_release(&text);
    simulate_world_free(w);
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    (void)state;
    struct simulate_world *w = world(false), *again = world(false);
    struct simulate_period next = {{2027, 4, 1}, {2028, 3, 31}, 0};
    struct buf a, b, c;
    make(w, &year, &a);
    make(again, &year, &b);
    make(w, &next, &c);
    assert_true(a.n > 1000 && str_equal(buf_str(&a), buf_str(&b)));
    assert_false(str_equal(buf_str(&a), buf_str(&c)));
    buf_release(&a);
    buf_release(&b);
    buf_release(&c);
    simulate_world_free(w);
    simulate_world_free(again);
}

static void periods_that_cannot_be(void **state)
{
    (void)state;
    static const struct {
        struct simulate_period period;
        enum err err;
    } rows[] = {
        {{{2026, 2, 30}, {2026, 3, 31}, 0}, ERR_DATE_REAL},
        {{{2025, 12, 31}, {2026, 3, 31}, 0}, ERR_FIELD_RANGE}, /* before the population's day */
        {{{2026, 4, 1}, {2026, 3, 31}, 0}, ERR_FIELD_RANGE},
        {{{2026, 1, 1}, {2027, 1, 2}, 0}, ERR_FIELD_RANGE},
        {{{2026, 1, 1}, {2026, 1, 2}, 10001}, ERR_FIELD_RANGE},
    };
    struct simulate_world *w = world(false);
    struct buf text;
    buf_init(&text, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_err(simulate_changes(NULL, w, &nishinomiya, 1, &rows[i].period, keep, &text), rows[i].err);
    assert_int_equal(text.n, 0);
    simulate_world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_register_can_apply_every_event),
        cmocka_unit_test(a_usual_year),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
        cmocka_unit_test(periods_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
