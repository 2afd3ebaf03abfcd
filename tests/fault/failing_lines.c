/* SPDX-License-Identifier: Apache-2.0 */
/* The n-th send failing in turn, and the n-th allocation, of the product's own, of SQLite's and of GnuTLS's,
 * under a network on real lines that nobody restarts: every notice arrives, once and in order, and its
 * outcome comes back. */
#include "failing_memory.h"
#include "link_network.h"
#include "power_cut.h"
#include "stores.h"
#include "test.h"

#include <dlfcn.h>
#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <sys/socket.h>

enum { SENDS = 60, TEXT = 16 * 1024 };

static struct test_network network;
static struct test_server *const cs = &network.servers[CS_A], *const agency = &network.servers[AGENCY];

/* ---- what fails */

static atomic_ulong fail_send, failed_sends;

/* In place of the C library's, which GnuTLS calls. */
ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    static ssize_t (*real)(int, const struct msghdr *, int);
    unsigned long left = atomic_load(&fail_send);
    if (left && atomic_fetch_sub(&fail_send, 1) == 1) {
        atomic_fetch_add(&failed_sends, 1);
        shutdown(fd, SHUT_RDWR);
        errno = ECONNRESET;
        return -1;
    }
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "sendmsg");
    return real(fd, message, flags);
}

static atomic_ulong shortages_told;

enum err __real_fail_set(struct fail *f, enum err err, const char *field, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
enum err __wrap_fail_set(struct fail *f, enum err err, const char *field, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* In place of the product's: counts the errors that say that memory is short. */
enum err __wrap_fail_set(struct fail *f, enum err err, const char *field, const char *fmt, ...)
{
    char detail[sizeof f->detail] = "";
    va_list args;
    if (fmt) {
        va_start(args, fmt);
        vsnprintf(detail, sizeof detail, fmt, args);
        va_end(args);
    }
    if (err == ERR_MEMORY || strstr(detail, "memory"))
        atomic_fetch_add(&shortages_told, 1);
    return __real_fail_set(f, err, field, "%s", detail);
}

/* GnuTLS 3.7.9 loses a buffer of its own when the memory of a handshake ends at one place, whatever
 * gnutls_deinit is told: gnutls_handshake > gnutls_buffer_append_data > gnutls_realloc. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:tls_resize\n";
}

/* GnuTLS 3.7.9 crashes inside when its memory ends while it verifies: it calls gnutls_x509_trust_list_deinit
 * for a list that it could not make. And it loses a certificate's DNS name when its memory ends while a key
 * is set. So in those two alone nothing fails. */
int __real_gnutls_x509_crt_verify(gnutls_x509_crt_t crt, const gnutls_x509_crt_t *issuers, unsigned count,
                                  unsigned flags, unsigned *verify);
int __wrap_gnutls_x509_crt_verify(gnutls_x509_crt_t crt, const gnutls_x509_crt_t *issuers, unsigned count,
                                  unsigned flags, unsigned *verify);
int __real_gnutls_certificate_set_key(gnutls_certificate_credentials_t to, const char **names, int name_count,
                                      gnutls_pcert_st *chain, int count, gnutls_privkey_t key);
int __wrap_gnutls_certificate_set_key(gnutls_certificate_credentials_t to, const char **names, int name_count,
                                      gnutls_pcert_st *chain, int count, gnutls_privkey_t key);

int __wrap_gnutls_x509_crt_verify(gnutls_x509_crt_t crt, const gnutls_x509_crt_t *issuers, unsigned count,
                                  unsigned flags, unsigned *verify)
{
    memory_spares(true);
    int code = __real_gnutls_x509_crt_verify(crt, issuers, count, flags, verify);
    memory_spares(false);
    return code;
}

int __wrap_gnutls_certificate_set_key(gnutls_certificate_credentials_t to, const char **names, int name_count,
                                      gnutls_pcert_st *chain, int count, gnutls_privkey_t key)
{
    memory_spares(true);
    int code = __real_gnutls_certificate_set_key(to, names, name_count, chain, count, key);
    memory_spares(false);
    return code;
}

/* ---- the network */

struct waiting {
    int64_t source;
    bool applied;
};

static enum err outcome_fn(struct db_tx *tx, struct fail *f, void *arg)
{
    struct waiting *w = arg;
    struct db_rows rows;
    db_query(tx, &rows, &sql_network_outcome_list, DB_NONE);
    while (db_next(&rows))
        w->applied = w->applied || (db_row_int(&rows, 0) == w->source && db_row_int(&rows, 1) == 'a');
    return db_done(&rows, f);
}

/* What fails may also be this question's own memory. */
static bool applied(int64_t source)
{
    struct waiting w = {source, false};
    return !db_read(cs->db, NULL, outcome_fn, &w) && w.applied;
}

/* How many notices were sent. */
static int64_t sent;

static int begin(void **state UNUSED)
{
    network_init(&network);
    network_start(&network);
    return 0;
}

static int finish(void **state)
{
    network_release(&network);
    return stores_clean(state);
}

/* Everything that was ever sent. */
static void look(void)
{
    static char want[TEXT];
    size_t n = 0;
    for (int64_t i = 1; i <= sent; i++)
        n += (size_t)snprintf(want + n, sizeof want - n, "%s5:%lld", i > 1 ? " " : "", (long long)i);
    assert_string_equal(server_seen(agency), want);
    for (int i = 0; i < SERVERS; i++)
        server_check_log(&network.servers[i]);
}

static void each_send_may_fail(void **state UNUSED)
{
    for (unsigned long i = 1; i <= SENDS; i++) {
        server_notice(cs, 5, sent + 1, sent + 1);
        sent++;
        atomic_store(&fail_send, i % 8 + 1);
        WAIT(applied(sent));
        atomic_store(&fail_send, 0);
    }
    look();
    assert_true(atomic_load(&failed_sends) > SENDS / 2);
}

/* ---- memory */

struct shortage {
    enum memory kind;
    bool lines_break;          /* so that new ones are made meanwhile */
    unsigned long times, step; /* how often; how much later the next time. 0: nothing fails */
    unsigned long most;        /* every one up to there, when there is time */
    unsigned long felt, told;
};

static void live_through(struct shortage *s, unsigned long n)
{
    unsigned long failed = memory_counts(s->kind).failed, told = atomic_load(&shortages_told);
    server_notice(cs, 5, sent + 1, sent + 1);
    sent++;
    memory_fails(s->kind, n, 1);
    atomic_store(&fail_send, s->lines_break);
    WAIT(applied(sent));
    atomic_store(&fail_send, 0);
    memory_fails(s->kind, 0, 0);
    s->felt += memory_counts(s->kind).failed > failed;
    s->told += atomic_load(&shortages_told) > told;
}

/* While a notice is on its way an allocation fails: the first, and `step` later for each other notice. True
 * when enough of them were felt, and told. */
static bool live_with(struct shortage *s)
{
    static const char *const names[] = {"its own", "SQLite's", "GnuTLS's"};
    if (s->step && getenv("JUKI_LONG"))
        *s = (struct shortage){s->kind, s->lines_break, s->most, 1, s->most, 0, 0};
    for (unsigned long i = 0; i < s->times; i++)
        live_through(s, s->step ? i * s->step + 1 : 0);
    look();
    print_message("%s: of %lu shortages %lu were felt and %lu told\n", names[s->kind], s->times, s->felt,
                  s->told);
    return s->felt > s->times / 2 && s->told > s->felt / 4;
}

static void each_allocation_of_its_own_may_fail(void **state UNUSED)
{
    struct shortage s = {MEMORY_OWN, true, 20, 3, 80, 0, 0};
    assert_true(live_with(&s));
}

static void each_allocation_of_its_stores_may_fail(void **state UNUSED)
{
    struct shortage s = {MEMORY_SQLITE, false, 20, 6, 150, 0, 0};
    assert_true(live_with(&s));
}

static void each_allocation_of_its_tls_may_fail(void **state UNUSED)
{
    struct shortage s = {MEMORY_TLS, true, 30, 17, 520, 0, 0};
    assert_true(live_with(&s));
}

/* The three tests above would fail if nothing did. */
static void a_life_without_shortage_is_not_enough(void **state UNUSED)
{
    for (int kind = 0; kind < MEMORIES; kind++) {
        struct shortage s = {(enum memory)kind, true, 2, 0, 0, 0, 0};
        assert_false(live_with(&s));
    }
}

/* One municipality's server begins again while its TLS has no memory: it says so, and is tried again. */
static void a_server_begins_or_says_why_not(void **state UNUSED)
{
    struct test_server *s = &network.servers[CS_B];
    unsigned long step = getenv("JUKI_LONG") ? 1 : 20, told = 0, times = 0;
    struct memory_counts before, after;
    do {
        struct fail f = {0};
        server_stop(s);
        before = memory_counts(MEMORY_TLS);
        memory_fails(MEMORY_TLS, times++ * step + 1, 1);
        enum err e = server_try_open(s, &f, NULL);
        after = memory_counts(MEMORY_TLS);
        memory_fails(MEMORY_TLS, 0, 0);
        if (e)
            assert_int_equal(e, f.err);
        told += e != ERR_OK;
    } while (after.failed > before.failed);
    print_message("beginning: of %lu shortages %lu were told\n", times, told);
    assert_true(told > times / 2);
    server_stop(s);
    server_start(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_send_may_fail),
        cmocka_unit_test(each_allocation_of_its_own_may_fail),
        cmocka_unit_test(each_allocation_of_its_stores_may_fail),
        cmocka_unit_test(each_allocation_of_its_tls_may_fail),
        cmocka_unit_test(a_server_begins_or_says_why_not),
        cmocka_unit_test(a_life_without_shortage_is_not_enough),
    };
    failing_memory_install();
    return cmocka_run_group_tests(tests, begin, finish);
}
