/* SPDX-License-Identifier: Apache-2.0 */
/* `juki check KIND VALUE`: is this value well formed, and what does it say? */
#ifndef JUKI_IDENTITY_CHECK_H
#define JUKI_IDENTITY_CHECK_H

#include "base/buf.h"

/* kind: resident-code, individual-number, area-code, date (ERR_NOT_FOUND for others). Appends one line (no
 * newline) in the language asked for; a person's number is masked. Errors are those of the kind's parser. */
MUST_CHECK enum err check_value(struct fail *f, enum fail_language language, struct str kind, struct str text,
                                struct buf *explanation);
/* The kinds, for help texts. */
const char *const *check_kinds(size_t *count);

#endif
