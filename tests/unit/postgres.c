/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres.h"
#include "stores.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READY_TRIES = 1500 };

struct settings {
    const char *fsync, *whole_pages, *buffers;
};

static char folder[32], data[48], socket_option[64], log_path[48], binaries[256], url_own[128];
static const char *url_used;
static pid_t server;
static const struct settings *used_settings;

static void die(const char *what)
{
    fprintf(stderr, "postgres for tests: %s: %s (log: %s)\n", what, strerror(errno), log_path);
    exit(1);
}

static void find_binaries(void)
{
    glob_t found;
    if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) || !found.gl_pathc)
        die("no /usr/lib/postgresql/*/bin; install postgresql, or set JUKI_TEST_NO_POSTGRES=1");
    snprintf(binaries, sizeof binaries, "%s", found.gl_pathv[found.gl_pathc - 1]);
    globfree(&found);
}

/* In the child: the server refuses to run as root. It dies with this program. */
static void become_postgres(pid_t parent)
{
    const struct passwd *user = getpwnam("postgres");
    if (getuid() == 0 &&
        (!user || initgroups("postgres", user->pw_gid) || setgid(user->pw_gid) || setuid(user->pw_uid)))
        _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (getppid() != parent)
        _exit(125);
}

/* arguments: without the program's name, which is given with its path: PostgreSQL looks for its own files
 * there. */
static pid_t spawn(const char *program, const char *const *arguments)
{
    enum { WORDS_MAX = 32 };
    char path[300];
    const char *words[WORDS_MAX] = {path};
    snprintf(path, sizeof path, "%s/%s", binaries, program);
    for (size_t i = 0; arguments[i] && i + 2 < WORDS_MAX; i++)
        words[i + 1] = arguments[i];
    pid_t parent = getpid(), child = fork();
    if (child)
        return child;
    become_postgres(parent);
    int out = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(out, 1);
    dup2(out, 2);
    if (chdir("/") == 0)
        execv(path, (char *const *)(uintptr_t)words);
    _exit(127);
}

static const struct settings quick = {"fsync=off", "full_page_writes=off", "shared_buffers=16MB"};
static const struct settings durable = {"fsync=on", "full_page_writes=on", "shared_buffers=128MB"};

/* Where there is room, one that flushes nothing lies in memory: a database is three hundred files. */
static const char *place(void)
{
    const uint64_t room = (uint64_t)4 << 30;
    struct statvfs memory;
    bool fits = statvfs("/dev/shm", &memory) == 0 && (uint64_t)memory.f_bavail * memory.f_frsize >= room;
    return used_settings == &quick && fits ? "/dev/shm" : "/tmp";
}

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "%s/juki-pg-XXXXXX", place());
    if (!mkdtemp(folder))
        die("mkdtemp");
    const struct passwd *user = getpwnam("postgres");
    if (getuid() == 0 && (!user || chown(folder, user->pw_uid, user->pw_gid)))
        die("chown");
    snprintf(data, sizeof data, "%s/data", folder);
    snprintf(log_path, sizeof log_path, "%s/log", folder);
    snprintf(socket_option, sizeof socket_option, "unix_socket_directories=%s", folder);
    snprintf(url_own, sizeof url_own, "postgresql:///postgres?host=%s&user=postgres", folder);
}

/* Not in a hurry to flush what nobody waits for: so a crash loses it. */
static void run_server(void)
{
    int status = -1;
    const struct settings *with = used_settings;
    server =
        spawn("postgres", (const char *const[]){"-D", data, "-c", "listen_addresses=", "-c", socket_option,
                                                "-c", with->fsync, "-c", with->whole_pages, "-c",
                                                with->buffers, "-c", "max_connections=100", "-c",
                                                "autovacuum=off", "-c", "wal_writer_delay=10s", NULL});
    for (int n = 0; PQping(url_own) != PQPING_OK; n++) {
        if (n == READY_TRIES || waitpid(server, &status, WNOHANG) == server)
            die("the server does not start");
        nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
    }
}

static void start_server(const struct settings *with)
{
    int status = -1;
    used_settings = with;
    find_binaries();
    make_folder();
    pid_t init =
        spawn("initdb", (const char *const[]){"-D", data, "-U", "postgres", "-E", "UTF8", "--locale=C", "-A",
                                              "trust", "--no-sync", "--no-instructions", NULL});
    if (waitpid(init, &status, 0) != init || status)
        die("initdb failed");
    run_server();
}

static const char *start(const struct settings *with)
{
    if (url_used || getenv("JUKI_TEST_NO_POSTGRES"))
        return url_used;
    url_used = getenv("JUKI_TEST_POSTGRES");
    if (!url_used) {
        start_server(with);
        url_used = url_own;
    }
    return url_used;
}

const char *postgres_start(void)
{
    return start(&quick);
}

const char *postgres_start_durable(void)
{
    return start(&durable);
}

static const char *run_on(PGconn *link, const char *sql)
{
    static char answer[256];
    PGresult *result = PQexec(link, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        die(PQerrorMessage(link));
    snprintf(answer, sizeof answer, "%s", PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return answer;
}

const char *postgres_run(const char *url, const char *sql)
{
    PGconn *link = PQconnectdb(url);
    const char *answer = run_on(link, sql);
    PQfinish(link);
    return answer;
}

/* ---- databases */

/* One session makes them all: a new one takes longer than a database. */
static PGconn *maker;

static void forget_maker(void)
{
    PQfinish(maker);
    maker = NULL;
}

/* In place of what stood under that name. Files are copied as they are, where PostgreSQL (since 15) would
 * write every page to its log. */
static void make_database(const char *name, const char *template)
{
    char sql[200];
    const char *base = postgres_start();
    if (!maker)
        run_on(maker = PQconnectdb(base), "SET client_min_messages = warning");
    snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS %s", name);
    run_on(maker, sql);
    snprintf(sql, sizeof sql, "CREATE DATABASE %s TEMPLATE %s%s", name, template,
             PQserverVersion(maker) >= 150000 ? " STRATEGY file_copy" : "");
    run_on(maker, sql);
}

const char *postgres_fresh(void)
{
    static char url[300];
    static int count;
    char name[40];
    const char *base = postgres_start();
    snprintf(name, sizeof name, "juki_test_%d_%d", (int)getpid(), count++);
    make_database(name, "template0");
    snprintf(url, sizeof url, "%s%cdbname=%s", base, strchr(base, '?') ? '&' : '?', name);
    return url;
}

/* postgres_fresh's urls end with it. */
static const char *name_of(const char *url)
{
    return strrchr(url, '=') + 1;
}

void postgres_save(const char *url, const char *saved)
{
    char copy[80];
    snprintf(copy, sizeof copy, "%s_%s", name_of(url), saved);
    make_database(copy, name_of(url));
}

void postgres_restore(const char *url, const char *saved)
{
    char copy[80];
    snprintf(copy, sizeof copy, "%s_%s", name_of(url), saved);
    make_database(name_of(url), copy);
}

bool postgres_crash(void)
{
    if (!server)
        return false;
    forget_maker();
    kill(server, SIGQUIT);
    waitpid(server, NULL, 0);
    return true;
}

void postgres_return(void)
{
    run_server();
}

void postgres_stop(void)
{
    forget_maker();
    if (server) {
        kill(server, SIGQUIT);
        waitpid(server, NULL, 0);
        folder_remove(folder);
    }
    server = 0;
    url_used = NULL;
}
