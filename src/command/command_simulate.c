/* SPDX-License-Identifier: Apache-2.0 */
/* juki simulate: invented residents and what happens to them, as files for a register. */
#include "command/nouns.h"

#include "simulate/changes.h"
#include "simulate/residents.h"

struct simulate_words {
    struct option_list areas;
    int64_t count, nation, seed, percent;
    bool with_codes;
    struct str day, first, last;
};

static enum err to_stdout(void *arg, struct fail *f, struct str text)
{
    (void)arg;
    return fwrite(text.p, 1, text.n, stdout) == text.n ? ERR_OK : fail_errno(f, ERR_IO, "stdout");
}

static enum err read_day(struct fail *f, struct str text, const char *field, struct date *out)
{
    return text.n ? date_parse(f, field, text, out) : ERR_OK;
}

static enum err named_areas(const struct simulate_words *o, struct fail *f, struct simulate_count *counts, size_t *n)
{
    for (size_t i = 0; i < o->areas.count; i++) {
        enum err e = area_code_parse(f, o->areas.items[i], &counts[i].area);
        if (e)
            return e;
        counts[i].count = o->count;
    }
    *n = o->areas.count;
    return ERR_OK;
}

/* Which areas, how many in each. */
static enum err choose(struct command_call *c, struct fail *f, const struct simulate_world *w,
                       struct simulate_count **out, size_t *n)
{
    const struct simulate_words *o = c->options;
    size_t most = o->nation ? simulate_area_count(w) : OPTION_LIST_MAX;
    struct simulate_count *counts = arena_alloc(&c->arena, most * sizeof *counts);
    if (!counts)
        return fail_set(f, ERR_MEMORY, "counts", NULL);
    if ((o->nation > 0) == (o->areas.count > 0))
        return fail_set(f, ERR_USAGE, NULL, "give --area CODE with --count N, or --nation N");
    *out = counts;
    *n = most;
    return o->nation ? simulate_nation(f, w, o->nation, counts) : named_areas(o, f, counts, n);
}

static enum err make_world(struct command_call *c, struct fail *f, struct simulate_world **w)
{
    const struct simulate_words *o = c->options;
    struct simulate_options options = {.seed = (uint64_t)o->seed, .with_codes = o->with_codes};
    enum err e = read_day(f, o->day, "day", &options.day);
    return e ? e : simulate_world_new(f, &options, w);
}

static enum err residents(struct command_call *c, struct fail *f)
{
    struct simulate_world *w = NULL;
    struct simulate_count *counts = NULL;
    size_t n = 0;
    enum err e = make_world(c, f, &w);
    if (!e)
        e = choose(c, f, w, &counts, &n);
    if (!e)
        e = simulate_residents(f, w, counts, n, to_stdout, NULL);
    simulate_world_free(w);
    return e;
}

static enum err changes(struct command_call *c, struct fail *f)
{
    const struct simulate_words *o = c->options;
    struct simulate_period period = {.first = {2026, 1, 1}, .last = {2026, 12, 31}, .percent = (uint32_t)o->percent};
    struct simulate_world *w = NULL;
    struct simulate_count *counts = NULL;
    size_t n = 0;
    enum err e = make_world(c, f, &w);
    if (!e)
        e = choose(c, f, w, &counts, &n);
    if (!e && !(e = read_day(f, o->first, "from", &period.first)))
        e = read_day(f, o->last, "to", &period.last);
    if (!e)
        e = simulate_changes(f, w, counts, n, &period, to_stdout, NULL);
    simulate_world_free(w);
    return e;
}

static const struct simulate_words standard = {.count = 1000, .seed = 1, .percent = 100};
#define POPULATION_OPTIONS                                                                                   \
    {"area", 'a', OPTION_LIST_AT(struct simulate_words, areas), .value = "CODE",                             \
     .help = "Area code of residents; may stand several times."},                                            \
    {"count", 'n', OPTION_INT_AT(struct simulate_words, count), 1, SIMULATE_AREA_MAX, "N",                   \
     "Residents of each area (1000)."},                                                                      \
    {"nation", 0, OPTION_INT_AT(struct simulate_words, nation), 1, 200000000, "N",                           \
     "N residents shared among all municipalities as in the census."},                                       \
    {"seed", 's', OPTION_INT_AT(struct simulate_words, seed), 0, INT64_MAX, "N",                             \
     "The same seed gives the same bytes (1)."},                                                             \
    {"with-codes", 'c', OPTION_FLAG_AT(struct simulate_words, with_codes),                                   \
     .help = "Give resident codes and Individual Numbers; else the register gets them from the network."},   \
    {"day", 'd', OPTION_TEXT_AT(struct simulate_words, day), .value = "DATE",                                \
     .help = "The population is that of this day (2026-01-01)."}

static const struct option_row resident_options[] = {POPULATION_OPTIONS};
static const struct option_row change_options[] = {
    POPULATION_OPTIONS,
    {"from", 0, OPTION_TEXT_AT(struct simulate_words, first), .value = "DATE", .help = "First day (2026-01-01)."},
    {"to", 0, OPTION_TEXT_AT(struct simulate_words, last), .value = "DATE", .help = "Last day (2026-12-31)."},
    {"percent", 0, OPTION_INT_AT(struct simulate_words, percent), 1, 10000, "N", "How much happens (100: as in life)."},
};
static const struct command_row rows[] = {
    {.verb = "residents", .options = resident_options, .option_count = COUNT_OF(resident_options),
     .standard = &standard, .size = sizeof standard, .run = residents,
     .help = "Write invented residents as CSV (docs/REGISTER-CSV.md).",
     .help_ja = "架空の住民をCSVで出力する（docs/REGISTER-CSV.md）。"},
    {.verb = "changes", .options = change_options, .option_count = COUNT_OF(change_options), .standard = &standard,
     .size = sizeof standard, .run = changes,
     .help = "Write what happens to the same residents in a period, as JSON lines.",
     .help_ja = "同じ住民に期間内に起こる異動をJSON行で出力する。"},
};
const struct command_noun command_simulate = {"simulate", "invented residents and changes", "架空の住民と異動を作る",
                                              rows, COUNT_OF(rows)};
