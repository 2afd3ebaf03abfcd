/* SPDX-License-Identifier: Apache-2.0 */
/* A target: what is done with bytes that came from outside, and what must hold whatever they are. One file a
 * parser; the name of the file is the name of the target and of its corpus. Each runs under libFuzzer (clang)
 * and, over its corpus alone, in the unit suite, always on a thread with no more stack than a server's. */
#ifndef JUKI_TESTS_FUZZ_FUZZ_H
#define JUKI_TESTS_FUZZ_FUZZ_H

#include "base/str.h"

#include <assert.h>

/* The target. A property that does not hold is an assert. */
void fuzz_target(struct str in);

/* Takes the byte in front as a choice among `ways`; 0 when nothing is left. */
static inline unsigned fuzz_choose(struct str *in, unsigned ways)
{
    if (!in->n)
        return 0;
    unsigned choice = (unsigned char)in->p[0] % ways;
    *in = (struct str){in->p + 1, in->n - 1};
    return choice;
}

#endif
