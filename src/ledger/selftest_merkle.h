/* SPDX-License-Identifier: Apache-2.0 */
/* Proof vectors in files: lets anybody hold our checking of proofs against vectors that others published.
 *
 * The layout is that of transparency-dev/merkle's testdata: FOLDER/inclusion/.../NAME.json with leafIdx, treeSize,
 * root, leafHash, proof, desc, wantErr, and FOLDER/consistency/.../NAME.json with size1, size2, root1, root2, proof,
 * desc, wantErr; hashes in base64, proof may be null. */
#ifndef JUKI_LEDGER_SELFTEST_MERKLE_H
#define JUKI_LEDGER_SELFTEST_MERKLE_H

#include "ledger/merkle.h"

struct selftest_merkle_result {
    const char *path; /* of the vector's file */
    struct str what;  /* its desc */
    bool want_error;  /* it must be refused */
    bool passed;
};
typedef void (*selftest_merkle_report)(void *arg, const struct selftest_merkle_result *result);
struct selftest_merkle_count {
    size_t inclusion, consistency, failed;
};

/* Runs every vector below the folder, in byte order of the paths; report may be NULL. Vectors that do not pass are
 * counted, not errors. ERR_NOT_FOUND when neither subfolder holds a vector, ERR_IO, ERR_JSON and the like for a file
 * that is not a vector. */
MUST_CHECK enum err selftest_merkle_folder(struct fail *f, const char *path, selftest_merkle_report report, void *arg,
                                           struct selftest_merkle_count *count);

#endif
