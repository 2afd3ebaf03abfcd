/* SPDX-License-Identifier: Apache-2.0 */
/* The append-only log that proves itself: one RFC 6962 tree per server, kept in the server's own database.
 *
 * An entry is written in the transaction of the act it records. Its leaf is H(0x00 ‖ 16-byte salt ‖ body);
 * the salt is kept with the body, so that a hash that outlives its deleted body reveals nobody. The body
 * begins with one line of text, `KIND STAMP WHAT...\n`, so that an exported entry is readable without this
 * program; KIND is one of the names below. Leaf hashes are stored in tiles of 256 (8 KiB) once complete; the
 * right edge lives in memory and is rebuilt at start from tiles and tail entries. Signing a head never holds
 * up an append.
 *
 * A body may be deleted when its retention has ended (ledger_delete_bodies): salt and body go, the hash
 * stays. The same transaction appends an operation entry with what = "retention deleted FIRST LAST" (indexes,
 * both included, all before that entry); verification accepts deleted bodies inside such ranges only, once a
 * signed head counts the entry that says so.
 *
 * A server appends "started ..." before anything else and "stopped" after everything else, and signs a head
 * behind each: so a log that ended cleanly has nothing behind its newest head, and nothing between "stopped"
 * and "started".
 *
 * Tables: ledger_entry (id = index + 1 of the first of its entries, form, salt, body, entries: see
 * ledger_block.h; the entries of one commit share rows, up to 128 each),
 * ledger_tile (id = level * 2^56 + index, root, 256 hashes), ledger_edge (the leaves that no tile holds yet,
 * as the newest head counts them), ledger_head (own signed heads with cosignatures), ledger_kept (heads of
 * lower servers that this server keeps and co-signs, the newest of each day and life), ledger_fork (evidence
 * when a lower server's head does not continue the one kept). */
#ifndef JUKI_LEDGER_LEDGER_H
#define JUKI_LEDGER_LEDGER_H

#include "db/db.h"
#include "ledger/note.h"

extern const struct db_module ledger_module;

enum ledger_kind { LEDGER_OPERATION, LEDGER_COMMUNICATION, LEDGER_PROVISION, LEDGER_BOOK };
const char *ledger_kind_name(enum ledger_kind kind);

struct ledger;
/* node: "cs.282049"; key (borrowed) signs heads and may be NULL for a reader. Rebuilds the right edge and
 * follows the database's transactions: one ledger a database, opened before the first append, freed when no
 * transaction can run any more (after db_close, or just before the program ends). */
MUST_CHECK enum err ledger_open(struct fail *f, struct db *db, const char *node, struct key *key,
                                struct ledger **out);
void ledger_free(struct ledger *l);

/* Appends one entry inside a db_transaction of the ledger's database: body = "KIND STAMP " ‖ what ‖ "\n" ‖
 * payload. what: one line, no person's data (ERR_LEDGER_BODY). A body is at most 2 MiB (ERR_LIMIT). *index
 * (may be NULL) is the entry's place (0, 1, ...), final once tx commits. The row is written just
 * before the commit; ledger_entry_read finds the entry in the same transaction all the same. */
MUST_CHECK enum err ledger_append(struct ledger *l, struct db_tx *tx, struct fail *f, enum ledger_kind kind,
                                  struct str what, struct str payload, uint64_t *index);

struct ledger_entry {
    uint64_t index;
    uint8_t salt[16];
    struct str body;    /* whole, decompressed, in the arena; p NULL when its body was deleted */
    struct str what;    /* the first line without kind and stamp; borrows from body */
    struct str payload; /* after the first line; borrows from body */
    enum ledger_kind kind;
    int64_t time;
};
MUST_CHECK enum err ledger_entry_read(struct db_tx *tx, struct fail *f, uint64_t index, struct arena *a,
                                      struct ledger_entry *out);

/* Deletes the bodies of committed entries, both ends included, that complete tiles stand over, and appends
 * the entry that says so. ERR_FIELD_RANGE: other entries. */
MUST_CHECK enum err ledger_delete_bodies(struct ledger *l, struct db_tx *tx, struct fail *f, uint64_t first,
                                         uint64_t last);

/* Signs the committed state when it has grown since the last head (or none was signed yet), stores it, and
 * appends the newest note to out (may be NULL). Not inside a transaction. Called by a thread of its own every
 * few seconds, and before export. */
MUST_CHECK enum err ledger_sign_head(struct ledger *l, struct fail *f, struct buf *out);
/* The newest signed head with its cosignatures. ERR_NOT_FOUND when none was signed. */
MUST_CHECK enum err ledger_newest_head(struct ledger *l, struct fail *f, struct buf *out);
/* Adds the cosignatures of a note that an upper server returned for a head of ours to the stored one, which
 * loses none; the caller has verified them. ERR_SIGNATURE: our own is missing or bad; ERR_NOT_FOUND: no head
 * of that size; ERR_PROOF: it signs another text; ERR_LIMIT: too many signatures. */
MUST_CHECK enum err ledger_add_cosignature(struct ledger *l, struct fail *f, struct str note);
uint64_t ledger_size(struct ledger *l);
/* Bytes of the stored bodies. Only what came since the last call is added up, so the first call after a start
 * reads along the whole log. */
MUST_CHECK enum err ledger_bytes(struct ledger *l, struct fail *f, int64_t *bytes);
int64_t ledger_head_age(struct ledger *l); /* µs since the newest head, -1 when none */

/* Proofs from the stored tiles, for a signed head of that size. For the paths of a batch's own notices use
 * merkle.h. */
MUST_CHECK enum err ledger_prove_inclusion(struct db_tx *tx, struct fail *f, uint64_t index, uint64_t size,
                                           struct merkle_proof *out);
MUST_CHECK enum err ledger_prove_consistency(struct db_tx *tx, struct fail *f, uint64_t old_size,
                                             uint64_t new_size, struct merkle_proof *out);

/* Upper server's side: a lower server presents its head with a consistency proof from the newest head kept of
 * it. Checks signature, growth and proof; keeps it; appends the co-signed note to out. ERR_FORK when the
 * lower server's log was truncated or rewritten (the alarm's evidence is kept, the head kept before stays).
 * Not inside a transaction.
 *
 * The first head of a new life (a greater epoch) begins a line of its own whatever it continues. When it does
 * not continue the newest head kept, both go on record as a fork, forked (may be NULL) gets the one kept, and
 * the answer is ERR_OK. */
struct ledger_presented {
    const char *node;
    const uint8_t *public_key; /* ED25519_PUBLIC bytes */
    int64_t epoch;             /* of the lower server, 1 or more */
    struct str note;
    const struct merkle_proof
        *proof;      /* NULL for the first head and for one told again, else its absence is ERR_PROOF */
    struct str base; /* of a new life that does not continue the newest head kept: an earlier head of that log
                        with our cosignature, from which the proof leads instead; ERR_PROOF when it does not.
                        Empty: none */
};
MUST_CHECK enum err ledger_keep_head(struct ledger *l, struct fail *f,
                                     const struct ledger_presented *presented, struct buf *out,
                                     struct buf *forked);
/* Size and epoch (may be NULL) of the newest head kept of a lower server (0 when none). */
MUST_CHECK enum err ledger_kept_size(struct ledger *l, struct fail *f, const char *lower_node, uint64_t *size,
                                     int64_t *epoch);
/* The newest head kept of a lower server, with the cosignature, appended to out; reads only. ERR_NOT_FOUND.
 */
MUST_CHECK enum err ledger_kept_note(struct fail *f, struct db *db, const char *lower_node, struct buf *out);

/* A fork on record: a log's head that was kept, and one of the same log that does not continue it. */
struct ledger_fork {
    char node[64]; /* whose log: a lower server's, or our own, as the upper server showed it to us */
    int64_t time;  /* when it was seen */
    int64_t epoch; /* the life that signed `note`; 0 when not known */
    uint64_t base; /* entries that are shown to be common; 0: nothing shows any */
    int64_t seen;  /* stamp; 0: nobody has taken note */
    struct str kept, note;
};
MUST_CHECK enum err ledger_forks(struct fail *f, struct db *db,
                                 void (*each)(void *arg, const struct ledger_fork *fork), void *arg);
/* How many nobody has taken note of, and the newest one's time, for each log that has any. */
MUST_CHECK enum err
ledger_forks_unseen(struct fail *f, struct db *db,
                    void (*each)(void *arg, const char *node, int64_t count, int64_t newest), void *arg);
/* A person has taken note of all of them; stands in the log. */
MUST_CHECK enum err ledger_see_forks(struct ledger *l, struct fail *f, int64_t *count);
/* Keeps the evidence of a fork of our own log, as the upper server told it. time and seen are not read. */
MUST_CHECK enum err ledger_record_fork(struct ledger *l, struct fail *f, const struct ledger_fork *fork);
/* The newest own head of at most `size` entries that carries that server's cosignature, appended to out; *at:
 * its entries. Looks at the newest 256 heads below; ERR_NOT_FOUND. */
MUST_CHECK enum err ledger_cosigned_head(struct fail *f, struct db *db, uint64_t size, const char *upper_node,
                                         const uint8_t upper_key[static ED25519_PUBLIC], struct buf *out,
                                         uint64_t *at);

/* Verification of a whole log (juki log verify), while it may grow. Each finding is told to report() in the
 * order of the log, those of BODY_GONE at the end (what permits them stands behind them). Places are those of
 * the sealed log; of INSERTED, where the entry stands now. A log with entries and without any head is
 * HEAD_BAD. ERR_OK also with findings. */
enum ledger_finding_kind {
    LEDGER_CHANGED,
    LEDGER_MISSING,
    LEDGER_INSERTED,
    LEDGER_RESEALED,
    LEDGER_TRUNCATED,
    LEDGER_HEAD_BAD,
    LEDGER_BODY_GONE
};
struct ledger_finding {
    enum ledger_finding_kind kind;
    uint64_t first, last; /* entries concerned */
    char detail[160];
};
struct ledger_verify_options {
    const uint8_t *public_key; /* 32 bytes: the node's ledger key */
    /* heads that others kept: the upper server's co-signed note of this node, with the upper's name and key
     */
    struct str kept_note;
    const char *upper_node;
    const uint8_t *upper_public_key;
    bool stopped; /* nobody runs this log: nothing may stand behind a head that counts "stopped" */
    uint64_t
        referenced; /* entries that rows of other modules say there are at least; read before this call */
    void (*report)(void *arg, const struct ledger_finding *finding);
    void (*progress)(void *arg, uint64_t done, uint64_t total);
    void *arg;
};
struct ledger_verify_result {
    uint64_t entries, heads, findings;
    uint64_t deleted; /* entries whose body was taken away: their hash was believed */
    uint64_t behind;  /* entries behind the newest head: nothing proves them yet */
};
MUST_CHECK enum err ledger_verify(struct fail *f, struct db *db, const char *node,
                                  const struct ledger_verify_options *options,
                                  struct ledger_verify_result *out);

/* Writes the log from entry first as lines of JSON (see docs/EVIDENCE.md), ending with the newest head, for
 * juki-verify. ERR_NOT_FOUND when no head was signed, ERR_FIELD_RANGE when first lies beyond it. */
MUST_CHECK enum err ledger_export(struct fail *f, struct db *db, const char *node, uint64_t first, int fd);

#endif
