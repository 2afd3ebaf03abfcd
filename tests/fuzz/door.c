/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that a register sends to a CS's door. The first line is "METHOD PATH AFTER", the rest the body. An
 * answer is JSON or telegrams; a request that is refused whole moves nothing on. */
#include "fuzz.h"

#include "door/door_inside.h"
#include "door_stage.h"

static struct door_stage stage;

static enum err read_mark(struct db_tx *tx, struct fail *f, void *arg)
{
    return door_mark_get(tx, f, DOOR_CHANGES, arg);
}

static int64_t mark(void)
{
    int64_t value = 0;
    struct fail f;
    assert(!db_read(stage.flow.db, &f, read_mark, &value));
    return value;
}

static void check_json(const struct door_request *r)
{
    struct json *tree = NULL;
    if (strncmp(r->content_type, "application/json", 16) != 0)
        return;
    assert(!r->out.broken && !json_read(NULL, buf_str(&r->out), &tree));
    json_free(tree);
}

void fuzz_target(struct str in)
{
    static bool started;
    const struct door_route *route = NULL;
    struct door_request r = {.wait = 0};
    struct fail f = {0};
    struct str head = {NULL, 0}, method = {NULL, 0}, path = {NULL, 0};
    uint64_t after = 0;
    if (!started)
        door_stage_open(&stage, false);
    started = true;
    if (!str_cut(&in, '\n', &head) || !str_cut(&head, ' ', &method) || !str_cut(&head, ' ', &path))
        return;
    if (door_route_find(&f, method, path, &route))
        return;
    if (str_to_uint(head.p ? head : STR(""), INT64_MAX, &after))
        f.err = ERR_OK;
    door_request_init(&r);
    r.after = (int64_t)after;
    if (in.p)
        buf_add_str(&r.body, in);
    int64_t before = mark();
    enum err e = route->answer(stage.door, &r, &f);
    if (e) {
        f.err = e;
        assert(mark() == before);
        door_request_fail(&r, &f);
    }
    check_json(&r);
    door_request_release(&r);
}
