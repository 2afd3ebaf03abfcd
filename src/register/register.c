/* SPDX-License-Identifier: Apache-2.0 */
/* Decides the life of a register, and answers what stands where with it. */
#include "register/register.h"

#include "base/clock.h"
#include "register/register_inside.h"
#include "register/register_sql.h"

enum { BODY_MAX = MESSAGE_BYTES_MAX, SCRATCH_BYTES = 1 << 20, PROBLEM_PAGE = 200, ANSWER_MAX = 64 << 10 };

static enum err keep_text(struct fail *f, const char *text, char **kept, const char **out)
{
    if (!text)
        return ERR_OK;
    size_t n = strlen(text) + 1;
    if (!(*kept = memory_new(n)))
        return fail_set(f, ERR_MEMORY, "register", NULL);
    memcpy(*kept, text, n);
    *out = *kept;
    return ERR_OK;
}

static enum err configure(struct fail *f, struct resident_register *r, const struct register_config *config)
{
    enum err e;

    r->area = config->area;
    r->cs = area_code_cs(config->area);
    r->supplement_create = config->supplement_create;
    r->db = config->db;
    if (!area_code_find(config->area) || !r->cs.value)
        return fail_set(f, ERR_AREA_CODE_UNKNOWN, "area", NULL);
    if ((e = keep_text(f, config->door_url, &r->texts[0], &r->door.url)) ||
        (e = keep_text(f, config->tls_key_path, &r->texts[1], &r->door.tls_key_path)) ||
        (e = keep_text(f, config->tls_certificate_path, &r->texts[2], &r->door.tls_certificate_path)) ||
        (e = keep_text(f, config->ca_path, &r->texts[3], &r->door.ca_path)))
        return e;
    r->door.area = config->area;
    r->door.stopping = &r->stopping;
    return ERR_OK;
}

enum err register_new(struct fail *f, const struct register_config *config, struct resident_register **out)
{
    struct resident_register *r = memory_new(sizeof *r);
    pthread_condattr_t steady;

    if (!r)
        return fail_set(f, ERR_MEMORY, "register", NULL);
    pthread_mutex_init(&r->lock, NULL);
    pthread_mutex_init(&r->drawing, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&r->wake, &steady);
    pthread_cond_init(&r->heard, &steady);
    pthread_condattr_destroy(&steady);
    enum err e = configure(f, r, config);
    if (!e)
        e = tally_new(f, r->db, &sql_register_tally_page, &r->lives);
    if (e)
        register_free(r);
    else
        *out = r;
    return e;
}

enum err register_start(struct resident_register *r, struct fail *f)
{
    return r->door.url ? door_sender_start(r, f) : fail_set(f, ERR_CONFIG, "door_url", NULL);
}

void register_stop(struct resident_register *r)
{
    if (r)
        door_sender_stop(r);
}

void register_free(struct resident_register *r)
{
    if (!r)
        return;
    register_stop(r);
    door_client_free(r->draw_client);
    tally_free(r->lives);
    for (size_t i = 0; i < COUNT_OF(r->texts); i++)
        memory_free(r->texts[i]);
    pthread_cond_destroy(&r->wake);
    pthread_cond_destroy(&r->heard);
    pthread_mutex_destroy(&r->drawing);
    pthread_mutex_destroy(&r->lock);
    memory_free(r);
}

/* ---- where it stands ---- */

static enum err count_waiting(struct db_tx *tx, struct fail *f, struct register_status *out)
{
    struct db_rows rows;

    db_query(tx, &rows, &sql_register_provisional_count, DB_NONE);
    if (db_next(&rows))
        out->provisional = db_row_int(&rows, 0);
    enum err e = db_done(&rows, f);
    if (e)
        return e;
    db_query(tx, &rows, &sql_register_wish_count, DB_NONE);
    if (db_next(&rows))
        out->awaiting_number = db_row_int(&rows, 0);
    return db_done(&rows, f);
}

static enum err count_changes(struct db_tx *tx, struct fail *f, struct register_status *out)
{
    struct db_rows rows;
    enum err e;

    if ((e = register_mark_get(tx, f, REGISTER_CHANGES, &out->changes)) ||
        (e = register_mark_get(tx, f, REGISTER_TAKEN, &out->taken)))
        return e;
    db_query(tx, &rows, &sql_register_range_sum, DB_NONE);
    while (db_next(&rows)) {
        int64_t state = db_row_int(&rows, 0), count = db_row_int(&rows, 1);
        if (state == 'a')
            out->applied = count;
        else if (state == 'w')
            out->waiting = count;
        else if (state == 'r')
            out->refused = count;
        else
            out->replaced = count;
    }
    return db_done(&rows, f);
}

static enum err count_back(struct db_tx *tx, struct fail *f, struct register_status *out)
{
    struct db_rows rows;
    int64_t back = BACK_NONE;
    enum err e = register_mark_get(tx, f, REGISTER_BACK, &back);

    if (e)
        return e;
    out->to_take_back = back > 0 ? back - out->changes : back;
    db_query(tx, &rows, &sql_register_back_count, DB_NONE);
    if (db_next(&rows))
        out->lacking = db_row_int(&rows, 0) + db_row_int(&rows, 1);
    return db_done(&rows, f);
}

static enum err read_status(struct db_tx *tx, struct fail *f, void *arg)
{
    struct register_status *out = arg;
    enum err e;

    *out = (struct register_status){0};
    if ((e = count_waiting(tx, f, out)) || (e = count_changes(tx, f, out)))
        return e;
    return count_back(tx, f, out);
}

enum err register_status(struct resident_register *r, struct fail *f, struct register_status *out)
{
    struct register_status status;
    struct tally_counts lives;
    enum err e = db_read(r->db, f, read_status, &status);

    if (!e)
        e = tally_read(r->lives, f, &lives);
    if (e)
        return e;
    status.residents = lives.rows[LIFE_CURRENT];
    status.leaving = lives.rows[LIFE_LEAVING];
    status.removed = lives.rows[LIFE_REMOVED];
    pthread_mutex_lock(&r->lock);
    status.door_connected = r->connected;
    status.trouble = r->trouble;
    pthread_mutex_unlock(&r->lock);
    *out = status;
    return ERR_OK;
}

static enum err touch(struct db_tx *tx, struct fail *f, void *arg UNUSED)
{
    /* a row that stayed as it is would not be written */
    return db_exec(tx, f, &sql_register_mark_touch, DB(db_int(REGISTER_HEALTH), db_int(clock_steady())),
                   NULL);
}

enum err register_health(struct resident_register *r, struct fail *f)
{
    enum err e = db_health(r->db, f); /* says at once when PostgreSQL is away */

    return e ? e : db_transaction(r->db, f, touch, NULL);
}

/* ---- problems ---- */

struct problem_page {
    struct register_problem items[PROBLEM_PAGE];
    size_t count;
    int64_t after;
};

/* The changes of one range that stand behind the page's mark, as far as there is room. */
static void add_range(struct problem_page *page, const struct db_rows *row)
{
    int64_t first = db_row_int(row, 0), last = db_row_int(row, 1);

    if (first <= page->after)
        first = page->after + 1;
    for (int64_t n = first; n <= last && page->count < PROBLEM_PAGE; n++) {
        struct register_problem *p = &page->items[page->count++];
        *p = (struct register_problem){.change = n,
                                       .state = (char)db_row_int(row, 2),
                                       .error = (enum err)db_row_int(row, 3),
                                       .since = db_row_int(row, 5)};
        snprintf(p->field, sizeof p->field, "%.*s", STR_ARG(db_row_text(row, 4)));
    }
}

static enum err read_problems(struct db_tx *tx, struct fail *f, void *arg)
{
    struct problem_page *page = arg;
    struct db_rows rows;

    page->count = 0;
    db_query(tx, &rows, &sql_register_range_problems, DB(db_int(page->after), db_int(PROBLEM_PAGE)));
    while (page->count < PROBLEM_PAGE && db_next(&rows))
        add_range(page, &rows);
    enum err e = db_done(&rows, f);
    for (size_t i = 0; !e && i < page->count; i++) {
        struct register_problem *p = &page->items[i];
        db_query(tx, &rows, &sql_register_change_record, DB(db_int(p->change)));
        if (db_next(&rows))
            snprintf(p->record, sizeof p->record, "%.*s", STR_ARG(db_row_text(&rows, 0)));
        e = db_done(&rows, f);
    }
    return e;
}

/* A person has one wish at a time, so what was refused of them is few: one page holds it. */
static enum err read_refused_wishes(struct db_tx *tx, struct fail *f, void *arg)
{
    struct problem_page *page = arg;
    struct db_rows rows;

    page->count = 0;
    db_query(tx, &rows, &sql_register_wish_refusals, DB_NONE);
    while (page->count < PROBLEM_PAGE && db_next(&rows)) {
        struct register_problem *p = &page->items[page->count++];
        *p = (struct register_problem){
            .state = 'r', .error = (enum err)db_row_int(&rows, 1), .since = db_row_int(&rows, 3)};
        snprintf(p->record, sizeof p->record, "%.*s", STR_ARG(db_row_text(&rows, 0)));
        snprintf(p->field, sizeof p->field, "%.*s", STR_ARG(db_row_text(&rows, 2)));
    }
    return db_done(&rows, f);
}

enum err register_problems(struct resident_register *r, struct fail *f,
                           void (*each)(void *arg, const struct register_problem *p), void *arg)
{
    struct problem_page *page = memory_new(sizeof *page);
    enum err e = page ? ERR_OK : fail_set(f, ERR_MEMORY, "problems", NULL);

    if (e)
        return e;
    do {
        e = db_read(r->db, f, read_problems, page);
        for (size_t i = 0; !e && i < page->count; i++) {
            each(arg, &page->items[i]);
            page->after = page->items[i].change;
        }
    } while (!e && page->count == PROBLEM_PAGE);
    if (!e)
        e = db_read(r->db, f, read_refused_wishes, page);
    for (size_t i = 0; !e && i < page->count; i++)
        each(arg, &page->items[i]);
    memory_free(page);
    return e;
}

/* ---- by a person's hand ---- */

enum err register_resend(struct resident_register *r, struct fail *f, int64_t first, int64_t last)
{
    char body[96];
    struct door_client *client;
    struct buf answer;

    if (!r->door.url)
        return fail_set(f, ERR_CONFIG, "door_url", NULL);
    enum err e = door_client_new(f, &r->door, &client);
    if (e)
        return e;
    buf_init(&answer, ANSWER_MAX);
    int n = snprintf(body, sizeof body, "{\"first\":%lld,\"last\":%lld}", (long long)first, (long long)last);
    e = door_client_call(client, f, "/v1/resend", (struct str){body, (size_t)n}, &answer, NULL);
    buf_release(&answer);
    door_client_free(client);
    return e;
}

struct replacement {
    struct resident_register *r;
    struct buf body;
    struct arena scratch;
    int64_t refused, change;
    bool withdraw;
};

static enum err write_withdrawal(struct register_batch *b, struct fail *f, int64_t refused)
{
    buf_clear(b->body);
    json_begin(b->body, NULL, '{');
    json_add_int(b->body, "number", b->change + 1);
    json_add_int(b->body, "replaces", refused);
    json_add_bool(b->body, "withdrawn", true);
    json_end(b->body, '}');
    enum err e = db_exec(b->tx, f, &sql_register_change_add,
                         DB(db_int(b->change + 1), db_int(0), db_text(buf_str(b->body)), db_int(0)), NULL);
    if (e)
        return e;
    b->change++;
    return change_corrected(b->tx, f, refused);
}

/* The refused change told of one version; what is told in its place is the record as it stands now. */
static enum err write_again(struct register_batch *b, struct fail *f, struct replacement *p)
{
    struct resident_version told, now;
    struct db_rows rows;
    int64_t resident = 0;
    bool is_message;
    enum err e = register_batch_message_again(b, f, p->refused, &is_message);

    if (e || is_message)
        return e;
    db_query(b->tx, &rows, &sql_register_change_resident, DB(db_int(p->refused)));
    if (db_next(&rows))
        resident = db_row_int(&rows, 0);
    if ((e = db_done(&rows, f)) || (e = resident_version_get(b->tx, f, resident, &p->scratch, &told)) ||
        (e = resident_version_latest(b->tx, f, told.person, &p->scratch, &now)))
        return e;
    const struct change change = {.reason = told.sent_reason,
                                  .date = told.sent_date,
                                  .planned = told.planned && told.sent_reason == CHANGE_MOVE_OUT};
    if (change_row(change.reason)->group == CHANGE_CODE_AMENDMENT ||
        change_row(change.reason)->group == CHANGE_NUMBER_AMENDMENT)
        return fail_set(f, ERR_STATE, "change", "give it up and enter it anew");
    db_query(b->tx, &rows, &sql_register_code_find, DB(db_int(told.row.identity.resident_code.value)));
    bool still = db_next(&rows) && db_row_int(&rows, 0) == told.person;
    if ((e = db_done(&rows, f)))
        return e;
    if (still) /* else it was given by mistake, and taken back since */
        now.row.identity.resident_code = told.row.identity.resident_code;
    now.id = told.id;
    return register_batch_queue(b, f, &now, &change, p->refused);
}

static enum err replace(struct db_tx *tx, struct fail *f, void *arg)
{
    struct replacement *p = arg;
    struct register_batch b = {.register_ = p->r, .tx = tx, .body = &p->body};
    char state;
    enum err error, e;

    arena_reset(&p->scratch);
    if ((e = register_batch_begin(&b, f)) || (e = change_range_find(tx, f, p->refused, &state, &error)))
        return e;
    if (state != 'r')
        return fail_set(f, ERR_STATE, "change", "it was not refused");
    if ((e = p->withdraw ? write_withdrawal(&b, f, p->refused) : write_again(&b, f, p)))
        return e;
    p->change = b.change;
    return register_batch_end(&b, f);
}

enum err register_replace(struct resident_register *r, struct fail *f, int64_t refused, bool withdraw,
                          int64_t *change)
{
    struct replacement p = {.r = r, .refused = refused, .withdraw = withdraw};

    buf_init(&p.body, BODY_MAX);
    arena_init(&p.scratch, SCRATCH_BYTES);
    enum err e = db_transaction(r->db, f, replace, &p);
    if (!e) {
        *change = p.change;
        door_sender_wake(r);
    }
    arena_release(&p.scratch);
    buf_release(&p.body);
    return e;
}
