/* SPDX-License-Identifier: Apache-2.0 */
/* Decides how the register speaks with its CS: one thread sends changes (here), one hears outcomes, one hears
 * Individual Numbers (door_hearing.c), each on its own connection.
 *
 * Nothing is lost and nothing doubled: after each connection loss, and when it tells of a change that we
 * never made, the CS is asked how far it has taken changes. Stands it behind us, sending goes on there.
 * Stands it ahead, an answer was lost: the same changes go once more, and are answered as they were then.
 * When it has taken more than we ever queued, our database is an old copy: one that was restored sends what
 * it has queued, which is answered so too, and then takes the rest back (register_back.c); of one that nobody
 * said this of nothing is sent until a person looks. Nor is it when the CS answers DOOR_DIFFERENT: another
 * feeds this door too, or another copy of us did. */
#include "register/register_inside.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sha256.h"
#include "register/register_sql.h"

enum { BATCH_CHANGES = 2000, BATCH_BYTES = DOOR_BODY_BYTES / 2 };
enum { PAUSE_LEAST = 200000, PAUSE_MOST = 5000000 }; /* microseconds */

/* ---- waiting ---- */

bool door_stopping(const struct resident_register *r)
{
    return atomic_load(&r->stopping);
}

uint64_t door_wakings(struct resident_register *r)
{
    pthread_mutex_lock(&r->lock);
    uint64_t count = r->wakings;
    pthread_mutex_unlock(&r->lock);
    return count;
}

void door_sleep(struct resident_register *r, int64_t microseconds, uint64_t seen)
{
    int64_t at = clock_steady() + microseconds;
    const struct timespec until = {at / 1000000, at % 1000000 * 1000};
    int late = 0;

    pthread_mutex_lock(&r->lock);
    while (!door_stopping(r) && r->wakings == seen && !late)
        late = pthread_cond_timedwait(&r->wake, &r->lock, &until);
    pthread_mutex_unlock(&r->lock);
}

void door_pause(struct resident_register *r, int64_t microseconds)
{
    int64_t until = clock_steady() + microseconds, left;

    while (!door_stopping(r) && (left = until - clock_steady()) > 0)
        door_sleep(r, left, door_wakings(r));
}

void door_sender_wake(struct resident_register *r)
{
    pthread_mutex_lock(&r->lock);
    r->wakings++;
    pthread_cond_broadcast(&r->wake);
    pthread_mutex_unlock(&r->lock);
}

static void note_connection(struct resident_register *r, bool connected, const struct fail *f)
{
    pthread_mutex_lock(&r->lock);
    bool news = r->connected != connected || (f && !r->trouble.err);
    r->connected = connected;
    r->trouble = f ? *f : (struct fail){0};
    pthread_mutex_unlock(&r->lock);
    if (news && f)
        log_fail(LOG_WARNING, "door_trouble", f);
}

/* Numbers are heard from now on: whose they are is known. */
static void note_level(struct resident_register *r, uint64_t doubts)
{
    pthread_mutex_lock(&r->lock);
    r->level = r->doubts == doubts;
    pthread_mutex_unlock(&r->lock);
    door_sender_wake(r);
}

uint64_t door_doubts(struct resident_register *r)
{
    pthread_mutex_lock(&r->lock);
    uint64_t doubts = r->doubts;
    pthread_mutex_unlock(&r->lock);
    return doubts;
}

void door_ask_again(struct resident_register *r)
{
    pthread_mutex_lock(&r->lock);
    r->level = false;
    r->doubts++;
    pthread_mutex_unlock(&r->lock);
    door_sender_wake(r);
}

bool door_level(struct resident_register *r)
{
    pthread_mutex_lock(&r->lock);
    bool level = r->level;
    pthread_mutex_unlock(&r->lock);
    return level;
}

/* ---- sending ---- */

struct refusal {
    int64_t number;
    enum err error;
    char field[48];
};
struct verdicts {
    int64_t taken;
    struct refusal *refusals;
    size_t count;
    bool withdrew; /* some of what was taken is settled by that alone */
};

static enum err gather(struct db_tx *tx, struct fail *f, void *arg)
{
    struct door_sending *s = arg;
    struct db_rows rows;
    enum err e;

    buf_clear(&s->body);
    s->count = 0;
    if ((e = register_mark_get(tx, f, REGISTER_TAKEN, &s->taken)) ||
        (e = register_mark_get(tx, f, REGISTER_CHANGES, &s->queued)) || s->taken >= s->queued)
        return e;
    json_begin(&s->body, NULL, '{');
    json_begin(&s->body, "changes", '[');
    db_query(tx, &rows, &sql_register_change_after, DB(db_int(s->taken), db_int(BATCH_CHANGES)));
    for (; s->body.n < BATCH_BYTES && db_next(&rows); s->count++)
        json_add_raw(&s->body, NULL, db_row_text(&rows, 1));
    json_end(&s->body, ']');
    json_end(&s->body, '}');
    e = db_done(&rows, f);
    return e ? e : buf_check(&s->body, f, "changes");
}

/* A withdrawal that the CS has taken is done: nothing goes further up, so no outcome will come. */
static enum err settle_withdrawals(struct db_tx *tx, struct fail *f, int64_t after, struct verdicts *v)
{
    struct db_rows rows;
    enum err e = ERR_OK, error;
    char state;

    while (!e) {
        db_query(tx, &rows, &sql_register_change_withdrawal, DB(db_int(after), db_int(v->taken)));
        bool found = db_next(&rows);
        after = found ? db_row_int(&rows, 0) : v->taken;
        if ((e = db_done(&rows, f)) || !found)
            break;
        v->withdrew = true;
        e = change_range_find(tx, f, after, &state, &error);
        if (!e && !state)
            e = change_corrected(tx, f, after);
    }
    return e;
}

static enum err store_verdicts(struct db_tx *tx, struct fail *f, void *arg)
{
    struct verdicts *v = arg;
    int64_t before = 0;
    enum err e = register_mark_get(tx, f, REGISTER_TAKEN, &before);

    if (!e)
        e = register_mark_set(tx, f, REGISTER_TAKEN, v->taken);
    for (size_t i = 0; !e && i < v->count; i++)
        e = change_trouble_put(tx, f, v->refusals[i].number, v->refusals[i].number, 'r', v->refusals[i].error,
                               str_of(v->refusals[i].field));
    return e ? e : settle_withdrawals(tx, f, before, v);
}

static enum err read_refusal(struct fail *f, const struct json *item, struct arena *a, struct refusal *out)
{
    struct str error = {NULL, 0}, field = STR("");
    enum err e = json_member_int(f, item, "number", 1, REGISTER_CHANGE_MOST, &out->number);

    if (!e)
        e = json_member_text(f, item, "error", a, &error);
    if (!e)
        e = json_member_text_maybe(f, item, "field", a, &field);
    if (e)
        return e;
    out->error = door_client_err(error);
    snprintf(out->field, sizeof out->field, "%.*s", STR_ARG(field));
    return ERR_OK;
}

static enum err read_verdicts(struct fail *f, struct str answer, struct arena *a, struct verdicts *out)
{
    struct json *tree;
    const struct json *list;
    enum err e = json_read(f, answer, &tree);

    if (e)
        return e;
    if (!(e = json_member_int(f, tree, "taken", 0, REGISTER_CHANGE_MOST, &out->taken)) &&
        !(e = json_member_array(f, tree, "refused", &list)) &&
        !(out->refusals = arena_alloc(a, (json_count(list) + 1) * sizeof *out->refusals)))
        e = fail_set(f, ERR_MEMORY, "refused", NULL);
    for (const struct json *item = e ? NULL : json_first(list); item && !e; item = item->next)
        e = read_refusal(f, item, a, &out->refusals[out->count++]);
    json_free(tree);
    return e;
}

/* Where the CS stands is where we go on; ahead of us it cannot stand unless the last answer was lost. */
static enum err ask_mark(struct door_sending *s, struct fail *f)
{
    struct verdicts v = {0};
    struct json *tree;
    s->doubts = door_doubts(s->r);
    enum err e = door_client_call(s->client, f, "/v1/status", (struct str){NULL, 0}, &s->answer, NULL);

    if (e || (e = json_read(f, buf_str(&s->answer), &tree)))
        return e;
    e = json_member_int(f, tree, "changes", 0, REGISTER_CHANGE_MOST, &v.taken);
    json_free(tree);
    if (e || (e = db_read(s->r->db, f, gather, s)))
        return e;
    s->behind = v.taken > s->queued;
    if (s->behind)
        e = register_back_begin(s->r, f, v.taken);
    else if (!door_level(s->r) && !(e = register_back_end(s->r, f)))
        note_level(s->r, s->doubts);
    if (e)
        return e;
    /* an answer may have been lost: the same changes again, and it is answered as it was then */
    return v.taken >= s->taken ? ERR_OK : db_transaction(s->r->db, f, store_verdicts, &v);
}

/* Sends one batch; s->count 0 when there was nothing. */
static enum err send_batch(struct door_sending *s, struct fail *f)
{
    struct verdicts v = {0};
    struct arena a;
    int64_t expected = 0;
    enum err e = db_read(s->r->db, f, gather, s);

    if (e || !s->count)
        return e;
    arena_init(&a, 4 << 20);
    e = door_client_call(s->client, f, "/v1/changes", buf_str(&s->body), &s->answer, &expected);
    if (e == ERR_DOOR_GAP && expected && expected <= s->queued) {
        v.taken = expected - 1;
        e = db_transaction(s->r->db, f, store_verdicts, &v);
    } else if (!e && !(e = read_verdicts(f, buf_str(&s->answer), &a, &v))) {
        if (v.taken > s->queued)
            v.taken = s->queued;
        /* nobody waits to hear that all was taken, unless there is more to send */
        e = v.count || v.taken < s->queued ? db_transaction(s->r->db, f, store_verdicts, &v)
                                           : db_transaction_patient(s->r->db, f, store_verdicts, &v);
        if (v.count || v.withdrew)
            register_tell(s->r);
    }
    arena_release(&a);
    return e;
}

/* ---- asking for other numbers ---- */

struct wish {
    int64_t person;
    enum municipal_reason reason;
    char name[65]; /* the event's hash: events' names are the register's own and of any length */
    struct resident_code code;
};

static enum err next_wish(struct db_tx *tx, struct fail *f, void *arg)
{
    struct wish *w = arg;
    struct resident_version v;
    struct arena a;
    struct db_rows rows;

    *w = (struct wish){0};
    db_query(tx, &rows, &sql_register_wish_next, DB_NONE);
    if (db_next(&rows)) {
        struct sha256 hash = sha256_of(db_row_text(&rows, 1));
        w->person = db_row_int(&rows, 0);
        w->reason = (enum municipal_reason)db_row_int(&rows, 2);
        for (size_t i = 0; i < sizeof hash.bytes; i++)
            snprintf(w->name + 2 * i, 3, "%02x", hash.bytes[i]);
    }
    enum err e = db_done(&rows, f);
    if (e || !w->person)
        return e;
    arena_init(&a, 256 << 10);
    if (!(e = resident_version_latest(tx, f, w->person, &a, &v)))
        w->code = v.row.identity.resident_code;
    arena_release(&a);
    return e;
}

static enum err mark_asked(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct wish *w = arg;

    return db_exec(tx, f, &sql_register_wish_asked, DB(db_int(w->person)), NULL);
}

/* After all changes, so that the code is known above. */
static enum err ask_numbers(struct door_sending *s, struct fail *f)
{
    struct wish w;
    char code[RESIDENT_CODE_TEXT_SIZE];
    enum err e;

    while (!(e = db_read(s->r->db, f, next_wish, &w)) && w.person && !door_stopping(s->r)) {
        buf_clear(&s->body);
        json_begin(&s->body, NULL, '{');
        json_add_text(&s->body, "name", str_of(w.name));
        json_add_text(&s->body, "resident_code", str_of(resident_code_REVEAL(w.code, code)));
        json_add_text(&s->body, "request",
                      w.reason == MUNICIPAL_NUMBER_CHANGE_REQUEST ? STR("change") : STR("ex_officio"));
        json_end(&s->body, '}');
        if ((e = door_client_call(s->client, f, "/v1/number-requests", buf_str(&s->body), &s->answer,
                                  NULL)) ||
            (e = db_transaction(s->r->db, f, mark_asked, &w)))
            return e;
    }
    return e;
}

/* What is done when nothing is to be sent. */
static enum err go_on(struct door_sending *s, struct fail *f)
{
    if (!s->behind)
        return ask_numbers(s, f);
    enum err e = register_back_page(s->r, f, s->client, &s->answer, &s->behind);
    s->count = 1; /* there may be more to do at once */
    if (!e && !s->behind)
        note_level(s->r, s->doubts);
    return e;
}

/* Going on would mix two registers' changes under one row of numbers, or what this one did after its backup
 * with what it does now. */
static bool halts(enum err e)
{
    return e == ERR_DOOR_DIFFERENT || e == ERR_REGISTER_OLD;
}

static void halt(struct resident_register *r, const struct fail *f)
{
    log_fail(LOG_ALARM, f->err == ERR_REGISTER_OLD ? "register_old" : "door_fed_by_another", f);
    while (!door_stopping(r))
        door_sleep(r, PAUSE_MOST, door_wakings(r));
}

enum err door_send_once(struct door_sending *s, struct fail *f)
{
    bool known = s->asked && (s->behind || door_level(s->r));
    enum err e = known ? ERR_OK : ask_mark(s, f);

    if (!e)
        e = send_batch(s, f);
    if (!e && !s->count)
        e = go_on(s, f);
    if (!e)
        s->asked = true;
    return e;
}

static void *send_changes(void *arg)
{
    struct door_sending s = {.r = arg};
    int64_t pause = PAUSE_LEAST;
    enum err e;

    buf_init(&s.body, DOOR_BODY_BYTES);
    buf_init(&s.answer, DOOR_ANSWER_BYTES);
    while (!door_stopping(s.r)) {
        uint64_t seen = door_wakings(s.r);
        struct fail f = {0};
        if (!(e = s.client ? ERR_OK : door_client_new(&f, &s.r->door, &s.client)) &&
            !(e = door_send_once(&s, &f))) {
            note_connection(s.r, true, NULL);
            pause = PAUSE_LEAST;
            if (!s.count)
                door_sleep(s.r, DOOR_IDLE_MICROS, seen);
            continue;
        }
        s.asked = false;
        if (!door_stopping(s.r))
            note_connection(s.r, e != ERR_DOOR_LOST && s.client, &f);
        if (halts(e))
            halt(s.r, &f);
        door_sleep(s.r, pause, door_wakings(s.r));
        pause = pause * 2 < PAUSE_MOST ? pause * 2 : PAUSE_MOST;
    }
    door_client_free(s.client);
    buf_release(&s.body);
    buf_release(&s.answer);
    return NULL;
}

/* ---- starting and stopping ---- */

enum err door_sender_start(struct resident_register *r, struct fail *f)
{
    const struct {
        pthread_t *thread;
        void *(*run)(void *);
    } threads[] = {{&r->sender, send_changes},
                   {&r->outcomes, door_hear_outcomes},
                   {&r->numbers, door_hear_numbers},
                   {&r->messages, door_hear_messages}};
    size_t started = 0;

    atomic_store(&r->stopping, false);
    while (started < COUNT_OF(threads) &&
           !pthread_create(threads[started].thread, NULL, threads[started].run, r))
        started++;
    r->running = started == COUNT_OF(threads);
    if (r->running)
        return ERR_OK;
    atomic_store(&r->stopping, true);
    door_sender_wake(r);
    while (started)
        pthread_join(*threads[--started].thread, NULL);
    return fail_set(f, ERR_MEMORY, "threads", NULL);
}

void door_sender_stop(struct resident_register *r)
{
    if (!r->running)
        return;
    atomic_store(&r->stopping, true);
    door_sender_wake(r);
    register_tell(r);
    pthread_join(r->sender, NULL);
    pthread_join(r->outcomes, NULL);
    pthread_join(r->numbers, NULL);
    pthread_join(r->messages, NULL);
    r->running = false;
}
