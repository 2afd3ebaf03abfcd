/* SPDX-License-Identifier: Apache-2.0 */
/* Splits the tables in the program into rows.
 *
 * Each is tab-separated with a header line. areas.tsv and towns.tsv are both sorted by area code, so towns
 * are joined to areas in one pass. tools/simulate_data.py makes the files. */
#include "simulate/table.h"

#define EMBEDDED(name) extern const char embedded_##name[], embedded_##name##_end[]
EMBEDDED(areas);
EMBEDDED(towns);
EMBEDDED(surnames);
EMBEDDED(given);
EMBEDDED(foreign);
EMBEDDED(pyramid);
#define TEXT(name) ((struct str){embedded_##name, (size_t)(embedded_##name##_end - embedded_##name)})

enum { FIELDS_MAX = 5, ARENA_LIMIT = 64 << 20 };
struct line {
    struct str field[FIELDS_MAX];
};

size_t table_choose(const struct table_choice *c, struct random_seeded *r)
{
    uint32_t drawn = (uint32_t)random_seeded_below(r, c->upto[c->count - 1]);
    size_t low = 0, high = c->count - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (drawn < c->upto[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

struct str table_part(struct str text, char separator, size_t n)
{
    struct str part = {"", 0};
    for (size_t i = 0; i <= n; i++)
        if (!str_cut(&text, separator, &part))
            return STR("");
    return part;
}

static size_t count_of(struct str text, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == c;
    return n;
}

static bool next_line(struct str *text, struct line *line)
{
    struct str whole;
    *line = (struct line){0};
    if (!text->n || !str_cut(text, '\n', &whole) || !whole.n)
        return false;
    for (size_t i = 0; i < FIELDS_MAX && str_cut(&whole, '\t', &line->field[i]); i++)
        continue;
    return true;
}

/* Text after the header line. */
static struct str body_of(struct str text)
{
    struct line header;
    (void)next_line(&text, &header);
    return text;
}

static uint32_t number_of(struct str text)
{
    uint64_t value = 0;
    bool fits = str_to_uint(text, UINT32_MAX, &value);
    assert(fits); /* our own file */
    return (uint32_t)value;
}

static bool choice_init(struct arena *a, struct table_choice *c, size_t count)
{
    c->count = 0;
    c->upto = arena_alloc(a, (count + 1) * sizeof *c->upto);
    return c->upto;
}

static void choice_add(struct table_choice *c, uint32_t weight)
{
    c->upto[c->count] = weight + (c->count ? c->upto[c->count - 1] : 0);
    c->count++;
}

static bool load_areas(struct simulate_tables *t)
{
    struct str text = body_of(TEXT(areas));
    size_t count = count_of(text, '\n');
    t->areas = arena_alloc(&t->arena, count * sizeof *t->areas);
    if (!t->areas || !choice_init(&t->arena, &t->area_choice, count))
        return false;
    struct line line;
    while (next_line(&text, &line)) {
        struct table_area *area = &t->areas[t->area_count++];
        *area =
            (struct table_area){line.field[0], line.field[1], line.field[2], number_of(line.field[3]), 0, 0};
        choice_add(&t->area_choice, area->population);
    }
    return true;
}

static bool load_towns(struct simulate_tables *t)
{
    struct str text = body_of(TEXT(towns));
    t->towns = arena_alloc(&t->arena, (count_of(text, '\n') + count_of(text, ' ')) * sizeof *t->towns);
    struct line line;
    for (size_t at = 0; t->towns && next_line(&text, &line);) {
        while (at < t->area_count && !str_starts(t->areas[at].code, line.field[0]))
            at++;
        assert(at < t->area_count); /* both sorted by code */
        struct table_area *area = &t->areas[at];
        if (!area->town_count)
            area->town_first = (uint32_t)t->town_count;
        for (struct str name; str_cut(&line.field[2], ' ', &name); area->town_count++)
            t->towns[t->town_count++] = (struct table_town){name, line.field[1]};
    }
    return t->towns;
}

static bool load_surnames(struct simulate_tables *t)
{
    struct str text = body_of(TEXT(surnames));
    size_t count = count_of(text, '\n');
    t->surnames = arena_alloc(&t->arena, count * sizeof *t->surnames);
    if (!t->surnames || !choice_init(&t->arena, &t->surname_choice, count))
        return false;
    struct line line;
    while (next_line(&text, &line)) {
        t->surnames[t->surname_choice.count] = (struct table_surname){line.field[0], line.field[1]};
        choice_add(&t->surname_choice, number_of(line.field[2]));
    }
    return true;
}

static bool load_given(struct simulate_tables *t)
{
    struct str text = body_of(TEXT(given));
    size_t count = count_of(text, '\n');
    for (size_t sex = 0; sex < 2; sex++) {
        t->given[sex] = arena_alloc(&t->arena, count * sizeof *t->given[sex]);
        if (!t->given[sex] || !choice_init(&t->arena, &t->given_choice[sex], count))
            return false;
    }
    struct line line;
    while (next_line(&text, &line)) {
        size_t sex = str_equal(line.field[0], STR("female"));
        uint32_t writings = (uint32_t)count_of(line.field[3], ' ') + 1;
        t->given[sex][t->given_choice[sex].count] =
            (struct table_given){line.field[1], line.field[3], writings};
        choice_add(&t->given_choice[sex], number_of(line.field[2]));
    }
    return true;
}

static struct table_names names_of(struct str all)
{
    return (struct table_names){all, (uint32_t)count_of(all, ';') + 1};
}

static bool load_foreign(struct simulate_tables *t)
{
    struct str text = body_of(TEXT(foreign));
    size_t count = count_of(text, '\n');
    t->nationalities = arena_alloc(&t->arena, count * sizeof *t->nationalities);
    if (!t->nationalities || !choice_init(&t->arena, &t->nationality_choice, count))
        return false;
    struct line line;
    while (next_line(&text, &line)) {
        t->nationalities[t->nationality_choice.count] = (struct table_nationality){
            line.field[0], names_of(line.field[2]), {names_of(line.field[3]), names_of(line.field[4])}};
        choice_add(&t->nationality_choice, number_of(line.field[1]));
    }
    return true;
}

/* Five-year groups become single years of equal size; the open last group falls by half each year. */
static void load_pyramid(struct simulate_tables *t)
{
    struct str text = body_of(TEXT(pyramid));
    struct line line;
    while (next_line(&text, &line)) {
        uint32_t first = number_of(line.field[0]);
        for (size_t sex = 0; sex < 2; sex++) {
            double people = number_of(line.field[1 + sex]);
            for (uint32_t age = first; age < first + 5 && first < 100; age++)
                t->pyramid[sex][age] = people / 5;
            for (uint32_t age = 100; age <= SIMULATE_AGE_MAX && first == 100; age++)
                t->pyramid[sex][age] = people /= 2;
        }
    }
}

enum err simulate_tables_load(struct fail *f, struct simulate_tables *t)
{
    *t = (struct simulate_tables){0};
    arena_init(&t->arena, ARENA_LIMIT);
    if (!load_areas(t) || !load_towns(t) || !load_surnames(t) || !load_given(t) || !load_foreign(t))
        return fail_set(f, ERR_MEMORY, NULL, "tables of the simulation");
    load_pyramid(t);
    return ERR_OK;
}

void simulate_tables_release(struct simulate_tables *t)
{
    arena_release(&t->arena);
}

const struct table_area *simulate_area_find(const struct simulate_tables *t, struct str area_code)
{
    size_t low = 0, high = t->area_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = str_compare(t->areas[middle].code, area_code);
        if (!order)
            return &t->areas[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
