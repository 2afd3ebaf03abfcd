/* SPDX-License-Identifier: Apache-2.0 */
/* What Jansson, a reader that nobody here wrote, makes of a text. In a file of its own: its names are ours
 * too. */
#ifndef JUKI_TESTS_UNIT_JSON_ORACLE_H
#define JUKI_TESTS_UNIT_JSON_ORACLE_H

#include <stdbool.h>
#include <stddef.h>

/* Whether it takes the text; then out holds it again, compact and with sorted keys. */
bool json_oracle(const char *text, size_t n, char *out, size_t size);

#endif
