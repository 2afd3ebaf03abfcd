/* SPDX-License-Identifier: Apache-2.0 */
/* juki demo: a nation in small. Two prefectures, three municipalities and the agency start; invented people
 * are loaded, are born, move, change names and die; one server is killed in the middle; at the end every
 * level must hold the same and every log must prove itself. What it says is what happened: counts and times
 * are measured, and anything that disagrees ends it with a failure. */
#include "command/nouns.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/progress.h"
#include "command/level_census.h"
#include "command/node_process.h"
#include "identity/change_reason.h"
#include "simulate/changes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TOWNS = 3, QUIET_SECONDS = 300, REASONS_MAX = 48, LINE_TEXT = 400 };

struct demo_words {
    bool exit;
    int64_t residents, seed;
};

struct town {
    int32_t area;
    const char *en, *ja;
    struct simulate_count count;
    const struct network_node *reg; /* its register */
    char residents[NETWORK_PATH_MAX], changes[NETWORK_PATH_MAX];
};

struct reason_count {
    char reason[48];
    int64_t count;
};

struct demo {
    struct command_call *call;
    struct network network;
    struct town towns[TOWNS];
    struct simulate_world *world;
    const char *folder;
    int64_t started, loaded;
    struct reason_count reasons[REASONS_MAX];
    size_t reason_count;
};

static const struct town all_towns[TOWNS] = {
    {.area = 282049, .en = "Nishinomiya 西宮市", .ja = "西宮市"},
    {.area = 282022, .en = "Amagasaki 尼崎市", .ja = "尼崎市"},
    {.area = 272035, .en = "Toyonaka 豊中市", .ja = "豊中市"},
};
static const char victim[] = "prefecture.28";

extern char **environ;

/* One sentence with the time since the start. */
__attribute__((format(printf, 2, 4))) static void say(const struct demo *d, const char *en, const char *ja,
                                                      ...)
{
    va_list args;
    char text[LINE_TEXT];
    va_start(args, ja);
    vsnprintf(text, sizeof text, command_text(d->call, en, ja), args);
    va_end(args);
    printf("%6.1fs  %s\n", (double)(clock_steady() - d->started) / 1e6, text);
    fflush(stdout);
}

static const char *town_name(const struct demo *d, const struct town *t)
{
    return command_text(d->call, t->en, t->ja);
}

/* ---- the network ---- */

static enum err stop_all(struct fail *f, const struct network *n)
{
    enum err e = ERR_OK;
    for (size_t i = n->count; i-- > 0;)
        node_signal(node_pid(&n->nodes[i]), SIGTERM);
    for (size_t i = n->count; i-- > 0 && !e;) {
        pid_t pid = node_pid(&n->nodes[i]);
        if (pid)
            e = node_wait_end(f, &n->nodes[i], pid, NODE_STOP_MILLIS);
    }
    return e;
}

/* Not to be interrupted between a server's start and the note of its pid: whoever stops the servers finds
 * them all. */
static enum err start(struct fail *f, const struct network_node *node)
{
    sigset_t ends, before;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, &before);
    enum err e = node_start(f, node, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return e;
}

/* Removes what an earlier demonstration left; never anything else. */
static enum err clear_folder(struct demo *d, struct fail *f)
{
    struct network old;
    enum err e;
    if (!network_check_empty(NULL, d->folder))
        return ERR_OK;
    e = network_load(f, d->folder, &d->call->arena, &old);
    if (e || !old.demo)
        return fail_set(f, ERR_DEMO_FOLDER, NULL, "%.150s", d->folder);
    e = stop_all(f, &old);
    return e ? e : network_remove_folder(f, d->folder);
}

static bool port_is_free(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0)
        return false;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on); /* as the servers do */
    bool free_now = bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
    close(fd);
    return free_now;
}

/* Whether no other demonstration is about to use the row: held by a name that goes when this process ends,
 * since the servers listen only some time after the ports were looked at. */
static bool hold_row(int base)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "juki-demo-%d", base); /* abstract: unix(7) */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&name, sizeof name) == 0)
        return true; /* and stays open */
    if (fd >= 0)
        close(fd);
    return false;
}

/* The first row of ports that nobody uses, so that a demonstration runs beside another network. */
static int base_port(void)
{
    enum { FIRST = 7600, LAST = 9600, PORTS = 9 };
    for (int base = FIRST; base < LAST; base += PORTS) {
        int n = 0;
        while (n < PORTS && port_is_free(base + n))
            n++;
        if (n == PORTS && hold_row(base))
            return base;
    }
    return FIRST; /* the servers will say which port is taken */
}

static enum err make_network(struct demo *d, struct fail *f)
{
    static const struct str prefectures[] = {{"28", 2}, {"27", 2}};
    static const struct str municipalities[TOWNS] = {{"282049", 6}, {"282022", 6}, {"272035", 6}};
    const struct network_plan plan = {.folder = d->folder,
                                      .prefectures = prefectures,
                                      .prefecture_count = 2,
                                      .municipalities = municipalities,
                                      .municipality_count = TOWNS,
                                      .base_port = base_port(),
                                      .disk_least = 1,
                                      .demo = true};
    char name[NODE_NAME_SIZE];
    enum err e = network_init(f, &plan, &d->call->arena, &d->network);
    if (!e)
        e = network_make_sockets(f, &d->network);
    for (size_t i = 0; i < TOWNS && !e; i++) {
        snprintf(name, sizeof name, "register.%06d", d->towns[i].area);
        e = network_find(f, &d->network, name, &d->towns[i].reg);
    }
    for (size_t i = 0; i < d->network.count && !e; i++)
        e = start(f, &d->network.nodes[i]);
    return e;
}

/* ---- invented people ---- */

static enum err to_file(void *arg, struct fail *f, struct str text)
{
    FILE *out = arg;
    return fwrite(text.p, 1, text.n, out) == text.n ? ERR_OK : fail_errno(f, ERR_IO, "residents");
}

static enum err open_file(struct fail *f, const char *path, FILE **out)
{
    mode_t before = umask(0077);
    *out = fopen(path, "we");
    umask(before);
    return *out ? ERR_OK : fail_errno(f, ERR_IO, path);
}

static enum err close_file(struct fail *f, FILE *file, enum err e)
{
    return fclose(file) == 0 || e ? e : fail_errno(f, ERR_IO, "residents");
}

static enum err write_files(struct demo *d, struct fail *f, struct town *t)
{
    const struct simulate_period year = {.first = {2026, 1, 1}, .last = {2026, 12, 31}, .percent = 100};
    FILE *out = NULL;
    snprintf(t->residents, sizeof t->residents, "%s/residents.csv", t->reg->folder.p);
    snprintf(t->changes, sizeof t->changes, "%s/changes.jsonl", t->reg->folder.p);
    enum err e = open_file(f, t->residents, &out);
    if (!e)
        e = close_file(f, out, simulate_residents(f, d->world, &t->count, 1, to_file, out));
    if (!e)
        e = open_file(f, t->changes, &out);
    return e ? e : close_file(f, out, simulate_changes(f, d->world, &t->count, 1, &year, to_file, out));
}

/* The three towns share the residents as they do in the census. */
static enum err share(struct demo *d, struct fail *f, int64_t total)
{
    size_t n = simulate_area_count(d->world);
    struct simulate_count *all = arena_alloc(&d->call->arena, n * sizeof *all);
    int64_t census[TOWNS] = {0}, sum = 0, given = 0;
    enum err e = all ? simulate_nation(f, d->world, 100000000, all) : fail_set(f, ERR_MEMORY, "counts", NULL);
    for (size_t i = 0; i < n && !e; i++)
        for (size_t k = 0; k < TOWNS; k++)
            if (all[i].area.value == d->towns[k].area)
                sum += census[k] = all[i].count;
    assert(e || sum > 0); /* the towns have residents in the census */
    for (size_t k = 0; k < TOWNS && !e; k++) {
        int64_t count = k + 1 < TOWNS ? total * census[k] / sum : total - given;
        d->towns[k].count = (struct simulate_count){{d->towns[k].area}, count};
        given += count;
    }
    return e;
}

static enum err make_people(struct demo *d, struct fail *f)
{
    const struct demo_words *o = d->call->options;
    const struct simulate_options options = {.seed = (uint64_t)o->seed, .with_codes = true};
    enum err e = simulate_world_new(f, &options, &d->world);
    if (!e)
        e = share(d, f, o->residents);
    for (size_t i = 0; i < TOWNS && !e; i++)
        e = write_files(d, f, &d->towns[i]);
    return e;
}

/* ---- registers ---- */

struct taken {
    int64_t rows, taken, refused;
};

static enum err give_file(struct demo *d, struct fail *f, const struct town *t, const char *verb,
                          const char *path, struct taken *out)
{
    struct str question = arena_format(&d->call->arena, "{\"do\":\"%s\",\"path\":\"%s\"}", verb, path);
    struct json *answer = NULL;
    enum err e =
        question.p ? node_ask_text(f, t->reg, question, t->en, &answer) : fail_set(f, ERR_MEMORY, NULL, NULL);
    if (!e && !(e = json_member_int(f, answer, "rows", 0, INT64_MAX, &out->rows)) &&
        !(e = json_member_int(f, answer, "taken", 0, INT64_MAX, &out->taken)))
        e = json_member_int(f, answer, "refused", 0, INT64_MAX, &out->refused);
    json_free(answer);
    return e;
}

struct queue {
    int64_t queued, applied, refused, waiting;
    int64_t awaiting; /* changes that are queued when the agency has generated a number */
};

static enum err queue_of(struct fail *f, const struct town *t, struct queue *q)
{
    struct json *answer = NULL;
    const struct json *changes = NULL, *persons = NULL;
    int64_t queued = 0, applied = 0, refused = 0, waiting = 0, awaiting = 0;
    enum err e = node_ask(f, t->reg, "status", &answer);
    if (!e && !(e = json_member_object(f, answer, "changes", &changes)) &&
        !(e = json_member_int(f, changes, "queued", 0, INT64_MAX, &queued)) &&
        !(e = json_member_int(f, changes, "applied", 0, INT64_MAX, &applied)) &&
        !(e = json_member_int(f, changes, "refused", 0, INT64_MAX, &refused)) &&
        !(e = json_member_int(f, changes, "waiting", 0, INT64_MAX, &waiting)) &&
        !(e = json_member_object(f, answer, "persons", &persons)))
        e = json_member_int(f, persons, "awaiting_number", 0, INT64_MAX, &awaiting);
    json_free(answer);
    *q = (struct queue){q->queued + queued, q->applied + applied, q->refused + refused, q->waiting + waiting,
                        q->awaiting + awaiting};
    return e;
}

static enum err queues(struct demo *d, struct fail *f, struct queue *q)
{
    enum err e = ERR_OK;
    *q = (struct queue){0};
    for (size_t i = 0; i < TOWNS && !e; i++)
        e = queue_of(f, &d->towns[i], q);
    return e;
}

/* Waits until every change has its outcome. */
static enum err until_quiet(struct demo *d, struct fail *f, const char *label, struct queue *q)
{
    struct progress bar = {0};
    int64_t end = clock_steady() + (int64_t)QUIET_SECONDS * 1000000;
    enum err e = queues(d, f, q);
    int64_t before = q->applied + q->refused;
    progress_start(&bar, label, (uint64_t)(q->queued - before));
    while (!e && q->applied + q->refused < q->queued + q->awaiting) {
        if (clock_steady() > end)
            e = fail_set(f, ERR_TIMEOUT, NULL, "%lld of %lld changes have no outcome",
                         (long long)(q->queued + q->awaiting - q->applied - q->refused),
                         (long long)(q->queued + q->awaiting));
        usleep(50000);
        if (!e)
            e = queues(d, f, q);
        progress_set(&bar, (uint64_t)(q->applied + q->refused - before));
    }
    progress_end(&bar);
    return e;
}

static enum err load_residents(struct demo *d, struct fail *f)
{
    struct queue q = {0};
    int64_t began = clock_steady(), total = 0;
    enum err e = ERR_OK;
    for (size_t i = 0; i < TOWNS && !e; i++) {
        struct taken t = {0};
        e = give_file(d, f, &d->towns[i], "load", d->towns[i].residents, &t);
        unlink(d->towns[i].residents); /* numbers stay in databases only */
        if (e)
            break;
        total += t.taken;
        say(d, "%s loads %lld residents into its register.", "%sが住民%lld人を住民記録に登録しました。",
            town_name(d, &d->towns[i]), (long long)t.taken);
        if (t.refused)
            e = fail_set(f, ERR_LEVELS_DIFFER, NULL, "%lld rows were refused", (long long)t.refused);
    }
    if (!e)
        e = until_quiet(d, f, command_text(d->call, "notices to the agency", "機構サーバへの通知"), &q);
    double seconds = (double)(clock_steady() - began) / 1e6;
    d->loaded = total;
    if (!e)
        say(d,
            "All %lld are known to their prefecture and the nation: %.0f persons a second, acknowledged on "
            "disk at each level.",
            "全%lld人が都道府県と全国に届きました。毎秒%."
            "0f人、各階層でディスクに記録してから応答しています。",
            (long long)total, (double)total / seconds);
    return e;
}

/* ---- what happens to people ---- */

static void count_reason(struct demo *d, struct str reason)
{
    for (size_t i = 0; i < d->reason_count; i++) {
        if (str_equal(str_of(d->reasons[i].reason), reason)) {
            d->reasons[i].count++;
            return;
        }
    }
    if (d->reason_count == REASONS_MAX)
        return;
    struct reason_count *r = &d->reasons[d->reason_count++];
    snprintf(r->reason, sizeof r->reason, "%.*s", STR_ARG(reason));
    r->count = 1;
}

static enum err count_file(struct demo *d, struct fail *f, const char *path)
{
    static const struct str key = {"\"reason\":\"", 10};
    struct buf text;
    struct str rest, line;
    buf_init(&text, 512 * 1024 * 1024);
    enum err e = file_read(f, path, &text);
    rest = buf_str(&text);
    while (!e && str_cut(&rest, '\n', &line)) {
        const char *at = line.n ? memmem(line.p, line.n, key.p, key.n) : NULL;
        struct str tail = {at ? at + key.n : NULL, at ? (size_t)(line.p + line.n - at) - key.n : 0}, reason;
        if (str_cut(&tail, '"', &reason))
            count_reason(d, reason);
    }
    buf_release(&text);
    return e;
}

static const struct {
    const char *reason, *en, *ja;
} phrases[] = {
    {"birth", "are born: each gets a resident code from the stock and an Individual Number from the agency",
     "人が出生し、住民票コードが付番され、機構が個人番号を生成しました"},
    {"death", "die", "人が死亡しました"},
    {"move_within", "move house within their town", "人が転居しました"},
    {"ex_officio_amendment", "change their name by marriage or adoption, or have a record amended",
     "人の氏名等が職権修正されました（婚姻等）"},
    {"former_name_entry", "have a former name recorded", "人が旧氏を記載しました"},
    {"alias_entry", "have an alias recorded", "人が通称を記載しました"},
    {"code_change_request", "change their resident code", "人が住民票コードの変更を請求しました"},
    {"number_change_request", "change their Individual Number", "人が個人番号の変更を請求しました"},
    {"minor_correction", "have an address corrected in a minor way", "人の住所が軽微な修正を受けました"},
    {"householder_change", "become the head of their household, which the register keeps to itself",
     "人が世帯主となりました（通知の対象外）"},
    {"clerical_correction", "have a slip of the pen mended", "人の誤記が修正されました"},
};

/* Changes of households: the register keeps them, and identity records hold nothing of it. */
static int64_t count_unsent(const struct demo *d)
{
    int64_t unsent = 0;
    for (size_t i = 0; i < d->reason_count; i++) {
        enum municipal_reason reason;
        if (!municipal_reason_parse(NULL, str_of(d->reasons[i].reason), &reason) &&
            municipal_row(reason)->legal == CHANGE_NONE)
            unsent += d->reasons[i].count;
    }
    return unsent;
}

static void tell_reasons(const struct demo *d)
{
    int64_t told = 0, all = 0;
    for (size_t i = 0; i < d->reason_count; i++)
        all += d->reasons[i].count;
    for (size_t k = 0; k < COUNT_OF(phrases); k++)
        for (size_t i = 0; i < d->reason_count; i++)
            if (strcmp(d->reasons[i].reason, phrases[k].reason) == 0) {
                printf("         %5lld%s%s\n", (long long)d->reasons[i].count, command_text(d->call, " ", ""),
                       command_text(d->call, phrases[k].en, phrases[k].ja));
                told += d->reasons[i].count;
            }
    if (all > told)
        printf("         %5lld%s\n", (long long)(all - told),
               command_text(d->call, " other changes and cancellations", "件のその他の異動と取消し"));
}

/* SIGKILL in the middle of it all, and a new start. */
static enum err pull_the_plug(struct demo *d, struct fail *f)
{
    const struct network_node *node = NULL;
    struct queue q = {0};
    enum err e = network_find(f, &d->network, victim, &node);
    pid_t pid = e ? 0 : node_pid(node);
    if (!e && pid == 0)
        e = fail_set(f, ERR_STATE, NULL, "%s does not run", victim);
    if (!e)
        e = queues(d, f, &q);
    if (e)
        return e;
    node_signal(pid, SIGKILL);
    say(d, "%s is killed (SIGKILL) while %lld changes are on their way.",
        "%s を強制停止（SIGKILL）しました。%lld件の異動が処理中です。", victim,
        (long long)(q.queued - q.applied - q.refused));
    e = node_wait_end(f, node, pid, NODE_STOP_MILLIS);
    return e;
}

static enum err plug_in_again(struct demo *d, struct fail *f)
{
    const struct network_node *node = NULL;
    enum err e = network_find(f, &d->network, victim, &node);
    if (!e)
        e = start(f, node);
    if (!e)
        say(d, "%s is started again and goes on where it was, without help.",
            "%s を再起動しました。人手によらず続きから処理します。", victim);
    return e;
}

static enum err live_a_year(struct demo *d, struct fail *f)
{
    struct queue q = {0};
    int64_t taken = 0;
    enum err e = ERR_OK;
    for (size_t i = 0; i < TOWNS && !e; i++) {
        struct taken t = {0};
        e = count_file(d, f, d->towns[i].changes);
        if (!e)
            e = give_file(d, f, &d->towns[i], "apply", d->towns[i].changes, &t);
        unlink(d->towns[i].changes);
        taken += t.taken;
        if (!e && t.refused)
            e = fail_set(f, ERR_LEVELS_DIFFER, NULL, "%lld changes were refused by the register",
                         (long long)t.refused);
        if (!e && i == 0)
            e = pull_the_plug(d, f);
    }
    if (e)
        return e;
    say(d,
        "A year passes: %lld changes in the three towns, of which %lld concern households alone and are not "
        "sent.",
        "1年間の異動%lld件を3市で処理します。うち%lld件は世帯の異動で、通知の対象外です。", (long long)taken,
        (long long)count_unsent(d));
    tell_reasons(d);
    e = plug_in_again(d, f);
    if (!e)
        e = until_quiet(d, f, command_text(d->call, "changes", "異動"), &q);
    if (!e)
        say(d,
            "Every change that was sent has its outcome: %lld applied nationally beside the %lld loaded, "
            "%lld refused, %lld waiting.",
            "通知したすべての異動の結果が出ました。反映%lld件（ほかに当初の%lld件）、不受理%lld件、保留%"
            "lld件。",
            (long long)(q.applied - d->loaded), (long long)d->loaded, (long long)q.refused,
            (long long)q.waiting);
    return !e && q.refused + q.waiting ? fail_set(f, ERR_LEVELS_DIFFER, NULL, "not every change was applied")
                                       : e;
}

/* ---- the proof ---- */

static void print_area(void *arg, int32_t area, const struct level *levels, size_t count, bool equal)
{
    const struct demo *d = arg;
    const char *name = "";
    for (size_t i = 0; i < TOWNS; i++)
        if (d->towns[i].area == area)
            name = town_name(d, &d->towns[i]);
    printf("         %s %s: ", equal ? "✓" : "✗", name);
    for (size_t i = 0; i < count; i++)
        printf("%s%s %lld", i ? ", " : "", levels[i].node,
               levels[i].state ? (long long)levels[i].state->current : 0);
    printf(
        command_text(d->call, " current; %lld removed; state %.12s\n", "（現存）、消除 %lld、要約値 %.12s\n"),
        levels[0].state ? (long long)levels[0].state->removed : 0,
        levels[0].state ? levels[0].state->digest : "-");
}

static enum err compare_levels(struct demo *d, struct fail *f)
{
    bool equal = false;
    say(d, "Do register, communication server, prefecture and agency hold the same of everybody?",
        "住民記録、CS、都道府県、機構の内容を全員分照合します。");
    enum err e = network_compare(f, &d->network, &d->call->arena, print_area, d, &equal);
    return e || equal ? e : fail_set(f, ERR_LEVELS_DIFFER, NULL, NULL);
}

static enum err verify_logs(struct demo *d, struct fail *f)
{
    char self[NETWORK_PATH_MAX], verb[] = "verify", noun[] = "log";
    char folder[NETWORK_PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    char *words[] = {self, noun, verb, folder, NULL};
    pid_t pid;
    int status = 0;
    snprintf(folder, sizeof folder, "%s", d->folder);
    if (n <= 0)
        return fail_errno(f, ERR_IO, "/proc/self/exe");
    self[n] = 0;
    say(d, "Every log is recomputed and compared with its signed heads.",
        "各サーバの記録を再計算し、署名付きの先頭値と照合します。");
    if (posix_spawn(&pid, self, NULL, NULL, words, environ) != 0)
        return fail_errno(f, ERR_IO, self);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0
               ? ERR_OK
               : fail_set(f, ERR_LEVELS_DIFFER, "log", "verification failed");
}

static void say_how_to_look(const struct demo *d)
{
    static const char *const commands[][3] = {
        {"status %s", "how every server stands", "各サーバの状態"},
        {"trace %s 282049 100", "where a change was at each hop", "異動の各段階の時刻"},
        {"compare %s", "do all levels agree", "各階層の照合"},
        {"log verify %s", "every log proves itself", "記録の検証"},
        {"down %s", "stop the network", "ネットワークの停止"},
    };
    char text[NETWORK_PATH_MAX];
    puts(command_text(d->call, "\nThe network stays up. Look at it:",
                      "\nネットワークは稼働したままです。次のコマンドで確認できます。"));
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        struct str verb = str_of(commands[i][0]), word = {NULL, 0}, rest = verb;
        snprintf(text, sizeof text, "./run juki");
        while (str_cut(&rest, ' ', &word))
            snprintf(text + strlen(text), sizeof text - strlen(text), " %.*s",
                     str_equal(word, STR("%s")) ? (int)strlen(d->folder) : (int)word.n,
                     str_equal(word, STR("%s")) ? d->folder : word.p);
        printf("  %-52s %s\n", text, command_text(d->call, commands[i][1], commands[i][2]));
    }
}

/* ---- the whole ---- */

static const char *folder_of(const struct command_call *c)
{
    return c->word_count ? c->words[0] : "demo-network";
}

static enum err play(struct demo *d, struct fail *f)
{
    enum err e = clear_folder(d, f);
    if (!e)
        e = make_network(d, f);
    if (e)
        return e;
    say(d,
        "The network stands: agency, prefectures 28 Hyogo 兵庫県 and 27 Osaka 大阪府, three municipalities "
        "with their registers (%zu servers).",
        "ネットワークが起動しました。機構、兵庫県(28)、大阪府(27)、3市とその住民記録（%zuサーバ）。",
        d->network.count);
    e = make_people(d, f);
    if (!e)
        say(d, "%lld residents are invented, with codes and numbers; nobody is real.",
            "架空の住民%lld人を住民票コードと個人番号付きで作成しました。実在の人物ではありません。",
            (long long)((const struct demo_words *)d->call->options)->residents);
    if (!e)
        e = load_residents(d, f);
    if (!e)
        e = live_a_year(d, f);
    if (!e)
        e = compare_levels(d, f);
    return e ? e : verify_logs(d, f);
}

static enum err run_demo(struct command_call *c, struct fail *f)
{
    const struct demo_words *o = c->options;
    struct demo *d = arena_alloc(&c->arena, sizeof *d);
    struct fail ending;
    if (!d)
        return fail_set(f, ERR_MEMORY, "demo", NULL);
    d->call = c;
    d->folder = folder_of(c);
    d->started = clock_steady();
    memcpy(d->towns, all_towns, sizeof d->towns);
    enum err e = play(d, f);
    simulate_world_free(d->world);
    if (!e)
        say(d, "Everything agrees: nobody lost, nobody doubled.",
            "すべて一致しました。欠落も重複もありません。");
    if (o->exit && d->network.count && stop_all(&ending, &d->network) && !e) {
        *f = ending;
        e = ending.err;
    }
    if (!e && !o->exit)
        say_how_to_look(d);
    return e;
}

/* ---- Ctrl-C ---- */

/* The demonstration was ended from outside: nothing of it stays behind but the folder. */
static enum err stop_what_runs(struct command_call *c, struct fail *f, pid_t child)
{
    char making[NETWORK_PATH_MAX + 32];
    char *absolute = realpath(folder_of(c), NULL);
    struct network n;
    enum err e = ERR_OK;
    if (absolute) { /* what network_init had not yet moved to its place */
        snprintf(making, sizeof making, "%s.making-%d", absolute, (int)child);
        if (file_exists(making))
            (void)!network_remove_folder(NULL, making);
        free(absolute);
    }
    if (!network_load(NULL, folder_of(c), &c->arena, &n) && n.demo)
        e = stop_all(f, &n);
    return e ? e : fail_set(f, ERR_INTERRUPTED, NULL, NULL);
}

/* Waits for the end of the child, or ends it when somebody ends us. */
static int wait_for_child(pid_t child, const sigset_t *signals)
{
    int status = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
        int caught = sigwaitinfo(signals, NULL);
        if (caught == SIGINT || caught == SIGTERM)
            kill(child, SIGTERM);
    }
    return status;
}

/* The demonstration plays in a child, so that Ctrl-C finds it in no state: the child is gone, then its
 * servers are stopped. What it had to say of a failure comes back in shared memory. */
static enum err demo(struct command_call *c, struct fail *f)
{
    sigset_t signals, before;
    struct fail *said = mmap(NULL, sizeof *said, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (said == MAP_FAILED)
        return fail_errno(f, ERR_MEMORY, "demo");
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, &before);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        sigprocmask(SIG_SETMASK, &before, NULL);
        enum err own = run_demo(c, said);
        said->err = own;
        _exit(fflush(stdout) == 0 ? 0 : 1);
    }
    int status = child > 0 ? wait_for_child(child, &signals) : 0;
    enum err e;
    if (child < 0)
        e = fail_errno(f, ERR_MEMORY, "fork");
    else if (!WIFEXITED(status))
        e = stop_what_runs(c, f, child);
    else
        e = WEXITSTATUS(status) ? fail_set(f, ERR_IO, NULL, "stdout")
            : said->err         ? fail_pass(f, said)
                                : ERR_OK;
    sigprocmask(SIG_SETMASK, &before, NULL);
    munmap(said, sizeof *said);
    return e;
}

static const struct demo_words standard = {.residents = 20000, .seed = 1};
static const struct option_row options[] = {
    {"exit", 'e', OPTION_FLAG_AT(struct demo_words, exit), .help = "Stop the network at the end.",
     .help_ja = "終了時にネットワークを停止する"},
    {"residents", 'n', OPTION_INT_AT(struct demo_words, residents), 30, 4000000, "N",
     "How many people (20000).", "住民の数（20000）"},
    {"seed", 's', OPTION_INT_AT(struct demo_words, seed), 0, INT64_MAX, "N",
     "Other people with another seed (1).", "乱数の種。異なる値で別の人々になる（1）"},
};
static const struct command_row rows[] = {
    {.words = "[DIR]",
     .most = 1,
     .options = options,
     .option_count = COUNT_OF(options),
     .standard = &standard,
     .size = sizeof standard,
     .run = demo,
     .help = "Start a small nation in DIR (demo-network), let a year pass, kill a server in the middle, and "
             "prove that "
             "all levels agree.",
     .help_ja =
         "DIR（demo-"
         "network）に小さな国を作り、1年分の異動を流し、途中でサーバを強制停止し、全階層の一致を確かめる。"},
};
const struct command_noun command_demo = {"demo", "a nation in small", "実演", rows, COUNT_OF(rows)};
