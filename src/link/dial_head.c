/* SPDX-License-Identifier: Apache-2.0 */
/* Shows the newest signed head to the upper server, with a proof that the log only grew, and keeps its
 * cosignature. */
#include "link/dial.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>

struct head_proof {
    struct dial *d;
    uint64_t from, to;
    struct merkle_proof proof;
};

static enum err prove_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct head_proof *p = arg;
    return ledger_prove_consistency(tx, f, p->from, p->to, &p->proof);
}

static enum err kept_size(struct dial *d, struct fail *f, uint64_t *size)
{
    struct frame answer;
    struct json *tree;
    int64_t kept = 0;
    enum err e = dial_exchange(d, f, LINK_FRAME_HEAD_SIZE, STR("{}"), LINK_FRAME_HEAD_ANSWER, &answer);
    if (e || (e = json_read(f, answer.payload, &tree)))
        return e;
    e = json_member_int(f, tree, "size", 0, INT64_MAX, &kept);
    json_free(tree);
    *size = (uint64_t)kept;
    return e;
}

/* Is it really the upper server that signed? */
static enum err check_cosignature(struct dial *d, struct fail *f, struct str note)
{
    const struct directory_key *key = directory_key_at(d->node, clock_now());
    struct str name = arena_format(&d->arena, "juki/%s", d->peer->node.text), body;
    if (!key || !name.p)
        return fail_set(f, ERR_SIGNATURE, NULL, "%s has no key", d->peer->node.text);
    return note_verify(f, note, name, key->public_key, &body);
}

static enum err present(struct dial *d, struct fail *f, struct str note, const struct merkle_proof *proof)
{
    struct frame answer;
    struct str cosigned = {NULL, 0};
    struct buf b;
    struct json *tree;
    buf_init(&b, 128 * 1024);
    json_begin(&b, NULL, '{');
    json_add_text(&b, "note", note);
    json_begin(&b, "proof", '[');
    for (size_t i = 0; i < proof->count; i++)
        json_add_hash(&b, NULL, proof->hashes[i]);
    json_end(&b, ']');
    json_end(&b, '}');
    enum err e = dial_exchange(d, f, LINK_FRAME_HEAD, buf_str(&b), LINK_FRAME_HEAD_ANSWER, &answer);
    buf_release(&b);
    if (e || (e = json_read(f, answer.payload, &tree)))
        return e;
    e = json_member_text(f, tree, "note", &d->arena, &cosigned);
    json_free(tree);
    if (!e)
        e = check_cosignature(d, f, cosigned);
    return e ? e : ledger_add_cosignature(d->l->config.ledger, f, cosigned);
}

static enum err present_newest(struct dial *d, struct fail *f)
{
    struct head_proof *p = arena_alloc(&d->arena, sizeof *p);
    struct buf note;
    struct str body = STR("");
    struct head head = {.size = 0};
    uint8_t own[ED25519_PUBLIC];
    char origin[sizeof head.origin];
    snprintf(origin, sizeof origin, "juki/%s", d->l->config.self.text); /* how heads name their log */
    buf_init(&note, 64 * 1024);
    enum err e =
        p ? ledger_newest_head(d->l->config.ledger, f, &note) : fail_set(f, ERR_MEMORY, "head", NULL);
    if (!e)
        e = key_public(f, d->l->config.signing_key, own);
    if (!e)
        e = note_verify(f, buf_str(&note), str_of(origin), own, &body);
    if (!e)
        e = head_parse(f, body, &head);
    if (!e) {
        *p = (struct head_proof){.d = d, .to = head.size};
        e = kept_size(d, f, &p->from);
    }
    if (!e && p->from != head.size) {
        if (p->from &&
            p->from < head.size) /* a longer one is presented too, so that the fork goes on record above */
            e = db_read(d->l->config.db, f, prove_tx, p);
        if (!e)
            e = present(d, f, buf_str(&note), &p->proof);
    }
    buf_release(&note);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* The log was cut or rewritten, or restored: both notes are on record above. Heads are not shown again before
 * the next start; notices go on, because they have a chain of their own. */
static void head_forked(struct dial *d, const struct fail *f)
{
    struct fail logged;
    pthread_mutex_lock(&d->peer->lock);
    d->peer->head_forked = true;
    pthread_mutex_unlock(&d->peer->lock);
    LOG(LOG_ALARM, "head_forked", LOG_TEXT("upper", d->peer->node.text), LOG_TEXT("detail", f->detail));
    if (operation_log(d->l, &logged, STR("head forked"), str_of(f->detail)))
        log_fail(LOG_ALARM, "fork_not_logged", &logged);
}

enum err dial_present_head(struct dial *d, struct fail *f)
{
    enum err e = present_newest(d, f);
    if (e == ERR_FORK)
        head_forked(d, f);
    return e;
}
