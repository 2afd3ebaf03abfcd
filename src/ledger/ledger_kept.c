/* SPDX-License-Identifier: Apache-2.0 */
/* The upper server's side: heads of lower servers, kept and co-signed.
 *
 * A head is kept when it continues the one kept before: the same size with the same root, or a greater size with a
 * consistency proof. Whatever else a lower server signs is a fork: its log was cut or rewritten. The head kept before
 * stays the newest one then, and both notes go on record, each signed by the lower server itself: evidence that needs
 * no trust in us. */
#include "ledger/ledger_inside.h"

#include "base/clock.h"
#include "ledger/ledger_sql.h"

enum { KEPT_NOTE_MAX = 64 * 1024 };

struct presented {
    const char *node;
    const uint8_t *public_key;
    char origin[72];
    struct str note, cosigned;
    struct head head;
    const struct merkle_proof *proof;
    struct buf kept; /* the note kept before, empty when none */
    bool forked, repeated;
    struct fail why;
};

/* note (may be NULL) stays empty when no head was kept. */
static enum err read_kept(struct db_tx *tx, struct fail *f, const char *node, struct buf *note, struct head *out)
{
    struct db_rows rows;
    struct head kept = {.size = 0};
    db_query(tx, &rows, &sql_ledger_kept_newest, DB(db_text(str_of(node))));
    if (db_next(&rows)) {
        struct str root = db_row_bytes(&rows, 1);
        kept.size = (uint64_t)db_row_int(&rows, 0);
        memcpy(kept.root.bytes, root.p, root.n < sizeof kept.root.bytes ? root.n : sizeof kept.root.bytes);
        if (note)
            buf_add_str(note, db_row_text(&rows, 2));
    }
    enum err e = db_done(&rows, f);
    if (!e)
        *out = kept;
    return e;
}

/* ERR_FORK, or another error when the question itself was incomplete. */
static enum err compare(struct fail *f, const struct presented *p, const struct head *kept)
{
    if (p->head.size < kept->size)
        return fail_set(f, ERR_FORK, p->node, "%llu entries where %llu were signed",
                        (unsigned long long)p->head.size, (unsigned long long)kept->size);
    if (p->head.size == kept->size)
        return sha256_equal(p->head.root, kept->root)
                   ? ERR_OK
                   : fail_set(f, ERR_FORK, p->node, "two roots for %llu entries", (unsigned long long)kept->size);
    if (!kept->size) /* everything continues the empty log */
        return ERR_OK;
    if (!p->proof)
        return fail_set(f, ERR_PROOF, p->node, "a proof from size %llu is required", (unsigned long long)kept->size);
    struct fail inner = {.detail = ""};
    if (merkle_check_consistency(&inner, kept->size, kept->root, p->head.size, p->head.root, p->proof))
        return fail_set(f, ERR_FORK, p->node, "from %llu to %llu entries: %s", (unsigned long long)kept->size,
                        (unsigned long long)p->head.size, inner.detail);
    return ERR_OK;
}

static enum err record_fork(struct db_tx *tx, struct fail *f, struct presented *p)
{
    p->forked = true;
    return db_exec(tx, f, &sql_ledger_fork_add,
                   DB(db_text(str_of(p->node)), db_int(clock_now()), db_text(buf_str(&p->kept)), db_text(p->note)),
                   NULL);
}

static enum err keep(struct db_tx *tx, struct fail *f, void *arg)
{
    struct presented *p = arg;
    struct head kept = {.size = 0};
    int64_t now = clock_now();
    p->forked = p->repeated = false;
    buf_clear(&p->kept);
    enum err e = read_kept(tx, f, p->node, &p->kept, &kept);
    if (e)
        return e;
    if (p->kept.n) {
        e = compare(&p->why, p, &kept);
        if (e == ERR_FORK)
            return record_fork(tx, f, p);
        if (e) {
            if (f)
                *f = p->why;
            return e;
        }
        p->repeated = p->head.size == kept.size;
        if (p->repeated)
            return ERR_OK;
    }
    return db_exec(tx, f, &sql_ledger_kept_set,
                   DB(db_text(str_of(p->node)), db_int(clock_japan_date(now)), db_int((int64_t)p->head.size),
                      db_bytes(p->head.root.bytes, sizeof p->head.root.bytes), db_int(now), db_text(p->cosigned)),
                   NULL);
}

static enum err check_presented(struct fail *f, struct presented *p)
{
    struct str body = STR("");
    enum err e = ledger_origin(f, p->node, p->origin);
    if (!e)
        e = note_verify(f, p->note, str_of(p->origin), p->public_key, &body);
    if (!e)
        e = head_parse(f, body, &p->head);
    if (e)
        return e;
    if (strcmp(p->head.origin, p->origin) != 0)
        return fail_set(f, ERR_MALFORMED, "origin", "another log's head");
    return p->head.size <= INT64_MAX ? ERR_OK : fail_set(f, ERR_FIELD_RANGE, "size", NULL);
}

enum err ledger_keep_head(struct ledger *l, struct fail *f, const char *lower_node,
                          const uint8_t public_key[static ED25519_PUBLIC], struct str note,
                          const struct merkle_proof *proof, struct buf *out)
{
    struct presented p = {.node = lower_node, .public_key = public_key, .note = note, .proof = proof};
    struct buf cosigned;
    if (!l->key)
        return fail_set(f, ERR_LEDGER_KEY, NULL, NULL);
    buf_init(&p.kept, KEPT_NOTE_MAX);
    buf_init(&cosigned, KEPT_NOTE_MAX);
    enum err e = check_presented(f, &p);
    if (!e) /* before the transaction: a slow token must not hold the writer */
        e = note_cosign(f, l->key, str_of(l->origin), note, &cosigned);
    p.cosigned = buf_str(&cosigned);
    if (!e)
        e = db_transaction(l->db, f, keep, &p);
    if (!e && p.forked) {
        e = ERR_FORK;
        if (f)
            *f = p.why;
    }
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
    struct head head;
};

static enum err read_kept_size(struct db_tx *tx, struct fail *f, void *arg)
{
    struct kept_size *k = arg;
    return read_kept(tx, f, k->node, NULL, &k->head);
}

enum err ledger_kept_size(struct ledger *l, struct fail *f, const char *lower_node, uint64_t *size)
{
    struct kept_size k = {.node = lower_node};
    enum err e = db_read(l->db, f, read_kept_size, &k);
    if (!e)
        *size = k.head.size;
    return e;
}

struct kept_note {
    const char *node;
    struct buf *out;
};

static enum err read_kept_note(struct db_tx *tx, struct fail *f, void *arg)
{
    struct kept_note *k = arg;
    struct head head;
    return read_kept(tx, f, k->node, k->out, &head);
}

enum err ledger_kept_note(struct fail *f, struct db *db, const char *lower_node, struct buf *out)
{
    size_t before = out->n;
    enum err e = db_read(db, f, read_kept_note, &(struct kept_note){lower_node, out});
    if (!e)
        e = buf_check(out, f, "note");
    return !e && out->n == before ? fail_set(f, ERR_NOT_FOUND, "head", "%s", lower_node) : e;
}
