/* SPDX-License-Identifier: Apache-2.0 */
#include "door_call.h"

#include "base/json.h"
#include "test.h"

void changes_begin(struct buf *b)
{
    buf_clear(b);
    json_begin(b, NULL, '{');
    json_begin(b, "changes", '[');
}

void changes_add(struct buf *b, int64_t number, int64_t payload, const char *name, int64_t replaces)
{
    char code[RESIDENT_CODE_TEXT_SIZE];

    json_begin(b, NULL, '{');
    json_add_int(b, "number", number);
    if (replaces)
        json_add_int(b, "replaces", replaces);
    json_begin(b, "identity", '{');
    json_add_text(b, "resident_code",
                  str_of(resident_code_REVEAL(resident_code_from_payload(payload), code)));
    json_add_bool(b, "foreign", false);
    json_add_text(b, "name", str_of(name));
    json_add_text(b, "birth_date", STR("1980-01-01"));
    json_add_text(b, "sex", STR("female"));
    json_add_text(b, "area_code", STR("282049"));
    json_add_text(b, "address", STR("兵庫県西宮市六湛寺町10番3号"));
    json_begin(b, "change", '{');
    json_add_text(b, "change_reason", STR("birth"));
    json_add_text(b, "change_date", STR("2026-11-01"));
    json_end(b, '}');
    json_end(b, '}');
    json_end(b, '}');
}

void changes_end(struct buf *b)
{
    json_end(b, ']');
    json_end(b, '}');
}

void changes_range(struct buf *b, int64_t first, int64_t last)
{
    changes_begin(b);
    for (int64_t n = first; n <= last; n++)
        changes_add(b, n, n, "西宮　花子", 0);
    changes_end(b);
}

void door_call_open(struct door_call *c, const struct door_stage *s)
{
    memset(c, 0, sizeof *c);
    buf_init(&c->body, 8 << 20);
    buf_init(&c->answer, 8 << 20);
    c->client = door_stage_client(s);
}

void door_call_close(struct door_call *c)
{
    door_client_free(c->client);
    buf_release(&c->body);
    buf_release(&c->answer);
}

enum err door_call_post(struct door_call *c)
{
    return door_client_call(c->client, &c->fail, "/v1/changes", buf_str(&c->body), &c->answer, &c->expected);
}

enum err door_call_get(struct door_call *c, const char *path)
{
    return door_client_call(c->client, &c->fail, path, (struct str){NULL, 0}, &c->answer, NULL);
}

int64_t door_call_int(const struct door_call *c, const char *field)
{
    struct json *tree;
    int64_t value = -1;

    assert_ok(json_read(NULL, buf_str(&c->answer), &tree));
    assert_ok(json_member_int(NULL, tree, field, 0, INT64_MAX, &value));
    json_free(tree);
    return value;
}

bool door_call_holds(const struct door_call *c, const char *text)
{
    return c->answer.p && strstr(c->answer.p, text) != NULL;
}
