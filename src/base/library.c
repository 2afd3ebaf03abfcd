/* SPDX-License-Identifier: Apache-2.0 */
#include "base/library.h"

#include <dlfcn.h>
#include <string.h>

static enum err not_loaded(struct fail *f, const char *soname)
{
    const char *why = dlerror();
    return fail_set(f, ERR_IO, soname, "%s", why ? why : "");
}

enum err library_load(struct fail *f, const char *soname, const struct library_name *names, size_t count,
                      void *functions)
{
    void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return not_loaded(f, soname);
    for (size_t i = 0; i < count; i++)
        if (!dlsym(library, names[i].name))
            return not_loaded(f, soname);
    for (size_t i = 0; i < count; i++) {
        void *function = dlsym(library, names[i].name);
        memcpy((char *)functions + names[i].at, &function, sizeof function);
    }
    return ERR_OK;
}
