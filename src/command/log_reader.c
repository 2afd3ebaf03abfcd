/* SPDX-License-Identifier: Apache-2.0 */
#include "command/log_reader.h"

#include "base/clock.h"
#include "base/file.h"
#include "command/node_process.h"
#include "link/link.h"
#include "program/node_config.h"

enum { NOTE_MAX = 256 * 1024, CONFIG_MEMORY = 1024 * 1024 };

enum err log_reader_open(struct fail *f, const struct network_node *node, struct db **out)
{
    static const struct db_module *const modules[] = {&ledger_module, &link_module};
    struct node_config config;
    struct arena a;
    arena_init(&a, CONFIG_MEMORY);
    enum err e = node_config_load(f, node->folder.p, &a, &config);
    bool file = !e && !str_starts(config.database, STR("postgresql:"));
    if (file && !file_exists(config.database.p))
        e = fail_set(f, ERR_NOT_FOUND, node->name.text, "it has no log yet: it never ran");
    if (!e)
        e = db_open_reader(f, config.database.p, modules, COUNT_OF(modules), out);
    arena_release(&a);
    return e;
}

/* What the upper server keeps; nothing when it never ran or has not seen a head yet. */
static enum err read_kept(struct fail *f, const struct network_node *upper, const struct network_node *node,
                          struct buf *note)
{
    struct db *db = NULL;
    enum err e = log_reader_open(f, upper, &db);
    if (!e)
        e = ledger_kept_note(f, db, node->name.text, note);
    db_close(db);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err key_of(struct fail *f, const struct directory *d, const struct network_node *node,
                       const struct directory_key **out)
{
    const struct directory_node *entry = directory_find(d, str_of(node->name.text));
    *out = entry ? directory_key_at(entry, clock_now()) : NULL;
    return *out ? ERR_OK : fail_set(f, ERR_NODE_UNKNOWN, NULL, "%s", node->name.text);
}

struct verification {
    struct directory *directory;
    struct db *db;
    struct buf kept;
};

static enum err prepare(struct fail *f, const struct network *n, const struct network_node *node,
                        struct verification *v, struct ledger_verify_options *options)
{
    const struct network_node *upper = network_upper(n, node);
    const struct directory_key *own = NULL, *above = NULL;
    enum err e = network_read_directory(f, n, &v->directory);
    if (!e)
        e = key_of(f, v->directory, node, &own);
    if (!e && upper)
        e = key_of(f, v->directory, upper, &above);
    if (!e && upper)
        e = read_kept(f, upper, node, &v->kept);
    if (e)
        return e;
    options->public_key = own->public_key;
    if (v->kept.n) {
        options->kept_note = buf_str(&v->kept);
        options->upper_node = upper->name.text;
        options->upper_public_key = above->public_key;
    }
    return ERR_OK;
}

enum err log_reader_verify(struct fail *f, const struct network *n, const struct network_node *node,
                           void (*report)(void *arg, const struct ledger_finding *),
                           void (*progress)(void *arg, uint64_t done, uint64_t total), void *arg, bool *upper_seen,
                           struct ledger_verify_result *out)
{
    struct verification v = {.directory = NULL};
    struct ledger_verify_options options = {
        .stopped = node_pid(node) == 0, .report = report, .progress = progress, .arg = arg};
    buf_init(&v.kept, NOTE_MAX);
    enum err e = prepare(f, n, node, &v, &options); /* the kept head before the log, which may grow meanwhile */
    if (!e)
        e = log_reader_open(f, node, &v.db);
    if (!e)
        e = link_entries_referenced(f, v.db, &options.referenced); /* before the log, which may grow meanwhile */
    if (!e)
        e = ledger_verify(f, v.db, node->name.text, &options, out);
    if (!e && upper_seen)
        *upper_seen = v.kept.n > 0;
    db_close(v.db);
    directory_unref(v.directory);
    buf_release(&v.kept);
    return e;
}
