/* SPDX-License-Identifier: Apache-2.0 */
/* Text that somebody else owns: a pointer and a length in bytes, not terminated.
 *
 * UTF-8 is checked once where bytes enter (utf8_check) and trusted after. Nothing here allocates. */
#ifndef JUKI_BASE_STR_H
#define JUKI_BASE_STR_H

#include "base/err.h"

#include <string.h>

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_ARG(s) (int)(s).n, (s).p /* for "%.*s" */

static inline struct str str_of(const char *z)
{
    return (struct str){z, z ? strlen(z) : 0};
}
bool str_equal(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
/* Byte order, as memcmp; a prefix is smaller. */
int str_compare(struct str a, struct str b);
/* Cuts *rest at the first separator; returns the part before it. False when *rest was already used up. */
bool str_cut(struct str *rest, char separator, struct str *part);
struct str str_trim(struct str s);
/* Exactly all of s as decimal digits without sign, at most max. */
MUST_CHECK bool str_to_uint(struct str s, uint64_t max, uint64_t *out);
bool str_is_digits(struct str s);

/* ERR_UTF8 when s is not well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms) or holds NUL. */
MUST_CHECK enum err utf8_check(struct fail *f, const char *field, struct str s);
/* The code point at *at, moving *at past it; s must have passed utf8_check. */
uint32_t utf8_next(struct str s, size_t *at);
size_t utf8_count(struct str s);
/* z was cut to a buffer's size: drops what is left of a character whose end was cut off. */
void utf8_drop_cut(char *z);

#endif
