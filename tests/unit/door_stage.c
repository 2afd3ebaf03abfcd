/* SPDX-License-Identifier: Apache-2.0 */
#include "door_stage.h"

#include "base/file.h"
#include "base/sha256.h"
#include "free_port.h"
#include "flow/resident_code_stock/resident_code_stock.h"
#include "keys/certificate.h"
#include "stores.h"
#include "test.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int64_t taken_numbers[STAGE_TAKEN_MAX], taken_replaces[STAGE_TAKEN_MAX];
static int64_t taken_codes[STAGE_TAKEN_MAX],
    taken_versions[STAGE_TAKEN_MAX];       /* as a store would number them */
static char *taken_texts[STAGE_TAKEN_MAX]; /* identity and change as JSON; NULL: forgotten */
static size_t taken_count;
static int64_t taken_number, requested_code;
static size_t requested_count;
static int64_t filled;
enum { STAGE_STOCK = 900 };
static atomic_size_t stock = STAGE_STOCK;

size_t door_stage_taken(const int64_t **numbers, const int64_t **replaces)
{
    *numbers = taken_numbers;
    if (replaces)
        *replaces = taken_replaces;
    return taken_count;
}

int64_t door_stage_last_number(void)
{
    return taken_number;
}

/* ---- flows that only note, and a link that counts strangers ---- */

static char stranger_source[64];
static atomic_size_t stranger_count;
static enum err stranger_why;

void link_count_refusal(struct link *l, const char *source, enum err why)
{
    (void)l;
    snprintf(stranger_source, sizeof stranger_source, "%s", source);
    stranger_why = why;
    atomic_fetch_add(&stranger_count, 1);
}

static atomic_bool disk_low;

void door_stage_disk_low(bool low)
{
    atomic_store(&disk_low, low);
}

enum err link_takes_work(struct link *l UNUSED, struct fail *f)
{
    return atomic_load(&disk_low) ? fail_set(f, ERR_DISK_LOW, NULL, NULL) : ERR_OK;
}

enum err door_stage_stranger_error(void)
{
    return stranger_why;
}

size_t door_stage_strangers(const char **source)
{
    *source = stranger_source;
    return atomic_load(&stranger_count);
}

/* ---- messages to other municipalities: one kind, noted as it was taken ---- */

static char taken_message[2048];
static int64_t stage_epoch = 1;

void door_stage_epoch(int64_t epoch)
{
    stage_epoch = epoch;
}

int64_t link_epoch(const struct link *l UNUSED)
{
    return stage_epoch;
}

const char *door_stage_message(void)
{
    return taken_message;
}

static enum err note_message(struct flow *flow UNUSED, struct db_tx *tx UNUSED, struct fail *f,
                             const struct municipal_kind *kind UNUSED, const struct municipal_message *m)
{
    struct buf text;
    if (str_equal(json_str(json_get(m->body, "name")), STR("REFUSE")))
        return fail_set(f, ERR_NODE_UNKNOWN, "to", NULL);
    buf_init(&text, sizeof taken_message - 64);
    json_add_tree(&text, NULL, m->body);
    snprintf(taken_message, sizeof taken_message, "%lld %lld %06d %.*s", (long long)m->number,
             (long long)m->replaces, m->to.value, STR_ARG(buf_str(&text)));
    buf_release(&text);
    return ERR_OK;
}

const struct municipal_kind *municipal_kind_find(struct str name)
{
    static const struct municipal_kind noted = {.take = note_message};
    return str_equal(name, STR("move_in_notice")) || str_equal(name, STR("move_out_confirmation")) ? &noted
                                                                                                   : NULL;
}

static int64_t taken_code(int64_t number)
{
    for (size_t i = 0; i < taken_count; i++)
        if (taken_numbers[i] == number)
            return taken_codes[i];
    return 0;
}

/* One above the last that was told of the person: under the old code, or under one that a correction takes
 * back. */
static int64_t version_of(const struct identity_change *c)
{
    int64_t code = c->change.has_old_code ? c->change.old_code.value : c->identity.resident_code.value;
    int64_t wrong = c->replaces ? taken_code(c->replaces) : code;

    for (size_t i = taken_count; i-- > 0;)
        if (taken_codes[i] == code || taken_codes[i] == wrong)
            return taken_versions[i] + 1;
    return 1;
}

enum err identity_notice_take(struct flow *flow, struct db_tx *tx, struct fail *f,
                              const struct identity_change *change)
{
    (void)flow;
    if (str_equal(change->identity.name.name, STR("REFUSE")))
        return fail_set(f, ERR_STATE, "name", NULL);
    if (change->change.reason == CHANGE_BIRTH && change->identity.has_individual_number) {
        struct store_version v = {
            .identity = change->identity, .change = change->change, .entry = (uint64_t)change->number};
        enum err e = store_apply(tx, f, &v);
        if (e)
            return e;
    }
    taken_number = change->identity.has_individual_number ? change->identity.individual_number.value : 0;
    if (taken_count < STAGE_TAKEN_MAX) {
        struct buf text;
        buf_init(&text, 16 << 10);
        identity_json_write(&text, NULL, &change->identity, &change->change);
        buf_add(&text, "", 1);
        taken_texts[taken_count] = malloc(text.n);
        memcpy(taken_texts[taken_count], text.p, text.n);
        buf_release(&text);
        taken_versions[taken_count] = version_of(change);
        taken_codes[taken_count] = change->identity.resident_code.value;
        taken_numbers[taken_count] = change->number;
        taken_replaces[taken_count++] = change->replaces;
    }
    return ERR_OK;
}

void door_stage_forget(int64_t number)
{
    for (size_t i = 0; i < taken_count; i++)
        if (taken_numbers[i] == number) {
            free(taken_texts[i]);
            taken_texts[i] = NULL;
        }
}

static const char *text_of(int64_t number, int64_t *version, int64_t *replaces)
{
    for (size_t i = 0; i < taken_count; i++)
        if (taken_numbers[i] == number) {
            *version = taken_versions[i];
            *replaces = taken_replaces[i];
            return taken_texts[i];
        }
    return NULL;
}

enum err identity_notice_told(struct db_tx *tx, struct fail *f, int64_t first, int64_t last,
                              bool (*each)(void *arg, int64_t number, const struct identity_told *told),
                              void *arg)
{
    bool more = true;
    enum err e = ERR_OK;

    (void)tx;
    for (int64_t number = first; !e && more && number <= last; number++) {
        struct identity_told told = {.change = {.number = number}};
        int64_t version = 0;
        const char *text = text_of(number, &version, &told.change.replaces);
        struct arena a;
        struct json *tree;
        arena_init(&a, 1 << 20);
        if (text && !(e = json_read(f, str_of(text), &tree))) {
            e = identity_json_read(f, tree, &a, &told.change.identity, &told.change.change);
            json_free(tree);
        }
        if (told.change.identity.has_individual_number) /* else it waits */
            told.version = version;
        more = !e && each(arg, number, text ? &told : NULL);
        arena_release(&a);
    }
    return e;
}

static char given_line[96];
static size_t given_count;

size_t door_stage_given(const char **line)
{
    *line = given_line;
    return given_count;
}

enum err ledger_append(struct ledger *l, struct db_tx *tx, struct fail *f, enum ledger_kind kind,
                       struct str what, struct str payload, uint64_t *index)
{
    (void)l, (void)tx, (void)f, (void)payload, (void)index;
    assert_int_equal(kind, LEDGER_OPERATION);
    snprintf(given_line, sizeof given_line, "%.*s", STR_ARG(what));
    given_count++;
    return ERR_OK;
}

enum err identity_notice_waiting(struct db_tx *tx, struct fail *f,
                                 void (*each)(void *arg, const struct identity_waiting *), void *arg)
{
    (void)tx, (void)f;
    each(arg, &(struct identity_waiting){.change = 1, .since = 1});
    return ERR_OK;
}

enum err identity_notice_resend(struct flow *flow, struct fail *f, int64_t first, int64_t last,
                                int64_t *count)
{
    (void)flow, (void)f;
    *count = last - first + 1;
    return ERR_OK;
}

enum err resident_code_stock_draw(struct flow *flow, struct db_tx *tx, struct fail *f, struct str draw,
                                  size_t count, struct resident_code *codes)
{
    struct sha256 hash = sha256_of(draw);
    uint64_t value;

    (void)flow, (void)tx;
    if (count > atomic_load(&stock))
        return fail_set(f, ERR_STOCK_EMPTY, NULL, NULL);
    memcpy(&value, hash.bytes, sizeof value);
    for (size_t i = 0; i < count; i++)
        codes[i] = resident_code_from_payload((int64_t)((value + i) % 10000000000));
    return ERR_OK;
}

enum err resident_code_stock_status(struct db_tx *tx, struct fail *f, struct stock_status *out)
{
    (void)tx, (void)f;
    *out = (struct stock_status){.designated = 1000, .unused = (int64_t)atomic_load(&stock)};
    return ERR_OK;
}

enum err resident_code_stock_fill(struct flow *flow, struct db_tx *tx, struct fail *f, int64_t count,
                                  int64_t short_of)
{
    (void)flow, (void)tx, (void)f;
    filled = short_of > (int64_t)atomic_load(&stock) ? count : 0;
    return ERR_OK;
}

void door_stage_stock_empty(bool empty)
{
    atomic_store(&stock, empty ? 0 : STAGE_STOCK);
}

int64_t door_stage_filled(void)
{
    return filled;
}

static enum err note_request(struct flow *flow, struct db_tx *tx, struct fail *f, struct resident_code code,
                             enum number_request_kind kind, int64_t change)
{
    (void)flow, (void)tx, (void)f, (void)kind, (void)change;
    requested_code = code.value;
    requested_count++;
    return ERR_OK;
}

size_t door_stage_requested(int64_t *code)
{
    *code = requested_code;
    return requested_count;
}

/* ---- the stage ---- */

static void make_node(struct door_stage *s, struct key *ca, struct str ca_pem, const char *name,
                      const char *file, char key_path[static 96], char certificate_path[static 96])
{
    const char *names[] = {name};
    struct key *key;
    struct buf pem;

    snprintf(key_path, 96, "%s/%s.key", s->folder, file);
    snprintf(certificate_path, 96, "%s/%s.pem", s->folder, file);
    buf_init(&pem, 1 << 16);
    assert_ok(key_create_file(NULL, key_path, KEY_P256));
    char uri[128];
    snprintf(uri, sizeof uri, "file:%s", key_path);
    assert_ok(key_open(NULL, uri, &key));
    assert_ok(certificate_issue(NULL, ca, ca_pem, key, names, 1, 30, &pem));
    assert_ok(file_write(NULL, certificate_path, buf_str(&pem), 0600));
    key_free(key);
    buf_release(&pem);
}

static struct key *make_ca(struct door_stage *s, const char *file, struct buf *pem)
{
    char path[96], uri[128];
    struct key *ca;

    snprintf(path, sizeof path, "%s/%s.key", s->folder, file);
    assert_ok(key_create_file(NULL, path, KEY_P256));
    snprintf(uri, sizeof uri, "file:%s", path);
    assert_ok(key_open(NULL, uri, &ca));
    assert_ok(certificate_make_ca(NULL, ca, file, 30, pem));
    return ca;
}

static void make_certificates(struct door_stage *s)
{
    struct buf pem, other_pem;
    char key[96], certificate[96];

    buf_init(&pem, 1 << 16);
    buf_init(&other_pem, 1 << 16);
    struct key *ca = make_ca(s, "ca", &pem), *other = make_ca(s, "other-ca", &other_pem);
    snprintf(s->ca, sizeof s->ca, "%s/ca.pem", s->folder);
    assert_ok(file_write(NULL, s->ca, buf_str(&pem), 0600));
    make_node(s, ca, buf_str(&pem), "cs.282049", "cs", key, certificate);
    make_node(s, ca, buf_str(&pem), "register.282049", "register", s->key, s->certificate);
    make_node(s, ca, buf_str(&pem), "register.281000", "stranger", s->stranger_key, s->stranger_certificate);
    make_node(s, other, buf_str(&other_pem), "register.282049", "forged", s->forged_key,
              s->forged_certificate);
    key_free(ca);
    key_free(other);
    buf_release(&pem);
    buf_release(&other_pem);
}

static void open_door(struct door_stage *s, bool watched)
{
    static const struct db_module *const modules[] = {&store_module, &door_module};
    char key[128], certificate[96], folder[96];
    struct fail f = {0};

    snprintf(key, sizeof key, "file:%s/cs.key", s->folder);
    snprintf(certificate, sizeof certificate, "%s/cs.pem", s->folder);
    snprintf(folder, sizeof folder, "%s/watched", s->folder);
    s->flow = (struct flow){.self = {.text = "cs.282049", .role = NODE_CS, .area = STAGE_AREA}};
    s->flow.number_request = note_request;
    assert_ok(db_open(&f, s->database, modules, COUNT_OF(modules), &s->flow.db));
    const struct door_config config = {.listen = s->url + strlen("https://"),
                                       .tls_key_uri = key,
                                       .tls_certificate_path = certificate,
                                       .ca_path = s->ca,
                                       .folder = watched ? folder : NULL,
                                       .flow = &s->flow};
    assert_ok(door_new(&f, &config, &s->door));
    assert_ok(door_start(s->door, &f));
}

void door_stage_open(struct door_stage *s, bool watched)
{
    memset(s, 0, sizeof *s);
    taken_count = 0;
    requested_count = given_count = 0;
    stranger_count = 0;
    snprintf(s->folder, sizeof s->folder, "/tmp/juki-door-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    make_certificates(s);
    if (store_is_postgresql())
        snprintf(s->database, sizeof s->database, "%s", store_fresh());
    else
        snprintf(s->database, sizeof s->database, "%s/cs.db", s->folder);
    snprintf(s->url, sizeof s->url, "https://127.0.0.1:%d", free_port());
    open_door(s, watched);
}

void door_stage_restart(struct door_stage *s)
{
    door_free(s->door);
    db_close(s->flow.db);
    open_door(s, false);
}

void door_stage_restart_on(struct door_stage *s, const char *database)
{
    char own[sizeof s->database];
    snprintf(own, sizeof own, "%s", s->database);
    snprintf(s->database, sizeof s->database, "%s/%s", s->folder, database);
    door_stage_restart(s);
    snprintf(s->database, sizeof s->database, "%s", own);
}

void door_stage_close(struct door_stage *s)
{
    char command[128];

    door_free(s->door);
    db_close(s->flow.db);
    while (taken_count)
        free(taken_texts[--taken_count]);
    snprintf(command, sizeof command, "rm -rf %s", s->folder);
    assert_int_equal(system(command), 0);
}

static struct door_stage of_program;

int door_stage_setup(void **state)
{
    door_stage_open(&of_program, false);
    *state = &of_program;
    return 0;
}

int door_stage_setup_watched(void **state)
{
    door_stage_open(&of_program, true);
    *state = &of_program;
    return 0;
}

int door_stage_teardown(void **state)
{
    door_stage_close(*state);
    return 0;
}

struct door_client *door_stage_client(const struct door_stage *s)
{
    struct door_client *c;

    assert_ok(door_client_new(NULL,
                              &(struct door_client_config){.url = s->url,
                                                           .area = {STAGE_AREA},
                                                           .tls_key_path = s->key,
                                                           .tls_certificate_path = s->certificate,
                                                           .ca_path = s->ca},
                              &c));
    return c;
}

struct spoken {
    struct flow *flow;
    int64_t first, last;
    char state;
    enum err error;
    struct resident_code code;
    struct individual_number number;
};
static enum err speak_outcome(struct db_tx *tx, struct fail *f, void *arg)
{
    struct spoken *s = arg;

    return s->flow->door->outcome(s->flow->door_self, tx, f, s->first, s->last, s->state, s->error, STR(""));
}
static enum err speak_number(struct db_tx *tx, struct fail *f, void *arg)
{
    struct spoken *s = arg;

    return s->flow->door->number(s->flow->door_self, tx, f, s->code, s->number, s->first);
}

void door_stage_outcome(struct door_stage *s, int64_t first, int64_t last, char state, enum err error)
{
    struct spoken spoken = {.flow = &s->flow, .first = first, .last = last, .state = state, .error = error};

    assert_ok(db_transaction(s->flow.db, NULL, speak_outcome, &spoken));
}

void door_stage_ahead(struct door_stage *s, int64_t first, int64_t last)
{
    s->flow.door->ahead(s->flow.door_self, first, last);
}

void door_stage_number(struct door_stage *s, struct resident_code code, struct individual_number number,
                       int64_t change)
{
    struct spoken spoken = {.flow = &s->flow, .first = change, .code = code, .number = number};

    assert_ok(db_transaction(s->flow.db, NULL, speak_number, &spoken));
}
