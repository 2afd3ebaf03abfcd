/* SPDX-License-Identifier: Apache-2.0 */
/* Decides what a command line means. An option stands once, unless it is a list; a value that begins with a dash needs
 * `--name=value`, so that a forgotten value never swallows the next option. */
#include "base/options.h"

#include "base/nearest.h"

enum { ROWS_MAX = 64 };

struct line {
    struct fail *f;
    const struct option_table *table;
    int argc, at; /* at: the argument being read */
    char **argv;
    unsigned char *out;
    uint64_t given; /* a bit a row */
    bool help;
};

static enum err unknown_option(const struct line *l, struct str name)
{
    struct nearest near = nearest_begin(name);
    for (size_t i = 0; i < l->table->count; i++)
        nearest_offer(&near, l->table->rows[i].name);
    nearest_offer(&near, "help");
    if (near.best)
        return fail_set(l->f, ERR_USAGE, NULL, "unknown option --%.*s; did you mean --%s?", STR_ARG(name),
                        near.best);
    return fail_set(l->f, ERR_USAGE, NULL, "unknown option --%.*s; --help lists them", STR_ARG(name));
}

static enum err set_int(const struct line *l, const struct option_row *row, struct str text)
{
    bool minus = text.n && text.p[0] == '-';
    uint64_t size;
    if (!str_to_uint((struct str){text.p + minus, text.n - minus}, INT64_MAX, &size))
        return fail_set(l->f, ERR_USAGE, NULL, "--%s needs a whole number", row->name);
    int64_t value = minus ? -(int64_t)size : (int64_t)size;
    if ((row->least || row->most) && (value < row->least || value > row->most))
        return fail_set(l->f, ERR_USAGE, NULL, "--%s must be from %lld to %lld", row->name,
                        (long long)row->least, (long long)row->most);
    memcpy(l->out + row->offset, &value, sizeof value);
    return ERR_OK;
}

static enum err add_item(const struct line *l, const struct option_row *row, struct str text)
{
    void *at = l->out + row->offset;
    struct option_list *list = at;
    if (list->count == OPTION_LIST_MAX)
        return fail_set(l->f, ERR_USAGE, NULL, "--%s is given more than %d times", row->name, OPTION_LIST_MAX);
    list->items[list->count++] = text;
    return ERR_OK;
}

/* value: what was joined to the option, or p NULL when the next argument must be it. */
static enum err take(struct line *l, const struct option_row *row, struct str value)
{
    uint64_t bit = UINT64_C(1) << (row - l->table->rows);
    if (l->given & bit && row->kind != OPTION_LIST)
        return fail_set(l->f, ERR_USAGE, NULL, "--%s is given twice", row->name);
    l->given |= bit;
    if (row->kind == OPTION_FLAG) {
        if (value.p)
            return fail_set(l->f, ERR_USAGE, NULL, "--%s takes no value", row->name);
        memcpy(l->out + row->offset, &(bool){true}, sizeof(bool));
        return ERR_OK;
    }
    if (!value.p) {
        const char *next = l->at + 1 < l->argc ? l->argv[l->at + 1] : NULL;
        if (!next || (next[0] == '-' && next[1]))
            return fail_set(l->f, ERR_USAGE, NULL, "--%s needs %s", row->name,
                            row->value ? row->value : "a value");
        l->at++;
        value = str_of(next);
    }
    enum err e = utf8_check(l->f, row->name, value);
    if (e || row->kind == OPTION_INT)
        return e ? e : set_int(l, row, value);
    if (row->kind == OPTION_LIST)
        return add_item(l, row, value);
    memcpy(l->out + row->offset, &value, sizeof value);
    return ERR_OK;
}

static enum err read_long(struct line *l, struct str text)
{
    struct str name, value = text;
    str_cut(&value, '=', &name); /* value.p becomes NULL when there is no '=' */
    for (size_t i = 0; i < l->table->count; i++)
        if (str_equal(str_of(l->table->rows[i].name), name))
            return take(l, &l->table->rows[i], value);
    if (!str_equal(name, STR("help")))
        return unknown_option(l, name);
    l->help = true;
    return ERR_OK;
}

static const struct option_row *letter_row(const struct option_table *t, char letter)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->rows[i].letter && t->rows[i].letter == letter)
            return &t->rows[i];
    return NULL;
}

static enum err read_letters(struct line *l, const char *letters)
{
    for (; *letters && !l->help; letters++) {
        const struct option_row *row = letter_row(l->table, *letters);
        l->help = !row && *letters == 'h';
        if (!row && !l->help)
            return fail_set(l->f, ERR_USAGE, NULL, "unknown option -%c; --help lists them", *letters);
        if (!row)
            break;
        bool joined = row->kind != OPTION_FLAG && letters[1];
        enum err e = take(l, row, joined ? str_of(letters + 1) : (struct str){NULL, 0});
        if (e || joined)
            return e;
    }
    return ERR_OK;
}

enum err options_parse(struct fail *f, const struct option_table *t, int argc, char **argv, void *out,
                       struct option_words *words)
{
    struct line l = {.f = f, .table = t, .argc = argc, .argv = argv, .out = out};
    size_t kept = 0;
    bool ended = false;
    assert(t->count <= ROWS_MAX);
    for (; l.at < argc && !l.help; l.at++) {
        char *arg = argv[l.at];
        enum err e = ERR_OK;
        if (ended || arg[0] != '-' || !arg[1])
            argv[kept++] = arg;
        else if (arg[1] != '-')
            e = read_letters(&l, arg + 1);
        else if (arg[2])
            e = read_long(&l, str_of(arg + 2));
        else
            ended = true;
        if (e)
            return e;
    }
    *words = (struct option_words){.words = argv, .count = kept, .help = l.help};
    return ERR_OK;
}

static void add_row(struct buf *out, const char *letter, const struct option_row *row, bool japanese)
{
    char left[64];
    const char *value = row->kind == OPTION_FLAG ? "" : row->value ? row->value : "VALUE";
    snprintf(left, sizeof left, "%s--%s%s%s", letter, row->name, *value ? " " : "", value);
    buf_add_format(out, "  %-26s  %s", left, japanese && row->help_ja ? row->help_ja : row->help);
    if (row->kind == OPTION_INT && (row->least || row->most))
        buf_add_format(out, japanese ? "（%lld～%lld）" : " (%lld to %lld)", (long long)row->least, (long long)row->most);
    buf_add_char(out, '\n');
}

void options_write_help(const struct option_table *t, struct buf *out)
{
    static const struct option_row help = {.name = "help", .help = "this text", .help_ja = "この説明"};
    buf_add_format(out, t->japanese ? "使い方: %s\n" : "usage: %s\n", t->usage);
    if (t->about)
        buf_add_format(out, "%s\n", t->about);
    buf_add_char(out, '\n');
    for (size_t i = 0; i < t->count; i++) {
        char letter[8] = "    ";
        if (t->rows[i].letter)
            snprintf(letter, sizeof letter, "-%c, ", t->rows[i].letter);
        add_row(out, letter, &t->rows[i], t->japanese);
    }
    add_row(out, letter_row(t, 'h') ? "    " : "-h, ", &help, t->japanese);
}
