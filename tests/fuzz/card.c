/* SPDX-License-Identifier: Apache-2.0 */
/* A file that is put into the reader: what is no card is refused, and no card gives anything before its PIN.
 */
#include "fuzz.h"

#include "base/file.h"
#include "card/card.h"

#include <unistd.h>

void fuzz_target(struct str in)
{
    static char path[40];
    struct card_face face;
    struct card *card = NULL;
    struct fail f;
    if (!*path)
        snprintf(path, sizeof path, "/tmp/juki-fuzz-card-%d", (int)getpid());
    if (file_write(&f, path, in, 0600))
        return;
    if (!card_open(&f, path, &card)) {
        const int left = card_tries_left(card);
        assert(left >= 0 && left <= CARD_TRIES && card_read(card, &f, &face) == ERR_CARD_NEEDED);
        const enum err e = card_verify_pin(card, &f, STR("0000"));
        assert((e == ERR_OK) == (card_read(card, &f, &face) != ERR_CARD_NEEDED));
        assert(card_tries_left(card) == (e ? left ? left - 1 : 0 : CARD_TRIES));
        card_close(card);
    }
    unlink(path);
}
