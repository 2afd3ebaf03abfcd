/* SPDX-License-Identifier: Apache-2.0 */
/* A card in a reader: a stand-in for 個人番号カード, as far as 転入届の特例 needs one, until there are
 * readers.
 *
 * It is a file that behaves as a card does. The card alone decides whether a PIN is right; it counts wrong
 * ones on the disk before it answers, so that no pulled plug gives a try back, and after the third it is
 * locked for good. What is written on it comes out only after the right PIN. One reader holds it at a time.
 * What it cannot do: prove that nobody made it up (a real card signs), nor hide a four-digit PIN from who can
 * read the file and has patience. */
#ifndef JUKI_CARD_CARD_H
#define JUKI_CARD_CARD_H

#include "base/json.h"

enum { CARD_TRIES = 3 };
struct card_face { /* days as yyyy-mm-dd; all are the maker's words, which the reader's program checks */
    struct str resident_code, issued_on, valid_until, form, authenticity_code;
};

/* Makes a card, mode 0600. description:
 * {"resident_code","issued_on","valid_until","form"?,"authenticity_code"?,"pin"}; the PIN has four digits.
 * ERR_EXISTS, ERR_MALFORMED (field "pin"), ERR_IO ... */
MUST_CHECK enum err card_make(struct fail *f, const char *path, const struct json *description);

struct card;
/* Puts it into the reader. ERR_NOT_FOUND, ERR_CARD_FILE, ERR_BUSY (it is in another). */
MUST_CHECK enum err card_open(struct fail *f, const char *path, struct card **out);
/* How many wrong PINs it still takes; 0: it is locked. */
int card_tries_left(const struct card *c);
/* ERR_CARD_PIN, with how many tries are left in the detail; ERR_CARD_LOCKED, also for the last wrong one. The
 * right PIN gives all tries back. */
MUST_CHECK enum err card_verify_pin(struct card *c, struct fail *f, struct str pin);
/* What is on it; lies in the card. ERR_CARD_NEEDED before the right PIN. */
MUST_CHECK enum err card_read(const struct card *c, struct fail *f, struct card_face *out);
/* Takes it out; accepts NULL. */
void card_close(struct card *c);

#endif
