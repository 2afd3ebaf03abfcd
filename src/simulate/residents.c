/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a population as CSV, household after household, until each area has its count.
 *
 * The last household of an area is cut where the count is reached: the head comes first, so nobody is left
 * without one. A resident's index in the nation (for codes) is the area's place in the table and the position
 * in the area. */
#include "simulate/residents.h"

#include "register/csv.h"
#include "simulate/household.h"

enum { CHUNK = 64 << 10, CHUNK_MAX = 128 << 10 };

enum err simulate_world_new(struct fail *f, const struct simulate_options *options,
                            struct simulate_world **out)
{
    struct simulate_options chosen = *options;
    if (!date_to_int(chosen.day))
        chosen.day = (struct date){2026, 1, 1};
    if (!date_real(chosen.day) || chosen.day.year < 1900)
        return fail_set(f, ERR_DATE_REAL, "day", "the population needs a real day from 1900 on");
    struct simulate_world *w = memory_new(sizeof *w);
    if (!w)
        return fail_set(f, ERR_MEMORY, NULL, "simulation");
    w->options = chosen;
    w->day = date_day_number(chosen.day);
    enum err err = simulate_tables_load(f, &w->tables);
    if (!err)
        err = shape_plan_fit(f, w->tables.pyramid, &w->plan);
    if (!err)
        err = unique_new(f, chosen.seed, &w->unique);
    if (err)
        simulate_world_free(w);
    else
        *out = w;
    return err;
}

void simulate_world_free(struct simulate_world *w)
{
    if (!w)
        return;
    unique_free(w->unique);
    simulate_tables_release(&w->tables);
    memory_free(w);
}

size_t simulate_area_count(const struct simulate_world *w)
{
    return w->tables.area_count;
}

/* One row's cells, in the order of the columns. */
struct cells {
    struct str cell[RESIDENT_COLUMNS];
    char household[16], birth[DATE_TEXT_SIZE], until[DATE_TEXT_SIZE], since[DATE_TEXT_SIZE],
        address_since[DATE_TEXT_SIZE], notified[DATE_TEXT_SIZE], code[RESIDENT_CODE_TEXT_SIZE],
        number[INDIVIDUAL_NUMBER_TEXT_SIZE], record[32];
};

static struct str day(struct date d, char out[static DATE_TEXT_SIZE])
{
    return date_to_int(d) ? str_of(date_text(d, out)) : STR("");
}

static void fill_person(struct cells *c, const struct simulated_person *p)
{
    struct str *cell = c->cell;
    cell[RESIDENT_COLUMN_RELATIONSHIP] = p->relationship;
    cell[RESIDENT_COLUMN_NAME] = p->name;
    cell[RESIDENT_COLUMN_NAME_KANA] = p->name_kana;
    cell[RESIDENT_COLUMN_FORMER_NAME] = p->former_name;
    cell[RESIDENT_COLUMN_FORMER_NAME_KANA] = p->former_name_kana;
    cell[RESIDENT_COLUMN_ALIAS] = p->alias;
    cell[RESIDENT_COLUMN_ALIAS_KANA] = p->alias_kana;
    cell[RESIDENT_COLUMN_BIRTH_DATE] = str_of(date_text(p->birth, c->birth));
    cell[RESIDENT_COLUMN_SEX] = p->female ? STR("female") : STR("male");
    cell[RESIDENT_COLUMN_NATIONALITY_KIND] = p->nationality ? STR("foreign") : STR("japanese");
    cell[RESIDENT_COLUMN_NATIONALITY] = p->nationality ? p->nationality->name : STR("");
    cell[RESIDENT_COLUMN_RESIDENCE_STATUS] = p->residence_status;
    cell[RESIDENT_COLUMN_RESIDENCE_PERIOD] = p->residence_period;
    cell[RESIDENT_COLUMN_RESIDENCE_UNTIL] = day(p->residence_until, c->until);
    cell[RESIDENT_COLUMN_HONSEKI_AREA_CODE] = p->honseki_area ? p->honseki_area->code : STR("");
    cell[RESIDENT_COLUMN_HONSEKI] = p->honseki;
    cell[RESIDENT_COLUMN_HONSEKI_HEAD] = p->honseki_head;
    cell[RESIDENT_COLUMN_RESIDENT_SINCE] = day(p->since, c->since);
    cell[RESIDENT_COLUMN_ADDRESS_SINCE] = day(p->address_since, c->address_since);
    cell[RESIDENT_COLUMN_ENTRY_REASON] = p->entry_reason;
    cell[RESIDENT_COLUMN_NOTIFIED_ON] = day(p->notified_on, c->notified);
}

static void fill_household(struct cells *c, const struct simulated_household *h, size_t member)
{
    struct str *cell = c->cell;
    bool origin = h->person[member].has_origin;
    household_record(h, member, c->record);
    (void)snprintf(c->household, sizeof c->household, "%u", h->number + 1);
    cell[RESIDENT_COLUMN_RECORD] = str_of(c->record);
    cell[RESIDENT_COLUMN_HOUSEHOLD_NUMBER] = str_of(c->household);
    cell[RESIDENT_COLUMN_AREA_CODE] = h->area->code;
    cell[RESIDENT_COLUMN_TOWN] = h->town.name;
    cell[RESIDENT_COLUMN_ADDRESS] = h->address;
    cell[RESIDENT_COLUMN_POSTAL_CODE] = h->town.postal_code;
    cell[RESIDENT_COLUMN_MOVED_FROM_AREA_CODE] = origin && h->origin_area ? h->origin_area->code : STR("");
    cell[RESIDENT_COLUMN_MOVED_FROM_ADDRESS] = origin ? h->origin : STR("");
}

static void fill_codes(struct cells *c, const struct simulate_world *w, const struct simulated_household *h,
                       uint32_t ordinal)
{
    size_t row = (size_t)(h->area - w->tables.areas);
    struct resident_code code = unique_code(w->unique, row, ordinal);
    struct individual_number number = unique_number(w->unique, row, ordinal);
    c->cell[RESIDENT_COLUMN_RESIDENT_CODE] = str_of(resident_code_REVEAL(code, c->code));
    c->cell[RESIDENT_COLUMN_INDIVIDUAL_NUMBER] = str_of(individual_number_REVEAL(number, c->number));
}

static void add_row(struct buf *b, const struct cells *c)
{
    for (size_t i = 0; i < RESIDENT_COLUMNS; i++) {
        if (i)
            buf_add_char(b, ',');
        csv_add_cell(b, c->cell[i]);
    }
    buf_add_char(b, '\n');
}

static void add_header(struct buf *b)
{
    struct cells names = {0};
    for (size_t i = 0; i < RESIDENT_COLUMNS; i++)
        names.cell[i] = str_of(resident_columns[i].name);
    add_row(b, &names);
}

/* Where the text goes. */
struct sink {
    struct buf buf;
    simulate_write write;
    void *arg;
};

static enum err drain(struct fail *f, struct sink *s, size_t least)
{
    if (s->buf.n <= least)
        return ERR_OK;
    enum err err = buf_check(&s->buf, f, NULL);
    if (!err)
        err = s->write(s->arg, f, buf_str(&s->buf));
    buf_clear(&s->buf);
    return err;
}

static enum err write_area(struct fail *f, const struct simulate_world *w, const struct table_area *area,
                           uint32_t count, struct sink *s)
{
    struct simulated_household h;
    enum err err = ERR_OK;
    uint32_t ordinal = 0;
    for (uint32_t number = 0; ordinal < count && !err; number++) {
        household_draw(w, area, number, &h);
        for (size_t i = 0; i < h.shape.count && ordinal < count; i++, ordinal++) {
            struct cells c = {0};
            fill_household(&c, &h, i);
            fill_person(&c, &h.person[i]);
            if (w->options.with_codes)
                fill_codes(&c, w, &h, ordinal);
            add_row(&s->buf, &c);
        }
        err = drain(f, s, CHUNK);
    }
    return err;
}

enum err simulate_check_count(struct fail *f, const struct simulate_world *w,
                              const struct simulate_count *count, const struct table_area **area)
{
    char text[AREA_CODE_TEXT_SIZE];
    enum err err = area_code_check_address(f, "area_code", count->area);
    if (err)
        return err;
    *area = simulate_area_find(&w->tables, str_of(area_code_text(count->area, text)));
    if (!*area)
        return fail_set(f, ERR_AREA_CODE_UNKNOWN, "area_code", "%s: no table of towns and people", text);
    if (count->count < 0 || count->count > SIMULATE_AREA_MAX)
        return fail_set(f, ERR_FIELD_RANGE, "count", "0 to %d residents for one area", SIMULATE_AREA_MAX);
    return ERR_OK;
}

enum err simulate_residents(struct fail *f, const struct simulate_world *w,
                            const struct simulate_count *counts, size_t count, simulate_write write,
                            void *arg)
{
    const struct table_area *area = NULL;
    struct sink s = {.write = write, .arg = arg};
    enum err err = ERR_OK;
    for (size_t i = 0; i < count && !err; i++)
        err = simulate_check_count(f, w, &counts[i], &area);
    buf_init(&s.buf, CHUNK_MAX);
    add_header(&s.buf);
    for (size_t i = 0; i < count && !err; i++) {
        err = simulate_check_count(f, w, &counts[i], &area);
        if (!err)
            err = write_area(f, w, area, (uint32_t)counts[i].count, &s);
    }
    if (!err)
        err = drain(f, &s, 0);
    buf_release(&s.buf);
    return err;
}
