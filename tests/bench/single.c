/* SPDX-License-Identifier: Apache-2.0 */
#include "single.h"

#include "base/file.h"
#include "bench.h"
#include "register/resident_row.h"

enum { EVENT_MAX = 4096 };

struct single {
    struct town *town;
    struct csv_reader *residents;
    struct csv_row row;
    char people[TOWN_PATH_SIZE], event[TOWN_PATH_SIZE];
};

/* A minor correction of the next resident's address, in a file of its own. */
static enum err write_event(struct single *s, struct fail *f, const char *path)
{
    struct buf b, address;
    bool more = true;
    enum err e = csv_next(s->residents, f, &s->row, &more);
    if (!e && !more)
        return fail_set(f, ERR_STATE, "residents", "all had their change");
    if (e)
        return e;
    buf_init(&b, EVENT_MAX);
    buf_init(&address, EVENT_MAX);
    buf_add_str(&address, s->row.cell[RESIDENT_COLUMN_ADDRESS]);
    buf_add_str(&address, STR("Ａ"));
    json_begin(&b, NULL, '{');
    json_add_text(&b, "event", s->row.cell[RESIDENT_COLUMN_RECORD]);
    json_add_text(&b, "reason", STR("minor_correction"));
    json_add_text(&b, "change_date", STR("2026-11-20"));
    json_add_text(&b, "record", s->row.cell[RESIDENT_COLUMN_RECORD]);
    json_begin(&b, "set", '{');
    json_add_text(&b, "address", buf_str(&address));
    json_end(&b, '}');
    json_end(&b, '}');
    buf_add_char(&b, '\n');
    e = buf_check(&b, f, "event");
    if (!e)
        e = file_write(f, path, buf_str(&b), 0600);
    buf_release(&address);
    buf_release(&b);
    return e;
}

enum err single_once(struct single *s, struct fail *f, double *seconds, double *recorded)
{
    int64_t change = 0;
    enum err e = write_event(s, f, s->event);
    double start = bench_now();
    if (!e)
        e = town_take(s->town, f, "apply", s->event, &change);
    if (!e)
        e = town_await(s->town, f, change, change, false);
    *seconds = bench_now() - start;
    if (!e)
        e = town_await(s->town, f, change, change, true);
    if (recorded)
        *recorded = bench_now() - start;
    return e;
}

enum err single_many(struct single *s, struct fail *f, double *taken, int64_t count)
{
    enum err e = ERR_OK;
    for (int64_t i = 0; i < count && !e; i++)
        e = single_once(s, f, &taken[i], NULL);
    return e;
}

static enum err load(struct single *s, struct fail *f, int64_t residents)
{
    int64_t last = 0;
    enum err e = town_write_residents(f, s->people, residents, true);
    if (!e)
        e = csv_open(f, s->people, resident_columns, RESIDENT_COLUMNS, &s->residents);
    if (!e)
        e = town_take(s->town, f, "load", s->people, &last);
    return e ? e : town_await(s->town, f, 1, last, true);
}

enum err single_new(struct fail *f, const char *folder, struct town *t, int64_t residents,
                    struct single **out)
{
    struct single *s = memory_new(sizeof *s);
    if (!s)
        return fail_set(f, ERR_MEMORY, "single", NULL);
    s->town = t;
    snprintf(s->people, sizeof s->people, "%s/residents.csv", folder);
    snprintf(s->event, sizeof s->event, "%s/event.jsonl", folder);
    enum err e = load(s, f, residents);
    if (e)
        single_free(s);
    else
        *out = s;
    return e;
}

void single_free(struct single *s)
{
    if (!s)
        return;
    csv_close(s->residents);
    memory_free(s);
}
