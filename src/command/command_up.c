/* SPDX-License-Identifier: Apache-2.0 */
/* juki up, juki down: the daemons of a network on this machine. */
#include "command/command.h"
#include "command/nouns.h"
#include "command/node_process.h"

#include <signal.h>

/* Is the node among the words after DIR, or were none given? */
static bool chosen(const struct command_call *c, const struct network_node *node)
{
    for (size_t i = 1; i < c->word_count; i++)
        if (strcmp(c->words[i], node->name.text) == 0)
            return true;
    return c->word_count == 1;
}

static enum err load(struct command_call *c, struct fail *f, struct network *n)
{
    const struct network_node *node;
    enum err e = network_load(f, c->words[0], &c->arena, n);
    for (size_t i = 1; i < c->word_count && !e; i++)
        e = network_find(f, n, c->words[i], &node);
    return e;
}

static enum err up(struct command_call *c, struct fail *f)
{
    struct network n;
    enum err e = load(c, f, &n);
    if (!e)
        e = network_make_sockets(f, &n);
    for (size_t i = 0; i < n.count && !e; i++) {
        bool started = false;
        if (!chosen(c, &n.nodes[i]))
            continue;
        e = node_start(f, &n.nodes[i], &started);
        if (!e)
            printf("%-18s %s\n", n.nodes[i].name.text,
                   started ? command_text(c, "started", "起動しました") : command_text(c, "runs already", "稼働中です"));
    }
    return e;
}

struct down_options {
    bool kill;
};
static const struct option_row down_rows[] = {
    {.name = "kill", OPTION_FLAG_AT(struct down_options, kill), .help = "end by force what does not stop in 20 s",
     .help_ja = "20秒で停止しないものを強制終了する"},
};

static enum err stop_one(struct command_call *c, struct fail *f, const struct network_node *node, pid_t pid)
{
    const struct down_options *o = c->options;
    enum err e = node_wait_end(f, node, pid, NODE_STOP_MILLIS);
    const char *how = command_text(c, "stopped", "停止しました");
    if (e == ERR_NODE_STOP && o->kill) {
        node_signal(pid, SIGKILL);
        e = node_wait_end(f, node, pid, NODE_STOP_MILLIS);
        how = command_text(c, "ended by force", "強制終了しました");
    }
    if (!e)
        printf("%-18s %s\n", node->name.text, how);
    return e;
}

static enum err down(struct command_call *c, struct fail *f)
{
    struct network n;
    enum err e = load(c, f, &n), failed = ERR_OK;
    if (e)
        return e;
    pid_t *pids = arena_alloc(&c->arena, n.count * sizeof *pids + 1);
    if (!pids)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    for (size_t i = n.count; i-- > 0;) { /* from the registers up */
        pids[i] = chosen(c, &n.nodes[i]) ? node_pid(&n.nodes[i]) : 0;
        node_signal(pids[i], SIGTERM);
    }
    for (size_t i = n.count; i-- > 0;) {
        if (!pids[i])
            continue;
        e = stop_one(c, f, &n.nodes[i], pids[i]);
        failed = e ? e : failed;
    }
    return failed;
}

static const struct command_row up_rows[] = {
    {.words = "DIR [NODE]...", .least = 1, .most = NETWORK_NODES_MAX, .run = up,
     .help = "Start the servers in the background and wait until each is ready; what runs is left alone.",
     .help_ja = "サーバを起動し、準備が整うまで待つ。稼働中のものはそのまま。"},
};
static const struct command_row down_command[] = {
    {.words = "DIR [NODE]...", .least = 1, .most = NETWORK_NODES_MAX, .run = down, .options = down_rows,
     .option_count = COUNT_OF(down_rows), .size = sizeof(struct down_options),
     .help = "Stop the servers in an orderly way.", .help_ja = "サーバを正常に停止する。"},
};
const struct command_noun command_up = {"up", "start the servers of a network", "サーバを起動する", up_rows,
                                        COUNT_OF(up_rows)};
const struct command_noun command_down = {"down", "stop them", "サーバを停止する", down_command,
                                          COUNT_OF(down_command)};
