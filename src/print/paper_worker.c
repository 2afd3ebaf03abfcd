/* SPDX-License-Identifier: Apache-2.0 */
#include "print/paper_worker.h"

#include "print/paper_wire.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) /* which reserves terabytes */
#define MEMORY_MAX RLIM_INFINITY
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MEMORY_MAX RLIM_INFINITY
#endif
#endif
#ifndef MEMORY_MAX
#define MEMORY_MAX ((rlim_t)1 << 30)
#endif

/* ---- what it may not do */

static void limit(int resource, rlim_t most)
{
    const struct rlimit l = {most, most};
    (void)setrlimit(resource, &l);
}

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#endif

/* The kernel answers EPERM to what makes sockets or runs programs. Where the machine is another, or the
 * kernel cannot, the limits alone hold. */
static void forbid_calls(void)
{
#ifdef MACHINE
#define FORBID(call)                                                                                         \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1),                                                   \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        FORBID(socket),
        FORBID(socketpair),
        FORBID(execve),
        FORBID(execveat),
        FORBID(ptrace),
        FORBID(process_vm_readv),
        FORBID(process_vm_writev),
        FORBID(io_uring_setup),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {COUNT_OF(filter), filter};
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
#endif
}

static void confine(void)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* who died before this closed the socket */
    close_range(STDERR_FILENO + 1, ~0U, 0);
    limit(RLIMIT_AS, MEMORY_MAX);
    limit(RLIMIT_CORE, 0); /* a core would hold persons */
    limit(RLIMIT_NOFILE, 64);
    forbid_calls();
}

/* ---- papers */

/* The first paper of a process takes longest: it is one that nobody waits for. */
static void warm_up(struct paper_maker *m)
{
    struct buf json, pdf;
    struct paper_made made;
    buf_init(&json, PAPER_JSON_MAX);
    buf_init(&pdf, PAPER_PDF_MAX);
    if (!paper_sample(NULL, PAPER_WIDE_AREA_CERTIFICATE, &json))
        (void)!paper_make(m, NULL, buf_str(&json), 0, &made, &pdf);
    buf_release(&json);
    buf_release(&pdf);
}

struct working {
    struct paper_maker *maker; /* NULL: why says why */
    struct fail why;
    struct buf order, pdf, answer;
};

static enum err answer(struct working *w, struct fail *f)
{
    struct paper_order order;
    struct paper_made made = {.pages = 0};
    enum err e = paper_order_read(f, buf_str(&w->order), &order);
    if (e)
        return e;
    struct paper_answer a = {.fail = w->why, .content = sha256_of(order.json)};
    memcpy(a.id, order.id, sizeof a.id);
    if (!sha256_equal(a.content, order.content))
        return fail_set(f, ERR_FRAME, "content", NULL);
    if (w->maker && !paper_make(w->maker, &a.fail, order.json, order.created, &made, &w->pdf)) {
        a.content = made.content;
        a.pages = (uint32_t)made.pages;
        a.pdf = buf_str(&w->pdf);
    }
    buf_clear(&w->answer);
    paper_answer_write(&a, &w->answer);
    e = buf_check(&w->answer, f, "answer");
    return e ? e : paper_send(f, STDIN_FILENO, buf_str(&w->answer), INT64_MAX);
}

/* Nothing of a paper stays behind for the next. */
static enum err serve_one(struct working *w, struct fail *f)
{
    buf_init(&w->order, PAPER_ORDER_MAX);
    buf_init(&w->pdf, PAPER_PDF_MAX);
    buf_init(&w->answer, PAPER_ANSWER_MAX + 4);
    enum err e = paper_receive(f, STDIN_FILENO, PAPER_ORDER_MAX, INT64_MAX, &w->order);
    if (!e)
        e = answer(w, f);
    buf_release(&w->order);
    buf_release(&w->pdf);
    buf_release(&w->answer);
    return e;
}

int paper_worker(const struct paper_office *office)
{
    struct working w = {.maker = NULL};
    struct fail f = {0};
    confine();
    if (!paper_maker_open(&w.why, office, &w.maker)) {
        memset(&w.why, 0, sizeof w.why);
        warm_up(w.maker);
    }
    while (!serve_one(&w, &f))
        memset(&f, 0, sizeof f);
    paper_maker_close(w.maker);
    return f.err == ERR_PAPER_CRASH ? 0 : 1;
}
