/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL's client library, loaded when a database's URL first asks for it (base/library.h). Whoever has a
 * connection may call its functions: libpq.exec(...) is PQexec. */
#ifndef JUKI_DB_LIBPQ_H
#define JUKI_DB_LIBPQ_H

#include "base/library.h"

#include <libpq-fe.h>

#define LIBPQ_FUNCTIONS(F)                                                                                   \
    F(clear)                                                                                                 \
    F(cmdStatus)                                                                                             \
    F(cmdTuples)                                                                                             \
    F(connectdbParams)                                                                                       \
    F(describePrepared)                                                                                      \
    F(errorMessage)                                                                                          \
    F(exec)                                                                                                  \
    F(execPrepared)                                                                                          \
    F(finish)                                                                                                \
    F(ftype)                                                                                                 \
    F(getisnull)                                                                                             \
    F(getlength)                                                                                             \
    F(getvalue)                                                                                              \
    F(nfields)                                                                                               \
    F(ntuples)                                                                                               \
    F(parameterStatus)                                                                                       \
    F(prepare)                                                                                               \
    F(resultErrorField)                                                                                      \
    F(resultStatus)                                                                                          \
    F(setNoticeReceiver)                                                                                     \
    F(status)                                                                                                \
    F(transactionStatus)

struct libpq {
#define LIBPQ_POINTER(name) __typeof__(&PQ##name) name;
    LIBPQ_FUNCTIONS(LIBPQ_POINTER)
#undef LIBPQ_POINTER
};
extern struct libpq libpq;
/* May be called again, by any thread. ERR_IO. */
enum err libpq_load(struct fail *f);

#endif
