/* SPDX-License-Identifier: Apache-2.0 */
/* Decides how a measured network is run and when its work counts as done.
 *
 * A change is done when its register has the outcome "applied": it has gone through CS and prefecture, the
 * agency has committed it, and that news has come all the way back. The register is asked once, to answer
 * when it has heard (its verb "outcome"), so that the measured daemons do nothing for the sake of the
 * measurement. */
#include "town.h"

#include "base/file.h"
#include "bench.h"
#include "command/node_process.h"
#include "simulate/residents.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
enum { PORTS = 4, KILL_MILLIS = 5000, SILENCES = 6, SEED = 20261122 };
static const char register_name[] = "register.282049";

struct town {
    struct arena arena;
    struct network network;
    char folder[TOWN_PATH_SIZE], juki[TOWN_PATH_SIZE];
    bool up;
};

/* What town_kill has to end. */
static struct {
    pthread_mutex_t lock;
    const struct network *network; /* whose daemons may run */
    pid_t juki;                    /* that may start more of them */
    bool killed;
} running = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void note_running(const struct network *network, pid_t juki)
{
    pthread_mutex_lock(&running.lock);
    running.network = network;
    running.juki = juki;
    pthread_mutex_unlock(&running.lock);
}

static bool was_killed(void)
{
    pthread_mutex_lock(&running.lock);
    bool killed = running.killed;
    pthread_mutex_unlock(&running.lock);
    return killed;
}

void town_kill(void)
{
    pthread_mutex_lock(&running.lock);
    running.killed = true;
    if (running.juki)
        kill(running.juki, SIGKILL);
    for (size_t i = 0; running.network && i < running.network->count; i++) {
        pid_t pid = node_pid(&running.network->nodes[i]);
        node_signal(pid, SIGKILL);
        if (pid && node_wait_end(NULL, &running.network->nodes[i], pid, KILL_MILLIS))
            fprintf(stderr, "bench: %s did not end\n", running.network->nodes[i].name.text);
    }
    pthread_mutex_unlock(&running.lock);
}

/* ---- the juki command */

enum err town_program(struct fail *f, const char *name, char out[static TOWN_PATH_SIZE])
{
    char self[TOWN_PATH_SIZE];
    const char *folder = getenv("JUKI_BIN");
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0)
        return fail_errno(f, ERR_IO, "/proc/self/exe");
    self[n] = 0;
    if (folder)
        snprintf(out, TOWN_PATH_SIZE, "%s/%s", folder, name);
    else
        snprintf(out, TOWN_PATH_SIZE, "%s/../../src/program/%s", dirname(self), name);
    return access(out, X_OK) == 0 ? ERR_OK : fail_set(f, ERR_NOT_FOUND, name, "%.160s", out);
}

/* What it says on stdout is left out. It and its daemons take signals as usual, though here they wait. */
static int spawn_juki(const struct town *t, const char *const *words, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    int failed = posix_spawn(pid, t->juki, &actions, &attributes, (char *const *)(uintptr_t)words, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return failed;
}

/* Runs it to its end. */
static enum err run_juki(const struct town *t, struct fail *f, const char *const *words)
{
    pid_t pid;
    int status = 0, failed = spawn_juki(t, words, &pid);
    if (failed) {
        errno = failed;
        return fail_errno(f, ERR_IO, t->juki);
    }
    note_running(t->network.count ? &t->network : NULL, pid);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return fail_errno(f, ERR_IO, "waitpid");
    note_running(t->network.count ? &t->network : NULL, 0);
    return status ? fail_set(f, ERR_STATE, "juki", "juki %s ended with %d", words[1], WEXITSTATUS(status))
                  : ERR_OK;
}

/* ---- starting and ending */

static bool port_is_free(int port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_free = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
    if (fd >= 0)
        close(fd);
    return is_free;
}

/* The first of PORTS free ports, below those that the kernel gives away; processes that begin one after the
 * other look in places of their own. */
static int find_ports(void)
{
    enum { FIRST = 20000, LAST = 32000, ROW = 2 * PORTS };
    for (int base = FIRST + (int)getpid() % ((LAST - FIRST) / ROW) * ROW; base < LAST; base += PORTS) {
        int n = 0;
        while (n < PORTS && port_is_free(base + n))
            n++;
        if (n == PORTS)
            return base;
    }
    return 7000;
}

static enum err init_network(struct town *t, struct fail *f)
{
    char port[12], area[8];
    snprintf(port, sizeof port, "%d", find_ports());
    snprintf(area, sizeof area, "%06d", TOWN_AREA);
    const char *const words[] = {t->juki,          "network", "init",        t->folder,
                                 "--municipality", area,      "--base-port", port,
                                 "--disk-least",   "0",       NULL};
    enum err e = run_juki(t, f, words);
    return e ? e : network_load(f, t->folder, &t->arena, &t->network);
}

enum err town_up(struct town *t, struct fail *f)
{
    const char *const words[] = {t->juki, "up", t->folder, NULL};
    t->up = true;
    return run_juki(t, f, words);
}

enum err town_make(struct fail *f, const char *folder, struct town **out)
{
    struct town *t = memory_new(sizeof *t);
    if (!t)
        return fail_set(f, ERR_MEMORY, "town", NULL);
    arena_init(&t->arena, 1024 * 1024);
    snprintf(t->folder, sizeof t->folder, "%s", folder);
    enum err e = town_program(f, "juki", t->juki);
    if (!e)
        e = init_network(t, f);
    if (e)
        town_free(t);
    else
        *out = t;
    return e;
}

enum err town_start(struct fail *f, const char *folder, struct town **out)
{
    struct town *t = NULL;
    enum err e = town_make(f, folder, &t);
    if (!e)
        e = town_up(t, f);
    if (e)
        town_free(t);
    else
        *out = t;
    return e;
}

const struct network *town_network(const struct town *t)
{
    return &t->network;
}

enum err town_stop(struct town *t, struct fail *f)
{
    const char *const words[] = {t->juki, "down", t->folder, NULL};
    enum err e = run_juki(t, f, words);
    t->up = e != ERR_OK;
    return e;
}

enum err town_backup_key(struct town *t, struct fail *f, const char *path)
{
    const char *const words[] = {t->juki, "backup", "key", path, NULL};
    return run_juki(t, f, words);
}

enum err town_backup(struct town *t, struct fail *f, const char *node, const char *key, const char *to)
{
    const char *const words[] = {t->juki, "backup", "make", "--key", key, t->folder, node, to, NULL};
    return run_juki(t, f, words);
}

void town_free(struct town *t)
{
    struct fail f = {0};
    if (!t)
        return;
    if (t->up && !was_killed() && town_stop(t, &f)) {
        fprintf(stderr, "bench: the daemons did not stop in order: %s\n", f.detail);
        town_kill();
    }
    note_running(NULL, 0);
    arena_release(&t->arena);
    memory_free(t);
}

/* ---- asking */

enum err town_ask(struct town *t, struct fail *f, const char *node, struct str question, struct json **answer)
{
    const struct network_node *at;
    enum err e = network_find(f, &t->network, node, &at);
    if (e)
        return e;
    const struct control_question q = {
        .socket = at->control.p, .text = question, .wait_millis = CONTROL_LONG};
    return control_ask(f, &q, answer);
}

static int64_t number_at(const struct json *tree, const char *object, const char *member)
{
    return json_int(json_get(object ? json_get(tree, object) : tree, member));
}

static enum err check_taken(struct fail *f, const struct json *answer)
{
    const struct json *first = json_at(json_get(answer, "refusals"), 0);
    const char *text = json_cstr(json_get(first, "text"));
    return number_at(answer, NULL, "refused")
               ? fail_set(f, ERR_STATE, "register", "it refused rows, the first: %s", text ? text : "")
               : ERR_OK;
}

enum err town_take(struct town *t, struct fail *f, const char *verb, const char *path, int64_t *last)
{
    struct buf question;
    struct json *answer = NULL;
    buf_init(&question, 4096);
    json_begin(&question, NULL, '{');
    json_add_text(&question, "do", str_of(verb));
    json_add_text(&question, "path", str_of(path));
    json_end(&question, '}');
    enum err e = town_ask(t, f, register_name, buf_str(&question), &answer);
    if (!e)
        e = check_taken(f, answer);
    if (!e)
        *last = number_at(answer, NULL, "last_change");
    json_free(answer);
    buf_release(&question);
    return e;
}

struct outcome {
    int64_t applied, failed;
};

/* Answered when all is known, or after ten seconds. */
static enum err ask_outcome(struct town *t, struct fail *f, int64_t first, int64_t last, bool recorded,
                            struct outcome *out)
{
    char question[128];
    struct json *answer = NULL;
    snprintf(question, sizeof question,
             "{\"do\":\"outcome\",\"first\":%lld,\"last\":%lld,\"wait\":10,\"recorded\":%s}",
             (long long)first, (long long)last, recorded ? "true" : "false");
    enum err e = town_ask(t, f, register_name, str_of(question), &answer);
    if (!e)
        *out = (struct outcome){number_at(answer, NULL, "applied"),
                                number_at(answer, NULL, "refused") + number_at(answer, NULL, "waiting")};
    json_free(answer);
    return e;
}

enum err town_await(struct town *t, struct fail *f, int64_t first, int64_t last, bool recorded)
{
    struct outcome o = {0};
    int64_t before = -1, all = last - first + 1;
    for (int silences = 0; silences < SILENCES && o.applied < all; before = o.applied) {
        enum err e = ask_outcome(t, f, first, last, recorded, &o);
        if (e)
            return e;
        if (o.failed)
            return fail_set(f, ERR_STATE, "changes", "%lld were not applied", (long long)o.failed);
        silences = o.applied == before ? silences + 1 : 0;
    }
    return o.applied == all ? ERR_OK
                            : fail_set(f, ERR_TIMEOUT, "changes", "%lld of %lld applied",
                                       (long long)o.applied, (long long)all);
}

enum err town_census(struct town *t, struct fail *f, int64_t *persons)
{
    struct json *answer = NULL;
    enum err e = town_ask(t, f, "agency", STR("{\"do\":\"status\"}"), &answer);
    if (!e)
        *persons = number_at(answer, "persons", "current");
    json_free(answer);
    return e;
}

/* ---- what it used */

/* A number of /proc/PID/FILE behind "KEY:". */
static enum err read_use(struct fail *f, pid_t pid, const char *file, const char *key, int64_t *out)
{
    char path[64];
    struct buf text;
    struct str rest, line;
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    buf_init(&text, 64 * 1024);
    enum err e = file_read(f, path, &text);
    rest = buf_str(&text);
    while (!e && str_cut(&rest, '\n', &line))
        if (str_starts(line, str_of(key)) && line.n > strlen(key) && line.p[strlen(key)] == ':')
            *out = strtoll(line.p + strlen(key) + 1, NULL, 10);
    buf_release(&text);
    return e;
}

/* Processor time: fields 14 and 15 of /proc/PID/stat, counted behind the program's name, which may hold
 * anything. */
static enum err read_cpu(struct fail *f, pid_t pid, double *seconds)
{
    char path[64];
    struct buf text;
    long long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    buf_init(&text, 4096);
    enum err e = file_read(f, path, &text);
    const char *behind = e ? NULL : strrchr(text.p, ')');
    if (!e && (!behind || sscanf(behind, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld", &user,
                                 &system) != 2))
        e = fail_set(f, ERR_MALFORMED, "stat", NULL);
    buf_release(&text);
    if (!e)
        *seconds = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
    return e;
}

static enum err add_use(struct town *t, struct fail *f, const struct network_node *node, struct town_use *u)
{
    int64_t rss = 0, written = 0;
    double cpu = 0;
    pid_t pid = node_pid(node);
    struct json *answer = NULL;
    enum err e = read_use(f, pid, "status", "VmHWM", &rss);
    if (!e)
        e = read_use(f, pid, "io", "write_bytes", &written);
    if (!e)
        e = read_cpu(f, pid, &cpu);
    if (!e)
        e = town_ask(t, f, node->name.text, STR("{\"do\":\"status\"}"), &answer);
    if (e)
        return e;
    int64_t wal = number_at(answer, "database", "wal_bytes_most");
    json_free(answer);
    rss *= 1024;
    u->rss_most = rss > u->rss_most ? rss : u->rss_most;
    u->wal_most = wal > u->wal_most ? wal : u->wal_most;
    u->written += written;
    u->cpu += cpu;
    u->cpu_most = cpu > u->cpu_most ? cpu : u->cpu_most;
    return ERR_OK;
}

enum err town_use(struct town *t, struct fail *f, struct town_use *out)
{
    struct town_use u = {0};
    enum err e = ERR_OK;
    for (size_t i = 0; i < t->network.count && !e; i++)
        e = add_use(t, f, &t->network.nodes[i], &u);
    if (!e)
        *out = u;
    return e;
}

enum err town_memory(struct town *t, struct fail *f, const char *node, int64_t *now, int64_t *most)
{
    const struct network_node *at;
    enum err e = network_find(f, &t->network, node, &at);
    if (!e)
        e = read_use(f, node_pid(at), "status", "VmRSS", now);
    if (!e)
        e = read_use(f, node_pid(at), "status", "VmHWM", most);
    *now *= 1024;
    *most *= 1024;
    return e;
}

void town_database(const struct network_node *node, char out[static TOWN_PATH_SIZE])
{
    snprintf(out, TOWN_PATH_SIZE, "%.*s/data/juki.db", STR_ARG(node->folder));
}

int64_t town_stored(const struct town *t, const char *node)
{
    int64_t sum = 0;
    for (size_t i = 0; i < t->network.count; i++) {
        char path[TOWN_PATH_SIZE];
        struct stat st;
        const struct network_node *at = &t->network.nodes[i];
        town_database(at, path);
        if ((!node || strcmp(node, at->name.text) == 0) && stat(path, &st) == 0)
            sum += st.st_size;
    }
    return sum;
}

/* ---- people */

static enum err write_text(void *arg, struct fail *f, struct str text)
{
    return fwrite(text.p, 1, text.n, arg) == text.n ? ERR_OK : fail_errno(f, ERR_IO, "residents");
}

enum err town_write_residents(struct fail *f, const char *path, int64_t count, bool with_codes)
{
    const struct simulate_options options = {.seed = SEED, .with_codes = with_codes};
    const struct simulate_count counts = {{TOWN_AREA}, count};
    struct simulate_world *world = NULL;
    FILE *file = fopen(path, "we");
    if (!file)
        return fail_errno(f, ERR_IO, "residents");
    enum err e = simulate_world_new(f, &options, &world);
    if (!e)
        e = simulate_residents(f, world, &counts, 1, write_text, file);
    simulate_world_free(world);
    if (fclose(file) != 0 && !e)
        e = fail_errno(f, ERR_IO, "residents");
    return e;
}
