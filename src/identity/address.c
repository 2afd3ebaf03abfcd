/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/address.h"

#include "identity/text_check.h"

enum err address_check(struct fail *f, const struct address *address)
{
    enum err e = area_code_check_address(f, "area_code", address->area_code);
    if (e)
        return e;
    if (address->text.n == 0)
        return fail_set(f, ERR_FIELD_MISSING, "address", NULL);
    e = text_check(f, "address", address->text, ADDRESS_MAX_POINTS);
    if (e)
        return e;
    struct str town = address->town_code, postal = address->postal_code;
    if (town.n && (town.n > TOWN_CODE_MAX || !str_is_digits(town)))
        return fail_set(f, ERR_TOWN_CODE, "town_code", NULL);
    if (postal.n && (postal.n != POSTAL_CODE_DIGITS || !str_is_digits(postal)))
        return fail_set(f, ERR_POSTAL_CODE, "postal_code", NULL);
    return ERR_OK;
}
