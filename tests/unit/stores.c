/* SPDX-License-Identifier: Apache-2.0 */
#include "stores.h"

#include "base/file.h"
#include "postgres.h"
#include "test.h"

#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/juki-stores-XXXXXX";
static int files;

const char *sqlite_fresh(void)
{
    static char path[64];
    if (!files && !mkdtemp(folder))
        abort();
    snprintf(path, sizeof path, "%s/%d.db", folder, files++);
    return path;
}

bool store_is_postgresql(void)
{
    const char *wanted = getenv("JUKI_TEST_STORE");
    return wanted && strcmp(wanted, "postgresql") == 0;
}

const char *store_fresh(void)
{
    if (!store_is_postgresql())
        return sqlite_fresh();
    if (!postgres_start())
        exit(77);
    return postgres_fresh();
}

void file_copy(const char *from, const char *to)
{
    struct buf b;
    buf_init(&b, 256 << 20);
    assert_ok(file_read(NULL, from, &b));
    assert_ok(file_write(NULL, to, buf_str(&b), 0600));
    buf_release(&b);
}

static int remove_one(const char *name, const struct stat *st UNUSED, int flag UNUSED, struct FTW *at UNUSED)
{
    return remove(name);
}

void folder_remove(const char *path)
{
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int stores_clean(void **state UNUSED)
{
    if (files)
        folder_remove(folder);
    postgres_stop();
    return 0;
}

void both_stores(void (*test)(const char *url))
{
    test(sqlite_fresh());
    if (postgres_start())
        test(postgres_fresh());
    else
        print_message("left out on PostgreSQL\n");
}

struct db *stores_open(const char *url, const struct db_module *const *modules, size_t count)
{
    struct db *db = NULL;
    struct fail f = {0};
    char text[300];
    if (db_open(&f, url, modules, count, &db))
        fail_msg("%s", fail_text(&f, FAIL_ENGLISH, text, sizeof text));
    return db;
}
