/* SPDX-License-Identifier: Apache-2.0 */
/* Signed notes (C2SP signed-note) holding checkpoints (C2SP tlog-checkpoint), and proofs (C2SP tlog-proof form).
 *
 * A checkpoint's origin line is "juki/NODE" (e.g. "juki/cs.282049"). A signature line is
 * "— NAME base64(key id ‖ signature)"; key id = first 4 bytes of SHA-256(name ‖ "\n" ‖ 0x01 ‖ public key).
 * Cosignatures of upper servers are further Ed25519 signature lines under their own names. */
#ifndef JUKI_LEDGER_NOTE_H
#define JUKI_LEDGER_NOTE_H

#include "keys/key.h"
#include "ledger/merkle.h"

struct head {
    char origin[72]; /* "juki/cs.282049" */
    uint64_t size;
    struct sha256 root;
    int64_t time; /* extension line "time <stamp µs>"; 0 when absent */
};
/* The note's body (what is signed), each line ended by a newline. */
void head_write(const struct head *h, struct buf *out);
/* Signs body as name; appends body, a blank line and the signature line. The body must be UTF-8 without control
 * characters and end with a newline, the name without spaces or plus: else ERR_MALFORMED. */
MUST_CHECK enum err note_sign(struct fail *f, struct key *k, struct str name, struct str body, struct buf *out);
/* Appends the whole note and one more signature line (a cosignature) over its body, unless k's stands there already.
 * The caller has verified the note: only its form is checked here, and ERR_SIGNATURE that no bad line of k's stands in
 * it, ERR_LIMIT that there is room for one more. note must not lie inside out. */
MUST_CHECK enum err note_cosign(struct fail *f, struct key *k, struct str name, struct str note, struct buf *out);
/* Appends note and those signature lines of other that it lacks; none is lost. ERR_PROOF: they sign different texts.
 * Only the form is checked: the caller verifies the others' signatures, and the outcome's limits with note_verify. */
MUST_CHECK enum err note_merge(struct fail *f, struct str note, struct str other, struct buf *out);
/* Finds a good signature of name; *body borrows from note. ERR_SIGNATURE when there is none, or a bad one of this very
 * key; ERR_MALFORMED; ERR_LIMIT above 64 KiB or 64 signatures. */
MUST_CHECK enum err note_verify(struct fail *f, struct str note, struct str name,
                                const uint8_t public_key[static ED25519_PUBLIC], struct str *body);
/* ERR_MALFORMED on anything but the one spelling head_write has; unknown extension lines are skipped. */
MUST_CHECK enum err head_parse(struct fail *f, struct str body, struct head *out);

/* tlog-proof: "c2sp.org/tlog-proof@v1\nextra <base64>?\nindex N\n<hash>...\n\n<checkpoint note>". */
MUST_CHECK enum err tlog_proof_write(struct fail *f, uint64_t index, const struct merkle_proof *proof, struct str extra,
                                     struct str checkpoint, struct buf *out);
struct tlog_proof {
    uint64_t index;
    struct merkle_proof proof;
    struct str extra;      /* decoded into the arena; empty when absent */
    struct str checkpoint; /* borrows from the text */
};
MUST_CHECK enum err tlog_proof_parse(struct fail *f, struct str text, struct arena *a, struct tlog_proof *out);

#endif
