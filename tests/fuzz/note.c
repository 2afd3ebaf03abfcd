/* SPDX-License-Identifier: Apache-2.0 */
/* Signed notes, heads and tlog proofs. The first byte chooses: a note as it came, a note over a body of the
 * input signed by us, a head, a proof, two notes to be merged. What is taken, written again, is the same
 * text. */
#include "signed.h"

#include "ledger/note.h"

static const char name[] = "juki/cs.282049";

static void check_head(struct str body)
{
    struct head head = {.size = 0};
    struct buf again;
    buf_init(&again, 4096);
    if (!head_parse(NULL, body, &head)) {
        struct head second = {.size = 0};
        head_write(&head, &again);
        assert(!again.broken && !head_parse(NULL, buf_str(&again), &second));
        assert(strcmp(head.origin, second.origin) == 0 && head.size == second.size &&
               head.time == second.time && sha256_equal(head.root, second.root));
        assert(again.n <= body.n);
    }
    buf_release(&again);
}

static void check_note(struct str note, bool ours)
{
    uint8_t public_key[ED25519_PUBLIC];
    struct key *key = signed_key(public_key);
    struct str body = {NULL, 0};
    struct buf cosigned;
    buf_init(&cosigned, 1 << 18);
    enum err e = note_verify(NULL, note, str_of(name), public_key, &body);
    assert(e || ours || memmem(note.p, note.n, name, sizeof name - 1));
    if (!e) {
        assert(body.p == note.p && body.n < note.n);
        check_head(body);
        if (!note_cosign(NULL, key, STR("juki/agency"), note, &cosigned)) {
            assert(!note_verify(NULL, buf_str(&cosigned), str_of(name), public_key, &body));
            assert(!note_verify(NULL, buf_str(&cosigned), STR("juki/agency"), public_key, &body));
        }
    }
    buf_release(&cosigned);
}

static void check_signed(struct str body)
{
    uint8_t public_key[ED25519_PUBLIC];
    struct buf note;
    buf_init(&note, 1 << 17);
    if (!note_sign(NULL, signed_key(public_key), str_of(name), body, &note)) {
        struct str seen = {NULL, 0};
        enum err e = note_verify(NULL, buf_str(&note), str_of(name), public_key, &seen);
        assert(e == ERR_LIMIT || (!e && str_equal(seen, body)));
        check_note(buf_str(&note), true);
    }
    buf_release(&note);
}

static void check_proof(struct str text)
{
    struct tlog_proof proof = {.index = 0}, again = {.index = 0};
    struct arena a;
    struct buf written;
    arena_init(&a, 1 << 20);
    buf_init(&written, 1 << 18);
    if (!tlog_proof_parse(NULL, text, &a, &proof)) {
        assert(proof.proof.count <= MERKLE_PROOF_MAX);
        assert(!tlog_proof_write(NULL, proof.index, &proof.proof, proof.extra, proof.checkpoint, &written));
        assert(!tlog_proof_parse(NULL, buf_str(&written), &a, &again));
        assert(again.index == proof.index && again.proof.count == proof.proof.count &&
               str_equal(again.extra, proof.extra) && str_equal(again.checkpoint, proof.checkpoint));
    }
    buf_release(&written);
    arena_release(&a);
}

static void check_merge(struct str in)
{
    struct str other = in, one = {NULL, 0};
    struct buf merged, twice;
    if (!str_cut(&other, '\t', &one))
        return;
    buf_init(&merged, 1 << 18);
    buf_init(&twice, 1 << 18);
    if (!note_merge(NULL, one, other.p ? other : STR(""), &merged)) {
        assert(merged.n >= one.n && memcmp(merged.p, one.p, one.n) == 0);
        assert(!note_merge(NULL, buf_str(&merged), other.p ? other : STR(""), &twice));
        assert(str_equal(buf_str(&merged), buf_str(&twice))); /* again adds nothing */
    }
    buf_release(&merged);
    buf_release(&twice);
}

void fuzz_target(struct str in)
{
    switch (fuzz_choose(&in, 5)) {
    case 0:
        check_note(in, false);
        break;
    case 1:
        check_signed(in);
        break;
    case 2:
        check_head(in);
        break;
    case 3:
        check_proof(in);
        break;
    default:
        check_merge(in);
    }
}
