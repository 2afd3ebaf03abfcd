/* SPDX-License-Identifier: Apache-2.0 */
/* How much is free of the disk that a database lies on. */
#ifndef JUKI_PROGRAM_DISK_SPACE_H
#define JUKI_PROGRAM_DISK_SPACE_H

#include "base/err.h"
#include "base/pool.h"

/* *left and *of in MiB, as a pool that stands at its level at once. path: of a file or folder there. False
 * when the disk does not tell. */
bool disk_pool(const char *path, struct pool *out);
/* ERR_DISK_LOW when less than so many per cent are free. */
MUST_CHECK enum err disk_takes_work(struct fail *f, const char *path, int64_t least);

#endif
