/* SPDX-License-Identifier: Apache-2.0 */
/* juki register: files loaded into a municipality's reference register, and what became of its changes. */
#include "command/node_process.h"
#include "command/nouns.h"

enum { REFUSALS_SHOWN = 20 };

struct register_options {
    bool json;
};
static const struct option_row option_rows[] = {
    {.name = "json",
     OPTION_FLAG_AT(struct register_options, json),
     .help = "the register's own answer, for scripts",
     .help_ja = "JSONで出力する"},
};

struct lacking_options {
    bool json, seen;
};
static const struct option_row lacking_rows[] = {
    {.name = "json",
     OPTION_FLAG_AT(struct lacking_options, json),
     .help = "the register's own answer, for scripts",
     .help_ja = "JSONで出力する"},
    {.name = "seen",
     OPTION_FLAG_AT(struct lacking_options, seen),
     .help = "list nothing: all of it is put right or noted, and is listed no longer",
     .help_ja = "一覧は出さず、すべて補正又は確認済みとして以後表示しない"},
};

static enum err find(struct command_call *c, struct fail *f, const struct network_node **node)
{
    struct network *n = arena_alloc(&c->arena, sizeof *n);
    if (!n)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    enum err e = network_load(f, c->words[0], &c->arena, n);
    return e ? e : network_find_area(f, n, NODE_REGISTER, c->words[1], node);
}

static long long number(const struct json *answer, const char *key)
{
    return (long long)json_int(json_get(answer, key));
}

static const char *text(const struct json *item, const char *key)
{
    const char *value = json_cstr(json_get(item, key));
    return value ? value : "";
}

/* ---- load and apply */

static int by_line(const void *a, const void *b)
{
    long long x = number(*(const struct json *const *)a, "line"),
              y = number(*(const struct json *const *)b, "line");
    return (x > y) - (x < y);
}

/* The register may say "(line 2)" itself; the line stands in front already. */
static struct str without_line(const char *said, long long line)
{
    char tail[2][48];
    struct str s = str_of(said);
    snprintf(tail[0], sizeof tail[0], " (line %lld)", line);
    snprintf(tail[1], sizeof tail[1], "（line %lld）", line);
    for (size_t i = 0; i < COUNT_OF(tail); i++) {
        size_t n = strlen(tail[i]);
        if (s.n > n && memcmp(s.p + s.n - n, tail[i], n) == 0)
            s.n -= n;
    }
    return s;
}

/* In the order of the file, the first of them. */
static void print_refusals(struct command_call *c, const struct json *answer)
{
    const struct json *list = json_get(answer, "refusals");
    const void **items;
    size_t count = json_count(list);
    long long all = number(answer, "refused"), shown = 0;
    items = arena_alloc(&c->arena, (count + 1) * sizeof *items);
    for (size_t i = 0; items && i < count; i++)
        items[i] = json_at(list, i);
    if (items)
        qsort(items, count, sizeof *items, by_line);
    for (; items && shown < (long long)count && shown < REFUSALS_SHOWN; shown++) {
        const char *key = c->language == FAIL_JAPANESE ? "text_ja" : "text";
        long long line = number(items[shown], "line");
        struct str said = without_line(text(items[shown], key), line);
        fprintf(stderr, command_text(c, "line %lld: %.*s\n", "%lld行目: %.*s\n"), line, STR_ARG(said));
    }
    if (all > shown)
        fprintf(stderr, command_text(c, "and %lld more\n", "ほか%lld行\n"), all - shown);
}

static enum err tell_result(struct command_call *c, struct fail *f, struct json *answer)
{
    const struct register_options *o = c->options;
    long long refused = number(answer, "refused");
    if (o->json) {
        enum err e = control_print(f, answer);
        if (e)
            return e;
    } else {
        print_refusals(c, answer);
        printf(command_text(c, "%lld rows: %lld taken, %lld refused", "%lld行: 受入れ%lld、拒否%lld"),
               number(answer, "rows"), number(answer, "taken"), refused);
        if (number(answer, "last_change"))
            printf(command_text(c, "; changes %lld to %lld", "、異動番号%lld～%lld"),
                   number(answer, "first_change"), number(answer, "last_change"));
        putchar('\n');
    }
    return refused ? fail_set(f, ERR_ROWS_REFUSED, NULL, "%lld", refused) : ERR_OK;
}

static enum err send_file(struct command_call *c, struct fail *f, const char *verb, const char *label)
{
    const struct network_node *node;
    struct buf question;
    struct json *answer = NULL;
    enum err e = find(c, f, &node);
    if (e)
        return e;
    char *path = realpath(c->words[2], NULL); /* the daemon has another working folder */
    if (!path)
        return fail_errno(f, ERR_NOT_FOUND, c->words[2]);
    buf_init(&question, 16384);
    json_begin(&question, NULL, '{');
    json_add_text(&question, "do", str_of(verb));
    json_add_text(&question, "path", str_of(path));
    json_end(&question, '}');
    free(path);
    e = buf_check(&question, f, "path");
    if (!e)
        e = node_ask_text(f, node, buf_str(&question), label, &answer);
    buf_release(&question);
    if (!e)
        e = tell_result(c, f, answer);
    json_free(answer);
    return e;
}

static enum err load(struct command_call *c, struct fail *f)
{
    return send_file(c, f, "load", command_text(c, "loading residents", "住民の読込み"));
}

static enum err apply(struct command_call *c, struct fail *f)
{
    return send_file(c, f, "apply", command_text(c, "applying changes", "異動の適用"));
}

static enum err enter(struct command_call *c, struct fail *f)
{
    return send_file(c, f, "enter", command_text(c, "entering provisionally", "仮登録"));
}

/* ---- looking */

static enum err ask(struct command_call *c, struct fail *f, const char *verb, struct json **answer)
{
    const struct network_node *node;
    enum err e = find(c, f, &node);
    return e ? e : node_ask(f, node, verb, answer);
}

static enum err problems(struct command_call *c, struct fail *f)
{
    const struct register_options *o = c->options;
    const struct json *item;
    struct json *answer = NULL;
    enum err e = ask(c, f, "problems", &answer);
    if (e)
        return e;
    if (o->json) {
        e = control_print(f, answer);
    } else {
        JSON_EACH(json_get(answer, "problems"), item)
        {
            printf("%10lld %-8s %s %s %s %s: %s\n", number(item, "change"), text(item, "state"),
                   text(item, "since"), text(item, "record"), text(item, "name"), text(item, "field"),
                   text(item, c->language == FAIL_JAPANESE ? "text_ja" : "text"));
        }
        if (json_count(json_get(answer, "problems")) == 0)
            puts(command_text(c, "no problems", "拒否又は保留中の異動はありません"));
    }
    json_free(answer);
    return e;
}

static enum err status(struct command_call *c, struct fail *f)
{
    const struct register_options *o = c->options;
    struct json *answer = NULL;
    enum err e = ask(c, f, "status", &answer);
    if (e)
        return e;
    const struct json *persons = json_get(answer, "persons"), *changes = json_get(answer, "changes");
    if (o->json)
        e = control_print(f, answer);
    else
        printf(
            command_text(
                c,
                "residents %lld, removed %lld, provisional %lld\n"
                "changes %lld: taken by the CS %lld, applied %lld, waiting %lld, refused %lld\n",
                "住民%lld、消除%lld、仮登録%lld\n異動%lld: CS受入れ%lld、反映済み%lld、待ち%lld、拒否%lld\n"),
            number(persons, "current"), number(persons, "removed"), number(persons, "provisional"),
            number(changes, "queued"), number(changes, "taken"), number(changes, "applied"),
            number(changes, "waiting"), number(changes, "refused"));
    json_free(answer);
    return e;
}

/* ---- what a restore took back */

static void print_lacking(const struct command_call *c, const struct json *item)
{
    static const struct {
        const char *lacks, *en, *ja;
    } rows[] = {
        {"own_values", "household, town, former address ... are as before it",
         "世帯・町名・異動前後の住所等は異動前のまま"},
        {"record", "not in the backup: household, relationship, honseki or nationality ... are not known",
         "バックアップにない住民票：世帯、続柄、本籍又は国籍等が不明"},
        {"content", "refused at the door or replaced: its content is lost, enter it again",
         "CSが受け付けなかった等のため内容は失われています。入力し直してください"},
        {"wish", "an Individual Number came: enter the request for it again",
         "個人番号が届いています。変更請求等を入力し直してください"},
    };
    bool japanese = c->language == FAIL_JAPANESE;
    const char *said = "";
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (strcmp(rows[i].lacks, text(item, "lacks")) == 0)
            said = japanese ? rows[i].ja : rows[i].en;
    printf("%10lld %s %s %s: %s\n", number(item, "change"), text(item, "record"), text(item, "date"),
           text(item, japanese ? "reason_ja" : "reason"), said);
}

static enum err lacking(struct command_call *c, struct fail *f)
{
    const struct lacking_options *o = c->options;
    const struct json *item;
    struct json *answer = NULL;
    enum err e = ask(c, f, o->seen ? "lacking_seen" : "lacking", &answer);
    if (e)
        return e;
    if (o->json) {
        e = control_print(f, answer);
    } else if (o->seen) {
        printf(command_text(c, "%lld marked as seen\n", "%lld件を確認済みにしました\n"),
               number(answer, "seen"));
    } else {
        JSON_EACH(json_get(answer, "lacking"), item)
        {
            print_lacking(c, item);
        }
        puts(json_count(json_get(answer, "lacking"))
                 ? command_text(c,
                                "Give the rows and events since the backup again (load, apply): they are "
                                "known and fill "
                                "this in; nothing is doubled.\n"
                                "What never went to the CS (households, 改製, events not sent, provisional "
                                "ones) stands in "
                                "no list.",
                                "バックアップ後の住民CSV・異動を再度 load、apply "
                                "してください。同じ異動と判定され、欠落が補われます"
                                "（二重にはなりません）。\n"
                                "CSに送られなかったもの（世帯の異動、改製、未送信の異動、仮登録）は、この一覧"
                                "には現れません。")
                 : command_text(c, "nothing lacks", "欠落はありません"));
    }
    json_free(answer);
    return e;
}

/* ---- what was entered provisionally (仮登録) and is confirmed (本登録) or dropped */

static enum err provisional(struct command_call *c, struct fail *f)
{
    const struct register_options *o = c->options;
    const struct json *item;
    struct json *answer = NULL;
    enum err e = ask(c, f, "provisional", &answer);
    if (e)
        return e;
    if (o->json)
        e = control_print(f, answer);
    JSON_EACH(json_get(answer, "provisional"), item)
    {
        if (!o->json)
            printf("%s %s %s %s %s\n", text(item, "id"), text(item, "since"), text(item, "record"),
                   text(item, "date"), text(item, c->language == FAIL_JAPANESE ? "reason_ja" : "reason"));
    }
    json_free(answer);
    return e;
}

static enum err ask_about(struct command_call *c, struct fail *f, const char *verb, struct json **answer)
{
    const struct network_node *node;
    struct buf question;
    enum err e = find(c, f, &node);
    if (e)
        return e;
    buf_init(&question, 4096);
    json_begin(&question, NULL, '{');
    json_add_text(&question, "do", str_of(verb));
    json_add_text(&question, "id", str_of(c->words[2]));
    json_end(&question, '}');
    e = buf_check(&question, f, "id");
    if (!e)
        e = node_ask_text(f, node, buf_str(&question), NULL, answer);
    buf_release(&question);
    return e;
}

static enum err confirm(struct command_call *c, struct fail *f)
{
    const struct register_options *o = c->options;
    struct json *answer = NULL;
    enum err e = ask_about(c, f, "confirm", &answer);
    if (!e && o->json)
        e = control_print(f, answer);
    else if (!e && number(answer, "change"))
        printf(command_text(c, "confirmed; change %lld\n", "本登録しました。異動番号%lld\n"),
               number(answer, "change"));
    else if (!e)
        puts(command_text(c, "confirmed; nothing to tell the network so far",
                          "本登録しました（今のところ通知はありません）"));
    json_free(answer);
    return e;
}

static enum err withdraw(struct command_call *c, struct fail *f)
{
    struct json *answer = NULL;
    enum err e = ask_about(c, f, "withdraw_provisional", &answer);
    json_free(answer);
    return e;
}

static enum err resend(struct command_call *c, struct fail *f)
{
    const struct network_node *node;
    uint64_t first, last;
    char question[96];
    struct json *answer = NULL;
    if (!str_to_uint(str_of(c->words[2]), INT64_MAX, &first) ||
        !str_to_uint(str_of(c->words[3]), INT64_MAX, &last) || first == 0 || last < first)
        return fail_set(f, ERR_USAGE, NULL, "FIRST and LAST are numbers of changes, from 1, in this order");
    snprintf(question, sizeof question, "{\"do\":\"resend\",\"first\":%llu,\"last\":%llu}",
             (unsigned long long)first, (unsigned long long)last);
    enum err e = find(c, f, &node);
    if (!e)
        e = node_ask_text(f, node, str_of(question), NULL, &answer);
    json_free(answer);
    if (!e)
        printf(command_text(c, "changes %s to %s are sent again\n", "異動 %s～%s を再送します\n"),
               c->words[2], c->words[3]);
    return e;
}

#define OPTIONS                                                                                              \
    .options = option_rows, .option_count = COUNT_OF(option_rows), .size = sizeof(struct register_options)
static const struct command_row rows[] = {
    {.verb = "load",
     .words = "DIR AREA FILE",
     .least = 3,
     .most = 3,
     .run = load,
     OPTIONS,
     .help =
         "Load residents from a CSV file (docs/REGISTER-CSV.md); they go through the CS into the network.",
     .help_ja = "CSVファイルの住民を読み込む。CSを通じてネットワークに通知される。"},
    {.verb = "apply",
     .words = "DIR AREA FILE",
     .least = 3,
     .most = 3,
     .run = apply,
     OPTIONS,
     .help = "Apply change events from a file of JSON lines (docs/REGISTER-CSV.md).",
     .help_ja = "JSON行ファイルの異動を適用する。"},
    {.verb = "enter",
     .words = "DIR AREA FILE",
     .least = 3,
     .most = 3,
     .run = enter,
     OPTIONS,
     .help = "Enter change events provisionally (same file as apply): checked and kept, but nothing leaves "
             "the register.",
     .help_ja = "異動を仮登録する（ファイルはapplyと同じ）。検査して保存するが、住民記録の外には出ない。"},
    {.verb = "provisional",
     .words = "DIR AREA",
     .least = 2,
     .most = 2,
     .run = provisional,
     OPTIONS,
     .help = "List the provisional events that wait to be confirmed.",
     .help_ja = "本登録を待つ仮登録の一覧を表示する。"},
    {.verb = "confirm",
     .words = "DIR AREA ID",
     .least = 3,
     .most = 3,
     .run = confirm,
     OPTIONS,
     .help = "Make a provisional event final; only now the network is told.",
     .help_ja = "仮登録を本登録にする。ここで初めてネットワークに通知される。"},
    {.verb = "withdraw",
     .words = "DIR AREA ID",
     .least = 3,
     .most = 3,
     .run = withdraw,
     .help = "Drop a provisional event; nothing of it happens.",
     .help_ja = "仮登録を取り消す。"},
    {.verb = "problems",
     .words = "DIR AREA",
     .least = 2,
     .most = 2,
     .run = problems,
     OPTIONS,
     .help = "List the changes that were refused or wait, oldest first, with record and reason; change 0: a "
             "wish for a number.",
     .help_ja = "拒否された異動と待っている異動を、住民票番号と理由とともに古い順に表示する（異動番号0は個人"
                "番号の変更の希望）。"},
    {.verb = "lacking",
     .words = "DIR AREA",
     .least = 2,
     .most = 2,
     .run = lacking,
     .options = lacking_rows,
     .option_count = COUNT_OF(lacking_rows),
     .size = sizeof(struct lacking_options),
     .help = "After a restore: list the changes taken back from the CS that lack what the CS does not know.",
     .help_ja = "復元後にCSから取り戻した異動のうち、CSにない項目が欠けているものを表示する。"},
    {.verb = "status",
     .words = "DIR AREA",
     .least = 2,
     .most = 2,
     .run = status,
     OPTIONS,
     .help = "Count residents, and changes by what became of them.",
     .help_ja = "住民数と異動の状況を表示する。"},
    {.verb = "resend",
     .words = "DIR AREA FIRST LAST",
     .least = 4,
     .most = 4,
     .run = resend,
     .help = "Let the CS send these changes again; nothing is applied twice.",
     .help_ja = "異動をCSから再送させる（二重には反映されない）。"},
};
const struct command_noun command_register = {"register", "feed the reference register of a municipality",
                                              "参照用住民記録に読み込み、状況を見る", rows, COUNT_OF(rows)};
