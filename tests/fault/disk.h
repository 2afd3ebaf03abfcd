/* SPDX-License-Identifier: Apache-2.0 */
/* The disk as a power cut could leave it, built from a recording (recording_vfs.h).
 *
 * At a cut, everything that was synced is there. Of what was not, each write is there whole, in part (sectors
 * of 512 or 4,096 bytes) or not at all, in any order; so are truncations, new names and removals. Bytes that
 * a lost write would have put between others read as zeros. Which of all this happens is drawn from a seed.
 */
#ifndef JUKI_TESTS_FAULT_DISK_H
#define JUKI_TESTS_FAULT_DISK_H

#include "recording_vfs.h"

enum disk_loss {
    DISK_LOSES_ALL,      /* of what was not synced */
    DISK_LOSES_NOTHING,  /* the process died, the machine did not */
    DISK_LOSES_THE_REST, /* what was written first is there, one write is torn, what came later is lost */
    DISK_LOSES_SECTORS,  /* each sector of 512 bytes for itself, each name, each truncation */
    DISK_LOSES_PAGES,    /* the same with 4,096 */
    DISK_LOSSES
};

struct disk;
/* At place 0 of the recording, which has ended. */
struct disk *disk_new(void);
void disk_free(struct disk *d);
/* Goes forward to a place of the recording. */
void disk_advance(struct disk *d, size_t place);
/* Writes what is left after a cut here into an empty folder, files by their names without folder. only (may
 * be NULL): losses happen to this one file and what belongs to it only (its name is the beginning of theirs);
 * the others keep everything. */
void disk_rebuild(struct disk *d, enum disk_loss loss, uint64_t seed, const char *only, const char *folder);

#endif
