/* SPDX-License-Identifier: Apache-2.0 */
/* juki certificate and juki card: 転入届の特例 (法24条の2) at the counter. The card is in the reader of this
 * side, which asks for the PIN and lets the register have what is on the card; the PIN goes nowhere. It is
 * read from the terminal without showing it, or as the first line of what is piped in. */
#include "base/file.h"
#include "card/card.h"
#include "command/node_process.h"
#include "command/nouns.h"

#include <termios.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 60 << 10 };

struct certificate_options {
    bool json;
    struct str card;
};
static const struct option_row json_rows[] = {
    {.name = "json",
     OPTION_FLAG_AT(struct certificate_options, json),
     .help = "the register's own answer, for scripts",
     .help_ja = "JSONで出力する"},
};
static const struct option_row enter_rows[] = {
    {.name = "card",
     OPTION_TEXT_AT(struct certificate_options, card),
     .value = "FILE",
     .help = "the card in the reader; its PIN is asked for",
     .help_ja = "読み取るカード（暗証番号の入力を求める）"},
    {.name = "json",
     OPTION_FLAG_AT(struct certificate_options, json),
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
    const struct network_node *node = NULL;
    struct network *n = arena_alloc(&c->arena, sizeof *n);
    if (!n)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    json_end(question, '}');
    enum err e = network_load(f, c->words[0], &c->arena, n);
    if (!e)
        e = network_find_area(f, n, NODE_REGISTER, c->words[1], &node);
    if (!e)
        e = buf_check(question, f, "question");
    return e ? e : node_ask_text(f, node, buf_str(question), NULL, answer);
}

static void begin(struct buf *question, const char *verb)
{
    buf_init(question, 1 << 20);
    json_begin(question, NULL, '{');
    json_add_text(question, "do", str_of(verb));
}

/* ---- what came ---- */

static void print_certificate(const struct command_call *c, const struct json *item)
{
    printf(command_text(c, "%s %s  planned %s, until %s  %lld of %lld entered%s\n",
                        "%s %s  予定日%s 期限%s  %lld/%lld人転入済み%s\n"),
           text(item, "from"), text(item, "certificate"), text(item, "planned_on"), text(item, "due"),
           (long long)json_int(json_get(item, "entered")), (long long)json_int(json_get(item, "persons")),
           json_is(json_get(item, "withdrawn"), JSON_TRUE) ? command_text(c, "  withdrawn", "  取消し") : "");
}

static enum err list(struct command_call *c, struct fail *f)
{
    const struct certificate_options *o = c->options;
    const struct json *item;
    struct json *answer = NULL;
    struct buf question;
    begin(&question, "certificates");
    enum err e = ask(c, f, &question, &answer);
    buf_release(&question);
    if (!e && o->json)
        e = control_print(f, answer);
    else if (!e && !json_count(json_get(answer, "certificates")))
        puts(command_text(c, "none came", "転出証明書情報は届いていません"));
    JSON_EACH(json_get(answer, "certificates"), item)
    {
        if (!o->json)
            print_certificate(c, item);
    }
    json_free(answer);
    return e;
}

/* Asks, and prints the one object that is answered. */
static enum err print_one(struct command_call *c, struct fail *f, struct buf *question)
{
    struct json *answer = NULL;
    enum err e = ask(c, f, question, &answer);
    buf_release(question);
    if (!e)
        e = control_print(f, answer);
    json_free(answer);
    return e;
}

static enum err show(struct command_call *c, struct fail *f)
{
    struct buf question;
    begin(&question, "certificate");
    json_add_text(&question, "from", str_of(c->words[2]));
    json_add_text(&question, "certificate", str_of(c->words[3]));
    return print_one(c, f, &question);
}

static enum err paper(struct command_call *c, struct fail *f)
{
    struct buf question;
    begin(&question, "certificate_paper");
    json_add_text(&question, "record", str_of(c->words[2]));
    return print_one(c, f, &question);
}

/* ---- the card ---- */

/* One line from stdin, not shown. */
static enum err read_pin(const struct command_call *c, struct fail *f, char *line, size_t size)
{
    struct termios shown, hidden;
    bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &shown) == 0;
    if (terminal) {
        hidden = shown;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
        fputs(command_text(c, "PIN: ", "暗証番号: "), stderr);
    }
    const bool read = fgets(line, (int)size, stdin) != NULL;
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        fputc('\n', stderr);
    }
    if (!read)
        return fail_set(f, ERR_CARD_NEEDED, "pin", NULL);
    line[strcspn(line, "\r\n")] = 0;
    return ERR_OK;
}

static void write_face(struct buf *b, const struct card_face *face)
{
    json_begin(b, "card", '{');
    json_add_text(b, "resident_code", face->resident_code);
    json_add_text(b, "issued_on", face->issued_on);
    json_add_text(b, "valid_until", face->valid_until);
    json_add_text(b, "form", face->form.p ? face->form : STR(""));
    json_add_text(b, "authenticity_code", face->authenticity_code.p ? face->authenticity_code : STR(""));
    json_end(b, '}');
}

/* The member "card": what is on the card, once it has taken the PIN. */
static enum err present_card(const struct command_call *c, struct fail *f, const char *path, struct buf *b)
{
    char pin[64] = "";
    struct card_face face;
    struct card *card = NULL;
    enum err e = card_open(f, path, &card);
    if (!e)
        e = read_pin(c, f, pin, sizeof pin);
    if (!e)
        e = card_verify_pin(card, f, str_of(pin));
    explicit_bzero(pin, sizeof pin);
    if (!e && !(e = card_read(card, f, &face)))
        write_face(b, &face);
    card_close(card);
    return e;
}

static enum err read_object(struct fail *f, const char *path, struct json **out)
{
    struct buf b;
    buf_init(&b, FILE_BYTES_MAX);
    enum err e = file_read(f, path, &b);
    if (!e)
        e = json_read(f, buf_str(&b), out);
    buf_release(&b);
    return e;
}

/* The filing of the file, with the card of the reader and never one that the file would bring. */
static enum err write_filing(struct command_call *c, struct fail *f, const struct json *filing,
                             struct buf *question)
{
    const struct certificate_options *o = c->options;
    enum err e = ERR_OK;
    if (!json_is(filing, JSON_OBJECT))
        return fail_set(f, ERR_JSON, NULL, "not an object");
    json_begin(question, "filing", '{');
    json_add_members(question, filing, "card");
    if (o->card.n)
        e = present_card(c, f, o->card.p, question);
    json_end(question, '}');
    return e;
}

static enum err enter(struct command_call *c, struct fail *f)
{
    const struct certificate_options *o = c->options;
    struct json *filing = NULL, *answer = NULL;
    struct buf question;
    enum err e = read_object(f, c->words[2], &filing);
    begin(&question, "certificate_enter");
    if (!e)
        e = write_filing(c, f, filing, &question);
    if (!e)
        e = ask(c, f, &question, &answer);
    buf_release(&question);
    if (!e && o->json)
        e = control_print(f, answer);
    else if (!e)
        printf(command_text(c, "entered; changes %lld to %lld\n",
                            "転入届を受け付けました。異動番号%lld～%lld\n"),
               (long long)json_int(json_get(answer, "first_change")),
               (long long)json_int(json_get(answer, "last_change")));
    json_free(answer);
    json_free(filing);
    return e;
}

static enum err card_new(struct command_call *c, struct fail *f)
{
    struct json *description = NULL;
    enum err e = read_object(f, c->words[1], &description);
    if (!e)
        e = card_make(f, c->words[0], description);
    json_free(description);
    return e;
}

/* At the counter that gives the card out: the register knows of it from now on. */
static enum err card_note(struct command_call *c, struct fail *f)
{
    struct json *answer = NULL;
    struct buf question;
    begin(&question, "card_set");
    json_add_text(&question, "record", str_of(c->words[2]));
    enum err e = present_card(c, f, c->words[3], &question);
    if (!e)
        e = ask(c, f, &question, &answer);
    buf_release(&question);
    json_free(answer);
    return e;
}

static enum err card_look(struct command_call *c, struct fail *f)
{
    struct buf question;
    begin(&question, "card");
    json_add_text(&question, "record", str_of(c->words[2]));
    return print_one(c, f, &question);
}

#define JSON_OPTION                                                                                          \
    .options = json_rows, .option_count = COUNT_OF(json_rows), .size = sizeof(struct certificate_options)
static const struct command_row certificate_rows[] = {
    {.verb = "list",
     .words = "DIR AREA",
     .least = 2,
     .most = 2,
     .run = list,
     JSON_OPTION,
     .help = "List the 転出証明書情報 that other municipalities sent, and until when they can be used.",
     .help_ja = "他市区町村から届いた転出証明書情報と使用期限の一覧を表示する。"},
    {.verb = "show",
     .words = "DIR AREA FROM CERTIFICATE",
     .least = 4,
     .most = 4,
     .run = show,
     .help = "Print one as JSON, with the records that were made of it. It holds persons' numbers.",
     .help_ja = "転出証明書情報をJSONで表示する（個人番号等を含む）。"},
    {.verb = "enter",
     .words = "DIR AREA FILE",
     .least = 3,
     .most = 3,
     .run = enter,
     .options = enter_rows,
     .option_count = COUNT_OF(enter_rows),
     .size = sizeof(struct certificate_options),
     .help = "Enter a 転入届 by card (FILE: docs/REGISTER-CSV.md) for all persons that it names.",
     .help_ja = "特例による転入届（FILE: docs/REGISTER-CSV.md）を、記載した全員について受け付ける。"},
    {.verb = "paper",
     .words = "DIR AREA RECORD",
     .least = 3,
     .most = 3,
     .run = paper,
     .help = "Print as JSON what a 転出証明書 says of a person who is leaving.",
     .help_ja = "転出証明書（紙）の記載内容をJSONで表示する。"},
};
const struct command_noun command_certificate = {
    "certificate", "転出証明書情報: moving in by card (法24条の2)", "転出証明書情報と転入届の特例",
    certificate_rows, COUNT_OF(certificate_rows)};
static const struct command_row card_rows[] = {
    {.verb = "make",
     .words = "CARD FILE",
     .least = 2,
     .most = 2,
     .run = card_new,
     .help = "Make a card, a file that behaves as one, of a JSON file: resident_code, issued_on, "
             "valid_until, form, "
             "authenticity_code, pin.",
     .help_ja = "JSONファイルの内容でカード（模擬）を作る。"},
    {.verb = "note",
     .words = "DIR AREA RECORD CARD",
     .least = 4,
     .most = 4,
     .run = card_note,
     .help = "Let the register know of a record's card; its PIN is asked for.",
     .help_ja = "住民票番号の人のカードを住民記録に登録する（暗証番号の入力を求める）。"},
    {.verb = "show",
     .words = "DIR AREA RECORD",
     .least = 3,
     .most = 3,
     .run = card_look,
     .help = "Print what the register knows of a record's card, and until when it must be continued.",
     .help_ja = "住民記録が持つカードの情報と継続利用の期限を表示する。"},
};
const struct command_noun command_card = {"card", "cards, as files that behave as such", "カード（模擬）",
                                          card_rows, COUNT_OF(card_rows)};
