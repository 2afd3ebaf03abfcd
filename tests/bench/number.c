/* SPDX-License-Identifier: Apache-2.0 */
/* How fast Individual Numbers come into being.
 *
 * ff1_per_s: the permutation alone, as number_generate calls it (eleven digits, tweak "individual_number").
 * Its baseline is AES-256 of Nettle on single blocks, each the last one's result, as FF1's rounds must call
 * it. One number takes 12 of them (two for the fixed beginning, ten rounds), so that 1/12 = 0.083 would be no
 * cost but AES.
 *
 * per_s: number_generate, as the agency answers requests of a CS: was this request answered before, does the
 * person have a number, does anybody have the candidate from elsewhere; then number and answer are kept.
 * 1,000 requests a transaction, of one CS each. Before, as many persons as --size says have been given theirs
 * by this agency, and the notices that name the numbers have come: answers and episodes stand in its tables,
 * written by the statements of the agency itself, in the order of their keys and without a flush, so that
 * preparing takes a minute; new codes fall between them, scattered as FF1 scatters them. prepare_s says how
 * long it took. (The versions of those persons are left out: no new number makes the agency read them.) So
 * are the numbers of one round named before the next, outside the time.
 *
 * beside_loaded_per_s: the same when as many persons came with numbers from elsewhere, so that each number
 * has a row in which the agency must look.
 *
 * Baseline of both: a bare loop that keeps number, code and request in one row keyed by the number, scattered
 * too, in a table that holds as many rows before. */
#include "bench.h"

#include "bare.h"
#include "flow/flow_number_sql.h"
#include "flow/flow_wiring.h"
#include "flow/number/number.h"
#include "flow/number/number_state.h"
#include "store/store_sql.h"

#include <nettle/aes.h>

enum { ROW_FF1, ROW_NUMBER, ROW_LOADED, ROW_PREPARE };
static const struct bench_row rows[] = {
    [ROW_FF1] = {"number.ff1_per_s", "numbers/s", GOAL_VALUE_LEAST, 300000, "AES-256 blocks/s of Nettle"},
    [ROW_NUMBER] = {"number.per_s", "numbers/s", GOAL_VALUE_LEAST, 50000, "plain rows, bare SQLite"},
    [ROW_LOADED] = {"number.beside_loaded_per_s", "numbers/s", GOAL_NONE, 0, "plain rows, bare SQLite"},
    [ROW_PREPARE] = {"number.prepare_s", "s", GOAL_NONE, 0, ""},
};

enum { DIGITS = 11, KEY_SIZE = 32, PER_COMMIT = 1000, PREPARED_PER_COMMIT = 1000000, REQUEST_SIZE = 48 };
enum { CODE_BITS = 33, NUMBER_BITS = 36 }; /* the most below 10^10 and 10^11 */
enum { FF1_MOST = 500000, NEW_MOST = 50000, FIRST_REQUEST = 1000000 };
static const char key[] = "a key that keeps nobody's numbers";

struct measured {
    const struct bench *bench;
    struct arena arena;
    int64_t count;                        /* of what is measured now, a round */
    int64_t given;                        /* before */
    int64_t done, done_bare;              /* numbers since, of earlier rounds */
    const struct area_row *offices[2000]; /* who runs a CS, ascending */
    size_t office_count;
    struct ff1 *ff1;
    struct flow flow; /* of the agency measured now, which runs on through all rounds */
    uint8_t seen;     /* so that the compiler cannot leave the work out */
};

static int64_t at_most(int64_t size, int64_t most)
{
    return size < most ? size : most;
}

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

/* ---- persons, numbers, requests */

static int64_t code_step(const struct measured *m)
{
    return (RESIDENT_CODE_PAYLOAD_MAX + 1) / m->given;
}

/* Of person i that has a number: ascending. */
static struct resident_code given_code(const struct measured *m, int64_t i)
{
    return resident_code_from_payload(i * code_step(m));
}

static struct individual_number given_number(const struct measured *m, int64_t i)
{
    int64_t step = 100000000000 / m->given;
    return individual_number_from_payload(i * step + i * 7919 % step);
}

/* Turns 0, 1, 2 ... into all values of so many bits, each once, in no order that a page could profit from. */
static int64_t scatter(int64_t i, int bits)
{
    const uint64_t mask = (UINT64_C(1) << bits) - 1;
    uint64_t x = (uint64_t)i + 1;
    for (int round = 0; round < 3; round++) {
        x = x * UINT64_C(0x9e3779b97f4a7c15) & mask;
        x ^= x >> (bits / 2);
    }
    return (int64_t)x;
}

/* Of the i-th person who asks: between those, all over them, each once. */
static struct resident_code new_code(const struct measured *m, int64_t i)
{
    int64_t between = code_step(m) - 1, x = scatter(i, CODE_BITS);
    return resident_code_from_payload(x / between * (between + 1) + 1 + x % between);
}

static struct individual_number new_bare_number(int64_t i)
{
    return individual_number_from_payload(scatter(i, NUMBER_BITS));
}

static struct str request_of(const struct measured *m, size_t office, int64_t sequence,
                             char out[static REQUEST_SIZE])
{
    int n = snprintf(out, REQUEST_SIZE, "cs.%06d/agency/%lld", (int)m->offices[office]->code.value,
                     (long long)(FIRST_REQUEST + sequence));
    return (struct str){out, (size_t)n};
}

/* Requests of the offices, ascending by office and sequence, as text too. */
static struct str given_request(const struct measured *m, int64_t i, char out[static REQUEST_SIZE])
{
    int64_t each = m->given / (int64_t)m->office_count + 1;
    return request_of(m, (size_t)(i / each), i % each, out);
}

static struct str new_request(const struct measured *m, int64_t i, char out[static REQUEST_SIZE])
{
    return request_of(m, (size_t)(i / PER_COMMIT * 7) % m->office_count, m->given + i, out);
}

static void find_offices(struct measured *m)
{
    size_t count;
    const struct area_row *all = area_rows(&count);
    for (size_t i = 0; i < count && m->office_count < COUNT_OF(m->offices); i++)
        if (all[i].runs_cs)
            m->offices[m->office_count++] = &all[i];
}

/* ---- what was given before */

struct filling {
    struct measured *m;
    char request[REQUEST_SIZE];
};

static void fill_issued(void *arg, int64_t i, struct db_value *v)
{
    const struct filling *a = arg;
    v[0] = db_int(given_number(a->m, i).value);
    v[1] = db_int(given_code(a->m, i).value);
    v[2] = db_int(NUMBER_IN_USE);
    v[3] = db_int(GENERATION_ELSEWHERE);
}

static void fill_answer(void *arg, int64_t i, struct db_value *v)
{
    struct filling *a = arg;
    v[0] = db_text(given_request(a->m, i, a->request));
    v[1] = db_int(given_number(a->m, i).value);
    v[2] = db_int(1795338000000000 + i);
}

static void fill_episode(void *arg, int64_t i, struct db_value *v)
{
    const struct filling *a = arg;
    v[0] = db_int(given_code(a->m, i).value);
    v[1] = db_int(a->m->offices[(size_t)i % a->m->office_count]->code.value);
    v[2] = db_int(i + 1);
    v[3] = db_int(1);
    v[4] = db_int(STORE_CURRENT);
    v[5] = db_int(20261120);
}

static void fill_bare(void *arg, int64_t i, struct db_value *v)
{
    struct filling *a = arg;
    v[0] = db_int(given_number(a->m, i).value);
    v[1] = db_int(given_code(a->m, i).value);
    v[2] = db_text(given_request(a->m, i, a->request));
    v[3] = db_int(i);
}

static const char create_bare[] =
    "CREATE TABLE number (number INTEGER PRIMARY KEY, code INTEGER, request TEXT, time INTEGER) STRICT";
static const char insert_bare[] = "INSERT INTO number VALUES ($1, $2, $3, $4)";
static const char agency_file[] = "agency.db", loaded_file[] = "loaded.db", bare_file[] = "bare.db";

static const struct db_module *const modules[] = {&store_module, &flow_number_module};

static enum err make_tables(struct measured *m, struct fail *f, const char *file)
{
    struct db *db = NULL;
    enum err e = db_open(f, bench_path(m->bench, &m->arena, file), modules, COUNT_OF(modules), &db);
    db_close(db);
    return e;
}

static enum err prepare(struct measured *m, struct fail *f)
{
    const struct {
        const char *file, *create, *insert;
        size_t columns;
        void (*fill)(void *arg, int64_t row, struct db_value *values);
    } tables[] = {
        {loaded_file, NULL, sql_flow_number_issued_add.sqlite, 4, fill_issued},
        {loaded_file, NULL, sql_store_episode_put.sqlite, 6, fill_episode},
        {agency_file, NULL, sql_flow_number_answer_add.sqlite, 3, fill_answer},
        {agency_file, NULL, sql_store_episode_put.sqlite, 6, fill_episode},
        {bare_file, create_bare, insert_bare, 4, fill_bare},
    };
    struct filling filling = {.m = m};
    enum err e = make_tables(m, f, agency_file);
    if (!e)
        e = make_tables(m, f, loaded_file);
    for (size_t i = 0; i < COUNT_OF(tables) && !e; i++) {
        double seconds;
        const struct bare_table t = {.create = tables[i].create,
                                     .insert = tables[i].insert,
                                     .columns = tables[i].columns,
                                     .rows = m->given,
                                     .per_commit = PREPARED_PER_COMMIT,
                                     .fill = tables[i].fill,
                                     .arg = &filling,
                                     .kept = true,
                                     .unflushed = true};
        e = bare_sqlite(f, bench_path(m->bench, &m->arena, tables[i].file), &t, &seconds);
    }
    return e;
}

/* ---- new numbers */

struct group {
    struct measured *m;
    int64_t first, count;
};

static enum err generate_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct group *g = arg;
    struct individual_number number;
    char request[REQUEST_SIZE];
    enum err e = ERR_OK;
    for (int64_t i = g->first; i < g->first + g->count && !e; i++)
        e = number_generate(&g->m->flow, tx, f, new_code(g->m, i), NUMBER_NEW, new_request(g->m, i, request),
                            &number);
    return e;
}

/* The notices that name the numbers come. */
static enum err name_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct group *g = arg;
    const int64_t area = g->m->offices[0]->code.value;
    enum err e = ERR_OK;
    for (int64_t i = g->first; i < g->first + g->count && !e; i++) {
        const struct db_value code = db_int(new_code(g->m, i).value);
        e = db_exec(tx, f, &sql_flow_number_awaited_remove, DB(code), NULL);
        if (!e)
            e = db_exec(tx, f, &sql_store_episode_put,
                        DB(code, db_int(area), db_int(g->m->given + i), db_int(1), db_int(STORE_CURRENT),
                           db_int(20261120)),
                        NULL);
    }
    return e;
}

static enum err by_groups(struct measured *m, struct fail *f, db_fn work)
{
    enum err e = ERR_OK;
    for (int64_t at = 0; at < m->count && !e; at += PER_COMMIT) {
        struct group g = {m, m->done + at, at_most(m->count - at, PER_COMMIT)};
        e = db_transaction(m->flow.db, f, work, &g);
    }
    return e;
}

static enum err generate_all(void *arg, struct fail *f, double *seconds)
{
    struct measured *m = arg;
    double start = bench_now();
    enum err e = by_groups(m, f, generate_tx);
    *seconds = bench_now() - start;
    if (!e)
        e = by_groups(m, f, name_tx);
    m->done += m->count;
    return e;
}

static void fill_new(void *arg, int64_t row, struct db_value *v)
{
    struct filling *a = arg;
    int64_t i = a->m->done_bare + row;
    v[0] = db_int(new_bare_number(i).value);
    v[1] = db_int(new_code(a->m, i).value);
    v[2] = db_text(new_request(a->m, i, a->request));
    v[3] = db_int(i);
}

static enum err keep_all(void *arg, struct fail *f, double *seconds)
{
    struct measured *m = arg;
    struct filling filling = {.m = m};
    const struct bare_table t = {.insert = "INSERT OR IGNORE INTO number VALUES ($1, $2, $3, $4)",
                                 .columns = 4,
                                 .rows = m->count,
                                 .per_commit = PER_COMMIT,
                                 .fill = fill_new,
                                 .arg = &filling,
                                 .kept = true};
    enum err e = bare_sqlite(f, bench_path(m->bench, &m->arena, bare_file), &t, seconds);
    m->done_bare += m->count;
    return e;
}

static enum err show(struct bench *b, struct fail *f, struct measured *m, size_t row, bench_work work,
                     bench_work baseline)
{
    struct bench_turns t;
    enum err e = bench_in_turn(f, work, baseline, m, &t);
    if (!e)
        bench_rate(b, row, &t, m->count);
    return e;
}

static enum err show_agency(struct bench *b, struct fail *f, struct measured *m, size_t row, const char *file)
{
    m->flow = (struct flow){.number_key = m->ff1};
    enum err e = db_open(f, bench_path(b, &m->arena, file), modules, COUNT_OF(modules), &m->flow.db);
    if (!e)
        e = show(b, f, m, row, generate_all, keep_all);
    db_close(m->flow.db);
    return e;
}

static enum err run(struct bench *b, struct fail *f)
{
    struct measured m = {.bench = b, .count = at_most(b->size, FF1_MOST), .given = b->size};
    arena_init(&m.arena, 64 * 1024);
    find_offices(&m);
    enum err e = ff1_new(f, (struct str){key, KEY_SIZE}, &m.ff1);
    if (!e)
        e = show(b, f, &m, ROW_FF1, encrypt_all, aes_all);
    double start = bench_now();
    if (!e)
        e = prepare(&m, f);
    double prepared = bench_now() - start;
    m.count = at_most(b->size, NEW_MOST);
    if (!e)
        e = show_agency(b, f, &m, ROW_NUMBER, agency_file);
    if (!e)
        e = show_agency(b, f, &m, ROW_LOADED, loaded_file);
    if (!e)
        bench_figure(b, ROW_PREPARE, prepared, 0);
    ff1_free(m.ff1);
    arena_release(&m.arena);
    return e;
}

const struct bench_group bench_number = {
    "number", "numbers that were given before", 10000000, rows, COUNT_OF(rows), run, false};
