/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/identity_notice/notice_body.h"

#define NUMBER_MOST (INT64_C(1) << 53) /* what JSON numbers hold exactly */

static void write_taken_back(struct buf *b, const struct store_version *v)
{
    char text[RESIDENT_CODE_TEXT_SIZE];
    json_begin(b, "taken_back", '[');
    for (size_t i = 0; i < v->taken_back_count; i++)
        json_add_text(b, NULL, str_of(resident_code_REVEAL(v->taken_back[i], text)));
    json_end(b, ']');
}

void notice_body_write(struct buf *b, const struct store_version *v)
{
    char opened[DATE_TEXT_SIZE];
    json_begin(b, NULL, '{');
    json_add_int(b, "version", v->version);
    json_add_text(b, "state", str_of(store_state_name(v->state)));
    json_add_text(b, "opened", str_of(date_text(v->opened, opened)));
    json_add_int(b, "source", v->source);
    if (v->replaces)
        json_add_int(b, "replaces_version", v->replaces);
    if (v->taken_back_count)
        write_taken_back(b, v);
    identity_json_write(b, "identity", &v->identity, &v->change);
    json_end(b, '}');
}

static enum err state_parse(struct fail *f, struct str text, enum store_state *out)
{
    for (int state = STORE_CURRENT; state <= STORE_REMOVED; state++)
        if (str_equal(text, str_of(store_state_name((enum store_state)state)))) {
            *out = (enum store_state)state;
            return ERR_OK;
        }
    return fail_set(f, ERR_FIELD_RANGE, "state", NULL);
}

static enum err read_chain(struct fail *f, const struct json *body, struct arena *a, struct store_version *v)
{
    struct str state = {NULL, 0}, opened = {NULL, 0};
    enum err e = json_member_int(f, body, "version", 1, NUMBER_MOST, &v->version);
    if (!e)
        e = json_member_text(f, body, "state", a, &state);
    if (!e)
        e = state_parse(f, state, &v->state);
    if (!e)
        e = json_member_text(f, body, "opened", a, &opened);
    if (!e)
        e = date_parse(f, "opened", opened, &v->opened);
    if (!e)
        e = json_member_int(f, body, "source", 0, NUMBER_MOST, &v->source);
    if (!e)
        e = json_member_int_maybe(f, body, "replaces_version", 1, NUMBER_MOST, &v->replaces);
    return e;
}

/* Only a correction of a code change takes codes back: neither its own nor the one before. */
static enum err check_taken_back(struct fail *f, const struct store_version *v)
{
    bool may = v->replaces && v->change.has_old_code;
    for (size_t i = 0; i < v->taken_back_count; i++)
        if (!may || resident_code_equal(v->taken_back[i], v->identity.resident_code) ||
            resident_code_equal(v->taken_back[i], v->change.old_code))
            return fail_set(f, ERR_FIELD_RANGE, "taken_back", NULL);
    return ERR_OK;
}

static enum err read_taken_back(struct fail *f, const struct json *body, struct store_version *v)
{
    const struct json *list = json_get(body, "taken_back"), *code;
    enum err e = ERR_OK;
    if (!list)
        return ERR_OK;
    if (!json_is(list, JSON_ARRAY))
        return fail_set(f, ERR_FIELD_TYPE, "taken_back", NULL);
    for (code = json_first(list); code && !e; code = code->next) {
        if (v->taken_back_count == STORE_TAKEN_BACK_MAX)
            return fail_set(f, ERR_FIELD_RANGE, "taken_back", NULL);
        e = json_is(code, JSON_STRING)
                ? resident_code_parse(f, json_str(code), &v->taken_back[v->taken_back_count++])
                : fail_set(f, ERR_FIELD_TYPE, "taken_back", NULL);
    }
    return e ? e : check_taken_back(f, v);
}

enum err notice_body_read(struct fail *f, const struct json *body, struct arena *a, struct store_version *v)
{
    struct store_version read = {0};
    const struct json *identity;
    enum err e = read_chain(f, body, a, &read);
    if (!e)
        e = json_member_object(f, body, "identity", &identity);
    if (!e)
        e = identity_json_read(f, identity, a, &read.identity, &read.change);
    if (!e)
        e = read_taken_back(f, body, &read);
    if (!e)
        *v = read;
    return e;
}
