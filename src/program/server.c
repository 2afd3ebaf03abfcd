/* SPDX-License-Identifier: Apache-2.0 */
#include "program/server.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "flow/number/number.h"
#include "program/standby.h"

#include <stdio.h>

static enum err decode_roots(struct server *s, struct fail *f, uint8_t (**out)[ED25519_PUBLIC])
{
    size_t count = s->config.roots.count;
    uint8_t(*roots)[ED25519_PUBLIC] = arena_alloc(&s->arena, ED25519_PUBLIC * (count + 1));
    struct buf b;
    enum err e = roots ? ERR_OK : fail_set(f, ERR_MEMORY, "roots", NULL);
    buf_init(&b, ED25519_PUBLIC);
    for (size_t i = 0; i < count && !e; i++) {
        buf_clear(&b);
        e = decode_base64url(f, &b, s->config.roots.items[i]);
        if (!e && b.n != ED25519_PUBLIC)
            e = fail_set(f, ERR_CONFIG, "link.roots", "32 bytes are required");
        if (!e)
            memcpy(roots[i], b.p, ED25519_PUBLIC);
    }
    buf_release(&b);
    if (!e && count == 0)
        e = fail_set(f, ERR_CONFIG, "link.roots", "at least one root key");
    *out = roots;
    return e;
}

static void choose_modules(struct server *s)
{
    size_t n = 0;
    s->modules[n++] = &ledger_module;
    s->modules[n++] = &link_module;
    s->modules[n++] = &store_module;
    s->modules[n++] = &door_module;
    for (size_t i = 0; i < FLOW_MODULES; i++)
        s->modules[n++] = flow_modules[i];
    assert(n == SERVER_MODULES);
}

static enum err open_link(struct server *s, struct fail *f)
{
    uint8_t(*roots)[ED25519_PUBLIC] = NULL;
    enum err e = decode_roots(s, f, &roots);
    if (e)
        return e;
    s->kind_count = flow_kinds(s->self.role, s->kinds);
    const struct link_config config = {
        .self = s->self,
        .listen = s->config.listen.p,
        .tls_key_uri = s->config.tls_key.p,
        .tls_certificate_path = s->config.tls_certificate.p,
        .signing_key = s->signing_key,
        .directory_path = s->config.directory.p,
        .roots = (const uint8_t(*)[ED25519_PUBLIC])roots,
        .root_count = s->config.roots.count,
        .db = s->db,
        .ledger = s->ledger,
        .kinds = s->kinds,
        .kind_count = s->kind_count,
        .app = &s->flow,
        .disk_path = node_config_disk(&s->config, s->folder),
        .disk_least = (int)s->config.disk_least,
        .head_seconds = (int)(s->config.head_interval / 1000000),
    };
    return link_new(f, &config, &s->link);
}

/* Rule of all pools: said at 30 % and at 10 %, long before "try later". */
static void say_pool_low(struct flow *flow, const char *pool, int64_t left, int64_t of, int level)
{
    LOG(LOG_ALARM, "stock_low", LOG_TEXT("node", flow->self.text), LOG_TEXT("pool", pool),
        LOG_NUMBER("left", left), LOG_NUMBER("of", of), LOG_NUMBER("percent", level > 1 ? 10 : 30));
}

static enum err open_flow(struct server *s, struct fail *f)
{
    struct flow *flow = &s->flow;
    enum err e = ERR_OK;
    *flow = (struct flow){.self = s->self, .db = s->db, .ledger = s->ledger};
    if (s->self.role == NODE_CS)
        snprintf(flow->upper, sizeof flow->upper, "prefecture.%02d", (int)node_name_prefecture(&s->self));
    else if (s->self.role == NODE_PREFECTURE)
        snprintf(flow->upper, sizeof flow->upper, "agency");
    flow_wire(flow);
    flow->pool_low = say_pool_low;
    if (s->self.role == NODE_AGENCY) {
        e = ff1_open(f, s->config.number_key.p, &flow->number_key);
        if (!e)
            e = ff1_open(f, s->config.code_key.p, &flow->code_key);
    }
    return e;
}

static enum err open_door(struct server *s, struct fail *f)
{
    if (s->self.role != NODE_CS || s->config.door_listen.n == 0)
        return ERR_OK;
    const struct door_config config = {
        .listen = s->config.door_listen.p,
        .tls_key_uri = s->config.door_tls_key.p,
        .tls_certificate_path = s->config.door_tls_certificate.p,
        .ca_path = s->config.door_ca.p,
        .folder = s->config.door_folder.n ? s->config.door_folder.p : NULL,
        .flow = &s->flow,
    };
    return door_new(f, &config, &s->door);
}

static void on_broken(void *arg, const struct fail *f)
{
    (void)arg;
    log_fail(LOG_ALARM, "storage_broken", f);
}

enum err server_open(struct server *s, struct fail *f, const char *folder, enum node_role role)
{
    *s = (struct server){.started = clock_now()};
    arena_init(&s->arena, 4 * 1024 * 1024);
    snprintf(s->folder, sizeof s->folder, "%s", folder);
    enum err e = node_config_load(f, folder, &s->arena, &s->config);
    if (!e)
        e = node_name_parse(f, s->config.node, &s->self);
    if (!e && s->self.role != role)
        e = fail_set(f, ERR_CONFIG, "node", "%s has not the role %s", s->self.text, node_role_name(role));
    if (e)
        return e;
    choose_modules(s);
    if ((e = standby_open(f, &s->config, s->modules, SERVER_MODULES, &s->db)) ||
        (e = db_reserve_log(s->db, f, DB_LOG_AHEAD)))
        return e;
    db_on_broken(s->db, on_broken, s);
    if ((e = key_open(f, s->config.signing_key.p, &s->signing_key)) ||
        (e = ledger_open(f, s->db, s->self.text, s->signing_key, &s->ledger)) ||
        (e = store_tally(f, s->db, &s->persons)) || (e = open_flow(s, f)) || (e = open_link(s, f)))
        return e;
    s->flow.link = s->link;
    return open_door(s, f);
}

struct note {
    struct server *s;
    struct str what, detail;
};

static enum err note_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct note *n = arg;
    uint64_t index;
    return ledger_append(n->s->ledger, tx, f, LEDGER_OPERATION, n->what, n->detail, &index);
}

/* A CS without any resident codes, or in a new life, asks for its first stock. */
static enum err first_stock(struct db_tx *tx, struct fail *f, void *arg)
{
    struct server *s = arg;
    return resident_code_stock_fill(&s->flow, tx, f, s->config.stock, 1);
}

/* In which life, and for a restored one, from what. */
static enum err note_start(struct server *s, struct fail *f)
{
    struct link_life life;
    char what[96];
    enum err e = link_life_read(f, s->db, &life);
    if (e)
        return e;
    snprintf(what, sizeof what, "started version %s epoch %lld", JUKI_VERSION, (long long)life.epoch);
    struct note note = {s, str_of(what), str_of(life.source)};
    return db_transaction(s->db, f, note_tx, &note);
}

static enum err settle_key(struct db_tx *tx, struct fail *f, void *arg)
{
    struct server *s = arg;
    return number_key_settle(&s->flow, tx, f);
}

enum err server_start(struct server *s, struct fail *f)
{
    enum err e = s->self.role == NODE_AGENCY ? db_transaction(s->db, f, settle_key, s) : ERR_OK;
    if (!e)
        e = note_start(s, f);
    if (!e)
        e = link_sign_head(s->link,
                           f); /* from here on the log has a head, and none that ends with "stopped" */
    if (!e && s->self.role == NODE_CS)
        e = db_transaction(s->db, f, first_stock, s);
    if (!e)
        e = link_start(s->link, f);
    if (!e && s->door)
        e = door_start(s->door, f);
    return e;
}

enum err server_reload(struct server *s, struct fail *f)
{
    struct note note = {s, STR("reloaded"), STR("")};
    enum err e = link_reload(s->link, f);
    if (!e && s->door)
        e = door_reload(s->door, f);
    return e ? e : db_transaction(s->db, f, note_tx, &note);
}

/* An entry made as any other and undone before its row is written: the commit is tried by link_health. */
static enum err log_nothing_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct note note = {.s = arg, .what = STR("health"), .detail = STR("")};
    enum err e = note_tx(tx, f, &note);
    return e ? e : ERR_STOPPING;
}

enum err server_health(struct server *s, struct fail *f)
{
    uint8_t signature[ED25519_SIGNATURE];
    struct fail why = {0};
    enum err e = key_sign(f, s->signing_key, STR("health"), signature);
    if (!e)
        e = db_health(s->db, f); /* says at once when PostgreSQL is away */
    if (e)
        return e;
    e = db_transaction(s->db, &why, log_nothing_tx, s);
    if (e != ERR_STOPPING)
        return fail_set(f, e, why.field, "%s", why.detail);
    return link_health(s->link, f);
}

void server_close(struct server *s)
{
    struct note note = {s, STR("stopped"), STR("")};
    struct fail f;
    if (s->door)
        door_stop(s->door);
    link_stop(s->link);
    bool writes = s->link && db_may_write(s->db);
    if (writes && db_transaction(s->db, &f, note_tx, &note))
        log_fail(LOG_WARNING, "stop_not_logged", &f);
    if (writes && link_sign_head(s->link, &f))
        log_fail(LOG_WARNING, "head_not_signed", &f);
    door_free(s->door);
    link_free(s->link);
    ledger_free(s->ledger);
    tally_free(s->persons);
    db_close(s->db);
    key_free(s->signing_key);
    ff1_free(s->flow.number_key);
    ff1_free(s->flow.code_key);
    arena_release(&s->arena);
}
