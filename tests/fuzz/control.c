/* SPDX-License-Identifier: Apache-2.0 */
/* A question at a control socket: whatever the line is, the answer is one line of JSON. */
#include "fuzz.h"

#include "program/control.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char path[64];

static enum err echo(void *self UNUSED, struct control_call *call, struct fail *f)
{
    struct str text = STR("");
    int64_t number = 0;
    enum err e = json_member_text_maybe(f, call->question, "text", &call->arena, &text);
    if (!e)
        e = json_member_int_maybe(f, call->question, "number", 0, 1000, &number);
    if (!e) {
        json_add_text(&call->answer, "text", text);
        json_add_int(&call->answer, "number", number);
    }
    return e;
}

static void start(void)
{
    static const struct control_verb verbs[] = {{"echo", "says it again", echo}};
    static char folder[] = "/tmp/juki-fuzz-XXXXXX";
    struct control *control;
    assert(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/s", folder);
    assert(!control_start(NULL, path, verbs, COUNT_OF(verbs), NULL, &control));
}

static void check_answer(struct str answer)
{
    struct json *tree = NULL;
    assert(answer.n && answer.p[answer.n - 1] == '\n' &&
           memchr(answer.p, '\n', answer.n) == answer.p + answer.n - 1);
    assert(!json_read(NULL, answer, &tree));
    const struct json *ok = json_get(tree, "ok");
    assert(json_is(ok, JSON_TRUE) || json_cstr(json_get(tree, "name")));
    json_free(tree);
}

void fuzz_target(struct str in)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct buf answer;
    char chunk[4096];
    ssize_t n;
    if (!path[0])
        start();
    memcpy(at.sun_path, path, sizeof path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert(fd >= 0 && !connect(fd, (struct sockaddr *)&at, sizeof at));
    (void)!send(fd, in.p, in.n, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    buf_init(&answer, CONTROL_LINE_MAX);
    while ((n = recv(fd, chunk, sizeof chunk, 0)) > 0)
        buf_add(&answer, chunk, (size_t)n);
    if (n == 0) /* else the line was cut off because it was too long to be read to its end */
        check_answer(buf_str(&answer));
    buf_release(&answer);
    close(fd);
}
