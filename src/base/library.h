/* SPDX-License-Identifier: Apache-2.0 */
/* A shared library that is loaded when something first wants it (dlopen(3)), and then stays.
 *
 * For what few starts of a program need and all would pay for: libpq and libcurl bring twenty libraries with
 * them, LDAP and Kerberos among others, which is more than half of the time in which `juki` starts.
 *
 * The functions stand in one list, from which come a struct of pointers, typed by the library's own header,
 * and the names to look up: db/libpq.h. */
#ifndef JUKI_BASE_LIBRARY_H
#define JUKI_BASE_LIBRARY_H

#include "base/err.h"

#include <stddef.h>

struct library_name {
    const char *name;
    size_t at; /* the pointer's place in the struct of pointers */
};
/* soname: "libpq.so.5". functions: the struct of pointers, filled once all are found. Callers take turns
 * (pthread_once). ERR_IO, with the loader's words, leaves the struct as it was. */
enum err library_load(struct fail *f, const char *soname, const struct library_name *names, size_t count,
                      void *functions);

#endif
