/* SPDX-License-Identifier: Apache-2.0 */
#include "db/libpq.h"

#include "base/attr.h"

#include <pthread.h>

struct libpq libpq;

static struct fail failure;

static void load(void)
{
#define LIBPQ_NAME(name) {"PQ" #name, offsetof(struct libpq, name)},
    static const struct library_name names[] = {LIBPQ_FUNCTIONS(LIBPQ_NAME)};
#undef LIBPQ_NAME
    library_load(&failure, "libpq.so.5", names, COUNT_OF(names), &libpq);
}

enum err libpq_load(struct fail *f)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return failure.err ? fail_pass(f, &failure) : ERR_OK;
}
