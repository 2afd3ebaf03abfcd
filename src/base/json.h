/* SPDX-License-Identifier: Apache-2.0 */
/* JSON from outside, read safely (RFC 8259); and JSON written.
 *
 * json_read makes a tree in one piece of memory, which holds a copy of the text: keys and texts of the tree
 * lie in it, terminated, and live as long as the tree. It refuses nesting over 16 before it reads a value (so
 * that no stack is too small), more values than 64 and one for each eight bytes (so that the tree takes at
 * most eight times the text), duplicate keys, bad UTF-8, U+0000, halves of surrogates, and bytes behind the
 * end. Reading costs about one pass over the text and two allocations at most, since every notice is read at
 * every hop. */
#ifndef JUKI_BASE_JSON_H
#define JUKI_BASE_JSON_H

#include "base/buf.h"

enum { JSON_DEPTH_MAX = 16 };

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_INTEGER /* an int64 */,
    JSON_REAL /* any other */,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};
struct json {
    enum json_type type;
    uint32_t count;  /* items or members */
    struct str key;  /* of a member */
    struct str text; /* of a string; of a number as it was written (not terminated) */
    union {
        int64_t integer;
        const struct json *first; /* item or member, in the order of the text */
    };
    const struct json *next;
};

/* *out is an object or array, the caller's to free. ERR_JSON, ERR_JSON_DEPTH, ERR_LIMIT, ERR_MEMORY. */
MUST_CHECK enum err json_read(struct fail *f, struct str text, struct json **out);
void json_free(struct json *tree); /* accepts NULL */

/* Looking at a tree. All accept NULL and any type, and then say NULL, false, 0 or nothing. */
const struct json *json_get(const struct json *object, const char *key);
const struct json *json_at(const struct json *list, size_t i);
const char *json_cstr(const struct json *v); /* terminated; NULL when it is no string */
struct str json_str(const struct json *v);   /* p NULL when it is no string */
static inline bool json_is(const struct json *v, enum json_type type)
{
    return v && v->type == type;
}
static inline int64_t json_int(const struct json *v)
{
    return json_is(v, JSON_INTEGER) ? v->integer : 0;
}
static inline size_t json_count(const struct json *v)
{
    return v ? v->count : 0;
}
/* The first item or member. */
static inline const struct json *json_first(const struct json *v)
{
    return v && v->type >= JSON_ARRAY ? v->first : NULL;
}
#define JSON_EACH(list, item) for (item = json_first(list); item; item = item->next)
#define JSON_EACH_AT(list, i, item) for (i = 0, item = json_first(list); item; item = item->next, i++)

/* Members of an object. field names the member and is put into *f. Missing: ERR_FIELD_MISSING; wrong type:
 * ERR_FIELD_TYPE. The _maybe forms leave *out untouched when the member is absent or null. Text is copied
 * into the arena. */
MUST_CHECK enum err json_member_text(struct fail *f, const struct json *object, const char *field,
                                     struct arena *a, struct str *out);
MUST_CHECK enum err json_member_text_maybe(struct fail *f, const struct json *object, const char *field,
                                           struct arena *a, struct str *out);
MUST_CHECK enum err json_member_int(struct fail *f, const struct json *object, const char *field,
                                    int64_t least, int64_t most, int64_t *out);
MUST_CHECK enum err json_member_int_maybe(struct fail *f, const struct json *object, const char *field,
                                          int64_t least, int64_t most, int64_t *out);
MUST_CHECK enum err json_member_bool_maybe(struct fail *f, const struct json *object, const char *field,
                                           bool *out);
/* *out is borrowed from the object. */
MUST_CHECK enum err json_member_array(struct fail *f, const struct json *object, const char *field,
                                      const struct json **out);
MUST_CHECK enum err json_member_object(struct fail *f, const struct json *object, const char *field,
                                       const struct json **out);

/* Writing, straight into a buffer. json_add_* write `"key":value` with a comma before it when the last byte
 * is not an opening bracket; key NULL writes the value alone (in an array). */
void json_begin(struct buf *b, const char *key, char bracket); /* '{' or '[' */
void json_end(struct buf *b, char bracket);                    /* '}' or ']' */
void json_add_text(struct buf *b, const char *key, struct str value);
void json_add_int(struct buf *b, const char *key, int64_t value);
void json_add_bool(struct buf *b, const char *key, bool value);
/* value is JSON already. */
void json_add_raw(struct buf *b, const char *key, struct str value);
/* The tree, without spaces, members in their order. */
void json_add_tree(struct buf *b, const char *key, const struct json *tree);
/* The members of another object but one, into the object that is being written. */
void json_add_members(struct buf *b, const struct json *object, const char *without);
/* The same with the members of each object in the order of their keys' bytes: one text for one meaning. */
void json_add_canonical(struct buf *b, const char *key, const struct json *tree);

#endif
