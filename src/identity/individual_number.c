/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/individual_number.h"

#include "identity/digits.h"

static int check_digit(int64_t payload)
{
    static const int8_t weights[11] = {2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6};
    return digits_check(digits_weigh(payload, weights, COUNT_OF(weights)));
}

enum err individual_number_parse(struct fail *f, struct str text, struct individual_number *out)
{
    struct individual_number number;
    char masked[INDIVIDUAL_NUMBER_TEXT_SIZE];
    if (!digits_read(text, INDIVIDUAL_NUMBER_DIGITS, &number.value))
        return digits_refuse(f, ERR_INDIVIDUAL_NUMBER_FORM, "individual_number", text,
                             INDIVIDUAL_NUMBER_DIGITS);
    if (!individual_number_valid(number))
        return fail_set(f, ERR_INDIVIDUAL_NUMBER_CHECK, "individual_number", "%s",
                        individual_number_masked(number, masked));
    *out = number;
    return ERR_OK;
}

struct individual_number individual_number_from_payload(int64_t payload)
{
    assert(payload >= 0 && payload <= INDIVIDUAL_NUMBER_PAYLOAD_MAX);
    return (struct individual_number){payload * 10 + check_digit(payload)};
}

bool individual_number_valid(struct individual_number number)
{
    return number.value >= 0 && number.value <= INDIVIDUAL_NUMBER_MAX &&
           check_digit(number.value / 10) == number.value % 10;
}

const char *individual_number_masked(struct individual_number number,
                                     char out[static INDIVIDUAL_NUMBER_TEXT_SIZE])
{
    digits_write_masked(number.value, INDIVIDUAL_NUMBER_DIGITS, out);
    return out;
}

const char *individual_number_REVEAL(struct individual_number number,
                                     char out[static INDIVIDUAL_NUMBER_TEXT_SIZE])
{
    digits_write(number.value, INDIVIDUAL_NUMBER_DIGITS, out);
    return out;
}
