/* SPDX-License-Identifier: Apache-2.0 */
/* The content of a paper: what is taken, written and read again, is the same paper; what is refused leaves
 * nothing. */
#include "fuzz.h"

#include "print/paper.h"

enum { MEMORY = 8 << 20 };

void fuzz_target(struct str in)
{
    struct paper paper = {PAPER_FORMS, NULL}, again;
    struct fail f = {0};
    struct arena a;
    struct buf once, twice;
    arena_init(&a, MEMORY);
    buf_init(&once, 4 * PAPER_JSON_MAX);
    buf_init(&twice, 4 * PAPER_JSON_MAX);
    enum err e = paper_read(&f, in, &a, &paper);
    assert(!e == !f.err && !e == (paper.content != NULL));
    assert(!utf8_check(NULL, "field", str_of(f.field)) && !utf8_check(NULL, "detail", str_of(f.detail)));
    if (!e) {
        paper_write(&paper, &once);
        assert(!once.broken && !paper_read(NULL, buf_str(&once), &a, &again));
        paper_write(&again, &twice);
        assert(str_equal(buf_str(&once), buf_str(&twice)));
    }
    buf_release(&once);
    buf_release(&twice);
    arena_release(&a);
}
