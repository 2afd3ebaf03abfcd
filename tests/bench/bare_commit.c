/* SPDX-License-Identifier: Apache-2.0 */
#include "bare_commit.h"

#include "base/arena.h"
#include "bench.h"

#include <libpq-fe.h>

enum { NUMBER_SIZE = 24 };

struct bare_commit {
    PGconn *link;
    long long last;
};

static enum err refuse(struct bare_commit *b, struct fail *f)
{
    return fail_set(f, ERR_DB, "baseline", "%s", PQerrorMessage(b->link));
}

static enum err take(struct bare_commit *b, struct fail *f, PGresult *r)
{
    bool good = PQresultStatus(r) == PGRES_COMMAND_OK;
    PQclear(r);
    return good ? ERR_OK : refuse(b, f);
}

static enum err run(struct bare_commit *b, struct fail *f, const char *sql)
{
    return take(b, f, PQexec(b->link, sql));
}

static enum err insert(struct bare_commit *b, struct fail *f)
{
    char number[NUMBER_SIZE];
    const char *values[] = {number, "a note"};
    snprintf(number, sizeof number, "%lld", ++b->last);
    return take(b, f, PQexecPrepared(b->link, "row", COUNT_OF(values), values, NULL, NULL, 0));
}

static enum err set_up(struct bare_commit *b, struct fail *f)
{
    enum err e = run(b, f,
                     "CREATE TABLE bare (id BIGINT NOT NULL PRIMARY KEY, note TEXT NOT NULL);"
                     "CREATE INDEX bare_note ON bare (note)");
    return e ? e
             : take(b, f, PQprepare(b->link, "row", "INSERT INTO bare (id, note) VALUES ($1, $2)", 0, NULL));
}

enum err bare_commit_new(struct fail *f, const char *url, struct bare_commit **out)
{
    struct bare_commit *b = memory_new(sizeof *b);
    if (!b)
        return fail_set(f, ERR_MEMORY, "baseline", NULL);
    b->link = PQconnectdb(url);
    enum err e = PQstatus(b->link) == CONNECTION_OK ? set_up(b, f) : refuse(b, f);
    if (e)
        bare_commit_free(b);
    else
        *out = b;
    return e;
}

enum err bare_commit_once(struct bare_commit *b, struct fail *f, enum bare_commit_trips trips,
                          double *seconds)
{
    enum err e = ERR_OK;
    double start = bench_now();
    if (trips == BARE_THREE_TRIPS)
        e = run(b, f, "BEGIN");
    if (!e)
        e = insert(b, f);
    if (!e && trips == BARE_THREE_TRIPS)
        e = run(b, f, "COMMIT");
    *seconds = bench_now() - start;
    return e;
}

void bare_commit_free(struct bare_commit *b)
{
    if (!b)
        return;
    PQfinish(b->link);
    memory_free(b);
}
