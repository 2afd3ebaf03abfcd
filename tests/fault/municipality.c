/* SPDX-License-Identifier: Apache-2.0 */
#include "municipality.h"

#include "base/file.h"
#include "door/door_sql.h"
#include "flow/number/number.h"
#include "flow/resident_code_stock/stock_body.h"
#include "free_port.h"
#include "keys/certificate.h"
#include "people.h"
#include "test.h"

#include <pthread.h>

enum { STOCK_CODES = 60, STOCK_FIRST = 7001, MODULES = 4 + FLOW_MODULES, ENTRY_ARENA = 1 << 20 };

struct municipality municipality;

static char url[40], key_path[128], certificate_path[128], ca_path[128];
static const struct db_module *cs_modules[MODULES];
static const struct db_module *const register_modules[] = {&register_module};

static struct test_server *server(void)
{
    return &flow_network.servers[CS_A];
}

/* ---- keys and databases ---- */

static void certify_register(void)
{
    static const char *const names[] = {"register.282049"};
    char uri[140];
    struct key *key;
    struct buf pem;
    snprintf(key_path, sizeof key_path, "%s/register.key", flow_network.folder);
    snprintf(certificate_path, sizeof certificate_path, "%s/register.pem", flow_network.folder);
    snprintf(ca_path, sizeof ca_path, "%s/ca.pem", flow_network.folder);
    snprintf(uri, sizeof uri, "file:%s", key_path);
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    assert_ok(key_create_file(NULL, key_path, KEY_P256));
    assert_ok(key_open(NULL, uri, &key));
    assert_ok(
        certificate_issue(NULL, flow_network.ca, buf_str(&flow_network.ca_pem), key, names, 1, 30, &pem));
    assert_ok(file_write(NULL, certificate_path, buf_str(&pem), 0600));
    assert_ok(file_write(NULL, ca_path, buf_str(&flow_network.ca_pem), 0600));
    key_free(key);
    buf_release(&pem);
}

void municipality_init(void)
{
    size_t n = 0;
    flow_network_init();
    certify_register();
    snprintf(url, sizeof url, "https://127.0.0.1:%d", free_port());
    cs_modules[n++] = &ledger_module;
    cs_modules[n++] = &link_module;
    cs_modules[n++] = &store_module;
    cs_modules[n++] = &door_module;
    for (int i = 0; i < FLOW_MODULES; i++)
        cs_modules[n++] = flow_modules[i];
    server()->modules = cs_modules;
    server()->module_count = n;
    municipality.cs = &flows[CS_A];
}

void municipality_release(void)
{
    flow_network_release();
}

static enum err open_register(struct fail *f, const char *path, void (*broken)(void *, const struct fail *))
{
    enum err e = db_open(f, path, register_modules, 1, &municipality.db);
    if (e)
        return e;
    db_on_broken(municipality.db, broken, NULL);
    const struct register_config config = {.area = {NISHINOMIYA},
                                           .door_url = url,
                                           .tls_key_path = key_path,
                                           .tls_certificate_path = certificate_path,
                                           .ca_path = ca_path,
                                           .db = municipality.db};
    return register_new(f, &config, &municipality.r);
}

enum err municipality_open(struct fail *f, const char *folder, void (*broken)(void *, const struct fail *))
{
    char path[sizeof server()->database];
    snprintf(server()->database, sizeof server()->database, "%s/cs.db", folder);
    snprintf(path, sizeof path, "%s/register.db", folder);
    enum err e = flow_server_try_open(CS_A, f, broken);
    return e ? e : open_register(f, path, broken);
}

static enum err apply_stock(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct link_notice *n = arg;
    return stock_notice_at_cs.apply(municipality.cs, tx, n, f);
}

static void designate_codes(void)
{
    const struct stock_body body = {.area = {NISHINOMIYA}, .filling = STOCK_CODES};
    struct resident_code codes[STOCK_CODES];
    struct json *tree;
    struct buf text;
    for (int i = 0; i < STOCK_CODES; i++)
        codes[i] = code_of(STOCK_FIRST + i);
    buf_init(&text, STOCK_BODY_MAX);
    stock_body_write(&text, &body, codes, STOCK_CODES);
    assert_ok(json_read(NULL, buf_str(&text), &tree));
    assert_ok(db_transaction(municipality.cs->db, NULL, apply_stock, &(struct link_notice){.body = tree}));
    json_free(tree);
    buf_release(&text);
}

static enum err record_known(struct db_tx *tx, struct fail *f, void *arg UNUSED)
{
    struct store_version v = {.identity = resident(MUNICIPALITY_KNOWN, NISHINOMIYA),
                              .change = change_on(CHANGE_MOVE_IN, 2010, 4, 1),
                              .entry = UINT64_C(1) << 40 /* behind all that the log will have */};
    return store_apply(tx, f, &v);
}

void municipality_make(const char *folder)
{
    assert_ok(municipality_open(NULL, folder, NULL));
    designate_codes();
    assert_ok(db_transaction(municipality.cs->db, NULL, record_known, NULL));
    municipality_close();
}

/* ---- the CS's log and feed ---- */

static int64_t code_in(const struct json *object)
{
    struct resident_code code;
    assert_ok(resident_code_parse(NULL, json_str(json_get(object, "resident_code")), &code));
    return code.value;
}

/* Requests for resident codes are left out: they stay unanswered. */
static void note_sent(struct municipality_log *log, const struct json *body)
{
    const struct json *identity = json_get(body, "identity");
    struct municipality_sent sent = {.request = json_get(body, "request") != NULL};
    if (!sent.request && !identity)
        return;
    sent.change = json_int(json_get(body, sent.request ? "change" : "source"));
    sent.version = json_int(json_get(body, "version"));
    sent.code = code_in(sent.request ? body : identity);
    assert_true(log->count < COUNT_OF(log->sent));
    log->sent[log->count++] = sent;
}

static enum err read_log(struct db_tx *tx, struct fail *f, void *arg)
{
    struct municipality_log *log = arg;
    struct arena a;
    enum err e = ERR_OK;
    arena_init(&a, ENTRY_ARENA);
    while (!e) {
        struct ledger_entry entry;
        struct json *tree;
        arena_reset(&a);
        if ((e = ledger_entry_read(tx, f, log->read, &a, &entry)))
            break;
        if (entry.kind == LEDGER_COMMUNICATION && str_starts(entry.what, STR("sent "))) {
            if ((e = json_read(f, entry.payload, &tree)))
                break;
            note_sent(log, json_get(tree, "body"));
            json_free(tree);
        }
        log->read++;
    }
    arena_release(&a);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err municipality_read_log(struct fail *f, struct municipality_log *log)
{
    return db_read(municipality.cs->db, f, read_log, log);
}

struct reading {
    int64_t rows;
    char *said;
};

static enum err read_outcomes(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct reading *r = arg;
    struct db_rows rows;
    db_query(tx, &rows, &sql_door_outcome_after, DB(db_int(0), db_int(r->rows)));
    while (db_next(&rows))
        for (int64_t i = db_row_int(&rows, 1); i <= db_row_int(&rows, 2) && i <= MUNICIPALITY_CHANGES; i++)
            r->said[i] = (char)db_row_int(&rows, 3);
    return db_done(&rows, f);
}

enum err municipality_read_outcomes(struct fail *f, int64_t rows, char said[static MUNICIPALITY_CHANGES + 1])
{
    struct reading r = {rows, said};
    memset(said, 0, MUNICIPALITY_CHANGES + 1);
    return db_read(municipality.cs->db, f, read_outcomes, &r);
}

/* ---- the network above ----
 *
 * Where something fails under the CS, it may fail here: then it is tried again. */

static struct above {
    pthread_t thread;
    atomic_bool running, stopping;
    struct municipality_log log;
    char said[MUNICIPALITY_CHANGES + 1];
} above;

struct answer {
    const struct municipality_sent *to;
    char state;
};

static enum err say_outcome(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct answer *a = arg;
    const struct flow *cs = municipality.cs;
    return cs->door->outcome(cs->door_self, tx, f, a->to->change, a->to->change, a->state,
                             a->state == 'w' ? ERR_NUMBER_TAKEN : ERR_OK, STR(""));
}

static void answer_notice(const struct municipality_sent *to)
{
    char *said = &above.said[to->change];
    struct answer a = {to, to->change % 3 == 0 && !*said ? 'w' : 'a'};
    if (*said == 'a')
        return;
    if (a.state == 'a' && to->change % 2)
        municipality.cs->door->ahead(municipality.cs->door_self, to->change, to->change);
    if (!db_transaction(municipality.cs->db, NULL, say_outcome, &a))
        *said = a.state;
}

/* A person's first number and the one after it, by their code. */
static struct individual_number number_for(const struct municipality_sent *to)
{
    return individual_number_from_payload((to->change ? 10000000000 : 50000000000) + to->code / 10);
}

static enum err find_given(struct db_tx *tx, struct fail *f, void *arg)
{
    struct answer *a = arg;
    struct db_rows rows;
    a->state = 0;
    db_query(tx, &rows, &sql_door_number_after, DB(db_int(0), db_int(MUNICIPALITY_FEED)));
    while (db_next(&rows))
        if (db_row_int(&rows, 1) == a->to->change && db_row_int(&rows, 2) == a->to->code)
            a->state = 'n';
    return db_done(&rows, f);
}

static enum err give_number(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct answer *a = arg;
    char body[200], code[RESIDENT_CODE_TEXT_SIZE], number[INDIVIDUAL_NUMBER_TEXT_SIZE];
    struct json *tree;
    snprintf(body, sizeof body, "{\"resident_code\":\"%s\",\"individual_number\":\"%s\",\"change\":%lld}",
             resident_code_REVEAL((struct resident_code){a->to->code}, code),
             individual_number_REVEAL(number_for(a->to), number), (long long)a->to->change);
    enum err e = json_read(f, str_of(body), &tree);
    if (e)
        return e;
    e = number_notice_at_cs.apply(municipality.cs, tx, &(struct link_notice){.body = tree}, f);
    json_free(tree);
    return e;
}

static bool answer_request(const struct municipality_sent *to)
{
    struct answer a = {to, 0};
    if (db_read(municipality.cs->db, NULL, find_given, &a))
        return false;
    return a.state || !db_transaction(municipality.cs->db, NULL, give_number, &a);
}

/* A notice that waits is answered again when the rest is. */
static void *answer_all(void *arg UNUSED)
{
    size_t requests = 0;
    while (!atomic_load(&above.stopping)) {
        if (ledger_size(municipality.cs->ledger) > above.log.read && municipality_read_log(NULL, &above.log))
            continue;
        for (size_t i = 0; i < above.log.count; i++)
            if (!above.log.sent[i].request)
                answer_notice(&above.log.sent[i]);
        while (requests < above.log.count &&
               (!above.log.sent[requests].request || answer_request(&above.log.sent[requests])))
            requests++;
        usleep(2000);
    }
    return NULL;
}

/* ---- running ---- */

enum err municipality_start(struct fail *f)
{
    const struct door_config config = {.listen = url + strlen("https://"),
                                       .tls_key_uri = server()->tls_uri,
                                       .tls_certificate_path = server()->certificate,
                                       .ca_path = ca_path,
                                       .flow = municipality.cs};
    enum err e = door_new(f, &config, &municipality.door);
    if (!e)
        e = door_start(municipality.door, f);
    if (!e)
        e = register_start(municipality.r, f);
    memset(&above.log, 0, sizeof above.log);
    if (!e)
        e = municipality_read_outcomes(f, MUNICIPALITY_FEED, above.said);
    if (e)
        return e;
    atomic_store(&above.stopping, false);
    atomic_store(&above.running, true);
    assert_int_equal(pthread_create(&above.thread, NULL, answer_all, NULL), 0);
    return ERR_OK;
}

void municipality_close(void)
{
    if (atomic_load(&above.running)) {
        atomic_store(&above.stopping, true);
        pthread_join(above.thread, NULL);
        atomic_store(&above.running, false);
    }
    door_free(municipality.door); /* first: who waits for its answers is let go */
    register_free(municipality.r);
    db_close(municipality.db);
    server_stop(server());
    municipality.r = NULL;
    municipality.db = NULL;
    municipality.door = NULL;
}
