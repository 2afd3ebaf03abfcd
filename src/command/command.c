/* SPDX-License-Identifier: Apache-2.0 */
/* Decides which row a command line means, and says what went wrong when none or the row refuses. Nothing of a single
 * command stands here: a new one is a row in its noun's file. */
#include "command/command.h"

#include "base/nearest.h"

enum { HELP_MAX = 64 * 1024, CALL_MEMORY = 256 * 1024 * 1024 };

static const char *words_of(const struct command_row *row)
{
    return row->words ? row->words : "";
}

static void usage_line(const struct command_noun *noun, const struct command_row *row, struct buf *out)
{
    buf_add_format(out, "juki %s", noun->noun);
    if (row->verb)
        buf_add_format(out, " %s", row->verb);
    for (size_t i = 0; i < row->option_count; i++) {
        const struct option_row *o = &row->options[i];
        const char *value = o->kind == OPTION_FLAG ? "" : o->value ? o->value : "VALUE";
        buf_add_format(out, " [--%s%s%s]%s", o->name, *value ? " " : "", value, o->kind == OPTION_LIST ? "..." : "");
    }
    if (words_of(row)[0])
        buf_add_format(out, " %s", words_of(row));
}

static void write_row_help(const struct command_noun *noun, const struct command_row *row, bool japanese,
                           struct buf *out)
{
    struct buf usage;
    buf_init(&usage, HELP_MAX);
    usage_line(noun, row, &usage);
    const struct option_table table = {usage.p, japanese ? row->help_ja : row->help, row->options, row->option_count,
                                       japanese};
    if (usage.p && !usage.broken)
        options_write_help(&table, out);
    buf_release(&usage);
}

static void write_noun_help(const struct command_noun *noun, bool japanese, struct buf *out)
{
    buf_add_format(out, "%s\n\n", japanese ? noun->help_ja : noun->help);
    for (size_t i = 0; i < noun->count; i++) {
        const struct command_row *row = &noun->rows[i];
        buf_add_format(out, "  juki %s%s%s%s%s\n      %s\n", noun->noun, row->verb ? " " : "", row->verb ? row->verb : "",
                       words_of(row)[0] ? " " : "", words_of(row), japanese ? row->help_ja : row->help);
    }
    buf_add_format(out, "\n%s: juki %s %s--help\n", japanese ? "詳しくは" : "More", noun->noun,
                   noun->rows[0].verb ? "VERB " : "");
}

static void write_all_help(bool japanese, struct buf *out)
{
    buf_add_str(out, str_of(japanese ? "使い方: juki 名詞 [動詞] [オプション] ...\n\n"
                                     : "usage: juki NOUN [VERB] [OPTIONS] ...\n\n"));
    for (size_t i = 0; i < command_noun_count; i++)
        buf_add_format(out, "  %-10s %s\n", command_nouns[i]->noun,
                       japanese ? command_nouns[i]->help_ja : command_nouns[i]->help);
    buf_add_str(out, str_of(japanese ? "\n詳しくは: juki 名詞 --help。版: juki --version\n"
                                       "終了コード: 0 完了、1 拒否、2 指定の誤り、3 環境の障害\n"
                                     : "\nMore: juki NOUN --help. Version: juki --version\n"
                                       "Exit status: 0 done, 1 refused, 2 not understood, 3 the environment failed\n"));
}

void command_write_help(const struct command_noun *noun, const struct command_row *row, enum fail_language language,
                        struct buf *out)
{
    bool japanese = language == FAIL_JAPANESE;
    if (row)
        write_row_help(noun, row, japanese, out);
    else if (noun)
        write_noun_help(noun, japanese, out);
    else
        write_all_help(japanese, out);
}

static int print_help(const struct command_noun *noun, const struct command_row *row)
{
    struct buf out;
    buf_init(&out, HELP_MAX);
    command_write_help(noun, row, fail_language(), &out);
    bool written = !out.broken && fwrite(out.p, 1, out.n, stdout) == out.n && fflush(stdout) == 0;
    buf_release(&out);
    return written ? 0 : err_row(ERR_IO)->exit;
}

/* Tells the failure, and for one that was not understood where help is. */
static int complain(const struct command_noun *noun, const struct command_row *row, const struct fail *f)
{
    char text[512];
    fprintf(stderr, "juki%s%s%s%s: %s\n", noun ? " " : "", noun ? noun->noun : "", row && row->verb ? " " : "",
            row && row->verb ? row->verb : "", fail_text(f, fail_language(), text, sizeof text));
    if (f->err == ERR_USAGE && row) {
        struct buf usage;
        buf_init(&usage, HELP_MAX);
        usage_line(noun, row, &usage);
        fprintf(stderr, fail_language() == FAIL_JAPANESE ? "使い方: %.*s\n" : "usage: %.*s\n", STR_ARG(buf_str(&usage)));
        buf_release(&usage);
    }
    return err_row(f->err)->exit;
}

static enum err unknown(struct fail *f, const char *word, const struct nearest *near, const char *help)
{
    if (near->best)
        return fail_set(f, ERR_USAGE, NULL, "unknown word %.40s; did you mean %s?", word, near->best);
    return fail_set(f, ERR_USAGE, NULL, "unknown word %.40s; %s lists them", word, help);
}

static enum err find_noun(struct fail *f, const char *word, const struct command_noun **out)
{
    struct nearest near = nearest_begin(str_of(word));
    for (size_t i = 0; i < command_noun_count; i++) {
        if (strcmp(command_nouns[i]->noun, word) == 0) {
            *out = command_nouns[i];
            return ERR_OK;
        }
        nearest_offer(&near, command_nouns[i]->noun);
    }
    return unknown(f, word, &near, "juki --help");
}

/* The row of a verb, or the one that needs none. *verbs: how many arguments the verb took. */
static enum err find_row(struct fail *f, const struct command_noun *noun, const char *word,
                         const struct command_row **out, int *verbs)
{
    struct nearest near = nearest_begin(str_of(word ? word : ""));
    const struct command_row *alone = NULL;
    char help[64];
    for (size_t i = 0; i < noun->count; i++) {
        const struct command_row *row = &noun->rows[i];
        if (row->verb && word && strcmp(row->verb, word) == 0) {
            *out = row;
            *verbs = 1;
            return ERR_OK;
        }
        if (row->verb)
            nearest_offer(&near, row->verb);
        else
            alone = row;
    }
    *verbs = 0;
    *out = alone;
    snprintf(help, sizeof help, "juki %s --help", noun->noun);
    if (alone)
        return ERR_OK;
    return word ? unknown(f, word, &near, help) : fail_set(f, ERR_USAGE, NULL, "a verb is missing; %s lists them", help);
}

static enum err check_words(struct fail *f, const struct command_row *row, const struct option_words *words)
{
    if (words->count < row->least)
        return fail_set(f, ERR_USAGE, NULL, "something is missing: %s", words_of(row));
    if (words->count > row->most)
        return fail_set(f, ERR_USAGE, NULL, "%.60s is too much", words->words[row->most]);
    for (size_t i = 0; i < words->count; i++) {
        enum err e = utf8_check(f, NULL, str_of(words->words[i]));
        if (e)
            return fail_set(f, ERR_USAGE, NULL, "word %zu is not UTF-8", i + 1);
    }
    return ERR_OK;
}

static enum err call_row(struct fail *f, struct command_call *c, const struct option_words *words)
{
    enum err e = check_words(f, c->row, words);
    if (e)
        return e;
    c->words = words->words;
    c->word_count = words->count;
    c->language = fail_language();
    e = c->row->run(c, f);
    if (fflush(stdout) != 0 && !e)
        e = fail_set(f, ERR_IO, NULL, "stdout");
    return e;
}

static int run_row(const struct command_noun *noun, const struct command_row *row, int argc, char **argv)
{
    const struct option_table table = {"", NULL, row->options, row->option_count, false};
    struct command_call c = {.row = row};
    struct option_words words = {NULL, 0, false};
    struct fail f = {0};
    int status = 0;
    arena_init(&c.arena, CALL_MEMORY);
    void *options = arena_alloc(&c.arena, row->size + 1);
    enum err e = options ? ERR_OK : fail_set(&f, ERR_MEMORY, NULL, NULL);
    if (!e && row->standard)
        memcpy(options, row->standard, row->size);
    c.options = options;
    if (!e)
        e = options_parse(&f, &table, argc, argv, options, &words);
    if (!e && words.help)
        status = print_help(noun, row);
    else if (!e)
        e = call_row(&f, &c, &words);
    if (e) {
        f.err = e;
        status = complain(noun, row, &f);
    }
    arena_release(&c.arena);
    return status;
}

static bool asks_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

int command_run(int argc, char **argv)
{
    const struct command_noun *noun = NULL;
    const struct command_row *row = NULL;
    struct fail f = {0};
    int verbs = 0;
    if (argc > 0 && strcmp(argv[0], "--version") == 0)
        return puts("juki " JUKI_VERSION) >= 0 && fflush(stdout) == 0 ? 0 : err_row(ERR_IO)->exit;
    if (argc > 0 && asks_help(argv[0]))
        return print_help(NULL, NULL);
    if (argc == 0) {
        fail_set(&f, ERR_USAGE, NULL, "juki --help lists what can be done");
        return complain(NULL, NULL, &f);
    }
    if (find_noun(&f, argv[0], &noun) || !noun)
        return complain(NULL, NULL, &f);
    bool several = noun->count > 1 || noun->rows[0].verb;
    if (argc > 1 && several && asks_help(argv[1]))
        return print_help(noun, NULL);
    if (find_row(&f, noun, argc > 1 ? argv[1] : NULL, &row, &verbs) || !row)
        return complain(noun, NULL, &f);
    return run_row(noun, row, argc - 1 - verbs, argv + 1 + verbs);
}
