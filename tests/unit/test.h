/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test includes: cmocka with the headers it wants, and shorthands. */
#ifndef JUKI_TESTS_UNIT_TEST_H
#define JUKI_TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

#define assert_str(s, literal)                                                                               \
    do {                                                                                                     \
        struct str seen_ = (s), want_ = STR(literal);                                                        \
        assert_int_equal(seen_.n, want_.n);                                                                  \
        if (want_.n)                                                                                         \
            assert_memory_equal(seen_.p, want_.p, want_.n);                                                  \
    } while (0)
#define assert_ok(call)                                                                                      \
    do {                                                                                                     \
        enum err got_ = (call);                                                                              \
        if (got_)                                                                                            \
            fail_msg("%s: %s", #call, err_row(got_)->name);                                                  \
    } while (0)
#define assert_err(call, want)                                                                               \
    do {                                                                                                     \
        enum err got_ = (call);                                                                              \
        if (got_ != (want))                                                                                  \
            fail_msg("%s: %s instead of %s", #call, err_row(got_)->name, err_row(want)->name);               \
    } while (0)

#endif
