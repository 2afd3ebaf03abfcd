/* SPDX-License-Identifier: Apache-2.0 */
/* An exported log, as juki-verify reads it: it ends, counts what it read, and believes no head that the key
 * did not sign. */
#include "signed.h"

#include "ledger/evidence.h"

static size_t told;

static void tell(void *arg UNUSED, const struct evidence_finding *finding)
{
    assert(finding->kind && finding->first <= finding->last);
    assert(memchr(finding->detail, 0, sizeof finding->detail));
    told++;
}

void fuzz_target(struct str in)
{
    uint8_t public_key[ED25519_PUBLIC];
    struct evidence_log log = {.size = 0};
    struct str kept = STR("");
    told = 0;
    signed_key(public_key);
    struct evidence_log_options options = {public_key, &kept, 0, tell, NULL};
    union { /* fmemopen writes nothing in mode "r" */
        const char *in;
        void *out;
    } bytes = {in.p};
    if (!in.n)
        return;
    FILE *file = fmemopen(bytes.out, in.n, "r");
    assert(file);
    enum err e = evidence_check_log(NULL, file, &options, &log);
    fclose(file);
    if (!e) {
        assert(told == log.findings && memchr(log.node, 0, sizeof log.node));
        assert(log.size <= log.first + log.entries && log.deleted <= log.entries);
    }
}
