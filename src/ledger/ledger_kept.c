/* SPDX-License-Identifier: Apache-2.0 */
/* The upper server's side: heads of lower servers, kept and co-signed.
 *
 * A head is kept when it continues the one kept before: the same size with the same root, or a greater size
 * with a consistency proof. Whatever else a lower server signs is a fork: its log was cut or rewritten. Both
 * notes go on record then, each signed by the lower server itself: evidence that needs no trust in us.
 *
 * In the same life (epoch) of the lower server the head kept before stays the newest one. A new life, which
 * begins with a restore, may fork once, with its first head: from there it has a line of its own, and the
 * lines before stay. So a restored server's heads go on, and what was signed after its backup was made is
 * never forgotten unseen. */
#include "ledger/ledger_inside.h"

#include "base/clock.h"
#include "ledger/ledger_sql.h"

enum { KEPT_NOTE_MAX = 64 * 1024 };

struct presenting {
    const struct ledger_presented *p;
    char origin[72];
    struct str cosigned;
    struct head head, base; /* base.size 0: none */
    struct buf kept;        /* the note kept before, empty when none */
    bool refused, forked, repeated;
    struct fail why;
};

struct kept {
    int64_t epoch;
    struct head head;
};

/* note (may be NULL) stays empty when no head was kept. */
static enum err read_kept(struct db_tx *tx, struct fail *f, const char *node, struct buf *note,
                          struct kept *out)
{
    struct db_rows rows;
    struct kept kept = {.epoch = 0};
    db_query(tx, &rows, &sql_ledger_kept_newest, DB(db_text(str_of(node))));
    if (db_next(&rows)) {
        struct str root = db_row_bytes(&rows, 2);
        kept.epoch = db_row_int(&rows, 0);
        kept.head.size = (uint64_t)db_row_int(&rows, 1);
        memcpy(kept.head.root.bytes, root.p,
               root.n < sizeof kept.head.root.bytes ? root.n : sizeof kept.head.root.bytes);
        if (note)
            buf_add_str(note, db_row_text(&rows, 3));
    }
    enum err e = db_done(&rows, f);
    if (!e)
        *out = kept;
    return e;
}

/* Does the head presented continue that one? ERR_FORK, or ERR_PROOF when the question itself was incomplete.
 */
static enum err compare(struct fail *f, const struct presenting *p, const struct head *kept)
{
    const char *node = p->p->node;
    if (p->head.size < kept->size)
        return fail_set(f, ERR_FORK, node, "%llu entries where %llu were signed",
                        (unsigned long long)p->head.size, (unsigned long long)kept->size);
    if (p->head.size == kept->size)
        return sha256_equal(p->head.root, kept->root)
                   ? ERR_OK
                   : fail_set(f, ERR_FORK, node, "two roots for %llu entries",
                              (unsigned long long)kept->size);
    if (!kept->size) /* everything continues the empty log */
        return ERR_OK;
    if (!p->p->proof)
        return fail_set(f, ERR_PROOF, node, "a proof from size %llu is required",
                        (unsigned long long)kept->size);
    struct fail inner = {.detail = ""};
    if (merkle_check_consistency(&inner, kept->size, kept->root, p->head.size, p->head.root, p->p->proof))
        return fail_set(f, ERR_FORK, node, "from %llu to %llu entries: %s", (unsigned long long)kept->size,
                        (unsigned long long)p->head.size, inner.detail);
    return ERR_OK;
}

/* The first head of a new life, which shows what it has of those before as far as it can: from the head kept,
 * or from an earlier one that we had co-signed. What it does not continue is a fork, recorded and followed.
 */
static enum err compare_lives(struct fail *f, struct presenting *p, const struct kept *kept)
{
    if (!p->base.size) {
        enum err e = compare(&p->why, p, &kept->head);
        p->forked = e != ERR_OK;
        return ERR_OK;
    }
    enum err e = compare(f, p, &p->base);
    if (e)
        return e == ERR_FORK ? fail_set(f, ERR_PROOF, p->p->node, "not from the base") : e;
    p->forked = true;
    fail_set(&p->why, ERR_FORK, p->p->node, "epoch %lld continues %llu of %llu entries of epoch %lld",
             (long long)p->p->epoch, (unsigned long long)p->base.size, (unsigned long long)kept->head.size,
             (long long)kept->epoch);
    return ERR_OK;
}

static enum err record_fork(struct db_tx *tx, struct fail *f, const struct presenting *p)
{
    struct ledger_fork fork = {
        .epoch = p->p->epoch, .base = p->base.size, .kept = buf_str(&p->kept), .note = p->p->note};
    snprintf(fork.node, sizeof fork.node, "%s", p->p->node);
    return ledger_fork_put(tx, f, &fork);
}

/* Decides against what was kept; *keep: the head takes its place. */
static enum err judge(struct db_tx *tx, struct fail *f, struct presenting *p, const struct kept *kept,
                      bool *keep)
{
    *keep = true;
    if (p->p->epoch < kept->epoch)
        return fail_set(f, ERR_EPOCH_OLD, "epoch", "%lld after %lld", (long long)p->p->epoch,
                        (long long)kept->epoch);
    enum err e = p->p->epoch > kept->epoch ? compare_lives(f, p, kept) : compare(&p->why, p, &kept->head);
    if (p->forked)
        return record_fork(tx, f, p);
    if (e == ERR_FORK) {
        *keep = false;
        p->refused = true;
        return record_fork(tx, f, p);
    }
    if (e) {
        if (p->p->epoch == kept->epoch)
            return fail_pass(f, &p->why);
        return e;
    }
    p->repeated = p->p->epoch == kept->epoch && p->head.size == kept->head.size;
    *keep = !p->repeated;
    return ERR_OK;
}

static enum err keep(struct db_tx *tx, struct fail *f, void *arg)
{
    struct presenting *p = arg;
    struct kept kept = {.epoch = 0};
    int64_t now = clock_now();
    bool taken = true;
    p->refused = p->forked = p->repeated = false;
    buf_clear(&p->kept);
    enum err e = read_kept(tx, f, p->p->node, &p->kept, &kept);
    if (!e && p->kept.n)
        e = judge(tx, f, p, &kept, &taken);
    if (e || !taken)
        return e;
    return db_exec(tx, f, &sql_ledger_kept_set,
                   DB(db_text(str_of(p->p->node)), db_int(p->p->epoch), db_int(clock_japan_date(now)),
                      db_int((int64_t)p->head.size), db_bytes(p->head.root.bytes, sizeof p->head.root.bytes),
                      db_int(now), db_text(p->cosigned)),
                   NULL);
}

/* A head of the node's own log in a note. */
static enum err read_head(struct fail *f, const struct presenting *p, struct str note, struct head *out)
{
    struct str body = STR("");
    enum err e = note_verify(f, note, str_of(p->origin), p->p->public_key, &body);
    if (!e)
        e = head_parse(f, body, out);
    if (e)
        return e;
    if (strcmp(out->origin, p->origin) != 0)
        return fail_set(f, ERR_MALFORMED, "origin", "another log's head");
    return out->size <= INT64_MAX ? ERR_OK : fail_set(f, ERR_FIELD_RANGE, "size", NULL);
}

static enum err check_presented(struct ledger *l, struct fail *f, struct presenting *p)
{
    uint8_t own[ED25519_PUBLIC];
    struct str body;
    enum err e = ledger_origin(f, p->p->node, p->origin);
    if (!e)
        e = read_head(f, p, p->p->note, &p->head);
    if (e || !p->p->base.n)
        return e;
    e = read_head(f, p, p->p->base, &p->base);
    if (!e)
        e = key_public(f, l->key, own);
    return e ? e : note_verify(f, p->p->base, str_of(l->origin), own, &body); /* did we co-sign it? */
}

enum err ledger_keep_head(struct ledger *l, struct fail *f, const struct ledger_presented *presented,
                          struct buf *out, struct buf *forked)
{
    struct presenting p = {.p = presented};
    struct buf cosigned;
    if (!l->key)
        return fail_set(f, ERR_LEDGER_KEY, NULL, NULL);
    buf_init(&p.kept, KEPT_NOTE_MAX);
    buf_init(&cosigned, KEPT_NOTE_MAX);
    enum err e = check_presented(l, f, &p);
    if (!e) /* before the transaction: a slow token must not hold the writer */
        e = note_cosign(f, l->key, str_of(l->origin), presented->note, &cosigned);
    p.cosigned = buf_str(&cosigned);
    if (!e)
        e = db_transaction(l->db, f, keep, &p);
    if (!e && p.refused)
        e = fail_pass(f, &p.why);
    if (!e && p.forked && forked)
        buf_add_str(forked, buf_str(&p.kept));
    if (!e && out) {
        buf_add_str(out, p.repeated ? buf_str(&p.kept) : p.cosigned);
        e = buf_check(out, f, "note");
    }
    buf_release(&cosigned);
    buf_release(&p.kept);
    return e;
}

struct kept_size {
    const char *node;
    struct kept kept;
};

static enum err read_kept_size(struct db_tx *tx, struct fail *f, void *arg)
{
    struct kept_size *k = arg;
    return read_kept(tx, f, k->node, NULL, &k->kept);
}

enum err ledger_kept_size(struct ledger *l, struct fail *f, const char *lower_node, uint64_t *size,
                          int64_t *epoch)
{
    struct kept_size k = {.node = lower_node};
    enum err e = db_read(l->db, f, read_kept_size, &k);
    if (e)
        return e;
    *size = k.kept.head.size;
    if (epoch)
        *epoch = k.kept.epoch;
    return ERR_OK;
}

struct kept_note {
    const char *node;
    struct buf *out;
};

static enum err read_kept_note(struct db_tx *tx, struct fail *f, void *arg)
{
    struct kept_note *k = arg;
    struct kept kept;
    return read_kept(tx, f, k->node, k->out, &kept);
}

enum err ledger_kept_note(struct fail *f, struct db *db, const char *lower_node, struct buf *out)
{
    size_t before = out->n;
    enum err e = db_read(db, f, read_kept_note, &(struct kept_note){lower_node, out});
    if (!e)
        e = buf_check(out, f, "note");
    return !e && out->n == before ? fail_set(f, ERR_NOT_FOUND, "head", "%s", lower_node) : e;
}
