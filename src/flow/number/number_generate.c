/* SPDX-License-Identifier: Apache-2.0 */
/* Makes Individual Numbers, at the agency (番号法8条2項, 同施行令8条).
 *
 * The first number of a code is its candidate 0 and is noted by the code alone, in a table that holds only
 * what is under way (number_state.c says how it is known later): so that of many millions given, the next one
 * finds nothing to write in the order of the numbers, which is random. Other numbers of the code, and its
 * first one when somebody has candidate 0 from elsewhere, are candidates 1..9, each a row. */
#include "base/clock.h"
#include "flow/flow_number_sql.h"
#include "flow/number/number_state.h"

static enum err find_answer(struct db_tx *tx, struct fail *f, struct str request,
                            struct individual_number *out, bool *found)
{
    struct db_rows rows;
    *found = false;
    db_query(tx, &rows, &sql_flow_number_answer_find, DB(db_text(request)));
    while (db_next(&rows)) {
        out->value = db_row_int(&rows, 0);
        *found = true;
    }
    return db_done(&rows, f);
}

/* The number the person has already, by what the store knows of the code: nothing, of most who ask for their
 * first. */
static enum err find_recorded(struct db_tx *tx, struct fail *f, struct resident_code code,
                              struct individual_number *out, bool *found)
{
    struct arena a;
    struct store_version v;
    struct fail why = {0};
    bool known = false;
    enum err e = store_code_known(tx, f, code, &known);
    if (e || !known)
        return e;
    arena_init(&a, 64 * 1024);
    e = store_current(tx, &why, code, &a, &v);
    *found = !e && v.identity.has_individual_number;
    if (*found)
        *out = v.identity.individual_number;
    arena_release(&a);
    return !e || e == ERR_NOT_FOUND ? ERR_OK : fail_set(f, e, why.field, "%s", why.detail);
}

struct trying {
    struct resident_code code;
    enum number_request_kind kind;
    int generation;
};

static enum err take(struct db_tx *tx, struct fail *f, struct trying t, struct individual_number number)
{
    if (t.generation == GENERATION_FIRST) /* and when it was given before, it is given again */
        return db_exec(tx, f, &sql_flow_number_awaited_add, DB(db_int(t.code.value)), NULL);
    return db_exec(
        tx, f, &sql_flow_number_issued_add,
        DB(db_int(number.value), db_int(t.code.value), db_int(NUMBER_GENERATED), db_int(t.generation)), NULL);
}

/* Takes the candidate when no row says whose it is, or when it was generated for this code and never used. */
static enum err try_generation(const struct flow *flow, struct db_tx *tx, struct fail *f, struct trying t,
                               struct individual_number *out, bool *taken)
{
    struct individual_number number;
    struct number_owner owner;
    enum err e = number_candidate(flow, f, t.code, t.generation, &number);
    if (!e)
        e = number_row(tx, f, number, &owner);
    if (e)
        return e;
    bool is_free = owner.state == NUMBER_FREE;
    bool again =
        t.kind == NUMBER_NEW && owner.state == NUMBER_GENERATED && resident_code_equal(owner.code, t.code);
    if (is_free)
        e = take(tx, f, t, number);
    *taken = is_free || again;
    if (*taken && !e)
        *out = number;
    return e;
}

/* Candidate 0 is for the first number only, so that no row need say that it was not another. */
static enum err generate(struct flow *flow, struct db_tx *tx, struct fail *f, struct resident_code code,
                         enum number_request_kind kind, struct individual_number *out)
{
    struct trying t = {code, kind, kind == NUMBER_NEW ? GENERATION_FIRST : GENERATION_FIRST + 1};
    bool found = false;
    enum err e = kind == NUMBER_NEW ? find_recorded(tx, f, code, out, &found) : ERR_OK;
    for (; t.generation < NUMBER_GENERATIONS && !found && !e; t.generation++)
        e = try_generation(flow, tx, f, t, out, &found);
    if (!e && !found)
        return fail_set(f, ERR_NUMBER_EXHAUSTED, "resident_code", NULL);
    return e;
}

/* A first number is asked for once by almost everybody, and generating it again changes nothing: so the
 * answer is noted at once, and looked for only when there is one. Another number must be known first. */
enum err number_generate(struct flow *flow, struct db_tx *tx, struct fail *f, struct resident_code code,
                         enum number_request_kind kind, struct str request_id, struct individual_number *out)
{
    bool found = false;
    int64_t added = 1;
    struct individual_number number = {0};
    enum err e = kind == NUMBER_NEW ? ERR_OK : find_answer(tx, f, request_id, &number, &found);
    if (!e && !found) {
        e = generate(flow, tx, f, code, kind, &number);
        if (!e)
            e = db_exec(tx, f, &sql_flow_number_answer_add,
                        DB(db_text(request_id), db_int(number.value), db_int(clock_now())), &added);
    }
    if (!e && !added)
        e = find_answer(tx, f, request_id, &number, &found);
    if (!e)
        *out = number;
    return e;
}
