/* SPDX-License-Identifier: Apache-2.0 */
/* Decides how a register that was restored takes back from its CS what that has taken since the backup
 * (GET /v1/changes of the door).
 *
 * Somebody must have said that the database is a restored one (register_restored): an old copy that is
 * started by mistake beside the register must not become its twin. Until all is back nothing new is taken in,
 * since it would be made on old records and under used numbers. A page is one transaction, with the marks:
 * killed at any moment, the next page is the one behind what is on disk, and a change that is there is passed
 * over.
 *
 * The CS knows what the network is told, no more. So a version that is taken back keeps of household, 続柄,
 * 本籍 and the like what the version before it had; a record that is not in the backup gets UNKNOWN for what
 * must not be empty, and a name of its own. Each stands in register_back until its event is given again
 * (register_claim.c), and a person can see them there. Of a change that the door refused only the number and
 * the reason come back. Codes that the lost copy had drawn are left alone: it may have given them to somebody
 * whose change never left. */
#include "register/register_inside.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/sha256.h"
#include "register/register_sql.h"

#define UNKNOWN STR("（未復元）")
enum { BODY_MAX = 16 << 10, SCRATCH_BYTES = 1 << 20, NAME_SIZE = 48, LIST_PAGE = 200 };
static const int64_t DRAWS_PASSED =
    1000000; /* more blocks of codes than a register draws between two backups */

/* ---- the mark ---- */

static enum err mark_restored(struct db_tx *tx, struct fail *f, void *arg)
{
    int64_t draws = 0;
    enum err e = register_mark_get(tx, f, REGISTER_DRAWS, &draws);

    (void)arg;
    if (!e)
        e = register_mark_set(tx, f, REGISTER_DRAWS, draws + DRAWS_PASSED);
    if (!e)
        e = register_mark_set(tx, f, REGISTER_BACK, BACK_ASK);
    return e ? e : db_exec(tx, f, &sql_register_drawn_clear, DB_NONE, NULL);
}

enum err register_restored(struct fail *f, struct db *db)
{
    return db_transaction(db, f, mark_restored, NULL);
}

struct beginning {
    int64_t taken, before, have;
};
static enum err begin_back(struct db_tx *tx, struct fail *f, void *arg)
{
    struct beginning *b = arg;
    enum err e = register_mark_get(tx, f, REGISTER_BACK, &b->before);

    if (!e)
        e = register_mark_get(tx, f, REGISTER_CHANGES, &b->have);
    if (e)
        return e;
    if (b->before == BACK_NONE)
        return fail_set(f, ERR_REGISTER_OLD, "changes", "the CS has taken %lld, this register made %lld",
                        (long long)b->taken, (long long)b->have);
    return register_mark_set(tx, f, REGISTER_BACK, b->taken);
}

enum err register_back_begin(struct resident_register *r, struct fail *f, int64_t taken)
{
    struct beginning b = {.taken = taken};
    enum err e = db_transaction(r->db, f, begin_back, &b);

    if (!e)
        LOG(LOG_ALARM, "register_old", LOG_NUMBER("have", b.have), LOG_NUMBER("taken", taken),
            LOG_TEXT("doing", "taking back"));
    return e;
}

static enum err end_back(struct db_tx *tx, struct fail *f, void *arg)
{
    int64_t *before = arg;
    enum err e = register_mark_get(tx, f, REGISTER_BACK, before);

    return e || *before == BACK_NONE ? e : register_mark_set(tx, f, REGISTER_BACK, BACK_NONE);
}

enum err register_back_end(struct resident_register *r, struct fail *f)
{
    int64_t before = BACK_NONE;
    enum err e = db_transaction(r->db, f, end_back, &before);

    if (!e && before != BACK_NONE)
        LOG(LOG_INFO, "register_complete", LOG_TEXT("because", "the CS has taken nothing that is not here"));
    return e;
}

/* ---- one change ---- */

struct item {
    int64_t number, replaces, version, code; /* code: who waits behind a refused change */
    bool withdrawn, gone;
    enum err error; /* of a refused change */
    struct str field;
    struct identity identity;
    struct change change;
};

static enum err read_refusal(struct fail *f, const struct json *refused, const struct json *codes,
                             struct arena *a, struct item *out)
{
    struct str name = {NULL, 0};
    struct resident_code code;
    const struct json *first = json_first(codes);
    enum err e = json_member_text(f, refused, "error", a, &name);

    if (!e)
        e = json_member_text_maybe(f, refused, "field", a, &out->field);
    if (e)
        return e;
    out->error = door_client_err(name);
    if (json_is(first, JSON_STRING) && !resident_code_parse(NULL, str_of(json_cstr(first)), &code))
        out->code = code.value;
    return ERR_OK;
}

static enum err read_item(struct fail *f, const struct json *json, struct arena *a, struct item *out)
{
    const struct json *part = NULL;
    enum err e;

    *out = (struct item){.field = STR("")};
    if ((e = json_member_int(f, json, "number", 1, REGISTER_CHANGE_MOST, &out->number)) ||
        (e = json_member_int_maybe(f, json, "replaces", 1, out->number - 1, &out->replaces)) ||
        (e = json_member_int_maybe(f, json, "version", 1, INT64_MAX, &out->version)) ||
        (e = json_member_bool_maybe(f, json, "withdrawn", &out->withdrawn)) ||
        (e = json_member_bool_maybe(f, json, "gone", &out->gone)))
        return e;
    if ((part = json_get(json, "refused")))
        return read_refusal(f, part, json_get(json, "resident_codes"), a, out);
    if (out->withdrawn || out->gone)
        return ERR_OK;
    e = json_member_object(f, json, "identity", &part);
    return e ? e : identity_json_read(f, part, a, &out->identity, &out->change);
}

enum err register_content(struct fail *f, struct buf *scratch, const struct identity *identity,
                          const struct change *change, uint8_t out[static REGISTER_CONTENT_SIZE])
{
    struct identity who = *identity;
    const struct change what = {.reason = change->reason, .date = change->date, .planned = change->planned};

    who.resident_code.value = 0;
    who.has_individual_number = false;
    buf_clear(scratch);
    identity_json_write(scratch, NULL, &who, &what);
    const struct sha256 hash = sha256_of(buf_str(scratch));
    memcpy(out, hash.bytes, REGISTER_CONTENT_SIZE);
    return buf_check(scratch, f, "content");
}

/* The reason of the register that tells most often of a legal one; the event says better, if it comes again.
 */
static enum municipal_reason usual_reason(enum change_reason legal)
{
    static const struct {
        enum change_reason legal;
        enum municipal_reason usual;
    } rows[] = {
        {CHANGE_MOVE_IN, MUNICIPAL_DOMESTIC_MOVE_IN},
        {CHANGE_BIRTH, MUNICIPAL_BIRTH},
        {CHANGE_EX_OFFICIO_ENTRY, MUNICIPAL_EX_OFFICIO_ENTRY},
        {CHANGE_MOVE_OUT, MUNICIPAL_DOMESTIC_MOVE_OUT},
        {CHANGE_DEATH, MUNICIPAL_DEATH},
        {CHANGE_EX_OFFICIO_REMOVAL, MUNICIPAL_EX_OFFICIO_REMOVAL},
        {CHANGE_MOVE_WITHIN, MUNICIPAL_MOVE_WITHIN},
        {CHANGE_MINOR_CORRECTION, MUNICIPAL_MINOR_CORRECTION},
        {CHANGE_EX_OFFICIO_AMENDMENT, MUNICIPAL_EX_OFFICIO_AMENDMENT},
        {CHANGE_CODE_CHANGE_REQUEST, MUNICIPAL_CODE_CHANGE_REQUEST},
        {CHANGE_CODE_EX_OFFICIO_ENTRY, MUNICIPAL_CODE_ENTRY},
        {CHANGE_NUMBER_CHANGE_REQUEST, MUNICIPAL_NUMBER_CHANGE_REQUEST},
        {CHANGE_NUMBER_EX_OFFICIO_CORRECTION, MUNICIPAL_NUMBER_CORRECTION},
        {CHANGE_NUMBER_EX_OFFICIO_ENTRY, MUNICIPAL_NUMBER_ENTRY},
        {CHANGE_MOVE_OUT_CONFIRMED, MUNICIPAL_MOVE_OUT_CONFIRMED},
        {CHANGE_MOVE_OUT_UNCONFIRMED, MUNICIPAL_MOVE_OUT_UNCONFIRMED},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].legal == legal)
            return rows[i].usual;
    assert(!"every legal reason has its row");
    return MUNICIPAL_EX_OFFICIO_AMENDMENT;
}

static enum register_life life_after(const struct change *c, enum register_life before)
{
    enum change_group group = change_row(c->reason)->group;

    if (group == CHANGE_ENTRY)
        return LIFE_CURRENT;
    if (group == CHANGE_REMOVAL)
        return c->planned ? LIFE_LEAVING : LIFE_REMOVED;
    return before;
}

/* What the item says, in a version that has the register's own values already. */
static void say(const struct item *i, struct resident_version *v, enum register_life before, int64_t sent)
{
    struct identity old = v->row.identity;

    v->row.identity = i->identity;
    if (!i->identity.has_individual_number && old.has_individual_number) {
        v->row.identity.has_individual_number = true;
        v->row.identity.individual_number = old.individual_number;
    }
    v->row.has_resident_code = true;
    v->row.notified_on = (struct date){0};
    v->reason = usual_reason(i->change.reason);
    v->change_date = i->change.date;
    v->planned = i->change.planned;
    v->event = STR("");
    v->life = life_after(&i->change, before);
    v->sent = i->version ? i->version - 1 : sent; /* one more when it is written */
}

/* How an item stands to the record that has its code. */
enum place {
    NEW_RECORD,
    ON_TOP,
    OLDER /* the record has a later word already: the correction of something that waits behind others */
};

static enum place place_of(const struct item *i, const struct resident_version *old)
{
    const struct identity *was = &old->row.identity;

    if (change_row(i->change.reason)->group != CHANGE_ENTRY)
        return ON_TOP;
    if (old->life == LIFE_CURRENT)
        return i->version ? ON_TOP : OLDER;
    struct identity now = i->identity;
    now.has_individual_number = was->has_individual_number;
    now.individual_number = was->individual_number;
    /* a removal that was cancelled says again what stood there */
    return i->change.reason == CHANGE_EX_OFFICIO_ENTRY && !identity_difference(was, &now) ? ON_TOP
                                                                                          : NEW_RECORD;
}

/* Another code in the place of a wrong one, whatever was told under that meanwhile. */
static bool corrects_code(const struct item *i)
{
    return i->replaces && change_row(i->change.reason)->group == CHANGE_CODE_AMENDMENT;
}

/* Only of a version that was taken back it is certain that `sent` counts as the CS does: one that the door
 * refused was counted here and not there. */
static enum err is_older(struct register_batch *b, struct fail *f, const struct item *i,
                         const struct resident_version *old, bool *older)
{
    const struct area_code was = old->row.identity.address.area_code;
    struct db_rows rows;

    *older = false;
    if (!i->version || i->version > old->sent || corrects_code(i) ||
        !area_code_equal(was, i->identity.address.area_code))
        return ERR_OK;
    db_query(b->tx, &rows, &sql_register_back_person, DB(db_int(old->person)));
    while (db_next(&rows))
        *older |= db_row_int(&rows, 1) == old->id;
    return db_done(&rows, f);
}

static enum err keep_back(struct register_batch *b, struct fail *f, const struct item *i, int64_t person,
                          int64_t resident)
{
    uint8_t content[REGISTER_CONTENT_SIZE] = {0};
    enum err e = resident ? register_content(f, b->body, &i->identity, &i->change, content) : ERR_OK;

    return e ? e
             : db_exec(b->tx, f, &sql_register_back_add,
                       DB(db_int(i->number), db_int(person), db_int(resident),
                          db_bytes(content, sizeof content), db_int(clock_now())),
                       NULL);
}

static enum err add_new(struct register_batch *b, struct fail *f, const struct item *i,
                        const struct resident_version *old)
{
    struct resident_version v = {0};
    char name[NAME_SIZE];
    bool here = old && area_code_equal(old->row.identity.address.area_code, i->identity.address.area_code);

    /* with the stamp, as a register may have records of any name */
    snprintf(name, sizeof name, "restored-%lld-%lld", (long long)i->number, (long long)clock_now() / 1000000);
    v.row.record = v.row.household_number = str_of(name);
    v.row.relationship = UNKNOWN;
    v.row.nationality = i->identity.foreign ? UNKNOWN : STR("");
    v.row.resident_since = v.row.address_since = i->change.date;
    say(i, &v, LIFE_CURRENT, here ? old->sent : 0);
    enum err e = register_add_record(b, f, &v, old ? old->person : 0, &i->change);
    return e ? e : keep_back(b, f, i, v.person, v.id);
}

/* The change may be what a wish of the backup came to: then all of it is known. */
static enum err end_wish(struct register_batch *b, struct fail *f, struct arena *a, const struct item *i,
                         struct resident_version *v)
{
    struct db_rows rows;
    bool found = false, lost = false;

    if (change_row(i->change.reason)->group != CHANGE_NUMBER_AMENDMENT)
        return ERR_OK;
    db_query(b->tx, &rows, &sql_register_wish_find, DB(db_int(v->person)));
    if (db_next(&rows)) {
        enum municipal_reason reason = (enum municipal_reason)db_row_int(&rows, 2);
        struct date date = date_from_int((int32_t)db_row_int(&rows, 3));
        found = municipal_row(reason)->legal == i->change.reason && !date_compare(date, i->change.date);
        if (found) {
            v->reason = reason;
            v->event = arena_copy(a, db_row_text(&rows, 0));
            v->row.notified_on = date_from_int((int32_t)db_row_int(&rows, 4));
            lost = !v->event.p;
        }
    }
    enum err e = db_done(&rows, f);
    if (!e && lost)
        e = fail_set(f, ERR_MEMORY, "event", NULL);
    return e || !found ? e : db_exec(b->tx, f, &sql_register_wish_remove, DB(db_int(v->person)), NULL);
}

static enum err add_on_top(struct register_batch *b, struct fail *f, struct arena *a, const struct item *i,
                           const struct resident_version *old)
{
    struct resident_version v = *old;
    enum err e;

    v.version++;
    v.previous = old->id;
    say(i, &v, old->life, old->sent);
    if (corrects_code(i) && !resident_code_equal(old->row.identity.resident_code, i->change.old_code)) {
        v.corrects = i->replaces; /* the wrong code is nobody's */
        v.told = true;
    }
    if (i->change.reason == CHANGE_EX_OFFICIO_ENTRY)
        v.reason = MUNICIPAL_CANCELLED_REMOVAL;
    if (!str_equal(old->row.identity.address.text, i->identity.address.text)) {
        v.row.town = STR("");
        v.row.address_since = i->change.date;
    }
    if ((e = end_wish(b, f, a, i, &v)) || (e = register_add_version(b, f, old, &v, &i->change)))
        return e;
    return v.event.n ? ERR_OK : keep_back(b, f, i, v.person, v.id);
}

static enum err add_older(struct register_batch *b, struct fail *f, const struct item *i,
                          const struct resident_version *old)
{
    struct resident_version v = *old;
    enum err e;

    v.row.identity = i->identity;
    e = register_batch_queue(b, f, &v, &i->change, 0);
    return e ? e : keep_back(b, f, i, old->person, 0);
}

static enum err take_told(struct register_batch *b, struct fail *f, struct arena *a, const struct item *i)
{
    struct resident_code code = i->change.has_old_code ? i->change.old_code : i->identity.resident_code;
    struct resident_version old;
    int64_t person;
    enum err e = register_find_int(b->tx, f, &sql_register_code_find, db_int(code.value), &person);

    if (!e && !person)
        return add_new(b, f, i, NULL);
    bool older = false;
    if (e || (e = resident_version_latest(b->tx, f, person, a, &old)) ||
        (e = is_older(b, f, i, &old, &older)))
        return e;
    switch (older ? OLDER : place_of(i, &old)) {
    case NEW_RECORD:
        return add_new(b, f, i, &old);
    case OLDER:
        return add_older(b, f, i, &old);
    default:
        return add_on_top(b, f, a, i, &old);
    }
}

static enum err take_refused(struct register_batch *b, struct fail *f, const struct item *i)
{
    int64_t person = 0;
    enum err e =
        i->code ? register_find_int(b->tx, f, &sql_register_code_find, db_int(i->code), &person) : ERR_OK;

    if (!e)
        e = change_trouble_put(b->tx, f, i->number, i->number, 'r', i->error, i->field);
    if (!e)
        e = keep_back(b, f, i, person, 0);
    b->change++;
    return e;
}

static enum err take_item(struct register_batch *b, struct fail *f, struct arena *a, const struct json *json)
{
    struct item i;
    enum err e = read_item(f, json, a, &i);

    if (e || i.number <= b->change)
        return e;
    if (i.number != b->change + 1)
        return fail_set(f, ERR_DOOR_ANSWER, "number", "%lld expected", (long long)b->change + 1);
    if (i.error) {
        e = take_refused(b, f, &i);
    } else if (i.gone) {
        b->change++;
        e = keep_back(b, f, &i, 0, 0);
    } else if (i.withdrawn) {
        b->change++;
        e = change_corrected(b->tx, f, b->change);
    } else {
        e = take_told(b, f, a, &i);
    }
    return e || !i.replaces ? e : change_corrected(b->tx, f, i.replaces);
}

/* ---- a page ---- */

struct back_page {
    struct resident_register *r;
    struct json *tree;
    struct buf body;
    struct arena scratch;
    int64_t after, last, taken;
};

static enum err read_last(struct db_tx *tx, struct fail *f, void *arg)
{
    struct back_page *p = arg;

    return register_mark_get(tx, f, REGISTER_CHANGES, &p->after);
}

static enum err take_page(struct db_tx *tx, struct fail *f, void *arg)
{
    struct back_page *p = arg;
    struct register_batch b = {.register_ = p->r, .tx = tx, .body = &p->body};
    const struct json *list;
    enum err e;

    if ((e = json_member_int(f, p->tree, "taken", 0, REGISTER_CHANGE_MOST, &p->taken)) ||
        (e = json_member_array(f, p->tree, "changes", &list)) || (e = register_batch_open(&b, f)))
        return e;
    for (const struct json *item = json_first(list); item && !e; item = item->next) {
        arena_reset(&p->scratch);
        e = take_item(&b, f, &p->scratch, item);
    }
    if (!e && b.change < p->taken && !json_count(list))
        e = fail_set(f, ERR_DOOR_ANSWER, "changes", "none, though %lld were taken", (long long)p->taken);
    p->last = b.change;
    if (e || (e = register_batch_end(&b, f)) || (e = register_mark_set(tx, f, REGISTER_TAKEN, b.change)))
        return e;
    return register_mark_set(tx, f, REGISTER_BACK, b.change < p->taken ? p->taken : BACK_NONE);
}

enum err register_back_page(struct resident_register *r, struct fail *f, struct door_client *client,
                            struct buf *answer, bool *behind)
{
    struct back_page p = {.r = r};
    char path[64];
    enum err e = db_read(r->db, f, read_last, &p);

    if (e)
        return e;
    snprintf(path, sizeof path, "/v1/changes?after=%lld", (long long)p.after);
    if ((e = door_client_call(client, f, path, (struct str){NULL, 0}, answer, NULL)) ||
        (e = json_read(f, buf_str(answer), &p.tree)))
        return e;
    buf_init(&p.body, BODY_MAX);
    arena_init(&p.scratch, SCRATCH_BYTES);
    if (!(e = db_transaction(r->db, f, take_page, &p))) {
        FAULT_POINT("page_taken_back", .number = p.last);
        *behind = p.last < p.taken;
        LOG(LOG_INFO, *behind ? "taking_back" : "taken_back", LOG_NUMBER("last", p.last),
            LOG_NUMBER("taken", p.taken));
    }
    arena_release(&p.scratch);
    buf_release(&p.body);
    json_free(p.tree);
    return e;
}

/* ---- numbers whose wish is lost ---- */

enum err register_number_came(struct db_tx *tx, struct fail *f, struct arena *a, int64_t person,
                              struct individual_number number)
{
    struct resident_version v;
    enum err e = resident_version_latest(tx, f, person, a, &v);

    while (!e) {
        const struct identity *i = &v.row.identity;
        if (i->has_individual_number && individual_number_equal(i->individual_number, number))
            return ERR_OK;
        if (!v.previous)
            break;
        e = resident_version_get(tx, f, v.previous, a, &v);
    }
    return e ? e
             : db_exec(tx, f, &sql_register_number_keep,
                       DB(db_int(person), db_int(number.value), db_int(clock_now())), NULL);
}

enum err register_number_use(struct db_tx *tx, struct fail *f, int64_t person,
                             struct individual_number *number, bool *found)
{
    struct db_rows rows;

    db_query(tx, &rows, &sql_register_number_kept, DB(db_int(person)));
    if ((*found = db_next(&rows)))
        number->value = db_row_int(&rows, 0);
    enum err e = db_done(&rows, f);
    return e || !*found ? e : db_exec(tx, f, &sql_register_number_drop, DB(db_int(person)), NULL);
}

/* ---- what a person sees of it ---- */

struct lacking_page {
    struct register_lacking items[LIST_PAGE];
    size_t count;
    int64_t after;
};

static enum err read_changes(struct db_tx *tx, struct fail *f, void *arg)
{
    struct lacking_page *p = arg;
    struct db_rows rows;

    p->count = 0;
    db_query(tx, &rows, &sql_register_back_list, DB(db_int(p->after), db_int(LIST_PAGE)));
    while (p->count < LIST_PAGE && db_next(&rows)) {
        struct register_lacking *l = &p->items[p->count++];
        bool known = db_row_int(&rows, 1) > 0;
        *l = (struct register_lacking){.change = db_row_int(&rows, 0), .since = db_row_int(&rows, 2)};
        l->what = !known ? LACKING_CONTENT : db_row_int(&rows, 4) == 1 ? LACKING_RECORD : LACKING_OWN;
        l->reason = known ? (enum change_reason)db_row_int(&rows, 5) : CHANGE_NONE;
        l->date = date_from_int(known ? (int32_t)db_row_int(&rows, 6) : 0);
        snprintf(l->record, sizeof l->record, "%.*s", STR_ARG(db_row_text(&rows, 3)));
        p->after = l->change;
    }
    return db_done(&rows, f);
}

static enum err read_numbers(struct db_tx *tx, struct fail *f, void *arg)
{
    struct lacking_page *p = arg;
    struct db_rows rows;

    p->count = 0;
    db_query(tx, &rows, &sql_register_number_list, DB(db_int(p->after), db_int(LIST_PAGE)));
    while (p->count < LIST_PAGE && db_next(&rows)) {
        struct register_lacking *l = &p->items[p->count++];
        *l = (struct register_lacking){.what = LACKING_WISH, .since = db_row_int(&rows, 2)};
        snprintf(l->record, sizeof l->record, "%.*s", STR_ARG(db_row_text(&rows, 1)));
        p->after = db_row_int(&rows, 0);
    }
    return db_done(&rows, f);
}

enum err register_lacking(struct resident_register *r, struct fail *f,
                          void (*each)(void *arg, const struct register_lacking *l), void *arg)
{
    static const db_fn readers[] = {read_changes, read_numbers};
    struct lacking_page *page = memory_new(sizeof *page);
    enum err e = page ? ERR_OK : fail_set(f, ERR_MEMORY, "changes", NULL);

    for (size_t k = 0; !e && k < COUNT_OF(readers); k++) {
        page->after = 0;
        do {
            e = db_read(r->db, f, readers[k], page);
            for (size_t i = 0; !e && i < page->count; i++)
                each(arg, &page->items[i]);
        } while (!e && page->count == LIST_PAGE);
    }
    memory_free(page);
    return e;
}

static enum err see(struct db_tx *tx, struct fail *f, void *arg)
{
    int64_t *count = arg, changes = 0, numbers = 0;
    enum err e = db_exec(tx, f, &sql_register_back_see, DB_NONE, &changes);

    if (!e)
        e = db_exec(tx, f, &sql_register_number_see, DB_NONE, &numbers);
    *count = changes + numbers;
    return e;
}

enum err register_lacking_seen(struct resident_register *r, struct fail *f, int64_t *count)
{
    enum err e = db_transaction(r->db, f, see, count);

    if (!e)
        LOG(LOG_INFO, "lacking_seen", LOG_NUMBER("count", *count));
    return e;
}
