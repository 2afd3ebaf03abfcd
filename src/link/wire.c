/* SPDX-License-Identifier: Apache-2.0 */
/* What both ends of a connection do with frames. */
#include "link/core.h"

#include "base/clock.h"

enum err frame_send(struct fail *f, struct channel *c, uint16_t kind, uint64_t correlation, struct str json)
{
    const struct frame frame = {.kind = kind, .version = 1, .correlation = correlation, .payload = json};
    struct buf b;
    buf_init(&b, FRAME_PAYLOAD_MAX + FRAME_HEADER);
    if (json.n > FRAME_PAYLOAD_MAX)
        return fail_set(f, ERR_FRAME_SIZE, "length", NULL);
    frame_write(&b, &frame);
    enum err e = buf_check(&b, f, "frame");
    if (!e)
        e = channel_send(f, c, buf_str(&b));
    buf_release(&b);
    return e;
}

void notice_frames_add(struct buf *out, const struct frame *notices, size_t count, uint64_t correlation)
{
    for (size_t i = 0; i < count; i++) {
        struct frame frame = notices[i];
        frame.correlation = correlation;
        frame_write(out, &frame);
    }
}

enum err notice_frames_read(struct fail *f, struct channel *c, struct arena *a, const struct batch_header *h,
                            uint64_t correlation, struct frame **out)
{
    struct frame *frames = arena_alloc(a, sizeof *frames * (size_t)h->count);
    size_t bytes = 0;
    if (!frames)
        return fail_set(f, ERR_MEMORY, "batch", NULL);
    for (int64_t i = 0; i < h->count; i++) {
        enum err e = channel_read(f, c, a, &frames[i]);
        if (e)
            return e;
        bytes += frames[i].payload.n;
        if (frames[i].kind >= FRAME_PROTOCOL_KINDS)
            return fail_set(f, ERR_FRAME_UNEXPECTED, "kind", "%u inside a batch", frames[i].kind);
        if (frames[i].correlation != correlation)
            return fail_set(f, ERR_FRAME, "correlation", NULL);
        if (bytes > BATCH_BYTES_MAX)
            return fail_set(f, ERR_LIMIT, "batch", "%d bytes at most", BATCH_BYTES_MAX);
    }
    *out = frames;
    return ERR_OK;
}

struct operation {
    struct link *l;
    struct str what, detail;
};

static enum err operation_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct operation *o = arg;
    uint64_t index;
    return ledger_append(o->l->config.ledger, tx, f, LEDGER_OPERATION, o->what, o->detail, &index);
}

enum err operation_log(struct link *l, struct fail *f, struct str what, struct str detail)
{
    struct operation o = {l, what, detail};
    return db_transaction(l->config.db, f, operation_tx, &o);
}
