/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration: a YAML file read through one table of typed rows.
 *
 * The rows decide everything: an unknown key, a key given twice, a value of the wrong form or outside its
 * range is ERR_CONFIG with the line in the detail. Nothing is guessed from how a value looks: in a text row
 * `09`, `no` and `null` are those letters, in a number row `09` is nine. The same rows write a sample file
 * and the help. A file is one mapping; a key with a dot ("link.listen") stands inside a mapping of that name.
 * No anchors, aliases, tags or second documents. */
#ifndef JUKI_BASE_CONFIG_H
#define JUKI_BASE_CONFIG_H

#include "base/buf.h"

enum { CONFIG_FILE_MAX = 65536, CONFIG_TEXT_MAX = 4096, CONFIG_LIST_MAX = 64, CONFIG_SECTIONS_MAX = 32 };

struct config_list {
    struct str *items;
    size_t count;
};
enum config_type {
    CONFIG_TEXT,     /* struct str; range: bytes */
    CONFIG_PATH,     /* struct str; not empty; relative to the folder of the file */
    CONFIG_INT,      /* int64_t, decimal */
    CONFIG_BOOL,     /* bool; true or false */
    CONFIG_DURATION, /* int64_t microseconds from `250ms` `30s` `5min` `12h` `7d`; range: seconds */
    CONFIG_CHOICE,   /* int; which word of `choices`, from 0 */
    CONFIG_LIST,     /* struct config_list of texts; range: how many */
};
struct config_row {
    const char *key; /* rows of one section stand together */
    enum config_type type;
    size_t offset;
    int64_t least, most;  /* both 0: no range but the limits above */
    const char *standard; /* the default as written in the file (a list with commas); NULL: must be given */
    const char *example;  /* what the sample shows for a row without default */
    const char *choices;  /* words with a space between */
    const char *help;
};
struct config_table {
    const struct config_row *rows;
    size_t count;
    size_t size; /* of the struct that is filled */
};

/* .type and .offset of a row at once; a member of another C type does not compile. */
#define CONFIG_AT(kind, ctype, s, m)                                                                         \
    .type = CONFIG_##kind, .offset = offsetof(s, m) + 0 * (size_t) _Generic(&((s *)0)->m, ctype * : 1)
#define CONFIG_TEXT_AT(s, m) CONFIG_AT(TEXT, struct str, s, m)
#define CONFIG_PATH_AT(s, m) CONFIG_AT(PATH, struct str, s, m)
#define CONFIG_INT_AT(s, m) CONFIG_AT(INT, int64_t, s, m)
#define CONFIG_BOOL_AT(s, m) CONFIG_AT(BOOL, bool, s, m)
#define CONFIG_DURATION_AT(s, m) CONFIG_AT(DURATION, int64_t, s, m)
#define CONFIG_CHOICE_AT(s, m) CONFIG_AT(CHOICE, int, s, m)
#define CONFIG_LIST_AT(s, m) CONFIG_AT(LIST, struct config_list, s, m)

/* Fills *out (untouched on failure); texts live in the arena and are terminated. folder: what relative paths
 * are relative to, "" leaves them. ERR_CONFIG, ERR_UTF8, ERR_MEMORY. */
MUST_CHECK enum err config_parse(struct fail *f, const struct config_table *t, struct str text,
                                 struct str folder, struct arena *a, void *out);
/* The same from a file; also ERR_NOT_FOUND, ERR_IO, ERR_LIMIT (over CONFIG_FILE_MAX). */
MUST_CHECK enum err config_load(struct fail *f, const struct config_table *t, const char *path,
                                struct arena *a, void *out);
/* A file with every key, its help as a comment and its default or example as value; config_parse accepts it.
 */
void config_write_sample(const struct config_table *t, struct buf *out);
/* One paragraph a key, for --help and manuals. */
void config_write_help(const struct config_table *t, struct buf *out);

#endif
