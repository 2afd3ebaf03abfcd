/* SPDX-License-Identifier: Apache-2.0 */
/* The two messages of the flow: a CS asks with the resident code alone, the agency answers with the number.
 */
#include "flow/number/number.h"

#include "flow/flow_number_sql.h"
#include "flow/number/number_state.h"

enum { BODY_MAX = 1024 };
#define CHANGE_MOST (INT64_C(1) << 53)

static const char *const kind_names[] = {
    [NUMBER_NEW] = "new", [NUMBER_CHANGE] = "change", [NUMBER_EX_OFFICIO] = "ex_officio"};

static enum err kind_parse(struct fail *f, const struct json *body, enum number_request_kind *kind)
{
    const char *text = json_cstr(json_get(body, "request"));
    for (size_t i = 0; text && i < COUNT_OF(kind_names); i++)
        if (strcmp(text, kind_names[i]) == 0) {
            *kind = (enum number_request_kind)i;
            return ERR_OK;
        }
    return fail_set(f, ERR_FIELD_RANGE, "request", NULL);
}

static void add_code(struct buf *b, struct resident_code code)
{
    char text[RESIDENT_CODE_TEXT_SIZE];
    json_add_text(b, "resident_code", str_of(resident_code_REVEAL(code, text)));
}

static enum err send(struct flow *flow, struct db_tx *tx, struct fail *f, const char *destination,
                     uint16_t kind, struct buf *body)
{
    enum err e = buf_check(body, f, "body");
    if (!e) {
        struct link_send sending = {.destination = destination, .kind = kind, .body = buf_str(body)};
        e = link_send(flow->link, tx, f, &sending, NULL); /* no source: its outcome is not the change's */
    }
    buf_release(body);
    return e;
}

enum err number_request(struct flow *flow, struct db_tx *tx, struct fail *f, struct resident_code code,
                        enum number_request_kind kind, int64_t change)
{
    struct buf body;
    assert((size_t)kind < COUNT_OF(kind_names));
    buf_init(&body, BODY_MAX);
    json_begin(&body, NULL, '{');
    add_code(&body, code);
    json_add_text(&body, "request", str_of(kind_names[kind]));
    json_add_int(&body, "change", change);
    json_end(&body, '}');
    return send(flow, tx, f, "agency", LINK_KIND_NUMBER_REQUEST, &body);
}

static enum err answer(struct flow *flow, struct db_tx *tx, struct fail *f, const char *cs,
                       struct resident_code code, struct individual_number number, int64_t change)
{
    struct buf body;
    char text[INDIVIDUAL_NUMBER_TEXT_SIZE];
    buf_init(&body, BODY_MAX);
    json_begin(&body, NULL, '{');
    add_code(&body, code);
    json_add_text(&body, "individual_number", str_of(individual_number_REVEAL(number, text)));
    json_add_int(&body, "change", change);
    json_end(&body, '}');
    return send(flow, tx, f, cs, LINK_KIND_NUMBER_NOTICE, &body);
}

enum err number_may_ask(struct flow *flow, struct db_tx *tx, struct fail *f, struct area_code municipality,
                        struct resident_code code, enum number_request_kind kind)
{
    struct area_code designated = {0};
    bool lives = false, known = false;
    enum err e = flow->code_designated(tx, f, code, &designated);
    if (!e && designated.value == municipality.value)
        return ERR_OK;
    if (!e)
        e = store_code_lives(tx, f, code, municipality, &lives);
    if (!e && !lives && !designated.value)
        e = store_code_known(tx, f, code, &known);
    if (e || lives || (!known && !designated.value))
        return e;
    return fail_set(f, kind == NUMBER_NEW ? ERR_SCOPE : ERR_EPISODE_UNKNOWN, "resident_code", NULL);
}

static enum err apply_request(void *app, struct db_tx *tx, const struct link_notice *n, struct fail *f)
{
    struct resident_code code = {0};
    struct individual_number number = {0};
    enum number_request_kind kind = NUMBER_NEW;
    int64_t change = 0;
    enum err e = flow_body_code(f, n->body, "resident_code", &code);
    if (!e)
        e = kind_parse(f, n->body, &kind);
    if (!e)
        e = json_member_int(f, n->body, "change", 0, CHANGE_MOST, &change);
    if (!e)
        e = number_may_ask(app, tx, f, (struct area_code){n->origin.area}, code, kind);
    if (!e)
        e = number_generate(app, tx, f, code, kind, n->id, &number);
    return e ? e : answer(app, tx, f, n->origin.text, code, number, change);
}

struct number_notice {
    struct resident_code code;
    struct individual_number number;
    int64_t change;
};

static enum err read_notice(struct fail *f, const struct json *body, struct number_notice *out)
{
    const struct json *value = json_get(body, "individual_number");
    enum err e = flow_body_code(f, body, "resident_code", &out->code);
    if (!e && !json_is(value, JSON_STRING))
        e = fail_set(f, ERR_FIELD_MISSING, "individual_number", NULL);
    if (!e)
        e = individual_number_parse(f, json_str(value), &out->number);
    if (!e)
        e = json_member_int(f, body, "change", 0, CHANGE_MOST, &out->change);
    return e;
}

static enum err apply_notice(void *app, struct db_tx *tx, const struct link_notice *n, struct fail *f)
{
    struct flow *flow = app;
    struct number_notice notice;
    enum err e = read_notice(f, n->body, &notice);
    if (!e)
        e = flow->number_arrived(flow, tx, f, notice.code, notice.number);
    if (!e && flow->door)
        e = flow->door->number(flow->door_self, tx, f, notice.code, notice.number, notice.change);
    return e;
}

/* Its notice may have come before: then the store says enough. */
static enum err await_again(struct db_tx *tx, struct fail *f, struct resident_code code,
                            struct individual_number first)
{
    bool named = false;
    enum err e = store_number_named(tx, f, code, first, &named);
    if (e || named)
        return e;
    return db_exec(tx, f, &sql_flow_number_awaited_add, DB(db_int(code.value)), NULL);
}

/* A restored agency learns again what it gave out, before it gives it to anybody else. */
static enum err recover_notice(void *app, struct db_tx *tx, const struct link_notice *n, struct fail *f)
{
    struct number_notice notice;
    struct individual_number first;
    enum err e = read_notice(f, n->body, &notice);
    if (!e)
        e = number_candidate(app, f, notice.code, GENERATION_FIRST, &first);
    if (e)
        return e;
    if (individual_number_equal(first, notice.number))
        return await_again(tx, f, notice.code, first);
    return db_exec(tx, f, &sql_flow_number_issued_add,
                   DB(db_int(notice.number.value), db_int(notice.code.value), db_int(NUMBER_GENERATED),
                      db_int(GENERATION_ELSEWHERE)),
                   NULL);
}

static size_t persons(const struct link_notice *n, int64_t codes[static LINK_PERSONS_MAX])
{
    return flow_person_add(n->body, "resident_code", codes, 0);
}

const struct link_kind number_request_at_cs = {.kind = LINK_KIND_NUMBER_REQUEST, .apply = flow_not_received};
const struct link_kind number_request_at_agency = {
    .kind = LINK_KIND_NUMBER_REQUEST, .scope = flow_scope_cs, .persons = persons, .apply = apply_request};
const struct link_kind number_notice_at_agency = {
    .kind = LINK_KIND_NUMBER_NOTICE, .apply = flow_not_received, .recover = recover_notice};
const struct link_kind number_notice_at_cs = {
    .kind = LINK_KIND_NUMBER_NOTICE, .scope = flow_scope_agency, .persons = persons, .apply = apply_notice};
