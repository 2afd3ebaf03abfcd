/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

static enum err scan_depth(struct fail *f, struct str text)
{
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > JSON_DEPTH_MAX)
                return fail_set(f, ERR_JSON_DEPTH, NULL, "byte %zu", i);
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return ERR_OK;
}

enum err json_read(struct fail *f, struct str text, json_t **out)
{
    json_error_t error;
    enum err e = scan_depth(f, text);
    if (e)
        return e;
    json_t *tree = json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES, &error);
    if (!tree) /* error.text may quote the input, so only the place is told */
        return fail_set(f, ERR_JSON, NULL, "line %d, byte %d", error.line, error.position);
    *out = tree;
    return ERR_OK;
}

static enum err member(struct fail *f, const json_t *object, const char *field, json_t **out)
{
    json_t *value = json_object_get(object, field);
    if (!value || json_is_null(value))
        return fail_set(f, ERR_FIELD_MISSING, field, NULL);
    *out = value;
    return ERR_OK;
}

static bool absent(const json_t *object, const char *field)
{
    const json_t *value = json_object_get(object, field);
    return !value || json_is_null(value);
}

enum err json_member_text(struct fail *f, const json_t *object, const char *field, struct arena *a,
                          struct str *out)
{
    json_t *value = NULL;
    enum err e = member(f, object, field, &value);
    if (e)
        return e;
    if (!json_is_string(value))
        return fail_set(f, ERR_FIELD_TYPE, field, "text is required");
    struct str copy = arena_copy(a, (struct str){json_string_value(value), json_string_length(value)});
    if (!copy.p)
        return fail_set(f, ERR_MEMORY, field, NULL);
    *out = copy;
    return ERR_OK;
}

enum err json_member_text_maybe(struct fail *f, const json_t *object, const char *field, struct arena *a,
                                struct str *out)
{
    return absent(object, field) ? ERR_OK : json_member_text(f, object, field, a, out);
}

enum err json_member_int(struct fail *f, const json_t *object, const char *field, int64_t least, int64_t most,
                         int64_t *out)
{
    json_t *value = NULL;
    enum err e = member(f, object, field, &value);
    if (e)
        return e;
    if (!json_is_integer(value))
        return fail_set(f, ERR_FIELD_TYPE, field, "a whole number is required");
    int64_t number = json_integer_value(value);
    if (number < least || number > most)
        return fail_set(f, ERR_FIELD_RANGE, field, "%lld to %lld", (long long)least, (long long)most);
    *out = number;
    return ERR_OK;
}

enum err json_member_int_maybe(struct fail *f, const json_t *object, const char *field, int64_t least,
                               int64_t most, int64_t *out)
{
    return absent(object, field) ? ERR_OK : json_member_int(f, object, field, least, most, out);
}

enum err json_member_bool_maybe(struct fail *f, const json_t *object, const char *field, bool *out)
{
    if (absent(object, field))
        return ERR_OK;
    const json_t *value = json_object_get(object, field);
    if (!json_is_boolean(value))
        return fail_set(f, ERR_FIELD_TYPE, field, "true or false is required");
    *out = json_is_true(value);
    return ERR_OK;
}

enum err json_member_array(struct fail *f, const json_t *object, const char *field, json_t **out)
{
    json_t *value = NULL;
    enum err e = member(f, object, field, &value);
    if (!e && !json_is_array(value))
        e = fail_set(f, ERR_FIELD_TYPE, field, "a list is required");
    if (!e)
        *out = value;
    return e;
}

enum err json_member_object(struct fail *f, const json_t *object, const char *field, json_t **out)
{
    json_t *value = NULL;
    enum err e = member(f, object, field, &value);
    if (!e && !json_is_object(value))
        e = fail_set(f, ERR_FIELD_TYPE, field, "an object is required");
    if (!e)
        *out = value;
    return e;
}

static void add_escaped(struct buf *b, struct str s)
{
    size_t from = 0;
    buf_add_char(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_add(b, s.p + from, i - from);
        from = i + 1;
        if (c == '"' || c == '\\') {
            buf_add_char(b, '\\');
            buf_add_char(b, (char)c);
        } else {
            buf_add_format(b, "\\u%04x", c);
        }
    }
    buf_add(b, s.p + from, s.n - from);
    buf_add_char(b, '"');
}

static void add_key(struct buf *b, const char *key)
{
    char last = b->n ? b->p[b->n - 1] : '{';
    if (last != '{' && last != '[' && last != '\n')
        buf_add_char(b, ',');
    if (key) {
        add_escaped(b, str_of(key));
        buf_add_char(b, ':');
    }
}

void json_begin(struct buf *b, const char *key, char bracket)
{
    add_key(b, key);
    buf_add_char(b, bracket);
}

void json_end(struct buf *b, char bracket)
{
    buf_add_char(b, bracket);
}

void json_add_text(struct buf *b, const char *key, struct str value)
{
    add_key(b, key);
    add_escaped(b, value);
}

void json_add_int(struct buf *b, const char *key, int64_t value)
{
    add_key(b, key);
    buf_add_format(b, "%lld", (long long)value);
}

void json_add_bool(struct buf *b, const char *key, bool value)
{
    add_key(b, key);
    buf_add_str(b, value ? STR("true") : STR("false"));
}

void json_add_raw(struct buf *b, const char *key, struct str value)
{
    add_key(b, key);
    buf_add_str(b, value);
}
