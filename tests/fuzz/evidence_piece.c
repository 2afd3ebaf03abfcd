/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence of one notice or receipt, as juki-verify reads it: nothing is proved that the key did not sign. */
#include "signed.h"

#include "ledger/evidence.h"

void fuzz_target(struct str in)
{
    uint8_t public_key[ED25519_PUBLIC];
    struct evidence_notice notice = {.node = ""};
    struct evidence_receipt receipt = {.node = ""};
    struct arena a;
    signed_key(public_key);
    arena_init(&a, 16 << 20);
    if (!evidence_check_notice(NULL, in, public_key, &a, &notice))
        assert(notice.sequence >= 1 && notice.node[0] && notice.destination[0] && notice.payload.p);
    if (!evidence_check_receipt(NULL, in, public_key, &a, &receipt))
        assert(receipt.node[0] && receipt.payload.n);
    arena_release(&a);
}
