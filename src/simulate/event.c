/* SPDX-License-Identifier: Apache-2.0 */
/* The events that can happen to somebody, as rows: how often, to whom, and what the register is told.
 *
 * Frequencies are those of a usual year, rounded (人口動態統計, 住民基本台帳人口移動報告); those of requests
 * are invented, high enough that a year of a small town has some. */
#include "simulate/event.h"

#include "simulate/naming.h"

enum { TEXT_MAX = 1 << 30 };
struct line {
    int32_t day;
    uint32_t n;
    size_t offset;
};

void event_list_init(struct event_list *l)
{
    buf_init(&l->text, TEXT_MAX);
    buf_init(&l->index, TEXT_MAX);
}

void event_list_release(struct event_list *l)
{
    buf_release(&l->text);
    buf_release(&l->index);
}

static int by_day(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    return x->offset < y->offset ? -1 : 1;
}

enum err event_list_write(struct event_list *l, struct fail *f, simulate_write write, void *arg)
{
    size_t count = l->index.n / sizeof(struct line);
    struct line *lines = (struct line *)(void *)l->index.p;
    enum err err = buf_check(&l->text, f, "changes");
    if (!err)
        err = buf_check(&l->index, f, "changes");
    if (!err && count)
        qsort(lines, count, sizeof *lines, by_day);
    for (size_t i = 0; i < count && !err; i++)
        err = write(arg, f, (struct str){l->text.p + lines[i].offset, lines[i].n});
    return err;
}

static uint32_t below(struct event_teller *t, uint32_t bound)
{
    return (uint32_t)random_seeded_below(&t->h->random, bound);
}

static struct str day_text(int32_t day, char out[static DATE_TEXT_SIZE])
{
    return str_of(date_text(date_from_day_number(day), out));
}

/* Opens a line: what, when, and whom it concerns by record. */
static struct buf *open_event(struct event_teller *t, const char *reason, struct str record)
{
    char event[48], changed[DATE_TEXT_SIZE], notified[DATE_TEXT_SIZE];
    struct buf *b = &t->list->text;
    (void)snprintf(event, sizeof event, "%.6s-%d-%u", t->h->area->code.p,
                   date_to_int(date_from_day_number(t->first)), ++*t->told);
    buf_add(&t->list->index, &(struct line){t->day, 0, b->n}, sizeof(struct line));
    json_begin(b, NULL, '{');
    json_add_text(b, "event", str_of(event));
    json_add_text(b, "reason", str_of(reason));
    json_add_text(b, "change_date", day_text(t->day, changed));
    json_add_text(b, "notified_on", day_text(t->day + (int32_t)below(t, 10), notified));
    json_add_text(b, "record", record);
    (void)snprintf(t->last_event, sizeof t->last_event, "%s", event);
    t->last_cancel = NULL;
    return b;
}

static void close_event(struct event_teller *t)
{
    struct buf *index = &t->list->index, *b = &t->list->text;
    json_end(b, '}');
    buf_add_char(b, '\n');
    if (index->broken || b->broken)
        return;
    struct line *line = (struct line *)(void *)(index->p + index->n - sizeof *line);
    line->n = (uint32_t)(b->n - line->offset);
}

/* Opens a line about a member who is there. */
static struct buf *open_member(struct event_teller *t, const char *reason, size_t member)
{
    char record[HOUSEHOLD_RECORD_SIZE], text[RESIDENT_CODE_TEXT_SIZE];
    struct buf *b = open_event(t, reason, str_of(household_record(t->h, member, record)));
    size_t row = (size_t)(t->h->area - t->w->tables.areas);
    if (t->w->options.with_codes && !t->recoded[member]) {
        struct resident_code code = unique_code(t->w->unique, row, t->first_ordinal + (uint32_t)member);
        json_add_text(b, "resident_code", str_of(resident_code_REVEAL(code, text)));
    }
    t->last_member = member;
    return b;
}

/* One value set, and the line closed. */
static void tell_values(struct event_teller *t, size_t member, const char *reason, const char *const *names,
                        const struct str *values, size_t count)
{
    struct buf *b = open_member(t, reason, member);
    json_begin(b, "set", '{');
    for (size_t i = 0; i < count; i++)
        json_add_text(b, names[i], values[i]);
    json_end(b, '}');
    close_event(t);
}

static uint32_t age_of(const struct event_teller *t, size_t member)
{
    return t->h->shape.member[member].age;
}

static bool anybody(const struct event_teller *t, size_t member)
{
    return !t->gone[member];
}

static bool only_head(const struct event_teller *t, size_t member)
{
    return !member && !t->gone[0];
}

/* Each member who is there gets an event: the household moves together. */
static void tell_move(struct event_teller *t, size_t head)
{
    (void)head;
    static const char *const names[] = {"town", "address", "postal_code"};
    if (t->h->used > HOUSEHOLD_TEXT / 2)
        return; /* no household moves for ever */
    t->address = household_place(t->w, t->h, t->h->area, &t->town, true);
    for (size_t i = 0; i < t->present; i++)
        if (!t->gone[i])
            tell_values(t, i, "move_within", names,
                        (struct str[]){t->town.name, t->address, t->town.postal_code}, 3);
    t->last_event[0] = 0; /* cancelling it for one would part the household */
}

static bool may_bear(const struct event_teller *t, size_t member)
{
    const struct shape_member *who = &t->h->shape.member[member];
    return !t->gone[member] && who->role == ROLE_WIFE && who->age >= 20 && who->age <= 44 && t->born < 4 &&
           !t->h->person[0].nationality && t->h->person[0].honseki.n;
}

static void birth_values(struct event_teller *t, struct buf *b)
{
    struct simulated_person child = {.surname = t->h->person[0].surname,
                                     .surname_kana = t->h->person[0].surname_kana,
                                     .female = below(t, 100) >= 51};
    char day[DATE_TEXT_SIZE], household[16];
    bool grandchild = t->h->shape.member[0].role >= ROLE_GRANDFATHER;
    household_given(t->w, &t->h->random, child.female, date_from_day_number(t->day).year, &child.given,
                    &child.given_kana);
    household_compose(t->h, &child);
    (void)snprintf(household, sizeof household, "%u", t->h->number + 1);
    json_add_text(b, "household_number", str_of(household));
    json_add_text(b, "relationship", grandchild ? STR("子の子") : STR("子"));
    json_add_text(b, "name", child.name);
    json_add_text(b, "name_kana", child.name_kana);
    json_add_text(b, "birth_date", day_text(t->day, day));
    json_add_text(b, "sex", child.female ? STR("female") : STR("male"));
    json_add_text(b, "area_code", t->h->area->code);
    json_add_text(b, "town", t->town.name);
    json_add_text(b, "address", t->address);
    json_add_text(b, "postal_code", t->town.postal_code);
    json_add_text(b, "honseki_area_code", t->h->person[0].honseki_area->code);
    json_add_text(b, "honseki", t->h->person[0].honseki);
    json_add_text(b, "honseki_head", t->h->person[0].honseki_head);
}

static void tell_birth(struct event_teller *t, size_t mother)
{
    (void)mother;
    char record[HOUSEHOLD_RECORD_SIZE];
    (void)household_record(t->h, t->h->shape.count + t->born++, record);
    struct buf *b = open_event(t, "birth", str_of(record));
    json_begin(b, "set", '{');
    birth_values(t, b);
    json_end(b, '}');
    close_event(t);
    t->last_event[0] = 0;
}

/* When the head of a couple's household dies, husband or wife follows. */
static void follow_head(struct event_teller *t)
{
    static const char *const names[] = {"relationship"};
    bool couple = t->present > 1 && !t->gone[1] && t->h->shape.member[0].role <= ROLE_WIFE &&
                  t->h->shape.member[1].role <= ROLE_WIFE && t->h->shape.kind != SHAPE_THREE_GENERATIONS;
    if (couple)
        tell_values(t, 1, "householder_change", names, (struct str[]){STR("世帯主")}, 1);
}

static void tell_death(struct event_teller *t, size_t member)
{
    (void)open_member(t, "death", member);
    close_event(t);
    t->gone[member] = true;
    if (!member)
        follow_head(t);
    t->last_event[0] = 0;
}

static bool may_marry(const struct event_teller *t, size_t member)
{
    const struct simulated_person *p = &t->h->person[member];
    return !t->gone[member] && t->h->shape.member[member].role == ROLE_ALONE && !p->nationality &&
           p->female && age_of(t, member) >= 20 && age_of(t, member) <= 49 && t->h->used < HOUSEHOLD_TEXT / 2;
}

/* The family register's notice after a marriage under the husband's name. */
static void tell_marriage(struct event_teller *t, size_t member)
{
    static const char *const names[] = {"name", "name_kana", "honseki_head"};
    struct simulated_person *p = &t->h->person[member];
    struct str given, kana;
    naming_surname(t->w, t->h, &p->surname, &p->surname_kana);
    household_compose(t->h, p);
    household_given(t->w, &t->h->random, false, p->birth.year, &given, &kana);
    struct str head = household_text(t->h, "%.*s　%.*s", STR_ARG(p->surname), STR_ARG(given));
    tell_values(t, member, "ex_officio_amendment", names, (struct str[]){p->name, p->name_kana, head}, 3);
    t->last_cancel = "cancelled_amendment";
}

static bool is_wife(const struct event_teller *t, size_t member)
{
    const struct simulated_person *p = &t->h->person[member];
    return !t->gone[member] && t->h->shape.member[member].role == ROLE_WIFE && !p->nationality &&
           p->name_kana.n && !p->former_name.n && age_of(t, member) < 65;
}

static void tell_former_name(struct event_teller *t, size_t member)
{
    static const char *const names[] = {"former_name", "former_name_kana"};
    struct simulated_person *p = &t->h->person[member];
    naming_surname(t->w, t->h, &p->former_name, &p->former_name_kana);
    tell_values(t, member, "former_name_entry", names, (struct str[]){p->former_name, p->former_name_kana},
                2);
    t->last_cancel = "cancelled_amendment";
}

static bool has_former_name(const struct event_teller *t, size_t member)
{
    return !t->gone[member] && t->h->person[member].former_name.n;
}

static void tell_former_name_removal(struct event_teller *t, size_t member)
{
    (void)open_member(t, "former_name_removal", member);
    close_event(t);
    t->h->person[member].former_name = STR("");
}

static bool has_no_alias(const struct event_teller *t, size_t member)
{
    return !t->gone[member] && t->h->person[member].nationality && !t->h->person[member].alias.n;
}

static void tell_alias(struct event_teller *t, size_t member)
{
    static const char *const names[] = {"alias", "alias_kana"};
    struct simulated_person named = {.female = t->h->person[member].female};
    naming_surname(t->w, t->h, &named.surname, &named.surname_kana);
    household_given(t->w, &t->h->random, named.female, 1990, &named.given, &named.given_kana);
    household_compose(t->h, &named);
    t->h->person[member].alias = named.name;
    tell_values(t, member, "alias_entry", names, (struct str[]){named.name, named.name_kana}, 2);
}

static void tell_code_change(struct event_teller *t, size_t member)
{
    static const char *const names[] = {"resident_code"};
    char text[RESIDENT_CODE_TEXT_SIZE];
    bool given = t->w->options.with_codes && *t->later < UNIQUE_BLOCK - UNIQUE_LATER;
    struct resident_code code = {0};
    if (given)
        code = unique_code(t->w->unique, (size_t)(t->h->area - t->w->tables.areas),
                           UNIQUE_LATER + (*t->later)++);
    struct str value = given ? str_of(resident_code_REVEAL(code, text)) : STR("");
    tell_values(t, member, "code_change_request", names, &value, given);
    t->recoded[member] = true;
}

static void tell_number_change(struct event_teller *t, size_t member)
{
    (void)open_member(t, "number_change_request", member);
    close_event(t);
}

/* The building is named: 方書 changes are minor corrections. */
static void tell_minor(struct event_teller *t, size_t member)
{
    static const char *const names[] = {"address"}, *const kinds[] = {"　管理棟", "　東館", "　西館",
                                                                      "　本館"};
    struct str address =
        household_text(t->h, "%.*s%s", STR_ARG(t->address), kinds[below(t, COUNT_OF(kinds))]);
    tell_values(t, member, "minor_correction", names, &address, 1);
    t->last_cancel = "cancelled_amendment";
}

static bool kana_unknown(const struct event_teller *t, size_t member)
{
    return !t->gone[member] && !t->h->person[member].nationality && !t->h->person[member].name_kana.n;
}

static void tell_kana(struct event_teller *t, size_t member)
{
    static const char *const names[] = {"name_kana"};
    struct simulated_person *p = &t->h->person[member];
    p->name_kana = household_text(t->h, "%.*s　%.*s", STR_ARG(p->surname_kana), STR_ARG(p->given_kana));
    tell_values(t, member, "ex_officio_amendment", names, &p->name_kana, 1);
}

static bool birth_unknown(const struct event_teller *t, size_t member)
{
    return !t->gone[member] && !date_real(t->h->person[member].birth);
}

static void tell_birth_correction(struct event_teller *t, size_t member)
{
    static const char *const names[] = {"birth_date"};
    char day[DATE_TEXT_SIZE];
    struct simulated_person *p = &t->h->person[member];
    p->birth = date_from_day_number(p->born);
    struct str value = day_text(p->born, day);
    tell_values(t, member, "clerical_correction", names, &value, 1);
}

/* Three in a hundred amendments turn out to be wrong within days. */
void event_cancel(struct event_teller *t)
{
    if (!t->last_event[0] || !t->last_cancel || below(t, 100) >= 3)
        return;
    t->day += 1 + (int32_t)below(t, 14);
    if (t->day > t->last)
        return;
    char cancelled[sizeof t->last_event];
    (void)snprintf(cancelled, sizeof cancelled, "%s", t->last_event);
    struct buf *b = open_member(t, t->last_cancel, t->last_member);
    json_add_text(b, "cancels", str_of(cancelled));
    close_event(t);
    t->last_event[0] = 0;
}

static const struct event_kind kinds[] = {
    {0, anybody, tell_death}, /* by age */
    {55000, may_bear, tell_birth},
    {45000, only_head, tell_move},
    {40000, may_marry, tell_marriage},
    {6000, is_wife, tell_former_name},
    {50000, has_former_name, tell_former_name_removal},
    {20000, has_no_alias, tell_alias},
    {2000, anybody, tell_code_change},
    {1000, anybody, tell_number_change},
    {4000, anybody, tell_minor},
    {300000, kana_unknown, tell_kana},
    {100000, birth_unknown, tell_birth_correction},
};

const struct event_kind *event_kinds(size_t *count)
{
    *count = COUNT_OF(kinds);
    return kinds;
}

bool event_is_death(const struct event_kind *kind)
{
    return kind == &kinds[0];
}

uint32_t event_deaths(uint32_t age)
{
    static const uint32_t by_decade[] = {400,  200,   400,   700,    1500,   4000,
                                         9500, 25000, 75000, 190000, 400000, 600000};
    return by_decade[age / 10 < COUNT_OF(by_decade) ? age / 10 : COUNT_OF(by_decade) - 1];
}
