/* SPDX-License-Identifier: Apache-2.0 */
/* Decides which changes come through the door: POST /v1/changes.
 *
 *     {"changes":[{"number":N, "replaces":M?, "identity":{..., "change":{...}}}, ...]}
 *     {"changes":[{"number":N, "replaces":M?, "message":{"kind":K, "to":AREA?, "body":{...}}}, ...]}
 *     {"changes":[{"number":N, "replaces":M, "withdrawn":true}]}     M, refused, is not to be sent after all
 *
 * A request is one transaction. Numbers run 1, 2, 3 ... without gap; a request that leaves one out is refused
 * whole and told the number that is expected. What is at or below the mark was taken before: it is answered
 * as then and changes nothing. Other content under a used number means that two feed this door, or an old
 * copy of the register does: the request is refused whole, naming the number, since no order of changes can
 * be trusted any more. Of new changes each is taken or refused alone. A refused one is written down before
 * anything of it is, moves the mark on, and blocks its person: further changes are BEHIND until one that
 * replaces it has been taken. So the order of one person's changes always holds (住民記録システム標準仕様書:
 * 異動の時系列を担保). An attempt to replace that is itself refused leaves the first one blocking; the next
 * attempt may name either. A message to another municipality goes behind what its person waits for, but when
 * it is itself refused nobody waits for it: it goes by letter, and what happens to the person goes on. */
#include "door/door_inside.h"

#include "base/clock.h"
#include "base/sha256.h"
#include "door/door_sql.h"

enum { HASH_SIZE = 16, CHANGE_BYTES = 8192, PERSON_CODES = 2 };

struct incoming {
    int64_t number;
    bool withdrawn;
    struct identity_change change;
    bool is_message; /* to another municipality; else change is one of an identity */
    const struct municipal_kind *kind;
    struct municipal_message message;
    int64_t codes[PERSON_CODES]; /* the person, when the change says who */
    size_t code_count;
    uint8_t hash[HASH_SIZE];
    struct fail form;    /* what is wrong with it by itself */
    struct fail verdict; /* of the transaction's last run */
};

struct taking {
    struct door *door;
    struct incoming *changes;
    size_t count;
    int64_t mark, expected;
    bool blocks; /* somebody is blocked */
    uint8_t hashes[DOOR_CHANGES_MAX * HASH_SIZE];
    int64_t old_first, old_last; /* the former request that is in old_hashes */
    uint8_t old_hashes[DOOR_CHANGES_MAX * HASH_SIZE];
};

/* Refusals concern the change; everything else is our own trouble, and the request comes again. */
static bool is_refusal(enum err e)
{
    const struct err_row *row = err_row(e);

    return row->exit == 1 && row->http < 500;
}

/* ---- reading ---- */

static enum err hash_change(struct fail *f, const struct json *item, uint8_t out[static HASH_SIZE])
{
    struct buf text;

    buf_init(&text, CHANGE_BYTES);
    json_add_canonical(&text, NULL, item);
    enum err e = buf_check(&text, f, "changes");
    struct sha256 hash = sha256_of(buf_str(&text));
    memcpy(out, hash.bytes, HASH_SIZE);
    buf_release(&text);
    return e;
}

/* Who it is about, even when the rest is bad: the person has to wait. */
static void find_person(const struct json *identity, struct incoming *c)
{
    const struct json *change = json_get(identity, "change");
    const struct json *texts[PERSON_CODES] = {json_get(identity, "resident_code"),
                                              json_get(change, "old_resident_code")};

    for (size_t i = 0; i < PERSON_CODES; i++) {
        struct resident_code code;
        if (json_is(texts[i], JSON_STRING) && !resident_code_parse(NULL, str_of(json_cstr(texts[i])), &code))
            c->codes[c->code_count++] = code.value;
    }
}

static enum err check_area(struct fail *f, const struct door *d, const struct identity *identity)
{
    if (!area_code_equal(area_code_cs(identity->address.area_code), d->area))
        return fail_set(f, ERR_DOOR_AREA, "area_code", NULL);
    return ERR_OK;
}

/* Whether the body fits its kind is seen when it is taken. */
static enum err read_message(struct fail *f, struct arena *a, const struct json *message, struct incoming *c)
{
    struct str kind = {NULL, 0}, to = {NULL, 0};
    enum err e;

    if ((e = json_member_object(f, message, "body", &c->message.body)))
        return e;
    find_person(c->message.body, c);
    c->message.number = c->number;
    c->message.replaces = c->change.replaces;
    if ((e = json_member_text(f, message, "kind", a, &kind)) ||
        (e = json_member_text_maybe(f, message, "to", a, &to)) ||
        (to.n && (e = area_code_parse(f, to, &c->message.to))))
        return e;
    c->kind = municipal_kind_find(kind);
    return c->kind ? ERR_OK : fail_set(f, ERR_KIND_UNKNOWN, "kind", NULL);
}

/* What is wrong with the change alone goes to c->form; the result is about the request. */
static enum err read_form(struct taking *t, struct arena *a, const struct json *item, struct incoming *c)
{
    const struct json *identity;
    struct fail *f = &c->form;
    enum err e;

    if ((e = json_member_int_maybe(f, item, "replaces", 1, c->number - 1, &c->change.replaces)) ||
        (e = json_member_bool_maybe(f, item, "withdrawn", &c->withdrawn)))
        return e;
    if (c->withdrawn)
        return c->change.replaces ? ERR_OK : fail_set(f, ERR_FIELD_MISSING, "replaces", NULL);
    if ((c->is_message = json_get(item, "message")))
        return (e = json_member_object(f, item, "message", &identity)) ? e : read_message(f, a, identity, c);
    if ((e = json_member_object(f, item, "identity", &identity)))
        return e;
    find_person(identity, c);
    if ((e = identity_json_read(f, identity, a, &c->change.identity, &c->change.change)))
        return e;
    return check_area(f, t->door, &c->change.identity);
}

static enum err read_change(struct taking *t, struct fail *f, struct arena *a, const struct json *item,
                            struct incoming *c)
{
    enum err e;

    if (!json_is(item, JSON_OBJECT))
        return fail_set(f, ERR_FIELD_TYPE, "changes", NULL);
    if ((e = json_member_int(f, item, "number", 1, INT64_MAX - 1, &c->number)))
        return e;
    c->change.number = c->number;
    if (c > t->changes && c->number != c[-1].number + 1) {
        t->expected = c[-1].number + 1;
        return fail_set(f, ERR_DOOR_GAP, "number", "%lld expected", (long long)t->expected);
    }
    if ((e = hash_change(f, item, c->hash)))
        return e;
    e = read_form(t, a, item, c);
    return e && !is_refusal(e) ? fail_set(f, e, c->form.field, NULL) : ERR_OK;
}

static enum err read_changes(struct taking *t, struct fail *f, struct arena *a, const struct json *body)
{
    const struct json *list, *item;
    size_t i;
    enum err e = json_member_array(f, body, "changes", &list);

    if (e)
        return e;
    t->count = json_count(list);
    if (t->count > DOOR_CHANGES_MAX)
        return fail_set(f, ERR_DOOR_COUNT, "changes", "%zu", t->count);
    if (t->count && !(t->changes = arena_alloc(a, t->count * sizeof *t->changes)))
        return fail_set(f, ERR_MEMORY, "changes", NULL);
    JSON_EACH_AT(list, i, item)
    if ((e = read_change(t, f, a, item, &t->changes[i])))
        return e;
    return ERR_OK;
}

/* ---- what was taken before ---- */

static enum err load_former(struct taking *t, struct db_tx *tx, struct fail *f, int64_t number)
{
    struct db_rows rows;

    if (number >= t->old_first && number <= t->old_last)
        return ERR_OK;
    t->old_first = t->old_last = 0;
    db_query(tx, &rows, &sql_door_batch_find, DB(db_int(number)));
    if (db_next(&rows)) {
        struct str hashes = db_row_bytes(&rows, 2);
        t->old_first = db_row_int(&rows, 0);
        t->old_last = db_row_int(&rows, 1);
        assert(hashes.n <= sizeof t->old_hashes);
        memcpy(t->old_hashes, hashes.p, hashes.n);
    }
    return db_done(&rows, f);
}

struct refused {
    bool found;
    int64_t root, replaced;
    enum err error;
    char field[48];
};

static enum err find_refused(struct db_tx *tx, struct fail *f, int64_t number, struct refused *out)
{
    struct db_rows rows;

    *out = (struct refused){0};
    db_query(tx, &rows, &sql_door_refused_find, DB(db_int(number)));
    if (db_next(&rows)) {
        struct str field = db_row_text(&rows, 2);
        out->found = true;
        out->root = db_row_int(&rows, 0);
        out->error = (enum err)db_row_int(&rows, 1);
        out->replaced = db_row_int(&rows, 3);
        snprintf(out->field, sizeof out->field, "%.*s", STR_ARG(field));
    }
    return db_done(&rows, f);
}

static enum err answer_again(struct taking *t, struct db_tx *tx, struct fail *f, struct incoming *c)
{
    struct refused before;
    enum err e = load_former(t, tx, f, c->number);

    if (e)
        return e;
    assert(c->number >= t->old_first && c->number <= t->old_last); /* requests leave no gap */
    if (memcmp(t->old_hashes + (c->number - t->old_first) * HASH_SIZE, c->hash, HASH_SIZE) != 0)
        return fail_set(f, ERR_DOOR_DIFFERENT, "number", "%lld", (long long)c->number);
    if ((e = find_refused(tx, f, c->number, &before)))
        return e;
    if (before.found)
        fail_set(&c->verdict, before.error, before.field, NULL);
    return ERR_OK;
}

/* ---- what is new ---- */

/* ERR_DOOR_BEHIND when the person waits behind another refused change than `root`. */
static enum err check_blocks(struct taking *t, struct db_tx *tx, struct fail *f, struct incoming *c,
                             int64_t root)
{
    struct db_rows rows;
    int64_t first = 0;
    enum err e;

    for (size_t i = 0; t->blocks && i < c->code_count; i++) {
        first = 0;
        db_query(tx, &rows, &sql_door_block_first, DB(db_int(c->codes[i])));
        if (db_next(&rows))
            first = db_row_int(&rows, 0);
        if ((e = db_done(&rows, f)))
            return e;
        if (first && first != root)
            return fail_set(f, ERR_DOOR_BEHIND, "number", "behind %lld", (long long)first);
    }
    return ERR_OK;
}

/* *root: the refused change of the door that c replaces, 0 when it replaces none of those. */
static enum err find_root(struct db_tx *tx, struct fail *f, const struct incoming *c, int64_t *root)
{
    struct refused target, first;
    enum err e;

    *root = 0;
    if (!c->change.replaces)
        return ERR_OK;
    if ((e = find_refused(tx, f, c->change.replaces, &target)))
        return e;
    if (!target.found)
        return c->withdrawn ? fail_set(f, ERR_DOOR_REPLACES, "replaces", "was not refused here") : ERR_OK;
    if ((e = find_refused(tx, f, target.root, &first)))
        return e;
    if (first.replaced)
        return fail_set(f, ERR_DOOR_REPLACES, "replaces", "by %lld", (long long)first.replaced);
    *root = target.root;
    return ERR_OK;
}

static enum err settle(struct db_tx *tx, struct fail *f, int64_t root, int64_t by)
{
    enum err e = db_exec(tx, f, &sql_door_refused_replace, DB(db_int(root), db_int(by)), NULL);

    return e ? e : db_exec(tx, f, &sql_door_block_remove, DB(db_int(root)), NULL);
}

/* A register may tell of a person before it has heard the number that came for them: the store here knows it.
 */
static enum err add_known_number(struct db_tx *tx, struct fail *f, struct arena *a, struct identity_change *c)
{
    struct store_version known;
    struct fail own = {0};

    if (c->identity.has_individual_number)
        return ERR_OK;
    struct resident_code code = c->change.has_old_code ? c->change.old_code : c->identity.resident_code;
    enum err e = store_code_now(tx, &own, code, c->identity.address.area_code, &code);
    if (!e)
        e = store_latest(tx, &own, code, c->identity.address.area_code, a, &known);
    if (e == ERR_EPISODE_UNKNOWN)
        return ERR_OK;
    if (e)
        return fail_pass(f, &own);
    c->identity.has_individual_number = known.identity.has_individual_number;
    c->identity.individual_number = known.identity.individual_number;
    return ERR_OK;
}

static enum err take_identity(struct taking *t, struct db_tx *tx, struct fail *f, const struct incoming *c,
                              int64_t root)
{
    struct identity_change change = c->change;
    struct arena a;

    if (root)
        change.replaces = 0; /* the network never saw the refused one */
    arena_init(&a, 256 << 10);
    enum err e = add_known_number(tx, f, &a, &change);
    if (!e)
        e = identity_notice_take(t->door->flow, tx, f, &change);
    arena_release(&a);
    return e;
}

static enum err take_message(struct taking *t, struct db_tx *tx, struct fail *f, const struct incoming *c,
                             int64_t root)
{
    struct municipal_message message = c->message;

    if (root)
        message.replaces = 0;
    return c->kind->take(t->door->flow, tx, f, c->kind, &message);
}

/* Takes it, or says why not without having written. */
static enum err try_change(struct taking *t, struct db_tx *tx, struct fail *f, struct incoming *c,
                           int64_t *root)
{
    enum err e;

    if ((e = find_root(tx, f, c, root)))
        return e;
    if (c->form.err)
        return fail_pass(f, &c->form);
    if ((e = check_blocks(t, tx, f, c, *root)))
        return e;
    if (!c->withdrawn && (e = (c->is_message ? take_message : take_identity)(t, tx, f, c, *root)))
        return e;
    return *root ? settle(tx, f, *root, c->number) : ERR_OK;
}

static enum err write_refusal(struct taking *t, struct db_tx *tx, struct fail *f, struct incoming *c,
                              int64_t root)
{
    struct str field = str_of(c->verdict.field);
    enum err e = db_exec(tx, f, &sql_door_refused_add,
                         DB(db_int(c->number), db_int(root ? root : c->number), db_int(c->verdict.err),
                            db_text(field), db_int(clock_now())),
                         NULL);

    for (size_t i = 0; !e && !root && !c->is_message && i < c->code_count; i++) {
        e = db_exec(tx, f, &sql_door_block_add, DB(db_int(c->codes[i]), db_int(c->number)), NULL);
        t->blocks = true;
    }
    return e ? e : door_outcome_came(t->door, tx, f, c->number, c->number, 'r', c->verdict.err, field);
}

static enum err take_new(struct taking *t, struct db_tx *tx, struct fail *f, struct incoming *c)
{
    int64_t root = 0;
    enum err e = try_change(t, tx, &c->verdict, c, &root);

    if (!e)
        return ERR_OK;
    if (is_refusal(e))
        return write_refusal(t, tx, f, c, root);
    return fail_pass(f, &c->verdict);
}

static enum err remember(struct taking *t, struct db_tx *tx, struct fail *f, size_t from)
{
    int64_t first = t->changes[from].number, last = t->changes[t->count - 1].number;
    size_t n = t->count - from;

    for (size_t i = 0; i < n; i++)
        memcpy(t->hashes + i * HASH_SIZE, t->changes[from + i].hash, HASH_SIZE);
    enum err e = db_exec(tx, f, &sql_door_batch_add,
                         DB(db_int(first), db_int(last), db_bytes(t->hashes, n * HASH_SIZE)), NULL);
    if (!e)
        e = db_exec(tx, f, &sql_door_mark_set, DB(db_int(DOOR_CHANGES), db_int(last)), NULL);
    t->mark = last;
    return e;
}

static enum err lock_mark(struct taking *t, struct db_tx *tx, struct fail *f)
{
    struct db_rows rows;
    enum err e;

    db_query(tx, &rows, &sql_door_mark_lock, DB(db_int(DOOR_CHANGES)));
    if (db_next(&rows))
        t->mark = db_row_int(&rows, 0);
    if ((e = db_done(&rows, f)))
        return e;
    db_query(tx, &rows, &sql_door_block_any, DB_NONE);
    t->blocks = db_next(&rows);
    return db_done(&rows, f);
}

static enum err take_changes(struct db_tx *tx, struct fail *f, void *arg)
{
    struct taking *t = arg;
    size_t i = 0;
    enum err e;

    t->old_first = t->old_last = 0;
    if ((e = lock_mark(t, tx, f)))
        return e;
    if (t->count && t->changes[0].number > t->mark + 1) {
        t->expected = t->mark + 1;
        return fail_set(f, ERR_DOOR_GAP, "number", "%lld expected", (long long)t->expected);
    }
    for (size_t k = 0; k < t->count; k++)
        t->changes[k].verdict = (struct fail){0};
    for (; i < t->count && t->changes[i].number <= t->mark; i++)
        if ((e = answer_again(t, tx, f, &t->changes[i])))
            return e;
    size_t from = i;
    for (; i < t->count; i++)
        if ((e = take_new(t, tx, f, &t->changes[i])))
            return e;
    return from < t->count ? remember(t, tx, f, from) : ERR_OK;
}

static void write_answer(const struct taking *t, struct buf *out)
{
    json_begin(out, NULL, '{');
    json_add_int(out, "taken", t->mark);
    json_begin(out, "refused", '[');
    for (size_t i = 0; i < t->count; i++) {
        const struct incoming *c = &t->changes[i];
        if (!c->verdict.err)
            continue;
        json_begin(out, NULL, '{');
        json_add_int(out, "number", c->number);
        door_refusal_write(out, c->verdict.err, str_of(c->verdict.field));
        json_end(out, '}');
    }
    json_end(out, ']');
    json_end(out, '}');
}

enum err door_changes_take(struct door *d, struct door_request *r, struct fail *f)
{
    struct json *body;
    struct taking *t = arena_alloc(&r->arena, sizeof *t);

    if (!t)
        return fail_set(f, ERR_MEMORY, "changes", NULL);
    enum err e = link_takes_work(d->flow->link, f);
    if (e || (e = json_read(f, buf_str(&r->body), &body)))
        return e;
    t->door = d;
    e = read_changes(t, f, &r->arena, body);
    if (!e)
        e = db_transaction(d->flow->db, f, take_changes, t);
    json_free(body); /* messages lie in it */
    r->expected = t->expected;
    if (!e)
        write_answer(t, &r->out);
    return e;
}
