/* SPDX-License-Identifier: Apache-2.0 */
/* A batch that came in, all the way to disk.
 *
 * Before the writer's lock: every notice is parsed and its right to be here decided. Inside one transaction:
 * the batch must continue the stream (same chain of headers), every notice gets its ledger entry, then each
 * is applied in order. A notice that cannot be applied goes on the error list and blocks only its person.
 * Should a notice fail after it wrote something, the whole change runs again without it, so that a bad notice
 * never leaves half a trace.
 *
 * What was on disk before is answered from disk: the same header text gets the same answer, another is a
 * fork. */
#include "link/core.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>

struct item {
    struct link_notice notice;
    const struct link_kind *kind;
    struct json *tree;
    struct error_codes persons;
    struct fail refused; /* for good, before the transaction: stands in the receipt */
    struct fail late;    /* it failed after it wrote something, in an earlier change */
    struct fail why;     /* why it was set aside */
    bool excepted;
};

struct batch {
    struct link *l;
    struct peer *peer;
    struct arena *arena;
    struct str header_text;
    const struct batch_header *header;
    const struct frame *frames;
    struct item *items;
    struct received *out;
    struct item *failing; /* which failed after it wrote something, in the present run; NULL none */
    struct replay_failed failed;
    bool duplicate;
};

static enum err prepare(struct batch *b, struct fail *f)
{
    size_t count = (size_t)b->header->count;
    b->items = arena_alloc(b->arena, sizeof *b->items * count);
    if (!b->items)
        return fail_set(f, ERR_MEMORY, "batch", NULL);
    for (size_t i = 0; i < count; i++) {
        struct item *item = &b->items[i];
        enum err e = notice_open(b->l, &item->refused, &b->peer->node, b->header->first + (int64_t)i,
                                 &b->frames[i], b->arena, &item->notice, &item->tree, &item->kind);
        if (link_err_passes(e))
            return fail_set(f, e, "batch", "%s", item->refused.detail);
        if (e) {
            item->refused.err = e;
            item->excepted = true;
        } else if (item->kind->persons) {
            item->persons.count = item->kind->persons(&item->notice, item->persons.codes);
        }
    }
    return ERR_OK;
}

static void drop_trees(struct batch *b)
{
    for (size_t i = 0; b->items && i < (size_t)b->header->count; i++)
        json_free(b->items[i].tree);
}

static enum err exceptions(struct batch *b, struct fail *f)
{
    struct receipt *r = &b->out->receipt;
    size_t count = (size_t)b->header->count;
    struct buf json;
    r->refused = arena_alloc(b->arena, sizeof *r->refused * count);
    if (!r->refused)
        return fail_set(f, ERR_MEMORY, "receipt", NULL);
    r->refused_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct item *item = &b->items[i];
        if (!item->excepted)
            continue;
        struct receipt_exception *x = &r->refused[r->refused_count++];
        x->sequence = b->header->first + (int64_t)i;
        x->error = item->refused.err;
        snprintf(x->field, sizeof x->field, "%s", item->refused.field);
    }
    buf_init(&json, FRAME_PAYLOAD_MAX / 2);
    receipt_exceptions_write(&json, NULL, r->refused, r->refused_count);
    enum err e = buf_check(&json, f, "receipt");
    if (!e)
        b->out->refused_json = arena_copy(b->arena, buf_str(&json));
    if (!e && !b->out->refused_json.p)
        e = fail_set(f, ERR_MEMORY, "receipt", NULL);
    buf_release(&json);
    return e;
}

/* The same batch again? Then what it said stands on disk, and so does our answer. */
static enum err answer_from_disk(struct batch *b, struct db_tx *tx, struct fail *f, int64_t watermark)
{
    struct db_rows rows;
    bool same = false, copied = true;
    db_query(tx, &rows, &sql_link_batch_in_at, DB(db_int(b->peer->id), db_int(b->header->first)));
    if (db_next(&rows) && db_row_int(&rows, 0) == b->header->first) {
        same = str_equal(db_row_text(&rows, 4), b->header_text);
        b->out->refused_json = arena_copy(b->arena, db_row_text(&rows, 5));
        copied = b->out->refused_json.p;
    }
    enum err e = db_done(&rows, f);
    if (e)
        return e;
    if (!copied)
        return fail_set(f, ERR_MEMORY, "receipt", NULL);
    if (!same)
        return fail_set(f, ERR_STREAM_FORK, "first", "%lld", (long long)b->header->first);
    b->out->receipt.sequence = watermark;
    b->duplicate = true;
    return ERR_OK;
}

static enum err check_place(struct batch *b, struct db_tx *tx, struct fail *f)
{
    struct db_rows rows;
    int64_t sequence = 0;
    struct sha256 hash = {{0}};
    db_query(tx, &rows, &sql_link_peer_find, DB(db_int(b->peer->id)));
    if (db_next(&rows)) {
        sequence = db_row_int(&rows, 1);
        struct str bytes = db_row_bytes(&rows, 2);
        memcpy(hash.bytes, bytes.p, bytes.n < sizeof hash.bytes ? bytes.n : sizeof hash.bytes);
    }
    enum err e = db_done(&rows, f);
    if (e)
        return e;
    if (b->header->first <= sequence)
        return answer_from_disk(b, tx, f, sequence);
    if (b->header->first != sequence + 1)
        return fail_set(f, ERR_STREAM_GAP, "first", "%lld after %lld", (long long)b->header->first,
                        (long long)sequence);
    if (!sha256_equal(hash, b->header->previous))
        return fail_set(f, ERR_STREAM_FORK, "previous", "batch at %lld", (long long)b->header->first);
    return ERR_OK;
}

static enum err append_entries(struct batch *b, struct db_tx *tx, struct fail *f)
{
    char what[128];
    enum err e = ERR_OK;
    for (size_t i = 0; i < (size_t)b->header->count && !e; i++) {
        struct item *item = &b->items[i];
        const char *name = kind_name(b->frames[i].kind);
        char number[8];
        snprintf(number, sizeof number, "%u", b->frames[i].kind);
        snprintf(what, sizeof what, "received %s %lld %s/%u", b->peer->node.text,
                 (long long)b->header->first + (long long)i, name ? name : number, b->frames[i].version);
        e = ledger_append(b->l->config.ledger, tx, f, LEDGER_COMMUNICATION, str_of(what),
                          b->frames[i].payload, &item->notice.entry);
    }
    return e;
}

static enum err write_rows(struct batch *b, struct db_tx *tx, struct fail *f)
{
    const struct batch_header *h = b->header;
    struct sha256 hash = sha256_of(b->header_text);
    int64_t entry = (int64_t)b->items[0].notice.entry;
    enum err e = db_exec(tx, f, &sql_link_batch_in_add,
                         DB(db_int(b->peer->id), db_int(h->first), db_int(h->count), db_int(clock_now()),
                            db_int(entry), db_text(b->header_text), db_text(b->out->refused_json)),
                         NULL);
    return e ? e
             : db_exec(tx, f, &sql_link_peer_in,
                       DB(db_int(b->peer->id), db_int(h->first + h->count - 1),
                          db_bytes(hash.bytes, sizeof hash.bytes)),
                       NULL);
}

/* The notice failed: it waits on the error list or is refused. */
static enum err set_aside(struct batch *b, struct db_tx *tx, struct fail *f, struct item *item,
                          const struct fail *why, int64_t place, char *state)
{
    *state = link_err_parks(why->err) ? 'w' : 'r';
    item->why = *why;
    return *state == 'r' ? ERR_OK
                         : error_list_park(tx, f, b->peer, &item->notice, &item->persons, why, place);
}

/* Tries it. An error of this function stops the batch; *why is what was wrong with the notice. */
static enum err try_item(struct batch *b, struct db_tx *tx, struct fail *f, struct item *item,
                         struct fail *why)
{
    int64_t before = db_tx_changes(tx);
    enum err outcome = notice_apply(b->l, tx, why, item->kind, &item->notice);
    why->err = outcome;
    if (!outcome)
        return ERR_OK;
    if (link_err_passes(outcome))
        return fail_set(f, outcome, why->field, "%s", why->detail);
    if (db_tx_changes(tx) == before)
        return ERR_OK;
    item->late = *why; /* it wrote: undo all, and run again without it */
    b->failing = item;
    return fail_set(f, outcome, why->field, "%s", why->detail);
}

/* Applies one item. *state: 'a' applied, 'w' on the error list, 'r' refused. *replay: others that wait are to
 * be tried. An error stops the batch. */
static enum err apply_item(struct batch *b, struct db_tx *tx, struct fail *f, struct item *item, char *state,
                           bool *replay)
{
    struct fail why = item->late;
    struct error_list_state list = {false, false};
    int64_t place = 0;
    enum err e = ERR_OK;
    *state = 'a';
    *replay = false;
    if (item->notice.replaces.n)
        e = error_list_replace(tx, f, &item->notice, &place);
    if (!e && item->persons.count)
        e = error_list_blocks(tx, f, &item->notice, &item->persons, place, &list);
    if (!e && list.blocked)
        fail_set(&why, ERR_BEHIND, NULL, NULL);
    else if (!e && !why.err)
        e = try_item(b, tx, f, item, &why);
    if (!e && why.err)
        e = set_aside(b, tx, f, item, &why, place, state);
    *replay = place && *state != 'w'; /* the place of what it replaced is free for those behind */
    if (!e && list.any && (*state == 'a' || (list.blocked && item->persons.count > 1)))
        e = error_list_touch(tx, f, &item->persons, replay);
    return e;
}

static enum err add_outcome(struct outcome_list *outcomes, struct fail *f, const struct batch *b, size_t i,
                            char state)
{
    const struct item *item = &b->items[i];
    int64_t sequence = b->header->first + (int64_t)i;
    struct outcome_range r = {b->peer->id, sequence, sequence, ERR_OK, state, ""};
    if (state != 'a') {
        r.error = item->why.err;
        snprintf(r.field, sizeof r.field, "%s", item->why.field);
    }
    return outcome_add(outcomes, f, &r);
}

/* What was said so far goes first: the newest word counts, and a replay may have a newer one about the same
 * notice. */
static enum err replay_others(struct batch *b, struct db_tx *tx, struct fail *f,
                              struct outcome_list *outcomes)
{
    enum err e = outcome_send(b->l, tx, f, outcomes);
    outcomes->count = 0;
    return e ? e : error_list_replay(b->l, tx, f, 0, &b->failed, NULL);
}

static enum err apply_all(struct batch *b, struct db_tx *tx, struct fail *f)
{
    struct outcome_list outcomes = {.arena = b->arena};
    enum err e = ERR_OK;
    for (size_t i = 0; i < (size_t)b->header->count && !e; i++) {
        struct item *item = &b->items[i];
        char state = 'a';
        bool replay = false;
        if (item->excepted)
            continue; /* the receipt tells */
        e = apply_item(b, tx, f, item, &state, &replay);
        if (!e && (state != 'a' || item->kind->final))
            e = add_outcome(&outcomes, f, b, i, state);
        if (!e && replay)
            e = replay_others(b, tx, f, &outcomes);
    }
    return e ? e : outcome_send(b->l, tx, f, &outcomes);
}

/* A run whose group was lost says nothing: what failed in it may have failed by a neighbour's change that is
 * not on disk. */
static void forget_run(struct batch *b)
{
    if (b->failing)
        b->failing->late = (struct fail){0};
    b->failing = NULL;
    replay_failed_begin(&b->failed);
}

static enum err receive_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct batch *b = arg;
    b->duplicate = false;
    forget_run(b);
    enum err e = check_place(b, tx, f);
    if (e || b->duplicate)
        return e;
    if ((e = append_entries(b, tx, f)) || (e = write_rows(b, tx, f)))
        return e;
    b->out->receipt.sequence = b->header->first + b->header->count - 1;
    return apply_all(b, tx, f);
}

/* The change ended with e: is it to be run again, without what failed in its last run? */
static bool runs_again(struct batch *b, enum err e)
{
    bool failed = e && b->failing && b->failing->late.err == e;
    if (failed)
        b->failing = NULL;
    return replay_failed_again(&b->failed, e) || failed;
}

static enum err check_content(const struct batch *b, struct fail *f)
{
    struct merkle_frontier tree = {0};
    for (size_t i = 0; i < (size_t)b->header->count; i++)
        merkle_append(&tree, batch_leaf(&b->frames[i]));
    if (!sha256_equal(merkle_root(&tree), b->header->root))
        return fail_set(f, ERR_BATCH, "root", NULL);
    if (strcmp(b->header->destination, b->l->config.self.text) != 0)
        return fail_set(f, ERR_BATCH, "destination", "%s", b->header->destination);
    return ERR_OK;
}

static void log_refused(const struct batch *b)
{
    for (size_t i = 0; i < b->out->receipt.refused_count; i++) {
        const struct receipt_exception *x = &b->out->receipt.refused[i];
        LOG(LOG_WARNING, "notice_refused", LOG_TEXT("from", b->peer->node.text),
            LOG_NUMBER("sequence", x->sequence), LOG_TEXT("error", err_row((enum err)x->error)->name),
            LOG_TEXT("field", x->field));
    }
}

enum err batch_receive(struct link *l, struct peer *p, struct fail *f, struct arena *a,
                       struct str header_text, const struct batch_header *h, const struct frame *notices,
                       struct received *out)
{
    struct batch b = {.l = l,
                      .peer = p,
                      .arena = a,
                      .header_text = header_text,
                      .header = h,
                      .frames = notices,
                      .out = out};
    struct receipt *r = &out->receipt;
    enum err e = check_content(&b, f);
    if (!e)
        e = prepare(&b, f);
    if (!e)
        e = exceptions(&b, f);
    if (!e)
        do
            e = db_transaction(l->config.db, f, receive_tx, &b);
        while (runs_again(&b, e));
    drop_trees(&b);
    if (e)
        return e;
    if (!b.duplicate)
        log_refused(&b);
    snprintf(r->from, sizeof r->from, "%s", l->config.self.text);
    snprintf(r->to, sizeof r->to, "%s", p->node.text);
    r->epoch = l->epoch;
    r->header = sha256_of(header_text);
    return ERR_OK;
}
