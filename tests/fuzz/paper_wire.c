/* SPDX-License-Identifier: Apache-2.0 */
/* Between a program and its worker: an order or an answer that is taken, written again, is the same bytes. */
#include "fuzz.h"

#include "print/paper_wire.h"

enum { LENGTH = 4 };

static void look(struct str frame, const struct buf *again)
{
    assert(!again->broken && again->n == frame.n + LENGTH);
    assert(str_equal((struct str){again->p + LENGTH, frame.n}, frame));
}

void fuzz_target(struct str in)
{
    struct paper_order order;
    struct paper_answer answer;
    struct buf again;
    bool is_order = fuzz_choose(&in, 2) == 0;
    buf_init(&again, 2 * PAPER_ORDER_MAX);
    if (is_order && !paper_order_read(NULL, in, &order)) {
        paper_order_write(&order, &again);
        look(in, &again);
    }
    if (!is_order && !paper_answer_read(NULL, in, &answer)) {
        assert(strcmp(err_row(answer.fail.err)->name, "UNKNOWN") != 0);
        paper_answer_write(&answer, &again);
        look(in, &again);
    }
    buf_release(&again);
}
