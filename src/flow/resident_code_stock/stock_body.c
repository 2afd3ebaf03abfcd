/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/resident_code_stock/stock_body.h"

void stock_body_write(struct buf *b, const struct stock_body *body, const struct resident_code *codes,
                      size_t count)
{
    char text[RESIDENT_CODE_TEXT_SIZE], area_text[AREA_CODE_TEXT_SIZE];
    json_begin(b, NULL, '{');
    json_add_text(b, "area_code", str_of(area_code_text(body->area, area_text)));
    json_add_int(b, "filling", body->filling);
    json_add_int(b, "request", body->request);
    json_begin(b, "resident_codes", '[');
    for (size_t i = 0; i < count; i++)
        json_add_text(b, NULL, str_of(resident_code_REVEAL(codes[i], text)));
    json_end(b, ']');
    json_end(b, '}');
}

static enum err read_code(struct fail *f, const struct json *value, struct resident_code *out)
{
    if (!json_is(value, JSON_STRING))
        return fail_set(f, ERR_FIELD_TYPE, "resident_codes", NULL);
    return resident_code_parse(f, json_str(value), out);
}

static enum err read_area(struct fail *f, const struct json *body, struct area_code *out)
{
    const struct json *value = json_get(body, "area_code");
    if (!json_is(value, JSON_STRING))
        return fail_set(f, ERR_FIELD_MISSING, "area_code", NULL);
    return area_code_parse(f, json_str(value), out);
}

enum err stock_body_read(struct fail *f, const struct json *body, struct stock_body *out)
{
    const struct json *codes;
    out->count = 0;
    out->request = 0;
    enum err e = json_member_int(f, body, "filling", 1, STOCK_REQUEST_MOST, &out->filling);
    if (!e)
        e = json_member_int_maybe(f, body, "request", 0, INT64_C(1) << 53, &out->request);
    if (!e)
        e = read_area(f, body, &out->area);
    if (!e)
        e = json_member_array(f, body, "resident_codes", &codes);
    if (e)
        return e;
    const struct json *code = json_first(codes);
    size_t count = json_count(codes);
    if (count < 1 || count > STOCK_NOTICE_CODES)
        return fail_set(f, ERR_FIELD_RANGE, "resident_codes", "%zu codes", count);
    for (size_t i = 0; code && !e; code = code->next)
        e = read_code(f, code, &out->codes[i++]);
    if (!e)
        out->count = count;
    return e;
}
