/* SPDX-License-Identifier: Apache-2.0 */
/* Command-line options as rows: the same rows parse, explain and complain.
 *
 * `--name value`, `--name=value`, `-x value`, `-xvalue`, `-ab` for flags, `--` ends the options; words may
 * stand anywhere between. What is not understood is ERR_USAGE (exit status 2) and names the nearest option.
 */
#ifndef JUKI_BASE_OPTIONS_H
#define JUKI_BASE_OPTIONS_H

#include "base/buf.h"

enum option_kind {
    OPTION_FLAG, /* bool */
    OPTION_TEXT, /* struct str */
    OPTION_INT,  /* int64_t from least to most (both 0: any) */
    OPTION_LIST, /* struct option_list: may stand several times */
};
enum { OPTION_LIST_MAX = 256 };
struct option_list {
    struct str items[OPTION_LIST_MAX]; /* in their order */
    size_t count;
};
struct option_row {
    const char *name; /* "long", without dashes */
    char letter;      /* 0: none */
    enum option_kind kind;
    size_t offset;
    int64_t least, most;
    const char *value; /* what the help calls the value: "FILE" */
    const char *help, *help_ja; /* help_ja NULL: help in both languages */
};
struct option_table {
    const char *usage; /* "juki ledger check [--json] FILE" */
    const char *about; /* one or two sentences; NULL: none */
    const struct option_row *rows;
    size_t count;
    bool japanese; /* the help's language */
};
struct option_words {
    char **words; /* what was no option, in its order; points into argv */
    size_t count;
    bool help; /* --help or -h was given; then nothing else was judged after it */
};

#define OPTION_AT(which, ctype, s, m)                                                                        \
    .kind = OPTION_##which, .offset = offsetof(s, m) + 0 * (size_t) _Generic(&((s *)0)->m, ctype * : 1)
#define OPTION_FLAG_AT(s, m) OPTION_AT(FLAG, bool, s, m)
#define OPTION_TEXT_AT(s, m) OPTION_AT(TEXT, struct str, s, m)
#define OPTION_INT_AT(s, m) OPTION_AT(INT, int64_t, s, m)
#define OPTION_LIST_AT(s, m) OPTION_AT(LIST, struct option_list, s, m)

/* Reads all of argv[0..argc) (without the program's name), fills members of *out that are named and leaves
 * the others, so that the caller sets defaults before. The words are moved to the front of argv. */
MUST_CHECK enum err options_parse(struct fail *f, const struct option_table *t, int argc, char **argv,
                                  void *out, struct option_words *words);
void options_write_help(const struct option_table *t, struct buf *out);

#endif
