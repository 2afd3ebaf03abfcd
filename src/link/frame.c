/* SPDX-License-Identifier: Apache-2.0 */
#include "link/frame.h"

void frame_write(struct buf *out, const struct frame *frame)
{
    assert(frame->payload.n <= FRAME_PAYLOAD_MAX);
    buf_add_u32(out, (uint32_t)frame->payload.n);
    buf_add_u16(out, frame->kind);
    buf_add_u16(out, frame->version);
    buf_add_u64(out, frame->correlation);
    buf_add_str(out, frame->payload);
}

static uint64_t big_endian(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

enum err frame_read_header(struct fail *f, const uint8_t header[static FRAME_HEADER], struct frame *out,
                           uint32_t *length)
{
    uint32_t n = (uint32_t)big_endian(header, 4);
    uint16_t kind = (uint16_t)big_endian(header + 4, 2);
    if (n > FRAME_PAYLOAD_MAX)
        return fail_set(f, ERR_FRAME_SIZE, "length", "%u bytes", n);
    if (kind == 0)
        return fail_set(f, ERR_FRAME, "kind", NULL);
    *out = (struct frame){.kind = kind, .version = (uint16_t)big_endian(header + 6, 2),
                          .correlation = big_endian(header + 8, 8)};
    *length = n;
    return ERR_OK;
}
