/* SPDX-License-Identifier: Apache-2.0 */
/* juki-paper: makes papers for the program that started it, which speaks to it on its standard input
 * (print/print.h). */
#include "print/paper_worker.h"

#include "base/options.h"

#include <unistd.h>

static const struct option_row rows[] = {
    {.name = "seal", OPTION_TEXT_AT(struct paper_office, seal), .value = "FILE", .help = "a PNG of the seal"},
    {.name = "copy-ground",
     OPTION_FLAG_AT(struct paper_office, copy_ground),
     .help = "a ground that shows a copy"},
    {.name = "replace",
     OPTION_FLAG_AT(struct paper_office, replace),
     .help = "print ■ for what the font lacks"},
};
static const struct option_table table = {"juki-paper [--seal FILE] [--copy-ground] [--replace]",
                                          "Started by other programs; makes the papers they ask for.", rows,
                                          COUNT_OF(rows), false};

int main(int argc, char **argv)
{
    struct paper_office office = {.replace = false};
    struct option_words words;
    struct fail f = {0};
    char text[512];
    if (options_parse(&f, &table, argc - 1, argv + 1, &office, &words) || words.count) {
        fprintf(stderr, "juki-paper: %s\n", fail_text(&f, FAIL_ENGLISH, text, sizeof text));
        return 2;
    }
    _exit(paper_worker(&office)); /* the libraries need no tidying */
}
