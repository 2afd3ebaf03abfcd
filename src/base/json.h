/* SPDX-License-Identifier: Apache-2.0 */
/* JSON from outside, read safely; and JSON written.
 *
 * json_read scans the nesting before the parser sees a byte (2,000 brackets crash jansson on a small stack),
 * refuses duplicate keys, bad UTF-8, NUL and trailing bytes. Members are copied into the arena, and the tree is
 * dropped at once: a struct json lives only inside one function. */
#ifndef JUKI_BASE_JSON_H
#define JUKI_BASE_JSON_H

#include "base/buf.h"

#include <jansson.h>

enum { JSON_DEPTH_MAX = 16 };

/* *out is an object or array owned by the caller (json_decref). ERR_JSON, ERR_JSON_DEPTH, ERR_UTF8. */
MUST_CHECK enum err json_read(struct fail *f, struct str text, json_t **out);

/* Members of an object. field names the member and is put into *f. Missing: ERR_FIELD_MISSING; wrong type:
 * ERR_FIELD_TYPE. The _maybe forms leave *out untouched when the member is absent or null. */
MUST_CHECK enum err json_member_text(struct fail *f, const json_t *object, const char *field, struct arena *a,
                                     struct str *out);
MUST_CHECK enum err json_member_text_maybe(struct fail *f, const json_t *object, const char *field,
                                           struct arena *a, struct str *out);
MUST_CHECK enum err json_member_int(struct fail *f, const json_t *object, const char *field, int64_t least,
                                    int64_t most, int64_t *out);
MUST_CHECK enum err json_member_int_maybe(struct fail *f, const json_t *object, const char *field, int64_t least,
                                          int64_t most, int64_t *out);
MUST_CHECK enum err json_member_bool_maybe(struct fail *f, const json_t *object, const char *field, bool *out);
/* *out is borrowed from the object. */
MUST_CHECK enum err json_member_array(struct fail *f, const json_t *object, const char *field, json_t **out);
MUST_CHECK enum err json_member_object(struct fail *f, const json_t *object, const char *field, json_t **out);

/* Writing, straight into a buffer. json_add_* write `"key":value` with a comma before it when the last byte is
 * not an opening bracket; key NULL writes the value alone (in an array). */
void json_begin(struct buf *b, const char *key, char bracket); /* '{' or '[' */
void json_end(struct buf *b, char bracket);                    /* '}' or ']' */
void json_add_text(struct buf *b, const char *key, struct str value);
void json_add_int(struct buf *b, const char *key, int64_t value);
void json_add_bool(struct buf *b, const char *key, bool value);
/* value is JSON already. */
void json_add_raw(struct buf *b, const char *key, struct str value);

#endif
