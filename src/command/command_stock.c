/* SPDX-License-Identifier: Apache-2.0 */
/* juki stock: the resident codes that a municipality has been designated and has not yet given to anybody.
 * juki waiting: whose notices wait at its CS until the agency has generated an Individual Number. */
#include "command/node_process.h"
#include "command/nouns.h"

struct stock_options {
    bool json;
};
static const struct option_row option_rows[] = {
    {.name = "json",
     OPTION_FLAG_AT(struct stock_options, json),
     .help = "for scripts",
     .help_ja = "JSONで出力する"},
};
#define OPTIONS                                                                                              \
    .options = option_rows, .option_count = COUNT_OF(option_rows), .size = sizeof(struct stock_options)

static enum err ask_cs(struct command_call *c, struct fail *f, struct str question, struct json **answer)
{
    const struct network_node *node;
    struct network n;
    enum err e = network_load(f, c->words[0], &c->arena, &n);
    if (!e)
        e = network_find_area(f, &n, NODE_CS, c->words[1], &node);
    return e ? e : node_ask_text(f, node, question, NULL, answer);
}

static long long number(const struct json *tree, const char *key)
{
    return (long long)json_int(json_get(tree, key));
}

/* ---- stock */

static enum err show(struct command_call *c, struct fail *f)
{
    const struct stock_options *o = c->options;
    struct json *answer = NULL;
    const struct json *stock = NULL;
    enum err e = ask_cs(c, f, STR("{\"do\":\"status\"}"), &answer);
    if (!e)
        e = json_member_object(f, answer, "stock", &stock);
    if (!e && o->json)
        e = control_print(f, stock);
    else if (!e)
        printf(command_text(c,
                            "%lld codes left; the last filling was %lld; %lld requested and not yet here\n",
                            "残り%lld件、直近の指定%lld件、請求中%lld件\n"),
               number(stock, "unused"), number(stock, "designated"), number(stock, "requested"));
    json_free(answer);
    return e;
}

static enum err request(struct command_call *c, struct fail *f)
{
    enum { COUNT_MAX = 2000000 };
    char question[64];
    uint64_t count = 0;
    struct json *answer = NULL;
    if (!str_to_uint(str_of(c->words[2]), COUNT_MAX, &count) || count == 0)
        return fail_set(f, ERR_USAGE, NULL, "COUNT is from 1 to %d", COUNT_MAX);
    snprintf(question, sizeof question, "{\"do\":\"stock_request\",\"count\":%llu}",
             (unsigned long long)count);
    enum err e = ask_cs(c, f, str_of(question), &answer);
    json_free(answer);
    if (!e)
        printf(command_text(c, "%llu codes requested; juki stock %s %s shows when they are here\n",
                            "%llu件を請求しました（到着は juki stock %s %s で確認できます）\n"),
               (unsigned long long)count, c->words[0], c->words[1]);
    return e;
}

/* ---- waiting */

/* "3d 4h", "2h 05m", "1m 07s": what a person compares with how long it should take. */
static void print_age(const struct command_call *c, long long seconds)
{
    enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };
    if (seconds >= DAY)
        printf(command_text(c, "%4lldd %2lldh", "%4lld日%2lld時間"), seconds / DAY, seconds % DAY / HOUR);
    else if (seconds >= HOUR)
        printf(command_text(c, "%4lldh %2lldm", "%4lld時間%2lld分"), seconds / HOUR, seconds % HOUR / MINUTE);
    else
        printf(command_text(c, "%4lldm %2llds", "%4lld分%2lld秒"), seconds / MINUTE, seconds % MINUTE);
}

static void print_waiting(const struct command_call *c, const struct json *item)
{
    const char *code = json_cstr(json_get(item, "resident_code"));
    print_age(c, number(item, "seconds"));
    printf(command_text(c, "  change %-10lld resident code %s\n", "  異動 %-10lld 住民票コード %s\n"),
           number(item, "change"), code ? code : "");
}

static enum err waiting(struct command_call *c, struct fail *f)
{
    const struct stock_options *o = c->options;
    struct json *answer = NULL;
    const struct json *list = NULL, *item;
    enum err e = ask_cs(c, f, STR("{\"do\":\"waiting\"}"), &answer);
    if (!e)
        e = json_member_array(f, answer, "waiting", &list);
    if (!e && o->json) {
        e = control_print(f, answer);
    } else if (!e) {
        JSON_EACH(list, item)
        {
            print_waiting(c, item);
        }
        if (json_count(list) == 0)
            puts(
                command_text(c, "nobody waits for an Individual Number", "個人番号の生成を待つ人はいません"));
    }
    json_free(answer);
    return e;
}

static const struct command_row stock_rows[] = {
    {.words = "DIR AREA",
     .least = 2,
     .most = 2,
     .run = show,
     OPTIONS,
     .help = "Count the resident codes that the municipality still has to give.",
     .help_ja = "市区町村の住民票コードの残数を表示する。"},
    {.verb = "request",
     .words = "DIR AREA COUNT",
     .least = 3,
     .most = 3,
     .run = request,
     .help = "Ask the agency for COUNT more resident codes now, before the stock falls.",
     .help_ja = "住民票コードCOUNT件の指定を機構に請求する。"},
};
const struct command_noun command_stock = {"stock", "a municipality's stock of resident codes",
                                           "住民票コードの残数と請求", stock_rows, COUNT_OF(stock_rows)};

static const struct command_row waiting_rows[] = {
    {.words = "DIR AREA",
     .least = 2,
     .most = 2,
     .run = waiting,
     OPTIONS,
     .help = "List the changes whose notices wait for an Individual Number, oldest first; codes are masked.",
     .help_ja = "個人番号の生成を待っている異動を古い順に表示する（住民票コードは一部を隠す）。"},
};
const struct command_noun command_waiting = {"waiting", "who waits for an Individual Number",
                                             "個人番号の生成待ち", waiting_rows, COUNT_OF(waiting_rows)};
