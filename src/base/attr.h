/* SPDX-License-Identifier: Apache-2.0 */
/* Words the compiler understands, given short names once. */
#ifndef JUKI_BASE_ATTR_H
#define JUKI_BASE_ATTR_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define UNUSED __attribute__((unused))

#endif
