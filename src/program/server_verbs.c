/* SPDX-License-Identifier: Apache-2.0 */
/* What a person or a monitor may ask a server, and order it to do. Answers hold no person's data: counts,
 * digests, sequences, errors by their public numbers. */
#include "program/server.h"

#include "base/clock.h"
#include "base/encode.h"
#include "flow/identity_notice/identity_notice.h"
#include "program/backup_hold.h"

#include <stdio.h>

/* ---- census ---- */

static void add_area(void *arg, const struct store_area_count *c)
{
    struct buf *out = arg;
    char text[65];
    struct buf hex;
    buf_init(&hex, sizeof text);
    encode_hex(&hex, c->digest, sizeof c->digest);
    json_begin(out, NULL, '{');
    json_add_int(out, "area", c->area.value);
    json_add_int(out, "current", c->current);
    json_add_int(out, "leaving", c->leaving);
    json_add_int(out, "removed", c->removed);
    json_add_int(out, "versions", c->versions);
    json_add_text(out, "digest", buf_str(&hex));
    json_end(out, '}');
    buf_release(&hex);
}

static enum err verb_census(void *self, struct control_call *call, struct fail *f)
{
    struct server *s = self;
    json_begin(&call->answer, "areas", '[');
    enum err e = store_census(s->db, f, add_area, &call->answer);
    json_end(&call->answer, ']');
    return e;
}

/* ---- status ---- */

struct peers {
    struct buf *out;
    int64_t sent, waiting, refused, received, applied;
};

static void add_peer(void *arg, const struct link_peer_status *p)
{
    struct peers *all = arg;
    struct buf *b = all->out;
    all->sent += p->sent;
    all->waiting += p->waiting;
    all->refused += p->refused;
    all->received += p->received;
    all->applied += p->applied;
    json_begin(b, NULL, '{');
    json_add_text(b, "node", str_of(p->node.text));
    json_add_int(b, "sent", p->sent);
    json_add_int(b, "acknowledged", p->acknowledged);
    json_add_int(b, "applied", p->applied);
    json_add_int(b, "refused", p->refused);
    json_add_int(b, "waiting", p->waiting);
    json_add_int(b, "received", p->received);
    if (p->oldest_waiting)
        json_add_int(b, "oldest_waiting_seconds", (clock_now() - p->oldest_waiting) / 1000000);
    json_add_bool(b, "connected", p->connected);
    json_add_bool(b, "stopped", p->stopped);
    json_add_bool(b, "head_forked", p->head_forked);
    json_add_int(b, "epoch", p->epoch);
    if (p->trouble.err)
        control_add_trouble(b, &p->trouble);
    json_end(b, '}');
}

static void count_error(void *arg, const struct link_error_item *item)
{
    (void)item;
    ++*(int64_t *)arg;
}

static void add_notices(struct buf *b, const struct peers *p)
{
    json_begin(b, "notices", '{');
    json_add_int(b, "sent", p->sent);
    json_add_int(b, "waiting", p->waiting);
    json_add_int(b, "refused", p->refused);
    json_add_int(b, "applied", p->applied);
    json_add_int(b, "received", p->received);
    json_end(b, '}');
}

static enum err add_storage(struct server *s, struct fail *f, struct buf *b)
{
    struct db_stats stats;
    int64_t bytes = 0;
    enum err e = ledger_bytes(s->ledger, f, &bytes);
    if (e)
        return e;
    int64_t head_age = ledger_head_age(s->ledger);
    db_stats(s->db, &stats);
    json_begin(b, "log", '{');
    json_add_int(b, "entries", (int64_t)ledger_size(s->ledger));
    json_add_int(b, "bytes", bytes);
    json_add_int(b, "head_age_seconds", head_age < 0 ? -1 : head_age / 1000000);
    json_end(b, '}');
    json_begin(b, "database", '{');
    json_add_text(b, "backend", str_of(db_backend(s->db)));
    json_add_int(b, "file_bytes", stats.file_bytes);
    json_add_int(b, "wal_bytes", stats.wal_bytes);
    json_add_int(b, "wal_bytes_most", stats.wal_bytes_most);
    json_add_int(b, "memory_bytes", stats.memory_bytes);
    json_add_int(b, "groups", stats.groups);
    json_add_int(b, "changes", stats.changes);
    json_add_int(b, "group_most", stats.group_most);
    json_begin(b, "flush_histogram", '[');
    for (size_t i = 0; i < COUNT_OF(stats.flush_micros); i++)
        json_add_int(b, NULL, stats.flush_micros[i]);
    json_end(b, ']');
    json_end(b, '}');
    return ERR_OK;
}

static void add_fork(void *arg, const char *node, int64_t count, int64_t newest)
{
    struct buf *b = arg;
    char text[CLOCK_TEXT_SIZE];
    json_begin(b, NULL, '{');
    json_add_text(b, "node", str_of(node));
    json_add_int(b, "count", count);
    json_add_text(b, "newest", str_of(clock_text(newest, text)));
    json_end(b, '}');
}

/* Logs that were cut, rewritten or restored, of which nobody has taken note. */
static enum err add_forks(struct server *s, struct fail *f, struct buf *b)
{
    json_begin(b, "forks", '[');
    enum err e = ledger_forks_unseen(f, s->db, add_fork, b);
    json_end(b, ']');
    return e;
}

static void add_pool(void *arg, const struct pool *p)
{
    struct buf *b = arg;
    json_begin(b, NULL, '{');
    json_add_text(b, "pool", str_of(p->name));
    json_add_int(b, "left", p->left);
    json_add_int(b, "of", p->of);
    json_add_int(b, "level", p->level);
    json_end(b, '}');
}

static void add_pools(struct server *s, struct buf *b)
{
    json_begin(b, "pools", '[');
    link_pools(s->link, add_pool, b);
    json_end(b, ']');
}

static enum err stock_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct buf *b = arg;
    struct stock_status status;
    enum err e = resident_code_stock_status(tx, f, &status);
    if (e)
        return e;
    json_begin(b, "stock", '{');
    json_add_int(b, "designated", status.designated);
    json_add_int(b, "unused", status.unused);
    json_add_int(b, "requested", status.requested);
    json_add_int(b, "level", status.level);
    json_end(b, '}');
    return ERR_OK;
}

static enum err add_links(struct server *s, struct fail *f, struct buf *b)
{
    struct peers peers = {.out = b};
    int64_t errors = 0;
    json_begin(b, "peers", '[');
    enum err e = link_status(s->link, f, add_peer, &peers);
    json_end(b, ']');
    if (!e)
        e = link_errors(s->link, f, count_error, &errors);
    add_notices(b, &peers);
    json_add_int(b, "error_list", errors);
    return e;
}

static enum err add_persons(struct server *s, struct fail *f, struct buf *b)
{
    struct tally_counts c = {0};
    enum err e = tally_read(s->persons, f, &c);
    json_begin(b, "persons", '{');
    json_add_int(b, "current", c.rows[STORE_CURRENT]);
    json_add_int(b, "leaving", c.rows[STORE_LEAVING]);
    json_add_int(b, "removed", c.rows[STORE_REMOVED]);
    json_add_int(b, "versions", c.weight);
    json_end(b, '}');
    return e;
}

static void add_directory(struct server *s, struct buf *b)
{
    struct directory *d = link_directory(s->link);
    json_begin(b, "directory", '{');
    json_add_int(b, "version", directory_version(d));
    json_add_int(b, "days_left", (directory_expires(d) - clock_now()) / 86400000000);
    json_end(b, '}');
    directory_unref(d);
    json_add_int(b, "certificate_days", (link_certificate_until(s->link) - clock_now()) / 86400000000);
}

static enum err add_door(struct server *s, struct fail *f, struct buf *b)
{
    struct buf door;
    buf_init(&door, 64 * 1024);
    enum err e = door_status(s->door, f, &door);
    json_add_raw(b, "door", buf_str(&door));
    buf_release(&door);
    return e;
}

static enum err verb_status(void *self, struct control_call *call, struct fail *f)
{
    struct server *s = self;
    struct buf *b = &call->answer;
    json_add_text(b, "node", str_of(s->self.text));
    enum err e = server_health(s, f);
    if (e)
        return e;
    json_add_bool(b, "ready", true);
    struct fail low;
    if (link_takes_work(s->link, &low))
        control_add_trouble(b, &low);
    json_add_text(b, "version", STR(JUKI_VERSION));
    json_add_int(b, "epoch", link_epoch(s->link));
    json_add_int(b, "uptime_seconds", (clock_now() - s->started) / 1000000);
    e = add_persons(s, f, b);
    if (!e)
        e = add_links(s, f, b);
    if (!e)
        e = add_forks(s, f, b);
    if (!e)
        e = add_storage(s, f, b);
    add_pools(s, b);
    add_directory(s, b);
    if (!e && s->self.role == NODE_CS)
        e = db_read(s->db, f, stock_tx, b);
    return !e && s->door ? add_door(s, f, b) : e;
}

/* ---- error list ---- */

static void add_error(void *arg, const struct link_error_item *item)
{
    struct buf *b = arg;
    char since[CLOCK_TEXT_SIZE];
    json_begin(b, NULL, '{');
    json_add_int(b, "id", item->id);
    json_add_text(b, "since", str_of(clock_text(item->since, since)));
    json_add_text(b, "notice", str_of(item->notice_id));
    json_add_text(b, "sender", str_of(item->sender));
    json_add_int(b, "error", item->error);
    json_add_text(b, "name", str_of(err_row(item->error)->name));
    json_add_text(b, "text", str_of(err_row(item->error)->en));
    json_add_text(b, "text_ja", str_of(err_row(item->error)->ja));
    json_add_text(b, "field", str_of(item->field));
    json_add_bool(b, "behind", item->behind);
    json_end(b, '}');
}

static enum err verb_errors(void *self, struct control_call *call, struct fail *f)
{
    struct server *s = self;
    json_begin(&call->answer, "errors", '[');
    enum err e = link_errors(s->link, f, add_error, &call->answer);
    json_end(&call->answer, ']');
    return e;
}

static enum err verb_error_release(void *self, struct control_call *call, struct fail *f)
{
    struct server *s = self;
    int64_t id = 0, applied = 0;
    enum err e = json_member_int(f, call->question, "id", 1, INT64_MAX, &id);
    if (!e)
        e = link_error_release(s->link, f, id, &applied);
    json_add_int(&call->answer, "applied", applied);
    return e;
}

static enum err verb_error_refuse(void *self, struct control_call *call, struct fail *f)
{
    struct server *s = self;
    int64_t id = 0;
    enum err e = json_member_int(f, call->question, "id", 1, INT64_MAX, &id);
    return e ? e : link_error_refuse(s->link, f, id);
}

/* ---- trace and resend ---- */

static void add_stamp(struct buf *b, const char *key, int64_t stamp)
{
    char text[CLOCK_TEXT_SIZE];
    if (stamp)
        json_add_text(b, key, str_of(clock_text(stamp, text)));
}

static void add_trace(struct buf *b, const struct link_trace *t)
{
    char state[2] = {t->state, 0};
    json_add_text(b, "notice", str_of(t->notice_id));
    add_stamp(b, "received", t->received);
    add_stamp(b, "acknowledged", t->acknowledged);
    add_stamp(b, "outcome", t->outcome);
    json_add_text(b, "next", str_of(t->next));
    json_add_int(b, "next_sequence", t->next_sequence);
    json_add_text(b, "state", str_of(state));
}

static enum err verb_trace_source(void *self, struct control_call *call, struct fail *f)
{
    struct server *s = self;
    struct link_trace t;
    int64_t change = 0;
    enum err e = json_member_int(f, call->question, "change", 1, INT64_MAX, &change);
    if (!e)
        e = link_trace_source(s->link, f, change, &t);
    if (!e)
        add_trace(&call->answer, &t);
    return e;
}

static enum err verb_trace_received(void *self, struct control_call *call, struct fail *f)
{
    struct server *s = self;
    struct link_trace t;
    struct str sender = {NULL, 0};
    int64_t sequence = 0;
    enum err e = json_member_text(f, call->question, "sender", &call->arena, &sender);
    if (!e)
        e = json_member_int(f, call->question, "sequence", 1, INT64_MAX, &sequence);
    if (!e)
        e = link_trace_received(s->link, f, sender.p, sequence, &t);
    if (!e)
        add_trace(&call->answer, &t);
    return e;
}

static enum err verb_resend(void *self, struct control_call *call, struct fail *f)
{
    struct server *s = self;
    struct str peer = {NULL, 0};
    int64_t first = 0, last = 0;
    enum err e = json_member_text(f, call->question, "peer", &call->arena, &peer);
    if (!e)
        e = json_member_int(f, call->question, "first", 1, INT64_MAX, &first);
    if (!e)
        e = json_member_int(f, call->question, "last", first, INT64_MAX, &last);
    return e ? e : link_resend(s->link, f, peer.p, first, last);
}

/* ---- numbers and stock ---- */

static void add_waiting(void *arg, const struct identity_waiting *w)
{
    struct buf *b = arg;
    char code[12];
    json_begin(b, NULL, '{');
    json_add_int(b, "change", w->change);
    json_add_text(b, "resident_code", str_of(resident_code_masked(w->code, code)));
    json_add_int(b, "seconds", (clock_now() - w->since) / 1000000);
    json_end(b, '}');
}

static enum err waiting_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    return identity_notice_waiting(tx, f, add_waiting, arg);
}

static enum err verb_waiting(void *self, struct control_call *call, struct fail *f)
{
    struct server *s = self;
    json_begin(&call->answer, "waiting", '[');
    enum err e = db_read(s->db, f, waiting_tx, &call->answer);
    json_end(&call->answer, ']');
    return e;
}

struct stock_call {
    struct server *s;
    int64_t count;
};

static enum err stock_request_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct stock_call *c = arg;
    return resident_code_stock_request(&c->s->flow, tx, f, c->count);
}

static enum err verb_stock_request(void *self, struct control_call *call, struct fail *f)
{
    struct server *s = self;
    struct stock_call c = {.s = s};
    enum err e = json_member_int(f, call->question, "count", 1, 2000000, &c.count);
    if (!e && s->self.role != NODE_CS)
        e = fail_set(f, ERR_STATE, "node", "only a CS has a stock");
    return e ? e : db_transaction(s->db, f, stock_request_tx, &c);
}

static enum err verb_reload(void *self, struct control_call *call, struct fail *f)
{
    (void)call;
    return server_reload(self, f);
}

static enum err verb_sign_head(void *self, struct control_call *call, struct fail *f)
{
    struct server *s = self;
    (void)call;
    return link_sign_head(s->link, f);
}

/* ---- backup and forks ---- */

struct backup_note {
    struct server *s;
    struct str what;
};

static enum err backup_note_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct backup_note *n = arg;
    return ledger_append(n->s->ledger, tx, f, LEDGER_OPERATION, n->what, STR(""), NULL);
}

/* The log says that a backup is made, and its newest head covers that: what the backup holds is proved. */
static enum err backup_begun(void *arg, struct fail *f)
{
    struct backup_note n = {arg, STR("backup begun")};
    enum err e = db_transaction(n.s->db, f, backup_note_tx, &n);
    return e ? e : link_sign_head(n.s->link, f);
}

static enum err verb_backup(void *self, struct control_call *call, struct fail *f)
{
    struct server *s = self;
    const struct backup_hold hold = {s->db, node_config_disk(&s->config, s->folder), s->config.disk_least,
                                     backup_begun, s};
    struct backup_note n = {s, STR("backup ended")};
    enum err e = backup_hold(&hold, call, f);
    if (e)
        n.what = STR("backup broken off");
    struct fail ignored;
    enum err noted = db_transaction(s->db, e ? &ignored : f, backup_note_tx, &n);
    return e ? e : noted;
}

static enum err verb_forks_seen(void *self, struct control_call *call, struct fail *f)
{
    struct server *s = self;
    int64_t count = 0;
    enum err e = ledger_see_forks(s->ledger, f, &count);
    json_add_int(&call->answer, "seen", count);
    return e;
}

const struct control_verb server_verbs[] = {
    {"status", "counts, neighbours, log, storage", verb_status},
    {"census", "persons and digest of every area", verb_census},
    {"errors", "the error list", verb_errors},
    {"error_release", "try an item of the error list again (id)", verb_error_release},
    {"error_refuse", "give an item of the error list up (id)", verb_error_refuse},
    {"trace_source", "where a change of the register is (change)", verb_trace_source},
    {"trace_received", "where a neighbour's notice is (sender, sequence)", verb_trace_received},
    {"resend", "send notices again (peer, first, last)", verb_resend},
    {"waiting", "who waits for an Individual Number, oldest first", verb_waiting},
    {"stock_request", "ask the agency for resident codes (count)", verb_stock_request},
    {"backup", "hold the database's file still until the next line", verb_backup},
    {"forks_seen", "take note of the forks on record", verb_forks_seen},
    {"sign_head", "sign the head of the log now", verb_sign_head},
    {"reload", "take a new certificate or directory", verb_reload},
};
const size_t server_verb_count = COUNT_OF(server_verbs);
