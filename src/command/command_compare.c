/* SPDX-License-Identifier: Apache-2.0 */
/* juki compare: do register, CS, prefecture and agency know the same people in the same state? */
#include "command/nouns.h"

#include "base/json.h"
#include "command/level_census.h"
#include "identity/area_code.h"

struct compare_words {
    bool json;
};

struct table {
    struct command_call *call;
    struct buf json;
    bool as_json;
};

static void print_area(void *arg, int32_t area, const struct level *levels, size_t count, bool equal)
{
    const struct area_row *row = area_code_find((struct area_code){area});
    const struct table *t = arg;
    printf("%s %06d %s\n", equal ? "✓" : "✗", area, row ? row->name : "");
    for (size_t i = 0; i < count; i++) {
        const struct census_area *s = levels[i].state;
        if (levels[i].down) {
            printf("    %-18s %10s\n", levels[i].node, command_text(t->call, "down", "停止中"));
            continue;
        }
        printf("    %-18s %10lld %8lld %8lld  %.16s\n", levels[i].node, s ? (long long)s->current : 0,
               s ? (long long)s->leaving : 0, s ? (long long)s->removed : 0, s ? s->digest : "-");
    }
}

static void write_area(struct buf *b, int32_t area, const struct level *levels, size_t count, bool equal)
{
    json_begin(b, NULL, '{');
    json_add_int(b, "area", area);
    json_add_bool(b, "equal", equal);
    json_begin(b, "levels", '[');
    for (size_t i = 0; i < count; i++) {
        const struct census_area *s = levels[i].state;
        json_begin(b, NULL, '{');
        json_add_text(b, "node", str_of(levels[i].node));
        json_add_bool(b, "running", !levels[i].down);
        json_add_int(b, "current", s ? s->current : 0);
        json_add_int(b, "leaving", s ? s->leaving : 0);
        json_add_int(b, "removed", s ? s->removed : 0);
        json_add_text(b, "digest", str_of(s ? s->digest : ""));
        json_end(b, '}');
    }
    json_end(b, ']');
    json_end(b, '}');
}

static void each_area(void *arg, int32_t area, const struct level *levels, size_t count, bool equal)
{
    struct table *t = arg;
    if (t->as_json)
        write_area(&t->json, area, levels, count, equal);
    else
        print_area(t, area, levels, count, equal);
}

static enum err compare(struct command_call *c, struct fail *f)
{
    const struct compare_words *o = c->options;
    struct table t = {.call = c, .as_json = o->json};
    struct network n;
    bool equal = false;
    enum err e = network_load(f, c->words[0], &c->arena, &n);
    if (e)
        return e;
    buf_init(&t.json, 16 * 1024 * 1024);
    if (o->json) {
        json_begin(&t.json, NULL, '{');
        json_begin(&t.json, "areas", '[');
    } else {
        printf(command_text(c, "  %-20s %10s %8s %8s  %s\n", "  %-20s %10s %8s %8s  %s\n"),
               command_text(c, "server", "サーバ"), command_text(c, "current", "現存"),
               command_text(c, "leaving", "転出予定"), command_text(c, "removed", "消除"),
               command_text(c, "state", "状態の要約値"));
    }
    e = network_compare(f, &n, &c->arena, each_area, &t, &equal);
    if (o->json) {
        json_end(&t.json, ']');
        json_add_bool(&t.json, "equal", equal && !e);
        json_end(&t.json, '}');
        puts(t.json.p);
    }
    buf_release(&t.json);
    return e || equal ? e : fail_set(f, ERR_LEVELS_DIFFER, NULL, NULL);
}

static const struct option_row options[] = {
    {"json", 0, OPTION_FLAG_AT(struct compare_words, json), .help = "Write JSON.",
     .help_ja = "JSONで出力する"},
};
static const struct command_row rows[] = {
    {.words = "DIR", .least = 1, .most = 1, .options = options, .option_count = COUNT_OF(options),
     .size = sizeof(struct compare_words), .run = compare,
     .help = "Compare what register, CS, prefecture and agency hold of each municipality: counts, and a digest of every "
             "person's newest state. Exit status 1 when they differ (also while notices are on their way).",
     .help_ja = "住民記録、CS、都道府県サーバ、機構サーバの保存内容を市区町村ごとに比べる。件数と最新状態の要約値を照合し、"
                "食い違い（通知の送信中を含む）があれば終了コード1。"},
};
const struct command_noun command_compare = {"compare", "do all levels hold the same?", "各階層の内容を照合する", rows,
                                             COUNT_OF(rows)};
