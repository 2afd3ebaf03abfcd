/* SPDX-License-Identifier: Apache-2.0 */
#include "command/control_client.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_MAX = 16 * 1024 * 1024 };

/* -1 with errno. */
static int dial(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if ((size_t)snprintf(at.sun_path, sizeof at.sun_path, "%s", path) >= sizeof at.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

pid_t control_pid(const char *socket)
{
    struct ucred who = {.pid = 0};
    socklen_t size = sizeof who;
    int fd = dial(socket);
    if (fd < 0)
        return 0;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
        who.pid = 0;
    close(fd);
    return who.pid;
}

static enum err send_question(struct fail *f, int fd, struct str text)
{
    struct buf line;
    buf_init(&line, ANSWER_MAX);
    buf_add_str(&line, text);
    buf_add_char(&line, '\n');
    enum err e = buf_check(&line, f, "question");
    struct str rest = buf_str(&line);
    while (!e && rest.n) {
        ssize_t n = send(fd, rest.p, rest.n, MSG_NOSIGNAL);
        if (n > 0)
            rest = (struct str){rest.p + n, rest.n - (size_t)n};
        else if (n < 0 && errno != EINTR)
            e = fail_errno(f, ERR_CONTROL_DOWN, "send");
    }
    buf_release(&line);
    return e;
}

/* More bytes into *in. */
static enum err receive(struct fail *f, int fd, int wait_millis, struct buf *in)
{
    char chunk[16384];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int ready;
    do
        ready = poll(&p, 1, wait_millis);
    while (ready < 0 && errno == EINTR);
    if (ready == 0)
        return fail_set(f, ERR_TIMEOUT, "control", "%d s", wait_millis / 1000);
    ssize_t n = recv(fd, chunk, sizeof chunk, 0);
    if (n < 0 && errno == EINTR)
        return ERR_OK;
    if (n <= 0)
        return fail_set(f, ERR_CONTROL_DOWN, "control", "it ended without an answer");
    buf_add(in, chunk, (size_t)n);
    return in->broken ? fail_set(f, ERR_CONTROL_ANSWER, "control", "over 16 MiB") : ERR_OK;
}

static enum err refused(struct fail *f, const struct json *tree)
{
    bool japanese = fail_language() == FAIL_JAPANESE;
    const char *text = json_cstr(json_get(tree, japanese ? "text_ja" : "text"));
    return fail_set(f, ERR_CONTROL_REFUSED, NULL, "%.200s", text ? text : "");
}

/* One whole line: progress, or the answer. */
static enum err take_line(struct fail *f, const struct control_question *q, struct str line,
                          struct json **answer)
{
    struct json *tree = NULL;
    struct fail why = {0};
    if (json_read(&why, line, &tree))
        return fail_set(f, ERR_CONTROL_ANSWER, "control", "%s", err_row(why.err)->name);
    const struct json *progress = json_get(tree, "progress"), *ok = json_get(tree, "ok");
    enum err e = ERR_OK;
    if (json_is(ok, JSON_TRUE)) {
        *answer = tree;
        return ERR_OK;
    }
    if (json_is(progress, JSON_INTEGER) && q->progress)
        q->progress(q->arg, json_int(progress), json_int(json_get(tree, "total")));
    else if (json_is(ok, JSON_FALSE))
        e = refused(f, tree);
    else if (!json_is(progress, JSON_INTEGER))
        e = fail_set(f, ERR_CONTROL_ANSWER, "control", "neither progress nor an answer");
    json_free(tree);
    return e;
}

/* Until the answer, or until *enough becomes true (may be NULL). */
static enum err read_answer(struct fail *f, const struct control_question *q, int fd, const bool *enough,
                            struct json **answer)
{
    struct buf in;
    enum err e = ERR_OK;
    buf_init(&in, ANSWER_MAX);
    while (!e && !*answer && !(enough && *enough)) {
        const char *end = in.n ? memchr(in.p, '\n', in.n) : NULL;
        if (!end) {
            e = receive(f, fd, q->wait_millis, &in);
            continue;
        }
        size_t n = (size_t)(end - in.p);
        e = take_line(f, q, (struct str){in.p, n}, answer);
        memmove(in.p, in.p + n + 1, in.n - n - 1);
        in.n -= n + 1;
        in.p[in.n] = 0;
    }
    buf_release(&in);
    return e;
}

enum err control_ask(struct fail *f, const struct control_question *q, struct json **answer)
{
    struct json *tree = NULL;
    int fd = dial(q->socket);
    if (fd < 0)
        return fail_errno(f, ERR_CONTROL_DOWN, q->socket);
    enum err e = send_question(f, fd, q->text);
    if (!e)
        e = read_answer(f, q, fd, NULL, &tree);
    close(fd);
    if (!e)
        *answer = tree;
    return e;
}

enum err control_print_buf(struct fail *f, const struct buf *json)
{
    enum err e = buf_check(json, f, "answer");
    if (!e && (fwrite(json->p, 1, json->n, stdout) != json->n || putchar('\n') == EOF))
        e = fail_errno(f, ERR_IO, "stdout");
    return e;
}

enum err control_print(struct fail *f, const struct json *answer)
{
    struct buf b;
    buf_init(&b, 2 * ANSWER_MAX);
    json_begin(&b, NULL, '{');
    json_add_members(&b, answer, "ok");
    json_end(&b, '}');
    enum err e = control_print_buf(f, &b);
    buf_release(&b);
    return e;
}

static void note_progress(void *arg, int64_t done UNUSED, int64_t total UNUSED)
{
    *(bool *)arg = true;
}

static enum err work_beside(struct fail *f, const struct control_question *q, int fd,
                            enum err (*work)(void *arg, struct fail *f), void *arg, struct json **answer)
{
    bool waits = false;
    struct control_question first = *q;
    first.progress = note_progress;
    first.arg = &waits;
    enum err e = send_question(f, fd, q->text);
    if (!e)
        e = read_answer(f, &first, fd, &waits, answer);
    if (!e && waits)
        e = work(arg, f);
    if (!e && waits)
        e = send_question(f, fd, STR("{}"));
    return e || !waits ? e : read_answer(f, q, fd, NULL, answer);
}

enum err control_ask_during(struct fail *f, const struct control_question *q,
                            enum err (*work)(void *arg, struct fail *f), void *arg, struct json **answer)
{
    struct json *tree = NULL;
    int fd = dial(q->socket);
    if (fd < 0)
        return fail_errno(f, ERR_CONTROL_DOWN, q->socket);
    enum err e = work_beside(f, q, fd, work, arg, &tree);
    close(fd);
    if (!e)
        *answer = tree;
    else
        json_free(tree);
    return e;
}
