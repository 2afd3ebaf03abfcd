/* SPDX-License-Identifier: Apache-2.0 */
/* One row a type: how a value of it is written, read, checked, and when it counts as absent. */
#include "flow/message.h"

#include "identity/text_check.h"

struct type_row {
    bool (*absent)(const void *at);
    void (*write)(struct buf *b, const struct message_field *field, const void *at);
    enum err (*read)(struct fail *f, const struct message_field *field, const struct json *value,
                     struct arena *a, void *at);
    enum err (*check)(struct fail *f, const struct message_field *field, const void *at);
};

static enum err wrong_type(struct fail *f, const struct message_field *field)
{
    return fail_set(f, ERR_FIELD_TYPE, field->name, NULL);
}

/* ---- text ---- */

static bool text_absent(const void *at)
{
    return ((const struct str *)at)->n == 0;
}

static void text_write(struct buf *b, const struct message_field *field, const void *at)
{
    json_add_text(b, field->name, *(const struct str *)at);
}

static enum err text_read(struct fail *f, const struct message_field *field, const struct json *value,
                          struct arena *a, void *at)
{
    if (!json_is(value, JSON_STRING))
        return wrong_type(f, field);
    const struct str text = arena_copy(a, json_str(value));
    if (!text.p)
        return fail_set(f, ERR_MEMORY, field->name, NULL);
    *(struct str *)at = text;
    return ERR_OK;
}

static enum err text_fits(struct fail *f, const struct message_field *field, const void *at)
{
    return text_check(f, field->name, *(const struct str *)at, (size_t)field->most);
}

/* ---- codes and numbers of persons ---- */

static bool code_absent(const void *at)
{
    return !((const struct message_code *)at)->has;
}

static void code_write(struct buf *b, const struct message_field *field, const void *at)
{
    char text[RESIDENT_CODE_TEXT_SIZE];
    json_add_text(b, field->name,
                  str_of(resident_code_REVEAL(((const struct message_code *)at)->value, text)));
}

static enum err code_read(struct fail *f, const struct message_field *field, const struct json *value,
                          struct arena *a UNUSED, void *at)
{
    struct message_code *code = at;
    if (!json_is(value, JSON_STRING))
        return wrong_type(f, field);
    enum err e = resident_code_parse(f, json_str(value), &code->value);
    code->has = !e;
    return e ? fail_set(f, e, field->name, NULL) : ERR_OK;
}

static enum err code_right(struct fail *f, const struct message_field *field, const void *at)
{
    bool valid = resident_code_valid(((const struct message_code *)at)->value);
    return valid ? ERR_OK : fail_set(f, ERR_RESIDENT_CODE_CHECK, field->name, NULL);
}

static bool number_absent(const void *at)
{
    return !((const struct message_number *)at)->has;
}

static void number_write(struct buf *b, const struct message_field *field, const void *at)
{
    char text[INDIVIDUAL_NUMBER_TEXT_SIZE];
    json_add_text(b, field->name,
                  str_of(individual_number_REVEAL(((const struct message_number *)at)->value, text)));
}

static enum err number_read(struct fail *f, const struct message_field *field, const struct json *value,
                            struct arena *a UNUSED, void *at)
{
    struct message_number *number = at;
    if (!json_is(value, JSON_STRING))
        return wrong_type(f, field);
    enum err e = individual_number_parse(f, json_str(value), &number->value);
    number->has = !e;
    return e ? fail_set(f, e, field->name, NULL) : ERR_OK;
}

static enum err number_right(struct fail *f, const struct message_field *field, const void *at)
{
    bool valid = individual_number_valid(((const struct message_number *)at)->value);
    return valid ? ERR_OK : fail_set(f, ERR_INDIVIDUAL_NUMBER_CHECK, field->name, NULL);
}

/* ---- places and days ---- */

static bool area_absent(const void *at)
{
    return ((const struct area_code *)at)->value == 0;
}

static void area_write(struct buf *b, const struct message_field *field, const void *at)
{
    char text[AREA_CODE_TEXT_SIZE];
    json_add_text(b, field->name, str_of(area_code_text(*(const struct area_code *)at, text)));
}

static enum err area_read(struct fail *f, const struct message_field *field, const struct json *value,
                          struct arena *a UNUSED, void *at)
{
    if (!json_is(value, JSON_STRING))
        return wrong_type(f, field);
    enum err e = area_code_parse(f, json_str(value), at);
    return e ? fail_set(f, e, field->name, NULL) : ERR_OK;
}

static enum err area_right(struct fail *f, const struct message_field *field, const void *at)
{
    return area_code_check_address(f, field->name, *(const struct area_code *)at);
}

static bool day_absent(const void *at)
{
    return date_to_int(*(const struct date *)at) == 0;
}

static void day_write(struct buf *b, const struct message_field *field, const void *at)
{
    char text[DATE_TEXT_SIZE];
    json_add_text(b, field->name, str_of(date_text(*(const struct date *)at, text)));
}

static enum err day_read(struct fail *f, const struct message_field *field, const struct json *value,
                         struct arena *a UNUSED, void *at)
{
    return json_is(value, JSON_STRING) ? date_parse(f, field->name, json_str(value), at)
                                       : wrong_type(f, field);
}

static enum err day_real(struct fail *f, const struct message_field *field, const void *at)
{
    return date_real(*(const struct date *)at) ? ERR_OK : fail_set(f, ERR_DATE_REAL, field->name, NULL);
}

static enum err birth_read(struct fail *f, const struct message_field *field, const struct json *value,
                           struct arena *a UNUSED, void *at)
{
    return json_is(value, JSON_STRING) ? birth_date_parse(f, field->name, json_str(value), at)
                                       : wrong_type(f, field);
}

static enum err birth_possible(struct fail *f, const struct message_field *field, const void *at)
{
    return date_birth_possible(*(const struct date *)at) ? ERR_OK
                                                         : fail_set(f, ERR_DATE_REAL, field->name, NULL);
}

/* ---- sex, flags, counts ---- */

static bool sex_absent(const void *at)
{
    return !((const struct message_sex *)at)->has;
}

static void sex_write(struct buf *b, const struct message_field *field, const void *at)
{
    json_add_text(b, field->name, str_of(sex_name(((const struct message_sex *)at)->value)));
}

static enum err sex_read(struct fail *f, const struct message_field *field, const struct json *value,
                         struct arena *a UNUSED, void *at)
{
    struct message_sex *sex = at;
    if (!json_is(value, JSON_STRING))
        return wrong_type(f, field);
    enum err e = sex_parse(f, json_str(value), &sex->value);
    sex->has = !e;
    return e ? fail_set(f, e, field->name, NULL) : ERR_OK;
}

static bool flag_absent(const void *at)
{
    return !*(const bool *)at;
}

static void flag_write(struct buf *b, const struct message_field *field, const void *at)
{
    json_add_bool(b, field->name, *(const bool *)at);
}

static enum err flag_read(struct fail *f, const struct message_field *field, const struct json *value,
                          struct arena *a UNUSED, void *at)
{
    if (!json_is(value, JSON_TRUE) && !json_is(value, JSON_FALSE))
        return wrong_type(f, field);
    *(bool *)at = value->type == JSON_TRUE;
    return ERR_OK;
}

static bool count_absent(const void *at UNUSED)
{
    return false;
}

static void count_write(struct buf *b, const struct message_field *field, const void *at)
{
    json_add_int(b, field->name, *(const int64_t *)at);
}

static enum err count_read(struct fail *f, const struct message_field *field, const struct json *value,
                           struct arena *a UNUSED, void *at)
{
    if (!json_is(value, JSON_INTEGER))
        return wrong_type(f, field);
    *(int64_t *)at = json_int(value);
    return ERR_OK;
}

static enum err count_in_range(struct fail *f, const struct message_field *field, const void *at)
{
    int64_t count = *(const int64_t *)at;
    return count >= 0 && count <= field->most ? ERR_OK : fail_set(f, ERR_FIELD_RANGE, field->name, NULL);
}

static enum err always_right(struct fail *f UNUSED, const struct message_field *field UNUSED,
                             const void *at UNUSED)
{
    return ERR_OK;
}

/* ---- lists ---- */

static bool list_absent(const void *at)
{
    return ((const struct message_list *)at)->count == 0;
}

static const void *item_at(const struct message_field *field, const struct message_list *list, size_t i)
{
    return (const char *)list->items + i * field->item->size;
}

static void list_write(struct buf *b, const struct message_field *field, const void *at)
{
    const struct message_list *list = at;
    json_begin(b, field->name, '[');
    for (size_t i = 0; i < list->count; i++)
        message_write(b, NULL, field->item, item_at(field, list, i));
    json_end(b, ']');
}

static enum err list_read(struct fail *f, const struct message_field *field, const struct json *value,
                          struct arena *a, void *at)
{
    struct message_list list = {.count = json_count(value)};
    const struct json *item;
    size_t i;
    enum err e = ERR_OK;
    if (!json_is(value, JSON_ARRAY))
        return wrong_type(f, field);
    if (list.count > (size_t)field->most)
        return fail_set(f, ERR_LIMIT, field->name, NULL);
    if (!list.count)
        return ERR_OK; /* as when it is absent */
    if (!(list.items = arena_alloc(a, list.count * field->item->size)))
        return fail_set(f, ERR_MEMORY, field->name, NULL);
    JSON_EACH_AT(value, i, item)
    {
        if (!json_is(item, JSON_OBJECT))
            return wrong_type(f, field);
        if ((e = message_read(f, field->item, item, a, (char *)list.items + i * field->item->size)))
            return e;
    }
    *(struct message_list *)at = list;
    return ERR_OK;
}

static enum err list_right(struct fail *f, const struct message_field *field, const void *at)
{
    const struct message_list *list = at;
    enum err e = list->count <= (size_t)field->most ? ERR_OK : fail_set(f, ERR_LIMIT, field->name, NULL);
    for (size_t i = 0; !e && i < list->count; i++)
        e = message_check(f, field->item, item_at(field, list, i));
    return e;
}

static const struct type_row types[] = {
    [MESSAGE_TEXT] = {text_absent, text_write, text_read, text_fits},
    [MESSAGE_CODE] = {code_absent, code_write, code_read, code_right},
    [MESSAGE_NUMBER] = {number_absent, number_write, number_read, number_right},
    [MESSAGE_AREA] = {area_absent, area_write, area_read, area_right},
    [MESSAGE_DAY] = {day_absent, day_write, day_read, day_real},
    [MESSAGE_BIRTH] = {day_absent, day_write, birth_read, birth_possible},
    [MESSAGE_SEX] = {sex_absent, sex_write, sex_read, always_right},
    [MESSAGE_FLAG] = {flag_absent, flag_write, flag_read, always_right},
    [MESSAGE_COUNT] = {count_absent, count_write, count_read, count_in_range},
    [MESSAGE_LIST] = {list_absent, list_write, list_read, list_right},
};

/* ---- the whole ---- */

void message_members_write(struct buf *b, const struct message_form *form, const void *message)
{
    for (size_t i = 0; i < form->count; i++) {
        const struct message_field *field = &form->fields[i];
        const void *at = (const char *)message + field->offset;
        if (!types[field->type].absent(at))
            types[field->type].write(b, field, at);
    }
}

void message_write(struct buf *b, const char *key, const struct message_form *form, const void *message)
{
    json_begin(b, key, '{');
    message_members_write(b, form, message);
    json_end(b, '}');
}

enum err message_check(struct fail *f, const struct message_form *form, const void *message)
{
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < form->count; i++) {
        const struct message_field *field = &form->fields[i];
        const void *at = (const char *)message + field->offset;
        if (!types[field->type].absent(at))
            e = types[field->type].check(f, field, at);
        else if (field->must)
            e = fail_set(f, ERR_FIELD_MISSING, field->name, NULL);
    }
    return e || !form->check ? e : form->check(f, message);
}

enum err message_read(struct fail *f, const struct message_form *form, const struct json *object,
                      struct arena *a, void *out)
{
    char *read = arena_alloc(a, form->size);
    enum err e = read ? ERR_OK : fail_set(f, ERR_MEMORY, form->name, NULL);
    if (e)
        return e;
    memset(read, 0, form->size);
    for (size_t i = 0; !e && i < form->count; i++) {
        const struct message_field *field = &form->fields[i];
        const struct json *value = json_get(object, field->name);
        if (value && !json_is(value, JSON_NULL))
            e = types[field->type].read(f, field, value, a, read + field->offset);
    }
    if (!e)
        e = message_check(f, form, read);
    if (!e)
        memcpy(out, read, form->size);
    return e;
}
