/* SPDX-License-Identifier: Apache-2.0 */
#include "link_network.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "free_port.h"
#include "keys/certificate.h"
#include "postgres.h"
#include "stores.h"
#include "test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { DAY = 86400, TEXT_MAX = 1 << 20 };

static const struct db_module *const modules[] = {&ledger_module, &link_module, &network_module};
static const char *const names[SERVERS_MOST] = {"agency",    "prefecture.28", "cs.282049",
                                                "cs.282022", "prefecture.13", "cs.131016"};

/* ---- the kind that travels ---- */

struct body {
    int64_t area, code, step, new_code;
};

static enum err body_read(const struct link_notice *n, struct fail *f, struct body *out)
{
    enum err e;
    *out = (struct body){0};
    if ((e = json_member_int(f, n->body, "area", 0, 999999, &out->area)) ||
        (e = json_member_int(f, n->body, "code", 1, INT64_MAX, &out->code)) ||
        (e = json_member_int(f, n->body, "step", 0, INT64_MAX, &out->step)))
        return e;
    return json_member_int_maybe(f, n->body, "new_code", 1, INT64_MAX, &out->new_code);
}

static enum err scope(void *app, const struct link_notice *n, struct fail *f)
{
    struct body b;
    enum err e = body_read(n, f, &b);
    (void)app;
    return e || b.area == n->origin.area ? e : fail_set(f, ERR_SCOPE, "area", NULL);
}

static size_t persons(const struct link_notice *n, int64_t codes[static LINK_PERSONS_MAX])
{
    struct body b;
    if (body_read(n, NULL, &b))
        return 0;
    codes[0] = b.code;
    codes[1] = b.new_code;
    return b.new_code ? 2 : 1;
}

static enum err seen(struct db_tx *tx, struct fail *f, const struct link_notice *n, const struct body *b)
{
    return db_exec(tx, f, &sql_network_seen_add, DB(db_text(n->id), db_int(b->code), db_int(b->step)), NULL);
}

static enum err apply(void *app, struct db_tx *tx, const struct link_notice *n, struct fail *f)
{
    struct test_server *s = app;
    struct body b;
    enum err e = body_read(n, f, &b);
    if (e)
        return e;
    if (b.code == atomic_load(&s->park_code) && !n->replaces.n)
        return fail_set(f, ERR_VERSION_GAP, "step", NULL);
    if (b.code == atomic_load(&s->refuse_code))
        return fail_set(f, ERR_CHANGE_REASON, "reason", NULL);
    if ((e = seen(tx, f, n, &b)))
        return e;
    if (b.code == atomic_load(&s->late_code))
        return fail_set(f, ERR_CHANGE_SAME, "late", NULL);
    return s->name.role == NODE_PREFECTURE ? link_relay(s->link, tx, f, n, "agency") : ERR_OK;
}

static enum err recover(void *app, struct db_tx *tx, const struct link_notice *n, struct fail *f)
{
    struct body b;
    enum err e = body_read(n, f, &b);
    (void)app;
    return e ? e
             : db_exec(tx, f, &sql_network_own_add, DB(db_text(n->id), db_int(b.code), db_int(b.step)), NULL);
}

static enum err outcome(void *app, struct db_tx *tx, int64_t first, int64_t last, char state, int64_t error,
                        struct str field, struct fail *f)
{
    enum err e = ERR_OK;
    (void)app, (void)field;
    for (int64_t i = first; i <= last && !e; i++)
        e = db_exec(tx, f, &sql_network_outcome_put, DB(db_int(i), db_int(state), db_int(error)), NULL);
    return e;
}

static void ahead(void *app, int64_t first, int64_t last)
{
    struct test_server *s = app;
    atomic_fetch_add(&s->told_ahead, last - first + 1);
    if (s->on_ahead)
        s->on_ahead(s, first, last);
}

static const struct link_kind kinds_below[] = {
    {LINK_KIND_IDENTITY_NOTICE, false, scope, persons, apply, recover, outcome, ahead},
};
static const struct link_kind kinds_agency[] = {
    {LINK_KIND_IDENTITY_NOTICE, true, scope, persons, apply, recover, outcome, NULL},
};

/* ---- making the network ---- */

static struct key *key_make(const char *uri, enum key_kind kind)
{
    struct key *k = NULL;
    assert_ok(key_create_file(NULL, uri + 5, kind));
    assert_ok(key_open(NULL, uri, &k));
    return k;
}

void network_revoke(struct test_network *n, struct test_server *s)
{
    struct certificate_facts facts;
    struct buf pem;
    ptrdiff_t i = s - n->servers;
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    assert_ok(file_read(NULL, s->certificate, &pem));
    assert_ok(certificate_read(NULL, buf_str(&pem), &facts));
    snprintf(n->revoked[i][0], sizeof n->revoked[i][0], "%s", facts.serial);
    n->nodes[i].revoked_serials = n->revoked[i];
    n->nodes[i].revoked_serial_count = 1;
    network_sign(n);
    buf_release(&pem);
}

void network_certify(struct test_network *n, struct test_server *s, int days)
{
    const char *node[] = {s->name.text};
    struct buf pem;
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    assert_ok(certificate_issue(NULL, n->ca, buf_str(&n->ca_pem), s->tls, node, 1, days, &pem));
    assert_ok(file_write(NULL, s->certificate, buf_str(&pem), 0600));
    buf_release(&pem);
}

static void server_init(struct test_network *n, struct test_server *s, const char *name)
{
    s->network = n;
    assert_ok(node_name_parse(NULL, str_of(name), &s->name));
    if (store_is_postgresql())
        snprintf(s->database, sizeof s->database, "%s", store_fresh());
    else
        snprintf(s->database, sizeof s->database, "%s/%s.db", n->folder, name);
    snprintf(s->key_uri, sizeof s->key_uri, "file:%s/%s.key", n->folder, name);
    snprintf(s->tls_uri, sizeof s->tls_uri, "file:%s/%s.tls", n->folder, name);
    snprintf(s->certificate, sizeof s->certificate, "%s/%s.pem", n->folder, name);
    snprintf(s->directory, sizeof s->directory, "%s/%s.directory", n->folder, name);
    snprintf(s->address, sizeof s->address, "127.0.0.1:%d", free_port());
    s->key = key_make(s->key_uri, KEY_ED25519);
    s->tls = key_make(s->tls_uri, KEY_P256);
    s->head_seconds = 3600;
    network_certify(n, s, 30);
}

static void add_servers(struct test_network *n, int count)
{
    for (int i = n->count; i < count; i++) {
        struct test_server *s = &n->servers[i];
        server_init(n, s, names[i]);
        assert_ok(key_public(NULL, s->key, n->keys[i].public_key));
        n->keys[i].until = INT64_MAX;
        n->nodes[i] = (struct directory_node){.name = s->name, .keys = &n->keys[i], .key_count = 1};
        snprintf(n->nodes[i].address, sizeof n->nodes[i].address, "%s", s->address);
    }
    n->count = count;
    network_sign(n);
}

void network_init(struct test_network *n)
{
    char uri[128];
    *n = (struct test_network){.folder = "/tmp/juki-network-XXXXXX"};
    assert_non_null(mkdtemp(n->folder));
    log_level_set(getenv("LINK_LOG") ? LOG_DEBUG : LOG_ALARM + 1);
    snprintf(n->root_uri, sizeof n->root_uri, "file:%s/root.key", n->folder);
    n->root = key_make(n->root_uri, KEY_ED25519);
    snprintf(uri, sizeof uri, "file:%s/ca.key", n->folder);
    n->ca = key_make(uri, KEY_P256);
    assert_ok(key_public(NULL, n->root, n->roots[0]));
    buf_init(&n->ca_pem, CERTIFICATE_PEM_MAX);
    assert_ok(certificate_make_ca(NULL, n->ca, "juki test", 365, &n->ca_pem));
    add_servers(n, SERVERS);
}

void network_add_far(struct test_network *n)
{
    add_servers(n, SERVERS_MOST);
}

void network_sign(struct test_network *n)
{
    struct directory_node nodes[SERVERS_MOST];
    struct directory_draft draft = {.version = ++n->version,
                                    .issued = clock_now(),
                                    .expires = clock_now() + (int64_t)365 * DAY * 1000000,
                                    .roots = (const uint8_t(*)[ED25519_PUBLIC])n->roots,
                                    .root_count = 1,
                                    .ca = buf_str(&n->ca_pem),
                                    .nodes = nodes};
    struct buf jws;
    for (int i = 0; i < n->count; i++)
        if (!n->left_out[i])
            nodes[draft.node_count++] = n->nodes[i];
    buf_init(&jws, 1 << 20);
    assert_ok(directory_sign(NULL, n->root, &draft, &jws));
    for (int i = 0; i < n->count; i++)
        assert_ok(file_write(NULL, n->servers[i].directory, buf_str(&jws), 0600));
    buf_release(&jws);
}

void network_release(struct test_network *n)
{
    network_stop(n);
    for (int i = 0; i < n->count; i++) {
        key_free(n->servers[i].key);
        key_free(n->servers[i].tls);
    }
    key_free(n->root);
    key_free(n->ca);
    buf_release(&n->ca_pem);
    folder_remove(n->folder);
}

/* ---- running it ---- */

enum err server_try_open(struct test_server *s, struct fail *f, void (*broken)(void *, const struct fail *))
{
    bool agency = s->name.role == NODE_AGENCY;
    s->db = NULL;
    s->ledger = NULL;
    enum err e = db_open(f, s->database, s->modules ? s->modules : modules,
                         s->modules ? s->module_count : COUNT_OF(modules), &s->db);
    if (!e)
        db_on_broken(s->db, broken, NULL);
    if (!e)
        e = ledger_open(f, s->db, s->name.text, s->key, &s->ledger);
    if (e)
        return e;
    const struct link_config config = {.self = s->name,
                                       .listen = s->address,
                                       .tls_key_uri = s->tls_uri,
                                       .tls_certificate_path = s->certificate,
                                       .signing_key = s->key,
                                       .directory_path = s->directory,
                                       .roots = (const uint8_t(*)[ED25519_PUBLIC])s->network->roots,
                                       .root_count = 1,
                                       .db = s->db,
                                       .ledger = s->ledger,
                                       .kinds = s->kinds ? s->kinds
                                                : agency ? kinds_agency
                                                         : kinds_below,
                                       .kind_count = s->kinds ? s->kind_count : 1,
                                       .questions = s->questions,
                                       .question_count = s->question_count,
                                       .app = s->kinds ? s->app : s,
                                       .disk_path = s->network->folder,
                                       .disk_least = s->disk_least,
                                       .recent_bytes = 128 * 1024, /* so that it is written over */
                                       .head_seconds = s->head_seconds};
    return link_new(f, &config, &s->link);
}

void server_open(struct test_server *s)
{
    struct fail f = {0};
    if (server_try_open(s, &f, NULL))
        fail_msg("%s: %s %s %s", s->name.text, err_row(f.err)->name, f.field, f.detail);
}

void server_start(struct test_server *s)
{
    struct fail f = {0};
    server_open(s);
    if (link_start(s->link, &f))
        fail_msg("%s: %s %s %s", s->name.text, err_row(f.err)->name, f.field, f.detail);
}

void server_stop(struct test_server *s)
{
    if (!s->db)
        return;
    link_stop(s->link);
    db_close(s->db);
    link_free(s->link);
    ledger_free(s->ledger);
    s->link = NULL;
    s->ledger = NULL;
    s->db = NULL;
}

void network_start(struct test_network *n)
{
    for (int i = 0; i < n->count; i++)
        if (!n->servers[i].link)
            server_start(&n->servers[i]);
}

void network_stop(struct test_network *n)
{
    for (int i = n->count - 1; i >= 0; i--)
        server_stop(&n->servers[i]);
}

void server_save(struct test_server *s, const char *saved)
{
    char path[320];
    assert_null(s->link);
    snprintf(path, sizeof path, "%s/%s", s->network->folder, saved);
    if (store_is_postgresql())
        postgres_save(s->database, saved);
    else
        file_copy(s->database, path);
}

static enum err set_epoch(struct db_tx *tx, struct fail *f, void *arg)
{
    const int64_t *epoch = arg;
    enum err e = db_exec(tx, f, &sql_network_epoch, DB(db_int(*epoch)), NULL);
    return e ? e : db_exec(tx, f, &sql_network_life, DB(db_int(*epoch)), NULL);
}

static void file_restore(struct test_server *s, const char *saved)
{
    char path[320];
    snprintf(path, sizeof path, "%s-wal", s->database);
    unlink(path);
    snprintf(path, sizeof path, "%s-shm", s->database);
    unlink(path);
    snprintf(path, sizeof path, "%s/%s", s->network->folder, saved);
    file_copy(path, s->database);
}

void server_restore(struct test_server *s, const char *saved, int64_t epoch)
{
    struct db *db;
    assert_null(s->link);
    if (store_is_postgresql())
        postgres_restore(s->database, saved);
    else
        file_restore(s, saved);
    assert_ok(db_open(NULL, s->database, modules, COUNT_OF(modules), &db));
    assert_ok(db_transaction(db, NULL, set_epoch, &epoch));
    db_close(db);
}

/* ---- sending ---- */

struct sending {
    struct test_server *s;
    const struct test_notice *notice;
    int64_t first, last;
};

static enum err send_one(struct sending *q, struct db_tx *tx, struct fail *f, int64_t step)
{
    const struct test_notice *t = q->notice;
    char json[160], above[32];
    int32_t area = t->area ? t->area : q->s->name.area;
    int n = snprintf(json, sizeof json, "{\"area\":%d,\"code\":%lld,\"step\":%lld", (int)area,
                     (long long)t->code, (long long)step);
    if (t->new_code)
        n += snprintf(json + n, sizeof json - (size_t)n, ",\"new_code\":%lld", (long long)t->new_code);
    snprintf(json + n, sizeof json - (size_t)n, "}");
    snprintf(above, sizeof above, "prefecture.%02d", (int)node_name_prefecture(&q->s->name));
    const struct link_send send = {.destination = t->destination ? t->destination : above,
                                   .kind = LINK_KIND_IDENTITY_NOTICE,
                                   .body = str_of(json),
                                   .replaces = str_of(t->replaces),
                                   .source = step};
    return link_send(q->s->link, tx, f, &send, NULL);
}

static enum err send_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct sending *q = arg;
    enum err e = ERR_OK;
    for (int64_t i = q->first; i <= q->last && !e; i++)
        e = send_one(q, tx, f, i);
    return e;
}

void server_notice(struct test_server *s, int64_t code, int64_t first, int64_t last)
{
    struct sending q = {s, &(struct test_notice){.code = code}, first, last};
    enum err e = ERR_BUSY;
    for (int i = 0; i < 4000 && e == ERR_BUSY; i++) { /* after a restore, as a register would */
        e = db_transaction(s->db, NULL, send_tx, &q);
        if (e == ERR_BUSY)
            network_pause();
    }
    assert_ok(e);
}

void server_send(struct test_server *s, const struct test_notice *notice)
{
    struct sending q = {s, notice, notice->step, notice->step};
    assert_ok(db_transaction(s->db, NULL, send_tx, &q));
}

/* ---- looking ---- */

struct look {
    const struct db_stmt *stmt;
    struct buf *text;
    int64_t count;
    const char *what;
    enum ledger_kind kind;
    char states[256];
};

static enum err list_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct look *q = arg;
    struct db_rows rows;
    db_query(tx, &rows, &sql_network_seen_list, DB_NONE);
    while (db_next(&rows))
        buf_add_format(q->text, "%s%lld:%lld", q->text->n ? " " : "", (long long)db_row_int(&rows, 1),
                       (long long)db_row_int(&rows, 2));
    return db_done(&rows, f);
}

const char *server_seen(struct test_server *s)
{
    static char text[TEXT_MAX];
    struct buf b;
    buf_init(&b, TEXT_MAX - 1);
    struct look q = {.text = &b};
    assert_ok(db_read(s->db, NULL, list_tx, &q));
    snprintf(text, sizeof text, "%.*s", STR_ARG(buf_str(&b)));
    buf_release(&b);
    return text;
}

static enum err count_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct look *q = arg;
    struct db_rows rows;
    db_query(tx, &rows, q->stmt, DB_NONE);
    if (db_next(&rows))
        q->count = db_row_int(&rows, 0);
    return db_done(&rows, f);
}

int64_t server_seen_count(struct test_server *s)
{
    struct look q = {.stmt = &sql_network_seen_count};
    assert_ok(db_read(s->db, NULL, count_tx, &q));
    return q.count;
}

int64_t server_own_count(struct test_server *s)
{
    struct look q = {.stmt = &sql_network_own_count};
    assert_ok(db_read(s->db, NULL, count_tx, &q));
    return q.count;
}

static enum err outcomes_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct look *q = arg;
    struct db_rows rows;
    db_query(tx, &rows, &sql_network_outcome_list, DB_NONE);
    while (db_next(&rows)) {
        int64_t source = db_row_int(&rows, 0);
        while (q->count < source && q->count < 200)
            q->states[q->count++] = '?';
        if (source >= 1 && source <= 200)
            q->states[source - 1] = (char)db_row_int(&rows, 1);
    }
    return db_done(&rows, f);
}

const char *server_outcomes(struct test_server *s)
{
    static char text[256];
    struct look q = {.count = 0};
    assert_ok(db_read(s->db, NULL, outcomes_tx, &q));
    snprintf(text, sizeof text, "%.*s", (int)q.count, q.states);
    return text;
}

struct told {
    int64_t source;
    enum err error;
};

static enum err outcome_error_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct told *told = arg;
    struct db_rows rows;
    db_query(tx, &rows, &sql_network_outcome_list, DB_NONE);
    while (db_next(&rows))
        if (db_row_int(&rows, 0) == told->source)
            told->error = (enum err)db_row_int(&rows, 2);
    return db_done(&rows, f);
}

enum err server_outcome_error(struct test_server *s, int64_t source)
{
    struct told told = {.source = source};
    assert_ok(db_read(s->db, NULL, outcome_error_tx, &told));
    return told.error;
}

struct wanted {
    const char *peer;
    struct link_peer_status status;
};

static void keep_status(void *arg, const struct link_peer_status *status)
{
    struct wanted *w = arg;
    if (strcmp(status->node.text, w->peer) == 0)
        w->status = *status;
}

static enum err sums_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct db_rows rows;
    db_query(tx, &rows, &sql_network_outcome_sums, DB(db_text(str_of(arg))));
    if (db_next(&rows)) {
        assert_int_equal(db_row_int(&rows, 1), db_row_int(&rows, 0));
        assert_int_equal(db_row_int(&rows, 3), db_row_int(&rows, 2));
    }
    return db_done(&rows, f);
}

struct link_peer_status server_status(struct test_server *s, const char *peer)
{
    struct wanted w = {.peer = peer};
    char name[NODE_NAME_SIZE];
    snprintf(name, sizeof name, "%s", peer);
    assert_ok(db_read(s->db, NULL, sums_tx, name));
    assert_ok(link_status(s->link, NULL, keep_status, &w));
    return w.status;
}

static enum err entries_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct look *q = arg;
    struct arena a;
    enum err e = ERR_OK;
    arena_init(&a, 8 << 20);
    for (uint64_t i = 0; !e; i++) {
        struct ledger_entry entry;
        arena_reset(&a);
        e = ledger_entry_read(tx, f, i, &a, &entry);
        if (!e && entry.kind == q->kind &&
            memmem(entry.what.p, entry.what.n, q->what, strlen(q->what)) != NULL)
            q->count++;
    }
    arena_release(&a);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

int64_t server_operations(struct test_server *s, const char *what)
{
    struct look q = {.what = what, .kind = LEDGER_OPERATION};
    assert_ok(db_read(s->db, NULL, entries_tx, &q));
    return q.count;
}

int64_t server_communications(struct test_server *s, const char *what)
{
    struct look q = {.what = what, .kind = LEDGER_COMMUNICATION};
    assert_ok(db_read(s->db, NULL, entries_tx, &q));
    return q.count;
}

static void finding(void *arg, const struct ledger_finding *found)
{
    fail_msg("%s: finding %d at %llu: %s", (const char *)arg, (int)found->kind,
             (unsigned long long)found->first, found->detail);
}

void server_check_log(struct test_server *s)
{
    uint8_t public_key[ED25519_PUBLIC];
    struct ledger_verify_result result;
    struct ledger_verify_options options = {.public_key = public_key, .report = finding, .arg = s->name.text};
    assert_ok(key_public(NULL, s->key, public_key));
    assert_ok(link_entries_referenced(NULL, s->db, &options.referenced));
    assert_ok(ledger_verify(NULL, s->db, s->name.text, &options, &result));
}

struct collected {
    struct link_error_item *out;
    size_t size;
    int64_t count;
};

static void collect(void *arg, const struct link_error_item *item)
{
    struct collected *c = arg;
    if ((size_t)c->count < c->size)
        c->out[c->count] = *item;
    c->count++;
}

int64_t server_errors(struct test_server *s, struct link_error_item *out, size_t size)
{
    struct collected c = {out, size, 0};
    assert_ok(link_errors(s->link, NULL, collect, &c));
    return c.count;
}

void network_pause(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}
