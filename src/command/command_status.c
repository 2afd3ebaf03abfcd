/* SPDX-License-Identifier: Apache-2.0 */
/* juki status: what every server says of itself. With --json the servers' own answers, passed through. */
#include "command/node_process.h"
#include "command/nouns.h"

struct status_options {
    bool json;
};
static const struct option_row option_rows[] = {
    {.name = "json", OPTION_FLAG_AT(struct status_options, json), .help = "everything the servers say, for scripts"},
};

/* A number some members deep: "persons.current"; -1 when it is not there. */
static int64_t number_at(const json_t *tree, const char *path)
{
    struct str rest = str_of(path), part;
    char key[40];
    while (tree && str_cut(&rest, '.', &part)) {
        snprintf(key, sizeof key, "%.*s", STR_ARG(part));
        tree = json_object_get(tree, key);
    }
    return json_is_integer(tree) ? json_integer_value(tree) : -1;
}

static const struct {
    const char *title, *title_ja, *path;
    int width;
    const char *plus; /* a second member that counts with it */
} columns[] = {
    {"current", "現存", "persons.current", 9, NULL},
    {"leaving", "転出予定", "persons.leaving", 8, NULL},
    {"removed", "消除", "persons.removed", 8, NULL},
    {"sent", "送信", "notices.sent", 9, NULL},
    {"received", "受信", "notices.received", 9, NULL},
    {"waiting", "待ち", "notices.waiting", 8, NULL},
    {"refused", "拒否", "notices.refused", 8, NULL},
    {"errors", "エラー", "error_list", 7, NULL},
    {"log", "履歴", "log.entries", 9, NULL},
    {"bytes", "容量", "database.file_bytes", 12, "database.wal_bytes"},
    {"head s", "署名秒", "log.head_age_seconds", 7, NULL},
    {"stock", "残", "stock.unused", 7, NULL},
    {"cert d", "証明日", "certificate_days", 7, NULL},
};

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
    printf("%-18s", command_text(c, "server", "node"));
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        const char *title = command_text(c, columns[i].title, columns[i].title_ja);
        int space = columns[i].width + 1 - title_width(title);
        printf("%*s%s", space > 1 ? space : 1, "", title);
    }
    putchar('\n');
}

/* What a person should look at, on lines of its own below the row. */
static void print_trouble(const struct command_call *c, const json_t *answer)
{
    const char *own = json_string_value(json_object_get(answer, "trouble"));
    const json_t *peer;
    size_t i;
    if (own)
        printf("    ! %s\n", own);
    json_array_foreach(json_object_get(answer, "peers"), i, peer) {
        const char *node = json_string_value(json_object_get(peer, "node"));
        const char *trouble = json_string_value(json_object_get(peer, "trouble"));
        bool stopped = json_is_true(json_object_get(peer, "stopped"));
        if (trouble || stopped)
            printf("    ! %s: %s%s\n", node ? node : "", trouble ? trouble : "",
                   stopped ? command_text(c, " (stopped)", "（停止）") : "");
    }
}

static void print_row(const struct command_call *c, const struct network_node *node, const json_t *answer)
{
    printf("%-18s", node->name.text);
    if (!answer)
        printf(" %s", command_text(c, "down", "停止中"));
    for (size_t i = 0; answer && i < COUNT_OF(columns); i++) {
        int64_t value = number_at(answer, columns[i].path), more;
        more = columns[i].plus ? number_at(answer, columns[i].plus) : 0;
        value += value >= 0 && more > 0 ? more : 0;
        if (value < 0)
            printf(" %*s", columns[i].width, "-");
        else
            printf(" %*lld", columns[i].width, (long long)value);
    }
    putchar('\n');
    if (answer)
        print_trouble(c, answer);
}

static bool asked_for(const struct command_call *c, const struct network_node *node)
{
    return c->word_count < 2 || strcmp(c->words[1], node->name.text) == 0;
}

static void add_server(json_t *list, const struct network_node *node, json_t *answer)
{
    json_t *server = answer ? json_copy(answer) : json_object();
    json_object_del(server, "ok");
    json_object_set_new(server, "node", json_string(node->name.text));
    json_object_set_new(server, "running", json_boolean(answer != NULL));
    json_array_append_new(list, server);
}

static enum err print_json(struct fail *f, json_t *list)
{
    json_t *root = json_pack("{s:O}", "servers", list);
    int failed = !root || json_dumpf(root, stdout, JSON_COMPACT) != 0;
    putchar('\n');
    json_decref(root);
    return failed ? fail_set(f, ERR_IO, "stdout", NULL) : ERR_OK;
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
    json_t *list = json_array();
    if (!o->json)
        print_titles(c);
    for (size_t i = 0; i < n.count; i++) {
        json_t *answer = NULL;
        if (!asked_for(c, &n.nodes[i]))
            continue;
        asked++;
        if (node_ask(NULL, &n.nodes[i], "status", &answer))
            down++;
        if (o->json)
            add_server(list, &n.nodes[i], answer);
        else
            print_row(c, &n.nodes[i], answer);
        json_decref(answer);
    }
    if (o->json)
        e = print_json(f, list);
    json_decref(list);
    if (!e && down)
        e = fail_set(f, ERR_NODE_DOWN, NULL, "%zu / %zu", asked - down, asked);
    return e;
}

static const struct command_row rows[] = {
    {.words = "DIR [NODE]", .least = 1, .most = 2, .run = status, .options = option_rows,
     .option_count = COUNT_OF(option_rows), .size = sizeof(struct status_options),
     .help = "Show persons, notices, logs, error lists, stock and certificates of every server.",
     .help_ja = "各サーバの人数、通知、履歴、エラーリスト、住民票コードの残数、証明書の残日数を表示する。"},
};
const struct command_noun command_status = {"status", "show how every server stands", "各サーバの状態を表示する", rows,
                                            COUNT_OF(rows)};
