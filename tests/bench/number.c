/* SPDX-License-Identifier: Apache-2.0 */
/* How fast Individual Numbers come into being.
 *
 * ff1_per_s: the permutation alone, as number_generate calls it (eleven digits, tweak "individual_number").
 * Its baseline is AES-256 of Nettle on single blocks, each the last one's result, as FF1's rounds must call
 * it. One number takes 12 of them (two for the fixed beginning, ten rounds), so that 1/12 = 0.083 would be no
 * cost but AES. The goal: numbers for the whole nation, 126 million, in ten minutes.
 *
 * per_s: number_generate, as the agency answers requests of a CS: was this request answered before, does the
 * person have a number, is the candidate free; then number and answer are kept. 1,000 requests a transaction.
 * Baseline: a bare loop that keeps number, code and request in one row keyed by the number. */
#include "bench.h"

#include "bare.h"
#include "flow/flow_wiring.h"
#include "flow/number/number.h"

#include <nettle/aes.h>
#include <unistd.h>

enum { ROW_FF1, ROW_NUMBER };
static const struct bench_row rows[] = {
    [ROW_FF1] = {"number.ff1_per_s", "numbers/s", GOAL_VALUE_LEAST, 210000, "AES-256 blocks/s of Nettle"},
    [ROW_NUMBER] = {"number.per_s", "numbers/s", GOAL_RATIO_LEAST, 0.2, "plain rows, bare SQLite"},
};

enum { DIGITS = 11, KEY_SIZE = 32, PER_COMMIT = 1000, GENERATED_PART = 10, REQUEST_SIZE = 48, COLUMNS = 4 };
static const char key[] = "a key that keeps nobody's numbers";

struct measured {
    const struct bench *bench;
    struct arena arena;
    int64_t count;
    struct ff1 *ff1;
    uint8_t seen; /* so that the compiler cannot leave the work out */
};

static void digits_of(int64_t value, uint8_t digits[static DIGITS])
{
    for (int i = DIGITS - 1; i >= 0; i--, value /= 10)
        digits[i] = (uint8_t)(value % 10);
}

static enum err encrypt_all(void *arg, struct fail *f, double *seconds)
{
    struct measured *m = arg;
    uint8_t digits[DIGITS];
    enum err e = ERR_OK;
    double start = bench_now();
    for (int64_t i = 0; i < m->count && !e; i++) {
        digits_of(i * 7919, digits);
        e = ff1_encrypt(f, m->ff1, STR("individual_number"), digits, DIGITS, digits);
        m->seen ^= digits[0];
    }
    *seconds = bench_now() - start;
    return e;
}

static enum err aes_all(void *arg, struct fail *f UNUSED, double *seconds)
{
    struct measured *m = arg;
    struct aes256_ctx aes;
    uint8_t block[AES_BLOCK_SIZE] = {0};
    aes256_set_encrypt_key(&aes, (const uint8_t *)key);
    double start = bench_now();
    for (int64_t i = 0; i < m->count; i++)
        aes256_encrypt(&aes, sizeof block, block, block);
    *seconds = bench_now() - start;
    m->seen ^= block[0];
    return ERR_OK;
}

/* ---- numbers that are kept */

/* Spread over all codes, each once: the factor has no divisor in common with 10^10. */
static struct resident_code code_of(int64_t i)
{
    return resident_code_from_payload((i + 1) * 7654321 % (RESIDENT_CODE_PAYLOAD_MAX + 1));
}

static struct str request_of(int64_t i, char out[static REQUEST_SIZE])
{
    int n = snprintf(out, REQUEST_SIZE, "cs.282049/agency/%lld", (long long)i);
    return (struct str){out, (size_t)n};
}

struct group {
    struct flow *flow;
    int64_t first, count;
};

static enum err generate_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct group *g = arg;
    struct individual_number number;
    char request[REQUEST_SIZE];
    enum err e = ERR_OK;
    for (int64_t i = g->first; i < g->first + g->count && !e; i++)
        e = number_generate(g->flow, tx, f, code_of(i), NUMBER_NEW, request_of(i, request), &number);
    return e;
}

static enum err generate_all(void *arg, struct fail *f, double *seconds)
{
    struct measured *m = arg;
    const struct db_module *const modules[] = {&store_module, &flow_number_module};
    struct flow flow = {.number_key = m->ff1};
    const char *path = bench_path(m->bench, &m->arena, "agency.db");
    unlink(path);
    enum err e = db_open(f, path, modules, COUNT_OF(modules), &flow.db);
    double start = bench_now();
    for (int64_t done = 0; done < m->count && !e; done += PER_COMMIT) {
        struct group g = {&flow, done, m->count - done < PER_COMMIT ? m->count - done : PER_COMMIT};
        e = db_transaction(flow.db, f, generate_tx, &g);
    }
    *seconds = bench_now() - start;
    db_close(flow.db);
    return e;
}

static void fill_number(void *arg, int64_t row, struct db_value *v)
{
    v[0] = db_int((row + 1) * 987654321 % 100000000000);
    v[1] = db_int(code_of(row).value);
    v[2] = db_text(request_of(row, arg));
    v[3] = db_int(row);
}

static enum err keep_all(void *arg, struct fail *f, double *seconds)
{
    struct measured *m = arg;
    char request[REQUEST_SIZE];
    const struct bare_table t = {
        "CREATE TABLE number (number INTEGER PRIMARY KEY, code INTEGER, request TEXT, time INTEGER) STRICT",
        "INSERT INTO number VALUES ($1, $2, $3, $4)",
        COLUMNS,
        m->count,
        PER_COMMIT,
        fill_number,
        request};
    return bare_sqlite(f, bench_path(m->bench, &m->arena, "bare.db"), &t, seconds);
}

static enum err show(struct bench *b, struct fail *f, struct measured *m, size_t row, bench_work work,
                     bench_work baseline)
{
    struct bench_turns t;
    enum err e = bench_in_turn(f, work, baseline, m, &t);
    if (!e)
        bench_figure(b, row, (double)m->count / t.work, (double)m->count / t.baseline);
    return e;
}

static enum err run(struct bench *b, struct fail *f)
{
    struct measured m = {.bench = b, .count = b->size};
    arena_init(&m.arena, 64 * 1024);
    enum err e = ff1_new(f, (struct str){key, KEY_SIZE}, &m.ff1);
    if (!e)
        e = show(b, f, &m, ROW_FF1, encrypt_all, aes_all);
    m.count = b->size / GENERATED_PART ? b->size / GENERATED_PART : 1;
    if (!e)
        e = show(b, f, &m, ROW_NUMBER, generate_all, keep_all);
    ff1_free(m.ff1);
    arena_release(&m.arena);
    return e;
}

const struct bench_group bench_number = {"number", "numbers", 500000, rows, COUNT_OF(rows), run};
