/* SPDX-License-Identifier: Apache-2.0 */
/* No parser: breaks on a word that its corpus does not hold, so that the test of the fuzzers can see that
 * they find something. */
#include "fuzz.h"

void fuzz_target(struct str in)
{
    assert(in.n < 4 || memcmp(in.p, "BIRD", 4) != 0);
}
