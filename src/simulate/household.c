/* SPDX-License-Identifier: Apache-2.0 */
/* Puts names, dates and places on the shape of a household.
 *
 * One generator per household, seeded from (seed, area, number), so that any household can be drawn alone.
 * Families share surname, address and 本籍; grandparents have a 本籍 and 筆頭者 of their own. Birth dates are
 * real days, but a few of the very old and of foreign residents are registered partly unknown or impossible,
 * as in the real registers. */
#include "simulate/household.h"

#include "simulate/naming.h"

#include <stdarg.h>

static uint32_t below(struct simulated_household *h, uint32_t bound)
{
    return (uint32_t)random_seeded_below(&h->random, bound);
}

struct str household_text(struct simulated_household *h, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(h->text + h->used, sizeof h->text - h->used, fmt, args);
    va_end(args);
    assert(n >= 0 && (size_t)n < sizeof h->text - h->used);
    struct str made = {h->text + h->used, (size_t)n};
    h->used += made.n + 1;
    return made;
}

const char *household_record(const struct simulated_household *h, size_t member,
                             char out[static HOUSEHOLD_RECORD_SIZE])
{
    (void)snprintf(out, HOUSEHOLD_RECORD_SIZE, "%.6s-%u-%u", h->area->code.p, h->number + 1,
                   (unsigned)(uint8_t)(member + 1));
    return out;
}

/* The generator of one household: three numbers stirred into one. */
static struct random_seeded seed_of(const struct simulate_world *w, const struct table_area *area,
                                    uint32_t number)
{
    struct random_seeded r = {w->options.seed};
    r.state ^= random_seeded_next(&r) + (uint64_t)(area - w->tables.areas);
    r.state ^= random_seeded_next(&r) + number;
    r.state = random_seeded_next(&r);
    return r;
}

static void draw_birth(const struct simulate_world *w, struct simulated_household *h,
                       struct simulated_person *p, uint32_t age)
{
    int32_t lived = (int32_t)((age * 36525 + below(h, 36525)) / 100);
    p->born = w->day - lived;
    p->birth = date_from_day_number(p->born);
    uint32_t odd = age >= 90 ? 20 : p->nationality && age > 30 ? 10 : 0;
    if (below(h, 1000) >= odd)
        return;
    switch (below(h, 3)) {
    case 0:
        p->birth.day = 0;
        break;
    case 1:
        p->birth.day = p->birth.month = 0;
        break;
    default: /* a day that never was, no later than the real one, since somebody may live here from their
                birth on */
        p->birth.year -= p->birth.month <= 2;
        p->birth.month = 2;
        p->birth.day = 30;
    }
}

/* When the household came, in days before the world's day; recent arrivals are many. */
static uint32_t draw_stay(struct simulated_household *h)
{
    uint32_t years = below(h, 100) < 55 ? 1 + below(h, 12) : 12 + below(h, 50);
    return years * 365 - below(h, 365);
}

static int32_t later(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static struct str reason_of(const struct simulated_household *h, const struct simulated_person *p,
                            bool native)
{
    if (native)
        return STR("birth");
    return h->origin_area   ? STR("domestic_move_in")
           : p->nationality ? STR("move_in_from_abroad")
                            : STR("ex_officio_entry");
}

/* resident_since, address_since: born here, or come with the household; some have moved within since. */
static void draw_stays(const struct simulate_world *w, struct simulated_household *h)
{
    int32_t came = w->day - (int32_t)draw_stay(h), moved = came;
    if (below(h, 100) < 30)
        moved = came + (int32_t)below(h, (uint32_t)(w->day - came) + 1);
    for (size_t i = 0; i < h->shape.count; i++) {
        struct simulated_person *p = &h->person[i];
        bool native = p->born >= came;
        int32_t since = later(came, p->born), notified = since + (int32_t)below(h, 14);
        p->since = date_from_day_number(since);
        p->address_since = date_from_day_number(later(moved, since));
        p->notified_on = date_from_day_number(notified < w->day ? notified : w->day);
        p->entry_reason = reason_of(h, p, native);
        p->has_origin = !native;
    }
}

static void draw_residence(const struct simulate_world *w, struct simulated_household *h,
                           struct simulated_person *p, uint32_t age)
{
    static const struct {
        const char *status;
        int years; /* 0: without limit */
    } rows[] = {
        {"永住者", 0},         {"永住者", 0},       {"特別永住者", 0}, {"技術・人文知識・国際業務", 3},
        {"技能実習２号ロ", 2}, {"特定技能１号", 1}, {"定住者", 3},     {"日本人の配偶者等", 3},
        {"留学", 2},           {"家族滞在", 3}};
    static const char *const periods[] = {"", "１年", "２年", "３年"};
    size_t row = age < 18 ? COUNT_OF(rows) - 1 : below(h, COUNT_OF(rows) - 1);
    p->residence_status = str_of(rows[row].status);
    p->residence_period = str_of(periods[rows[row].years]);
    if (rows[row].years)
        p->residence_until =
            date_from_day_number(w->day + 1 + (int32_t)below(h, (uint32_t)rows[row].years * 365));
}

static const struct table_nationality *draw_nationality(const struct simulate_world *w,
                                                        struct simulated_household *h)
{
    return &w->tables.nationalities[table_choose(&w->tables.nationality_choice, &h->random)];
}

/* Who is foreign: whole households, and some of the married (foreign residents were 3 % of all in 2025). */
static void draw_nationalities(const struct simulate_world *w, struct simulated_household *h)
{
    bool all = below(h, 1000) < 27;
    const struct table_nationality *nationality = all ? draw_nationality(w, h) : NULL;
    for (size_t i = 0; i < h->shape.count; i++) {
        bool married = h->shape.member[i].role == ROLE_WIFE || h->shape.member[i].role == ROLE_HUSBAND;
        h->person[i].nationality = nationality;
        if (!all && married && i && below(h, 1000) < 12)
            h->person[i].nationality = draw_nationality(w, h);
    }
}

static void draw_names(const struct simulate_world *w, struct simulated_household *h)
{
    struct str surname, kana, family = STR("");
    naming_surname(w, h, &surname, &kana);
    for (size_t i = 0; i < h->shape.count; i++) {
        struct simulated_person *p = &h->person[i];
        int year = date_from_day_number(p->born).year;
        if (p->nationality) {
            naming_foreign(w, h, p, family, year);
            if (!i)
                family = p->surname;
            draw_residence(w, h, p, h->shape.member[i].age);
            continue;
        }
        p->surname = surname;
        p->surname_kana = kana;
        naming_japanese(w, h, p, &h->shape.member[i], year);
    }
}

/* 本籍 and 筆頭者 of the family: half of them here, the others where their families came from. */
struct origin {
    const struct table_area *area;
    struct str place, head;
};

static struct str parent_name(const struct simulate_world *w, struct simulated_household *h,
                              struct str surname)
{
    struct str given, kana;
    household_given(w, &h->random, false, 1950, &given, &kana);
    return household_text(h, "%.*s　%.*s", STR_ARG(surname), STR_ARG(given));
}

static struct str role_name(const struct simulated_household *h, enum shape_role role)
{
    for (size_t i = 0; i < h->shape.count; i++)
        if (h->shape.member[i].role == role && !h->person[i].nationality)
            return h->person[i].name;
    return STR("");
}

static struct origin draw_origin(const struct simulate_world *w, struct simulated_household *h,
                                 const struct simulated_person *p, bool grandparents)
{
    struct origin o = {h->area, {0}, {0}};
    struct table_town town;
    if (below(h, 2))
        o.area = &w->tables.areas[table_choose(&w->tables.area_choice, &h->random)];
    o.place = household_place(w, h, o.area, &town, false);
    o.head = role_name(h, grandparents ? ROLE_GRANDFATHER : ROLE_HUSBAND);
    if (!o.head.n && !grandparents)
        o.head = role_name(h, ROLE_WIFE);
    if (!o.head.n && !grandparents && below(h, 2))
        o.head = p->name;
    if (!o.head.n)
        o.head = parent_name(w, h, p->surname);
    return o;
}

static void draw_honseki(const struct simulate_world *w, struct simulated_household *h)
{
    struct origin origins[2] = {0};
    for (size_t i = 0; i < h->shape.count; i++) {
        struct simulated_person *p = &h->person[i];
        if (p->nationality)
            continue;
        bool grandparent = h->shape.member[i].role >= ROLE_GRANDFATHER;
        struct origin *o = &origins[grandparent];
        if (!o->area)
            *o = draw_origin(w, h, p, grandparent);
        p->honseki_area = o->area;
        p->honseki = o->place;
        p->honseki_head = o->head;
    }
}

static void draw_places(const struct simulate_world *w, struct simulated_household *h)
{
    struct table_town town;
    h->address = household_place(w, h, h->area, &h->town, true);
    bool abroad = h->person[0].nationality && below(h, 2);
    h->origin_area = abroad ? NULL : &w->tables.areas[table_choose(&w->tables.area_choice, &h->random)];
    if (h->origin_area == h->area)
        h->origin_area = &w->tables.areas[h->area == w->tables.areas];
    h->origin = abroad ? h->person[0].nationality->name : household_place(w, h, h->origin_area, &town, true);
}

void household_draw(const struct simulate_world *w, const struct table_area *area, uint32_t number,
                    struct simulated_household *out)
{
    out->area = area;
    out->number = number;
    out->used = 0;
    out->random = seed_of(w, area, number);
    shape_draw_any(&out->random, &w->plan, &out->shape);
    memset(out->person, 0, out->shape.count * sizeof out->person[0]);
    draw_nationalities(w, out);
    for (size_t i = 0; i < out->shape.count; i++) {
        out->person[i].relationship = shape_relationship(&out->shape, i);
        out->person[i].female = out->shape.member[i].female;
        draw_birth(w, out, &out->person[i], out->shape.member[i].age);
    }
    draw_names(w, out);
    draw_places(w, out);
    draw_stays(w, out);
    draw_honseki(w, out);
}
