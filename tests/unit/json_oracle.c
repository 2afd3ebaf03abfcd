/* SPDX-License-Identifier: Apache-2.0 */
#include "json_oracle.h"

#include <jansson.h>

bool json_oracle(const char *text, size_t n, char *out, size_t size)
{
    json_error_t error;
    json_t *tree = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);
    if (!tree)
        return false;
    size_t written = json_dumpb(tree, out, size - 1, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(tree);
    if (written >= size)
        return false;
    out[written] = 0;
    return true;
}
