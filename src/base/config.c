/* SPDX-License-Identifier: Apache-2.0 */
/* Decides what a configuration file may say: YAML events (libyaml; the scalars' styles and tags play no part
 * in their meaning) are matched with the rows of the table, and each value goes through its type's function
 * below.
 *
 * Invariant: *out is written once, at the end, when every row has its value. Depth is bounded by the form:
 * one mapping, in it mappings, in those values or lists of values; anything deeper is refused when it opens.
 */
#include "base/config.h"

#include "base/file.h"
#include "base/nearest.h"

#include <yaml.h>

struct reader {
    struct fail *f;
    const struct config_table *table;
    struct arena *arena;
    struct str folder;
    unsigned char *values; /* the struct being filled */
    bool *seen;            /* one a row */
    struct str sections[CONFIG_SECTIONS_MAX];
    size_t section_count;
    yaml_parser_t yaml;
    yaml_event_t event; /* the newest */
    size_t line;        /* of the newest event, from 1; 0 for defaults */
};

#define REFUSE(r, key, ...) refuse(r, (r)->line, key, arena_format((r)->arena, __VA_ARGS__))

static enum err refuse(struct reader *r, size_t line, const char *key, struct str what)
{
    const char *text = what.p ? what.p : "not valid";
    if (line == 0)
        return fail_set(r->f, ERR_CONFIG, key, "%s", text);
    return fail_set(r->f, ERR_CONFIG, key, "line %zu: %s", line, text);
}

/* ---- values: each function reads all of `text` into `to`, whose C type the row's macro has checked */

static enum err in_range(struct reader *r, const struct config_row *row, int64_t value, const char *unit)
{
    if ((row->least == 0 && row->most == 0) || (value >= row->least && value <= row->most))
        return ERR_OK;
    return REFUSE(r, row->key, "must be from %lld to %lld%s", (long long)row->least, (long long)row->most,
                  unit);
}

static enum err set_text(struct reader *r, const struct config_row *row, struct str text, void *to)
{
    if (text.n > CONFIG_TEXT_MAX)
        return REFUSE(r, row->key, "longer than %d bytes", CONFIG_TEXT_MAX);
    enum err e = in_range(r, row, (int64_t)text.n, " bytes long");
    if (e)
        return e;
    struct str copy = arena_copy(r->arena, text);
    if (!copy.p)
        return fail_set(r->f, ERR_MEMORY, row->key, NULL);
    *(struct str *)to = copy;
    return ERR_OK;
}

static enum err set_path(struct reader *r, const struct config_row *row, struct str text, void *to)
{
    if (text.n == 0 || text.n > CONFIG_TEXT_MAX)
        return REFUSE(r, row->key, "a path has from 1 to %d bytes", CONFIG_TEXT_MAX);
    bool as_it_is = text.p[0] == '/' || r->folder.n == 0;
    struct str path = as_it_is ? arena_copy(r->arena, text)
                               : arena_format(r->arena, "%.*s/%.*s", STR_ARG(r->folder), STR_ARG(text));
    if (!path.p)
        return fail_set(r->f, ERR_MEMORY, row->key, NULL);
    *(struct str *)to = path;
    return ERR_OK;
}

static enum err set_int(struct reader *r, const struct config_row *row, struct str text, void *to)
{
    bool minus = text.n && text.p[0] == '-';
    struct str digits = {text.p + minus, text.n - minus};
    uint64_t size;
    if (!str_to_uint(digits, INT64_MAX, &size))
        return REFUSE(r, row->key, "must be a whole number in decimal digits");
    int64_t value = minus ? -(int64_t)size : (int64_t)size;
    enum err e = in_range(r, row, value, "");
    if (!e)
        *(int64_t *)to = value;
    return e;
}

static enum err set_bool(struct reader *r, const struct config_row *row, struct str text, void *to)
{
    bool yes = str_equal(text, STR("true"));
    if (!yes && !str_equal(text, STR("false")))
        return REFUSE(r, row->key, "must be true or false");
    *(bool *)to = yes;
    return ERR_OK;
}

static const struct {
    struct str name;
    int64_t microseconds;
} duration_units[] = {
    {STR("ms"), 1000},
    {STR("s"), 1000000},
    {STR("min"), 60000000},
    {STR("h"), 3600 * 1000000LL},
    {STR("d"), 86400 * 1000000LL},
};

static int64_t duration_unit(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(duration_units); i++)
        if (str_equal(name, duration_units[i].name))
            return duration_units[i].microseconds;
    return 0;
}

static enum err set_duration(struct reader *r, const struct config_row *row, struct str text, void *to)
{
    size_t n = 0;
    uint64_t amount;
    while (n < text.n && text.p[n] >= '0' && text.p[n] <= '9')
        n++;
    int64_t unit = duration_unit((struct str){text.p + n, text.n - n});
    if (unit == 0 || !str_to_uint((struct str){text.p, n}, INT64_MAX / (uint64_t)unit, &amount))
        return REFUSE(r, row->key, "must be a duration such as 250ms, 30s, 5min, 12h or 7d");
    int64_t value = (int64_t)amount * unit;
    bool anything = row->least == 0 && row->most == 0;
    if (!anything && (value < row->least * 1000000 || value > row->most * 1000000))
        return REFUSE(r, row->key, "must be from %llds to %llds", (long long)row->least,
                      (long long)row->most);
    *(int64_t *)to = value;
    return ERR_OK;
}

static enum err set_choice(struct reader *r, const struct config_row *row, struct str text, void *to)
{
    struct str rest = str_of(row->choices), word;
    for (int i = 0; str_cut(&rest, ' ', &word); i++)
        if (str_equal(word, text)) {
            *(int *)to = i;
            return ERR_OK;
        }
    return REFUSE(r, row->key, "must be one of: %s", row->choices);
}

static const struct kind {
    const char *name;
    bool quoted; /* in the sample */
    enum err (*set)(struct reader *r, const struct config_row *row, struct str text, void *to);
} kinds[] = {
    [CONFIG_TEXT] = {"text", true, set_text},
    [CONFIG_PATH] = {"path", true, set_path},
    [CONFIG_INT] = {"number", false, set_int},
    [CONFIG_BOOL] = {"true or false", false, set_bool},
    [CONFIG_DURATION] = {"duration", false, set_duration},
    [CONFIG_CHOICE] = {"one of", false, set_choice},
    [CONFIG_LIST] = {"list", true, NULL},
};

/* ---- events */

static enum err next(struct reader *r)
{
    yaml_event_delete(&r->event);
    if (!yaml_parser_parse(&r->yaml, &r->event)) {
        r->line = r->yaml.problem_mark.line + 1;
        return REFUSE(r, NULL, "%s", r->yaml.problem ? r->yaml.problem : "not YAML");
    }
    r->line = r->event.start_mark.line + 1;
    bool scalar = r->event.type == YAML_SCALAR_EVENT, map = r->event.type == YAML_MAPPING_START_EVENT,
         list = r->event.type == YAML_SEQUENCE_START_EVENT;
    const void *anchor = scalar ? r->event.data.scalar.anchor
                         : map  ? r->event.data.mapping_start.anchor
                         : list ? r->event.data.sequence_start.anchor
                                : NULL;
    const void *tag = scalar ? r->event.data.scalar.tag
                      : map  ? r->event.data.mapping_start.tag
                      : list ? r->event.data.sequence_start.tag
                             : NULL;
    if (anchor || tag || r->event.type == YAML_ALIAS_EVENT)
        return REFUSE(r, NULL, "anchors, aliases and tags have no place here");
    return ERR_OK;
}

static enum err expect(struct reader *r, yaml_event_type_t type, const char *what)
{
    enum err e = next(r);
    if (!e && r->event.type != type)
        return REFUSE(r, NULL, "%s", what);
    return e;
}

/* The newest event as text; it lives until the next one. An empty plain value is a forgotten one. */
static enum err scalar_text(struct reader *r, const char *key, struct str *out)
{
    if (r->event.type != YAML_SCALAR_EVENT)
        return REFUSE(r, key, "must be a single value");
    *out = (struct str){(const char *)r->event.data.scalar.value, r->event.data.scalar.length};
    if (out->n == 0 && r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return REFUSE(r, key, "has no value (an empty text is written \"\")");
    /* an escape such as "\0" or "\uD800" brings in what the file itself may not hold */
    if (utf8_check(NULL, NULL, *out))
        return REFUSE(r, key, "holds a character that is not allowed");
    return ERR_OK;
}

static enum err list_add(struct reader *r, const struct config_row *row, struct config_list *list,
                         struct str text)
{
    const struct config_row item = {
        .key = row->key, .type = CONFIG_TEXT, .least = 1, .most = CONFIG_TEXT_MAX};
    if (list->count == CONFIG_LIST_MAX)
        return REFUSE(r, row->key, "more than %d entries", CONFIG_LIST_MAX);
    enum err e = set_text(r, &item, text, &list->items[list->count]);
    list->count += !e;
    return e;
}

static enum err list_begin(struct reader *r, const struct config_row *row, struct config_list *list)
{
    *list = (struct config_list){.items = arena_alloc(r->arena, CONFIG_LIST_MAX * sizeof *list->items)};
    return list->items ? ERR_OK : fail_set(r->f, ERR_MEMORY, row->key, NULL);
}

static enum err read_list(struct reader *r, const struct config_row *row, struct config_list *list)
{
    size_t line = r->line;
    struct str text = STR("");
    if (r->event.type != YAML_SEQUENCE_START_EVENT)
        return REFUSE(r, row->key, "must be a list");
    enum err e = list_begin(r, row, list);
    while (!e && !(e = next(r)) && r->event.type != YAML_SEQUENCE_END_EVENT) {
        e = scalar_text(r, row->key, &text);
        if (!e)
            e = list_add(r, row, list, text);
    }
    r->line = e ? r->line : line;
    return e ? e : in_range(r, row, (int64_t)list->count, " entries");
}

/* ---- keys */

static const struct config_row *row_find(const struct config_table *t, struct str key)
{
    for (size_t i = 0; i < t->count; i++)
        if (str_equal(str_of(t->rows[i].key), key))
            return &t->rows[i];
    return NULL;
}

static bool is_section(const struct config_table *t, struct str name)
{
    for (size_t i = 0; i < t->count; i++) {
        struct str key = str_of(t->rows[i].key);
        if (key.n > name.n && key.p[name.n] == '.' && str_starts(key, name))
            return true;
    }
    return false;
}

static enum err unknown_key(struct reader *r, struct str key, size_t line)
{
    struct nearest near = nearest_begin(key);
    for (size_t i = 0; i < r->table->count; i++)
        nearest_offer(&near, r->table->rows[i].key);
    r->line = line;
    return near.best ? REFUSE(r, key.p, "unknown key; did you mean %s?", near.best)
                     : REFUSE(r, key.p, "unknown key");
}

static enum err read_value(struct reader *r, struct str key, size_t line)
{
    const struct config_row *row = row_find(r->table, key);
    struct str text = STR("");
    if (!row)
        return unknown_key(r, key, line);
    size_t index = (size_t)(row - r->table->rows);
    if (r->seen[index])
        return REFUSE(r, row->key, "given twice");
    r->seen[index] = true;
    void *to = r->values + row->offset;
    if (row->type == CONFIG_LIST)
        return read_list(r, row, to);
    enum err e = scalar_text(r, row->key, &text);
    return e ? e : kinds[row->type].set(r, row, text, to);
}

static enum err read_mapping(struct reader *r, struct str section);

static enum err read_section(struct reader *r, struct str section, struct str name, size_t line)
{
    if (section.n)
        return REFUSE(r, name.p, "nested too deeply");
    if (!is_section(r->table, name))
        return row_find(r->table, name) ? REFUSE(r, name.p, "must be a value, not a group of keys")
                                        : unknown_key(r, name, line);
    for (size_t i = 0; i < r->section_count; i++)
        if (str_equal(r->sections[i], name))
            return REFUSE(r, name.p, "given twice");
    if (r->section_count == CONFIG_SECTIONS_MAX)
        return REFUSE(r, name.p, "too many groups");
    r->sections[r->section_count++] = name;
    return read_mapping(r, name);
}

/* The key is the newest event; its value follows. A dot in a written key would be a second way to say the
 * same. */
static enum err read_pair(struct reader *r, struct str section)
{
    struct str text;
    size_t line = r->line;
    enum err e = scalar_text(r, NULL, &text);
    if (e)
        return e;
    if (text.n > NEAREST_LENGTH_MAX || memchr(text.p, '.', text.n))
        return REFUSE(r, NULL, "not a key (keys are short and have no dots)");
    struct str name = section.n ? arena_format(r->arena, "%.*s.%.*s", STR_ARG(section), STR_ARG(text))
                                : arena_copy(r->arena, text);
    if (!name.p)
        return fail_set(r->f, ERR_MEMORY, NULL, NULL);
    e = next(r);
    if (e)
        return e;
    return r->event.type == YAML_MAPPING_START_EVENT ? read_section(r, section, name, line)
                                                     : read_value(r, name, line);
}

static enum err read_mapping(struct reader *r, struct str section)
{
    for (;;) {
        enum err e = next(r);
        if (e || r->event.type == YAML_MAPPING_END_EVENT)
            return e;
        e = read_pair(r, section);
        if (e)
            return e;
    }
}

static enum err read_stream(struct reader *r)
{
    enum err e = expect(r, YAML_STREAM_START_EVENT, "not YAML");
    if (!e)
        e = next(r);
    if (e || r->event.type == YAML_STREAM_END_EVENT) /* comments only */
        return e;
    e = expect(r, YAML_MAPPING_START_EVENT, "the file must be keys with their values");
    if (!e)
        e = read_mapping(r, STR(""));
    if (!e)
        e = expect(r, YAML_DOCUMENT_END_EVENT, "not YAML");
    return e ? e : expect(r, YAML_STREAM_END_EVENT, "only one document may stand in the file");
}

/* ---- defaults */

static enum err standard_list(struct reader *r, const struct config_row *row, struct config_list *list)
{
    struct str rest = str_of(row->standard), part;
    enum err e = list_begin(r, row, list);
    while (!e && rest.n && str_cut(&rest, ',', &part))
        e = list_add(r, row, list, str_trim(part));
    return e;
}

static enum err fill_rest(struct reader *r)
{
    r->line = 0;
    for (size_t i = 0; i < r->table->count; i++) {
        const struct config_row *row = &r->table->rows[i];
        void *to = r->values + row->offset;
        if (r->seen[i])
            continue;
        if (!row->standard)
            return REFUSE(r, row->key, "must be given");
        enum err e = row->type == CONFIG_LIST ? standard_list(r, row, to)
                                              : kinds[row->type].set(r, row, str_of(row->standard), to);
        if (e)
            return e;
    }
    return ERR_OK;
}

enum err config_parse(struct fail *f, const struct config_table *t, struct str text, struct str folder,
                      struct arena *a, void *out)
{
    struct reader r = {.f = f, .table = t, .arena = a, .folder = folder};
    enum err e = utf8_check(f, "configuration", text);
    if (e)
        return e;
    r.values = arena_alloc(a, t->size);
    r.seen = arena_alloc(a, t->count * sizeof *r.seen + 1);
    if (!r.values || !r.seen || !yaml_parser_initialize(&r.yaml))
        return fail_set(f, ERR_MEMORY, "configuration", NULL);
    yaml_parser_set_encoding(&r.yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.yaml, (const unsigned char *)text.p, text.n);
    e = read_stream(&r);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.yaml);
    if (!e)
        e = fill_rest(&r);
    if (!e)
        memcpy(out, r.values, t->size);
    return e;
}

enum err config_load(struct fail *f, const struct config_table *t, const char *path, struct arena *a,
                     void *out)
{
    struct buf text;
    const char *slash = strrchr(path, '/');
    struct str folder = slash == path ? STR("/") : (struct str){path, slash ? (size_t)(slash - path) : 0};
    buf_init(&text, CONFIG_FILE_MAX);
    enum err e = file_read(f, path, &text);
    if (!e)
        e = config_parse(f, t, buf_str(&text), folder, a, out);
    buf_release(&text);
    return e;
}

/* ---- the sample and the help */

static void add_quoted(struct buf *out, struct str text)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"' || text.p[i] == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, text.p[i]);
    }
    buf_add_char(out, '"');
}

static void add_sample_list(struct buf *out, struct str rest)
{
    struct str part;
    const char *before = "";
    buf_add_char(out, '[');
    while (rest.n && str_cut(&rest, ',', &part)) {
        buf_add_format(out, "%s", before);
        add_quoted(out, str_trim(part));
        before = ", ";
    }
    buf_add_char(out, ']');
}

static void add_sample_value(struct buf *out, const struct config_row *row)
{
    struct str value = str_of(row->standard ? row->standard : row->example ? row->example : "");
    if (row->type == CONFIG_LIST)
        add_sample_list(out, value);
    else if (kinds[row->type].quoted)
        add_quoted(out, value);
    else
        buf_add_str(out, value);
}

static void add_facts(struct buf *out, const struct config_row *row)
{
    const char *unit = row->type == CONFIG_DURATION ? "s" : row->type == CONFIG_LIST ? " entries" : "";
    if (row->type == CONFIG_TEXT)
        unit = " bytes";
    buf_add_format(out, "%s", kinds[row->type].name);
    if (row->type == CONFIG_CHOICE)
        buf_add_format(out, ": %s", row->choices);
    if (row->least || row->most)
        buf_add_format(out, ", %lld to %lld%s", (long long)row->least, (long long)row->most, unit);
    if (!row->standard)
        buf_add_format(out, "; must be given");
    else if (*row->standard)
        buf_add_format(out, "; default %s", row->standard);
}

void config_write_sample(const struct config_table *t, struct buf *out)
{
    struct str section = STR("");
    for (size_t i = 0; i < t->count; i++) {
        const struct config_row *row = &t->rows[i];
        const char *dot = strchr(row->key, '.');
        struct str own = {row->key, dot ? (size_t)(dot - row->key) : 0};
        const char *indent = dot ? "  " : "";
        if (own.n && !str_equal(own, section))
            buf_add_format(out, "%.*s:\n", STR_ARG(own));
        section = own;
        buf_add_format(out, "%s# %s (", indent, row->help);
        add_facts(out, row);
        buf_add_format(out, ")\n%s%s: ", indent, dot ? dot + 1 : row->key);
        add_sample_value(out, row);
        buf_add_char(out, '\n');
    }
}

void config_write_help(const struct config_table *t, struct buf *out)
{
    for (size_t i = 0; i < t->count; i++) {
        buf_add_format(out, "  %s\n      %s\n      ", t->rows[i].key, t->rows[i].help);
        add_facts(out, &t->rows[i]);
        buf_add_char(out, '\n');
    }
}
