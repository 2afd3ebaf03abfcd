/* SPDX-License-Identifier: Apache-2.0 */
#include "link/node_name.h"

#include <stdio.h>

static const struct {
    const char *name;
    size_t digits; /* of the area that follows the dot; 0 when the name stands alone */
} roles[NODE_ROLES] = {
    [NODE_AGENCY] = {"agency", 0}, [NODE_PREFECTURE] = {"prefecture", 2}, [NODE_CS] = {"cs", 6},
    [NODE_LINKAGE] = {"linkage", 0}, [NODE_REGISTER] = {"register", 6},
};

static bool area_parse(struct str digits, size_t want, int32_t *area)
{
    uint64_t value = 0;
    if (want == 0) {
        *area = 0;
        return digits.p == NULL;
    }
    if (digits.n != want || !str_to_uint(digits, 479999, &value))
        return false;
    *area = (int32_t)value;
    uint64_t prefecture = want == 2 ? value : value / 10000;
    return prefecture >= 1 && prefecture <= 47;
}

enum err node_name_parse(struct fail *f, struct str text, struct node_name *out)
{
    struct str rest = text, role = {NULL, 0};
    struct node_name n = {.area = 0};
    if (text.n == 0 || text.n >= sizeof n.text || !str_cut(&rest, '.', &role))
        return fail_set(f, ERR_NODE_NAME, "node", NULL);
    for (int i = 0; i < NODE_ROLES; i++) {
        if (!str_equal(role, str_of(roles[i].name)) || !area_parse(rest, roles[i].digits, &n.area))
            continue;
        memcpy(n.text, text.p, text.n);
        n.role = (enum node_role)i;
        *out = n;
        return ERR_OK;
    }
    return fail_set(f, ERR_NODE_NAME, "node", NULL);
}

const char *node_role_name(enum node_role role)
{
    return roles[role].name;
}

int32_t node_name_prefecture(const struct node_name *n)
{
    return n->area > 47 ? n->area / 10000 : n->area;
}

bool node_name_equal(const struct node_name *a, const struct node_name *b)
{
    return strcmp(a->text, b->text) == 0;
}
