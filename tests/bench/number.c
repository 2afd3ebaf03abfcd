/* SPDX-License-Identifier: Apache-2.0 */
/* How fast Individual Numbers come into being.
 *
 * ff1_per_s: the permutation alone, as number_generate calls it (eleven digits, tweak "individual_number").
 * Its baseline is AES-256 of Nettle on single blocks, each the last one's result, as FF1's rounds must call
 * it. One number takes 12 of them (two for the fixed beginning, ten rounds), so that 1/12 = 0.083 would be no
 * cost but AES. */
#include "bench.h"

#include "keys/ff1.h"

#include <nettle/aes.h>

enum { ROW_FF1 };
static const struct bench_row rows[] = {
    [ROW_FF1] = {"number.ff1_per_s", "numbers/s", GOAL_VALUE_LEAST, 210000, "AES-256 blocks/s of Nettle"},
};

enum { DIGITS = 11, KEY_SIZE = 32 };
static const char key[KEY_SIZE + 1] = "a key that guards nobody's number";

struct measured {
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

static enum err run(struct bench *b, struct fail *f)
{
    struct measured m = {.count = b->size};
    struct bench_turns t;
    enum err e = ff1_new(f, (struct str){key, KEY_SIZE}, &m.ff1);
    if (!e)
        e = bench_in_turn(f, encrypt_all, aes_all, &m, &t);
    if (!e)
        bench_figure(b, ROW_FF1, (double)m.count / t.work, (double)m.count / t.baseline);
    ff1_free(m.ff1);
    return e;
}

const struct bench_group bench_number = {"number", "numbers", 500000, rows, COUNT_OF(rows), run};
