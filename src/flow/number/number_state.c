/* SPDX-License-Identifier: Apache-2.0 */
/* Candidate g of a code: FF1 over eleven digits, the ten of the code's payload and the digit g; the eleven
 * that come out are the number's payload. FF1 is a permutation: two codes or digits never give the same
 * number, and a number leads back to the one code and digit that give it. */
#include "flow/number/number_state.h"

#include "flow/flow_number_sql.h"

enum { PAYLOAD_DIGITS = 11 };
static const char tweak[] = "individual_number", key_tweak[] = "individual_number_key";

static void to_digits(int64_t payload, uint8_t digits[static PAYLOAD_DIGITS])
{
    for (int i = PAYLOAD_DIGITS - 1; i >= 0; i--, payload /= 10)
        digits[i] = (uint8_t)(payload % 10);
}

static int64_t from_digits(const uint8_t digits[static PAYLOAD_DIGITS])
{
    int64_t payload = 0;
    for (int i = 0; i < PAYLOAD_DIGITS; i++)
        payload = payload * 10 + digits[i];
    return payload;
}

enum err number_candidate(const struct flow *flow, struct fail *f, struct resident_code code, int generation,
                          struct individual_number *out)
{
    uint8_t digits[PAYLOAD_DIGITS];
    to_digits(code.value / 10 * 10 + generation, digits); /* in the place of the check digit */
    enum err e = ff1_encrypt(f, flow->number_key, str_of(tweak), digits, PAYLOAD_DIGITS, digits);
    if (!e)
        *out = individual_number_from_payload(from_digits(digits));
    return e;
}

enum err number_first_of(const struct flow *flow, struct fail *f, struct individual_number number,
                         struct resident_code *code, bool *first)
{
    uint8_t digits[PAYLOAD_DIGITS];
    to_digits(number.value / 10, digits);
    enum err e = ff1_decrypt(f, flow->number_key, str_of(tweak), digits, PAYLOAD_DIGITS, digits);
    if (e)
        return e;
    *first = digits[PAYLOAD_DIGITS - 1] == GENERATION_FIRST;
    *code = resident_code_from_payload(from_digits(digits) / 10);
    return ERR_OK;
}

enum err number_row(struct db_tx *tx, struct fail *f, struct individual_number number,
                    struct number_owner *out)
{
    struct db_rows rows;
    struct number_owner found = {.state = NUMBER_FREE};
    db_query(tx, &rows, &sql_flow_number_issued_find, DB(db_int(number.value)));
    while (db_next(&rows))
        found = (struct number_owner){.code = {db_row_int(&rows, 0)},
                                      .state = (enum number_state)db_row_int(&rows, 1)};
    enum err e = db_done(&rows, f);
    if (!e)
        *out = found;
    return e;
}

static enum err find_awaited(struct db_tx *tx, struct fail *f, struct resident_code code, bool *awaited)
{
    struct db_rows rows;
    bool found = false;
    db_query(tx, &rows, &sql_flow_number_awaited_find, DB(db_int(code.value)));
    while (db_next(&rows))
        found = true;
    enum err e = db_done(&rows, f);
    if (!e)
        *awaited = found;
    return e;
}

enum err number_first_state(struct db_tx *tx, struct fail *f, struct resident_code code,
                            struct individual_number number, enum number_state *state)
{
    bool awaited = false, named = false;
    enum err e = find_awaited(tx, f, code, &awaited);
    if (!e && !awaited)
        e = store_number_named(tx, f, code, number, &named);
    if (!e)
        *state = awaited ? NUMBER_GENERATED : named ? NUMBER_IN_USE : NUMBER_FREE;
    return e;
}

enum err number_owner(const struct flow *flow, struct db_tx *tx, struct fail *f,
                      struct individual_number number, struct number_owner *out)
{
    struct number_owner found, derived = {.derived = true};
    bool first = false;
    enum err e = number_row(tx, f, number, &found);
    if (!e && found.state == NUMBER_FREE)
        e = number_first_of(flow, f, number, &derived.code, &first);
    if (!e && first)
        e = number_first_state(tx, f, derived.code, number, &derived.state);
    if (!e)
        *out = derived.state == NUMBER_FREE ? found : derived;
    return e;
}

/* ---- the key ---- */

enum err number_key_settle(struct flow *flow, struct db_tx *tx, struct fail *f)
{
    uint8_t digits[PAYLOAD_DIGITS] = {0};
    struct db_rows rows;
    int64_t known = -1;
    db_query(tx, &rows, &sql_flow_number_key_find, DB_NONE);
    while (db_next(&rows))
        known = db_row_int(&rows, 0);
    enum err e = db_done(&rows, f);
    if (!e)
        e = ff1_encrypt(f, flow->number_key, str_of(key_tweak), digits, PAYLOAD_DIGITS, digits);
    if (!e && known < 0)
        e = db_exec(tx, f, &sql_flow_number_key_add, DB(db_int(from_digits(digits))), NULL);
    if (!e && known >= 0 && known != from_digits(digits))
        return fail_set(f, ERR_KEY_OTHER, "number.key", NULL);
    return e;
}
