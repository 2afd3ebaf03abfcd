/* SPDX-License-Identifier: Apache-2.0 */
/* From the door to the link, and from the link to the door. */
#include "flow/municipal.h"

#include "base/clock.h"

enum { BODY_MAX = MESSAGE_BYTES_MAX, ARENA_MAX = 2 * MESSAGE_BYTES_MAX };

static void write_body(struct buf *b, const struct message_form *form, const void *message, int64_t source)
{
    json_begin(b, NULL, '{');
    message_members_write(b, form, message);
    json_add_int(b, "source", source);
    json_end(b, '}');
}

struct sent {
    int64_t count;
};

static void count_sent(void *arg, int64_t source UNUSED, uint64_t entry UNUSED)
{
    ((struct sent *)arg)->count++;
}

enum err municipal_sent(struct flow *flow, struct db_tx *tx, struct fail *f, int64_t number, bool *sent)
{
    struct sent s = {0};
    enum err e =
        link_epoch(flow->link) > 1 ? link_source_entries(tx, f, number, number, count_sent, &s) : ERR_OK;
    *sent = s.count > 0;
    return e;
}

/* Of what was sent before a correction can name the notice it replaces; of what became none it says nothing.
 */
static enum err replaced_id(struct flow *flow, struct fail *f, struct arena *a, int64_t change,
                            struct str *id)
{
    struct link_trace trace;
    struct fail none;
    *id = (struct str){NULL, 0};
    enum err e = change ? link_trace_source(flow->link, &none, change, &trace) : ERR_NOT_FOUND;
    if (e == ERR_NOT_FOUND)
        return ERR_OK;
    if (e)
        return fail_pass(f, &none);
    *id = arena_copy(a, str_of(trace.notice_id));
    return id->p ? ERR_OK : fail_set(f, ERR_MEMORY, NULL, NULL);
}

enum err municipal_send(struct flow *flow, struct db_tx *tx, struct fail *f,
                        const struct municipal_kind *kind, const struct municipal_message *m,
                        const char *destination, const void *message, uint64_t *entry)
{
    struct link_send send = {.destination = destination, .kind = kind->kind, .source = m->number};
    struct link_sent sent = {0};
    struct arena a;
    struct buf body;
    arena_init(&a, ARENA_MAX);
    buf_init(&body, BODY_MAX);
    write_body(&body, kind->form, message, m->number);
    enum err e = buf_check(&body, f, kind->form->name);
    send.body = buf_str(&body);
    if (!e)
        e = replaced_id(flow, f, &a, m->replaces, &send.replaces);
    if (!e)
        e = link_send(flow->link, tx, f, &send, &sent);
    if (!e && entry)
        *entry = sent.entry;
    buf_release(&body);
    arena_release(&a);
    return e;
}

/* ---- to the register's feed ---- */

static enum err deliver(struct flow *flow, struct db_tx *tx, struct fail *f,
                        const struct municipal_kind *kind, const void *message,
                        struct municipal_arrival *arrival)
{
    struct buf body;
    if (!flow->door)
        return ERR_OK;
    buf_init(&body, BODY_MAX);
    message_write(&body, NULL, kind->form, message);
    enum err e = buf_check(&body, f, kind->form->name);
    arrival->kind = kind->form->name;
    arrival->body = buf_str(&body);
    if (!e)
        e = flow->door->message(flow->door_self, tx, f, arrival);
    buf_release(&body);
    return e;
}

/* Both places are ours: the register hears of it as from anybody else. */
static enum err deliver_here(struct flow *flow, struct db_tx *tx, struct fail *f,
                             const struct municipal_kind *kind, const struct municipal_message *m,
                             struct arena *a, const void *message)
{
    struct municipal_arrival arrival = {.from = {flow->self.area}, .time = clock_now()};
    arrival.id = link_notice_id(a, &flow->self, flow->self.text, m->number);
    if (m->replaces)
        arrival.replaces = link_notice_id(a, &flow->self, flow->self.text, m->replaces);
    if (!arrival.id.p || (m->replaces && !arrival.replaces.p))
        return fail_set(f, ERR_MEMORY, kind->form->name, NULL);
    enum err e = deliver(flow, tx, f, kind, message, &arrival);
    return e || !flow->door
               ? e
               : flow->door->outcome(flow->door_self, tx, f, m->number, m->number, 'a', 0, STR(""));
}

static enum err take_read(struct flow *flow, struct db_tx *tx, struct fail *f,
                          const struct municipal_kind *kind, const struct municipal_message *m,
                          struct arena *a)
{
    char to[NODE_NAME_SIZE], area[AREA_CODE_TEXT_SIZE];
    void *message = arena_alloc(a, kind->form->size);
    bool before = false;
    enum err e = message ? ERR_OK : fail_set(f, ERR_MEMORY, kind->form->name, NULL);
    if (!e)
        e = message_read(f, kind->form, m->body, a, message);
    if (!e)
        e = kind->scope(f, message, (struct area_code){flow->self.area}, m->to);
    if (!e)
        e = municipal_sent(flow, tx, f, m->number, &before);
    if (e || before)
        return e;
    if (m->to.value == flow->self.area)
        return deliver_here(flow, tx, f, kind, m, a, message);
    snprintf(to, sizeof to, "cs.%s", area_code_text(m->to, area));
    return municipal_send(flow, tx, f, kind, m, to, message, NULL);
}

enum err municipal_take(struct flow *flow, struct db_tx *tx, struct fail *f,
                        const struct municipal_kind *kind, const struct municipal_message *m)
{
    struct arena a;
    arena_init(&a, ARENA_MAX);
    enum err e = take_read(flow, tx, f, kind, m, &a);
    arena_release(&a);
    return e;
}

/* ---- from another municipality ---- */

static enum err read_notice(const struct municipal_kind *kind, const struct link_notice *n, struct fail *f,
                            struct arena *a, void **message)
{
    *message = arena_alloc(a, kind->form->size);
    return *message ? message_read(f, kind->form, n->body, a, *message)
                    : fail_set(f, ERR_MEMORY, kind->form->name, NULL);
}

enum err municipal_scope(const struct municipal_kind *kind, struct flow *flow, const struct link_notice *n,
                         struct fail *f)
{
    struct arena a;
    void *message;
    if (n->origin.role != NODE_CS || !node_name_equal(&n->origin, &n->sender))
        return fail_set(f, ERR_SCOPE, "origin", "only a CS says this, for itself");
    arena_init(&a, ARENA_MAX);
    enum err e = read_notice(kind, n, f, &a, &message);
    if (!e)
        e = kind->scope(f, message, (struct area_code){n->origin.area}, (struct area_code){flow->self.area});
    arena_release(&a);
    return e;
}

enum err municipal_apply(const struct municipal_kind *kind, struct flow *flow, struct db_tx *tx,
                         const struct link_notice *n, struct fail *f)
{
    struct municipal_arrival arrival = {
        .from = {n->origin.area}, .id = n->id, .replaces = n->replaces, .time = n->time};
    struct arena a;
    void *message;
    arena_init(&a, ARENA_MAX);
    enum err e = read_notice(kind, n, f, &a, &message);
    if (!e)
        e = deliver(flow, tx, f, kind, message, &arrival);
    arena_release(&a);
    return e;
}
