/* SPDX-License-Identifier: Apache-2.0 */
/* juki log: verify, export and read the logs that prove themselves. */
#include "command/command_evidence.h"
#include "command/log_reader.h"
#include "command/node_process.h"
#include "command/nouns.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { MASKED_SHORT = 11, MASKED_LONG = 12, ENTRIES_MAX = 100000 };

static const char *const finding_names[] = {
    [LEDGER_CHANGED] = "changed",     [LEDGER_MISSING] = "missing",     [LEDGER_INSERTED] = "inserted",
    [LEDGER_RESEALED] = "resealed",   [LEDGER_TRUNCATED] = "truncated", [LEDGER_HEAD_BAD] = "head_bad",
    [LEDGER_BODY_GONE] = "body_gone",
};

/* A server of the link: a register has no log of its own. */
static enum err check_logged(struct fail *f, const struct network_node *node)
{
    if (node->name.role != NODE_REGISTER)
        return ERR_OK;
    return fail_set(f, ERR_STATE, node->name.text,
                    "a register stands outside the network and has no such log");
}

/* ---- verify */

enum { JSON_BYTES_MOST = 64 * 1024 * 1024 };

struct verify_options {
    bool json;
};
static const struct option_row verify_rows[] = {
    {.name = "json",
     OPTION_FLAG_AT(struct verify_options, json),
     .help = "for scripts",
     .help_ja = "JSONで出力する"},
};

struct verify_run {
    struct progress bar;
    struct buf *json; /* the findings are members of a list that stands open in it; NULL: print */
    uint64_t found;
};

static void report(void *arg, const struct ledger_finding *finding)
{
    struct verify_run *r = arg;
    const char *kind = finding_names[finding->kind];
    r->found++;
    if (r->json) {
        json_begin(r->json, NULL, '{');
        json_add_text(r->json, "kind", str_of(kind));
        json_add_int(r->json, "first", (int64_t)finding->first);
        json_add_int(r->json, "last", (int64_t)finding->last);
        json_add_text(r->json, "detail", str_of(finding->detail));
        json_end(r->json, '}');
    } else {
        printf("    ! %s %llu..%llu: %s\n", kind, (unsigned long long)finding->first,
               (unsigned long long)finding->last, finding->detail);
    }
}

static void draw(void *arg, uint64_t done, uint64_t total)
{
    struct verify_run *r = arg;
    r->bar.total = total;
    progress_set(&r->bar, done);
}

/* A running server signs what it has written until now, so that a head covers all of it. */
static enum err sign_head(struct fail *f, const struct network_node *node)
{
    struct json *answer = NULL;
    if (node_pid(node) == 0)
        return ERR_OK;
    enum err e = node_ask(f, node, "sign_head", &answer);
    json_free(answer);
    return e;
}

static void begin_json(struct buf *json, const struct network_node *node)
{
    json_begin(json, NULL, '{');
    json_add_text(json, "node", str_of(node->name.text));
    json_begin(json, "findings", '[');
}

static void end_json(struct buf *json, const struct ledger_verify_result *result, bool upper_seen)
{
    json_end(json, ']');
    json_add_int(json, "entries", (int64_t)result->entries);
    json_add_int(json, "heads", (int64_t)result->heads);
    json_add_int(json, "deleted", (int64_t)result->deleted);
    json_add_int(json, "behind", (int64_t)result->behind);
    json_add_bool(json, "upper_head", upper_seen);
    json_end(json, '}');
}

static void print_result(const struct command_call *c, const struct network_node *node,
                         const struct ledger_verify_result *result, const struct verify_run *run,
                         bool upper_seen)
{
    printf(
        command_text(c, "%-18s %9llu entries %6llu heads %s%s\n", "%-18s %9llu件 署名済み先頭%6llu %s%s\n"),
        node->name.text, (unsigned long long)result->entries, (unsigned long long)result->heads,
        run->found ? command_text(c, "NOT proved", "不一致あり") : command_text(c, "proved", "検証済み"),
        upper_seen
            ? command_text(c, ", also against the head kept above", "（上位サーバが保管する先頭とも一致）")
            : "");
    if (result->behind)
        printf(command_text(c, "    %llu entries behind the newest head are not proved yet\n",
                            "    署名済み先頭より後の%llu件は、まだ検証できません\n"),
               (unsigned long long)result->behind);
}

static enum err verify_one(struct command_call *c, struct fail *f, const struct network *n,
                           const struct network_node *node, struct buf *json, uint64_t *findings)
{
    struct verify_run run = {.json = json};
    struct ledger_verify_result result = {.entries = 0};
    bool upper_seen = false;
    enum err e = sign_head(f, node);
    if (e)
        return e;
    if (json)
        begin_json(json, node);
    progress_start(&run.bar, node->name.text, 0);
    e = log_reader_verify(f, n, node, report, draw, &run, &upper_seen, &result);
    progress_end(&run.bar);
    *findings += run.found;
    if (!e && json)
        end_json(json, &result, upper_seen);
    else if (!e)
        print_result(c, node, &result, &run, upper_seen);
    return e;
}

static enum err verify(struct command_call *c, struct fail *f)
{
    const struct verify_options *o = c->options;
    const struct network_node *chosen = NULL;
    struct network n;
    uint64_t findings = 0;
    enum err e = network_load(f, c->words[0], &c->arena, &n);
    if (!e && c->word_count > 1)
        e = network_find(f, &n, c->words[1], &chosen);
    if (!e && chosen)
        e = check_logged(f, chosen);
    if (e)
        return e;
    struct buf json;
    buf_init(&json, JSON_BYTES_MOST);
    json_begin(&json, NULL, '{');
    json_begin(&json, "logs", '[');
    for (size_t i = 0; i < n.count && !e; i++)
        if (chosen ? chosen == &n.nodes[i] : n.nodes[i].name.role != NODE_REGISTER)
            e = verify_one(c, f, &n, &n.nodes[i], o->json ? &json : NULL, &findings);
    json_end(&json, ']');
    json_end(&json, '}');
    if (!e && o->json)
        e = control_print_buf(f, &json);
    buf_release(&json);
    if (!e && findings)
        e = fail_set(f, ERR_LEDGER_FINDINGS, NULL, "%llu", (unsigned long long)findings);
    return e;
}

/* ---- export */

static enum err open_log(struct command_call *c, struct fail *f, struct network *n,
                         const struct network_node **node, struct db **out)
{
    enum err e = network_load(f, c->words[0], &c->arena, n);
    if (!e)
        e = network_find(f, n, c->words[1], node);
    if (!e)
        e = check_logged(f, *node);
    return e ? e : log_reader_open(f, *node, out);
}

struct export_options {
    int64_t first;
};
static const struct option_row export_rows[] = {
    {.name = "from",
     OPTION_INT_AT(struct export_options, first),
     .least = 0,
     .most = INT64_MAX,
     .value = "ENTRY",
     .help = "the first entry to write; standard 0",
     .help_ja = "書き出す最初の項目。標準0"},
};

static enum err export_log(struct command_call *c, struct fail *f)
{
    const struct export_options *o = c->options;
    const struct network_node *node;
    struct network n;
    struct db *db = NULL;
    enum err e = open_log(c, f, &n, &node, &db);
    if (e)
        return e;
    int fd = open(c->words[2], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                  0600); /* it holds what notices say of persons */
    if (fd < 0)
        e = fail_errno(f, errno == EEXIST ? ERR_EXISTS : ERR_IO, c->words[2]);
    if (!e)
        e = ledger_export(f, db, node->name.text, (uint64_t)o->first, fd);
    if (fd >= 0 && (fsync(fd) != 0 || close(fd) != 0) && !e)
        e = fail_errno(f, ERR_IO, c->words[2]);
    if (fd >= 0 && e)
        unlink(c->words[2]);
    db_close(db);
    if (!e)
        printf(command_text(c, "%s written; juki-verify checks it\n",
                            "%s を書き出しました（juki-verify で検証できます）\n"),
               c->words[2]);
    return e;
}

/* ---- show */

struct show_options {
    int64_t last;
    bool payload;
};
static const struct show_options show_standard = {.last = 20};
static const struct option_row show_rows[] = {
    {.name = "last",
     .letter = 'n',
     OPTION_INT_AT(struct show_options, last),
     .least = 1,
     .most = ENTRIES_MAX,
     .value = "N",
     .help = "how many of the newest entries; standard 20",
     .help_ja = "最新の項目をいくつ表示するか。標準20"},
    {.name = "payload",
     OPTION_FLAG_AT(struct show_options, payload),
     .help = "also what the entries hold: names and addresses; codes and numbers stay masked",
     .help_ja = "項目の内容（氏名・住所等）も表示する。住民票コードと個人番号は隠す"},
};

/* Digits that have the length of a resident code or an Individual Number keep their first two. */
static void print_masked(struct str text)
{
    for (size_t i = 0; i < text.n;) {
        size_t n = 0;
        while (i + n < text.n && text.p[i + n] >= '0' && text.p[i + n] <= '9')
            n++;
        bool masked = n == MASKED_SHORT || n == MASKED_LONG;
        size_t whole = masked ? 2 : n ? n : 1;
        fwrite(text.p + i, 1, whole, stdout);
        for (size_t k = whole; k < n; k++)
            putchar('*');
        i += n ? n : 1;
    }
}

struct show_run {
    uint64_t at;
    bool payload;
};

static enum err show_entry(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct show_run *run = arg;
    struct ledger_entry entry = {.index = 0};
    struct arena a;
    char stamp[CLOCK_TEXT_SIZE];
    arena_init(&a, 8 * 1024 * 1024);
    enum err e = ledger_entry_read(tx, f, run->at, &a, &entry);
    if (!e && !entry.body.p) {
        printf("%8llu (deleted)\n", (unsigned long long)run->at);
    } else if (!e) {
        printf("%8llu %s %-13s ", (unsigned long long)run->at, clock_text(entry.time, stamp),
               ledger_kind_name(entry.kind));
        print_masked(entry.what);
        putchar('\n');
        if (run->payload && entry.payload.n) {
            print_masked(entry.payload);
            putchar('\n');
        }
    }
    arena_release(&a);
    return e;
}

static enum err show(struct command_call *c, struct fail *f)
{
    const struct show_options *o = c->options;
    const struct network_node *node;
    struct network n;
    struct db *db = NULL;
    struct ledger *ledger = NULL;
    enum err e = open_log(c, f, &n, &node, &db);
    if (!e)
        e = ledger_open(f, db, node->name.text, NULL, &ledger);
    uint64_t size = e ? 0 : ledger_size(ledger),
             first = size > (uint64_t)o->last ? size - (uint64_t)o->last : 0;
    for (struct show_run run = {first, o->payload}; run.at < size && !e; run.at++)
        e = db_read(db, f, show_entry, &run);
    ledger_free(ledger);
    db_close(db);
    return e;
}

/* ---- forks */

struct forks_options {
    bool seen, notes;
};
static const struct option_row forks_rows[] = {
    {.name = "notes",
     OPTION_FLAG_AT(struct forks_options, notes),
     .help = "the evidence itself: both signed heads of each fork",
     .help_ja = "証拠（分岐した2つの署名済み先頭）も表示する"},
    {.name = "seen",
     OPTION_FLAG_AT(struct forks_options, seen),
     .help = "take note of all of them: juki status no longer shows them, the evidence stays",
     .help_ja = "確認済みにする（juki status に表示しなくなる。証拠は残る）"},
};

/* The second line of a head says how many entries it counts. */
static struct str entries_of(struct str note)
{
    struct str line = STR("?");
    (void)(str_cut(&note, '\n', &line) && str_cut(&note, '\n', &line));
    return line;
}

static void print_fork(void *arg, const struct ledger_fork *fork)
{
    const struct command_call *c = arg;
    const struct forks_options *o = c->options;
    char stamp[CLOCK_TEXT_SIZE];
    printf(command_text(c, "%s %-18s epoch %lld: %.*s entries signed, where %.*s were kept; common: %lld%s\n",
                        "%s %-18s 世代%lld：署名された先頭 %.*s件、保管された先頭 %.*s件、共通 %lld件%s\n"),
           clock_text(fork->time, stamp), fork->node, (long long)fork->epoch, STR_ARG(entries_of(fork->note)),
           STR_ARG(entries_of(fork->kept)), (long long)fork->base,
           fork->seen ? command_text(c, " (seen)", "（確認済み）") : "");
    if (o->notes)
        printf("%.*s\n%.*s\n", STR_ARG(fork->kept), STR_ARG(fork->note));
}

static enum err forks(struct command_call *c, struct fail *f)
{
    const struct forks_options *o = c->options;
    const struct network_node *node;
    struct network n;
    struct db *db = NULL;
    struct json *answer = NULL;
    enum err e = open_log(c, f, &n, &node, &db);
    if (!e)
        e = ledger_forks(f, db, print_fork, c);
    db_close(db);
    if (!e && o->seen)
        e = node_ask(f, node, "forks_seen", &answer);
    json_free(answer);
    return e;
}

static const struct command_row rows[] = {
    {.verb = "verify",
     .words = "DIR [NODE]",
     .least = 1,
     .most = 2,
     .run = verify,
     .options = verify_rows,
     .option_count = COUNT_OF(verify_rows),
     .size = sizeof(struct verify_options),
     .help = "Prove that no entry was changed, taken out or put in: hashes, signed heads, and the head kept "
             "above.",
     .help_ja = "履歴が改変・削除・挿入されていないことを、署名済み先頭と上位サーバの保管分で検証する。"},
    {.verb = "export",
     .words = "DIR NODE FILE",
     .least = 3,
     .most = 3,
     .run = export_log,
     .options = export_rows,
     .option_count = COUNT_OF(export_rows),
     .size = sizeof(struct export_options),
     .help = "Write the log as evidence that juki-verify checks without a database.",
     .help_ja = "履歴を証拠として書き出す（juki-verifyで検証）。"},
    {.verb = "show",
     .words = "DIR NODE",
     .least = 2,
     .most = 2,
     .run = show,
     .options = show_rows,
     .option_count = COUNT_OF(show_rows),
     .standard = &show_standard,
     .size = sizeof(struct show_options),
     .help = "Show the newest entries.",
     .help_ja = "最新の履歴を表示する。"},
    {.verb = "evidence",
     .words = "DIR NODE notice|receipt PEER SEQUENCE",
     .least = 5,
     .most = 5,
     .run = command_evidence,
     .options = command_evidence_options,
     .option_count = COUNT_OF(command_evidence_options),
     .size = sizeof(struct evidence_options),
     .help = "Write one notice, or PEER's receipt for it, as evidence that juki-verify checks with the key "
             "of juki network key.",
     .help_ja =
         "通知1件、又はその受領証を証拠として出力する（juki network key の鍵を使いjuki-verifyで検証）。"},
    {.verb = "forks",
     .words = "DIR NODE",
     .least = 2,
     .most = 2,
     .run = forks,
     .options = forks_rows,
     .option_count = COUNT_OF(forks_rows),
     .size = sizeof(struct forks_options),
     .help = "List the forks that NODE has on record, of its own log and of those below it: a log that was "
             "restored from a backup "
             "forks once; any other was cut or rewritten.",
     .help_ja =
         "NODEが記録した履歴の分岐（自身及び下位サーバ）を表示する。バックアップからの復元で一度分岐する。"
         "それ以外の分岐は切詰め又は書換えを意味する。"},
};
const struct command_noun command_log = {"log", "verify, export and read the logs",
                                         "履歴を検証、書出し、表示する", rows, COUNT_OF(rows)};
