/* SPDX-License-Identifier: Apache-2.0 */
/* Members, typed and ranged; and writing. The reader is json_read.c. */
#include "base/json.h"

static enum err member(struct fail *f, const struct json *object, const char *field, const struct json **out)
{
    const struct json *value = json_get(object, field);
    if (!value || value->type == JSON_NULL)
        return fail_set(f, ERR_FIELD_MISSING, field, NULL);
    *out = value;
    return ERR_OK;
}

static bool absent(const struct json *object, const char *field)
{
    const struct json *value = json_get(object, field);
    return !value || json_is(value, JSON_NULL);
}

enum err json_member_text(struct fail *f, const struct json *object, const char *field, struct arena *a,
                          struct str *out)
{
    const struct json *value = NULL;
    enum err e = member(f, object, field, &value);
    if (e)
        return e;
    if (!json_is(value, JSON_STRING))
        return fail_set(f, ERR_FIELD_TYPE, field, "text is required");
    struct str copy = arena_copy(a, value->text);
    if (!copy.p)
        return fail_set(f, ERR_MEMORY, field, NULL);
    *out = copy;
    return ERR_OK;
}

enum err json_member_text_maybe(struct fail *f, const struct json *object, const char *field, struct arena *a,
                                struct str *out)
{
    return absent(object, field) ? ERR_OK : json_member_text(f, object, field, a, out);
}

enum err json_member_int(struct fail *f, const struct json *object, const char *field, int64_t least,
                         int64_t most, int64_t *out)
{
    const struct json *value = NULL;
    enum err e = member(f, object, field, &value);
    if (e)
        return e;
    if (!json_is(value, JSON_INTEGER))
        return fail_set(f, ERR_FIELD_TYPE, field, "a whole number is required");
    int64_t number = value->integer;
    if (number < least || number > most)
        return fail_set(f, ERR_FIELD_RANGE, field, "%lld to %lld", (long long)least, (long long)most);
    *out = number;
    return ERR_OK;
}

enum err json_member_int_maybe(struct fail *f, const struct json *object, const char *field, int64_t least,
                               int64_t most, int64_t *out)
{
    return absent(object, field) ? ERR_OK : json_member_int(f, object, field, least, most, out);
}

enum err json_member_bool_maybe(struct fail *f, const struct json *object, const char *field, bool *out)
{
    if (absent(object, field))
        return ERR_OK;
    const struct json *value = json_get(object, field);
    if (!json_is(value, JSON_TRUE) && !json_is(value, JSON_FALSE))
        return fail_set(f, ERR_FIELD_TYPE, field, "true or false is required");
    *out = json_is(value, JSON_TRUE);
    return ERR_OK;
}

enum err json_member_array(struct fail *f, const struct json *object, const char *field,
                           const struct json **out)
{
    const struct json *value = NULL;
    enum err e = member(f, object, field, &value);
    if (!e && !json_is(value, JSON_ARRAY))
        e = fail_set(f, ERR_FIELD_TYPE, field, "a list is required");
    if (!e)
        *out = value;
    return e;
}

enum err json_member_object(struct fail *f, const struct json *object, const char *field,
                            const struct json **out)
{
    const struct json *value = NULL;
    enum err e = member(f, object, field, &value);
    if (!e && !json_is(value, JSON_OBJECT))
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

static const char *const words[] = {[JSON_NULL] = "null", [JSON_FALSE] = "false", [JSON_TRUE] = "true"};

static void add_value(struct buf *b, const struct json *v, bool sorted);

static void add_child(struct buf *b, const struct json *child, bool member, bool sorted)
{
    char last = b->n ? b->p[b->n - 1] : '{';
    if (last != '{' && last != '[')
        buf_add_char(b, ',');
    if (member) {
        add_escaped(b, child->key);
        buf_add_char(b, ':');
    }
    add_value(b, child, sorted);
}

/* Members in the order of their keys. Nothing is allocated: a message of ours has few, and more than 64 are
 * refused. */
static void add_sorted(struct buf *b, const struct json *object)
{
    const struct json *sorted[64], *member;
    size_t n = 0;
    if (object->count > COUNT_OF(sorted)) {
        b->broken = true;
        return;
    }
    JSON_EACH(object, member)
    {
        size_t at = n++;
        for (; at && str_compare(sorted[at - 1]->key, member->key) > 0; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = member;
    }
    for (size_t i = 0; i < n; i++)
        add_child(b, sorted[i], true, true);
}

static void add_children(struct buf *b, const struct json *v, bool sorted)
{
    const struct json *child;
    JSON_EACH(v, child)
    add_child(b, child, v->type == JSON_OBJECT, sorted);
}

static void add_value(struct buf *b, const struct json *v, bool sorted)
{
    if (v->type == JSON_STRING) {
        add_escaped(b, v->text);
    } else if (v->type < JSON_INTEGER) {
        buf_add_str(b, str_of(words[v->type]));
    } else if (v->type < JSON_STRING) {
        buf_add_str(b, v->text);
    } else {
        buf_add_char(b, v->type == JSON_OBJECT ? '{' : '[');
        if (sorted && v->type == JSON_OBJECT)
            add_sorted(b, v);
        else
            add_children(b, v, sorted);
        buf_add_char(b, v->type == JSON_OBJECT ? '}' : ']');
    }
}

void json_add_tree(struct buf *b, const char *key, const struct json *tree)
{
    add_key(b, key);
    add_value(b, tree, false);
}

void json_add_members(struct buf *b, const struct json *object, const char *without)
{
    const struct json *member;
    JSON_EACH(object, member)
    if (!str_equal(member->key, str_of(without)))
        add_child(b, member, true, false);
}

void json_add_canonical(struct buf *b, const char *key, const struct json *tree)
{
    add_key(b, key);
    add_value(b, tree, true);
}
