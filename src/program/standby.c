/* SPDX-License-Identifier: Apache-2.0 */
#include "program/standby.h"

#include "base/clock.h"
#include "base/log.h"
#include "program/control.h"
#include "program/daemon.h"

#include <systemd/sd-daemon.h>

/* A predecessor that was killed a moment ago is gone within the first: nobody hears of a standby then. */
enum { QUIET_MICROS = 2 * 1000 * 1000, TRY_MICROS = 250 * 1000 };

struct waiting {
    const struct node_config *config;
    struct control *control;
    int64_t since; /* stamp */
};

static enum err verb_status(void *self, struct control_call *call, struct fail *f UNUSED)
{
    const struct waiting *w = self;
    struct buf *b = &call->answer;
    json_add_text(b, "node", w->config->node);
    json_add_bool(b, "ready", false);
    json_add_bool(b, "standby", true);
    json_add_text(b, "version", STR(JUKI_VERSION));
    json_add_int(b, "standby_seconds", (clock_now() - w->since) / 1000000);
    return ERR_OK;
}

static const struct control_verb verbs[] = {{"status", "that it waits", verb_status}};

/* Beside the writer in one folder the socket is the writer's. */
static void announce(struct waiting *w)
{
    struct fail f;
    LOG(LOG_WARNING, "standby", LOG_TEXT("node", w->config->node.p),
        LOG_TEXT("why", "another process of this server is the writer of its database"));
    sd_notify(
        0, "READY=1\nSTATUS=standby: another process of this server works; this one takes over when it ends");
    if (control_in_use(w->config->control.p))
        return;
    if (control_start(&f, w->config->control.p, verbs, COUNT_OF(verbs), w, &w->control))
        log_fail(LOG_WARNING, "standby_without_control", &f);
}

/* Errors that pass while another process works: it has the lock, or PostgreSQL starts again under both. */
static bool may_pass(const struct waiting *w, enum err e)
{
    return e == ERR_DB_LOCKED || e == ERR_DB_BUSY || (e == ERR_DB_OPEN && w->since);
}

static void on_lost(void *arg UNUSED, const struct fail *f)
{
    log_fail(LOG_ALARM, "database_lost", f);
    daemon_end(3);
}

enum err standby_open(struct fail *f, const struct node_config *config,
                      const struct db_module *const *modules, size_t count, struct db **out)
{
    struct waiting w = {.config = config};
    int64_t start = clock_steady();
    enum err e = db_open(f, config->database.p, modules, count, out);
    while (e && db_is_postgresql(config->database.p) && may_pass(&w, e)) {
        if (!w.since && clock_steady() - start > QUIET_MICROS) {
            w.since = clock_now();
            announce(&w);
        }
        e = daemon_pause(TRY_MICROS) ? fail_set(f, ERR_STOPPING, NULL, NULL)
                                     : db_open(f, config->database.p, modules, count, out);
    }
    control_stop(w.control);
    if (!e && w.since) {
        LOG(LOG_WARNING, "taken_over", LOG_TEXT("node", config->node.p),
            LOG_NUMBER("waited_seconds", (clock_now() - w.since) / 1000000));
        sd_notify(0, "STATUS=working: took over");
    }
    if (!e)
        db_on_lost(*out, on_lost, NULL);
    return e;
}
