/* SPDX-License-Identifier: Apache-2.0 */
/* Randomness: the kernel's, for secrets and salts; and a seeded generator for tests and invented people. */
#ifndef JUKI_BASE_RANDOM_H
#define JUKI_BASE_RANDOM_H

#include "base/attr.h"

/* Unpredictable bytes from getrandom(2), buffered per thread (salts are drawn by the hundred thousand). */
void random_bytes(void *out, size_t n);
/* Uniform in [0, bound), unpredictable; bound > 0. */
uint64_t random_below(uint64_t bound);

/* Reproducible sequence (SplitMix64): the same seed gives the same numbers everywhere. Never for secrets. */
struct random_seeded {
    uint64_t state;
};
uint64_t random_seeded_next(struct random_seeded *r);
uint64_t random_seeded_below(struct random_seeded *r, uint64_t bound);

#endif
