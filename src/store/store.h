/* SPDX-License-Identifier: Apache-2.0 */
/* The identity store: episodes and versions, the same at the CS, the prefecture and the agency.
 *
 * An episode is one person's stay in one municipality (resident code, area code), with its own chain of
 * versions (更新順番号 1, 2, 3 ...). A change touches only its own episode. Versions are never overwritten; a
 * cancellation is a new version on top. Who is current where is derived: of a person's open episodes the one
 * opened last. So notices of two municipalities may arrive in any order and end in the same state.
 *
 * Planned removal (転出 with a planned date) leaves the person until it is confirmed (STORE_LEAVING). A
 * cancelled move out (異動の取消し（増） is 職権記載等) opens the episode again as if it had never ended; a
 * person who moves back in opens the same episode again, and its chain goes on.
 *
 * Each version holds the whole record, so the newest is the state. Therefore a correction (`replaces`) may
 * follow when the version it corrects is missing here, because it was valid at its origin but could not be
 * applied here; the chain then passes over what is missing.
 *
 * A correction of a code change may give another code. Then the code that the corrected change gave never was
 * this person's: it is no former code, ties nobody to anybody and is free for whose it is (`taken_back`).
 * What was said under it in the meantime is passed over like anything else between the two.
 *
 * Tables: store_version (wide, appended: every column of the identity and its change; `previous` links the
 * chain), store_episode (narrow, key (code, area): latest version, state), store_former_code (narrow: a code
 * this episode had before a code change), store_taken_back (narrow: a code that a correction took back). A
 * first entry costs three statements. */
#ifndef JUKI_STORE_STORE_H
#define JUKI_STORE_STORE_H

#include "db/tally.h"
#include "identity/identity.h"

extern const struct db_module store_module;

enum store_state {
    STORE_NONE = 0, /* no episode yet; never stored */
    STORE_CURRENT = 1,
    STORE_LEAVING = 2, /* 転出予定: removed with a planned date */
    STORE_REMOVED = 3
};

enum { STORE_TAKEN_BACK_MAX = 4 };
struct store_version {
    struct identity identity; /* text is borrowed */
    struct change change;
    int64_t version;        /* 更新順番号 in its episode, from 1 */
    int64_t replaces;       /* the version of this episode that it corrects, or 0 */
    enum store_state state; /* after this change */
    struct date opened;     /* the change date of the entry that opened the episode */
    int64_t source;         /* number of the register's change, 0 when not known */
    uint64_t entry;         /* ledger index of the entry that brought it; no two versions share one */
    int64_t noticed;        /* stamp when it was recorded here */
    /* Of a correction of a code change, while it is planned and written: the codes that the corrected change
     * and corrections of it gave, but for the one that it gives itself. */
    struct resident_code taken_back[STORE_TAKEN_BACK_MAX];
    size_t taken_back_count;
};
struct store_episode {
    int64_t latest, version; /* row and number of the latest version; 0 when there is no episode */
    enum store_state state;
    struct date opened;
    bool former;                 /* the code is one that an episode had before a code change, */
    struct resident_code became; /* and the one it had then */
};
struct store_plan {
    struct store_version version; /* complete */
    struct store_episode before;
    struct resident_code code; /* under which the episode stands before */
};

/* What applying v would do; reads only. v->version 0 means the next. state and opened are derived, and taken
 * from v only for a correction whose corrected version is missing here. ERR_VERSION_GAP (earlier ones are
 * missing), ERR_VERSION_OLD (it is there already), ERR_EPISODE_OPEN, ERR_EPISODE_CLOSED, ERR_EPISODE_UNKNOWN,
 * ERR_CODE_TAKEN (the new code is another person's of this municipality), ERR_CODE_FORMER. v has passed
 * identity_check. */
MUST_CHECK enum err store_plan(struct db_tx *tx, struct fail *f, const struct store_version *v,
                               struct store_plan *plan);
/* Writes what was planned in the same transaction; the entry may be filled in between. Fails only as db does.
 * A code change moves the episode to the new code and keeps the old one in store_former_code. */
MUST_CHECK enum err store_write(struct db_tx *tx, struct fail *f, const struct store_plan *plan);
/* Both. */
MUST_CHECK enum err store_apply(struct db_tx *tx, struct fail *f, const struct store_version *v);
/* The state of an episode after a change, by episode_step.def; the ERR_EPISODE_ errors of store_plan. */
MUST_CHECK enum err store_step(struct fail *f, enum store_state before, const struct change *c,
                               enum store_state *after);
const char *store_state_name(enum store_state state); /* "none", "current", "leaving", "removed" */
enum store_known {
    STORE_NOT_KNOWN,  /* it is not there, or other content stands under its number */
    STORE_SAID,       /* there with the same content: a repeated notice */
    STORE_PASSED_OVER /* a correction came in its place, which holds the whole record */
};
/* What the store knows of a version that store_plan refuses. */
MUST_CHECK enum err store_know(struct db_tx *tx, struct fail *f, const struct store_version *v,
                               enum store_known *known);

MUST_CHECK enum err store_episode_find(struct db_tx *tx, struct fail *f, struct resident_code code,
                                       struct area_code area, struct store_episode *out);
/* Latest version of the episode; ERR_EPISODE_UNKNOWN. Text is in the arena. */
MUST_CHECK enum err store_latest(struct db_tx *tx, struct fail *f, struct resident_code code,
                                 struct area_code area, struct arena *a, struct store_version *out);
/* The version that a ledger entry brought. ERR_NOT_FOUND when it brought none. Text is in the arena. */
MUST_CHECK enum err store_version_of(struct db_tx *tx, struct fail *f, uint64_t entry, struct arena *a,
                                     struct store_version *out);
/* The derived current state of a person over all episodes, also those under codes before or after this one:
 * the open one opened last; when none is open, the one opened last. ERR_NOT_FOUND. */
MUST_CHECK enum err store_current(struct db_tx *tx, struct fail *f, struct resident_code code,
                                  struct arena *a, struct store_version *out);
/* The code under which the episode stands now that had this one, or was given it by mistake; the code itself
 * when it was never changed or never known. */
MUST_CHECK enum err store_code_now(struct db_tx *tx, struct fail *f, struct resident_code code,
                                   struct area_code area, struct resident_code *now);
/* Whether code changes tie two codes to one person, in either direction. */
MUST_CHECK enum err store_codes_linked(struct db_tx *tx, struct fail *f, struct resident_code a,
                                       struct resident_code b, bool *linked);
/* Versions of an episode, newest first, until each returns false. ERR_EPISODE_UNKNOWN. */
MUST_CHECK enum err store_history(struct db_tx *tx, struct fail *f, struct resident_code code,
                                  struct area_code area, struct arena *a,
                                  bool (*each)(void *arg, const struct store_version *), void *arg);
/* Whether the code has an episode in a municipality (in any of its wards, for a designated city). */
MUST_CHECK enum err store_code_lives(struct db_tx *tx, struct fail *f, struct resident_code code,
                                     struct area_code municipality, bool *lives);
/* Whether anybody has or had the code. */
MUST_CHECK enum err store_code_known(struct db_tx *tx, struct fail *f, struct resident_code code,
                                     bool *known);
/* Whether any version of the person, also under codes before or after this one, names the Individual Number.
 */
MUST_CHECK enum err store_number_named(struct db_tx *tx, struct fail *f, struct resident_code code,
                                       struct individual_number number, bool *named);
/* Persons with two current episodes, both opened more than `days` ago. */
MUST_CHECK enum err
store_overlaps(struct db_tx *tx, struct fail *f, int days,
               void (*each)(void *arg, struct resident_code, struct area_code, struct area_code), void *arg);

struct store_area_count {
    struct area_code area;
    int64_t current, leaving, removed, versions;
    uint8_t digest[32]; /* SHA-256 of the digest lines of the episodes' latest versions in order of code */
};
/* Counts and digests of every area in order of area code. Reads every episode, in pages, a snapshot each, so
 * they are those of one moment only while nothing changes. Not called inside a transaction. */
MUST_CHECK enum err store_census(struct db *db, struct fail *f,
                                 void (*each)(void *arg, const struct store_area_count *), void *arg);
/* Keeps how many episodes there are, by their state, and how many versions they have (the weight). */
MUST_CHECK enum err store_tally(struct fail *f, struct db *db, struct tally **out);
/* One line: every value of the identity, version number, state, reason and date of the last change; no
 * stamps, no places. Equal states on two servers give equal lines. Holds numbers in full: for hashing only.
 */
void store_digest_line(struct buf *b, const struct store_version *v);

#endif
