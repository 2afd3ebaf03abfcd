/* SPDX-License-Identifier: Apache-2.0 */
#include "program/node_config.h"

#include "base/file.h"

#include <stdio.h>
#include <sys/stat.h>

#define AT_TEXT(m) CONFIG_TEXT_AT(struct node_config, m)
#define AT_PATH(m) CONFIG_PATH_AT(struct node_config, m)

static const struct config_row rows[] = {
    {.key = "node",
     AT_TEXT(node),
     .example = "cs.282049",
     .help = "This computer's name in the network directory."},
    {.key = "database",
     AT_TEXT(database),
     .standard = "data/juki.db",
     .help = "Where the records are: a file of SQLite, or postgresql://... for PostgreSQL."},
    {.key = "control",
     AT_PATH(control),
     .standard = "run/control.sock",
     .help = "Unix socket through which the juki command asks for status and gives orders."},
    {.key = "link.listen",
     AT_TEXT(listen),
     .standard = "",
     .help = "Address and port of the dedicated protocol."},
    {.key = "link.tls_key",
     AT_TEXT(tls_key),
     .standard = "file:keys/tls.key",
     .help = "Private key of the TLS certificate: file:PATH or a pkcs11: URI."},
    {.key = "link.tls_certificate",
     AT_PATH(tls_certificate),
     .standard = "keys/tls.pem",
     .help = "TLS certificate issued by the agency."},
    {.key = "link.signing_key",
     AT_TEXT(signing_key),
     .standard = "file:keys/signing.key",
     .help = "Ed25519 key that signs batches, receipts and the heads of the log."},
    {.key = "link.directory",
     AT_PATH(directory),
     .standard = "directory.jws",
     .help = "The signed network directory."},
    {.key = "link.roots",
     CONFIG_LIST_AT(struct node_config, roots),
     .standard = "",
     .least = 0,
     .most = 8,
     .help = "Root keys (base64url) that may sign the directory."},
    {.key = "ledger.head_interval",
     CONFIG_DURATION_AT(struct node_config, head_interval),
     .standard = "10s",
     .least = 1,
     .most = 3600,
     .help = "How often the head of the log is signed and shown to the upper server."},
    {.key = "disk.least_percent",
     CONFIG_INT_AT(struct node_config, disk_least),
     .standard = "10",
     .least = 0,
     .most = 50,
     .help = "Below this share of free disk no new work is taken; 0: the disk is not watched."},
    {.key = "number.key",
     AT_TEXT(number_key),
     .standard = "",
     .help = "The agency's key for Individual Numbers (FF1, hexadecimal file)."},
    {.key = "number.code_key",
     AT_TEXT(code_key),
     .standard = "",
     .help = "The agency's key for the order of resident codes (FF1, hexadecimal file)."},
    {.key = "stock.codes",
     CONFIG_INT_AT(struct node_config, stock),
     .standard = "10000",
     .least = 100,
     .most = 2000000,
     .help = "How many resident codes a CS asks for at a time."},
    {.key = "door.listen",
     AT_TEXT(door_listen),
     .standard = "",
     .help = "Address and port of the register's door."},
    {.key = "door.folder",
     AT_TEXT(door_folder),
     .standard = "",
     .help = "Watched folder that takes the same changes as files; empty for none."},
    {.key = "door.url", AT_TEXT(door_url), .standard = "", .help = "A register's CS: https://HOST:PORT."},
    {.key = "supplement.create",
     CONFIG_BOOL_AT(struct node_config, supplement_create),
     .standard = "true",
     .help = "A register: a notice about a supplement makes the family register and the person it names; "
             "false: only "
             "loaded ones are known."},
    {.key = "door.tls_key",
     AT_TEXT(door_tls_key),
     .standard = "file:keys/door.key",
     .help = "Private key of the door's certificate."},
    {.key = "door.tls_certificate",
     AT_PATH(door_tls_certificate),
     .standard = "keys/door.pem",
     .help = "Certificate of the door (CS) or of the register."},
    {.key = "door.ca",
     AT_PATH(door_ca),
     .standard = "keys/door-ca.pem",
     .help = "The municipality's own CA for the door and its registers."},
};

const struct config_table node_config_table = {rows, COUNT_OF(rows), sizeof(struct node_config)};

/* "file:keys/x" relative to the configuration's folder. */
static enum err resolve(struct fail *f, struct arena *a, const char *folder, struct str prefix,
                        struct str *value)
{
    if (value->n == 0 || !str_starts(*value, prefix) || (value->n > prefix.n && value->p[prefix.n] == '/'))
        return ERR_OK;
    *value = arena_format(a, "%.*s%s/%s", STR_ARG(prefix), folder, value->p + prefix.n);
    return value->p ? ERR_OK : fail_set(f, ERR_MEMORY, "config", NULL);
}

static enum err resolve_all(struct fail *f, struct arena *a, const char *folder, struct node_config *c)
{
    struct str *const keys[] = {&c->tls_key, &c->signing_key, &c->number_key, &c->code_key, &c->door_tls_key};
    enum err e = ERR_OK;
    for (size_t i = 0; i < COUNT_OF(keys) && !e; i++)
        e = resolve(f, a, folder, STR("file:"), keys[i]);
    if (!e && !str_starts(c->database, STR("postgresql:")))
        e = resolve(f, a, folder, STR(""), &c->database);
    return e ? e : resolve(f, a, folder, STR(""), &c->door_folder);
}

enum err node_config_load(struct fail *f, const char *path, struct arena *a, struct node_config *out)
{
    struct stat st;
    struct str file = arena_copy(a, str_of(path)), folder;
    if (file.p && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        file = arena_format(a, "%s/juki.yaml", path);
    if (!file.p)
        return fail_set(f, ERR_MEMORY, "config", NULL);
    const char *slash = strrchr(file.p, '/');
    folder = slash ? arena_format(a, "%.*s", (int)(slash - file.p), file.p) : arena_copy(a, STR("."));
    if (!folder.p)
        return fail_set(f, ERR_MEMORY, "config", NULL);
    enum err e = config_load(f, &node_config_table, file.p, a, out);
    return e ? e : resolve_all(f, a, folder.p, out);
}

const char *node_config_disk(const struct node_config *c, const char *folder)
{
    return str_starts(c->database, STR("postgres")) ? folder : c->database.p;
}
