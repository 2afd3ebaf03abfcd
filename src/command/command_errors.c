/* SPDX-License-Identifier: Apache-2.0 */
/* juki errors: notices that are valid but could not be applied, each blocking its person only. juki link:
 * what a person asks of a stream between two servers. */
#include "command/node_process.h"
#include "command/nouns.h"

struct errors_options {
    bool json;
};
static const struct option_row option_rows[] = {
    {.name = "json",
     OPTION_FLAG_AT(struct errors_options, json),
     .help = "for scripts",
     .help_ja = "JSONで出力する"},
};

static enum err find(struct command_call *c, struct fail *f, const struct network_node **node)
{
    struct network *n = arena_alloc(&c->arena, sizeof *n);
    if (!n)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    enum err e = network_load(f, c->words[0], &c->arena, n);
    if (!e)
        e = network_find(f, n, c->words[1], node);
    if (!e && (*node)->name.role == NODE_REGISTER)
        e = fail_set(f, ERR_STATE, (*node)->name.text,
                     "a register has no error list; juki register problems shows its changes");
    return e;
}

static const char *text_of(const struct json *item, const char *key)
{
    const char *text = json_cstr(json_get(item, key));
    return text ? text : "";
}

static void print_item(const struct command_call *c, const struct json *item)
{
    bool behind = json_is(json_get(item, "behind"), JSON_TRUE);
    printf("%6lld %s %-32s %s%s%s%s\n", (long long)json_int(json_get(item, "id")), text_of(item, "since"),
           text_of(item, "notice"), text_of(item, "field"), text_of(item, "field")[0] ? ": " : "",
           text_of(item, c->language == FAIL_JAPANESE ? "text_ja" : "text"),
           behind ? command_text(c, " (behind an earlier one of the same person)",
                                 "（同一人の先行する通知待ち）")
                  : "");
}

static enum err list(struct command_call *c, struct fail *f)
{
    const struct errors_options *o = c->options;
    const struct network_node *node;
    const struct json *item;
    struct json *answer = NULL;
    enum err e = find(c, f, &node);
    if (!e)
        e = node_ask(f, node, "errors", &answer);
    if (e)
        return e;
    const struct json *items = json_get(answer, "errors");
    if (o->json) {
        e = control_print(f, answer);
    } else {
        JSON_EACH(items, item)
        {
            print_item(c, item);
        }
        if (json_count(items) == 0)
            puts(command_text(c, "no errors", "エラーはありません"));
    }
    json_free(answer);
    return e;
}

static enum err decide(struct command_call *c, struct fail *f, const char *verb, struct json **answer)
{
    const struct network_node *node;
    char question[80];
    uint64_t id;
    if (!str_to_uint(str_of(c->words[2]), INT64_MAX, &id) || id == 0)
        return fail_set(f, ERR_USAGE, NULL, "ID is a number that juki errors list shows");
    snprintf(question, sizeof question, "{\"do\":\"%s\",\"id\":%llu}", verb, (unsigned long long)id);
    enum err e = find(c, f, &node);
    return e ? e : node_ask_text(f, node, str_of(question), NULL, answer);
}

static enum err release(struct command_call *c, struct fail *f)
{
    struct json *answer = NULL;
    enum err e = decide(c, f, "error_release", &answer);
    long long applied = json_int(json_get(answer, "applied"));
    json_free(answer);
    if (!e && applied == 0)
        e = fail_set(f, ERR_NOT_APPLIED, NULL, "juki errors list %s %s", c->words[0], c->words[1]);
    if (!e)
        printf(command_text(c, "%lld notices applied\n", "%lld件を反映しました\n"), applied);
    return e;
}

static enum err refuse(struct command_call *c, struct fail *f)
{
    struct json *answer = NULL;
    enum err e = decide(c, f, "error_refuse", &answer);
    json_free(answer);
    if (!e)
        printf(command_text(c, "%s is refused; its origin hears of it\n",
                            "%s の反映を断念し、発信元に通知します\n"),
               c->words[2]);
    return e;
}

static enum err resend(struct command_call *c, struct fail *f)
{
    const struct network_node *node;
    struct node_name peer;
    uint64_t first, last;
    char question[160];
    struct json *answer = NULL;
    if (!str_to_uint(str_of(c->words[3]), INT64_MAX, &first) ||
        !str_to_uint(str_of(c->words[4]), INT64_MAX, &last) || first == 0 || last < first)
        return fail_set(f, ERR_USAGE, NULL,
                        "FIRST and LAST are sequences of the stream, from 1, in this order");
    enum err e = find(c, f, &node);
    if (!e)
        e = node_name_parse(f, str_of(c->words[2]), &peer);
    if (e)
        return e;
    snprintf(question, sizeof question, "{\"do\":\"resend\",\"peer\":\"%s\",\"first\":%llu,\"last\":%llu}",
             peer.text, (unsigned long long)first, (unsigned long long)last);
    e = node_ask_text(f, node, str_of(question), NULL, &answer);
    json_free(answer);
    if (!e)
        printf(command_text(c, "notices %s to %s to %s are sent again\n", "通知 %s～%s を %s へ再送します\n"),
               c->words[3], c->words[4], peer.text);
    return e;
}

static const struct command_row errors_rows[] = {
    {.verb = "list",
     .words = "DIR NODE",
     .least = 2,
     .most = 2,
     .run = list,
     .options = option_rows,
     .option_count = COUNT_OF(option_rows),
     .size = sizeof(struct errors_options),
     .help = "Show a server's error list, oldest first.",
     .help_ja = "サーバのエラーリストを古い順に表示する。"},
    {.verb = "release",
     .words = "DIR NODE ID",
     .least = 3,
     .most = 3,
     .run = release,
     .help = "Try an item again; when it applies, those behind it follow in order.",
     .help_ja = "再度反映を試みる。反映できれば後続も順に反映する。"},
    {.verb = "refuse",
     .words = "DIR NODE ID",
     .least = 3,
     .most = 3,
     .run = refuse,
     .help = "Give an item up: its origin hears that it was refused.",
     .help_ja = "反映を断念し、発信元に拒否を通知する。"},
};
const struct command_noun command_errors = {
    "errors", "the error lists: notices that wait for a person's decision", "エラーリスト（判断を待つ通知）",
    errors_rows, COUNT_OF(errors_rows)};

static const struct command_row link_rows[] = {
    {.verb = "resend",
     .words = "DIR NODE PEER FIRST LAST",
     .least = 5,
     .most = 5,
     .run = resend,
     .help =
         "Send notices of a stream again: same ids, same bytes; what is there already is not applied twice.",
     .help_ja = "通知を再送する（同じ識別子・同じ内容、二重には反映されない）。"},
};
const struct command_noun command_link = {"link", "the streams between servers", "サーバ間の通知の流れ",
                                          link_rows, COUNT_OF(link_rows)};
