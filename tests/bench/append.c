/* SPDX-License-Identifier: Apache-2.0 */
#include "append.h"

#include "base/random.h"
#include "bench.h"

#include <pthread.h>

/* ---- what is written */

struct str append_body(int64_t number, char out[static APPEND_BODY_MAX])
{
    struct random_seeded r = {(uint64_t)number};
    unsigned a = (unsigned)random_seeded_below(&r, 100000000), b = (unsigned)random_seeded_below(&r, 1000);
    int n = snprintf(
        out, APPEND_BODY_MAX,
        "{\"id\":\"cs.282049/prefecture.28/%lld\",\"time\":\"2026-11-22T09:00:%02u.%06uZ\",\"body\":{"
        "\"resident_code\":\"%011u\",\"area_code\":\"282049\",\"name\":\"試験%u 太郎%u\",\"kana\":\"シケン "
        "タロウ\","
        "\"kana_state\":\"confirmed\",\"birth_date\":\"19%02u-%02u-%02u\",\"sex\":\"male\",\"address\":"
        "\"兵庫県西宮市六湛寺町%u番%u号\",\"town_code\":\"%06u\",\"postal_code\":\"66%05u\",\"individual_"
        "number\":"
        "\"%012u\",\"change\":{\"reason\":\"move_in\",\"date\":\"2026-%02u-%02u\",\"version\":1}}}",
        (long long)number, a % 60, a % 1000000, a, b, a % 97, a % 100, b % 12 + 1, a % 28 + 1, b, a % 30,
        a % 1000000, a % 100000, a * 7U, b % 12 + 1, a % 28 + 1);
    assert(n > 0 && n < APPEND_BODY_MAX);
    return (struct str){out, (size_t)n};
}

void append_fill(void *arg, int64_t number, struct db_value *values)
{
    struct append_row *r = arg;
    random_bytes(r->salt, APPEND_SALT);
    values[0] = db_int(number + 1);
    values[1] = db_bytes(r->salt, APPEND_SALT);
    values[2] = (struct db_value){'b', 0, append_body(number, r->body)};
}

/* ---- a log of our own */

enum err append_key(struct fail *f, struct key **out)
{
    const uint8_t seed[ED25519_SEED] = {1};
    return key_from_seed(f, seed, out);
}

enum err append_open(struct fail *f, const char *url, struct key *key, struct append_log *out)
{
    static const struct db_module *const modules[] = {&ledger_module};
    *out = (struct append_log){.db = NULL};
    enum err e = db_open(f, url, modules, COUNT_OF(modules), &out->db);
    return e ? e : ledger_open(f, out->db, APPEND_NODE, key, &out->ledger);
}

void append_close(struct append_log *log)
{
    db_close(log->db);
    ledger_free(log->ledger);
    *log = (struct append_log){.db = NULL};
}

struct append {
    struct append_log *log;
    int64_t first, count;
};

static enum err append_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    struct append *a = arg;
    char body[APPEND_BODY_MAX];
    enum err e = ERR_OK;
    for (int64_t i = a->first; i < a->first + a->count && !e; i++) {
        uint64_t index;
        e = ledger_append(a->log->ledger, tx, f, LEDGER_COMMUNICATION, STR("received identity_notice"),
                          append_body(i, body), &index);
    }
    return e;
}

enum err append_groups(struct append_log *log, struct fail *f, int64_t count, double *seconds)
{
    enum err e = ERR_OK;
    double start = bench_now();
    for (int64_t done = 0; done < count && !e; done += APPEND_PER_COMMIT) {
        struct append a = {log, done, count - done < APPEND_PER_COMMIT ? count - done : APPEND_PER_COMMIT};
        e = db_transaction(log->db, f, append_tx, &a);
    }
    *seconds = bench_now() - start;
    return e;
}

/* ---- callers that wait */

struct caller {
    pthread_t thread;
    struct append append;
    struct fail fail;
    enum err err;
    bool started;
};

static void *call_run(void *arg)
{
    struct caller *c = arg;
    const int64_t last = c->append.first + c->append.count;
    c->append.count = 1;
    for (; c->append.first < last && !c->err; c->append.first++)
        c->err = db_transaction(c->append.log->db, &c->fail, append_tx, &c->append);
    return NULL;
}

static enum err call_all(struct append_log *log, struct fail *f, int64_t each)
{
    static struct caller callers[APPEND_CALLERS];
    enum err e = ERR_OK;
    for (int64_t i = 0; i < APPEND_CALLERS; i++) {
        callers[i] = (struct caller){.append = {log, i * each, each}};
        callers[i].started = pthread_create(&callers[i].thread, NULL, call_run, &callers[i]) == 0;
        if (!callers[i].started)
            e = fail_set(f, ERR_MEMORY, "thread", NULL);
    }
    for (size_t i = 0; i < APPEND_CALLERS; i++) {
        if (callers[i].started)
            pthread_join(callers[i].thread, NULL);
        if (!e && callers[i].err)
            e = fail_set(f, callers[i].err, "append", "%s", callers[i].fail.detail);
    }
    return e;
}

enum err append_waiting(struct append_log *log, struct fail *f, int64_t each, double *seconds)
{
    double start = bench_now();
    enum err e = call_all(log, f, each);
    *seconds = bench_now() - start;
    return e;
}
