/* SPDX-License-Identifier: Apache-2.0 */
#include "print/paper_wire.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

enum { LENGTH_SIZE = 4 };

/* ---- frames */

/* Puts the length in front of what was written since `start`, where its place was left. */
static void close_frame(struct buf *out, size_t start)
{
    if (out->broken)
        return;
    size_t n = out->n - start - LENGTH_SIZE;
    for (int i = 0; i < LENGTH_SIZE; i++)
        out->p[start + (size_t)i] = (char)(n >> (24 - 8 * i) & 0xff);
}

void paper_order_write(const struct paper_order *order, struct buf *out)
{
    size_t start = out->n;
    buf_add_u32(out, 0);
    buf_add(out, order->id, sizeof order->id);
    buf_add(out, order->content.bytes, sizeof order->content.bytes);
    buf_add_u64(out, (uint64_t)order->created);
    buf_add_str(out, order->json);
    close_frame(out, start);
}

static void add_short(struct buf *out, const char *text)
{
    size_t n = strlen(text);
    buf_add_u16(out, (uint16_t)n);
    buf_add(out, text, n);
}

void paper_answer_write(const struct paper_answer *answer, struct buf *out)
{
    size_t start = out->n;
    buf_add_u32(out, 0);
    buf_add(out, answer->id, sizeof answer->id);
    buf_add(out, answer->content.bytes, sizeof answer->content.bytes);
    buf_add_u32(out, (uint32_t)answer->fail.err);
    buf_add_u32(out, answer->pages);
    add_short(out, answer->fail.field);
    add_short(out, answer->fail.detail);
    buf_add_str(out, answer->pdf);
    close_frame(out, start);
}

/* Takes n bytes off the front; false when there are fewer. */
static bool take(struct str *rest, void *out, size_t n)
{
    if (rest->n < n)
        return false;
    memcpy(out, rest->p, n);
    *rest = (struct str){rest->p + n, rest->n - n};
    return true;
}

static bool take_number(struct str *rest, size_t bytes, uint64_t *out)
{
    uint8_t digits[8];
    assert(bytes <= sizeof digits);
    if (!take(rest, digits, bytes))
        return false;
    *out = 0;
    for (size_t i = 0; i < bytes; i++)
        *out = *out << 8 | digits[i];
    return true;
}

static bool take_short(struct str *rest, char *out, size_t size)
{
    uint64_t n;
    if (!take_number(rest, 2, &n) || n >= size || memchr(rest->p, 0, n < rest->n ? n : rest->n))
        return false;
    memset(out, 0, size);
    return take(rest, out, n) && !utf8_check(NULL, NULL, str_of(out));
}

enum err paper_order_read(struct fail *f, struct str frame, struct paper_order *out)
{
    struct paper_order order = {.created = 0};
    uint64_t created = 0;
    if (!take(&frame, order.id, sizeof order.id) ||
        !take(&frame, order.content.bytes, sizeof order.content.bytes) || !take_number(&frame, 8, &created))
        return fail_set(f, ERR_FRAME, "order", NULL);
    order.created = (int64_t)created;
    order.json = frame;
    *out = order;
    return ERR_OK;
}

enum err paper_answer_read(struct fail *f, struct str frame, struct paper_answer *out)
{
    struct paper_answer answer = {.pages = 0};
    uint64_t err = 0, pages = 0;
    bool whole = take(&frame, answer.id, sizeof answer.id) &&
                 take(&frame, answer.content.bytes, sizeof answer.content.bytes) &&
                 take_number(&frame, 4, &err) && take_number(&frame, 4, &pages) &&
                 take_short(&frame, answer.fail.field, sizeof answer.fail.field) &&
                 take_short(&frame, answer.fail.detail, sizeof answer.fail.detail);
    if (!whole || err > INT32_MAX || strcmp(err_row((enum err)err)->name, "UNKNOWN") == 0)
        return fail_set(f, ERR_FRAME, "answer", NULL);
    answer.fail.err = (enum err)err;
    answer.pages = (uint32_t)pages;
    answer.pdf = frame;
    *out = answer;
    return ERR_OK;
}

/* ---- the socket */

/* Until the socket is ready. */
static enum err await(struct fail *f, int fd, short events, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline == INT64_MAX ? INT64_MAX : deadline - clock_steady();
        struct pollfd p = {.fd = fd, .events = events};
        if (left <= 0)
            return fail_set(f, ERR_PAPER_TIME, NULL, NULL);
        int millis = left == INT64_MAX ? -1 : left > 3600000000 ? 3600000 : (int)(left / 1000) + 1;
        int ready = poll(&p, 1, millis);
        if (ready > 0)
            return ERR_OK;
        if (ready < 0 && errno != EINTR)
            return fail_errno(f, ERR_PAPER_CRASH, "poll");
    }
}

enum err paper_send(struct fail *f, int fd, struct str frame, int64_t deadline)
{
    while (frame.n) {
        enum err e = await(f, fd, POLLOUT, deadline);
        if (e)
            return e;
        ssize_t n = send(fd, frame.p, frame.n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return fail_errno(f, ERR_PAPER_CRASH, "send");
        if (n > 0)
            frame = (struct str){frame.p + n, frame.n - (size_t)n};
    }
    return ERR_OK;
}

static enum err receive_bytes(struct fail *f, int fd, int64_t deadline, char *p, size_t n)
{
    while (n) {
        enum err e = await(f, fd, POLLIN, deadline);
        if (e)
            return e;
        ssize_t got = recv(fd, p, n, MSG_DONTWAIT);
        if (got == 0)
            return fail_set(f, ERR_PAPER_CRASH, NULL, NULL);
        if (got < 0 && errno != EINTR && errno != EAGAIN)
            return fail_errno(f, ERR_PAPER_CRASH, "recv");
        if (got > 0) {
            p += got;
            n -= (size_t)got;
        }
    }
    return ERR_OK;
}

enum err paper_receive(struct fail *f, int fd, size_t most, int64_t deadline, struct buf *out)
{
    char head[LENGTH_SIZE];
    uint64_t n = 0;
    enum err e = receive_bytes(f, fd, deadline, head, sizeof head);
    if (e)
        return e;
    struct str rest = {head, sizeof head};
    if (!take_number(&rest, LENGTH_SIZE, &n) || n > most)
        return fail_set(f, ERR_FRAME_SIZE, NULL, NULL);
    buf_clear(out);
    char *p = buf_reserve(out, n);
    if (!p)
        return buf_check(out, f, "frame");
    return receive_bytes(f, fd, deadline, p, n);
}

const char *paper_mark(struct sha256 content, char out[static PAPER_MARK_SIZE])
{
    int n = snprintf(out, PAPER_MARK_SIZE, "juki-paper-sha256:");
    for (size_t i = 0; i < sizeof content.bytes; i++)
        n += snprintf(out + n, (size_t)(PAPER_MARK_SIZE - n), "%02x", content.bytes[i]);
    return out;
}
