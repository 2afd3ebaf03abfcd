/* SPDX-License-Identifier: Apache-2.0 */
/* juki selftest: does this program, on this machine, compute what was published? The last line is the count. */
#include "command/nouns.h"

#include "keys/selftest.h"
#include "ledger/selftest_merkle.h"

struct selftest_options {
    struct str ff1, merkle;
    bool verbose;
};
static const struct option_row option_rows[] = {
    {.name = "ff1", OPTION_TEXT_AT(struct selftest_options, ff1), .value = "FILE",
     .help = "AES-FF1 vectors: Wycheproof's JSON, or a table of NIST's samples (.tsv)"},
    {.name = "merkle", OPTION_TEXT_AT(struct selftest_options, merkle), .value = "FOLDER",
     .help = "proof vectors in the layout of transparency-dev/merkle's testdata"},
    {.name = "verbose", .letter = 'v', OPTION_FLAG_AT(struct selftest_options, verbose), .help = "name every test"},
};

static void report(void *arg, const struct selftest_line *line)
{
    const struct selftest_options *o = arg;
    if (!line->passed)
        printf("failed  %s: %s: %s\n", line->suite, line->name, line->why);
    else if (o->verbose)
        printf("passed  %s: %s\n", line->suite, line->name);
}

static void report_merkle(void *arg, const struct selftest_merkle_result *r)
{
    const struct selftest_options *o = arg;
    if (!r->passed)
        printf("failed  %s: %.*s (%s)\n", r->path, STR_ARG(r->what),
               r->want_error ? "must be refused" : "must be accepted");
    else if (o->verbose)
        printf("passed  %s: %.*s\n", r->path, STR_ARG(r->what));
}

static enum err run_merkle(struct fail *f, const struct selftest_options *o, struct selftest_options *arg,
                           struct selftest_count *out)
{
    struct selftest_merkle_count merkle = {0, 0, 0};
    enum err e = selftest_merkle_folder(f, o->merkle.p, report_merkle, arg, &merkle);
    out->passed += merkle.inclusion + merkle.consistency - merkle.failed;
    out->failed += merkle.failed;
    return e;
}

static enum err selftest(struct command_call *c, struct fail *f)
{
    const struct selftest_options *o = c->options;
    struct selftest_options arg = *o;
    struct selftest_count count = {0, 0};
    bool nist = o->ff1.n > 4 && strcmp(o->ff1.p + o->ff1.n - 4, ".tsv") == 0;
    enum err e = ERR_OK;
    if (!o->ff1.n && !o->merkle.n)
        selftest_known_answers(report, &arg, &count);
    if (o->ff1.n)
        e = nist ? selftest_ff1_nist(f, o->ff1.p, report, &arg, &count)
                 : selftest_ff1_file(f, o->ff1.p, report, &arg, &count);
    if (!e && o->merkle.n)
        e = run_merkle(f, o, &arg, &count);
    if (e)
        return e;
    printf("%llu passed, %llu failed\n", (unsigned long long)count.passed, (unsigned long long)count.failed);
    return count.failed ? fail_set(f, ERR_SELFTEST_FAILED, NULL, "%llu", (unsigned long long)count.failed) : ERR_OK;
}

static const struct command_row rows[] = {
    {.words = "", .least = 0, .most = 0, .run = selftest, .options = option_rows, .option_count = COUNT_OF(option_rows),
     .size = sizeof(struct selftest_options),
     .help = "Compute known answers (encodings, hashes, signatures, FF1, Merkle proofs); or those of published files.",
     .help_ja = "公表された既知の解を計算して照合する。ファイルを指定すればその試験値を用いる。"},
};
const struct command_noun command_selftest = {"selftest", "compute known answers", "既知の解による自己診断", rows,
                                              COUNT_OF(rows)};
