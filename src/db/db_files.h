/* SPDX-License-Identifier: Apache-2.0 */
/* A SQLite database as the files it is: what backup and restore do to it from outside.
 *
 * PATH is the database, PATH-wal what was committed and not copied back yet, PATH-shm is made anew at each
 * opening, PATH-lock is held while a server runs. While PATH-restoring stands there, db_open refuses PATH
 * (ERR_DB_RESTORING): a restore is putting another one in its place. */
#ifndef JUKI_DB_DB_FILES_H
#define JUKI_DB_DB_FILES_H

#include "base/err.h"

#include <limits.h>

/* PATH without symbolic links, whether it exists or not. ERR_DB_OPEN. */
MUST_CHECK enum err db_files_real(struct fail *f, const char *path, char out[static PATH_MAX]);
/* Holds what a running server holds, so that none starts meanwhile; close(*lock) gives it back.
 * ERR_DB_LOCKED. */
MUST_CHECK enum err db_files_lock(struct fail *f, const char *path, int *lock);
/* Is every page of a database that nobody has open sound? ERR_DB_BROKEN. */
MUST_CHECK enum err db_files_check(struct fail *f, const char *path);
/* Puts `from`, which was closed with db_close, in the place of `path`; what stood there is called `aside`
 * from then on, its WAL with it. All lie in one folder; the caller holds path's lock. Killed at any moment it
 * leaves the old one, the new one, or one that db_open refuses until this is done again; aside may then
 * become the name that was said the first time. epoch (of the new one, 0: it has none) is what
 * db_files_broken_off says until it is done. */
MUST_CHECK enum err db_files_replace(struct fail *f, const char *path, const char *from,
                                     char aside[static PATH_MAX], int64_t epoch);
/* The epoch of the newest attempt to replace it that was broken off; 0: none was, or it had none. */
int64_t db_files_broken_off(const char *path);
/* Removes a database with all that belongs to it, its lock too. */
MUST_CHECK enum err db_files_remove(struct fail *f, const char *path);

#endif
