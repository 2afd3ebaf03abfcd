/* SPDX-License-Identifier: Apache-2.0 */
/* Papers are never mixed, and what breaks a worker breaks one paper. The real worker, and a double that fails
 * in every way (paper_double.c). */
#include "print/print.h"

#include "base/clock.h"
#include "base/random.h"
#include "print/paper.h"
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEXT_MAX = 1 << 18, PDF_MAX = 1 << 20 };
static const int64_t MOMENT = 50000, PATIENCE = 60000000; /* µs */

static const char *build_path(const char *name, char out[static 512])
{
    snprintf(out, 512, "%s/%s", getenv("JUKI_BUILD"), name);
    return out;
}

/* Workers that are doubles in a mode (NULL: honest ones). */
static struct print *open_doubles(const char *mode, size_t workers)
{
    char path[512];
    struct print *p = NULL;
    const struct print_options o = {
        .program = build_path("tests/unit/paper_double", path), .seal = mode, .workers = workers};
    assert_ok(print_open(NULL, &o, &p));
    return p;
}

static struct print *open_real(size_t workers)
{
    char path[512];
    struct print *p = NULL;
    const struct print_options o = {.program = build_path("src/program/juki-paper", path),
                                    .workers = workers};
    assert_ok(print_open(NULL, &o, &p));
    return p;
}

static enum err make(struct print *p, struct fail *f, const char *json, int64_t patience, struct buf *pdf)
{
    return print_make(p, f, str_of(json), clock_steady() + patience, pdf, NULL);
}

/* ---- doubles */

static void an_honest_double_is_taken(void **state)
{
    (void)state;
    struct print *p = open_doubles(NULL, 1);
    struct buf pdf;
    buf_init(&pdf, PDF_MAX);
    buf_add_str(&pdf, STR("before "));
    assert_ok(make(p, NULL, "content", PATIENCE, &pdf));
    assert_non_null(strstr(pdf.p, "before %PDF-1.5 juki-paper-sha256:"));
    assert_non_null(strstr(pdf.p, " content"));
    struct print_worker worker;
    assert_int_equal(print_workers(p, &worker, 1), 1);
    assert_true(worker.pid > 0 && worker.papers == 1);
    print_close(p);
    assert_int_equal(waitpid(worker.pid, NULL, WNOHANG), -1); /* it was ended and waited for */
    assert_int_equal(errno, ECHILD);
    buf_release(&pdf);
}

static void each_way_to_fail_has_its_error_and_leaves_no_paper(void **state)
{
    (void)state;
    static const struct {
        const char *mode;
        int64_t patience;
        enum err err;
        const char *field;
    } rows[] = {
        {"other-id", PATIENCE, ERR_PAPER_OTHER, "id"},
        {"other-content", PATIENCE, ERR_PAPER_OTHER, "content"},
        {"other-pdf", PATIENCE, ERR_PAPER_OTHER, "pdf"},
        {"no-pdf", PATIENCE, ERR_PAPER_OTHER, "pdf"},
        {"strange-error", PATIENCE, ERR_PAPER_OTHER, "frame"},
        {"garbage", PATIENCE, ERR_PAPER_OTHER, "frame"},
        {"huge", PATIENCE, ERR_PAPER_OTHER, "frame"},
        {"empty", PATIENCE, ERR_PAPER_OTHER, "frame"},
        {"die", PATIENCE, ERR_PAPER_CRASH, ""},
        {"half", PATIENCE, ERR_PAPER_CRASH, ""},
        {"hang", MOMENT, ERR_PAPER_TIME, ""},
        {"stall", MOMENT, ERR_PAPER_TIME, ""},
        {"refuse", PATIENCE, ERR_PAPER_GLYPH, "persons.1.name"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct print *p = open_doubles(rows[i].mode, 1);
        for (int again = 0; again < 3;
             again++) { /* each time by a new worker, but where the worker was right */
            struct fail f = {0};
            struct buf pdf;
            size_t pages = 77;
            buf_init(&pdf, PDF_MAX);
            buf_add_str(&pdf, STR("before"));
            enum err e = print_make(p, &f, STR("content"), clock_steady() + rows[i].patience, &pdf, &pages);
            if (e != rows[i].err || f.err != e || (rows[i].field[0] && strcmp(f.field, rows[i].field) != 0))
                fail_msg("%s: %s %s", rows[i].mode, err_row(e)->name, f.field);
            assert_str(buf_str(&pdf), "before");
            assert_int_equal(pages, 77);
            buf_release(&pdf);
        }
        assert_int_equal(print_replaced(p) > 1, rows[i].err != ERR_PAPER_GLYPH);
        print_close(p);
    }
}

static void a_detail_is_handed_on_as_it_is(void **state)
{
    (void)state;
    struct print *p = open_doubles("refuse", 1);
    struct fail f = {0};
    struct buf pdf;
    buf_init(&pdf, PDF_MAX);
    assert_err(make(p, &f, "content", PATIENCE, &pdf), ERR_PAPER_GLYPH);
    assert_string_equal(f.detail, "U+AC00 氏名（1人目）");
    print_close(p);
    buf_release(&pdf);
}

/* An answer too many would be the next order's; a worker that is not silent is not asked. */
static void an_answer_of_the_order_before_is_nobodys(void **state)
{
    (void)state;
    static const char *const modes[] = {"late", "twice", "unasked"};
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        struct print *p = open_doubles(modes[i], 2);
        for (int k = 0; k < 20; k++) {
            char content[32];
            struct buf pdf;
            buf_init(&pdf, PDF_MAX);
            snprintf(content, sizeof content, "content %d.", k);
            enum err e = make(p, NULL, content, PATIENCE, &pdf);
            if (!e && !strstr(pdf.p, content))
                fail_msg("%s: %s was asked for, and came %s", modes[i], content, pdf.p);
            assert_true(e || pdf.n);
            buf_release(&pdf);
        }
        print_close(p);
    }
}

/* What the PDF is held against never depends on memory, or a paper of anybody would do. */
static void each_failing_allocation_is_said_and_takes_no_others_paper(void **state)
{
    (void)state;
    struct print *p = open_doubles("other-pdf", 1);
    for (unsigned long n = 1; n < 12; n++) {
        struct buf pdf;
        buf_init(&pdf, PDF_MAX);
        memory_fail_at(n);
        enum err e = make(p, NULL, "content", PATIENCE, &pdf);
        memory_fail_at(0);
        assert_true(e == ERR_MEMORY || e == ERR_PAPER_OTHER);
        assert_int_equal(pdf.n, 0);
        buf_release(&pdf);
    }
    print_close(p);
}

static void a_program_that_is_not_there_is_said_and_tried_again(void **state)
{
    (void)state;
    struct print *p = NULL;
    struct buf pdf;
    const struct print_options o = {.program = "/nonexistent/juki-paper"};
    buf_init(&pdf, PDF_MAX);
    assert_ok(print_open(NULL, &o, &p));
    for (int i = 0; i < 3; i++) {
        struct fail f = {0};
        assert_err(make(p, &f, "content", PATIENCE, &pdf), ERR_PAPER_WORKER);
        assert_non_null(strstr(f.detail, "/nonexistent/juki-paper"));
    }
    print_close(p);
    buf_release(&pdf);
}

/* Nobody starts it again and again until the deadline. */
static void a_worker_that_ends_at_once_is_said(void **state)
{
    (void)state;
    struct print *p = open_doubles("gone", 1);
    struct buf pdf;
    buf_init(&pdf, PDF_MAX);
    for (int i = 0; i < 5; i++)
        assert_err(make(p, NULL, "content", PATIENCE, &pdf), ERR_PAPER_CRASH);
    assert_true(print_replaced(p) <= 5);
    print_close(p);
    buf_release(&pdf);
}

/* ---- many at once, under kills */

struct crowd {
    struct print *print;
    size_t each;
    const char *(*content)(size_t number, char *out, size_t size);
    bool (*right)(struct str pdf, size_t number);
    atomic_size_t next, made, failed, wrong;
    atomic_bool over;
};

static void *ask_many(void *arg)
{
    struct crowd *c = arg;
    char *content = memory_new(TEXT_MAX);
    struct buf pdf;
    buf_init(&pdf, PDF_MAX);
    for (size_t i = 0; content && i < c->each; i++) {
        size_t number = atomic_fetch_add(&c->next, 1);
        struct fail f = {0};
        buf_clear(&pdf);
        enum err e = make(c->print, &f, c->content(number, content, TEXT_MAX), PATIENCE, &pdf);
        if (e)
            atomic_fetch_add(e == ERR_PAPER_CRASH ? &c->failed : &c->wrong, 1);
        else
            atomic_fetch_add(c->right(buf_str(&pdf), number) ? &c->made : &c->wrong, 1);
    }
    buf_release(&pdf);
    memory_free(content);
    return NULL;
}

/* Only a child of this process: a number that was a worker's a moment ago may be anybody's. */
static void kill_child(pid_t pid)
{
    siginfo_t info;
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd >= 0 && waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
        (void)syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
    if (fd >= 0)
        close(fd);
}

/* Kills workers, each when it has had the time to make a few papers. */
static void *kill_many(void *arg)
{
    struct crowd *c = arg;
    struct random_seeded r = {7};
    size_t seen = 0;
    while (!atomic_load(&c->over)) {
        struct print_worker workers[PRINT_WORKERS_MAX];
        size_t count = print_workers(c->print, workers, PRINT_WORKERS_MAX);
        size_t at = random_seeded_below(&r, count), done = atomic_load(&c->made) + atomic_load(&c->failed);
        if (done == seen || workers[at].pid <= 0) { /* nothing happened since */
            sched_yield();
            continue;
        }
        seen = done;
        kill_child(workers[at].pid);
    }
    return NULL;
}

static void run_crowd(struct crowd *c, size_t threads)
{
    pthread_t askers[16], killer;
    assert_true(threads <= COUNT_OF(askers));
    for (size_t i = 0; i < threads; i++)
        assert_int_equal(pthread_create(&askers[i], NULL, ask_many, c), 0);
    assert_int_equal(pthread_create(&killer, NULL, kill_many, c), 0);
    for (size_t i = 0; i < threads; i++)
        pthread_join(askers[i], NULL);
    atomic_store(&c->over, true);
    pthread_join(killer, NULL);
    assert_int_equal(c->wrong, 0);
    assert_int_equal(c->made + c->failed, threads * c->each);
}

static const char *short_content(size_t number, char *out, size_t size)
{
    snprintf(out, size, "paper of person %zu.", number);
    return out;
}

static bool short_right(struct str pdf, size_t number)
{
    char want[64];
    short_content(number, want, sizeof want);
    return memmem(pdf.p, pdf.n, want, strlen(want)) != NULL;
}

static void thousands_at_once_are_never_mixed(void **state)
{
    (void)state;
    const size_t most = getenv("JUKI_LONG") ? 100000 : 1000;
    struct crowd c = {
        .print = open_doubles(NULL, 4), .each = most, .content = short_content, .right = short_right};
    run_crowd(&c, 8);
    assert_true(c.made > 0 && c.failed > 0 && print_replaced(c.print) > 0);
    print_message("%zu made, %zu lost with %lld workers\n", c.made, c.failed,
                  (long long)print_replaced(c.print));
    print_close(c.print);
}

/* ---- the real worker */

static const char *real_content(size_t number, char *out, size_t size)
{
    snprintf(out, size,
             "{\"form\":\"wide_area_certificate\",\"number\":\"%zu\",\"issued_on\":\"2026-11-27\",\"issuer_"
             "title\":\"西宮市長\","
             "\"issuer_name\":\"架空　太郎\",\"issuer_seal\":\"西宮市長\",\"home_title\":\"豊中市長\","
             "\"address\":\"豊中市\","
             "\"persons\":[{\"name\":\"見本　%zu\",\"birth_date\":\"2001-02-03\",\"sex\":\"male\"}]}",
             number, number);
    return out;
}

/* print_make has held the PDF's mark against the content; the text is read where a sample is enough. */
static bool real_right(struct str pdf, size_t number)
{
    char path[] = "/tmp/juki-print-XXXXXX", line[256], want[64], text[4096];
    int fd = mkstemp(path);
    bool right = fd >= 0 && write(fd, pdf.p, pdf.n) == (ssize_t)pdf.n;
    close(fd);
    snprintf(line, sizeof line, "pdftotext -raw %s -", path);
    FILE *out = right ? popen(line, "re") : NULL;
    size_t n = out ? fread(text, 1, sizeof text - 1, out) : 0;
    text[n] = 0;
    if (out)
        pclose(out);
    unlink(path);
    snprintf(want, sizeof want, "番号 %zu\n", number);
    bool numbered = strstr(text, want);
    snprintf(want, sizeof want, "見本 %zu\n", number);
    return numbered && strstr(text, want);
}

static void a_real_worker_prints_what_it_was_asked_for(void **state)
{
    (void)state;
    struct print *p = open_real(1);
    struct buf json, pdf;
    size_t pages = 0;
    buf_init(&json, TEXT_MAX);
    buf_init(&pdf, PDF_MAX);
    for (size_t i = 0; i < PAPER_FORMS; i++) {
        struct fail f = {0};
        buf_clear(&json);
        buf_clear(&pdf);
        assert_ok(paper_sample(NULL, (enum paper_form)i, &json));
        if (print_make(p, &f, buf_str(&json), clock_steady() + PATIENCE, &pdf, &pages))
            fail_msg("%s: %s %s %s", paper_forms[i].name, err_row(f.err)->name, f.field, f.detail);
        assert_int_equal(pages, 1);
    }
    struct fail f = {0};
    assert_err(make(p, &f, "{\"form\":\"diary\"}", PATIENCE, &pdf), ERR_PAPER_FORM);
    assert_string_equal(f.field, "form");
    assert_int_equal(print_replaced(p), 0); /* what is refused costs no worker */
    print_close(p);
    buf_release(&json);
    buf_release(&pdf);
}

static void real_workers_under_kills_never_mix_either(void **state)
{
    (void)state;
    struct crowd c = {.print = open_real(2),
                      .each = getenv("JUKI_LONG") ? 500 : 8,
                      .content = real_content,
                      .right = real_right};
    run_crowd(&c, 4);
    char content[1024];
    struct buf pdf;
    buf_init(&pdf, PDF_MAX);
    enum err e;
    do /* the last kill may lie before it */
        e = make(c.print, NULL, real_content(4711, content, sizeof content), PATIENCE, &pdf);
    while (e == ERR_PAPER_CRASH);
    assert_ok(e);
    assert_true(real_right(buf_str(&pdf), 4711));
    print_close(c.print);
    buf_release(&pdf);
}

/* The kernel's table of what a process may and has. */
static void a_worker_has_no_more_than_it_needs(void **state)
{
    (void)state;
    struct print *p = open_real(1);
    struct print_worker worker;
    struct buf pdf;
    char content[1024], path[64], line[256];
    bool filtered = false;
    buf_init(&pdf, PDF_MAX);
    assert_ok(make(p, NULL, real_content(1, content, sizeof content), PATIENCE, &pdf));
    print_workers(p, &worker, 1);
    snprintf(path, sizeof path, "/proc/%d/status", (int)worker.pid);
    FILE *status = fopen(path, "re");
    assert_non_null(status);
    while (fgets(line, sizeof line, status))
        filtered = filtered || strcmp(line, "Seccomp:\t2\n") == 0;
    fclose(status);
    assert_true(filtered);
    print_close(p);
    buf_release(&pdf);
}

static void a_missing_seal_is_said_with_each_paper(void **state)
{
    (void)state;
    char path[512], content[1024];
    struct print *p = NULL;
    struct buf pdf;
    struct fail f = {0};
    const struct print_options o = {
        .program = build_path("src/program/juki-paper", path), .seal = "/nonexistent/seal.png", .workers = 1};
    buf_init(&pdf, PDF_MAX);
    assert_ok(print_open(NULL, &o, &p));
    for (int i = 0; i < 2; i++)
        assert_err(make(p, &f, real_content(1, content, sizeof content), PATIENCE, &pdf), ERR_PAPER_SEAL);
    assert_non_null(strstr(f.detail, "/nonexistent/seal.png"));
    print_close(p);
    buf_release(&pdf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_double_is_taken),
        cmocka_unit_test(each_way_to_fail_has_its_error_and_leaves_no_paper),
        cmocka_unit_test(a_detail_is_handed_on_as_it_is),
        cmocka_unit_test(an_answer_of_the_order_before_is_nobodys),
        cmocka_unit_test(each_failing_allocation_is_said_and_takes_no_others_paper),
        cmocka_unit_test(a_program_that_is_not_there_is_said_and_tried_again),
        cmocka_unit_test(a_worker_that_ends_at_once_is_said),
        cmocka_unit_test(thousands_at_once_are_never_mixed),
        cmocka_unit_test(a_real_worker_prints_what_it_was_asked_for),
        cmocka_unit_test(real_workers_under_kills_never_mix_either),
        cmocka_unit_test(a_worker_has_no_more_than_it_needs),
        cmocka_unit_test(a_missing_seal_is_said_with_each_paper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
