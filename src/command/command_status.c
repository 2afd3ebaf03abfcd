/* SPDX-License-Identifier: Apache-2.0 */
/* juki status: what every server says of itself. With --json the servers' own answers, passed through. */
#include "command/node_process.h"
#include "command/nouns.h"

enum { JSON_BYTES_MOST = 64 * 1024 * 1024 };

struct status_options {
    bool json;
};
static const struct option_row option_rows[] = {
    {.name = "json",
     OPTION_FLAG_AT(struct status_options, json),
     .help = "everything the servers say, for scripts",
     .help_ja = "サーバの応答すべてをJSONで出力する"},
};

/* A number some members deep: "persons.current"; -1 when it is not there. */
static int64_t number_at(const struct json *tree, const char *path)
{
    struct str rest = str_of(path), part;
    char key[40];
    while (tree && str_cut(&rest, '.', &part)) {
        snprintf(key, sizeof key, "%.*s", STR_ARG(part));
        tree = json_get(tree, key);
    }
    return json_is(tree, JSON_INTEGER) ? json_int(tree) : -1;
}

/* What a row of 100 columns has room for; --json says the rest. A register has changes where servers have
 * notices. */
static const struct {
    const char *title, *title_ja, *path, *of_register;
    int width;
    bool bytes;
} columns[] = {
    {"current", "現存", "persons.current", NULL, 9, false},
    {"sent", "送信", "notices.sent", NULL, 8, false},
    {"received", "受信", "notices.received", NULL, 8, false},
    {"waiting", "待ち", "notices.waiting", NULL, 7, false},
    {"refused", "拒否", "notices.refused", NULL, 7, false},
    {"errors", "エラー", "error_list", "changes.waiting", 6, false},
    {"log", "履歴", "log.entries", NULL, 8, false},
    {"bytes", "容量", "log.bytes", NULL, 6, true},
    {"head", "先頭", "log.head_age_seconds", NULL, 4, false},
    {"stock", "残", "stock.unused", NULL, 6, false},
    {"cert", "証明", "certificate_days", NULL, 4, false},
};
enum { NAME_WIDTH = 15 }; /* register.282049 */

/* Columns a terminal gives to a title: kanji and kana take two. */
static int title_width(const char *title)
{
    struct str s = str_of(title);
    int width = 0;
    for (size_t at = 0; at < s.n;)
        width += utf8_next(s, &at) < 0x1100 ? 1 : 2;
    return width;
}

static void print_titles(const struct command_call *c)
{
    const char *first = command_text(c, "server", "サーバ");
    printf("%s%*s", first, NAME_WIDTH - title_width(first), "");
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        const char *title = command_text(c, columns[i].title, columns[i].title_ja);
        int space = columns[i].width + 1 - title_width(title);
        printf("%*s%s", space > 1 ? space : 1, "", title);
    }
    putchar('\n');
}

/* What a person should look at, on lines of its own below the row. */
static void print_trouble(const struct command_call *c, const struct json *answer)
{
    const char *key = command_text(c, "trouble", "trouble_ja");
    const char *own = json_cstr(json_get(answer, key));
    const struct json *peer;
    if (own)
        printf("    ! %s\n", own);
    JSON_EACH(json_get(answer, "peers"), peer)
    {
        const char *node = json_cstr(json_get(peer, "node"));
        const char *trouble = json_cstr(json_get(peer, key));
        bool stopped = json_is(json_get(peer, "stopped"), JSON_TRUE);
        if (json_is(json_get(peer, "head_forked"), JSON_TRUE))
            printf(command_text(
                       c, "    ! %s refuses the head of this log: it does not continue the one kept there\n",
                       "    ! %s がこの履歴の先頭を拒否（保管された先頭と整合しません）\n"),
                   node ? node : "");
        if (trouble || stopped)
            printf("    ! %s: %s%s\n", node ? node : "", trouble ? trouble : "",
                   stopped ? command_text(c, " (stopped)", "（停止）") : "");
    }
}

/* Pools of which 30 % or less is left. */
static void print_pools(const struct command_call *c, const struct json *answer)
{
    static const char *const ja[][2] = {
        {"disk", "ディスク"}, {"connections", "接続"}, {"handshakes", "接続手続"}, {"readers", "読み取り"}};
    const struct json *pool;
    JSON_EACH(json_get(answer, "pools"), pool)
    {
        const char *name = json_cstr(json_get(pool, "pool")), *name_ja = name;
        int64_t of = json_int(json_get(pool, "of"));
        if (!name || of < 1 || json_int(json_get(pool, "level")) < 1)
            continue;
        for (size_t i = 0; i < COUNT_OF(ja); i++)
            if (strcmp(name, ja[i][0]) == 0)
                name_ja = ja[i][1];
        printf(command_text(c, "    ! %s: %lld %% left\n", "    ! %sの残り%lld％\n"),
               command_text(c, name, name_ja), (long long)(json_int(json_get(pool, "left")) * 100 / of));
    }
}

/* A register that was restored. */
static void print_back(const struct command_call *c, const struct json *answer)
{
    const struct json *back = json_get(answer, "taking_back");
    long long to_go = (long long)json_int(back), lacking = (long long)json_int(json_get(answer, "lacking"));
    if (back && to_go > 0)
        printf(command_text(c, "    ! restored: %lld changes are still to be taken back from the CS\n",
                            "    ! 復元後：CSから取り戻す異動 残り%lld件\n"),
               to_go);
    else if (back)
        puts(command_text(c, "    ! restored: its CS was not reached yet; nothing is taken in before that",
                          "    ! 復元後：CSに未接続のため、まだ異動を受け付けません"));
    if (lacking > 0)
        printf(command_text(
                   c, "    ! %lld changes taken back lack what the CS does not know: juki register lacking\n",
                   "    ! 取り戻した異動のうち%lld件にCSにない項目の欠落：juki register lacking で確認\n"),
               lacking);
}

/* Logs that were cut, rewritten or restored: until somebody has taken note. */
static void print_forks(const struct command_call *c, const struct json *answer)
{
    const struct json *fork;
    JSON_EACH(json_get(answer, "forks"), fork)
    {
        const char *node = json_cstr(json_get(fork, "node")), *newest = json_cstr(json_get(fork, "newest"));
        printf(command_text(c, "    ! the log of %s forked (%lld on record, newest %s): juki log forks\n",
                            "    ! %s の履歴が分岐（記録%lld件、最新 %s）：juki log forks で確認\n"),
               node ? node : "", (long long)json_int(json_get(fork, "count")), newest ? newest : "");
    }
}

/* "640", "12.5K", "1.2G": six columns hold any size. */
static void print_bytes(int width, int64_t value)
{
    static const char units[] = " KMGTPE";
    size_t unit = 0;
    double size = (double)value;
    for (; size >= 999.5 && units[unit + 1]; unit++)
        size /= 1024;
    if (unit)
        printf(" %*.*f%c", width - 1, size < 99.95 ? 1 : 0, size, units[unit]);
    else
        printf(" %*lld", width, (long long)value);
}

static void print_row(const struct command_call *c, const struct network_node *node,
                      const struct json *answer, const struct fail *why)
{
    printf("%-*s", NAME_WIDTH, node->name.text);
    if (!answer && why->err == ERR_CONTROL_REFUSED)
        printf(command_text(c, " not ready: %s", " 稼働できません：%s"), why->detail);
    else if (!answer)
        printf(" %s", command_text(c, "down", "停止中"));
    bool waits = answer && json_is(json_get(answer, "standby"), JSON_TRUE);
    if (waits)
        printf(" %s", command_text(c, "standby: another process of this server works",
                                   "待機中（同じサーバの別のプロセスが稼働中）"));
    for (size_t i = 0; answer && !waits && i < COUNT_OF(columns); i++) {
        int64_t value = number_at(answer, columns[i].path);
        if (value < 0 && columns[i].of_register)
            value = number_at(answer, columns[i].of_register);
        if (value < 0)
            printf(" %*s", columns[i].width, "-");
        else if (columns[i].bytes)
            print_bytes(columns[i].width, value);
        else
            printf(" %*lld", columns[i].width, (long long)value);
    }
    putchar('\n');
    int64_t awaiting = answer ? number_at(answer, "persons.awaiting_number") : 0;
    if (awaiting > 0)
        printf(command_text(c, "    %lld wait for an Individual Number\n", "    個人番号の生成待ち %lld件\n"),
               (long long)awaiting);
    if (answer) {
        print_trouble(c, answer);
        print_back(c, answer);
        print_forks(c, answer);
        print_pools(c, answer);
    }
}

static bool asked_for(const struct command_call *c, const struct network_node *node)
{
    return c->word_count < 2 || strcmp(c->words[1], node->name.text) == 0;
}

/* A server's own answer, with its name. */
static void add_server(struct buf *list, const struct network_node *node, const struct json *answer,
                       const struct fail *why)
{
    bool not_ready = !answer && why->err == ERR_CONTROL_REFUSED;
    json_begin(list, NULL, '{');
    json_add_members(list, answer, "ok");
    json_add_text(list, "node", str_of(node->name.text));
    json_add_bool(list, "running", answer || not_ready);
    if (not_ready) {
        json_add_bool(list, "ready", false);
        json_add_text(list, "trouble", str_of(why->detail));
    }
    json_end(list, '}');
}

static enum err status(struct command_call *c, struct fail *f)
{
    const struct status_options *o = c->options;
    const struct network_node *chosen;
    struct network n;
    size_t down = 0, asked = 0;
    enum err e = network_load(f, c->words[0], &c->arena, &n);
    if (!e && c->word_count > 1)
        e = network_find(f, &n, c->words[1], &chosen);
    if (e)
        return e;
    struct buf list;
    buf_init(&list, JSON_BYTES_MOST);
    json_begin(&list, NULL, '{');
    json_begin(&list, "servers", '[');
    if (!o->json)
        print_titles(c);
    for (size_t i = 0; i < n.count; i++) {
        struct json *answer = NULL;
        struct fail why = {0};
        if (!asked_for(c, &n.nodes[i]))
            continue;
        asked++;
        if (node_ask(&why, &n.nodes[i], "status", &answer))
            down++;
        if (o->json)
            add_server(&list, &n.nodes[i], answer, &why);
        else
            print_row(c, &n.nodes[i], answer, &why);
        json_free(answer);
    }
    json_end(&list, ']');
    json_end(&list, '}');
    if (o->json)
        e = control_print_buf(f, &list);
    buf_release(&list);
    if (!e && down)
        e = fail_set(f, ERR_NODE_DOWN, NULL, "%zu / %zu", asked - down, asked);
    return e;
}

static const struct command_row rows[] = {
    {.words = "DIR [NODE]",
     .least = 1,
     .most = 2,
     .run = status,
     .options = option_rows,
     .option_count = COUNT_OF(option_rows),
     .size = sizeof(struct status_options),
     .help = "Show persons, notices, logs, error lists, stock and certificates of every server. head: "
             "seconds since the log's "
             "head was signed; cert: days until the certificate ends.",
     .help_ja = "各サーバの人数、通知、履歴、エラーリスト、住民票コードの残数、証明書の残日数を表示する。"
                "先頭は、履歴の先頭に署名してからの秒数。"},
};
const struct command_noun command_status = {"status", "show how every server stands",
                                            "各サーバの状態を表示する", rows, COUNT_OF(rows)};
