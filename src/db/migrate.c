/* SPDX-License-Identifier: Apache-2.0 */
/* Brings the schema to what the modules of this program know.
 *
 * Each migration runs in a transaction of its own together with its row in db_schema, so a crash leaves a
 * migration done or not begun. Applied numbers are 1, 2 ... without gap and with the names this program
 * knows; more than this program knows is ERR_DB_NEWER. Modules in the file that this program does not know
 * are left alone. */
#include "db/backend.h"
#include "db/db_sql.h"

#include "base/clock.h"
#include "base/fault.h"

static enum err gap(struct fail *f, const struct db_module *module, int64_t number)
{
    return fail_set(f, ERR_DB_MIGRATION, NULL, "%s: number %lld is out of order", module->name,
                    (long long)number);
}

static enum err check_applied(struct fail *f, struct db_rows *rows, const struct db_module *module,
                              size_t *applied)
{
    size_t seen = 0;
    while (db_next(rows)) {
        int64_t number = db_row_int(rows, 0);
        if (number != (int64_t)++seen)
            return gap(f, module, number);
        if (seen <= module->migration_count &&
            !str_equal(db_row_text(rows, 1), str_of(module->migrations[seen - 1].name)))
            return fail_set(f, ERR_DB_MIGRATION, NULL, "%s: number %zu was another one", module->name, seen);
    }
    *applied = seen;
    if (seen > module->migration_count)
        return fail_set(f, ERR_DB_NEWER, NULL, "%s: the database has %zu, this program knows %zu",
                        module->name, seen, module->migration_count);
    return ERR_OK;
}

static enum err count_applied(struct fail *f, struct db_tx *tx, const struct db_module *module,
                              size_t *applied)
{
    struct db_rows rows;
    db_query(tx, &rows, &sql_db_schema_list, DB(db_text(str_of(module->name))));
    struct fail own = {0};
    enum err e = check_applied(&own, &rows, module, applied), step = db_done(&rows, f);
    if (e && !step && f)
        *f = own;
    return step ? step : e;
}

static enum err apply_inside(struct fail *f, struct db *db, const struct db_module *module,
                             const struct db_migration *m)
{
    struct db_tx tx = {.db = db, .conn = db->writer};
    bool postgres = db->backend == &db_postgres;
    enum err e = db->backend->script(db->writer, f, postgres ? m->postgres : m->sqlite);
    if (e)
        return e;
    FAULT_POINT("in_migration");
    return db_exec(
        &tx, f, &sql_db_schema_add,
        DB(db_text(str_of(module->name)), db_int(m->number), db_text(str_of(m->name)), db_int(clock_now())),
        NULL);
}

static enum err apply(struct fail *f, struct db *db, const struct db_module *module,
                      const struct db_migration *m)
{
    enum err e = db->backend->control(db->writer, f, DB_BEGIN);
    if (e)
        return e;
    e = apply_inside(f, db, module, m);
    if (!e)
        e = db->backend->control(db->writer, f, DB_COMMIT);
    if (e && db->backend->in_transaction(db->writer)) {
        struct fail ignored;
        (void)!db->backend->control(db->writer, &ignored, DB_ROLLBACK);
    }
    return e;
}

static enum err migrate_module(struct fail *f, struct db *db, const struct db_module *module)
{
    struct db_tx tx = {.db = db, .conn = db->writer};
    size_t applied = 0;
    enum err e = count_applied(f, &tx, module, &applied);
    for (size_t i = applied; !e && i < module->migration_count; i++) {
        if (module->migrations[i].number != (int)i + 1)
            return gap(f, module, module->migrations[i].number);
        e = apply(f, db, module, &module->migrations[i]);
    }
    return e;
}

enum err db_migrate(struct fail *f, struct db *db)
{
    struct db_tx tx = {.db = db, .conn = db->writer};
    enum err e = db_exec(&tx, f, &sql_db_schema_create, DB_NONE, NULL);
    for (size_t i = 0; !e && i < db->module_count; i++)
        e = migrate_module(f, db, db->modules[i]);
    return e;
}

static enum err check_modules(struct db_tx *tx, struct fail *f, void *arg)
{
    struct db *db = arg;
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < db->module_count; i++) {
        size_t applied = 0;
        e = count_applied(f, tx, db->modules[i], &applied);
        if (!e && applied < db->modules[i]->migration_count)
            e = fail_set(f, ERR_DB_MIGRATION, NULL, "%s: the server must start once with this program",
                         db->modules[i]->name);
    }
    return e;
}

enum err db_check_schema(struct fail *f, struct db *db)
{
    return db_read(db, f, check_modules, db);
}

struct applied {
    const struct db_module *module;
    size_t count;
};

static enum err read_applied(struct db_tx *tx, struct fail *f, void *arg)
{
    struct applied *a = arg;
    return count_applied(f, tx, a->module, &a->count);
}

enum err db_schema_applied(struct fail *f, struct db *db, const struct db_module *module, int64_t *out)
{
    struct applied a = {.module = module};
    enum err e = db_read(db, f, read_applied, &a);
    if (!e)
        *out = (int64_t)a.count;
    return e;
}

/* Prepares all on one connection; the name of the statement stands in the detail. */
static enum err prepare_each(struct db_tx *tx, struct fail *f, void *arg)
{
    struct db *db = arg;
    for (size_t i = 0; i < db->module_count; i++)
        for (size_t k = 0; k < db->modules[i]->stmt_count; k++) {
            enum err e = db->backend->prepare(tx->conn, f, db->modules[i]->stmts[k]);
            if (e)
                return e;
        }
    return ERR_OK;
}

enum err db_prepare_all(struct fail *f, struct db *db)
{
    return db_transaction(db, f, prepare_each, db);
}
