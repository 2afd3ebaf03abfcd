/* SPDX-License-Identifier: Apache-2.0 */
/* The pool. One thread, the keeper, starts and ends all workers: the kernel ends a worker when the thread
 * that started it ends (PR_SET_PDEATHSIG), so it must be one that lives as long as the pool. */
#include "print/print.h"

#include "base/clock.h"
#include "base/random.h"
#include "print/paper_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_SIZE = 1024, ARGUMENTS_MAX = 8, ENVIRONMENT_MAX = 24 };

enum worker_state {
    WORKER_WANTED, /* the keeper ends what is left of the last one and starts another */
    WORKER_READY,
    WORKER_BUSY,  /* some thread's */
    WORKER_FAILED /* it could not be started: why */
};
struct worker {
    enum worker_state state;
    pid_t pid;
    int fd; /* -1: none */
    int64_t papers;
    struct fail why;
};
struct print {
    char program[PATH_SIZE], seal[PATH_SIZE]; /* seal "": drawn */
    bool copy_ground, replace;
    pthread_mutex_t lock; /* guards what follows; a busy worker is its thread's alone */
    pthread_cond_t changed;
    pthread_t keeper;
    struct worker workers[PRINT_WORKERS_MAX];
    size_t count;
    int64_t replaced;
    bool closing;
};

/* ---- starting and ending a worker */

extern char **environ;

/* What the font library and sanitizers look at; nothing else of ours is the worker's business. */
static bool is_passed(const char *variable)
{
    static const char *const names[] = {
        "HOME=",         "XDG_CACHE_HOME=", "XDG_CONFIG_HOME=", "FONTCONFIG_FILE=", "FONTCONFIG_PATH=",
        "ASAN_OPTIONS=", "UBSAN_OPTIONS=",  "LSAN_OPTIONS="};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strncmp(variable, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static void list_environment(char *out[static ENVIRONMENT_MAX])
{
    size_t n = 0;
    for (char **variable = environ; *variable && n < ENVIRONMENT_MAX - 1; variable++)
        if (is_passed(*variable))
            out[n++] = *variable;
    out[n] = NULL;
}

static void list_arguments(struct print *p, char *out[static ARGUMENTS_MAX])
{
    static char seal[] = "--seal", ground[] = "--copy-ground", replace[] = "--replace";
    size_t n = 0;
    out[n++] = p->program;
    if (p->seal[0]) {
        out[n++] = seal;
        out[n++] = p->seal;
    }
    if (p->copy_ground)
        out[n++] = ground;
    if (p->replace)
        out[n++] = replace;
    out[n] = NULL;
}

/* In a group of its own, so that a key pressed at a terminal reaches the program alone; with no signal
 * blocked. */
static int spawn(struct print *p, int fd, pid_t *pid)
{
    char *arguments[ARGUMENTS_MAX], *environment[ENVIRONMENT_MAX];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    list_arguments(p, arguments);
    list_environment(environment);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    int failed = posix_spawn(pid, p->program, &actions, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return failed;
}

static enum err start_worker(struct print *p, struct worker *w)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return fail_errno(&w->why, ERR_PAPER_WORKER, "socketpair");
    int failed = spawn(p, ends[1], &w->pid);
    close(ends[1]);
    if (failed) {
        close(ends[0]);
        w->pid = 0;
        errno = failed;
        return fail_errno(&w->why, ERR_PAPER_WORKER, p->program);
    }
    w->fd = ends[0];
    w->papers = 0;
    return ERR_OK;
}

static void end_worker(struct worker *w)
{
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
    if (w->pid > 0) {
        kill(w->pid, SIGKILL);
        while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    w->pid = 0;
}

static struct worker *find(struct print *p, enum worker_state state)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->workers[i].state == state)
            return &p->workers[i];
    return NULL;
}

static void *keep(void *arg)
{
    struct print *p = arg;
    pthread_mutex_lock(&p->lock);
    while (!p->closing) {
        struct worker *w = find(p, WORKER_WANTED);
        if (!w) {
            pthread_cond_wait(&p->changed, &p->lock);
            continue;
        }
        bool again = w->pid > 0;
        pthread_mutex_unlock(&p->lock); /* what is wanted is nobody else's */
        end_worker(w);
        enum err e = start_worker(p, w);
        pthread_mutex_lock(&p->lock);
        w->state = e ? WORKER_FAILED : WORKER_READY;
        p->replaced += again;
        pthread_cond_broadcast(&p->changed);
    }
    pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; i < p->count; i++)
        end_worker(&p->workers[i]);
    return NULL;
}

/* ---- the pool */

static enum err set_program(struct fail *f, struct print *p, const char *program)
{
    char self[PATH_SIZE];
    int n;
    if (program) {
        n = snprintf(p->program, PATH_SIZE, "%s", program);
    } else {
        ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
        if (length <= 0)
            return fail_errno(f, ERR_PAPER_WORKER, "/proc/self/exe");
        self[length] = 0;
        n = snprintf(p->program, PATH_SIZE, "%s/juki-paper", dirname(self));
    }
    return n < PATH_SIZE ? ERR_OK : fail_set(f, ERR_LIMIT, "program", NULL);
}

static enum err set_options(struct fail *f, struct print *p, const struct print_options *o)
{
    p->copy_ground = o->copy_ground;
    p->replace = o->replace;
    p->count = o->workers ? o->workers : PRINT_WORKERS;
    assert(p->count <= PRINT_WORKERS_MAX);
    for (size_t i = 0; i < p->count; i++)
        p->workers[i] = (struct worker){.state = WORKER_WANTED, .fd = -1};
    if (o->seal && snprintf(p->seal, PATH_SIZE, "%s", o->seal) >= PATH_SIZE)
        return fail_set(f, ERR_LIMIT, "seal", NULL);
    return set_program(f, p, o->program);
}

enum err print_open(struct fail *f, const struct print_options *options, struct print **out)
{
    pthread_condattr_t steady;
    struct print *p = memory_new(sizeof *p);
    if (!p)
        return fail_set(f, ERR_MEMORY, "print", NULL);
    enum err e = set_options(f, p, options);
    if (e) {
        memory_free(p);
        return e;
    }
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&p->changed, &steady);
    pthread_condattr_destroy(&steady);
    int failed = pthread_create(&p->keeper, NULL, keep, p);
    if (failed) {
        errno = failed;
        memory_free(p);
        return fail_errno(f, ERR_PAPER_WORKER, "pthread_create");
    }
    *out = p;
    return ERR_OK;
}

void print_close(struct print *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->closing = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->keeper, NULL);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    memory_free(p);
}

size_t print_workers(struct print *p, struct print_worker *out, size_t most)
{
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < p->count && i < most; i++) {
        const struct worker *w = &p->workers[i];
        bool running = w->state == WORKER_READY || w->state == WORKER_BUSY;
        out[i] = (struct print_worker){running ? w->pid : 0, running ? w->papers : 0};
    }
    pthread_mutex_unlock(&p->lock);
    return p->count;
}

int64_t print_replaced(struct print *p)
{
    pthread_mutex_lock(&p->lock);
    int64_t replaced = p->replaced;
    pthread_mutex_unlock(&p->lock);
    return replaced;
}

/* ---- one paper */

/* Whether an idle worker is silent, as it must be; one that ended or speaks unasked is not used. */
static bool is_silent(const struct worker *w)
{
    struct pollfd poll_fd = {.fd = w->fd, .events = POLLIN};
    return poll(&poll_fd, 1, 0) == 0;
}

static void set_state(struct print *p, struct worker *w, enum worker_state state)
{
    w->state = state;
    pthread_cond_broadcast(&p->changed);
}

/* All that could be started failed: said to one, and tried again. */
static enum err none_starts(struct print *p, struct fail *f)
{
    struct worker *w = find(p, WORKER_FAILED);
    assert(w); /* none is ready, busy or wanted */
    struct fail why = w->why;
    set_state(p, w, WORKER_WANTED);
    return fail_pass(f, &why);
}

static enum err take_worker(struct print *p, struct fail *f, int64_t deadline, struct worker **out)
{
    const struct timespec until = {deadline / 1000000, deadline % 1000000 * 1000};
    enum err e = ERR_OK;
    struct worker *w = NULL;
    pthread_mutex_lock(&p->lock);
    while (!e && !w) {
        w = find(p, WORKER_READY);
        if (w && !is_silent(w)) {
            if (!w->papers) /* and so would the next, for ever */
                e = fail_set(f, ERR_PAPER_CRASH, NULL, "before its first paper");
            set_state(p, w, WORKER_WANTED);
            w = NULL;
        } else if (w) {
            w->state = WORKER_BUSY;
        } else if (!find(p, WORKER_BUSY) && !find(p, WORKER_WANTED)) {
            e = none_starts(p, f);
        } else if (pthread_cond_timedwait(&p->changed, &p->lock, &until) == ETIMEDOUT) {
            e = fail_set(f, ERR_PAPER_TIME, NULL, NULL);
        }
    }
    pthread_mutex_unlock(&p->lock);
    if (!e)
        *out = w;
    return e;
}

static void give_back(struct print *p, struct worker *w, bool sound)
{
    pthread_mutex_lock(&p->lock);
    w->papers += sound;
    set_state(p, w, sound ? WORKER_READY : WORKER_WANTED);
    pthread_mutex_unlock(&p->lock);
}

/* The answer is this order's and its PDF this content's. */
static enum err check_answer(struct fail *f, const struct paper_order *order,
                             const struct paper_answer *answer)
{
    char mark[PAPER_MARK_SIZE];
    paper_mark(order->content, mark);
    if (memcmp(answer->id, order->id, sizeof order->id) != 0)
        return fail_set(f, ERR_PAPER_OTHER, "id", NULL);
    if (!sha256_equal(answer->content, order->content))
        return fail_set(f, ERR_PAPER_OTHER, "content", NULL);
    if (answer->fail.err)
        return ERR_OK;
    if (!str_starts(answer->pdf, STR("%PDF-")) || !memmem(answer->pdf.p, answer->pdf.n, mark, strlen(mark)))
        return fail_set(f, ERR_PAPER_OTHER, "pdf", NULL);
    return ERR_OK;
}

/* Sends the order and takes the answer, which lies in frame. Any failure is the worker's. */
static enum err exchange(struct worker *w, struct fail *f, const struct paper_order *order, int64_t deadline,
                         struct buf *frame, struct paper_answer *answer)
{
    paper_order_write(order, frame);
    enum err e = buf_check(frame, f, "paper");
    if (!e)
        e = paper_send(f, w->fd, buf_str(frame), deadline);
    if (!e)
        e = paper_receive(f, w->fd, PAPER_ANSWER_MAX, deadline, frame);
    if (!e)
        e = paper_answer_read(f, buf_str(frame), answer);
    if (e == ERR_FRAME || e == ERR_FRAME_SIZE)
        e = fail_set(f, ERR_PAPER_OTHER, "frame", NULL);
    return e ? e : check_answer(f, order, answer);
}

static enum err take_pdf(struct fail *f, const struct paper_answer *answer, struct buf *pdf, size_t *pages)
{
    char *room = answer->fail.err ? NULL : buf_reserve(pdf, answer->pdf.n);
    if (answer->fail.err)
        return fail_pass(f, &answer->fail);
    if (!room)
        return buf_check(pdf, f, "pdf");
    memcpy(room, answer->pdf.p, answer->pdf.n);
    if (pages)
        *pages = answer->pages;
    return ERR_OK;
}

enum err print_make(struct print *p, struct fail *f, struct str json, int64_t deadline, struct buf *pdf,
                    size_t *pages)
{
    struct paper_order order = {.content = sha256_of(json), .created = clock_now(), .json = json};
    struct paper_answer answer;
    struct worker *w = NULL;
    struct buf frame;
    if (json.n > PAPER_JSON_MAX)
        return fail_set(f, ERR_LIMIT, "paper", NULL);
    random_bytes(order.id, sizeof order.id);
    enum err e = take_worker(p, f, deadline, &w);
    if (e)
        return e;
    buf_init(&frame, PAPER_ANSWER_MAX);
    e = exchange(w, f, &order, deadline, &frame, &answer);
    give_back(p, w, !e);
    if (!e)
        e = take_pdf(f, &answer, pdf, pages);
    buf_release(&frame);
    return e;
}
