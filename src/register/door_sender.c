/* SPDX-License-Identifier: Apache-2.0 */
/* Decides how the register speaks with its CS: one thread sends changes, one hears outcomes, one hears
 * Individual Numbers, each on its own connection.
 *
 * Nothing is lost and nothing doubled: after each connection loss the CS is asked how far it has taken
 * changes. Stands it behind us, sending goes on there. Stands it ahead, an answer was lost: the same changes
 * go once more, and are answered as they were then. When it has taken more than we ever queued, our database
 * is an old copy: one that was restored sends what it has queued, which is answered so too, and then takes
 * the rest back (register_back.c); of one that nobody said this of nothing is sent until a person looks. Nor
 * is it when the CS answers DOOR_DIFFERENT: another feeds this door too, or another copy of us did. */
#include "register/register_inside.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sha256.h"
#include "register/register_sql.h"

enum {
    BATCH_CHANGES = 2000,
    BATCH_BYTES = 2 << 20,
    ANSWER_BYTES = 4 << 20,
    IDLE_MICROSECONDS = 500000,
    PAUSE_LEAST = 200000,
    PAUSE_MOST = 5000000,
    DRAW_TRIES = 60
};

/* ---- waiting ---- */

static bool stopping(const struct resident_register *r)
{
    return atomic_load(&r->stopping);
}

static uint64_t wakings(struct resident_register *r)
{
    pthread_mutex_lock(&r->lock);
    uint64_t count = r->wakings;
    pthread_mutex_unlock(&r->lock);
    return count;
}

/* Until it is woken, or was since `seen`: what came while the caller looked for work is not slept through. */
static void sleep_until_woken(struct resident_register *r, int64_t microseconds, uint64_t seen)
{
    int64_t at = clock_steady() + microseconds;
    const struct timespec until = {at / 1000000, at % 1000000 * 1000};
    int late = 0;

    pthread_mutex_lock(&r->lock);
    while (!stopping(r) && r->wakings == seen && !late)
        late = pthread_cond_timedwait(&r->wake, &r->lock, &until);
    pthread_mutex_unlock(&r->lock);
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
    char text[sizeof(struct fail) + 256];

    pthread_mutex_lock(&r->lock);
    bool news = r->connected != connected || (f && !r->trouble[0]);
    r->connected = connected;
    snprintf(r->trouble, sizeof r->trouble, "%s", f ? fail_text(f, fail_language(), text, sizeof text) : "");
    pthread_mutex_unlock(&r->lock);
    if (news && f)
        log_fail(LOG_WARNING, "door_trouble", f);
}

/* Numbers are heard from now on: whose they are is known. */
static void note_level(struct resident_register *r)
{
    pthread_mutex_lock(&r->lock);
    r->level = true;
    pthread_mutex_unlock(&r->lock);
    door_sender_wake(r);
}

static bool is_level(struct resident_register *r)
{
    pthread_mutex_lock(&r->lock);
    bool level = r->level;
    pthread_mutex_unlock(&r->lock);
    return level;
}

/* ---- sending ---- */

struct sending {
    struct resident_register *r;
    struct door_client *client;
    struct buf body, answer;
    int64_t taken, queued, count;
    bool behind; /* the CS has taken changes that we have to take back */
};

struct refusal {
    int64_t number;
    enum err error;
    char field[48];
};
struct verdicts {
    int64_t taken;
    struct refusal *refusals;
    size_t count;
};

static enum err gather(struct db_tx *tx, struct fail *f, void *arg)
{
    struct sending *s = arg;
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

static enum err store_verdicts(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct verdicts *v = arg;
    enum err e = register_mark_set(tx, f, REGISTER_TAKEN, v->taken);

    for (size_t i = 0; !e && i < v->count; i++)
        e = change_trouble_put(tx, f, v->refusals[i].number, v->refusals[i].number, 'r', v->refusals[i].error,
                               str_of(v->refusals[i].field));
    return e;
}

static enum err read_refusal(struct fail *f, const struct json *item, struct arena *a, struct refusal *out)
{
    struct str error = {NULL, 0}, field = STR("");
    enum err e = json_member_int(f, item, "number", 1, INT64_MAX, &out->number);

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
    if (!(e = json_member_int(f, tree, "taken", 0, INT64_MAX, &out->taken)) &&
        !(e = json_member_array(f, tree, "refused", &list)) &&
        !(out->refusals = arena_alloc(a, (json_count(list) + 1) * sizeof *out->refusals)))
        e = fail_set(f, ERR_MEMORY, "refused", NULL);
    for (const struct json *item = e ? NULL : json_first(list); item && !e; item = item->next)
        e = read_refusal(f, item, a, &out->refusals[out->count++]);
    json_free(tree);
    return e;
}

/* Where the CS stands is where we go on; ahead of us it cannot stand unless the last answer was lost. */
static enum err ask_mark(struct sending *s, struct fail *f)
{
    struct verdicts v = {0};
    struct json *tree;
    enum err e = door_client_call(s->client, f, "/v1/status", (struct str){NULL, 0}, &s->answer, NULL);

    if (e || (e = json_read(f, buf_str(&s->answer), &tree)))
        return e;
    e = json_member_int(f, tree, "changes", 0, INT64_MAX, &v.taken);
    json_free(tree);
    if (e || (e = db_read(s->r->db, f, gather, s)))
        return e;
    s->behind = v.taken > s->queued;
    if (s->behind)
        e = register_back_begin(s->r, f, v.taken);
    else if (!is_level(s->r) && !(e = register_back_end(s->r, f)))
        note_level(s->r);
    if (e)
        return e;
    /* an answer may have been lost: the same changes again, and it is answered as it was then */
    return v.taken >= s->taken ? ERR_OK : db_transaction(s->r->db, f, store_verdicts, &v);
}

/* Sends one batch; s->count 0 when there was nothing. */
static enum err send_batch(struct sending *s, struct fail *f)
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
        if (v.count)
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
static enum err ask_numbers(struct sending *s, struct fail *f)
{
    struct wish w;
    char code[RESIDENT_CODE_TEXT_SIZE];
    enum err e;

    while (!(e = db_read(s->r->db, f, next_wish, &w)) && w.person && !stopping(s->r)) {
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
static enum err go_on(struct sending *s, struct fail *f)
{
    if (!s->behind)
        return ask_numbers(s, f);
    enum err e = register_back_page(s->r, f, s->client, &s->answer, &s->behind);
    s->count = 1; /* there may be more to do at once */
    if (!e && !s->behind)
        note_level(s->r);
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
    while (!stopping(r))
        sleep_until_woken(r, PAUSE_MOST, wakings(r));
}

static void *send_changes(void *arg)
{
    struct sending s = {.r = arg};
    int64_t pause = PAUSE_LEAST;
    bool asked = false;
    struct fail f = {0};
    enum err e = door_client_new(&f, &s.r->door, &s.client);

    buf_init(&s.body, 2 * BATCH_BYTES);
    buf_init(&s.answer, ANSWER_BYTES);
    bool usable = !e;
    while (!stopping(s.r)) {
        uint64_t seen = wakings(s.r);
        f = (struct fail){0};
        if (usable && !(e = asked ? ERR_OK : ask_mark(&s, &f)) && !(e = send_batch(&s, &f)) &&
            (s.count || !(e = go_on(&s, &f)))) {
            note_connection(s.r, true, NULL);
            asked = true;
            pause = PAUSE_LEAST;
            if (!s.count)
                sleep_until_woken(s.r, IDLE_MICROSECONDS, seen);
            continue;
        }
        asked = false;
        if (!stopping(s.r))
            note_connection(s.r, e != ERR_DOOR_LOST && usable, &f);
        if (halts(e))
            halt(s.r, &f);
        sleep_until_woken(s.r, pause, wakings(s.r));
        pause = pause * 2 < PAUSE_MOST ? pause * 2 : PAUSE_MOST;
    }
    door_client_free(s.client);
    buf_release(&s.body);
    buf_release(&s.answer);
    return NULL;
}

/* ---- hearing ---- */

struct hearing {
    struct resident_register *r;
    const char *path, *list;
    enum register_mark mark;
    enum err (*take)(struct hearing *h, struct db_tx *tx, struct fail *f, const struct json *item,
                     struct arena *a);
    struct buf answer;
    int64_t cursor, next; /* as far as was heard; as far as the answer goes */
    bool placed;          /* cursor was read from disk. It may be ahead of it by what told nothing new. */
    struct json *tree;    /* of the answer, until it is taken */
};

static enum err take_outcome(struct hearing *h, struct db_tx *tx, struct fail *f, const struct json *item,
                             struct arena *a)
{
    int64_t first, last;
    struct str state, error = {NULL, 0}, field = STR("");
    enum err e;

    (void)h;
    if ((e = json_member_int(f, item, "first", 1, INT64_MAX, &first)) ||
        (e = json_member_int(f, item, "last", first, INT64_MAX, &last)) ||
        (e = json_member_text(f, item, "state", a, &state)) ||
        (e = json_member_text_maybe(f, item, "error", a, &error)) ||
        (e = json_member_text_maybe(f, item, "field", a, &field)))
        return e;
    if (!state.n || !strchr("awr", state.p[0]))
        return fail_set(f, ERR_DOOR_ANSWER, "state", NULL);
    if (error.n && door_client_err(error) == ERR_CHANGE_REPLACED)
        return change_corrected(tx, f, first);
    return (state.p[0] == 'a' ? change_range_put : change_trouble_put)(
        tx, f, first, last, state.p[0], error.n ? door_client_err(error) : ERR_OK, field);
}

/* From the newest version down, as far as the place is empty: what was made while the number was on its way.
 */
static enum err fill_number(struct db_tx *tx, struct fail *f, int64_t person, int64_t number)
{
    struct db_rows rows;
    int64_t id = 0, changed = 1;
    enum err e;

    db_query(tx, &rows, &sql_register_person_latest, DB(db_int(person)));
    if (db_next(&rows))
        id = db_row_int(&rows, 0);
    e = db_done(&rows, f);
    while (!e && id) {
        if ((e = db_exec(tx, f, &sql_register_resident_number, DB(db_int(id), db_int(number)), &changed)) ||
            !changed)
            return e;
        db_query(tx, &rows, &sql_register_resident_previous, DB(db_int(id)));
        id = db_next(&rows) ? db_row_int(&rows, 0) : 0;
        e = db_done(&rows, f);
    }
    return e;
}

static enum err fulfil(struct hearing *h, struct db_tx *tx, struct fail *f, int64_t person,
                       struct individual_number number, struct arena *a, bool *wished)
{
    struct buf body;
    struct register_batch b = {.register_ = h->r, .tx = tx, .body = &body};

    buf_init(&body, 16 << 10);
    enum err e = register_batch_begin(&b, f);
    if (!e && !(e = register_wish_fulfil(&b, f, a, person, number, wished)))
        e = register_batch_end(&b, f);
    buf_release(&body);
    return e;
}

static enum err take_number(struct hearing *h, struct db_tx *tx, struct fail *f, const struct json *item,
                            struct arena *a)
{
    struct str code_text, number_text;
    struct resident_code code;
    struct individual_number number;
    struct db_rows rows;
    int64_t person = 0;
    enum err e;

    if ((e = json_member_text(f, item, "resident_code", a, &code_text)) ||
        (e = json_member_text(f, item, "individual_number", a, &number_text)) ||
        (e = resident_code_parse(f, code_text, &code)) ||
        (e = individual_number_parse(f, number_text, &number)))
        return e;
    db_query(tx, &rows, &sql_register_code_find, DB(db_int(code.value)));
    if (db_next(&rows))
        person = db_row_int(&rows, 0);
    if ((e = db_done(&rows, f)))
        return e;
    bool wished = false;
    if (!person)
        return ERR_OK; /* a draw that was never used */
    bool asked = !json_int(json_get(item, "change"));
    if (asked && ((e = fulfil(h, tx, f, person, number, a, &wished)) || wished))
        return e;
    e = fill_number(tx, f, person, number.value);
    return e || !asked ? e : register_number_came(tx, f, a, person, number);
}

static enum err take_list(struct hearing *h, struct db_tx *tx, struct fail *f, const char *name)
{
    struct arena a;
    enum err e = ERR_OK;

    arena_init(&a, 1 << 20);
    for (const struct json *item = json_first(json_get(h->tree, name)); item && !e; item = item->next) {
        e = h->take(h, tx, f, item, &a);
        arena_reset(&a);
    }
    arena_release(&a);
    return e;
}

static enum err take_feed(struct db_tx *tx, struct fail *f, void *arg)
{
    struct hearing *h = arg;
    const struct json *list;
    int64_t cursor;
    enum err e;

    if ((e = json_member_int(f, h->tree, "cursor", 0, INT64_MAX, &cursor)) ||
        (e = json_member_array(f, h->tree, h->list, &list)) || (e = take_list(h, tx, f, h->list)) ||
        (e = take_list(h, tx, f, "ahead")))
        return e;
    h->next = cursor;
    return register_mark_set(tx, f, h->mark, cursor);
}

struct heard_before {
    const struct hearing *h;
    bool all;
};

static enum err applied_before(struct db_tx *tx, struct fail *f, const struct json *item, bool *before)
{
    int64_t first, last;
    struct register_outcome known;
    enum err e;

    if ((e = json_member_int(f, item, "first", 1, INT64_MAX, &first)) ||
        (e = json_member_int(f, item, "last", first, INT64_MAX, &last)) ||
        (e = change_range_count(tx, f, first, last, &known)))
        return e;
    *before =
        known.applied == last - first + 1 && str_equal(json_str(json_get(item, "state")), STR("applied"));
    return ERR_OK;
}

static enum err find_new(struct db_tx *tx, struct fail *f, void *arg)
{
    static const char *const lists[] = {"outcomes", "ahead"};
    struct heard_before *b = arg;
    enum err e = ERR_OK;

    b->all = b->h->mark == REGISTER_OUTCOMES;
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        const struct json *item = json_first(json_get(b->h->tree, lists[i]));
        for (; item && b->all && !e; item = item->next)
            e = applied_before(tx, f, item, &b->all);
    }
    return e;
}

/* Most outcomes of single changes were told ahead: what says nothing new is not written again. */
static enum err write_answer(struct hearing *h, struct fail *f)
{
    struct heard_before before = {.h = h};
    enum err e = json_count(json_get(h->tree, h->list)) <= REGISTER_TOLD_MOST
                     ? db_read(h->r->db, f, find_new, &before)
                     : ERR_OK;

    if (!e && before.all)
        return json_member_int(f, h->tree, "cursor", 0, INT64_MAX, &h->next);
    return e ? e : db_transaction(h->r->db, f, take_feed, h);
}

static enum err take_answer(struct hearing *h, struct fail *f)
{
    if (h->mark == REGISTER_OUTCOMES)
        register_tell_ahead(h->r, h->tree);
    enum err e = write_answer(h, f);
    register_tell(h->r);
    return e;
}

static enum err read_cursor(struct db_tx *tx, struct fail *f, void *arg)
{
    struct hearing *h = arg;

    return register_mark_get(tx, f, h->mark, &h->cursor);
}

static enum err hear_once(struct hearing *h, struct door_client *client, struct fail *f)
{
    char path[96];
    enum err e = h->placed ? ERR_OK : db_read(h->r->db, f, read_cursor, h);

    if (e)
        return e;
    h->placed = true;
    snprintf(path, sizeof path, "%s?after=%lld&wait=20", h->path, (long long)h->cursor);
    if ((e = door_client_call(client, f, path, (struct str){NULL, 0}, &h->answer, NULL)) ||
        (e = json_read(f, buf_str(&h->answer), &h->tree)))
        return e;
    const struct json *list = json_get(h->tree, h->list);
    if (json_count(list) || json_count(json_get(h->tree, "ahead")) || !json_is(list, JSON_ARRAY)) {
        e = take_answer(h, f);
        if (!e)
            h->cursor = h->next;
    }
    if (h->mark == REGISTER_NUMBERS)
        door_sender_wake(h->r); /* a number may have let a change go */
    json_free(h->tree);
    return e;
}

static void hear(struct hearing *h)
{
    struct door_client *client = NULL;
    struct fail f = {0};
    enum err e = door_client_new(&f, &h->r->door, &client), last = ERR_OK;

    buf_init(&h->answer, ANSWER_BYTES);
    while (!stopping(h->r)) {
        if (h->mark == REGISTER_NUMBERS && !is_level(h->r)) {
            sleep_until_woken(h->r, IDLE_MICROSECONDS, wakings(h->r));
            continue;
        }
        if (client)
            e = hear_once(h, client, &f);
        if (e && e != last && e != ERR_DOOR_LOST && !stopping(h->r))
            log_fail(LOG_WARNING, "door_feed", &f);
        last = e;
        if (e) {
            h->placed = false;
            sleep_until_woken(h->r, PAUSE_MOST / 5, wakings(h->r));
        }
    }
    door_client_free(client);
    buf_release(&h->answer);
}

static void *hear_outcomes(void *arg)
{
    hear(&(struct hearing){.r = arg,
                           .path = "/v1/outcomes",
                           .list = "outcomes",
                           .mark = REGISTER_OUTCOMES,
                           .take = take_outcome});
    return NULL;
}

static void *hear_numbers(void *arg)
{
    hear(&(struct hearing){
        .r = arg, .path = "/v1/numbers", .list = "numbers", .mark = REGISTER_NUMBERS, .take = take_number});
    return NULL;
}

/* ---- starting and stopping ---- */

enum err door_sender_start(struct resident_register *r, struct fail *f)
{
    const struct {
        pthread_t *thread;
        void *(*run)(void *);
    } threads[] = {{&r->sender, send_changes}, {&r->outcomes, hear_outcomes}, {&r->numbers, hear_numbers}};
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
    r->running = false;
}

/* ---- drawing codes ---- */

struct drawing {
    int64_t have, block;
    struct buf answer;
};

static enum err count_drawn(struct db_tx *tx, struct fail *f, void *arg)
{
    struct drawing *d = arg;
    struct db_rows rows;

    db_query(tx, &rows, &sql_register_drawn_count, DB_NONE);
    if (db_next(&rows))
        d->have = db_row_int(&rows, 0);
    enum err e = db_done(&rows, f);
    return e ? e : register_mark_get(tx, f, REGISTER_DRAWS, &d->block);
}

static enum err add_code(struct db_tx *tx, struct fail *f, const struct json *item)
{
    struct resident_code code;

    if (!json_is(item, JSON_STRING))
        return fail_set(f, ERR_DOOR_ANSWER, "resident_codes", NULL);
    enum err e = resident_code_parse(f, str_of(json_cstr(item)), &code);
    return e ? e : db_exec(tx, f, &sql_register_drawn_add, DB(db_int(code.value)), NULL);
}

static enum err keep_drawn(struct db_tx *tx, struct fail *f, void *arg)
{
    struct drawing *d = arg;
    struct json *tree;
    const struct json *list;
    enum err e = json_read(f, buf_str(&d->answer), &tree);

    if (e)
        return e;
    e = json_member_array(f, tree, "resident_codes", &list);
    for (const struct json *code = e ? NULL : json_first(list); code && !e; code = code->next)
        e = add_code(tx, f, code);
    json_free(tree);
    return e ? e : register_mark_set(tx, f, REGISTER_DRAWS, d->block + 1);
}

static enum err ask_codes(struct resident_register *r, struct fail *f, struct drawing *d, int64_t count)
{
    char body[96], area[AREA_CODE_TEXT_SIZE];
    int n = snprintf(body, sizeof body, "{\"draw\":\"register.%s/%lld\",\"count\":%lld}",
                     area_code_text(r->area, area), (long long)d->block + 1, (long long)count);
    return door_client_call(r->draw_client, f, "/v1/resident-codes", (struct str){body, (size_t)n},
                            &d->answer, NULL);
}

static int64_t at_most(int64_t count, int64_t most)
{
    return count < most ? count : most;
}

/* The block's name is its number, kept with the codes it gave: a draw whose answer was lost gives the same
 * again. A CS that has not so many ahead may have what is needed now. */
static enum err draw_block(struct resident_register *r, struct fail *f, struct drawing *d, int64_t count,
                           int64_t ahead)
{
    enum err e = ERR_OK;

    for (int i = 0; i < DRAW_TRIES; i++) {
        e = ask_codes(r, f, d, i ? at_most(count, REGISTER_DRAW_LEAST) : at_most(ahead, REGISTER_DRAW_MOST));
        if (!e || err_row(e)->http != 503 || stopping(r))
            break;
        if (i) /* the CS is asking the agency for more */
            sleep_until_woken(r, PAUSE_LEAST * 5, wakings(r));
    }
    return e ? e : db_transaction(r->db, f, keep_drawn, d);
}

enum err register_draw(struct resident_register *r, struct fail *f, int64_t count, int64_t ahead)
{
    struct drawing d = {0};
    enum err e = ERR_OK;

    buf_init(&d.answer, 1 << 20);
    pthread_mutex_lock(&r->drawing);
    if (!r->draw_client)
        e = r->door.url ? door_client_new(f, &r->door, &r->draw_client)
                        : fail_set(f, ERR_DOOR_LOST, "door", NULL);
    while (!e && !(e = db_read(r->db, f, count_drawn, &d)) && d.have < count)
        e = draw_block(r, f, &d, count - d.have, (ahead > count ? ahead : count) - d.have);
    pthread_mutex_unlock(&r->drawing);
    buf_release(&d.answer);
    return e;
}
