/* SPDX-License-Identifier: Apache-2.0 */
/* What the register hears from its CS: outcomes of its changes, Individual Numbers, and messages of other
 * municipalities. An answer is taken
 * whole, with the cursor behind it, or not at all. An outcome of a change that this register never made says
 * that a twin of it feeds the CS too, or that it is itself the old one. */
#include "register/register_inside.h"

#include "base/log.h"
#include "register/register_sql.h"

enum { FEED_PAUSE_MICROS = 1000000 }; /* after an error */
enum { FEED_WAIT_SECONDS = 20 };      /* the CS holds an answer back so long while it has nothing to say */

static enum err take_outcome(struct door_hearing *h, struct db_tx *tx, struct fail *f,
                             const struct json *item, struct arena *a)
{
    int64_t first, last;
    struct str state, error = {NULL, 0}, field = STR("");
    enum err e;

    if ((e = json_member_int(f, item, "first", 1, REGISTER_CHANGE_MOST, &first)) ||
        (e = json_member_int(f, item, "last", first, REGISTER_CHANGE_MOST, &last)) ||
        (e = json_member_text(f, item, "state", a, &state)) ||
        (e = json_member_text_maybe(f, item, "error", a, &error)) ||
        (e = json_member_text_maybe(f, item, "field", a, &field)))
        return e;
    if (!state.n || !strchr("awr", state.p[0]))
        return fail_set(f, ERR_DOOR_ANSWER, "state", NULL);
    h->told = last > h->told ? last : h->told;
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

static enum err fulfil(struct door_hearing *h, struct db_tx *tx, struct fail *f, int64_t person,
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

static enum err take_number(struct door_hearing *h, struct db_tx *tx, struct fail *f, const struct json *item,
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

static enum err take_list(struct door_hearing *h, struct db_tx *tx, struct fail *f, const char *name)
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
    struct door_hearing *h = arg;
    const struct json *list;
    int64_t cursor, made = 0;
    enum err e;

    h->told = 0;
    if ((e = json_member_int(f, h->tree, "cursor", 0, INT64_MAX, &cursor)) ||
        (e = json_member_array(f, h->tree, h->list, &list)) || (e = take_list(h, tx, f, h->list)) ||
        (e = take_list(h, tx, f, "ahead")) || (e = register_mark_get(tx, f, REGISTER_CHANGES, &made)))
        return e;
    h->beyond = h->told > made;
    h->next = cursor;
    return register_mark_set(tx, f, h->mark, cursor);
}

struct heard_before {
    const struct door_hearing *h;
    bool all;
};

static enum err applied_before(struct db_tx *tx, struct fail *f, const struct json *item, bool *before)
{
    int64_t first, last;
    struct register_outcome known;
    enum err e;

    if ((e = json_member_int(f, item, "first", 1, REGISTER_CHANGE_MOST, &first)) ||
        (e = json_member_int(f, item, "last", first, REGISTER_CHANGE_MOST, &last)) ||
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
static enum err write_answer(struct door_hearing *h, struct fail *f)
{
    struct heard_before before = {.h = h};
    enum err e = json_count(json_get(h->tree, h->list)) <= REGISTER_TOLD_MOST
                     ? db_read(h->r->db, f, find_new, &before)
                     : ERR_OK;

    if (!e && before.all)
        return json_member_int(f, h->tree, "cursor", 0, INT64_MAX, &h->next);
    return e ? e : db_transaction(h->r->db, f, take_feed, h);
}

static enum err take_answer(struct door_hearing *h, struct fail *f)
{
    const bool outcomes = h->mark == REGISTER_OUTCOMES;
    if (outcomes)
        register_tell_ahead(h->r, h->tree);
    h->beyond = false;
    enum err e = write_answer(h, f);
    if (!e && h->beyond)
        door_ask_again(h->r);
    if (outcomes)
        register_tell_written(h->r);
    return e;
}

static enum err read_cursor(struct db_tx *tx, struct fail *f, void *arg)
{
    struct door_hearing *h = arg;

    return register_mark_get(tx, f, h->mark, &h->cursor);
}

enum err door_hear_once(struct door_hearing *h, struct door_client *client, struct fail *f)
{
    char path[96];
    const bool first = !h->placed; /* who answers is to be known at once */
    enum err e = first ? db_read(h->r->db, f, read_cursor, h) : ERR_OK;

    if (e)
        return e;
    h->placed = true;
    snprintf(path, sizeof path, "%s?after=%lld&wait=%d", h->path, (long long)h->cursor,
             first ? 0 : FEED_WAIT_SECONDS);
    if ((e = door_client_call(client, f, path, (struct str){NULL, 0}, &h->answer, NULL)) ||
        (e = json_read(f, buf_str(&h->answer), &h->tree)))
        return e;
    const struct json *list = json_get(h->tree, h->list);
    if (json_count(list) || json_count(json_get(h->tree, "ahead")) || !json_is(list, JSON_ARRAY)) {
        e = take_answer(h, f);
        if (!e)
            h->cursor = h->next;
    }
    if (h->mark != REGISTER_OUTCOMES)
        door_sender_wake(h->r); /* a number may have let a change go, a message may have made one */
    json_free(h->tree);
    return e;
}

struct door_hearing door_hearing_outcomes(struct resident_register *r)
{
    return (struct door_hearing){
        .r = r, .path = "/v1/outcomes", .list = "outcomes", .mark = REGISTER_OUTCOMES, .take = take_outcome};
}

struct door_hearing door_hearing_numbers(struct resident_register *r)
{
    return (struct door_hearing){
        .r = r, .path = "/v1/numbers", .list = "numbers", .mark = REGISTER_NUMBERS, .take = take_number};
}

struct door_hearing door_hearing_messages(struct resident_register *r)
{
    return (struct door_hearing){.r = r,
                                 .path = "/v1/messages",
                                 .list = "messages",
                                 .mark = REGISTER_MESSAGES,
                                 .take = register_take_message};
}

static void hear(struct door_hearing hearing)
{
    struct door_hearing *h = &hearing;
    struct door_client *client = NULL;
    struct fail f = {0};
    enum err e, last = ERR_OK;

    buf_init(&h->answer, DOOR_ANSWER_BYTES);
    while (!door_stopping(h->r)) {
        if (h->mark != REGISTER_OUTCOMES && !door_level(h->r)) {
            door_sleep(h->r, DOOR_IDLE_MICROS, door_wakings(h->r));
            continue;
        }
        e = client ? ERR_OK : door_client_new(&f, &h->r->door, &client);
        if (!e)
            e = door_hear_once(h, client, &f);
        if (e && e != last && e != ERR_DOOR_LOST && !door_stopping(h->r))
            log_fail(LOG_WARNING, "door_feed", &f);
        /* who answers now, or next, may have taken less: what the sender knows may be of another */
        if ((e && door_level(h->r)) || (client && door_client_connected_anew(client)))
            door_ask_again(h->r);
        last = e;
        if (e) {
            h->placed = false;
            door_pause(h->r, FEED_PAUSE_MICROS); /* not woken by the sender, who asks because of this */
        }
    }
    door_client_free(client);
    buf_release(&h->answer);
}

void *door_hear_outcomes(void *arg)
{
    hear(door_hearing_outcomes(arg));
    return NULL;
}

void *door_hear_numbers(void *arg)
{
    hear(door_hearing_numbers(arg));
    return NULL;
}

void *door_hear_messages(void *arg)
{
    hear(door_hearing_messages(arg));
    return NULL;
}
