/* SPDX-License-Identifier: Apache-2.0 */
#include "program/server_main.h"

#include "program/daemon.h"
#include "program/server.h"

struct running {
    struct server server;
    struct control *control;
    enum node_role role;
};

static enum err open_server(void *self, struct fail *f, const char *folder)
{
    struct running *r = self;
    enum err e = server_open(&r->server, f, folder, r->role);
    if (!e)
        e = server_start(&r->server, f);
    if (!e)
        e = control_start(f, r->server.config.control.p, server_verbs, server_verb_count, &r->server, &r->control);
    return e;
}

static enum err reload(void *self, struct fail *f)
{
    struct running *r = self;
    return server_reload(&r->server, f);
}

static void close_server(void *self)
{
    struct running *r = self;
    if (r->server.db)
        db_give_up(r->server.db); /* a question that waits for it would hold up the end */
    control_stop(r->control);
    server_close(&r->server);
}

int server_main(enum node_role role, const char *program, const char *purpose, int argc, char **argv)
{
    static struct running running; /* one server a process */
    running.role = role;
    const struct daemon d = {program, purpose, open_server, reload, close_server, &running};
    return daemon_main(&d, argc, argv);
}
