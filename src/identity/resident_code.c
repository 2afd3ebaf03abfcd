/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/resident_code.h"

#include "identity/digits.h"

static int check_digit(int64_t payload)
{
    static const int8_t weights[10] = {2, 3, 4, 5, 6, 7, 2, 3, 4, 5};
    return digits_check(digits_weigh(payload, weights, COUNT_OF(weights)));
}

enum err resident_code_parse(struct fail *f, struct str text, struct resident_code *out)
{
    struct resident_code code;
    char masked[RESIDENT_CODE_TEXT_SIZE];
    if (!digits_read(text, RESIDENT_CODE_DIGITS, &code.value))
        return digits_refuse(f, ERR_RESIDENT_CODE_FORM, "resident_code", text, RESIDENT_CODE_DIGITS);
    if (!resident_code_valid(code))
        return fail_set(f, ERR_RESIDENT_CODE_CHECK, "resident_code", "%s",
                        resident_code_masked(code, masked));
    *out = code;
    return ERR_OK;
}

struct resident_code resident_code_from_payload(int64_t payload)
{
    assert(payload >= 0 && payload <= RESIDENT_CODE_PAYLOAD_MAX);
    return (struct resident_code){payload * 10 + check_digit(payload)};
}

bool resident_code_valid(struct resident_code code)
{
    return code.value >= 0 && code.value <= RESIDENT_CODE_MAX &&
           check_digit(code.value / 10) == code.value % 10;
}

const char *resident_code_masked(struct resident_code code, char out[static RESIDENT_CODE_TEXT_SIZE])
{
    digits_write_masked(code.value, RESIDENT_CODE_DIGITS, out);
    return out;
}

const char *resident_code_REVEAL(struct resident_code code, char out[static RESIDENT_CODE_TEXT_SIZE])
{
    digits_write(code.value, RESIDENT_CODE_DIGITS, out);
    return out;
}
