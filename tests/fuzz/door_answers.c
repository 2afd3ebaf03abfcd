/* SPDX-License-Identifier: Apache-2.0 */
/* What a CS answers a register, through the register's own client over a libcurl that gives the input's
 * lines: the first byte chooses what the register asks for, each line is one answer, its first byte the
 * status. An answer that is refused has written nothing, and the register never holds more to be taken than
 * it queued. */
#include "fuzz.h"

#include "../unit/register_scene.h"
#include "base/file.h"
#include "base/library.h"
#include "base/log.h"
#include "register/register_inside.h"
#include "stores.h"

#include <curl/curl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- a libcurl without a network ---- */

static struct {
    struct str left;
    size_t (*collect)(char *p, size_t size, size_t n, void *to);
    void *to;
    long status;
} wire;
static char handle; /* what no caller looks into */

static CURL *easy_init(void)
{
    return &handle;
}

static void easy_cleanup(CURL *curl UNUSED)
{
}

static CURLcode easy_setopt(CURL *curl UNUSED, CURLoption option, ...)
{
    va_list value;
    va_start(value, option);
    if (option == CURLOPT_WRITEDATA)
        wire.to = va_arg(value, void *);
    if (option == CURLOPT_WRITEFUNCTION)
        wire.collect = va_arg(value, size_t(*)(char *, size_t, size_t, void *));
    va_end(value);
    return CURLE_OK;
}

static CURLcode easy_getinfo(CURL *curl UNUSED, CURLINFO info, ...)
{
    va_list value;
    va_start(value, info);
    assert(info == CURLINFO_RESPONSE_CODE || info == CURLINFO_NUM_CONNECTS);
    *va_arg(value, long *) = info == CURLINFO_RESPONSE_CODE ? wire.status : 0;
    va_end(value);
    return CURLE_OK;
}

static CURLcode easy_perform(CURL *curl UNUSED)
{
    static const long statuses[] = {200, 200, 409, 503};
    struct str line = {NULL, 0};
    char copy[8192];
    if (!str_cut(&wire.left, '\n', &line) || line.n > sizeof copy)
        return CURLE_COULDNT_CONNECT;
    wire.status = statuses[fuzz_choose(&line, COUNT_OF(statuses))];
    memcpy(copy, line.p, line.n);
    return wire.collect(copy, 1, line.n, wire.to) == line.n ? CURLE_OK : CURLE_WRITE_ERROR;
}

static const char *easy_strerror(CURLcode code UNUSED)
{
    return "no more lines";
}

static struct curl_slist *slist_append(struct curl_slist *list UNUSED, const char *text UNUSED)
{
    static struct curl_slist one;
    return &one;
}

static void slist_free_all(struct curl_slist *list UNUSED)
{
}

/* In the place of base/library.c. */
enum err library_load(struct fail *f UNUSED, const char *soname, const struct library_name *names,
                      size_t count, void *functions)
{
    static const struct {
        const char *name;
        void (*function)(void);
    } own[] = {
#define OWN(name) {"curl_" #name, (void (*)(void))name}
        OWN(easy_cleanup), OWN(easy_getinfo),  OWN(easy_init),    OWN(easy_perform),
        OWN(easy_setopt),  OWN(easy_strerror), OWN(slist_append), OWN(slist_free_all),
#undef OWN
    };
    assert(strncmp(soname, "libcurl", 7) == 0);
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        while (k < COUNT_OF(own) && strcmp(own[k].name, names[i].name) != 0)
            k++;
        assert(k < COUNT_OF(own));
        memcpy((char *)functions + names[i].at, &own[k].function, sizeof own[k].function);
    }
    return ERR_OK;
}

/* ---- a register that has queued two changes, and one that may have been restored ---- */

static const struct db_module *const modules[] = {&register_module};
static struct {
    char path[64], begun[80];
    struct db *db;
    struct resident_register *r;
    struct door_client *client;
    int64_t groups; /* commits when it was opened */
} own;

static int64_t groups(void)
{
    struct db_stats stats;
    db_stats(own.db, &stats);
    return stats.groups;
}

static void open_register(void)
{
    const struct register_config config = {.area = {282049},
                                           .door_url = "https://127.0.0.1:1",
                                           .tls_key_path = "key",
                                           .tls_certificate_path = "certificate",
                                           .ca_path = "ca"};
    struct register_config with = config;
    struct register_status status;
    assert(!db_open(NULL, own.path, modules, COUNT_OF(modules), &own.db));
    with.db = own.db;
    assert(!register_new(NULL, &with, &own.r));
    assert(!register_status(own.r, NULL, &status)); /* the records are counted */
    own.groups = groups();
}

static void close_register(void)
{
    register_free(own.r);
    db_close(own.db);
}

static void refused(void *arg UNUSED, int64_t line UNUSED, const struct fail *f UNUSED)
{
    abort();
}

static void begin(void)
{
    const struct door_client_config config = {.url = "https://127.0.0.1:1",
                                              .area = {282049},
                                              .tls_key_path = "key",
                                              .tls_certificate_path = "certificate",
                                              .ca_path = "ca"};
    struct register_result loaded;
    char csv[80];
    log_level_set(LOG_ALARM + 1);
    snprintf(own.path, sizeof own.path, "%s", sqlite_fresh());
    snprintf(own.begun, sizeof own.begun, "%s.begun", own.path);
    snprintf(csv, sizeof csv, "%s.csv", own.path);
    open_register();
    assert(!file_write(NULL, csv, STR(HEADER TARO HANAKO), 0600));
    assert(!register_load(own.r, NULL, csv, NULL, refused, NULL, &loaded) && loaded.last_change == 2);
    close_register();
    assert(!db_open(NULL, own.path, modules, COUNT_OF(modules), &own.db));
    assert(!register_restored(NULL, own.db));
    db_close(own.db);
    file_copy(own.path, own.begun);
    assert(!door_client_new(NULL, &config, &own.client));
    open_register();
}

/* Nothing of an input stays. */
static void begin_again(void)
{
    if (groups() == own.groups)
        return;
    close_register();
    file_copy(own.begun, own.path);
    open_register();
}

/* ---- what it asks for ---- */

static void hear(struct door_hearing h)
{
    struct fail f;
    buf_init(&h.answer, DOOR_ANSWER_BYTES);
    while (wire.left.n) {
        int64_t before = groups();
        if (door_hear_once(&h, own.client, &f))
            assert(groups() == before);
    }
    buf_release(&h.answer);
}

static void send_changes(void)
{
    struct door_sending s = {.r = own.r, .client = own.client};
    struct fail f;
    enum err e = ERR_OK;
    size_t before;
    buf_init(&s.body, DOOR_BODY_BYTES);
    buf_init(&s.answer, DOOR_ANSWER_BYTES);
    do {
        before = wire.left.n;
        e = door_send_once(&s, &f);
    } while (!e && wire.left.n < before); /* until it asks for nothing: where its thread would sleep */
    buf_release(&s.body);
    buf_release(&s.answer);
}

static void take_back(void)
{
    struct buf answer;
    struct fail f;
    bool behind = true;
    buf_init(&answer, DOOR_ANSWER_BYTES);
    while (behind && wire.left.n) {
        int64_t before = groups();
        if (register_back_page(own.r, &f, own.client, &answer, &behind))
            assert(groups() == before);
    }
    buf_release(&answer);
}

static void draw(void)
{
    struct fail f;
    own.r->stopping = true; /* what is not there is not waited for */
    (void)!register_draw(own.r, &f, 1, 2);
    own.r->stopping = false;
}

void fuzz_target(struct str in)
{
    struct register_status status;
    if (!own.db)
        begin();
    unsigned way = fuzz_choose(&in, 5);
    wire.left = in;
    switch (way) {
    case 0:
        send_changes();
        break;
    case 1:
        hear(door_hearing_outcomes(own.r));
        break;
    case 2:
        hear(door_hearing_numbers(own.r));
        break;
    case 3:
        take_back();
        break;
    default:
        draw();
    }
    assert(!register_status(own.r, NULL, &status));
    assert(status.taken <= status.changes);
    begin_again();
}
