/* SPDX-License-Identifier: Apache-2.0 */
/* One line of a file of changes: what is taken is whole and can be put into a resident's row. */
#include "fuzz.h"

#include "register/change_event.h"

void fuzz_target(struct str in)
{
    struct change_event event = {.set = 0};
    struct resident_row row = {.record = {NULL, 0}};
    struct fail f = {0};
    struct arena a;
    if (in.n > CHANGE_LINE_MAX)
        return;
    arena_init(&a, 1 << 20);
    enum err e = change_event_parse(&f, 17, in, &a, &event);
    assert(!e == !f.err);
    if (!e) {
        assert(event.event.n && (event.record.n || event.has_resident_code));
        assert(date_real(event.date) && municipal_row(event.reason));
        for (int i = 0; i < RESIDENT_COLUMNS; i++)
            assert(!event.value.cell[i].n || !utf8_check(NULL, "cell", event.value.cell[i]));
        (void)!change_event_amend(NULL, &event, &row);
        (void)!resident_row_parse(NULL, &event.value, &row);
    }
    arena_release(&a);
}
