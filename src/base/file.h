/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files: read with a limit, written so that a crash leaves the old or the new one, never half. */
#ifndef JUKI_BASE_FILE_H
#define JUKI_BASE_FILE_H

#include "base/buf.h"

/* Appends the whole file to out (ERR_LIMIT when it is larger than out allows, ERR_NOT_FOUND, ERR_IO). */
MUST_CHECK enum err file_read(struct fail *f, const char *path, struct buf *out);
/* Writes to a temporary name beside it, syncs, renames, syncs the folder. mode e.g. 0600. */
MUST_CHECK enum err file_write(struct fail *f, const char *path, struct str bytes, unsigned mode);
/* Syncs the folder that PATH lies in: the names that were made, moved and removed there are on disk then. */
MUST_CHECK enum err file_sync_folder(struct fail *f, const char *path);
/* mkdir -p with mode 0700 for what it makes. */
MUST_CHECK enum err file_make_folder(struct fail *f, const char *path);
bool file_exists(const char *path);

#endif
