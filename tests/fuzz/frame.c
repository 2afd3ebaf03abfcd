/* SPDX-License-Identifier: Apache-2.0 */
/* Frames as they stand in a connection: read one after the other, each written again is what it was. */
#include "fuzz.h"

#include "link/frame.h"

void fuzz_target(struct str in)
{
    while (in.n >= FRAME_HEADER) {
        uint8_t header[FRAME_HEADER];
        struct frame frame;
        struct fail f = {0};
        uint32_t length = 0;
        struct buf again;
        memcpy(header, in.p, sizeof header);
        if (frame_read_header(&f, header, &frame, &length)) {
            assert(f.err == ERR_FRAME_SIZE || f.err == ERR_FRAME);
            assert(length == 0);
            return;
        }
        assert(length <= FRAME_PAYLOAD_MAX && frame.kind != 0);
        in = (struct str){in.p + FRAME_HEADER, in.n - FRAME_HEADER};
        if (length > in.n)
            return;
        frame.payload = (struct str){in.p, length};
        buf_init(&again, FRAME_HEADER + FRAME_PAYLOAD_MAX);
        frame_write(&again, &frame);
        assert(again.n == FRAME_HEADER + length && memcmp(again.p, header, sizeof header) == 0);
        buf_release(&again);
        in = (struct str){in.p + length, in.n - length};
    }
}
