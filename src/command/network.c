/* SPDX-License-Identifier: Apache-2.0 */
/* Which servers a network has: network.json read and written, and municipalities added to it.
 *
 *     {"juki_network":1,"demo":false,"sockets":"","postgresql":"","disk_least":-1,"next_port":7007,
 *      "nodes":[{"name":"cs.282049","port":7003,"door_port":7004},...]}
 *
 * A node's folder and socket follow from its name, so that a network can be moved to another place. */
#include "command/network.h"

#include "base/file.h"
#include "base/json.h"
#include "identity/area_code.h"

enum { NETWORK_FILE_MAX = 4 * 1024 * 1024, FORM = 1 };

enum err network_path(struct fail *f, struct arena *a, struct str folder, const char *name, struct str *out)
{
    *out = arena_format(a, "%.*s/%s", STR_ARG(folder), name);
    return out->p ? ERR_OK : fail_set(f, ERR_MEMORY, "path", NULL);
}

static enum err place_node(struct fail *f, const struct network *n, struct arena *a,
                           struct network_node *node)
{
    enum err e = network_path(f, a, n->folder, node->name.text, &node->folder);
    if (e)
        return e;
    if (n->sockets.n)
        node->control = arena_format(a, "%.*s/%s.sock", STR_ARG(n->sockets), node->name.text);
    else
        node->control = arena_format(a, "%.*s/run/control.sock", STR_ARG(node->folder));
    return node->control.p ? ERR_OK : fail_set(f, ERR_MEMORY, "path", NULL);
}

/* ---- reading */

static enum err read_node(struct fail *f, const struct network *n, struct arena *a, const struct json *tree,
                          struct network_node *node)
{
    struct str name = {NULL, 0};
    enum err e = json_member_text(f, tree, "name", a, &name);
    if (!e)
        e = node_name_parse(f, name, &node->name);
    if (!e)
        e = json_member_int(f, tree, "port", 0, 65535, &node->port);
    if (!e)
        e = json_member_int(f, tree, "door_port", 0, 65535, &node->door_port);
    return e ? e : place_node(f, n, a, node);
}

static enum err read_nodes(struct fail *f, struct network *n, struct arena *a, const struct json *tree)
{
    const struct json *list, *item;
    size_t i;
    enum err e = json_member_array(f, tree, "nodes", &list);
    if (e)
        return e;
    if (json_count(list) > NETWORK_NODES_MAX)
        return fail_set(f, ERR_LIMIT, "nodes", "%d", NETWORK_NODES_MAX);
    n->nodes = arena_alloc(a, NETWORK_NODES_MAX * sizeof *n->nodes);
    if (!n->nodes)
        return fail_set(f, ERR_MEMORY, "network", NULL);
    JSON_EACH_AT(list, i, item)
    {
        e = read_node(f, n, a, item, &n->nodes[i]);
        if (e)
            return e;
    }
    n->count = json_count(list);
    return ERR_OK;
}

enum err network_set_postgresql(struct fail *f, struct network *n, struct arena *a, struct str url)
{
    static const struct str scheme = {"://", 3};
    const char *at = url.n ? memrchr(url.p, '@', url.n) : NULL;
    const char *user = at ? memmem(url.p, url.n, scheme.p, scheme.n) : NULL, *end = url.p + url.n;
    const char *colon =
        user && user < at ? memchr(user + scheme.n, ':', (size_t)(at - user) - scheme.n) : NULL;
    n->postgresql_secret = url;
    n->postgresql = url;
    if (!colon)
        return ERR_OK;
    n->postgresql = arena_format(a, "%.*s%.*s", (int)(colon - url.p), url.p, (int)(end - at), at);
    return n->postgresql.p ? ERR_OK : fail_set(f, ERR_MEMORY, "postgresql", NULL);
}

static enum err read_network(struct fail *f, struct arena *a, const struct json *tree, struct network *n)
{
    int64_t form;
    enum err e;
    if ((e = json_member_int(f, tree, "juki_network", FORM, FORM, &form)) ||
        (e = json_member_bool_maybe(f, tree, "demo", &n->demo)) ||
        (e = json_member_text(f, tree, "sockets", a, &n->sockets)) ||
        (e = json_member_text(f, tree, "postgresql", a, &n->postgresql)) ||
        (e = network_set_postgresql(f, n, a, n->postgresql)) ||
        (e = json_member_int(f, tree, "disk_least", -1, 50, &n->disk_least)) ||
        (e = json_member_int(f, tree, "next_port", 1, 65536, &n->next_port)))
        return e;
    return read_nodes(f, n, a, tree);
}

enum err network_load(struct fail *f, const char *folder, struct arena *a, struct network *out)
{
    struct network n = {.disk_least = -1};
    struct buf text;
    struct str path;
    struct json *tree = NULL;
    char *absolute = realpath(folder, NULL);
    if (!absolute)
        return fail_set(f, ERR_NETWORK_NONE, NULL, "%.120s", folder);
    n.folder = arena_copy(a, str_of(absolute));
    free(absolute);
    buf_init(&text, NETWORK_FILE_MAX);
    enum err e = n.folder.p ? network_path(f, a, n.folder, "network.json", &path)
                            : fail_set(f, ERR_MEMORY, NULL, NULL);
    if (!e)
        e = file_read(f, path.p, &text);
    if (e == ERR_NOT_FOUND)
        e = fail_set(f, ERR_NETWORK_NONE, NULL, "%.120s", folder);
    if (!e)
        e = json_read(f, buf_str(&text), &tree);
    if (!e)
        e = read_network(f, a, tree, &n);
    json_free(tree);
    buf_release(&text);
    if (!e)
        *out = n;
    return e;
}

/* ---- writing */

enum err network_save(struct fail *f, const struct network *n)
{
    char path[NETWORK_PATH_MAX];
    struct buf b;
    buf_init(&b, NETWORK_FILE_MAX);
    json_begin(&b, NULL, '{');
    json_add_int(&b, "juki_network", FORM);
    json_add_bool(&b, "demo", n->demo);
    json_add_text(&b, "sockets", n->sockets);
    json_add_text(&b, "postgresql", n->postgresql);
    json_add_int(&b, "disk_least", n->disk_least);
    json_add_int(&b, "next_port", n->next_port);
    json_begin(&b, "nodes", '[');
    for (size_t i = 0; i < n->count; i++) {
        buf_add_str(&b, i ? STR(",\n") : STR("\n"));
        struct buf line;
        buf_init(&line, 512);
        json_begin(&line, NULL, '{');
        json_add_text(&line, "name", str_of(n->nodes[i].name.text));
        json_add_int(&line, "port", n->nodes[i].port);
        json_add_int(&line, "door_port", n->nodes[i].door_port);
        json_end(&line, '}');
        buf_add_str(&b, buf_str(&line));
        buf_release(&line);
    }
    buf_add_char(&b, '\n');
    json_end(&b, ']');
    json_end(&b, '}');
    buf_add_char(&b, '\n');
    enum err e = buf_check(&b, f, "network");
    if (!e && (size_t)snprintf(path, sizeof path, "%.*s/network.json", STR_ARG(n->folder)) >= sizeof path)
        e = fail_set(f, ERR_LIMIT, "path", NULL);
    if (!e)
        e = file_write(f, path, buf_str(&b), 0600);
    buf_release(&b);
    return e;
}

enum err network_find(struct fail *f, const struct network *n, const char *name,
                      const struct network_node **out)
{
    for (size_t i = 0; i < n->count; i++) {
        if (strcmp(n->nodes[i].name.text, name) == 0) {
            *out = &n->nodes[i];
            return ERR_OK;
        }
    }
    return fail_set(f, ERR_NODE_ABSENT, NULL, "%.60s", name);
}

enum err network_find_area(struct fail *f, const struct network *n, enum node_role role, const char *area,
                           const struct network_node **out)
{
    struct area_code code;
    char name[NODE_NAME_SIZE];
    enum err e = area_code_parse(f, str_of(area), &code);
    if (e)
        return e;
    struct area_code cs = area_code_cs(code); /* a ward's city */
    snprintf(name, sizeof name, "%s.%06d", node_role_name(role), (int)(cs.value ? cs.value : code.value));
    return network_find(f, n, name, out);
}

const struct network_node *network_upper(const struct network *n, const struct network_node *node)
{
    const struct network_node *upper = NULL;
    char name[NODE_NAME_SIZE];
    if (node->name.role != NODE_CS && node->name.role != NODE_PREFECTURE)
        return NULL;
    snprintf(name, sizeof name, "prefecture.%02d", (int)node_name_prefecture(&node->name));
    return network_find(NULL, n, node->name.role == NODE_CS ? name : "agency", &upper) ? NULL : upper;
}

/* ---- adding */

static int order(const void *a, const void *b)
{
    /* agency, prefecture, cs, linkage, register: the order of enum node_role is that of starting */
    const struct network_node *x = a, *y = b;
    if (x->name.role != y->name.role)
        return x->name.role < y->name.role ? -1 : 1;
    return x->name.area < y->name.area ? -1 : x->name.area > y->name.area;
}

static enum err add_node(struct fail *f, struct network *n, struct arena *a, const char *name, int ports)
{
    struct network_node node = {.port = 0};
    enum err e = node_name_parse(f, str_of(name), &node.name);
    if (!e)
        e = place_node(f, n, a, &node);
    if (e)
        return e;
    if (n->count == NETWORK_NODES_MAX)
        return fail_set(f, ERR_LIMIT, "nodes", "%d", NETWORK_NODES_MAX);
    if (n->next_port + ports > 65536)
        return fail_set(f, ERR_FIELD_RANGE, "port", "ports end at 65535");
    if (ports > 0)
        node.port = n->next_port++;
    if (ports > 1)
        node.door_port = n->next_port++;
    n->nodes[n->count++] = node;
    qsort(n->nodes, n->count, sizeof *n->nodes, order);
    return ERR_OK;
}

enum err network_add_agency(struct fail *f, struct network *n, struct arena *a)
{
    n->nodes = arena_alloc(a, NETWORK_NODES_MAX * sizeof *n->nodes);
    return n->nodes ? add_node(f, n, a, "agency", 1) : fail_set(f, ERR_MEMORY, "network", NULL);
}

enum err network_add_prefecture(struct fail *f, struct network *n, struct arena *a, struct str number)
{
    const struct network_node *there;
    char name[NODE_NAME_SIZE];
    uint64_t value;
    if (!str_to_uint(number, 47, &value) || value == 0 || number.n > 2)
        return fail_set(f, ERR_FIELD_RANGE, "prefecture", "%.*s is not 01 to 47",
                        (int)(number.n < 20 ? number.n : 20), number.p);
    snprintf(name, sizeof name, "prefecture.%02d", (int)value);
    return network_find(NULL, n, name, &there) ? add_node(f, n, a, name, 1) : ERR_OK;
}

static enum err check_municipality(struct fail *f, struct str text, struct area_code *code)
{
    enum err e = area_code_parse(f, text, code);
    if (e)
        return e;
    const struct area_row *row = area_code_find(*code);
    if (!row) /* says who took the code's place */
        return area_code_check_address(f, "municipality", *code);
    const struct area_row *city = row->city.value ? area_code_find(row->city) : NULL;
    if (city)
        return fail_set(f, ERR_AREA_WARD, "municipality", "%s %06d: %s is %06d", row->name, (int)code->value,
                        city->name, (int)city->code.value);
    if (row->type == AREA_PREFECTURE)
        return fail_set(f, ERR_AREA_NO_CS, "municipality", "%s: --prefecture %02d", row->name,
                        (int)(code->value / 10000));
    if (!row->runs_cs)
        return fail_set(f, ERR_AREA_NO_CS, "municipality", "%s %06d", row->name, (int)code->value);
    return ERR_OK;
}

enum err network_add_municipality(struct fail *f, struct network *n, struct arena *a, struct str text)
{
    const struct network_node *there;
    struct area_code code;
    char name[NODE_NAME_SIZE];
    enum err e = check_municipality(f, text, &code);
    if (e)
        return e;
    snprintf(name, sizeof name, "cs.%06d", (int)code.value);
    if (!network_find(NULL, n, name, &there))
        return fail_set(f, ERR_NETWORK_MEMBER, NULL, "%s", name);
    char prefecture[12];
    snprintf(prefecture, sizeof prefecture, "%02d", area_code_prefecture(code));
    e = network_add_prefecture(f, n, a, str_of(prefecture));
    if (!e)
        e = add_node(f, n, a, name, 2);
    snprintf(name, sizeof name, "register.%06d", (int)code.value);
    return e ? e : add_node(f, n, a, name, 0);
}
