/* SPDX-License-Identifier: Apache-2.0 */
/* The juki command line: `juki NOUN VERB`, each a row of a table that parses, explains and runs it.
 *
 * Exit status: 0 done, 1 refused, 2 not understood, 3 the environment (disk, network, a server) failed. What a command
 * has to say goes to stdout; errors go to stderr in the language of the locale and name the way out. */
#ifndef JUKI_COMMAND_COMMAND_H
#define JUKI_COMMAND_COMMAND_H

#include "base/options.h"

#include <stdio.h>

struct command_row;
struct command_call {
    const struct command_row *row;
    char **words; /* what was no option */
    size_t word_count;
    const void *options; /* the row's struct, filled */
    struct arena arena;
    enum fail_language language;
};
struct command_row {
    const char *verb;  /* NULL: the noun stands alone */
    const char *words; /* "DIR NODE [FILE]"; NULL: none */
    size_t least, most; /* how many words */
    const struct option_row *options;
    size_t option_count;
    const void *standard; /* the options' struct before any is read; NULL: zeroes */
    size_t size;          /* of that struct; 0: no options */
    const char *help, *help_ja;
    enum err (*run)(struct command_call *c, struct fail *f);
};
struct command_noun {
    const char *noun, *help, *help_ja;
    const struct command_row *rows;
    size_t count;
};
/* Every noun, in the order of the help. */
extern const struct command_noun *const command_nouns[];
extern const size_t command_noun_count;

/* Runs `juki ARGS`; argv without the program's name, and it is reordered. Returns the exit status. */
int command_run(int argc, char **argv);
/* The usage line and the options of a row, or the verbs of a noun, or all nouns (NULL, NULL). */
void command_write_help(const struct command_noun *noun, const struct command_row *row, enum fail_language language,
                        struct buf *out);
/* English or Japanese, by the caller's language; both may be a printf format with the same arguments. */
__attribute__((format_arg(2), format_arg(3))) static inline const char *
command_text(const struct command_call *c, const char *en, const char *ja)
{
    return c->language == FAIL_JAPANESE ? ja : en;
}

#endif
