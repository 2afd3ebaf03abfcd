/* SPDX-License-Identifier: Apache-2.0 */
/* The telegram 837Y: one after the other; what is taken, written again, is the same bytes. */
#include "fuzz.h"

#include "door/telegram_837y.h"

void fuzz_target(struct str in)
{
    struct telegram_person persons[TELEGRAM_837Y_PERSONS];
    struct area_code area;
    size_t count = 0;
    struct buf again;
    struct str rest = in;
    buf_init(&again, 8192);
    while (rest.n) {
        struct str before = rest;
        if (telegram_837y_read(NULL, &rest, &area, persons, &count)) {
            assert(rest.p == before.p && rest.n == before.n);
            break;
        }
        assert(count >= 1 && count <= TELEGRAM_837Y_PERSONS && rest.n < before.n);
        buf_clear(&again);
        assert(!telegram_837y_write(NULL, area, persons, count, &again));
        assert(str_equal(buf_str(&again), (struct str){before.p, before.n - rest.n}));
    }
    buf_release(&again);
}
