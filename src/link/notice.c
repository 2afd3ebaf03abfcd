/* SPDX-License-Identifier: Apache-2.0 */
/* One notice: making it, reading it, and deciding who may say it.
 *
 * Payload: {"id":"ORIGIN/DESTINATION/SEQUENCE","time":stamp,"replaces":id?,"body":{...}}. The id is the place
 * in the stream of its first hop and lives for ever; relays pass the bytes on unchanged. The ledger entry
 * that holds a notice says "sent|received PEER SEQUENCE KIND/VERSION" in its first line. */
#include "link/core.h"

#include "base/clock.h"

#include <stdio.h>

static const struct {
    uint16_t kind, version;
    const char *name;
} kinds[] = {
#define NOTICE(name, number, text, version) {number, version, text},
#include "link/kind.def"
};

const char *kind_name(uint16_t kind)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (kinds[i].kind == kind)
            return kinds[i].name;
    return NULL;
}

uint16_t kind_version(uint16_t kind)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (kinds[i].kind == kind)
            return kinds[i].version;
    return 0;
}

struct str link_notice_id(struct arena *a, const struct node_name *origin, const char *destination,
                          int64_t sequence)
{
    return arena_format(a, "%s/%s/%lld", origin->text, destination, (long long)sequence);
}

static void write_payload(struct buf *b, const struct link *l, const struct link_send *send, int64_t sequence)
{
    char id[96];
    snprintf(id, sizeof id, "%s/%s/%lld", l->config.self.text, send->destination, (long long)sequence);
    json_begin(b, NULL, '{');
    json_add_text(b, "id", str_of(id));
    json_add_int(b, "time", clock_now());
    if (send->replaces.n)
        json_add_text(b, "replaces", send->replaces);
    json_add_raw(b, "body", send->body);
    json_end(b, '}');
}

enum err link_send(struct link *l, struct db_tx *tx, struct fail *f, const struct link_send *send,
                   struct link_sent *sent)
{
    struct peer *p = peer_find(l, send->destination);
    struct link_sent place = {0, 0};
    struct buf b;
    char what[96];
    if (!p)
        return fail_set(f, ERR_NODE_UNKNOWN, NULL, "%s", send->destination);
    if (!peer_settled(p))
        return fail_set(f, ERR_BUSY, NULL, "%s has not yet given back what a restore lost",
                        send->destination);
    enum err e = peer_assign(l, p, f, &place.sequence);
    if (e)
        return e;
    buf_init(&b, FRAME_PAYLOAD_MAX);
    write_payload(&b, l, send, place.sequence);
    snprintf(what, sizeof what, "sent %s %lld %s/%u", p->node.text, (long long)place.sequence,
             kind_name(send->kind), kind_version(send->kind));
    e = buf_check(&b, f, "notice");
    if (e)
        peer_unassign(l, p);
    else
        e = ledger_append(l->config.ledger, tx, f, LEDGER_COMMUNICATION, str_of(what), buf_str(&b),
                          &place.entry);
    if (!e)
        e = peer_outbox_add(tx, f, p, place.sequence, place.entry, 0, send->source);
    if (!e)
        recent_put(
            l->recent, p->id, place.sequence, (struct recent_source){0, send->source},
            &(struct frame){.kind = send->kind, .version = kind_version(send->kind), .payload = buf_str(&b)});
    buf_release(&b);
    if (!e && sent)
        *sent = place;
    return e;
}

/* After a restore: the notice came again, but what it became was fetched back from the next node. */
static enum err relayed_before(const struct link *l, struct db_tx *tx, struct fail *f, const struct peer *to,
                               const struct peer *from, const struct link_notice *n, bool *before)
{
    struct db_rows rows;
    *before = false;
    if (l->epoch == 1)
        return ERR_OK;
    db_query(tx, &rows, &sql_link_out_relayed,
             DB(db_int(from->id), db_int(n->sender_sequence), db_int(to->id)));
    *before = db_next(&rows);
    return db_done(&rows, f);
}

enum err link_relay(struct link *l, struct db_tx *tx, struct fail *f, const struct link_notice *n,
                    const char *destination)
{
    struct peer *p = peer_find(l, destination), *from = peer_find(l, n->sender.text);
    int64_t sequence = 0;
    bool before = false;
    if (!p || !from)
        return fail_set(f, ERR_NODE_UNKNOWN, NULL, "%s", p ? n->sender.text : destination);
    if (!peer_settled(p))
        return fail_set(f, ERR_BUSY, NULL, "%s has not yet given back what a restore lost", destination);
    enum err e = relayed_before(l, tx, f, p, from, n, &before);
    if (!e && !before)
        e = peer_assign(l, p, f, &sequence);
    if (!e && !before)
        e = peer_outbox_add(tx, f, p, sequence, n->entry, from->id, n->sender_sequence);
    if (!e && !before)
        recent_put(l->recent, p->id, sequence, (struct recent_source){from->id, n->sender_sequence},
                   &(struct frame){.kind = n->kind, .version = n->version, .payload = n->payload});
    return e;
}

enum err notice_load(struct db_tx *tx, struct fail *f, uint64_t index, struct arena *a, struct frame *out)
{
    struct ledger_entry entry;
    struct str rest, word = {NULL, 0}, name = {NULL, 0};
    uint64_t version = 0;
    enum err e = ledger_entry_read(tx, f, index, a, &entry);
    if (e)
        return e;
    rest = entry.what;
    for (int i = 0; i < 4; i++)
        if (!str_cut(&rest, ' ', &word))
            return fail_set(f, ERR_NOTICE_FORM, "entry", "%llu", (unsigned long long)index);
    rest = word;
    if (!str_cut(&rest, '/', &name) || !str_to_uint(rest, UINT16_MAX, &version))
        return fail_set(f, ERR_NOTICE_FORM, "entry", "%llu", (unsigned long long)index);
    uint64_t number = 0; /* of a kind that was refused because nobody here knew it */
    bool known = str_to_uint(name, UINT16_MAX, &number);
    for (size_t i = 0; i < COUNT_OF(kinds) && !known; i++) {
        known = str_equal(str_of(kinds[i].name), name);
        number = kinds[i].kind;
    }
    *out = (struct frame){.kind = (uint16_t)number, .version = (uint16_t)version, .payload = entry.payload};
    return known ? ERR_OK : fail_set(f, ERR_KIND_UNKNOWN, "entry", "%llu", (unsigned long long)index);
}

static const struct link_kind *kind_find(const struct link *l, uint16_t kind)
{
    if (kind == LINK_KIND_OUTCOME)
        return &outcome_kind;
    if (kind == LINK_KIND_DIRECTORY)
        return &directory_kind;
    for (size_t i = 0; i < l->config.kind_count; i++)
        if (l->config.kinds[i].kind == kind)
            return &l->config.kinds[i];
    return NULL;
}

enum err notice_id_parse(struct fail *f, struct str id, struct node_name *origin, struct str *destination,
                         uint64_t *sequence)
{
    struct str rest = id, part = {NULL, 0};
    if (id.n > 90 || !str_cut(&rest, '/', &part) || node_name_parse(f, part, origin) ||
        !str_cut(&rest, '/', destination) || !str_to_uint(rest, INT64_MAX, sequence) || *sequence == 0)
        return fail_set(f, ERR_NOTICE_FORM, "id", NULL);
    return ERR_OK;
}

/* A notice is its sender's own, or one of a CS that its prefecture passes on. */
static enum err check_origin(const struct link *l, struct fail *f, const struct link_notice *n,
                             struct str destination, uint64_t sequence)
{
    if (node_name_equal(&n->origin, &n->sender)) {
        if (!str_equal(destination, str_of(l->config.self.text)) || (int64_t)sequence != n->sender_sequence)
            return fail_set(f, ERR_ORIGIN, "id", NULL);
        return ERR_OK;
    }
    if (n->sender.role != NODE_PREFECTURE || n->origin.role != NODE_CS ||
        node_name_prefecture(&n->origin) != n->sender.area || !str_equal(destination, str_of(n->sender.text)))
        return fail_set(f, ERR_ORIGIN, "id", "%s speaks for %s", n->sender.text, n->origin.text);
    return ERR_OK;
}

static enum err open_envelope(struct fail *f, struct arena *a, struct json *tree, struct link_notice *n)
{
    const struct json *body = NULL;
    enum err e;
    if ((e = json_member_text(f, tree, "id", a, &n->id)) ||
        (e = json_member_int(f, tree, "time", 0, INT64_MAX, &n->time)) ||
        (e = json_member_text_maybe(f, tree, "replaces", a, &n->replaces)) ||
        (e = json_member_object(f, tree, "body", &body)))
        return e;
    n->body = body;
    return ERR_OK;
}

static enum err check_kind(struct link *l, struct fail *f, const struct link_notice *n,
                           const struct link_kind **kind)
{
    const char *name = kind_name(n->kind);
    uint16_t newest = kind_version(n->kind);
    if (!name || n->version > newest || n->version == 0 || n->version + 1 < newest)
        return fail_set(f, ERR_KIND_UNKNOWN, "kind", "%u/%u", n->kind, n->version);
    struct directory *d = link_directory(l);
    bool permitted = directory_permits(d, str_of(name), n->sender.role, l->config.self.role);
    directory_unref(d);
    *kind = permitted ? kind_find(l, n->kind) : NULL;
    return *kind ? ERR_OK : fail_set(f, ERR_KIND_FORBIDDEN, "kind", "%s from %s", name, n->sender.text);
}

enum err notice_open(struct link *l, struct fail *f, const struct node_name *sender, int64_t sequence,
                     const struct frame *frame, struct arena *a, struct link_notice *out, struct json **tree,
                     const struct link_kind **kind)
{
    struct link_notice n = {.kind = frame->kind,
                            .version = frame->version,
                            .payload = frame->payload,
                            .sender = *sender,
                            .sender_sequence = sequence};
    struct str destination = {NULL, 0};
    uint64_t id_sequence = 0;
    struct json *read = NULL;
    enum err e = check_kind(l, f, &n, kind);
    if (e || (e = json_read(f, frame->payload, &read)))
        return e;
    e = open_envelope(f, a, read, &n);
    if (!e)
        e = notice_id_parse(f, n.id, &n.origin, &destination, &id_sequence);
    if (!e)
        e = check_origin(l, f, &n, destination, id_sequence);
    if (!e && (*kind)->scope)
        e = (*kind)->scope(l->config.app, &n, f);
    if (e) {
        json_free(read);
        return e;
    }
    *tree = read;
    *out = n;
    return ERR_OK;
}

enum err notice_apply(struct link *l, struct db_tx *tx, struct fail *f, const struct link_kind *kind,
                      const struct link_notice *n)
{
    bool ours = kind == &outcome_kind || kind == &directory_kind;
    return kind->apply ? kind->apply(ours ? l : l->config.app, tx, n, f)
                       : fail_set(f, ERR_KIND_FORBIDDEN, "kind", "%s", kind_name(n->kind));
}
