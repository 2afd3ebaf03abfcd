/* SPDX-License-Identifier: Apache-2.0 */
/* Starting and ending daemons without systemd.
 *
 * Which process is a node's: the one that listens at its control socket (the kernel knows its pid), else the
 * one of run/pid when its command line still names the node's folder, so that a number used again by another
 * program is never signalled. */
#include "command/node_process.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
enum { TRY_AGAIN_MILLIS = 25, LOG_TAIL_LINES = 15, LOG_TAIL_BYTES = 8192 };

/* ---- which process */

static bool command_line_names(pid_t pid, struct str folder)
{
    char path[64];
    struct buf text;
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    buf_init(&text, NETWORK_PATH_MAX * 2);
    bool found = false;
    if (!file_read(NULL, path, &text)) {
        struct str rest = buf_str(&text), word;
        while (str_cut(&rest, 0, &word))
            found = found || str_equal(word, folder);
    }
    buf_release(&text);
    return found;
}

static pid_t pid_of_file(const struct network_node *node)
{
    char path[NETWORK_PATH_MAX];
    struct buf text;
    uint64_t pid = 0;
    snprintf(path, sizeof path, "%.*s/run/pid", STR_ARG(node->folder));
    buf_init(&text, 64);
    if (file_read(NULL, path, &text) || !str_to_uint(str_trim(buf_str(&text)), INT32_MAX, &pid))
        pid = 0;
    buf_release(&text);
    return pid && command_line_names((pid_t)pid, node->folder) ? (pid_t)pid : 0;
}

pid_t node_pid(const struct network_node *node)
{
    pid_t pid = control_pid(node->control.p);
    return pid > 0 ? pid : pid_of_file(node);
}

/* ---- asking */

static void draw(void *arg, int64_t done, int64_t total)
{
    struct progress *bar = arg;
    bar->total = total > 0 ? (uint64_t)total : 0;
    progress_set(bar, done > 0 ? (uint64_t)done : 0);
}

static enum err name_node(struct fail *f, enum err e, const struct network_node *node)
{
    if (e && f && !f->field[0])
        snprintf(f->field, sizeof f->field, "%s", node->name.text);
    return e;
}

enum err node_ask_text(struct fail *f, const struct network_node *node, struct str question,
                       const char *label, struct json **answer)
{
    struct progress bar = {.label = label};
    struct control_question q = {
        .socket = node->control.p, .text = question, .wait_millis = label ? CONTROL_LONG : CONTROL_QUICK};
    if (label) {
        q.progress = draw;
        q.arg = &bar;
        progress_start(&bar, label, 0);
    }
    enum err e = control_ask(f, &q, answer);
    progress_end(&bar);
    return name_node(f, e, node);
}

enum err node_ask(struct fail *f, const struct network_node *node, const char *verb, struct json **answer)
{
    char question[64];
    snprintf(question, sizeof question, "{\"do\":\"%s\"}", verb);
    return node_ask_text(f, node, str_of(question), NULL, answer);
}

/* ---- starting */

/* "FOLDER OF juki/juki-ROLE". */
static enum err program_path(struct fail *f, const struct network_node *node,
                             char out[static NETWORK_PATH_MAX])
{
    char self[NETWORK_PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0)
        return fail_errno(f, ERR_IO, "/proc/self/exe");
    self[n] = 0;
    snprintf(out, NETWORK_PATH_MAX, "%s/juki-%s", dirname(self), node_role_name(node->name.role));
    return access(out, X_OK) == 0 ? ERR_OK : fail_set(f, ERR_PROGRAM_ABSENT, NULL, "%.160s", out);
}

static enum err write_pid(struct fail *f, const struct network_node *node, pid_t pid)
{
    char path[NETWORK_PATH_MAX], text[24];
    snprintf(path, sizeof path, "%.*s/run/pid", STR_ARG(node->folder));
    snprintf(text, sizeof text, "%d\n", (int)pid);
    return file_write(f, path, str_of(text), 0600);
}

static enum err spawn(struct fail *f, const struct network_node *node, pid_t *pid)
{
    char program[NETWORK_PATH_MAX], log[NETWORK_PATH_MAX], folder[NETWORK_PATH_MAX];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    enum err e = program_path(f, node, program);
    if (e)
        return e;
    snprintf(log, sizeof log, "%.*s/log/juki.log", STR_ARG(node->folder));
    snprintf(folder, sizeof folder, "%.*s", STR_ARG(node->folder));
    char *argv[] = {program, folder, NULL};
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    int failed = posix_spawn(pid, program, &actions, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (failed) {
        errno = failed;
        return fail_errno(f, ERR_PROGRAM_ABSENT, program);
    }
    return write_pid(f, node, *pid);
}

static bool ready(const struct network_node *node)
{
    struct json *answer = NULL;
    if (node_ask(NULL, node, "status", &answer))
        return false;
    bool yes =
        json_is(json_get(answer, "ready"), JSON_TRUE) || json_is(json_get(answer, "standby"), JSON_TRUE);
    json_free(answer);
    return yes;
}

static void show_log_tail(const struct network_node *node)
{
    char path[NETWORK_PATH_MAX], bytes[LOG_TAIL_BYTES];
    snprintf(path, sizeof path, "%.*s/log/juki.log", STR_ARG(node->folder));
    FILE *log = fopen(path, "re");
    if (!log)
        return;
    if (fseek(log, -(long)sizeof bytes, SEEK_END) != 0)
        rewind(log);
    size_t n = fread(bytes, 1, sizeof bytes, log), from = n;
    fclose(log);
    for (int lines = 0; from > 0; from--)
        if (bytes[from - 1] == '\n' && from < n && ++lines == LOG_TAIL_LINES)
            break;
    fprintf(stderr, "%s:\n%.*s", path, (int)(n - from), bytes + from);
}

enum start { START_READY, START_ENDED, START_SLOW };

/* Until the daemon is ready, ended, or too slow; the process is ours or started by another juki. */
static enum start wait_ready(const struct network_node *node, pid_t pid)
{
    int64_t deadline = clock_steady() + (int64_t)NODE_START_MILLIS * 1000;
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    enum start state = START_READY;
    while (state == START_READY && !ready(node)) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (fd < 0 || poll(&p, 1, TRY_AGAIN_MILLIS) > 0)
            state = START_ENDED;
        else if (clock_steady() > deadline)
            state = START_SLOW;
    }
    if (fd >= 0)
        close(fd);
    if (state == START_ENDED)
        waitpid(pid, NULL, WNOHANG);
    return state;
}

static enum err not_ready(struct fail *f, const struct network_node *node, enum start state)
{
    show_log_tail(node);
    return fail_set(f, ERR_NODE_START, node->name.text, "%s: %.140s/log/juki.log",
                    state == START_ENDED ? "it ended" : "not ready within 20 s", node->folder.p);
}

enum err node_start(struct fail *f, const struct network_node *node, bool *started)
{
    pid_t pid = node_pid(node);
    enum err e = ERR_OK;
    bool fresh = pid == 0;
    enum start state = fresh ? START_ENDED : wait_ready(node, pid);
    if (state == START_ENDED) { /* also the one found: it was about to end */
        fresh = true;
        e = spawn(f, node, &pid);
        state = e ? state : wait_ready(node, pid);
    }
    if (!e && state != START_READY)
        e = not_ready(f, node, state);
    if (!e && started)
        *started = fresh;
    return e;
}

/* ---- ending */

void node_signal(pid_t pid, int signal)
{
    if (pid > 1)
        kill(pid, signal);
}

enum err node_wait_end(struct fail *f, const struct network_node *node, pid_t pid, int millis)
{
    int64_t deadline = clock_steady() + (int64_t)millis * 1000;
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return errno == ESRCH ? ERR_OK : fail_errno(f, ERR_NODE_STOP, node->name.text);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int gone = 0;
    while (gone <= 0 && clock_steady() < deadline)
        gone = poll(&p, 1, (int)((deadline - clock_steady()) / 1000) + 1);
    close(fd);
    waitpid(pid, NULL, WNOHANG); /* a child of ours, as in the demonstration, would stay a zombie */
    return gone > 0 ? ERR_OK : fail_set(f, ERR_NODE_STOP, node->name.text, "%d s", millis / 1000);
}
