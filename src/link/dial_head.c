/* SPDX-License-Identifier: Apache-2.0 */
/* Shows the newest signed head to the upper server, with a proof that the log only grew, and keeps its
 * cosignature.
 *
 * A restored server's log no longer continues what it signed after the backup. It shows then what it can:
 * that it continues the newest head the upper server co-signed up to the restore (the base). The upper server
 * puts the fork on record and follows the new life; so do we. */
#include "link/dial.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>

struct showing {
    struct dial *d;
    struct buf note, base; /* base: empty unless the kept head is of a life whose end was lost */
    struct head head;
    uint64_t kept, from; /* what is kept above; where the proof begins */
    int64_t kept_epoch;
    struct merkle_proof proof;
};

static enum err prove_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct showing *s = arg;
    return ledger_prove_consistency(tx, f, s->from, s->head.size, &s->proof);
}

static enum err ask_kept(struct showing *s, struct fail *f)
{
    struct frame answer;
    struct json *tree;
    int64_t kept = 0;
    enum err e = dial_exchange(s->d, f, LINK_FRAME_HEAD_SIZE, STR("{}"), LINK_FRAME_HEAD_ANSWER, &answer);
    if (e || (e = json_read(f, answer.payload, &tree)))
        return e;
    s->kept_epoch = s->d->l->life.epoch;
    e = json_member_int(f, tree, "size", 0, INT64_MAX, &kept);
    if (!e)
        e = json_member_int_maybe(f, tree, "epoch", 0, INT64_MAX, &s->kept_epoch);
    json_free(tree);
    s->kept = (uint64_t)kept;
    return e;
}

/* Is it really the upper server that signed, with a key that was in force since the head was? */
static enum err check_cosignature(const struct showing *s, struct fail *f, struct str note)
{
    const struct directory_node *upper = s->d->node;
    struct str name = arena_format(&s->d->arena, "juki/%s", upper->name.text), body;
    enum err e = name.p ? fail_set(f, ERR_SIGNATURE, NULL, "%s has no key", upper->name.text)
                        : fail_set(f, ERR_MEMORY, "head", NULL);
    for (size_t i = upper->key_count; i > 0 && e == ERR_SIGNATURE; i--)
        if (upper->keys[i - 1].until >= s->head.time)
            e = note_verify(f, note, name, upper->keys[i - 1].public_key, &body);
    return e;
}

/* Both notes go on record here too: ours of the life before, as it was kept, and the first of this one. */
static void forked(struct showing *s, struct str kept)
{
    struct dial *d = s->d;
    struct ledger_fork fork = {
        .epoch = d->l->life.epoch, .base = s->base.n ? s->from : 0, .kept = kept, .note = buf_str(&s->note)};
    struct fail f;
    char what[160];
    snprintf(fork.node, sizeof fork.node, "%s", d->l->config.self.text);
    LOG(LOG_ALARM, "head_forked", LOG_TEXT("upper", d->peer->node.text), LOG_NUMBER("epoch", fork.epoch),
        LOG_NUMBER("kept_above", (int64_t)s->kept), LOG_NUMBER("common", (int64_t)fork.base));
    snprintf(what, sizeof what, "head forked: %s keeps %llu entries of epoch %lld", d->peer->node.text,
             (unsigned long long)s->kept, (long long)s->kept_epoch);
    if (ledger_record_fork(d->l->config.ledger, &f, &fork) || operation_log(d->l, &f, str_of(what), kept))
        log_fail(LOG_ALARM, "fork_not_logged", &f);
}

static enum err send_head(struct showing *s, struct fail *f, struct frame *answer)
{
    struct buf b;
    buf_init(&b, 256 * 1024);
    json_begin(&b, NULL, '{');
    json_add_text(&b, "note", buf_str(&s->note));
    if (s->base.n)
        json_add_text(&b, "base", buf_str(&s->base));
    json_begin(&b, "proof", '[');
    for (size_t i = 0; i < s->proof.count; i++)
        json_add_hash(&b, NULL, s->proof.hashes[i]);
    json_end(&b, ']');
    json_end(&b, '}');
    enum err e = buf_check(&b, f, "head");
    if (!e)
        e = dial_exchange(s->d, f, LINK_FRAME_HEAD, buf_str(&b), LINK_FRAME_HEAD_ANSWER, answer);
    buf_release(&b);
    return e;
}

static enum err present(struct showing *s, struct fail *f)
{
    struct frame answer;
    struct str cosigned = {NULL, 0}, kept = {NULL, 0};
    struct json *tree;
    enum err e = send_head(s, f, &answer);
    if (e || (e = json_read(f, answer.payload, &tree)))
        return e;
    e = json_member_text(f, tree, "note", &s->d->arena, &cosigned);
    if (!e)
        e = json_member_text_maybe(f, tree, "forked", &s->d->arena, &kept);
    json_free(tree);
    if (!e)
        e = check_cosignature(s, f, cosigned);
    if (!e && kept.n)
        forked(s, kept);
    return e ? e : ledger_add_cosignature(s->d->l->config.ledger, f, cosigned);
}

static enum err read_own(struct showing *s, struct fail *f)
{
    struct link *l = s->d->l;
    struct str body = STR("");
    uint8_t own[ED25519_PUBLIC];
    char origin[sizeof s->head.origin];
    snprintf(origin, sizeof origin, "juki/%s", l->config.self.text); /* how heads name their log */
    enum err e = ledger_newest_head(l->config.ledger, f, &s->note);
    if (!e)
        e = key_public(f, l->config.signing_key, own);
    if (!e)
        e = note_verify(f, buf_str(&s->note), str_of(origin), own, &body);
    return e ? e : head_parse(f, body, &s->head);
}

/* Where the proof begins: at the head kept above, unless that one counts entries which a restore took away;
 * then at what is left of what was co-signed, or nowhere. */
static enum err find_base(struct showing *s, struct fail *f)
{
    struct dial *d = s->d;
    const struct directory_key *key = directory_key_at(d->node, clock_now());
    s->from = s->kept;
    if (s->kept_epoch >= d->l->life.epoch || s->kept <= (uint64_t)d->l->life.size)
        return ERR_OK;
    enum err e = key ? ledger_cosigned_head(f, d->l->config.db, (uint64_t)d->l->life.size, d->peer->node.text,
                                            key->public_key, &s->base, &s->from)
                     : ERR_NOT_FOUND;
    if (e == ERR_NOT_FOUND)
        s->from = 0;
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* Of the same size as the one kept above, and co-signed there: without that it may be a twin's that is kept.
 */
static bool is_kept(struct showing *s)
{
    return s->kept == s->head.size && s->kept_epoch == s->d->l->life.epoch &&
           !check_cosignature(s, NULL, buf_str(&s->note));
}

static enum err show(struct showing *s, struct fail *f)
{
    enum err e = read_own(s, f);
    if (!e)
        e = ask_kept(s, f);
    if (e || is_kept(s))
        return e;
    e = find_base(s, f);
    if (!e && s->from &&
        s->from < s->head.size) /* a longer one is presented too, so that the fork goes on record above */
        e = db_read(s->d->l->config.db, f, prove_tx, s);
    return e ? e : present(s, f);
}

/* The log was cut or rewritten within a life: both notes are on record above. Heads are not shown again
 * before the next start; notices go on, because they have a chain of their own. */
static void head_refused(struct dial *d, const struct fail *f)
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
    struct showing *s = arena_alloc(&d->arena, sizeof *s);
    if (!s)
        return fail_set(f, ERR_MEMORY, "head", NULL);
    *s = (struct showing){.d = d};
    buf_init(&s->note, 64 * 1024);
    buf_init(&s->base, 64 * 1024);
    enum err e = show(s, f);
    buf_release(&s->note);
    buf_release(&s->base);
    if (e == ERR_FORK)
        head_refused(d, f);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}
