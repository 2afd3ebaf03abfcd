/* SPDX-License-Identifier: Apache-2.0 */
/* The permutation is FF1 (NIST SP 800-38G) over the ten or eleven payload digits, under a key made from the
 * seed. */
#include "simulate/unique.h"

#include "keys/ff1.h"

#include "base/sha256.h"

struct unique {
    struct ff1 *ff1;
};

enum err unique_new(struct fail *f, uint64_t seed, struct unique **out)
{
    char text[64];
    int n = snprintf(text, sizeof text, "juki simulated people %llu", (unsigned long long)seed);
    struct sha256 key = sha256_of((struct str){text, (size_t)n});
    struct unique *u = memory_new(sizeof *u);
    if (!u)
        return fail_set(f, ERR_MEMORY, NULL, "codes of the simulation");
    enum err err = ff1_new(f, (struct str){(const char *)key.bytes, 16}, &u->ff1);
    if (err)
        unique_free(u);
    else
        *out = u;
    return err;
}

void unique_free(struct unique *u)
{
    if (!u)
        return;
    ff1_free(u->ff1);
    memory_free(u);
}

static int64_t permute(const struct unique *u, struct str tweak, size_t digits, size_t area_row,
                       uint32_t ordinal)
{
    uint8_t digit[16] = {0};
    assert(ordinal < UNIQUE_BLOCK && area_row < 2000);
    int64_t value = (int64_t)area_row * UNIQUE_BLOCK + ordinal;
    for (size_t i = digits; i-- > 0; value /= 10)
        digit[i] = (uint8_t)(value % 10);
    enum err err = ff1_encrypt(NULL, u->ff1, tweak, digit, digits, digit);
    assert(!err); /* lengths and digits are ours */
    for (size_t i = 0; i < digits; i++)
        value = value * 10 + digit[i];
    return value;
}

struct resident_code unique_code(const struct unique *u, size_t area_row, uint32_t ordinal)
{
    return resident_code_from_payload(permute(u, STR("code"), RESIDENT_CODE_DIGITS - 1, area_row, ordinal));
}

struct individual_number unique_number(const struct unique *u, size_t area_row, uint32_t ordinal)
{
    return individual_number_from_payload(
        permute(u, STR("number"), INDIVIDUAL_NUMBER_DIGITS - 1, area_row, ordinal));
}
