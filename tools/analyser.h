/* SPDX-License-Identifier: Apache-2.0 */
/* Included before each file that an analyser reads, never by the compiler: what it cannot see across files.
 * fail_set and fail_errno return the error they are given; without this every `if (e) return e;` is believed to
 * let failures through. */
#include "base/err.h"
#define fail_set(f, err, ...) ((void)fail_set(f, err, __VA_ARGS__), (err))
#define fail_errno(f, err, what) ((void)fail_errno(f, err, what), (err))
