/* SPDX-License-Identifier: Apache-2.0 */
/* juki trace: where is a change of the register, and when was it at each hop? */
#include "command/nouns.h"

#include "base/clock.h"
#include "command/node_process.h"

struct trace_words {
    bool json;
};
enum { HOPS_MAX = 8 };

struct hop {
    char node[NODE_NAME_SIZE], next[NODE_NAME_SIZE];
    int64_t received, acknowledged, outcome, next_sequence;
    char notice[96], state;
};

static enum err stamp(struct fail *f, const struct json *answer, const char *key, struct arena *a,
                      int64_t *out)
{
    struct str text = {NULL, 0};
    enum err e = json_member_text_maybe(f, answer, key, a, &text);
    return e || !text.p ? e : clock_parse(f, text, out);
}

static enum err hop_read(struct fail *f, const struct json *answer, struct arena *a, struct hop *out)
{
    struct str next = {NULL, 0}, notice = {NULL, 0}, state = {NULL, 0};
    enum err e;
    if ((e = stamp(f, answer, "received", a, &out->received)) ||
        (e = stamp(f, answer, "acknowledged", a, &out->acknowledged)) ||
        (e = stamp(f, answer, "outcome", a, &out->outcome)) ||
        (e = json_member_text(f, answer, "next", a, &next)) ||
        (e = json_member_int(f, answer, "next_sequence", 0, INT64_MAX, &out->next_sequence)) ||
        (e = json_member_text(f, answer, "notice", a, &notice)) ||
        (e = json_member_text(f, answer, "state", a, &state)))
        return e;
    snprintf(out->next, sizeof out->next, "%s", next.p);
    snprintf(out->notice, sizeof out->notice, "%s", notice.p);
    out->state = state.n ? state.p[0] : ' ';
    return ERR_OK;
}

static enum err ask_hop(struct fail *f, const struct network *n, struct arena *a, const char *node,
                        struct str question, struct hop *out)
{
    const struct network_node *found = NULL;
    struct json *answer = NULL;
    enum err e = network_find(f, n, node, &found);
    if (!e)
        e = node_ask_text(f, found, question, NULL, &answer);
    if (!e)
        e = hop_read(f, answer, a, out);
    json_free(answer);
    snprintf(out->node, sizeof out->node, "%s", node);
    return e;
}

static enum err follow(struct fail *f, const struct network *n, struct arena *a, const char *cs,
                       int64_t change, struct hop *hops, size_t *count)
{
    struct str question = arena_format(a, "{\"do\":\"trace_source\",\"change\":%lld}", (long long)change);
    enum err e =
        question.p ? ask_hop(f, n, a, cs, question, &hops[0]) : fail_set(f, ERR_MEMORY, "trace", NULL);
    for (*count = 1; !e && hops[*count - 1].next[0] && *count < HOPS_MAX; ++*count) {
        const struct hop *last = &hops[*count - 1];
        if (!last->acknowledged)
            break; /* on its way: the next server does not have it yet, or we do not know */
        question = arena_format(a, "{\"do\":\"trace_received\",\"sender\":\"%s\",\"sequence\":%lld}",
                                last->node, (long long)last->next_sequence);
        e = question.p ? ask_hop(f, n, a, last->next, question, &hops[*count])
                       : fail_set(f, ERR_MEMORY, "trace", NULL);
    }
    return e;
}

static const struct {
    char state;
    const char *name, *en, *ja; /* name: in JSON */
} states[] = {
    {' ', "on_its_way", "on its way", "送信中"},
    {'a', "applied", "applied nationally", "全国で反映済み"},
    {'w', "waiting", "waiting on an error list", "エラーリストで保留中"},
    {'r', "refused", "refused", "受理されませんでした"},
};

static size_t state_of(char state)
{
    for (size_t i = 0; i < COUNT_OF(states); i++)
        if (states[i].state == state)
            return i;
    return 0;
}

/* Columns a terminal gives to a text: kanji and kana take two. */
static int text_width(const char *text)
{
    struct str s = str_of(text);
    int width = 0;
    for (size_t at = 0; at < s.n;)
        width += utf8_next(s, &at) < 0x1100 ? 1 : 2;
    return width;
}

/* "2026-11-22 18:00:00.123": the clock on the wall in Japan. */
static const char *wall_clock(int64_t stamp, char out[static CLOCK_TEXT_SIZE])
{
    enum { TO_MILLISECONDS = 23, T = 10 };
    clock_text(stamp + (int64_t)9 * 3600 * 1000000, out);
    out[T] = ' ';
    out[TO_MILLISECONDS] = 0;
    return out;
}

static void print_line(const char *node, const char *what, int64_t at, int64_t start)
{
    enum { WHAT_WIDTH = 10 };
    char text[CLOCK_TEXT_SIZE];
    int space = WHAT_WIDTH - text_width(what);
    if (at)
        printf("  %-16s %s%*s %s JST %+10.3f ms\n", node, what, space > 0 ? space : 0, "",
               wall_clock(at, text), (double)(at - start) / 1000);
}

static void print(const struct command_call *c, const struct hop *hops, size_t count)
{
    int64_t start = hops[0].received;
    size_t state = state_of(hops[0].state);
    printf("%s\n", hops[0].notice);
    for (size_t i = 0; i < count; i++)
        print_line(hops[i].node, i ? command_text(c, "received", "受信") : command_text(c, "taken", "受付"),
                   hops[i].received, start);
    for (size_t i = count; i > 0; i--)
        print_line(hops[i - 1].node, command_text(c, "outcome", "結果受領"), hops[i - 1].outcome, start);
    printf("  %s\n", command_text(c, states[state].en, states[state].ja));
}

static void add_stamp(struct buf *b, const char *key, int64_t at)
{
    char text[CLOCK_TEXT_SIZE];
    if (at)
        json_add_text(b, key, str_of(clock_text(at, text)));
}

static void print_json(const struct hop *hops, size_t count)
{
    struct buf b;
    buf_init(&b, 64 * 1024);
    json_begin(&b, NULL, '{');
    json_add_text(&b, "notice", str_of(hops[0].notice));
    json_add_text(&b, "state", str_of(states[state_of(hops[0].state)].name));
    json_begin(&b, "hops", '[');
    for (size_t i = 0; i < count; i++) {
        json_begin(&b, NULL, '{');
        json_add_text(&b, "node", str_of(hops[i].node));
        add_stamp(&b, "received", hops[i].received);
        add_stamp(&b, "acknowledged", hops[i].acknowledged);
        add_stamp(&b, "outcome", hops[i].outcome);
        json_end(&b, '}');
    }
    json_end(&b, ']');
    json_end(&b, '}');
    puts(b.p);
    buf_release(&b);
}

static enum err trace(struct command_call *c, struct fail *f)
{
    const struct trace_words *o = c->options;
    struct hop hops[HOPS_MAX + 1] = {0};
    struct network n;
    char cs[NODE_NAME_SIZE];
    uint64_t change = 0;
    size_t count = 0;
    enum err e = network_load(f, c->words[0], &c->arena, &n);
    if (e)
        return e;
    if (!str_to_uint(str_of(c->words[2]), INT64_MAX, &change) || change == 0)
        return fail_set(f, ERR_USAGE, "CHANGE", "the number of a register's change: 1, 2, 3 ...");
    snprintf(cs, sizeof cs, "cs.%.6s", c->words[1]);
    e = follow(f, &n, &c->arena, cs, (int64_t)change, hops, &count);
    if (e)
        count--; /* the last one did not answer: what the others said is told, and the failure too */
    if (count && o->json)
        print_json(hops, count);
    else if (count)
        print(c, hops, count);
    return e;
}

static const struct option_row options[] = {
    {"json", 0, OPTION_FLAG_AT(struct trace_words, json), .help = "Write JSON.", .help_ja = "JSONで出力する"},
};
static const struct command_row rows[] = {
    {.words = "DIR AREA CHANGE",
     .least = 3,
     .most = 3,
     .options = options,
     .option_count = COUNT_OF(options),
     .size = sizeof(struct trace_words),
     .run = trace,
     .help = "Show when a change of AREA's register was taken by its CS, reached the prefecture and the "
             "agency, and when "
             "its outcome came back.",
     .help_ja = "AREAの住民記録の異動CHANGEが、CS、都道府県サーバ、機構サーバにいつ届き、結果がいつ戻ったかを"
                "示す。"},
};
const struct command_noun command_trace = {"trace", "where a change is, with the time at each hop",
                                           "異動の所在と各段階の時刻を示す", rows, COUNT_OF(rows)};
