/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_link.h"
#include "stores.h"
#include "test.h"

struct fake_notice fake_notices[FAKE_NOTICES];
size_t fake_count;

/* ---- what flows call ---- */

bool node_name_equal(const struct node_name *a, const struct node_name *b)
{
    return strcmp(a->text, b->text) == 0;
}

static int64_t next_sequence(const char *sender, const char *destination)
{
    int64_t n = 1;
    for (size_t i = 0; i < fake_count; i++)
        n += !strcmp(fake_notices[i].sender, sender) && !strcmp(fake_notices[i].destination, destination);
    return n;
}

static struct fake_notice *add(const struct link *l, const char *destination)
{
    assert_true(fake_count < FAKE_NOTICES);
    struct fake_notice *n = &fake_notices[fake_count];
    *n = (struct fake_notice){.sender = l->flow.self.text};
    snprintf(n->destination, sizeof n->destination, "%s", destination);
    n->sequence = next_sequence(n->sender, destination);
    fake_count++;
    return n;
}

struct str link_notice_id(struct arena *a, const struct node_name *origin, const char *destination,
                          int64_t sequence)
{
    return arena_format(a, "%s/%s/%lld", origin->text, destination, (long long)sequence);
}

int64_t link_epoch(const struct link *l)
{
    return l->epoch ? l->epoch : 1;
}

enum err link_send(struct link *l, struct db_tx *tx UNUSED, struct fail *f UNUSED,
                   const struct link_send *send, struct link_sent *sent)
{
    struct fake_notice *n = add(l, send->destination);
    n->kind = send->kind;
    n->origin = l->flow.self;
    n->source = send->source;
    n->body = calloc(1, send->body.n + 1);
    assert_non_null(n->body);
    memcpy(n->body, send->body.p, send->body.n);
    snprintf(n->id, sizeof n->id, "%s/%s/%lld", n->sender, n->destination, (long long)n->sequence);
    snprintf(n->replaces, sizeof n->replaces, "%.*s", STR_ARG(send->replaces));
    l->sent++;
    n->entry = l->entry++;
    if (sent)
        *sent = (struct link_sent){n->sequence, n->entry};
    return ERR_OK;
}

enum err link_relay(struct link *l, struct db_tx *tx UNUSED, struct fail *f UNUSED,
                    const struct link_notice *in, const char *destination)
{
    struct fake_notice *n = add(l, destination);
    n->kind = in->kind;
    n->origin = in->origin;
    n->body = calloc(1, in->payload.n + 1);
    assert_non_null(n->body);
    memcpy(n->body, in->payload.p, in->payload.n);
    snprintf(n->id, sizeof n->id, "%.*s", STR_ARG(in->id));
    snprintf(n->replaces, sizeof n->replaces, "%.*s", STR_ARG(in->replaces));
    return ERR_OK;
}

enum err link_trace_source(struct link *l, struct fail *f, int64_t source, struct link_trace *out)
{
    for (size_t i = fake_count; i-- > 0;)
        if (fake_notices[i].source == source && !strcmp(fake_notices[i].sender, l->flow.self.text)) {
            *out = (struct link_trace){.state = ' '};
            snprintf(out->notice_id, sizeof out->notice_id, "%s", fake_notices[i].id);
            return ERR_OK;
        }
    return fail_set(f, ERR_NOT_FOUND, "change", NULL);
}

/* Those of every sender: tests ask one CS whose changes have numbers of their own. */
enum err link_source_entries(struct db_tx *tx UNUSED, struct fail *f UNUSED, int64_t first, int64_t last,
                             void (*each)(void *arg, int64_t source, uint64_t entry), void *arg)
{
    for (int64_t source = first; source <= last; source++)
        for (size_t i = 0; i < fake_count; i++)
            if (fake_notices[i].source == source)
                each(arg, source, fake_notices[i].entry);
    return ERR_OK;
}

enum err link_resend(struct link *l, struct fail *f UNUSED, const char *peer, int64_t first, int64_t last)
{
    for (size_t i = 0; i < fake_count; i++) {
        struct fake_notice *n = &fake_notices[i];
        if (!strcmp(n->sender, l->flow.self.text) && !strcmp(n->destination, peer) && n->sequence >= first &&
            n->sequence <= last)
            n->delivered = false;
    }
    return ERR_OK;
}

/* ---- the door ---- */

static enum err hear_number(void *self, struct db_tx *tx UNUSED, struct fail *f UNUSED,
                            struct resident_code code UNUSED, struct individual_number number UNUSED,
                            int64_t change UNUSED)
{
    ((struct link *)self)->numbers++;
    return ERR_OK;
}

static enum err hear_outcome(void *self, struct db_tx *tx UNUSED, struct fail *f UNUSED, int64_t first,
                             int64_t last, char state UNUSED, int64_t error, struct str field UNUSED)
{
    struct link *l = self;
    l->outcomes += last - first + 1;
    l->last_outcome = last;
    l->last_error = (enum err)error;
    return ERR_OK;
}

static void hear_ahead(void *self UNUSED, int64_t first UNUSED, int64_t last UNUSED)
{
}

static enum err hear_message(void *self, struct db_tx *tx UNUSED, struct fail *f UNUSED,
                             const struct municipal_arrival *arrival)
{
    struct link *l = self;
    l->messages++;
    snprintf(l->last_message, sizeof l->last_message, "%s %06d %.*s %.*s", arrival->kind, arrival->from.value,
             STR_ARG(arrival->id), STR_ARG(arrival->body));
    return ERR_OK;
}

static const struct flow_door door = {hear_number, hear_outcome, hear_ahead, hear_message};

static void hear_pool_low(struct flow *flow, const char *pool UNUSED, int64_t left UNUSED, int64_t of UNUSED,
                          int level UNUSED)
{
    flow->link->alarms++;
}

/* ---- nodes ---- */

void fake_node(struct link *node, const char *name, enum node_role role, int32_t area, const char *upper,
               const char *url)
{
    static const struct db_module *modules[1 + FLOW_MODULES];
    modules[0] = &store_module;
    for (int i = 0; i < FLOW_MODULES; i++)
        modules[1 + i] = flow_modules[i];
    *node = (struct link){0};
    struct flow *flow = &node->flow;
    flow->self.role = role;
    flow->self.area = area;
    snprintf(flow->self.text, sizeof flow->self.text, "%s", name);
    snprintf(flow->upper, sizeof flow->upper, "%s", upper);
    flow->db = stores_open(url, modules, COUNT_OF(modules));
    flow->link = node;
    flow->pool_low = hear_pool_low;
    if (role == NODE_CS) {
        flow->door = &door;
        flow->door_self = node;
    }
    if (role == NODE_AGENCY) {
        assert_ok(ff1_new(NULL, STR("0123456789abcdef"), &flow->number_key));
        assert_ok(ff1_new(NULL, STR("fedcba9876543210"), &flow->code_key));
    }
    flow_wire(flow);
    node->kind_count = flow_kinds(role, node->kinds);
}

void fake_close(struct link *nodes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ff1_free(nodes[i].flow.number_key);
        ff1_free(nodes[i].flow.code_key);
        db_close(nodes[i].flow.db);
    }
    for (size_t i = 0; i < fake_count; i++)
        free(fake_notices[i].body);
    fake_count = 0;
}

struct link *fake_find(struct link *nodes, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(nodes[i].flow.self.text, name))
            return &nodes[i];
    fail_msg("no node %s", name);
    return NULL;
}

static const struct link_kind *find_kind(const struct link *l, uint16_t kind)
{
    for (size_t i = 0; i < l->kind_count; i++)
        if (l->kinds[i].kind == kind)
            return &l->kinds[i];
    return NULL;
}

/* The few senders there are, by name. */
static struct node_name sender_of(const char *name)
{
    struct node_name n = {.role = NODE_AGENCY};
    const char *dot = strchr(name, '.');
    uint64_t area = 0;
    snprintf(n.text, sizeof n.text, "%s", name);
    if (dot) {
        n.role = name[0] == 'c' ? NODE_CS : NODE_PREFECTURE;
        assert_true(str_to_uint(str_of(dot + 1), 999999, &area));
        n.area = (int32_t)area;
    }
    return n;
}

enum err fake_apply(struct link *to, struct db_tx *tx, const struct fake_notice *n, struct fail *f)
{
    const struct link_kind *kind = find_kind(to, n->kind);
    struct json *body;
    assert_non_null(kind);
    struct link_notice notice = {.kind = n->kind,
                                 .version = 1,
                                 .payload = str_of(n->body),
                                 .id = str_of(n->id),
                                 .replaces = str_of(n->replaces),
                                 .origin = n->origin,
                                 .sender = sender_of(n->sender),
                                 .sender_sequence = n->sequence,
                                 .entry = to->entry++};
    enum err e = json_read(f, notice.payload, &body);
    if (e)
        return e;
    notice.body = body;
    if (kind->scope)
        e = kind->scope(&to->flow, &notice, f);
    if (!e)
        e = kind->apply(&to->flow, tx, &notice, f);
    json_free(body);
    return e;
}

struct delivery {
    struct link *to;
    const struct fake_notice *notice;
};

static enum err deliver(struct db_tx *tx, struct fail *f, void *arg)
{
    struct delivery *d = arg;
    return fake_apply(d->to, tx, d->notice, f);
}

enum err fake_deliver_one(struct link *to, const struct fake_notice *n, struct fail *f)
{
    struct fake_notice copy = *n;
    struct delivery d = {to, &copy};
    return db_transaction(to->flow.db, f, deliver, &d);
}

void fake_deliver_all(struct link *nodes, size_t count)
{
    for (size_t i = 0; i < fake_count; i++) {
        struct fail f = {0};
        if (fake_notices[i].delivered)
            continue;
        fake_notices[i].delivered = true;
        enum err e =
            fake_deliver_one(fake_find(nodes, count, fake_notices[i].destination), &fake_notices[i], &f);
        if (e)
            fail_msg("%s at %s: %s %s %s", fake_notices[i].id, fake_notices[i].destination, err_row(e)->name,
                     f.field, f.detail);
    }
}
