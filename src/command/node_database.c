/* SPDX-License-Identifier: Apache-2.0 */
#include "command/node_database.h"

#include "base/file.h"
#include "db/db_files.h"
#include "door/door.h"
#include "flow/flow_wiring.h"
#include "register/register.h"

#include <libgen.h>

const struct db_module *const *node_modules(enum node_role role, size_t *count)
{
    static const struct db_module *const of_register[] = {&register_module};
    static const struct db_module *servers[4 + FLOW_MODULES];
    if (role == NODE_REGISTER) {
        *count = COUNT_OF(of_register);
        return of_register;
    }
    size_t n = 0;
    servers[n++] = &ledger_module;
    servers[n++] = &link_module;
    servers[n++] = &store_module;
    servers[n++] = &door_module;
    for (size_t i = 0; i < FLOW_MODULES; i++)
        servers[n++] = flow_modules[i];
    *count = n;
    return servers;
}

/* The folder is made when it went with the disk. */
static enum err find_path(struct fail *f, struct arena *a, struct node_database *out)
{
    char folder[PATH_MAX], real[PATH_MAX];
    snprintf(folder, sizeof folder, "%.*s", STR_ARG(out->config.database));
    enum err e = file_make_folder(f, dirname(folder));
    if (!e)
        e = db_files_real(f, out->config.database.p, real);
    if (e)
        return e;
    out->path = arena_copy(a, str_of(real));
    return out->path.p ? ERR_OK : fail_set(f, ERR_MEMORY, NULL, NULL);
}

enum err node_database_find(struct fail *f, const struct network_node *node, struct arena *a,
                            struct node_database *out)
{
    struct node_database d = {.path = STR("")};
    enum err e = node_config_load(f, node->folder.p, a, &d.config);
    if (e)
        return e;
    d.postgres =
        str_starts(d.config.database, STR("postgresql:")) || str_starts(d.config.database, STR("postgres:"));
    d.modules = node_modules(node->name.role, &d.module_count);
    if (!d.postgres)
        e = find_path(f, a, &d);
    if (!e)
        *out = d;
    return e;
}
