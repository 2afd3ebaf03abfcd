/* SPDX-License-Identifier: Apache-2.0 */
#include "small_server.h"

#include "network_sql.h"
#include "test_key.h"

#include <stdio.h>
#include <unistd.h>

static const struct db_module *const modules[] = {&ledger_module, &network_module};
static const char node[] = "cs.282049";
static struct key *key;
static uint8_t public_key[ED25519_PUBLIC];

void small_server_install(void)
{
    key = test_key_new(public_key);
}

void small_server_uninstall(void)
{
    key_free(key);
}

static void broken(void *arg UNUSED, const struct fail *f UNUSED)
{
    _exit(SMALL_SERVER_ENDED);
}

enum err small_server_begin(struct small_server *s, struct fail *f, const char *folder)
{
    char path[128];
    snprintf(path, sizeof path, "%s/server.db", folder);
    *s = (struct small_server){NULL, NULL};
    enum err e = db_open(f, path, modules, COUNT_OF(modules), &s->db);
    if (!e)
        db_on_broken(s->db, broken, NULL);
    return e ? e : ledger_open(f, s->db, node, key, &s->ledger);
}

void small_server_finish(struct small_server *s)
{
    db_close(s->db);
    ledger_free(s->ledger);
}

enum err small_change_fn(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct small_change *c = arg;
    char id[32];
    snprintf(id, sizeof id, "change %lld", (long long)c->number);
    enum err e =
        db_exec(tx, f, &sql_network_own_add, DB(db_text(str_of(id)), db_int(c->number), db_int(1)), NULL);
    for (int64_t i = 0; !e && i < c->entries; i++)
        e = ledger_append(c->server->ledger, tx, f, LEDGER_OPERATION, str_of(id), STR("{}"), NULL);
    return e;
}

static enum err count_fn(struct db_tx *tx, struct fail *f, void *arg)
{
    struct db_rows rows;
    db_query(tx, &rows, &sql_network_own_count, DB_NONE);
    if (db_next(&rows))
        *(int64_t *)arg = db_row_int(&rows, 0);
    return db_done(&rows, f);
}

enum err small_server_count(struct small_server *s, struct fail *f, int64_t *out)
{
    return db_read(s->db, f, count_fn, out);
}

static void finding(void *arg, const struct ledger_finding *found)
{
    snprintf(arg, 200, "finding %d at %llu: %s", (int)found->kind, (unsigned long long)found->first,
             found->detail);
}

static enum err prove(struct small_server *s, struct fail *f, char wrong[static 200])
{
    struct ledger_verify_result result;
    return ledger_verify(
        f, s->db, node,
        &(struct ledger_verify_options){.public_key = public_key, .report = finding, .arg = wrong}, &result);
}

bool small_server_look(const char *folder, int64_t changes, int64_t entries, char wrong[static 200])
{
    struct small_server s;
    struct fail f = {0};
    int64_t count = 0;
    wrong[0] = 0;
    if (small_server_begin(&s, &f, folder) || small_server_count(&s, &f, &count) || prove(&s, &f, wrong))
        snprintf(wrong, 200, "%s %.150s", err_row(f.err)->name, f.detail);
    else if (!wrong[0] && (count != changes || ledger_size(s.ledger) != (uint64_t)entries))
        snprintf(wrong, 200, "%lld changes of %lld, %llu entries of %lld", (long long)count,
                 (long long)changes, (unsigned long long)ledger_size(s.ledger), (long long)entries);
    small_server_finish(&s);
    return !wrong[0];
}
