/* SPDX-License-Identifier: Apache-2.0 */
/* The identity store: episodes and versions, the same at the CS, the prefecture and the agency.
 *
 * An episode is one person's stay in one municipality (resident code, area code), with its own chain of versions
 * (更新順番号 1, 2, 3 ...). A change touches only its own episode. Versions are never overwritten; a cancellation is
 * a new version on top. Who is current where is derived: of a person's open episodes the one opened last. So notices
 * of two municipalities may arrive in any order and end in the same state.
 *
 * Tables: store_version (wide, appended by rowid: every column of the identity and its change; `previous` links the
 * chain), store_episode (narrow, key (code, area): episode, latest version row, version, state),
 * store_former_code (narrow: a code this episode had before a code change). */
#ifndef JUKI_STORE_STORE_H
#define JUKI_STORE_STORE_H

#include "db/db.h"
#include "identity/identity.h"

extern const struct db_module store_module;

enum store_state { STORE_CURRENT = 1, STORE_LEAVING = 2 /* 転出予定: removed with a planned date */, STORE_REMOVED = 3 };

struct store_version {
    struct identity identity; /* text borrows from the arena */
    struct change change;
    int64_t version;          /* 更新順番号 in its episode, from 1 */
    enum store_state state;   /* after this change */
    uint64_t entry;           /* ledger index of the entry that brought it */
    int64_t noticed;          /* stamp when it was recorded here */
};

/* Appends version v to its episode. v->version must be the latest + 1: ERR_VERSION_GAP when later ones are missing
 * before it (parks), ERR_VERSION_OLD when it is there already. Opening an open episode: ERR_EPISODE_OPEN; changing a
 * closed or unknown one: ERR_EPISODE_CLOSED / ERR_EPISODE_UNKNOWN. A code change moves the episode to the new code and
 * keeps the old one in store_former_code; ERR_CODE_TAKEN when the new code is another's. Fails before it writes. */
MUST_CHECK enum err store_apply(struct db_tx *tx, struct fail *f, const struct store_version *v);
/* The next version number for (code, area): latest + 1, or 1. */
MUST_CHECK enum err store_next_version(struct db_tx *tx, struct fail *f, struct resident_code code,
                                       struct area_code area, int64_t *next);
/* Latest version of the episode; ERR_EPISODE_UNKNOWN. */
MUST_CHECK enum err store_latest(struct db_tx *tx, struct fail *f, struct resident_code code, struct area_code area,
                                 struct arena *a, struct store_version *out);
/* The derived current state of a person over all episodes; ERR_NOT_FOUND. Follows former codes. */
MUST_CHECK enum err store_current(struct db_tx *tx, struct fail *f, struct resident_code code, struct arena *a,
                                  struct store_version *out);
/* Versions of an episode, newest first. */
MUST_CHECK enum err store_history(struct db_tx *tx, struct fail *f, struct resident_code code, struct area_code area,
                                  struct arena *a, void (*each)(void *arg, const struct store_version *), void *arg);
/* Persons with two open episodes for more than `days`. each gets the code and the areas. */
MUST_CHECK enum err store_overlaps(struct db_tx *tx, struct fail *f, int days,
                                   void (*each)(void *arg, struct resident_code, struct area_code, struct area_code),
                                   void *arg);

struct store_area_count {
    struct area_code area;
    int64_t current, leaving, removed, versions;
    uint8_t digest[32]; /* SHA-256 over the latest version of every episode in order of code: equal states, equal digests */
};
/* Counts and digests of every area, in order of area code. */
MUST_CHECK enum err store_census(struct db_tx *tx, struct fail *f, bool digests,
                                 void (*each)(void *arg, const struct store_area_count *), void *arg);

#endif
