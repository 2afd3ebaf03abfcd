/* SPDX-License-Identifier: Apache-2.0 */
/* juki letter: letters that a municipality's register makes, tracks and gets. Lists show nobody's values. */
#include "command/node_process.h"
#include "command/nouns.h"

struct list_options {
    bool json;
    struct str filter;
};
static const struct option_row list_rows[] = {
    {.name = "json",
     OPTION_FLAG_AT(struct list_options, json),
     .help = "the register's own answer, for scripts",
     .help_ja = "JSONで出力する"},
    {.name = "filter",
     .value = "WHICH",
     OPTION_TEXT_AT(struct list_options, filter),
     .help = "all, open (the standard), overdue or received",
     .help_ja = "all（全て）、open（未処理、既定）、overdue（期限経過）、received（受領）"},
};
struct show_options {
    bool json;
};
static const struct option_row show_rows[] = {
    {.name = "json",
     OPTION_FLAG_AT(struct show_options, json),
     .help = "the register's own answer, for scripts",
     .help_ja = "JSONで出力する"},
};

static const char *text(const struct json *item, const char *key)
{
    const char *value = json_cstr(json_get(item, key));
    return value ? value : "";
}

static enum err ask(struct command_call *c, struct fail *f, struct buf *question, struct json **answer)
{
    const struct network_node *node;
    struct network n;
    enum err e = buf_check(question, f, NULL);
    if (!e)
        e = network_load(f, c->words[0], &c->arena, &n);
    if (!e)
        e = network_find_area(f, &n, NODE_REGISTER, c->words[1], &node);
    return e ? e : node_ask_text(f, node, buf_str(question), NULL, answer);
}

/* {"do":verb,KEY:VALUE ...}: values NULL are left out. */
struct member {
    const char *key, *value;
};
static enum err ask_with(struct command_call *c, struct fail *f, const char *verb,
                         const struct member *members, size_t count, struct json **answer)
{
    struct buf question;
    buf_init(&question, 16384);
    json_begin(&question, NULL, '{');
    json_add_text(&question, "do", str_of(verb));
    for (size_t i = 0; i < count; i++)
        if (members[i].value)
            json_add_text(&question, members[i].key, str_of(members[i].value));
    json_end(&question, '}');
    enum err e = ask(c, f, &question, answer);
    buf_release(&question);
    return e;
}

static void print_letter(const struct command_call *c, const struct json *item)
{
    const char *place = text(item, "to");
    printf("%s %-9s %s %s %s %s %s%s\n", text(item, "letter"), text(item, "state"), text(item, "date"),
           *place ? place : text(item, "from"), text(item, c->language == FAIL_JAPANESE ? "kind_ja" : "kind"),
           text(item, "record"), text(item, "due"),
           json_is(json_get(item, "overdue"), JSON_TRUE) ? command_text(c, " overdue", " 期限経過") : "");
}

static enum err list(struct command_call *c, struct fail *f)
{
    const struct list_options *o = c->options;
    const struct json *item;
    struct json *answer = NULL;
    enum err e = ask_with(c, f, "letters", &(struct member){"filter", o->filter.p}, 1, &answer);
    if (!e && o->json)
        e = control_print(f, answer);
    else if (!e)
        JSON_EACH(json_get(answer, "letters"), item)
        {
            print_letter(c, item);
        }
    json_free(answer);
    return e;
}

static enum err show(struct command_call *c, struct fail *f)
{
    struct json *answer = NULL;
    enum err e = ask_with(c, f, "letter", &(struct member){"letter", c->words[2]}, 1, &answer);
    if (!e)
        e = control_print(f, answer);
    json_free(answer);
    return e;
}

static enum err take_step(struct command_call *c, struct fail *f, const char *step)
{
    const struct member members[] = {{"letter", c->words[2]},
                                     {"step", step},
                                     {"who", c->words[3]},
                                     {"note", c->word_count > 4 ? c->words[4] : NULL}};
    struct json *answer = NULL;
    enum err e = ask_with(c, f, "letter_step", members, COUNT_OF(members), &answer);
    json_free(answer);
    return e;
}

static enum err printed(struct command_call *c, struct fail *f)
{
    return take_step(c, f, "print");
}

static enum err sent(struct command_call *c, struct fail *f)
{
    return take_step(c, f, "send");
}

static enum err answered(struct command_call *c, struct fail *f)
{
    return take_step(c, f, "answer");
}

static enum err withdraw(struct command_call *c, struct fail *f)
{
    return take_step(c, f, "withdraw");
}

static enum err receive(struct command_call *c, struct fail *f)
{
    const struct member members[] = {{"kind", c->words[2]},
                                     {"from", c->words[3]},
                                     {"date", c->words[4]},
                                     {"mark", c->words[5]},
                                     {"who", c->words[6]}};
    struct json *answer = NULL;
    enum err e = ask_with(c, f, "letter_receive", members, COUNT_OF(members), &answer);
    if (!e)
        puts(text(answer, "letter"));
    json_free(answer);
    return e;
}

#define STEP_WORDS .words = "DIR AREA LETTER WHO [NOTE]", .least = 4, .most = 5
static const struct command_row rows[] = {
    {.verb = "list",
     .words = "DIR AREA",
     .least = 2,
     .most = 2,
     .options = list_rows,
     .option_count = COUNT_OF(list_rows),
     .size = sizeof(struct list_options),
     .run = list,
     .help = "List letters in the order of their making; nothing of their content.",
     .help_ja = "文書を作成順に表示する（内容は表示しない）。"},
    {.verb = "show",
     .words = "DIR AREA LETTER",
     .least = 3,
     .most = 3,
     .options = show_rows,
     .option_count = COUNT_OF(show_rows),
     .size = sizeof(struct show_options),
     .run = show,
     .help = "One letter with its content and what was done with it, as JSON.",
     .help_ja = "文書の内容と処理の経過をJSONで表示する。"},
    {.verb = "print",
     STEP_WORDS,
     .run = printed,
     .help = "A letter was printed, or printed again.",
     .help_ja = "文書を印刷した（再印刷を含む）ことを記録する。"},
    {.verb = "sent",
     STEP_WORDS,
     .run = sent,
     .help = "A letter was sent; from today its answer is waited for.",
     .help_ja = "文書を送付したことを記録する。回答期限は送付の日から数える。"},
    {.verb = "answered",
     STEP_WORDS,
     .run = answered,
     .help = "The answer to a letter came.",
     .help_ja = "文書に回答があったことを記録する。"},
    {.verb = "withdraw",
     STEP_WORDS,
     .run = withdraw,
     .help = "A letter is not needed any more, or was entered by mistake.",
     .help_ja = "文書を取り消す（不要となったもの、誤って登録したもの）。"},
    {.verb = "receive",
     .words = "DIR AREA KIND FROM DATE MARK WHO",
     .least = 7,
     .most = 7,
     .run = receive,
     .help = "Enter a letter of another municipality, by what it stands for (its mark).",
     .help_ja = "他市区町村から届いた文書を、その通知の識別により登録する。"},
};
const struct command_noun command_letter = {"letter", "letters of a municipality: to print, send and answer",
                                            "市区町村の文書を管理する", rows, COUNT_OF(rows)};
