/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for the pages of SQLite's caches, apart from all other memory.
 *
 * Caches fill for hours and give up pages and take others all the time, and with its header a page is some
 * 4,400 bytes. Among the batches and answers that come and go they took the holes that these had left, so
 * that the next found no place, and the heaps of a prefecture grew by 14 MB within an hour. Here a page can
 * only take the place of a page. What SQLite allocates otherwise comes from where it came from before. */
#include "db/sqlite.h"

#include <pthread.h>
#include <sys/mman.h>

enum { PAGE_BYTES = 4096, SLOT_ALIGNMENT = 16 };
static const size_t space = (size_t)256 << 20; /* of addresses; when all is used, pages come from the heap */

static sqlite3_mem_methods heap;
static struct {
    pthread_mutex_t lock;
    char *begin, *unused, *end; /* what lies before `unused` was given out at least once */
    size_t slot;
    void *spare; /* given back: each begins with the address of the next */
} pages = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_page(const void *p)
{
    return (const char *)p >= pages.begin && (const char *)p < pages.end;
}

static void *take(void)
{
    pthread_mutex_lock(&pages.lock);
    void *p = pages.spare;
    if (p) {
        memcpy(&pages.spare, p, sizeof pages.spare);
    } else if ((size_t)(pages.end - pages.unused) >= pages.slot) {
        p = pages.unused;
        pages.unused += pages.slot;
    }
    pthread_mutex_unlock(&pages.lock);
    return p;
}

static void give_back(void *p)
{
    pthread_mutex_lock(&pages.lock);
    memcpy(p, &pages.spare, sizeof pages.spare);
    pages.spare = p;
    pthread_mutex_unlock(&pages.lock);
}

static void *allocate(int bytes)
{
    bool page = bytes > PAGE_BYTES && (size_t)bytes <= pages.slot;
    void *p = page ? take() : NULL;
    return p ? p : heap.xMalloc(bytes);
}

static void release(void *p)
{
    if (is_page(p))
        give_back(p);
    else
        heap.xFree(p);
}

static int size_of(void *p)
{
    return is_page(p) ? (int)pages.slot : heap.xSize(p);
}

static void *resize(void *p, int bytes)
{
    if (!is_page(p))
        return heap.xRealloc(p, bytes);
    if ((size_t)bytes <= pages.slot)
        return p;
    void *larger = heap.xMalloc(bytes);
    if (!larger)
        return NULL;
    memcpy(larger, p, pages.slot);
    give_back(p);
    return larger;
}

void sqlite_pages_apart(void)
{
    int header = 0;
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &heap) || sqlite3_config(SQLITE_CONFIG_PCACHE_HDRSZ, &header))
        return; /* SQLite works already, with its own */
    void *begin =
        mmap(NULL, space, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (begin == MAP_FAILED)
        return;
    sqlite3_mem_methods methods = heap;
    methods.xMalloc = allocate;
    methods.xFree = release;
    methods.xRealloc = resize;
    methods.xSize = size_of;
    pages.begin = pages.unused = begin;
    pages.end = pages.begin + space;
    pages.slot = ((size_t)PAGE_BYTES + (size_t)header + SLOT_ALIGNMENT - 1) / SLOT_ALIGNMENT * SLOT_ALIGNMENT;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}
