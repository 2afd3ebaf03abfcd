/* SPDX-License-Identifier: Apache-2.0 */
/* For one file of a program that uses fonts: fontconfig keeps what it has read until the process ends. */
#ifndef JUKI_TESTS_UNIT_FONT_LEAKS_H
#define JUKI_TESTS_UNIT_FONT_LEAKS_H

const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig\n";
}
const char *__lsan_default_options(void);
const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}

#endif
