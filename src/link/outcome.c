/* SPDX-License-Identifier: Apache-2.0 */
/* What became of notices: applied, waiting on the error list, or refused and why; told down in ranges.
 *
 * Notice "outcome", body {"ranges":[{"first","last","state":"applied"|"waiting"|"refused","error","field"}]}
 * about the receiver's own stream to the sender. A prefecture finds by its outbox rows from which CS each
 * notice came and passes the outcome on in that CS's own numbers; at a CS the source is the register's
 * change. */
#include "link/core.h"

#include "base/clock.h"

#include <stdio.h>

enum { RANGE_MOST = 100000 }; /* notices that one range tells of, less one */

static const struct {
    char state;
    struct str name;
} states[] = {{'a', {"applied", 7}}, {'w', {"waiting", 7}}, {'r', {"refused", 7}}};

bool link_err_parks(enum err e)
{
    const struct err_row *row = err_row(e);
    return row->http == 409; /* a conflict with the present state: another notice may mend it */
}

enum err outcome_add(struct outcome_list *list, struct fail *f, const struct outcome_range *r)
{
    for (size_t i = list->count; i > 0; i--) {
        struct outcome_range *last = &list->ranges[i - 1];
        if (last->peer != r->peer)
            continue;
        if (last->last + 1 == r->first && last->state == r->state && last->error == r->error &&
            strcmp(last->field, r->field) == 0) {
            last->last = r->last;
            return ERR_OK;
        }
        break;
    }
    if (list->count == list->size) {
        size_t size = list->size ? list->size * 2 : 16;
        struct outcome_range *grown = arena_alloc(list->arena, size * sizeof *grown);
        if (!grown)
            return fail_set(f, ERR_MEMORY, "outcome", NULL);
        if (list->count)
            memcpy(grown, list->ranges, list->count * sizeof *grown);
        list->ranges = grown;
        list->size = size;
    }
    list->ranges[list->count++] = *r;
    return ERR_OK;
}

static void write_range(struct buf *b, const struct outcome_range *r)
{
    json_begin(b, NULL, '{');
    json_add_int(b, "first", r->first);
    json_add_int(b, "last", r->last);
    for (size_t i = 0; i < COUNT_OF(states); i++)
        if (states[i].state == r->state)
            json_add_text(b, "state", states[i].name);
    if (r->error) {
        json_add_int(b, "error", r->error);
        json_add_text(b, "field", str_of(r->field));
    }
    json_end(b, '}');
}

void outcome_ranges_write(struct buf *b, const struct outcome_list *list, int64_t peer)
{
    json_begin(b, NULL, '{');
    json_begin(b, "ranges", '[');
    for (size_t i = 0; i < list->count; i++)
        if (list->ranges[i].peer == peer)
            write_range(b, &list->ranges[i]);
    json_end(b, ']');
    json_end(b, '}');
}

/* NULL when there are several. */
static const struct outcome_range *only_range(const struct outcome_list *list, int64_t peer)
{
    const struct outcome_range *found = NULL;
    for (size_t i = 0; i < list->count; i++) {
        if (list->ranges[i].peer != peer)
            continue;
        if (found)
            return NULL;
        found = &list->ranges[i];
    }
    return found;
}

/* All ranges of one peer in one notice. What is good news about few goes ahead of it as a word (ahead.c), and
 * the notice itself is in no hurry. */
static enum err send_to(struct link *l, struct db_tx *tx, struct fail *f, const struct outcome_list *list,
                        const struct peer *p, bool first_hand)
{
    const struct outcome_range *only;
    struct buf b;
    buf_init(&b, FRAME_PAYLOAD_MAX - 4096);
    outcome_ranges_write(&b, list, p->id);
    enum err e = buf_check(&b, f, "outcome");
    const struct link_send send = {
        .destination = p->node.text, .kind = LINK_KIND_OUTCOME, .body = buf_str(&b)};
    if (!e)
        e = link_send(l, tx, f, &send, NULL);
    if (!e && (only = only_range(list, p->id)) && ahead_matters(only)) {
        const struct ahead_range told = {only->first, only->last};
        peer_assigned_late(l, first_hand ? &told : NULL);
    }
    buf_release(&b);
    return e;
}

static bool told_before(const struct outcome_list *list, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (list->ranges[i].peer == list->ranges[at].peer)
            return true;
    return false;
}

static enum err send_all(struct link *l, struct db_tx *tx, struct fail *f, const struct outcome_list *list,
                         bool first_hand)
{
    struct directory *d = link_directory(l);
    enum err e = ERR_OK;
    for (size_t i = 0; i < list->count && !e; i++) {
        const struct peer *p = told_before(list, i) ? NULL : peer_by_id(l, list->ranges[i].peer);
        if (p && directory_permits(d, STR("outcome"), l->config.self.role, p->node.role))
            e = send_to(l, tx, f, list, p, first_hand);
    }
    directory_unref(d);
    return e;
}

enum err outcome_send(struct link *l, struct db_tx *tx, struct fail *f, const struct outcome_list *list)
{
    return send_all(l, tx, f, list, true);
}

bool link_err_passes(enum err e)
{
    return err_row(e)->exit == 3 && e != ERR_DB && e != ERR_DB_CONSTRAINT;
}

static enum err put(struct db_tx *tx, struct fail *f, const struct peer *p, const struct outcome_range *r,
                    int64_t time)
{
    if (r->first > r->last)
        return ERR_OK;
    return db_exec(tx, f, &sql_link_outcome_put,
                   DB(db_int(p->id), db_int(r->first), db_int(r->last), db_int(r->state), db_int(r->error),
                      db_text(str_of(r->field)), db_int(time)),
                   NULL);
}

struct kept_range {
    struct outcome_range range;
    int64_t time;
};

/* What was told before about a part of the range. */
static enum err overlapping(struct db_tx *tx, struct fail *f, const struct peer *p,
                            const struct outcome_range *r, struct arena *a, struct kept_range **out,
                            size_t *count)
{
    struct db_rows rows;
    size_t size = 0, n = 0;
    struct kept_range *list = NULL;
    bool full = false;
    db_query(tx, &rows, &sql_link_outcome_overlap, DB(db_int(p->id), db_int(r->first), db_int(r->last)));
    while (!full && db_next(&rows)) {
        if (n == size) {
            struct kept_range *grown = arena_alloc(a, (size = size ? size * 2 : 8) * sizeof *grown);
            full = !grown;
            if (grown && n)
                memcpy(grown, list, n * sizeof *grown);
            list = grown;
        }
        if (full)
            break;
        struct kept_range *k = &list[n++];
        *k = (struct kept_range){{p->id, db_row_int(&rows, 0), db_row_int(&rows, 1), db_row_int(&rows, 3),
                                  (char)db_row_int(&rows, 2), ""},
                                 db_row_int(&rows, 5)};
        snprintf(k->range.field, sizeof k->range.field, "%.*s", STR_ARG(db_row_text(&rows, 4)));
    }
    enum err e = db_done(&rows, f);
    *out = list;
    *count = n;
    return !e && full ? fail_set(f, ERR_MEMORY, "outcome", NULL) : e;
}

/* How many more notices of a neighbour ended in each state. */
struct outcome_sums {
    int64_t applied, refused;
};

static void sum(struct outcome_sums *sums, const struct outcome_range *r, int64_t first, int64_t last,
                int sign)
{
    const int64_t more = sign * (last - first + 1);
    sums->applied += r->state == 'a' ? more : 0;
    sums->refused += r->state == 'r' ? more : 0;
}

/* The newest word counts; what was said about the neighbours in the same range stays. */
static enum err keep(struct db_tx *tx, struct fail *f, const struct peer *p, const struct outcome_range *r,
                     struct arena *a)
{
    struct kept_range *list = NULL;
    struct outcome_sums sums = {0, 0};
    size_t count = 0;
    enum err e = overlapping(tx, f, p, r, a, &list, &count);
    sum(&sums, r, r->first, r->last, 1);
    for (size_t i = 0; i < count && !e; i++) {
        struct outcome_range before = list[i].range, after = list[i].range;
        before.last = before.last < r->first - 1 ? before.last : r->first - 1;
        after.first = after.first > r->last + 1 ? after.first : r->last + 1;
        sum(&sums, &before, before.last + 1, after.first - 1, -1);
        e = db_exec(tx, f, &sql_link_outcome_remove, DB(db_int(p->id), db_int(list[i].range.first)), NULL);
        if (!e)
            e = put(tx, f, p, &before, list[i].time);
        if (!e)
            e = put(tx, f, p, &after, list[i].time);
    }
    if (!e)
        e = put(tx, f, p, r, clock_now());
    if (!e && (sums.applied || sums.refused))
        e = db_exec(tx, f, &sql_link_peer_outcomes,
                    DB(db_int(p->id), db_int(sums.applied), db_int(sums.refused)), NULL);
    return e;
}

/* Turns a range of our stream into ranges of where the notices came from; peer 0 is the door. */
static enum err sources_of(struct db_tx *tx, struct fail *f, const struct peer *p,
                           const struct outcome_range *r, struct outcome_list *out)
{
    struct db_rows rows;
    enum err e = ERR_OK;
    db_query(tx, &rows, &sql_link_out_range, DB(db_int(p->id), db_int(r->first), db_int(r->last)));
    while (!e && db_next(&rows)) {
        int64_t sequence = db_row_int(&rows, 3);
        struct outcome_range source = *r;
        source.peer = db_row_int(&rows, 2);
        source.first = source.last = sequence;
        if (sequence)
            e = outcome_add(out, f, &source);
    }
    enum err closed = db_done(&rows, e ? NULL : f);
    return e ? e : closed;
}

static enum err tell_app(struct link *l, struct db_tx *tx, struct fail *f, const struct outcome_range *r)
{
    for (size_t i = 0; i < l->config.kind_count; i++)
        if (l->config.kinds[i].outcome)
            return l->config.kinds[i].outcome(l->config.app, tx, r->first, r->last, r->state, r->error,
                                              str_of(r->field), f);
    return ERR_OK;
}

enum err outcome_take(struct link *l, struct db_tx *tx, struct fail *f, struct peer *p,
                      const struct outcome_range *ranges, size_t count)
{
    struct arena a;
    arena_init(&a, 64 * 1024 * 1024);
    struct outcome_list sources = {.arena = &a};
    enum err e = ERR_OK;
    for (size_t i = 0; i < count && !e; i++) {
        e = ranges[i].last > p->assigned
                ? fail_set(f, ERR_FIELD_RANGE, "last", "%lld", (long long)ranges[i].last)
                : keep(tx, f, p, &ranges[i], &a);
        if (!e)
            e = sources_of(tx, f, p, &ranges[i], &sources);
    }
    for (size_t i = 0; i < sources.count && !e; i++)
        if (sources.ranges[i].peer == 0)
            e = tell_app(l, tx, f, &sources.ranges[i]);
    if (!e)
        e = send_all(l, tx, f, &sources, false);
    arena_release(&a);
    return e;
}

static enum err range_parse(struct fail *f, const struct json *tree, struct arena *a, struct outcome_range *r)
{
    struct str state = {NULL, 0}, field = {"", 0};
    enum err e;
    if ((e = json_member_int(f, tree, "first", 1, INT64_MAX - RANGE_MOST, &r->first)) ||
        (e = json_member_int(f, tree, "last", r->first, r->first + RANGE_MOST, &r->last)) ||
        (e = json_member_text(f, tree, "state", a, &state)) ||
        (e = json_member_int_maybe(f, tree, "error", 0, INT32_MAX, &r->error)) ||
        (e = json_member_text_maybe(f, tree, "field", a, &field)))
        return e;
    snprintf(r->field, sizeof r->field, "%.*s", STR_ARG(field));
    utf8_drop_cut(r->field);
    for (size_t i = 0; i < COUNT_OF(states); i++)
        if (str_equal(states[i].name, state))
            r->state = states[i].state;
    return r->state ? ERR_OK : fail_set(f, ERR_FIELD_RANGE, "state", NULL);
}

enum err outcome_ranges_read(struct fail *f, const struct json *body, struct arena *a,
                             struct outcome_list *out)
{
    const struct json *list, *item;
    size_t i;
    enum err e = json_member_array(f, body, "ranges", &list);
    if (e)
        return e;
    size_t count = json_count(list);
    if (count > BATCH_NOTICES_MAX)
        return fail_set(f, ERR_LIMIT, "ranges", NULL);
    struct outcome_range *ranges = arena_alloc(a, sizeof *ranges * (count + 1));
    if (!ranges)
        return fail_set(f, ERR_MEMORY, "ranges", NULL);
    JSON_EACH_AT(list, i, item)
    if ((e = range_parse(f, item, a, &ranges[i])))
        return e;
    *out = (struct outcome_list){ranges, count, count, a};
    return ERR_OK;
}

static enum err apply_outcome(void *self, struct db_tx *tx, const struct link_notice *n, struct fail *f)
{
    struct link *l = self;
    struct peer *p = peer_find(l, n->sender.text);
    struct outcome_list list;
    struct arena a;
    enum err e = p ? ERR_OK : fail_set(f, ERR_NODE_UNKNOWN, NULL, NULL);
    if (!e && !peer_settled(p)) /* it may speak of notices that a restore lost */
        e = fail_set(f, ERR_BUSY, NULL, "%s", p->node.text);
    if (e)
        return e;
    arena_init(&a, 8 * 1024 * 1024);
    e = outcome_ranges_read(f, n->body, &a, &list);
    if (!e)
        e = outcome_take(l, tx, f, p, list.ranges, list.count);
    arena_release(&a);
    return e;
}

const struct link_kind outcome_kind = {.kind = LINK_KIND_OUTCOME, .apply = apply_outcome};
