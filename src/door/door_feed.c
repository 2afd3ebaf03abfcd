/* SPDX-License-Identifier: Apache-2.0 */
/* Decides what goes back to the register: the feed of outcomes and the feed of Individual Numbers.
 *
 * A feed is a table with a cursor 1, 2, 3 ... in the order of commits; a reader says how far it has read, and
 * may wait until something is behind that. Nothing is taken off a feed by reading. */
#include "door/door_inside.h"

#include "base/clock.h"
#include "door/door_sql.h"
#include "door/telegram_837y.h"

static const struct {
    char letter;
    const char *word;
} states[] = {{'a', "applied"}, {'w', "waiting"}, {'r', "refused"}};

static const char *state_word(int64_t letter)
{
    for (size_t i = 0; i < COUNT_OF(states); i++)
        if (states[i].letter == letter)
            return states[i].word;
    return "unknown";
}

enum err door_number_came(void *self, struct db_tx *tx, struct fail *f, struct resident_code code,
                          struct individual_number number, int64_t change)
{
    struct door *d = self;
    enum err e = door_mark_step(tx, f, DOOR_NUMBERS);

    atomic_store(&d->touched[DOOR_FEED_NUMBERS], true);
    return e ? e
             : db_exec(tx, f, &sql_door_number_add,
                       DB(db_int(DOOR_NUMBERS), db_int(change), db_int(code.value), db_int(number.value)),
                       NULL);
}

enum err door_outcome_came(void *self, struct db_tx *tx, struct fail *f, int64_t first, int64_t last,
                           char state, int64_t error, struct str field)
{
    struct door *d = self;
    enum err e = door_mark_step(tx, f, DOOR_OUTCOMES);

    atomic_store(&d->touched[DOOR_FEED_OUTCOMES], true);
    return e ? e
             : db_exec(tx, f, &sql_door_outcome_add,
                       DB(db_int(DOOR_OUTCOMES), db_int(first), db_int(last), db_int(state), db_int(error),
                          db_text(field.p ? field : STR("")), db_int(clock_now())),
                       NULL);
}

void door_outcome_ahead(void *self, int64_t first, int64_t last)
{
    struct door *d = self;

    pthread_mutex_lock(&d->lock);
    if (d->ahead.count < DOOR_AHEAD_MOST) { /* nobody listens: the outcome itself will do */
        d->ahead.ranges[d->ahead.count].first = first;
        d->ahead.ranges[d->ahead.count++].last = last;
    }
    d->generation[DOOR_FEED_OUTCOMES]++;
    pthread_cond_broadcast(&d->wake);
    pthread_mutex_unlock(&d->lock);
}

/* What was told ahead, once, to whoever waits for outcomes. False: nothing was. */
static bool page_ahead(struct door *d, struct buf *out, int64_t cursor)
{
    pthread_mutex_lock(&d->lock);
    const struct door_ahead ahead = d->ahead;
    d->ahead.count = 0;
    pthread_mutex_unlock(&d->lock);
    if (!ahead.count)
        return false;
    buf_clear(out);
    json_begin(out, NULL, '{');
    json_begin(out, "outcomes", '[');
    json_end(out, ']');
    json_begin(out, "ahead", '[');
    for (size_t i = 0; i < ahead.count; i++) {
        json_begin(out, NULL, '{');
        json_add_int(out, "first", ahead.ranges[i].first);
        json_add_int(out, "last", ahead.ranges[i].last);
        json_add_text(out, "state", STR("applied"));
        json_end(out, '}');
    }
    json_end(out, ']');
    json_add_int(out, "cursor", cursor);
    json_end(out, '}');
    return true;
}

static enum err page_outcomes(struct db_tx *tx, struct fail *f, void *arg)
{
    struct door_page *p = arg;
    struct buf *out = &p->request->out;
    struct db_rows rows;

    buf_clear(out);
    p->rows = 0;
    p->cursor = p->request->after;
    json_begin(out, NULL, '{');
    json_begin(out, "outcomes", '[');
    db_query(tx, &rows, &sql_door_outcome_after, DB(db_int(p->cursor), db_int(DOOR_PAGE)));
    for (; db_next(&rows); p->rows++) {
        p->cursor = db_row_int(&rows, 0);
        json_begin(out, NULL, '{');
        json_add_int(out, "first", db_row_int(&rows, 1));
        json_add_int(out, "last", db_row_int(&rows, 2));
        json_add_text(out, "state", str_of(state_word(db_row_int(&rows, 3))));
        if (db_row_int(&rows, 4))
            door_refusal_write(out, (enum err)db_row_int(&rows, 4), db_row_text(&rows, 5));
        json_end(out, '}');
    }
    json_end(out, ']');
    json_add_int(out, "cursor", p->cursor);
    json_end(out, '}');
    return db_done(&rows, f);
}

static bool within(const struct door_page *p, int64_t cursor)
{
    return !p->request->until || cursor <= p->request->until;
}

static enum err page_numbers(struct db_tx *tx, struct fail *f, void *arg)
{
    struct door_page *p = arg;
    struct buf *out = &p->request->out;
    char code[RESIDENT_CODE_TEXT_SIZE], number[INDIVIDUAL_NUMBER_TEXT_SIZE];
    struct db_rows rows;

    buf_clear(out);
    p->rows = 0;
    p->cursor = p->request->after;
    json_begin(out, NULL, '{');
    json_begin(out, "numbers", '[');
    db_query(tx, &rows, &sql_door_number_after, DB(db_int(p->cursor), db_int(DOOR_PAGE)));
    for (; db_next(&rows) && within(p, db_row_int(&rows, 0)); p->rows++) {
        p->cursor = db_row_int(&rows, 0);
        json_begin(out, NULL, '{');
        json_add_int(out, "change", db_row_int(&rows, 1));
        json_add_text(out, "resident_code",
                      str_of(resident_code_REVEAL((struct resident_code){db_row_int(&rows, 2)}, code)));
        json_add_text(
            out, "individual_number",
            str_of(individual_number_REVEAL((struct individual_number){db_row_int(&rows, 3)}, number)));
        json_end(out, '}');
    }
    json_end(out, ']');
    json_add_int(out, "cursor", p->cursor);
    json_end(out, '}');
    return db_done(&rows, f);
}

static enum err add_telegram(struct fail *f, const struct door_page *p, struct telegram_person *persons,
                             size_t *count)
{
    enum err e = *count ? telegram_837y_write(f, p->door->area, persons, *count, &p->request->out) : ERR_OK;

    *count = 0;
    return e;
}

static enum err page_telegrams(struct db_tx *tx, struct fail *f, void *arg)
{
    struct door_page *p = arg;
    struct telegram_person persons[TELEGRAM_837Y_PERSONS];
    size_t count = 0;
    struct db_rows rows;
    enum err e = ERR_OK;

    buf_clear(&p->request->out);
    p->rows = 0;
    p->cursor = p->request->after;
    db_query(tx, &rows, &sql_door_number_after, DB(db_int(p->cursor), db_int(DOOR_PAGE)));
    for (; !e && db_next(&rows); p->rows++) {
        p->cursor = db_row_int(&rows, 0);
        persons[count].code.value = db_row_int(&rows, 2);
        persons[count++].number.value = db_row_int(&rows, 3);
        if (count == TELEGRAM_837Y_PERSONS)
            e = add_telegram(f, p, persons, &count);
    }
    enum err done = db_done(&rows, e ? NULL : f);
    if (!e && !(e = done))
        e = add_telegram(f, p, persons, &count);
    return e;
}

/* True when the feed may have grown since `seen`; false at the deadline or the end. */
static bool wait_for_more(struct door *d, enum door_feed feed, uint64_t seen, int64_t deadline)
{
    const struct timespec until = {deadline / 1000000, deadline % 1000000 * 1000};
    int late = 0;

    pthread_mutex_lock(&d->lock);
    while (!d->stopping && d->generation[feed] == seen && !late)
        late = pthread_cond_timedwait(&d->wake, &d->lock, &until);
    bool more = !d->stopping && d->generation[feed] != seen;
    pthread_mutex_unlock(&d->lock);
    return more;
}

static uint64_t generation(struct door *d, enum door_feed feed)
{
    pthread_mutex_lock(&d->lock);
    uint64_t seen = d->generation[feed];
    pthread_mutex_unlock(&d->lock);
    return seen;
}

enum err door_feed_read(struct door *d, enum door_feed feed, struct door_request *r, struct fail *f,
                        db_fn page_of, struct door_page *p)
{
    int64_t deadline = clock_steady() + r->wait * 1000000;
    uint64_t seen;

    *p = (struct door_page){.door = d, .request = r};
    do {
        seen = generation(d, feed);
        if (feed == DOOR_FEED_OUTCOMES && r->wait && page_ahead(d, &r->out, r->after)) {
            p->cursor = r->after;
            return ERR_OK;
        }
        enum err e = db_read(d->flow->db, f, page_of, p);
        if (e)
            return e;
    } while (!p->rows && r->wait && wait_for_more(d, feed, seen, deadline));
    return ERR_OK;
}

enum err door_outcomes_read(struct door *d, struct door_request *r, struct fail *f)
{
    struct door_page page;
    enum err e = door_feed_read(d, DOOR_FEED_OUTCOMES, r, f, page_outcomes, &page);

    r->cursor = e ? -1 : page.cursor;
    return e;
}

enum err door_numbers_read(struct door *d, struct door_request *r, struct fail *f)
{
    struct door_page page;
    enum err e = door_feed_read(d, DOOR_FEED_NUMBERS, r, f, page_numbers, &page);

    r->cursor = e ? -1 : page.cursor;
    return e;
}

enum err door_telegrams_read(struct door *d, struct door_request *r, struct fail *f)
{
    struct door_page page;
    enum err e = door_feed_read(d, DOOR_FEED_NUMBERS, r, f, page_telegrams, &page);

    r->cursor = e ? -1 : page.cursor;
    r->content_type = "application/octet-stream";
    return e;
}
