/* SPDX-License-Identifier: Apache-2.0 */
#include "program/disk_space.h"

#include "base/clock.h"

#include <sys/statvfs.h>

static bool look(const char *path, struct statvfs *out)
{
    return statvfs(path, out) == 0 && out->f_blocks > 0;
}

bool disk_pool(const char *path, struct pool *out)
{
    enum { MIB_SHIFT = 20 };
    struct statvfs v;
    if (!look(path, &v))
        return false;
    *out = (struct pool){.name = "disk"};
    (void)pool_look(out, (int64_t)(v.f_bavail * v.f_frsize >> MIB_SHIFT),
                    (int64_t)(v.f_blocks * v.f_frsize >> MIB_SHIFT), clock_steady());
    return true;
}

enum err disk_takes_work(struct fail *f, const char *path, int64_t least)
{
    struct statvfs v;
    if (!look(path, &v) || (int64_t)((uint64_t)v.f_bavail * 100 / v.f_blocks) >= least)
        return ERR_OK;
    return fail_set(f, ERR_DISK_LOW, NULL, NULL);
}
