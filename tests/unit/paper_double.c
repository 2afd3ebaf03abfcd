/* SPDX-License-Identifier: Apache-2.0 */
/* A worker that fails in the way its --seal says; a few bytes stand for its PDF. For tests/unit/print.c. */
#include "print/paper_wire.h"

#include <signal.h>
#include <unistd.h>

struct double_state {
    const char *mode;
    struct buf order, answer, pdf, last; /* last: the answer before */
    unsigned long served;
};

static bool is(const struct double_state *d, const char *mode)
{
    return strcmp(d->mode, mode) == 0;
}

static void say(struct str bytes)
{
    if (paper_send(NULL, STDIN_FILENO, bytes, INT64_MAX))
        _exit(1);
}

/* What the order asks for: the content's mark, and the content to be looked for. */
static void fill(struct double_state *d, const struct paper_order *order, struct paper_answer *a)
{
    char mark[PAPER_MARK_SIZE];
    memcpy(a->id, order->id, sizeof a->id);
    a->content = sha256_of(order->json);
    a->pages = 1;
    buf_add_format(&d->pdf, "%%PDF-1.5 %s %.*s", paper_mark(a->content, mark), STR_ARG(order->json));
    a->pdf = buf_str(&d->pdf);
}

static void spoil(struct double_state *d, struct paper_answer *a)
{
    if (is(d, "other-id"))
        a->id[7] ^= 1;
    if (is(d, "other-content"))
        a->content.bytes[31] ^= 1;
    if (is(d, "other-pdf")) /* id and hash are right, the paper is another's */
        a->pdf = STR(
            "%PDF-1.5 juki-paper-sha256:0000000000000000000000000000000000000000000000000000000000000000");
    if (is(d, "no-pdf"))
        a->pdf = STR("");
    if (is(d, "refuse"))
        fail_set(&a->fail, ERR_PAPER_GLYPH, "persons.1.name", "U+AC00 氏名（1人目）");
    if (is(d, "strange-error"))
        a->fail.err = (enum err)77777;
    if (is(d, "long-error"))
        memset(a->fail.detail, 'x', sizeof a->fail.detail - 1);
}

/* Says the answer, or something else. */
static void speak(struct double_state *d)
{
    struct str whole = buf_str(&d->answer);
    if (is(d, "hang"))
        for (;;)
            pause();
    if (is(d, "die"))
        raise(SIGKILL);
    if (is(d, "half")) {
        say((struct str){whole.p, whole.n / 2});
        raise(SIGKILL);
    }
    if (is(d, "stall")) {
        say((struct str){whole.p, whole.n / 2});
        for (;;)
            pause();
    }
    if (is(d, "garbage"))
        whole = STR("\0\0\0\7garbage");
    if (is(d, "huge"))
        whole = STR("\xff\xff\xff\xff");
    if (is(d, "empty"))
        whole = STR("\0\0\0\0");
    if (is(d, "late") && d->served++ > 0) { /* always the answer of the order before */
        say(buf_str(&d->last));
        return;
    }
    say(whole);
    if (is(d, "twice") || is(d, "late"))
        say(whole);
}

static void serve(struct double_state *d)
{
    struct paper_order order;
    struct paper_answer a = {.pages = 0};
    buf_clear(&d->pdf);
    buf_clear(&d->answer);
    if (paper_receive(NULL, STDIN_FILENO, PAPER_ORDER_MAX, INT64_MAX, &d->order) ||
        paper_order_read(NULL, buf_str(&d->order), &order))
        _exit(0);
    fill(d, &order, &a);
    spoil(d, &a);
    paper_answer_write(&a, &d->answer);
    speak(d);
    buf_clear(&d->last);
    buf_add_str(&d->last, buf_str(&d->answer));
}

int main(int argc, char **argv)
{
    struct double_state d = {.mode = argc > 2 ? argv[2] : "honest"};
    buf_init(&d.order, PAPER_ORDER_MAX);
    buf_init(&d.answer, PAPER_ANSWER_MAX + 4);
    buf_init(&d.pdf, PAPER_PDF_MAX);
    buf_init(&d.last, PAPER_ANSWER_MAX + 4);
    if (is(&d, "unasked"))
        say(STR("\0\0\0\4here"));
    if (is(&d, "gone"))
        return 0;
    for (;;)
        serve(&d);
}
