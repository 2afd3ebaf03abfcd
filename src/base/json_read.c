/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of JSON (RFC 8259): recursive descent, at most 16 deep, over a copy of the text that the tree
 * keeps.
 *
 * One pass counts how many values there can be (each follows a comma, a bracket or a brace, or is the whole),
 * so that tree and text are one allocation. A value takes more memory here than the two bytes it may take in
 * the text ("[1,1,1"), so a text that is denser than any of ours is refused before it costs anything: what a
 * text costs is at most VALUES_FREE nodes and eight times its length. Texts are unescaped in place, where
 * they only shrink, and terminated where their closing quote stood. UTF-8 is checked once over the whole.
 * Nothing of the text stands in an error. */
#include "base/json.h"

#include <stdlib.h>

/* As many values may stand in any text, and one more for each eight bytes of it. */
enum { VALUES_FREE = 64, TEXT_A_VALUE = 8 };
static_assert(sizeof(struct json) <= 7 * TEXT_A_VALUE, "a text costs at most eight times its length");

struct tree {
    size_t text_size;
    char *text;
    struct json nodes[]; /* the root first */
};

struct reader {
    const char *start;
    char *at, *end;    /* *end is 0 */
    struct json *node; /* the next free one */
    int depth;
};

static enum err malformed(const struct reader *r, struct fail *f)
{
    return fail_set(f, ERR_JSON, NULL, "byte %zu", (size_t)(r->at - r->start));
}

static void skip_space(struct reader *r)
{
    while (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t')
        r->at++;
}

static bool take(struct reader *r, char c)
{
    if (*r->at != c)
        return false;
    r->at++;
    return true;
}

/* ---- texts */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hexadecimal digits; -1 when they are not. */
static int32_t take_unit(struct reader *r)
{
    int32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(*r->at);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
        r->at++;
    }
    return unit;
}

/* Behind "\u": a code point, from two units where it takes two. -1: none that may stand here. */
static int32_t take_code_point(struct reader *r)
{
    int32_t unit = take_unit(r);
    if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff))
        return -1;
    if (unit < 0xd800 || unit > 0xdbff)
        return unit;
    if (!take(r, '\\') || !take(r, 'u'))
        return -1;
    int32_t low = take_unit(r);
    return low >= 0xdc00 && low <= 0xdfff ? 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00) : -1;
}

static char *put_utf8(char *to, int32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    static const int lead[] = {0, 0xc0, 0xe0, 0xf0};
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    *to++ = (char)(lead[more] | c >> 6 * more);
    while (more--)
        *to++ = (char)(0x80 | (c >> 6 * more & 0x3f));
    return to;
}

/* Behind a backslash. NULL when it is no escape. */
static char *take_escape(struct reader *r, char *to)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    if (take(r, 'u')) {
        int32_t c = take_code_point(r);
        return c < 0 ? NULL : put_utf8(to, c);
    }
    const char *found = *r->at ? strchr(from, *r->at) : NULL;
    if (!found)
        return NULL;
    r->at++;
    *to++ = into[found - from];
    return to;
}

static bool plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

/* Behind the opening quote. */
static enum err take_text(struct reader *r, struct fail *f, struct str *out)
{
    char *first = r->at, *to;
    while (plain(*r->at))
        r->at++;
    for (to = r->at; *r->at != '"';) {
        if (take(r, '\\')) {
            to = take_escape(r, to);
            if (!to)
                return malformed(r, f);
        } else if (plain(*r->at)) {
            *to++ = *r->at++;
        } else {
            return malformed(r, f);
        }
    }
    r->at++;
    *to = 0;
    *out = (struct str){first, (size_t)(to - first)};
    return ERR_OK;
}

/* ---- numbers */

static size_t take_digits(struct reader *r)
{
    char *first = r->at;
    while (*r->at >= '0' && *r->at <= '9')
        r->at++;
    return (size_t)(r->at - first);
}

static bool to_integer(const char *first, const char *end, int64_t *out)
{
    bool negative = *first == '-';
    int64_t value = 0;
    for (const char *p = first + negative; p < end; p++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, *p - '0', &value)) /* below zero there is one more */
            return false;
    return negative ? (*out = value, true) : !__builtin_sub_overflow(0, value, out);
}

static enum err take_number(struct reader *r, struct fail *f, struct json *v)
{
    char *first = r->at;
    v->type = JSON_INTEGER;
    (void)take(r, '-');
    if (take(r, '0') ? *r->at >= '0' && *r->at <= '9' : take_digits(r) == 0)
        return malformed(r, f);
    char *end = r->at;
    if (take(r, '.')) {
        v->type = JSON_REAL;
        if (take_digits(r) == 0)
            return malformed(r, f);
    }
    if (*r->at == 'e' || *r->at == 'E') {
        v->type = JSON_REAL;
        r->at++;
        if (*r->at == '+' || *r->at == '-')
            r->at++;
        if (take_digits(r) == 0)
            return malformed(r, f);
    }
    v->text = (struct str){first, (size_t)(r->at - first)};
    if (v->type == JSON_INTEGER && !to_integer(first, end, &v->integer))
        v->type = JSON_REAL; /* whole, but larger than any that is asked for */
    return ERR_OK;
}

/* ---- words */

static enum err take_word(struct reader *r, struct fail *f, struct json *v)
{
    static const struct {
        struct str word;
        enum json_type type;
    } words[] = {{{"true", 4}, JSON_TRUE}, {{"false", 5}, JSON_FALSE}, {{"null", 4}, JSON_NULL}};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (str_starts((struct str){r->at, (size_t)(r->end - r->at)}, words[i].word)) {
            r->at += words[i].word.n;
            v->type = words[i].type;
            return ERR_OK;
        }
    return malformed(r, f);
}

/* ---- lists and objects */

static int compare_keys(const void *a, const void *b)
{
    const struct json *const *x = a, *const *y = b;
    return str_compare((*x)->key, (*y)->key);
}

static enum err refuse_twins_of_many(const struct reader *r, struct fail *f, const struct json *object)
{
    const struct json **sorted = memory_new(object->count * sizeof(struct json *)), *member;
    size_t n = 0;
    bool twins = false;
    if (!sorted)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    JSON_EACH(object, member)
    sorted[n++] = member;
    qsort(sorted, n, sizeof *sorted, compare_keys);
    for (size_t i = 1; i < n; i++)
        twins = twins || str_equal(sorted[i - 1]->key, sorted[i]->key);
    memory_free(sorted);
    return twins ? malformed(r, f) : ERR_OK;
}

static enum err refuse_twins(const struct reader *r, struct fail *f, const struct json *object)
{
    enum { FEW = 32 };
    if (object->count > FEW)
        return refuse_twins_of_many(r, f, object);
    for (const struct json *a = object->first; a; a = a->next)
        for (const struct json *b = a->next; b; b = b->next)
            if (str_equal(a->key, b->key))
                return malformed(r, f);
    return ERR_OK;
}

static enum err take_value(struct reader *r, struct fail *f, struct json *v);

static enum err take_key(struct reader *r, struct fail *f, struct str *out)
{
    skip_space(r);
    enum err e = take(r, '"') ? take_text(r, f, out) : malformed(r, f);
    if (e)
        return e;
    skip_space(r);
    return take(r, ':') ? ERR_OK : malformed(r, f);
}

/* Behind the opening bracket. */
static enum err take_children(struct reader *r, struct fail *f, struct json *v, char closing)
{
    const struct json **place = &v->first;
    skip_space(r);
    if (take(r, closing))
        return ERR_OK;
    do {
        struct json *child = r->node++;
        enum err e = v->type == JSON_OBJECT ? take_key(r, f, &child->key) : ERR_OK;
        if (!e)
            e = take_value(r, f, child);
        if (e)
            return e;
        *place = child;
        place = &child->next;
        v->count++;
        skip_space(r);
    } while (take(r, ','));
    return take(r, closing) ? ERR_OK : malformed(r, f);
}

static enum err take_nested(struct reader *r, struct fail *f, struct json *v)
{
    bool object = *r->at == '{';
    if (r->depth == JSON_DEPTH_MAX)
        return fail_set(f, ERR_JSON_DEPTH, NULL, "byte %zu", (size_t)(r->at - r->start));
    r->at++;
    r->depth++;
    v->type = object ? JSON_OBJECT : JSON_ARRAY;
    enum err e = take_children(r, f, v, object ? '}' : ']');
    r->depth--;
    return !e && object ? refuse_twins(r, f, v) : e;
}

static enum err take_value(struct reader *r, struct fail *f, struct json *v)
{
    skip_space(r);
    if (*r->at == '{' || *r->at == '[')
        return take_nested(r, f, v);
    if (take(r, '"')) {
        v->type = JSON_STRING;
        return take_text(r, f, &v->text);
    }
    return *r->at == '-' || (*r->at >= '0' && *r->at <= '9') ? take_number(r, f, v) : take_word(r, f, v);
}

/* ---- the whole */

struct size {
    size_t values; /* at least as many as there are */
    int depth, deepest;
};

static void measure(struct size *s, char c)
{
    s->values += c == ',';
    if (c == '{' || c == '[') {
        s->values++;
        if (++s->depth > s->deepest)
            s->deepest = s->depth;
    } else if (c == '}' || c == ']') {
        s->depth--;
    }
}

static struct size size_of(struct str text)
{
    struct size size = {.values = 1};
    bool quoted = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '"')
            quoted = !quoted;
        else if (c == '\\' && quoted)
            i++;
        else if (!quoted)
            measure(&size, c);
    }
    return size;
}

static struct tree *tree_new(struct str text, size_t values)
{
    size_t nodes = values * sizeof(struct json);
    struct tree *t = memory_new(sizeof *t + nodes + text.n + 1);
    if (!t)
        return NULL;
    t->text = (char *)t->nodes + nodes;
    t->text_size = text.n;
    if (text.n)
        memcpy(t->text, text.p, text.n);
    return t;
}

enum err json_read(struct fail *f, struct str text, struct json **out)
{
    if (utf8_check(f, NULL, text))
        return fail_set(f, ERR_JSON, NULL, "not UTF-8");
    struct size size = size_of(text);
    if (size.values > VALUES_FREE + text.n / TEXT_A_VALUE)
        return size.deepest > JSON_DEPTH_MAX
                   ? fail_set(f, ERR_JSON_DEPTH, NULL, NULL)
                   : fail_set(f, ERR_LIMIT, NULL, "%zu values in %zu bytes", size.values, text.n);
    struct tree *t = tree_new(text, size.values);
    if (!t)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    struct reader r = {.start = t->text, .at = t->text, .end = t->text + text.n, .node = t->nodes + 1};
    skip_space(&r);
    enum err e = *r.at == '{' || *r.at == '[' ? take_nested(&r, f, t->nodes) : malformed(&r, f);
    skip_space(&r);
    if (!e && r.at != r.end)
        e = malformed(&r, f);
    if (e)
        json_free(t->nodes);
    else
        *out = t->nodes;
    return e;
}

void json_free(struct json *tree)
{
    if (!tree)
        return;
    struct tree *t = (struct tree *)(void *)((char *)tree - offsetof(struct tree, nodes));
    explicit_bzero(t->text, t->text_size);
    memory_free(t);
}

/* ---- looking */

const struct json *json_get(const struct json *object, const char *key)
{
    const struct json *member = NULL;
    size_t n = strlen(key);
    if (!json_is(object, JSON_OBJECT))
        return NULL;
    JSON_EACH(object, member)
    if (member->key.n == n && memcmp(member->key.p, key, n) == 0)
        break;
    return member;
}

const struct json *json_at(const struct json *list, size_t i)
{
    const struct json *item = json_first(list);
    while (item && i--)
        item = item->next;
    return item;
}

const char *json_cstr(const struct json *v)
{
    return json_is(v, JSON_STRING) ? v->text.p : NULL;
}

struct str json_str(const struct json *v)
{
    return json_is(v, JSON_STRING) ? v->text : (struct str){NULL, 0};
}
