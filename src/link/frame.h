/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: 16 bytes of header, then the payload.
 *
 *     0  u32  payload length, 0 .. 1 MiB        all numbers big-endian
 *     4  u16  kind (link/kind.def)
 *     6  u16  version of the kind
 *     8  u64  correlation: chosen by the dialler, repeated in the answer
 *
 * A notice frame's kind is below 1000 and its payload is the notice's bytes; a protocol frame's payload is one JSON
 * object. A frame with a larger length is refused before a byte of its payload is read. */
#ifndef JUKI_LINK_FRAME_H
#define JUKI_LINK_FRAME_H

#include "base/buf.h"

enum { FRAME_HEADER = 16, FRAME_PAYLOAD_MAX = 1024 * 1024, FRAME_PROTOCOL_KINDS = 1000 };

struct frame {
    uint16_t kind, version;
    uint64_t correlation;
    struct str payload;
};
void frame_write(struct buf *out, const struct frame *frame);
/* The header's fields; *length gets the payload's length. ERR_FRAME_SIZE, ERR_FRAME (kind 0). */
MUST_CHECK enum err frame_read_header(struct fail *f, const uint8_t header[static FRAME_HEADER], struct frame *out,
                                      uint32_t *length);

#endif
