/* SPDX-License-Identifier: Apache-2.0 */
#include "register_story.h"

#include "base/file.h"
#include "people.h"
#include "power_cut.h"
#include "register/register_sql.h"
#include "test.h"

struct register_telling register_telling;

/* ---- the story */

#define HAPPENS(event, reason, record)                                                                       \
    "{\"event\":\"" event "\",\"reason\":\"" reason "\",\"change_date\":\"2026-05-01\",\"record\":\"" record \
    "\"}"

/* Residents r-1, r-2 and r-4 (whom the CS knows already, and refuses) have code and number, r-3 has neither.
 */
enum { LOADED = 4 };
static const struct step {
    enum { LOAD, ENTER, ENTER_PROVISIONALLY, CONFIRM, TELL_AGAIN } doing;
    const char *event, *record, *line;
    bool awaited; /* until its outcome is recorded */
} steps[] = {
    {LOAD, NULL, NULL, NULL, false},
    {ENTER, "e-1", "r-1", EVENT_MOVES("e-1", "r-1", "兵庫県西宮市甲子園１番"), true},
    {ENTER, "e-2", "r-5", EVENT_BORN("e-2", "r-5"), false},
    {ENTER, "e-3", "r-5", EVENT_MOVES("e-3", "r-5", "兵庫県西宮市甲子園２番"), false},
    {ENTER, "e-4", "r-2", HAPPENS("e-4", "code_change_request", "r-2"), false},
    {ENTER, "e-5", "r-1", HAPPENS("e-5", "number_change_request", "r-1"), false},
    {ENTER, "e-6", "r-4", EVENT_MOVES("e-6", "r-4", "兵庫県西宮市甲子園３番"), false}, /* BEHIND */
    {ENTER_PROVISIONALLY, "e-7", "r-2", EVENT_MOVES("e-7", "r-2", "兵庫県西宮市甲子園４番"), false},
    {ENTER, "e-8", "r-2", EVENT_MOVES("e-8", "r-2", "兵庫県西宮市甲子園５番"), true},
    {CONFIRM, "e-7", "r-2", NULL, false},
    {TELL_AGAIN, NULL, NULL, NULL, false},
    {ENTER, "e-9", "r-6", EVENT_BORN("e-9", "r-6"), true},
    {ENTER, "e-10", "r-3", HAPPENS("e-10", "death", "r-3"), false},
    {ENTER, "e-11", "r-1", EVENT_MOVES("e-11", "r-1", "兵庫県西宮市甲子園６番"), true},
    {ENTER, "e-12", "r-4", HAPPENS("e-12", "code_change_request", "r-4"), false},
};

static char csv_path[80];

static void write_csv(void)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    buf_add_format(&b, "record,household_number,relationship,name,name_kana,birth_date,sex,area_code,address,"
                       "postal_code,honseki_area_code,honseki,honseki_head,resident_since,entry_reason,"
                       "resident_code,individual_number\n");
    for (int64_t n = 1; n <= LOADED; n++) {
        const struct identity i = resident(n, NISHINOMIYA);
        char code[RESIDENT_CODE_TEXT_SIZE], number[INDIVIDUAL_NUMBER_TEXT_SIZE];
        buf_add_format(
            &b,
            "r-%lld,h-1,子,%.*s,%.*s,%d-%02d-%02d,female,%d,%.*s,%.*s,282049,兵庫県西宮市,西宮　花子,"
            "2010-04-01,domestic_move_in,%s,%s\n",
            (long long)n, STR_ARG(i.name.name), STR_ARG(i.name.kana), i.birth_date.year, i.birth_date.month,
            i.birth_date.day, i.address.area_code.value, STR_ARG(i.address.text),
            STR_ARG(i.address.postal_code), n == 3 ? "" : resident_code_REVEAL(i.resident_code, code),
            n == 3 ? "" : individual_number_REVEAL(i.individual_number, number));
    }
    assert_ok(file_write(NULL, csv_path, buf_str(&b), 0600));
    buf_release(&b);
}

void register_story_init(void)
{
    snprintf(csv_path, sizeof csv_path, "%s/residents.csv", flow_network.folder);
    write_csv();
}

static struct register_status status_now(void)
{
    struct register_status s;
    assert_ok(register_status(municipality.r, NULL, &s));
    return s;
}

static struct register_outcome outcomes_now(int64_t first, int64_t last)
{
    struct register_outcome o;
    assert_ok(register_await(municipality.r, NULL, first, last, 0, true, &o));
    return o;
}

/* Of each change it is known what became of it; who waits may wait on. */
static bool are_heard(const struct register_status *s, struct register_outcome *o)
{
    *o = outcomes_now(1, s->changes);
    return s->taken == s->changes && !o->unknown;
}

static bool all_heard(void)
{
    const struct register_status s = status_now();
    struct register_outcome o;
    return are_heard(&s, &o);
}

/* Everything that was entered is settled. What a wish for a number becomes is entered by the register. */
static bool is_settled(void)
{
    const struct register_status s = status_now();
    struct register_outcome o;
    return !s.awaiting_number && are_heard(&s, &o) && !o.waiting;
}

/* Promises what the register takes for taken, as soon as it does. */
static int64_t taken_promised;

static void promise_taken(void)
{
    int64_t taken = register_telling.early == TAKEN ? status_now().changes : status_now().taken;
    if (taken > taken_promised)
        register_telling.promise(TAKEN, 0, taken);
    taken_promised = taken > taken_promised ? taken : taken_promised;
}

/* What is wrong when it does not come to that within 20 s; NULL. */
static const char *comes(bool (*condition)(void), const char *what)
{
    for (int i = 0; i < 4000; i++) {
        if (condition())
            return NULL;
        promise_taken();
        network_pause();
    }
    const struct register_status s = status_now();
    return wrong("never: %s (%lld changes, %lld taken, %lld without outcome, %lld wishes, trouble: %s)", what,
                 (long long)s.changes, (long long)s.taken,
                 (long long)outcomes_now(1, s.changes ? s.changes : 1).unknown, (long long)s.awaiting_number,
                 err_row(s.trouble.err)->name);
}

static const char *load(size_t step)
{
    struct register_result result;
    struct fail f = {0};
    if (register_telling.early == ENTERED)
        register_telling.promise(ENTERED, step, LOADED);
    if (register_load(municipality.r, &f, csv_path, NULL, NULL, NULL, &result))
        return wrong("load: %s %s", err_row(f.err)->name, f.detail);
    if (result.taken != LOADED && result.taken)
        return wrong("%lld of %d rows were loaded", (long long)result.taken, LOADED);
    register_telling.promise(ENTERED, step, LOADED);
    return NULL;
}

/* A problem at the register: of those that were refused, the first is withdrawn, what stands behind it is
 * told again. */
struct refused {
    int64_t change;
    enum err why;
};

static void keep_refused(void *arg, const struct register_problem *p)
{
    struct refused *r = arg;
    if (p->state == 'r' && !r->change)
        *r = (struct refused){p->change, p->error};
}

static const char *tell_again(size_t step)
{
    struct fail f = {0};
    const char *found = comes(all_heard, "all heard of");
    while (!found) {
        struct refused r = {0};
        int64_t number = 0;
        assert_ok(register_problems(municipality.r, NULL, keep_refused, &r));
        if (!r.change)
            break;
        if (register_replace(municipality.r, &f, r.change, r.why != ERR_DOOR_BEHIND, &number))
            return wrong("replace: %s %s", err_row(f.err)->name, f.detail);
        register_telling.promise(ENTERED, step, number);
    }
    return found;
}

static const char *await_outcome(size_t step, int64_t number)
{
    struct register_outcome o = {0};
    struct fail f = {0};
    if (register_telling.early == HEARD)
        register_telling.promise(HEARD, step, number);
    while (!o.applied) { /* it may wait before it is applied */
        if (register_await(municipality.r, &f, number, number, 20, true, &o))
            return wrong("await: %s %s", err_row(f.err)->name, f.detail);
        if (o.refused || o.replaced || o.unknown)
            return wrong("change %lld was not applied", (long long)number);
        network_pause();
    }
    register_telling.promise(HEARD, step, number);
    return NULL;
}

/* Everybody may say it again: what is there already is known. */
static enum err enter(const struct step *s, struct fail *f, int64_t *number)
{
    enum err e = s->doing == CONFIRM ? register_confirm(municipality.r, f, str_of(s->event), number)
                                     : register_enter_event(municipality.r, f, str_of(s->line),
                                                            s->doing == ENTER_PROVISIONALLY, number);
    return e == ERR_EXISTS || (s->doing == CONFIRM && e == ERR_NOT_FOUND) ? ERR_EXISTS : e;
}

static const char *take_step(size_t i)
{
    const struct step *s = &steps[i];
    struct fail f = {0};
    int64_t number = 0;
    if (s->doing == LOAD)
        return load(i);
    if (s->doing == TELL_AGAIN)
        return tell_again(i);
    if (register_telling.early == ENTERED)
        register_telling.promise(ENTERED, i, 0);
    enum err e = enter(s, &f, &number);
    if (e && e != ERR_EXISTS)
        return wrong("%s: %s %s %s", s->event, err_row(e)->name, f.field, f.detail);
    if (!e)
        register_telling.promise(ENTERED, i, number);
    promise_taken();
    return s->awaited && !e ? await_outcome(i, number) : NULL;
}

const char *register_story_take(void)
{
    const char *found = NULL;
    taken_promised = 0;
    for (size_t i = 0; i < COUNT_OF(steps) && !found; i++)
        found = take_step(i);
    return found ? found : comes(is_settled, "settled");
}

/* ---- how it ends */

struct sum {
    int64_t current, leaving, removed;
    uint8_t digest[32];
};

static void keep_area(void *arg, const struct store_area_count *c)
{
    struct sum *s = arg;
    *s = (struct sum){c->current, c->leaving, c->removed, {0}};
    memcpy(s->digest, c->digest, sizeof s->digest);
}

static void keep_census(void *arg, struct area_code area UNUSED, int64_t current, int64_t leaving,
                        int64_t removed, const uint8_t digest[static 32])
{
    struct sum *s = arg;
    *s = (struct sum){current, leaving, removed, {0}};
    memcpy(s->digest, digest, sizeof s->digest);
}

/* A number is heard on a feed of its own, after the outcome. */
static const char *sides_agree(void)
{
    struct sum below, above;
    for (int i = 0; i < 4000; i++) {
        below = above = (struct sum){0};
        assert_ok(register_census(municipality.r, NULL, keep_census, &below));
        assert_ok(store_census(municipality.cs->db, NULL, keep_area, &above));
        if (memcmp(&below, &above, sizeof below) == 0)
            break;
        network_pause();
    }
    return below.current && memcmp(&below, &above, sizeof below) == 0
               ? NULL
               : wrong("the register has %lld and %lld gone, the CS %lld and %lld, or otherwise",
                       (long long)below.current, (long long)below.removed, (long long)above.current,
                       (long long)above.removed);
}

const char *register_story_note(struct register_ending *e)
{
    static struct municipality_log log;
    memset(&log, 0, sizeof log);
    assert_ok(municipality_read_log(NULL, &log));
    *e = (struct register_ending){status_now(), outcomes_now(1, status_now().changes), log.count};
    return sides_agree();
}

const char *register_story_ends_as(const struct register_ending *ending)
{
    struct register_ending now;
    const char *found = register_story_note(&now);
    const struct register_status *is = &now.status, *was = &ending->status;
    char said[MUNICIPALITY_CHANGES + 1];
    int64_t applied = 0;
    if (found)
        return found;
    assert_ok(municipality_read_outcomes(NULL, MUNICIPALITY_FEED, said));
    for (int64_t i = 1; i <= is->changes; i++)
        applied += said[i] == 'a';
    if (applied != now.outcome.applied)
        return wrong("%lld changes were applied, the register knows of %lld", (long long)applied,
                     (long long)now.outcome.applied);
    if (is->changes != was->changes || is->residents != was->residents || is->removed != was->removed ||
        is->refused || now.sent != ending->sent)
        return wrong("%lld changes and %zu notices instead of %lld and %zu", (long long)is->changes, now.sent,
                     (long long)was->changes, ending->sent);
    return memcmp(&now.outcome, &ending->outcome, sizeof now.outcome) == 0 ? NULL : "the outcomes are others";
}

/* ---- what must hold */

static enum err event_number(struct db_tx *tx, struct fail *f, const struct step *s, int64_t *number)
{
    int64_t version = 0;
    enum err e = register_find_int(tx, f, &sql_register_event_find, db_text(str_of(s->event)), &version);
    *number = -1;
    return e || !version ? e : register_find_int(tx, f, &sql_register_change_number, db_int(version), number);
}

static enum err finds_row(struct db_tx *tx, struct fail *f, const struct db_stmt *stmt, struct db_value key,
                          bool *found)
{
    struct db_rows rows;
    db_query(tx, &rows, stmt, &key, 1);
    *found |= db_next(&rows);
    return db_done(&rows, f);
}

struct asking {
    const struct step *step;
    int64_t number; /* -1: no change */
    bool waits;     /* provisionally, or for a number */
};

static enum err ask_event(struct db_tx *tx, struct fail *f, void *arg)
{
    struct asking *q = arg;
    int64_t person = 0;
    enum err e = event_number(tx, f, q->step, &q->number);
    if (!e)
        e = finds_row(tx, f, &sql_register_provisional_find, db_text(str_of(q->step->event)), &q->waits);
    if (!e)
        e = register_find_int(tx, f, &sql_register_record_find, db_text(str_of(q->step->record)), &person);
    return e ? e : finds_row(tx, f, &sql_register_wish_find, db_int(person), &q->waits);
}

/* It is there, under the number that the counter was told, or told again under a later one; one without a
 * number may have one by now. */
static bool is_entered(const struct register_disks *d, const struct step *s, int64_t number)
{
    struct asking q = {.step = s};
    if (!s->event)
        return d->marks[REGISTER_CHANGES] >= number;
    assert_ok(db_read(municipality.db, NULL, ask_event, &q));
    if (!number)
        return q.number >= 0 || q.waits;
    return q.number >= number && strcmp(d->queue[number].record, s->record) == 0;
}

const char *register_story_keeps(const struct register_disks *d, enum register_promise kind, size_t step,
                                 int64_t number)
{
    const struct step *s = &steps[step];
    if (kind == ENTERED && !is_entered(d, s, number))
        return wrong("%s was entered as %lld and is lost", s->event ? s->event : "something",
                     (long long)number);
    if (kind == TAKEN && d->door[DOOR_CHANGES] < number)
        return wrong("change %lld was taken, and the CS has %lld", (long long)number,
                     (long long)d->door[DOOR_CHANGES]);
    if (kind == HEARD && d->heard[number] != 'a')
        return wrong("that change %lld was applied was recorded, and is not known", (long long)number);
    return NULL;
}

/* ---- again */

static enum err forget_taken(struct db_tx *tx, struct fail *f, void *arg UNUSED)
{
    return register_mark_set(tx, f, REGISTER_TAKEN, 0);
}

static bool all_taken(void)
{
    const struct register_status s = status_now();
    return s.taken == s.changes;
}

const char *register_story_sends_again(const struct register_ending *ending)
{
    assert_ok(db_transaction(municipality.db, NULL, forget_taken, NULL));
    door_sender_wake(municipality.r);
    const char *found = comes(all_taken, "all taken again");
    return found ? found : register_story_ends_as(ending);
}
