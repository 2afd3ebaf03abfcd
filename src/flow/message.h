/* SPDX-License-Identifier: Apache-2.0 */
/* A message between municipalities, described once: the rows of a NAME.def are its struct, its JSON, its
 * checks and its table in docs/PROTOCOL.md (tools/messages.py).
 *
 *     FIELD(TYPE, name, MUST or MAY, most, "Japanese name", "source")
 *     LIST(ITEM, name, MUST or MAY, most, "Japanese name", "source")       ITEM: another message's name
 *
 * A header makes the struct of it:
 *
 *     struct move_in_notice {
 *     #define FIELD(type, name, ...) MESSAGE_MEMBER_##type(name)
 *     #include "flow/move_in/move_in_notice.def"
 *     };
 *
 * and a .c file the form, with MESSAGE_FIELD. Reading takes what the form names and nothing else: an unknown
 * member is left in the signed bytes and reaches nobody. Writing writes what the form names: what has no row
 * cannot leave. */
#ifndef JUKI_FLOW_MESSAGE_H
#define JUKI_FLOW_MESSAGE_H

#include "identity/identity.h"

enum message_type {
    MESSAGE_TEXT,   /* at most `most` code points, checked like names and addresses */
    MESSAGE_CODE,   /* 住民票コード */
    MESSAGE_NUMBER, /* 個人番号 */
    MESSAGE_AREA,   /* 全国地方公共団体コード of an address */
    MESSAGE_DAY,    /* a real day */
    MESSAGE_BIRTH,  /* a birth date: may be impossible or partly unknown */
    MESSAGE_SEX,
    MESSAGE_FLAG,  /* true, or absent */
    MESSAGE_COUNT, /* 0 .. most */
    MESSAGE_LIST
};
struct message_code {
    bool has;
    struct resident_code value;
};
struct message_number {
    bool has;
    struct individual_number value;
};
struct message_sex {
    bool has;
    enum sex value;
};
struct message_list { /* items of the field's form, one behind the other */
    void *items;
    size_t count;
};
#define MESSAGE_MEMBER_TEXT(name) struct str name;
#define MESSAGE_MEMBER_CODE(name) struct message_code name;
#define MESSAGE_MEMBER_NUMBER(name) struct message_number name;
#define MESSAGE_MEMBER_AREA(name) struct area_code name;
#define MESSAGE_MEMBER_DAY(name) struct date name;
#define MESSAGE_MEMBER_BIRTH(name) struct date name;
#define MESSAGE_MEMBER_SEX(name) struct message_sex name;
#define MESSAGE_MEMBER_FLAG(name) bool name;
#define MESSAGE_MEMBER_COUNT(name) int64_t name;

/* As JSON no message is longer: 30 persons with every text as long as it may be. */
enum { MESSAGE_BYTES_MAX = 512 << 10 };

struct message_form;
struct message_field {
    const char *name; /* of the member, in C and in JSON */
    enum message_type type;
    bool must;
    int64_t most;
    size_t offset;
    const struct message_form *item; /* of a list */
};
struct message_form {
    const char *name;
    size_t size; /* of the struct */
    const struct message_field *fields;
    size_t count;
    /* What no single field can answer; may be NULL. */
    enum err (*check)(struct fail *f, const void *message);
};
#define MUST true
#define MAY false
#define MESSAGE_FIELD(message, type, name, must, most)                                                       \
    {#name, MESSAGE_##type, must, most, offsetof(struct message, name), NULL},
#define MESSAGE_LIST_FIELD(message, item, name, must, most)                                                  \
    {#name, MESSAGE_LIST, must, most, offsetof(struct message, name), &item##_form},

/* As JSON object: member `key`, or alone when key is NULL. What is absent is left out. */
void message_write(struct buf *b, const char *key, const struct message_form *form, const void *message);
/* Its members alone, into an object that is open. */
void message_members_write(struct buf *b, const struct message_form *form, const void *message);
/* Reads and checks; text and lists lie in the arena. Errors of the values' own parsers, ERR_FIELD_MISSING,
 * ERR_FIELD_TYPE, ERR_FIELD_RANGE, ERR_TEXT_..., ERR_LIMIT, and those of form->check; the field is named,
 * values are not. *out is untouched on failure. */
MUST_CHECK enum err message_read(struct fail *f, const struct message_form *form, const struct json *object,
                                 struct arena *a, void *out);
/* The same checks for a message that was made here, before it is written. */
MUST_CHECK enum err message_check(struct fail *f, const struct message_form *form, const void *message);

#endif
