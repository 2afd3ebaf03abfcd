/* SPDX-License-Identifier: Apache-2.0 */
#include "program/control.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    QUESTION_MAX = 64 * 1024,
    CALL_MEMORY = 256 * 1024 * 1024,
    CALLS_MAX = 32,
    STACK = 1024 * 1024,
    WAITING = 2
};

struct control {
    char path[108];
    int fd;
    dev_t device; /* of the socket's file, with the next: which is ours */
    ino_t inode;
    const struct control_verb *verbs;
    size_t verb_count;
    void *self;
    atomic_bool stopping;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t idle;
    int threads, calls, waiting; /* threads: those that answer, and those that wait for somebody to ask */
};

static bool write_all(int fd, struct str bytes)
{
    while (bytes.n) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes = (struct str){bytes.p + n, bytes.n - (size_t)n};
    }
    return true;
}

void control_add_trouble(struct buf *answer, const struct fail *why)
{
    char text[sizeof(struct fail) + 256];
    json_add_text(answer, "name", str_of(err_row(why->err)->name));
    json_add_text(answer, "trouble", str_of(fail_text(why, FAIL_ENGLISH, text, sizeof text)));
    json_add_text(answer, "trouble_ja", str_of(fail_text(why, FAIL_JAPANESE, text, sizeof text)));
}

void control_progress(struct control_call *call, int64_t done, int64_t total)
{
    char line[80];
    snprintf(line, sizeof line, "{\"progress\":%lld,\"total\":%lld}\n", (long long)done, (long long)total);
    (void)write_all(call->fd, str_of(line));
}

enum { LOOK_MILLIS = 200 };

enum err control_wait_line(struct control_call *call, struct fail *f,
                           enum err (*look)(void *arg, struct fail *f), void *arg)
{
    enum err e = ERR_OK;
    while (!e && !atomic_load(call->stopping)) {
        struct pollfd p = {.fd = call->fd, .events = POLLIN};
        char line[256];
        if (poll(&p, 1, LOOK_MILLIS) <= 0) {
            e = look(arg, f);
            continue;
        }
        ssize_t n = recv(call->fd, line, sizeof line, 0);
        if (n <= 0)
            return fail_set(f, ERR_PEER_CLOSED, "control", NULL);
        if (line[n - 1] == '\n')
            return ERR_OK;
    }
    return e ? e : fail_set(f, ERR_STOPPING, NULL, NULL);
}

static enum err read_line(struct fail *f, int fd, struct buf *line)
{
    while (!line->n || line->p[line->n - 1] != '\n') {
        char chunk[4096];
        ssize_t n = recv(fd, chunk, sizeof chunk, 0);
        if (n <= 0)
            return fail_set(f, ERR_IO, "control", "the question has no end");
        buf_add(line, chunk, (size_t)n);
        if (line->broken)
            return buf_check(line, f, "control");
    }
    return ERR_OK;
}

/* Tests move the clock of a running daemon that was started with JUKI_CLOCK_SHIFT; of any other nobody can.
 */
static enum err shift_clock(struct control_call *call, struct fail *f)
{
    enum { DECADE = 3653 * 86400 };
    int64_t seconds = 0;
    if (!getenv("JUKI_CLOCK_SHIFT"))
        return fail_set(f, ERR_STATE, "do", "this daemon's clock cannot be moved");
    enum err e = json_member_int(f, call->question, "seconds", -(int64_t)DECADE, DECADE, &seconds);
    if (!e)
        clock_shift(seconds);
    return e;
}

static enum err run_verb(struct control *c, struct control_call *call, struct fail *f)
{
    struct str verb = {NULL, 0};
    enum err e = json_member_text(f, call->question, "do", &call->arena, &verb);
    if (e)
        return e;
    for (size_t i = 0; i < c->verb_count; i++)
        if (str_equal(verb, str_of(c->verbs[i].name)))
            return c->verbs[i].run(c->self, call, f);
    if (str_equal(verb, STR("clock_shift")))
        return shift_clock(call, f);
    return fail_set(f, ERR_USAGE, "do", "%.*s", STR_ARG(verb));
}

static void write_failure(struct buf *b, const struct fail *f)
{
    char text[400];
    buf_clear(b);
    json_begin(b, NULL, '{');
    json_add_bool(b, "ok", false);
    json_add_int(b, "error", f->err);
    json_add_text(b, "name", str_of(err_row(f->err)->name));
    json_add_text(b, "text", str_of(fail_text(f, FAIL_ENGLISH, text, sizeof text)));
    json_add_text(b, "text_ja", str_of(fail_text(f, FAIL_JAPANESE, text, sizeof text)));
}

static void answer(struct control *c, int fd)
{
    struct control_call call = {.fd = fd, .stopping = &c->stopping};
    struct fail f = {0};
    struct buf line;
    struct json *tree = NULL;
    buf_init(&line, QUESTION_MAX);
    buf_init(&call.answer, CONTROL_LINE_MAX);
    arena_init(&call.arena, CALL_MEMORY);
    json_begin(&call.answer, NULL, '{');
    json_add_bool(&call.answer, "ok", true);
    enum err e = read_line(&f, fd, &line);
    if (!e)
        e = json_read(&f, buf_str(&line), &tree);
    call.question = tree;
    if (!e)
        e = run_verb(c, &call, &f);
    if (!e)
        e = buf_check(&call.answer, &f, "answer");
    if (e) {
        f.err = e;
        write_failure(&call.answer, &f);
    }
    buf_add_str(&call.answer, STR("}\n"));
    (void)write_all(fd, buf_str(&call.answer));
    json_free(tree);
    arena_release(&call.arena);
    buf_release(&call.answer);
    buf_release(&line);
}

/* ---- threads: two wait for questions at any time, so that nobody waits for a thread ---- */

static void *serve_run(void *arg);

static bool serve_start(struct control *c)
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_mutex_lock(&c->lock);
    c->threads++;
    c->waiting++;
    pthread_mutex_unlock(&c->lock);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK);
    bool started = pthread_create(&thread, &attributes, serve_run, c) == 0;
    pthread_attr_destroy(&attributes);
    if (!started) {
        pthread_mutex_lock(&c->lock);
        c->threads--;
        c->waiting--;
        pthread_mutex_unlock(&c->lock);
    }
    return started;
}

/* False when there are too many. */
static bool call_begin(struct control *c)
{
    pthread_mutex_lock(&c->lock);
    bool taken = c->calls < CALLS_MAX;
    c->calls += taken;
    c->waiting -= taken;
    bool last = !c->waiting;
    pthread_mutex_unlock(&c->lock);
    if (last)
        (void)serve_start(c); /* without another thread, who asks now waits for one of those that answer */
    return taken;
}

/* True when the thread is to wait for the next question. */
static bool call_end(struct control *c)
{
    pthread_mutex_lock(&c->lock);
    bool stays = c->waiting < WAITING;
    c->calls--;
    c->waiting += stays;
    pthread_mutex_unlock(&c->lock);
    return stays;
}

static void *serve_run(void *arg)
{
    struct control *c = arg;
    bool waits = true;
    while (waits && !atomic_load(&c->stopping)) {
        int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE)
                usleep(100000);
            continue;
        }
        bool taken = call_begin(c);
        if (taken)
            answer(c, fd);
        close(fd);
        waits = !taken || call_end(c);
    }
    pthread_mutex_lock(&c->lock);
    c->waiting -= waits;
    c->threads--;
    pthread_cond_signal(&c->idle);
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    return at;
}

bool control_in_use(const char *path)
{
    struct sockaddr_un at = address_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool used = fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
    if (fd >= 0)
        close(fd);
    return used;
}

static bool file_is_ours(const struct control *c)
{
    struct stat st;
    return stat(c->path, &st) == 0 && st.st_dev == c->device && st.st_ino == c->inode;
}

static enum err listen_at(struct fail *f, struct control *c)
{
    struct sockaddr_un at = address_of(c->path);
    struct stat st;
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        return fail_errno(f, ERR_IO, "socket");
    unlink(c->path);
    mode_t before = umask(0077);
    int failed = bind(c->fd, (struct sockaddr *)&at, sizeof at);
    umask(before);
    if (failed || listen(c->fd, 64) != 0 || stat(c->path, &st) != 0)
        return fail_errno(f, ERR_IO, c->path);
    c->device = st.st_dev;
    c->inode = st.st_ino;
    return ERR_OK;
}

enum err control_start(struct fail *f, const char *path, const struct control_verb *verbs, size_t count,
                       void *self, struct control **out)
{
    struct control *c = memory_new(sizeof *c);
    if (!c)
        return fail_set(f, ERR_MEMORY, "control", NULL);
    if (strlen(path) >= sizeof c->path) {
        memory_free(c);
        return fail_set(f, ERR_LIMIT, "control", "a socket's path has at most 107 bytes");
    }
    snprintf(c->path, sizeof c->path, "%s", path);
    c->verbs = verbs;
    c->verb_count = count;
    c->self = self;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->idle, NULL);
    enum err e = listen_at(f, c);
    if (!e && !serve_start(c))
        e = fail_set(f, ERR_MEMORY, "thread", NULL);
    if (e) {
        if (c->fd >= 0)
            close(c->fd);
        memory_free(c);
        return e;
    }
    *out = c;
    return ERR_OK;
}

void control_stop(struct control *c)
{
    if (!c)
        return;
    atomic_store(&c->stopping, true);
    shutdown(c->fd, SHUT_RDWR);
    pthread_mutex_lock(&c->lock);
    while (c->threads)
        pthread_cond_wait(&c->idle, &c->lock);
    pthread_mutex_unlock(&c->lock);
    close(c->fd);
    if (file_is_ours(c))
        unlink(c->path);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->idle);
    memory_free(c);
}
