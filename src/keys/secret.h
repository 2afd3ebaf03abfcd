/* SPDX-License-Identifier: Apache-2.0 */
/* Files that hold a secret: private keys, number keys, PINs.
 *
 * Read only when a regular file (no symbolic link) of this user or root that group and others can neither
 * read nor write; made with mode 0600 and never over an existing one. What was read lies in one buffer, wiped
 * on release. */
#ifndef JUKI_KEYS_SECRET_H
#define JUKI_KEYS_SECRET_H

#include "base/buf.h"

enum { SECRET_MAX = 16384 };

/* Appends the whole file to out, whose maximum must be at least SECRET_MAX. ERR_KEY_PERMISSION,
 * ERR_NOT_FOUND, ERR_LIMIT, ERR_IO. */
MUST_CHECK enum err secret_read(struct fail *f, const char *path, struct buf *out);
/* ERR_EXISTS when there is a file of that name. After a crash there is the whole file or none; once this
 * has returned, the file. */
MUST_CHECK enum err secret_create(struct fail *f, const char *path, struct str bytes);
/* "file:PATH" gives PATH (borrowed); NULL for any other URI. */
const char *secret_path(const char *uri);

#endif
