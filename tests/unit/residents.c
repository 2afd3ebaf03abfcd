/* SPDX-License-Identifier: Apache-2.0 */
#include "simulate/residents.h"

#include "register/resident_row.h"
#include "simulate/household.h"
#include "test.h"

#include <stdlib.h>

enum { NISHINOMIYA = 282049 };

static enum err keep(void *arg, struct fail *f, struct str text)
{
    buf_add_str(arg, text);
    return buf_check(arg, f, NULL);
}

static struct simulate_world *world(uint64_t seed, bool with_codes)
{
    struct simulate_options options = {.seed = seed, .with_codes = with_codes};
    struct simulate_world *w = NULL;
    assert_ok(simulate_world_new(NULL, &options, &w));
    return w;
}

static void make(uint64_t seed, bool with_codes, int32_t area, int64_t count, struct buf *out)
{
    struct simulate_world *w = world(seed, with_codes);
    struct simulate_count row = {{area}, count};
    buf_init(out, 256 << 20);
    assert_ok(simulate_residents(NULL, w, &row, 1, keep, out));
    simulate_world_free(w);
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    (void)state;
    struct buf a, b, c, fewer;
    make(1, true, NISHINOMIYA, 3000, &a);
    make(1, true, NISHINOMIYA, 3000, &b);
    make(2, true, NISHINOMIYA, 3000, &c);
    make(1, true, NISHINOMIYA, 1000, &fewer);
    assert_true(str_equal(buf_str(&a), buf_str(&b)));
    assert_false(str_equal(buf_str(&a), buf_str(&c)));
    assert_true(str_starts(buf_str(&a), buf_str(&fewer)));
    buf_release(&a);
    buf_release(&b);
    buf_release(&c);
    buf_release(&fewer);
}

/* What a population looks like, counted from its CSV. */
struct census {
    int64_t rows, heads, male, foreign, alias, former, rare, odd_birth, kana_missing, town_unknown;
    int64_t age[2][SIMULATE_AGES];
};

static bool town_belongs(const struct simulate_world *w, const struct resident_row *row)
{
    char code[AREA_CODE_TEXT_SIZE];
    const struct table_area *area =
        simulate_area_find(&w->tables, str_of(area_code_text(row->identity.address.area_code, code)));
    for (uint32_t i = 0; i < area->town_count; i++)
        if (str_equal(w->tables.towns[area->town_first + i].name, row->town))
            return true;
    return false;
}

static void count_row(const struct simulate_world *w, struct census *c, const struct resident_row *row)
{
    int age = date_age(row->identity.birth_date, (struct date){2026, 1, 1});
    assert_in_range(age, 0, SIMULATE_AGE_MAX);
    c->rows++;
    c->heads += str_equal(row->relationship, STR("世帯主"));
    c->male += row->identity.sex == SEX_MALE;
    c->foreign += row->identity.foreign;
    c->alias += row->identity.name.alias.n > 0;
    c->former += row->identity.name.former_name.n > 0;
    c->rare += memmem(row->identity.name.name.p, row->identity.name.name.n, "髙", 3) != NULL;
    c->odd_birth += !date_real(row->identity.birth_date);
    c->kana_missing += !row->identity.foreign && row->identity.name.kana_state != KANA_RECORDED;
    c->town_unknown += !town_belongs(w, row);
    c->age[row->identity.sex == SEX_FEMALE][age]++;
    assert_true(date_compare(row->resident_since, (struct date){2026, 1, 1}) <= 0);
    assert_true(date_compare(row->resident_since, row->address_since) <= 0);
}

/* Every row passes the reader a register uses, and every check of the values. */
static void read_census(const struct simulate_world *w, struct str text, struct census *c)
{
    struct csv_reader *r;
    struct csv_row row;
    struct resident_row resident;
    bool more;
    *c = (struct census){0};
    assert_ok(csv_open_text(NULL, text, resident_columns, RESIDENT_COLUMNS, &r));
    for (;;) {
        struct fail f = {0};
        assert_ok(csv_next(r, NULL, &row, &more));
        if (!more)
            break;
        if (resident_row_parse(&f, &row, &resident))
            fail_msg("%s %s %s", err_row(f.err)->name, f.field, f.detail);
        count_row(w, c, &resident);
    }
    csv_close(r);
}

static void ages_follow_the_census(const struct simulate_world *w, const struct census *c)
{
    double people = 0;
    for (size_t i = 0; i < (size_t)SIMULATE_AGES * 2; i++)
        people += w->tables.pyramid[i / SIMULATE_AGES][i % SIMULATE_AGES];
    for (size_t sex = 0; sex < 2; sex++)
        for (size_t first = 0; first < 95; first += 5) {
            double want = 0, seen = 0;
            for (size_t age = first; age < first + 5; age++) {
                want += w->tables.pyramid[sex][age] / people * (double)c->rows;
                seen += (double)c->age[sex][age];
            }
            if (seen < want * 0.92 - 30 || seen > want * 1.08 + 30)
                fail_msg("%s from %zu: %.0f instead of %.0f", sex ? "women" : "men", first, seen, want);
        }
}

static void a_population_looks_like_the_nation(void **state)
{
    (void)state;
    struct simulate_world *w = world(7, false);
    struct buf text;
    struct census c;
    make(7, false, NISHINOMIYA, 100000, &text);
    read_census(w, buf_str(&text), &c);
    assert_int_equal(c.rows, 100000);
    assert_int_equal(c.town_unknown, 0);
    assert_in_range(c.heads, 36000, 52000); /* 1.9 to 2.8 persons a household */
    assert_in_range(c.male, 47600, 49700);  /* 48.6 % in 2020 */
    assert_in_range(c.foreign, 2000, 4000);
    assert_in_range(c.alias, 150, 800);
    assert_in_range(c.former, 50, 600);
    assert_in_range(c.rare, 20, 600);
    assert_in_range(c.odd_birth, 10, 400);
    assert_in_range(c.kana_missing, 1000, 3500);
    ages_follow_the_census(w, &c);
    buf_release(&text);
    simulate_world_free(w);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

enum { DRAWN = 1000000 };

static void all_differ(int64_t *values)
{
    qsort(values, DRAWN, sizeof *values, by_value);
    for (size_t i = 1; i < DRAWN; i++)
        if (values[i] == values[i - 1])
            fail_msg("drawn twice at %zu", i);
}

/* A million over many areas, the last rows of the table and both halves of a block among them. */
static void codes_and_numbers_are_unique_and_valid(void **state)
{
    (void)state;
    struct simulate_world *w = world(3, true);
    int64_t *codes = memory_new(DRAWN * sizeof *codes), *numbers = memory_new(DRAWN * sizeof *numbers);
    assert_true(codes && numbers);
    for (uint32_t i = 0; i < DRAWN; i++) {
        size_t area = i % w->tables.area_count;
        uint32_t ordinal = i / (uint32_t)w->tables.area_count + (i % 2 ? UNIQUE_LATER : 0);
        struct resident_code code = unique_code(w->unique, area, ordinal);
        struct individual_number number = unique_number(w->unique, area, ordinal);
        assert_true(resident_code_valid(code) && individual_number_valid(number));
        codes[i] = code.value;
        numbers[i] = number.value;
    }
    all_differ(codes);
    all_differ(numbers);
    memory_free(codes);
    memory_free(numbers);
    simulate_world_free(w);
}

static void every_area_that_holds_addresses_has_residents(void **state)
{
    (void)state;
    struct simulate_world *w = world(5, true);
    size_t count;
    const struct area_row *rows = area_rows(&count);
    size_t made = 0;
    for (size_t i = 0; i < count; i++) {
        struct simulate_count one = {rows[i].code, 40};
        struct buf text;
        struct census c;
        buf_init(&text, 1 << 20);
        enum err err = simulate_residents(NULL, w, &one, 1, keep, &text);
        assert_int_equal(err == ERR_OK, rows[i].holds_addresses);
        if (!err) {
            read_census(w, buf_str(&text), &c);
            assert_int_equal(c.rows, 40);
            made++;
        }
        buf_release(&text);
    }
    assert_int_equal(made, simulate_area_count(w));
    simulate_world_free(w);
}

static void a_nation_is_shared_out_exactly(void **state)
{
    (void)state;
    struct simulate_world *w = world(5, false);
    size_t count = simulate_area_count(w);
    struct simulate_count *counts = memory_new(count * sizeof *counts);
    static const int64_t totals[] = {0, 1, 10000, 126000000};
    for (size_t i = 0; i < COUNT_OF(totals); i++) {
        assert_ok(simulate_nation(NULL, w, totals[i], counts));
        int64_t sum = 0;
        for (size_t j = 0; j < count; j++) {
            assert_in_range(counts[j].count, 0, SIMULATE_AREA_MAX);
            assert_true(area_code_valid(counts[j].area));
            sum += counts[j].count;
        }
        assert_int_equal(sum, totals[i]);
    }
    assert_err(simulate_nation(NULL, w, -1, counts), ERR_FIELD_RANGE);
    memory_free(counts);
    simulate_world_free(w);
}

static enum err refuse(void *arg, struct fail *f, struct str text)
{
    (void)text;
    ++*(int *)arg;
    return fail_set(f, ERR_IO, NULL, "full");
}

static void errors_reach_the_caller(void **state)
{
    (void)state;
    struct simulate_world *w = world(1, false);
    int calls = 0;
    struct simulate_count many = {{NISHINOMIYA}, 100000}, unknown = {area_code_from5(28999), 1},
                          city = {{11002}, 1}, over = {{NISHINOMIYA}, SIMULATE_AREA_MAX + 1};
    assert_err(simulate_residents(NULL, w, &many, 1, refuse, &calls), ERR_IO);
    assert_int_equal(calls, 1);
    assert_err(simulate_residents(NULL, w, &unknown, 1, refuse, &calls), ERR_AREA_CODE_UNKNOWN);
    assert_err(simulate_residents(NULL, w, &city, 1, refuse, &calls), ERR_AREA_CODE_ADDRESS);
    assert_err(simulate_residents(NULL, w, &over, 1, refuse, &calls), ERR_FIELD_RANGE);
    assert_int_equal(calls, 1);
    simulate_world_free(w);
    struct simulate_options options = {.day = {2026, 2, 30}};
    assert_err(simulate_world_new(NULL, &options, &w), ERR_DATE_REAL);
}

/* One of its members has a day of birth that never was, and lives there from her birth on. */
static void nobody_lives_anywhere_before_their_birth(void **state)
{
    (void)state;
    struct simulate_world *w = world(20261122, true);
    struct simulated_household *h = calloc(1, sizeof *h);
    assert_non_null(h);
    household_draw(w, simulate_area_find(&w->tables, STR("282049")), 266214, h); /* record 282049-266215 */
    for (size_t i = 0; i < h->shape.count; i++)
        assert_true(date_compare(h->person[i].birth, h->person[i].since) <= 0);
    assert_int_equal(h->person[1].birth.day, 30);
    free(h);
    simulate_world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
        cmocka_unit_test(a_population_looks_like_the_nation),
        cmocka_unit_test(codes_and_numbers_are_unique_and_valid),
        cmocka_unit_test(every_area_that_holds_addresses_has_residents),
        cmocka_unit_test(a_nation_is_shared_out_exactly),
        cmocka_unit_test(errors_reach_the_caller),
        cmocka_unit_test(nobody_lives_anywhere_before_their_birth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
