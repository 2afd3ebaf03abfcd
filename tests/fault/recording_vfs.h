/* SPDX-License-Identifier: Apache-2.0 */
/* A VFS of SQLite that writes down what a database asks of its disk, and lets it fail.
 *
 * While it records, every write, truncation, sync, creation and removal of a database, its WAL and its
 * journal is kept in order and with content; disk.h builds from that what could be found after a power cut.
 * The wal-index (-shm) is not recorded: it never survives. A sync counts from its beginning: what another
 * thread wrote while it ran is not its own. The directory is a thing of its own: a file's name is on disk
 * once its folder was synced after the name was made.
 *
 * While it does not record, it does not sync either: what is tested then lies in the page cache, and goes
 * fast. Everything else passes through to the system's VFS. */
#ifndef JUKI_TESTS_FAULT_RECORDING_VFS_H
#define JUKI_TESTS_FAULT_RECORDING_VFS_H

#include "base/attr.h"

enum disk_act {
    DISK_CREATE, /* bytes: its name */
    DISK_WRITE,
    DISK_TRUNCATE, /* offset: the new length */
    DISK_SYNCED,   /* since: everything of the file before that place is on disk */
    DISK_REMOVE,
    DISK_RENAME,        /* bytes: its new name, which another file may have had */
    DISK_FOLDER_SYNCED, /* since: every name made, moved or removed before that place is on disk */
};
struct disk_op {
    enum disk_act act;
    int file; /* index of recording_file(); a name that was removed and made again is another file */
    int64_t offset;
    size_t n;
    unsigned char *bytes; /* NULL: none */
    size_t since;
};

/* Makes it the default VFS of this process. Before any other thread. */
void recording_install(void);
/* Forgets the last recording and begins one. What exists is on disk. */
void recording_start(void);
void recording_stop(void);
/* The place now: how many operations were recorded. */
size_t recording_place(void);
const struct disk_op *recording_op(size_t place);
/* The first path of a file and what it held when the recording began. */
const char *recording_file(int file);
int recording_file_count(void);
const unsigned char *recording_file_before(int file, size_t *n);

/* For what goes to the disk beside SQLite (recording_files.h). The file of that path now, -1 when nothing is
 * being recorded; made: its name is new. */
int recording_find(const char *path, bool made);
/* Writes down what was done to it, -1: nothing. DISK_SYNCED and DISK_FOLDER_SYNCED are left out where PRAGMA
 * synchronous is "OFF". */
void recording_note(struct disk_op op);
void recording_renamed(const char *from, const char *to);
void recording_removed(const char *path);

/* "OFF" or "NORMAL": connections are opened with that PRAGMA synchronous, whatever the program asks for.
 * NULL: as it asks. */
void recording_synchronous(const char *level);

/* The nth write (or truncation) or sync from now fails with an I/O error, once; 0: none. */
void recording_fail(unsigned long nth_write, unsigned long nth_sync);
/* The disk takes so many bytes more (new bytes of files that grow), then it is full; -1: as many as there
 * are. */
void recording_room(int64_t bytes);
/* How many writes and syncs there were since the process began. */
struct recording_counts {
    unsigned long writes, syncs;
};
struct recording_counts recording_counts(void);

#endif
