/* SPDX-License-Identifier: Apache-2.0 */
/* Unused codes stand at places 1..unused without gaps. `count` places are chosen at random (R. Floyd's way:
 * one random number for each, none thrown away). The places behind what will be left are read and cut off in
 * one statement each; a chosen place before that is filled with a code from there that was not chosen. */
#include "flow/resident_code_stock/stock_take.h"

#include "base/random.h"
#include "flow/flow_resident_code_stock_sql.h"

enum { BITS = 8 };

static bool is_chosen(const uint8_t *chosen, int64_t place)
{
    return chosen[place / BITS] >> place % BITS & 1;
}

static void choose(uint8_t *chosen, int64_t unused, int64_t count)
{
    for (int64_t last = unused - count + 1; last <= unused; last++) {
        int64_t place = 1 + (int64_t)random_below((uint64_t)last);
        if (is_chosen(chosen, place))
            place = last;
        chosen[place / BITS] |= (uint8_t)(1 << place % BITS);
    }
}

static void shuffle(struct resident_code *codes, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t k = (size_t)random_below(i);
        struct resident_code other = codes[i - 1];
        codes[i - 1] = codes[k];
        codes[k] = other;
    }
}

struct taking {
    uint8_t *chosen;            /* a bit for each place */
    struct resident_code *stay; /* from behind `rest`, to be put where others were taken */
    int64_t rest;               /* what will be left */
    size_t stay_count, count;
};

/* The codes behind `rest`: taken, or kept for a place before it. */
static enum err cut_off(struct db_tx *tx, struct fail *f, struct taking *t, size_t most,
                        struct resident_code *codes)
{
    struct db_rows rows;
    int64_t place = t->rest;
    db_query(tx, &rows, &sql_flow_resident_code_stock_unused_behind, DB(db_int(t->rest)));
    while (db_next(&rows) && place - t->rest < (int64_t)most) {
        struct resident_code code = {db_row_int(&rows, 0)};
        if (is_chosen(t->chosen, ++place))
            codes[t->count++] = code;
        else
            t->stay[t->stay_count++] = code;
    }
    enum err e = db_done(&rows, f);
    if (!e && place - t->rest != (int64_t)most)
        return fail_set(f, ERR_NOT_FOUND, "place", "%lld", (long long)place + 1);
    return e ? e : db_exec(tx, f, &sql_flow_resident_code_stock_unused_cut, DB(db_int(t->rest)), NULL);
}

static enum err take_at(struct db_tx *tx, struct fail *f, struct taking *t, int64_t place,
                        struct resident_code *code)
{
    struct db_rows rows;
    bool found = false;
    db_query(tx, &rows, &sql_flow_resident_code_stock_unused_at, DB(db_int(place)));
    while (db_next(&rows)) {
        code->value = db_row_int(&rows, 0);
        found = true;
    }
    enum err e = db_done(&rows, f);
    if (!e && !found)
        return fail_set(f, ERR_NOT_FOUND, "place", "%lld", (long long)place);
    struct resident_code moved = t->stay[--t->stay_count];
    return e ? e
             : db_exec(tx, f, &sql_flow_resident_code_stock_unused_set,
                       DB(db_int(place), db_int(moved.value)), NULL);
}

static enum err take(struct db_tx *tx, struct fail *f, struct taking *t, size_t count,
                     struct resident_code *codes)
{
    enum err e = cut_off(tx, f, t, count, codes);
    for (int64_t place = 1; place <= t->rest && t->count < count && !e; place++)
        if (is_chosen(t->chosen, place))
            e = take_at(tx, f, t, place, &codes[t->count++]);
    if (!e)
        shuffle(codes, count);
    return e;
}

enum err stock_take(struct db_tx *tx, struct fail *f, int64_t unused, size_t count,
                    struct resident_code *codes)
{
    struct taking t = {.rest = unused - (int64_t)count};
    assert(count > 0 && t.rest >= 0);
    t.chosen = memory_new((size_t)unused / BITS + 1);
    t.stay = memory_new(count * sizeof *t.stay);
    if (t.chosen)
        choose(t.chosen, unused, (int64_t)count);
    enum err e = t.chosen && t.stay ? take(tx, f, &t, count, codes) : fail_set(f, ERR_MEMORY, NULL, NULL);
    memory_free(t.chosen);
    memory_free(t.stay);
    return e;
}
