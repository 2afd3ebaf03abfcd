/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow.h"

enum err flow_not_received(void *app UNUSED, struct db_tx *tx UNUSED, const struct link_notice *n UNUSED,
                           struct fail *f)
{
    return fail_set(f, ERR_PERMISSION, "kind", "this node only sends it");
}

enum err flow_scope_agency(void *app UNUSED, const struct link_notice *n, struct fail *f)
{
    if (n->origin.role != NODE_AGENCY || n->sender.role != NODE_AGENCY)
        return fail_set(f, ERR_SCOPE, "origin", "only the agency says this");
    return ERR_OK;
}

enum err flow_scope_cs(void *app UNUSED, const struct link_notice *n, struct fail *f)
{
    if (n->origin.role != NODE_CS || !node_name_equal(&n->origin, &n->sender))
        return fail_set(f, ERR_SCOPE, "origin", "only a CS asks this, for itself");
    return ERR_OK;
}

enum err flow_body_code(struct fail *f, const struct json *object, const char *field,
                        struct resident_code *out)
{
    const struct json *value = json_get(object, field);
    if (!value)
        return fail_set(f, ERR_FIELD_MISSING, field, NULL);
    if (!json_is(value, JSON_STRING))
        return fail_set(f, ERR_FIELD_TYPE, field, NULL);
    return resident_code_parse(f, json_str(value), out);
}

size_t flow_person_add(const struct json *object, const char *field, int64_t codes[static LINK_PERSONS_MAX],
                       size_t count)
{
    struct resident_code code = {0};
    if (count >= LINK_PERSONS_MAX || flow_body_code(NULL, object, field, &code))
        return count;
    codes[count] = code.value;
    return count + 1;
}
