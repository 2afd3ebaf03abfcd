/* SPDX-License-Identifier: Apache-2.0 */
#include "stores.h"

#include <ftw.h>
#include <unistd.h>

static char folder[] = "/tmp/juki-stores-XXXXXX";
static char path[64];
static int files;

const char *sqlite_fresh(void)
{
    if (!files && !mkdtemp(folder))
        abort();
    snprintf(path, sizeof path, "%s/%d.db", folder, files++);
    return path;
}

static int remove_one(const char *name, const struct stat *st UNUSED, int flag UNUSED, struct FTW *at UNUSED)
{
    return remove(name);
}

int stores_clean(void **state UNUSED)
{
    return files ? nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) : 0;
}

void both_stores(void (*test)(const char *url))
{
    test(sqlite_fresh());
}
