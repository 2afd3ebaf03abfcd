/* SPDX-License-Identifier: Apache-2.0 */
/* juki supplement: supplements of the family register (戸籍の附票) at the register of the 本籍, and their
 * beginning at the register of the address. */
#include "command/node_process.h"
#include "command/nouns.h"

enum { QUESTION_MAX = 4096 };

struct supplement_options {
    bool json;
};
static const struct option_row option_rows[] = {
    {.name = "json",
     OPTION_FLAG_AT(struct supplement_options, json),
     .help = "the register's own answer, for scripts",
     .help_ja = "JSONで出力する"},
};

static enum err ask(struct command_call *c, struct fail *f, struct str question, struct json **answer)
{
    const struct network_node *node;
    struct network *n = arena_alloc(&c->arena, sizeof *n);
    if (!n)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    enum err e = network_load(f, c->words[0], &c->arena, n);
    if (!e)
        e = network_find_area(f, n, NODE_REGISTER, c->words[1], &node);
    return e ? e : node_ask_text(f, node, question, NULL, answer);
}

static const char *text(const struct json *item, const char *key)
{
    const char *value = json_cstr(json_get(item, key));
    return value ? value : "";
}

static bool is_json(const struct command_call *c)
{
    return ((const struct supplement_options *)c->options)->json;
}

static enum err announce(struct command_call *c, struct fail *f)
{
    struct json *answer = NULL;
    enum err e = ask(c, f, STR("{\"do\":\"supplement_announce\"}"), &answer);
    if (!e && is_json(c))
        e = control_print(f, answer);
    else if (!e)
        printf(command_text(c,
                            "%lld notices to the municipalities of the 本籍; changes are told from now on\n",
                            "本籍地の市区町村への通知%lld件。以後の異動も通知します\n"),
               (long long)json_int(json_get(answer, "told")));
    json_free(answer);
    return e;
}

static void print_persons(const struct json *answer)
{
    const struct json *item;
    JSON_EACH(json_get(answer, "persons"), item)
    {
        printf("%10lld %s %s %s %s %s %s%s\n", (long long)json_int(json_get(item, "person")),
               text(item, "honseki_head"), text(item, "name"), text(item, "event"), text(item, "area_code"),
               text(item, "address"), text(item, "address_since"),
               json_is(json_get(item, "removed"), JSON_TRUE) ? " 除票" : "");
    }
}

static enum err list(struct command_call *c, struct fail *f)
{
    struct json *answer = NULL;
    struct buf question;
    buf_init(&question, QUESTION_MAX);
    json_begin(&question, NULL, '{');
    json_add_text(&question, "do", STR("supplement_list"));
    json_add_text(&question, "honseki", str_of(c->words[2]));
    if (c->word_count > 3)
        json_add_text(&question, "head", str_of(c->words[3]));
    json_end(&question, '}');
    enum err e = buf_check(&question, f, "honseki");
    if (!e)
        e = ask(c, f, buf_str(&question), &answer);
    if (!e && is_json(c))
        e = control_print(f, answer);
    else if (!e)
        print_persons(answer);
    json_free(answer);
    buf_release(&question);
    return e;
}

static void print_history(const struct json *supplement)
{
    const struct json *item;
    printf("%s %s\n", text(supplement, "honseki"), text(supplement, "honseki_head"));
    JSON_EACH(json_get(supplement, "history"), item)
    {
        printf("%s %s %s %s %s %s %s%s\n", text(item, "event_date"), text(item, "event_ja"),
               text(item, "name"), text(item, "resident_code"), text(item, "address"),
               text(item, "address_since"), text(item, "abroad_on"),
               json_is(json_get(item, "cancelled"), JSON_TRUE) ? " 取消し" : "");
    }
}

static enum err show(struct command_call *c, struct fail *f)
{
    struct json *answer = NULL;
    uint64_t person;
    char question[96];
    if (!str_to_uint(str_of(c->words[2]), INT64_MAX, &person) || person == 0)
        return fail_set(f, ERR_USAGE, NULL, "PERSON is a number that list shows");
    snprintf(question, sizeof question, "{\"do\":\"supplement_show\",\"person\":%llu}",
             (unsigned long long)person);
    enum err e = ask(c, f, str_of(question), &answer);
    if (!e && is_json(c))
        e = control_print(f, answer);
    else if (!e)
        print_history(json_get(answer, "supplement"));
    json_free(answer);
    return e;
}

#define OPTIONS                                                                                              \
    .options = option_rows, .option_count = COUNT_OF(option_rows), .size = sizeof(struct supplement_options)
static const struct command_row rows[] = {
    {.verb = "announce",
     .words = "DIR AREA",
     .least = 2,
     .most = 2,
     .run = announce,
     OPTIONS,
     .help = "Tell the municipalities of the 本籍 once where every resident stands, and from then on every "
             "change; goes on where it broke off.",
     .help_ja =
         "本籍地の市区町村に全住民の附票記載事項を一度通知し、以後の異動も通知する（中断した所から続く）。"},
    {.verb = "list",
     .words = "DIR AREA HONSEKI [HEAD]",
     .least = 3,
     .most = 4,
     .run = list,
     OPTIONS,
     .help = "List the persons on the supplements of a 本籍, of one head or all.",
     .help_ja = "本籍（と筆頭者）の附票に記載された人の一覧を表示する。"},
    {.verb = "show",
     .words = "DIR AREA PERSON",
     .least = 3,
     .most = 3,
     .run = show,
     OPTIONS,
     .help = "Show the history of addresses of one of them, with resident codes.",
     .help_ja = "附票の住所の履歴を住民票コードとともに表示する。"},
};
const struct command_noun command_supplement = {
    "supplement", "supplements of the family register (戸籍の附票)", "戸籍の附票", rows, COUNT_OF(rows)};
