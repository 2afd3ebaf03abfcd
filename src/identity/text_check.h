/* SPDX-License-Identifier: Apache-2.0 */
/* What free text of a record may hold: nothing invisible, nothing that is another character elsewhere. */
#ifndef JUKI_IDENTITY_TEXT_CHECK_H
#define JUKI_IDENTITY_TEXT_CHECK_H

#include "base/str.h"

/* At most `points` code points (variation selectors count); no control, invisible, bidirectional, private-use
 * or undefined characters; no space (half-width or full-width) at either end. Empty text passes. text has
 * passed utf8_check. ERR_TEXT_LONG, ERR_TEXT_CHARACTER, ERR_TEXT_SPACE; field is put into *f. */
MUST_CHECK enum err text_check(struct fail *f, const char *field, struct str text, size_t points);
bool text_is_space(uint32_t point); /* U+0020, U+3000 */

#endif
