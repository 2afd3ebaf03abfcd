/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a network: keys, certificates and configurations.
 *
 * Keys are made where they are used and never copied; folders with secrets are 0700, the secrets 0600. TLS
 * keys are P-256 (every token has it), signing keys Ed25519. A municipality's door has a CA of its own, whose
 * key stays with its CS: the agency has no say in who may feed a city's CS. juki.yaml holds what differs from
 * the standard values only. */
#include "command/network.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "keys/certificate.h"
#include "keys/ff1.h"
#include "program/node_config.h"

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CA_DAYS = 3650, TEXT_MAX = 65536 };

/* "FOLDER/NAME" in a buffer of the caller's; ERR_LIMIT. */
static enum err join(struct fail *f, char out[static NETWORK_PATH_MAX], struct str folder, const char *name)
{
    int n = snprintf(out, NETWORK_PATH_MAX, "%.*s/%s", STR_ARG(folder), name);
    return n > 0 && n < NETWORK_PATH_MAX ? ERR_OK : fail_set(f, ERR_LIMIT, "path", NULL);
}

static enum err make_folder(struct fail *f, struct str folder, const char *name)
{
    char path[NETWORK_PATH_MAX];
    enum err e = join(f, path, folder, name);
    return e ? e : file_make_folder(f, path);
}

static enum err write_text(struct fail *f, struct str folder, const char *name, struct str text)
{
    char path[NETWORK_PATH_MAX];
    enum err e = join(f, path, folder, name);
    return e ? e : file_write(f, path, text, 0600);
}

static enum err make_key(struct fail *f, struct str folder, const char *name, enum key_kind kind)
{
    char path[NETWORK_PATH_MAX];
    enum err e = join(f, path, folder, name);
    return e ? e : key_create_file(f, path, kind);
}

static enum err open_key(struct fail *f, struct str folder, const char *name, struct key **out)
{
    char uri[NETWORK_PATH_MAX + 8];
    int n = snprintf(uri, sizeof uri, "file:%.*s/%s", STR_ARG(folder), name);
    if (n < 0 || (size_t)n >= sizeof uri)
        return fail_set(f, ERR_LIMIT, "path", NULL);
    return key_open(f, uri, out);
}

/* ---- authorities */

static enum err make_ca(struct fail *f, struct str folder, const char *key_name, const char *pem_name,
                        const char *title)
{
    struct key *key = NULL;
    struct buf pem;
    buf_init(&pem, TEXT_MAX);
    enum err e = make_key(f, folder, key_name, KEY_P256);
    if (!e)
        e = open_key(f, folder, key_name, &key);
    if (!e)
        e = certificate_make_ca(f, key, title, CA_DAYS, &pem);
    if (!e)
        e = write_text(f, folder, pem_name, buf_str(&pem));
    key_free(key);
    buf_release(&pem);
    return e;
}

enum err network_make_authority(struct fail *f, const struct network *n)
{
    char path[NETWORK_PATH_MAX];
    enum err e = join(f, path, n->folder, "authority");
    if (!e)
        e = file_make_folder(f, path);
    if (!e)
        e = make_key(f, str_of(path), "root.key", KEY_ED25519);
    return e ? e : make_ca(f, str_of(path), "ca.key", "ca.pem", "juki network authority");
}

/* ---- certificates */

struct issue {
    struct str ca_folder;
    const char *ca_key, *ca_pem;
    struct str folder; /* of the subject's key */
    const char *key, *pem;
    const char *const *names;
    size_t name_count;
    int days;
};

static enum err read_text(struct fail *f, struct str folder, const char *name, struct buf *out)
{
    char path[NETWORK_PATH_MAX];
    enum err e = join(f, path, folder, name);
    return e ? e : file_read(f, path, out);
}

static enum err issue(struct fail *f, const struct issue *i)
{
    struct key *ca = NULL, *subject = NULL;
    struct buf ca_pem, pem;
    buf_init(&ca_pem, TEXT_MAX);
    buf_init(&pem, TEXT_MAX);
    enum err e = open_key(f, i->ca_folder, i->ca_key, &ca);
    if (!e)
        e = read_text(f, i->ca_folder, i->ca_pem, &ca_pem);
    if (!e)
        e = open_key(f, i->folder, i->key, &subject);
    if (!e)
        e = certificate_issue(f, ca, buf_str(&ca_pem), subject, i->names, i->name_count, i->days, &pem);
    if (!e)
        e = write_text(f, i->folder, i->pem, buf_str(&pem));
    key_free(ca);
    key_free(subject);
    buf_release(&ca_pem);
    buf_release(&pem);
    return e;
}

/* Whose certificate for what: the link's by the network's CA, the door's by the municipality's. */
static void issuer(const struct network *n, const struct network_node *node, bool door, struct issue *i,
                   char ca_folder[static NETWORK_PATH_MAX])
{
    if (door)
        snprintf(ca_folder, NETWORK_PATH_MAX, "%.*s/cs.%06d/keys", STR_ARG(n->folder), (int)node->name.area);
    else
        snprintf(ca_folder, NETWORK_PATH_MAX, "%.*s/authority", STR_ARG(n->folder));
    i->ca_folder = str_of(ca_folder);
    i->ca_key = door ? "door-ca.key" : "ca.key";
    i->ca_pem = door ? "door-ca.pem" : "ca.pem";
}

static enum err issue_for(struct fail *f, const struct network *n, const struct network_node *node, bool door,
                          const char *key, const char *pem, int days)
{
    const char *const names[] = {node->name.text, "localhost", "127.0.0.1"};
    bool listens = door && node->name.role == NODE_CS; /* a door is called by address */
    char ca_folder[NETWORK_PATH_MAX], keys[NETWORK_PATH_MAX];
    struct issue i = {
        .key = key, .pem = pem, .names = names, .name_count = listens ? COUNT_OF(names) : 1, .days = days};
    enum err e = join(f, keys, node->folder, "keys");
    i.folder = str_of(keys);
    issuer(n, node, door, &i, ca_folder);
    return e ? e : issue(f, &i);
}

static enum err make_pair(struct fail *f, const struct network *n, const struct network_node *node, bool door,
                          int days)
{
    enum err e = make_key(f, node->folder, door ? "keys/door.key" : "keys/tls.key", KEY_P256);
    return e ? e
             : issue_for(f, n, node, door, door ? "door.key" : "tls.key", door ? "door.pem" : "tls.pem",
                         days);
}

/* ---- renewing */

static enum err read_serial(struct fail *f, struct str folder, const char *pem_name, char out[static 48])
{
    struct certificate_facts facts;
    struct buf pem;
    buf_init(&pem, TEXT_MAX);
    enum err e = read_text(f, folder, pem_name, &pem);
    if (!e)
        e = certificate_read(f, buf_str(&pem), &facts);
    if (!e)
        snprintf(out, 48, "%s", facts.serial);
    buf_release(&pem);
    return e;
}

static enum err put_in_place(struct fail *f, struct str folder, const char *next, const char *name)
{
    char from[NETWORK_PATH_MAX], to[NETWORK_PATH_MAX];
    enum err e = join(f, from, folder, next);
    if (!e)
        e = join(f, to, folder, name);
    if (!e && rename(from, to) != 0)
        e = fail_errno(f, ERR_IO, to);
    return e ? e : file_sync_folder(f, to);
}

enum err network_renew_node(struct fail *f, const struct network *n, const struct network_node *node,
                            bool door, int days, char old_serial[static 48])
{
    char keys[NETWORK_PATH_MAX], leftover[NETWORK_PATH_MAX];
    const char *key = door ? "door.key" : "tls.key", *pem = door ? "door.pem" : "tls.pem";
    enum err e = join(f, keys, node->folder, "keys");
    if (!e)
        e = join(f, leftover, str_of(keys), "next.key");
    if (!e)
        e = read_serial(f, str_of(keys), pem, old_serial);
    if (e)
        return e;
    unlink(leftover); /* of an attempt that was broken off */
    e = make_key(f, str_of(keys), "next.key", KEY_P256);
    if (!e)
        e = issue_for(f, n, node, door, "next.key", "next.pem", days);
    /* A crash between the two leaves a pair that does not match, which the server refuses to take; renewing
     * once more mends it. A running server keeps what it has. */
    if (!e)
        e = put_in_place(f, str_of(keys), "next.key", key);
    return e ? e : put_in_place(f, str_of(keys), "next.pem", pem);
}

/* ---- configuration */

static enum err add_root(struct fail *f, const struct network *n, struct buf *b)
{
    char folder[NETWORK_PATH_MAX];
    uint8_t public_key[ED25519_PUBLIC];
    struct key *root = NULL;
    enum err e = join(f, folder, n->folder, "authority");
    if (!e)
        e = open_key(f, str_of(folder), "root.key", &root);
    if (!e)
        e = key_public(f, root, public_key);
    key_free(root);
    if (e)
        return e;
    buf_add_str(b, STR("  roots:\n    - \""));
    encode_base64url(b, public_key, sizeof public_key);
    buf_add_str(b, STR("\"\n"));
    return ERR_OK;
}

/* A database of its own for each server: juki_cs_282049. */
static void add_database(const struct network *n, const struct network_node *node, struct buf *b)
{
    if (!n->postgresql.n)
        return;
    buf_add_format(b, "database: \"%.*s/juki_", STR_ARG(n->postgresql_secret));
    for (const char *c = node->name.text; *c; c++)
        buf_add_char(b, *c == '.' ? '_' : *c);
    buf_add_str(b, STR("\"\n"));
}

enum err network_read_postgresql(struct fail *f, struct network *n, struct arena *a)
{
    struct node_config config;
    if (!n->postgresql.n)
        return ERR_OK;
    enum err e = node_config_load(f, n->nodes[0].folder.p, a, &config);
    const char *slash = !e && config.database.n ? memrchr(config.database.p, '/', config.database.n) : NULL;
    if (slash)
        n->postgresql_secret = (struct str){config.database.p, (size_t)(slash - config.database.p)};
    return e;
}

static void add_role(const struct network *n, const struct network_node *node, struct buf *b)
{
    if (node->name.role == NODE_AGENCY)
        buf_add_str(b, STR("number:\n  key: file:keys/number.key\n  code_key: file:keys/code.key\n"));
    if (node->name.role == NODE_CS)
        buf_add_format(b, "stock:\n  codes: 10000\ndoor:\n  listen: \"127.0.0.1:%d\"\n",
                       (int)node->door_port);
    if (node->name.role != NODE_REGISTER)
        return;
    for (size_t i = 0; i < n->count; i++)
        if (n->nodes[i].name.role == NODE_CS && n->nodes[i].name.area == node->name.area)
            buf_add_format(b, "door:\n  url: \"https://127.0.0.1:%d\"\n", (int)n->nodes[i].door_port);
}

static enum err write_config(struct fail *f, const struct network *n, const struct network_node *node)
{
    struct buf b;
    enum err e = ERR_OK;
    buf_init(&b, TEXT_MAX);
    buf_add_format(
        &b,
        "# Written by juki network; what is not here has its standard value (juki-%s --sample shows all).\n",
        node_role_name(node->name.role));
    buf_add_format(&b, "node: %s\n", node->name.text);
    add_database(n, node, &b);
    if (n->sockets.n)
        buf_add_format(&b, "control: \"%.*s\"\n", STR_ARG(node->control));
    if (n->demo) /* a short life wants its heads soon */
        buf_add_str(&b, STR("ledger:\n  head_interval: 1s\n"));
    if (n->disk_least >= 0)
        buf_add_format(&b, "disk:\n  least_percent: %d\n", (int)n->disk_least);
    buf_add_str(&b, STR("link:\n"));
    if (node->port)
        buf_add_format(&b, "  listen: \"127.0.0.1:%d\"\n", (int)node->port);
    else
        buf_add_str(&b, STR("  signing_key: \"\"\n"));
    e = add_root(f, n, &b);
    add_role(n, node, &b);
    if (!e)
        e = buf_check(&b, f, "juki.yaml");
    if (!e)
        e = write_text(f, node->folder, "juki.yaml", buf_str(&b));
    buf_release(&b);
    return e;
}

/* ---- one server */

static enum err make_number_keys(struct fail *f, const struct network_node *node)
{
    static const char *const names[] = {"keys/number.key", "keys/code.key"};
    char path[NETWORK_PATH_MAX];
    enum err e = ERR_OK;
    for (size_t i = 0; i < COUNT_OF(names) && !e; i++) {
        e = join(f, path, node->folder, names[i]);
        if (!e)
            e = ff1_create_file(f, path);
    }
    return e;
}

static enum err copy_door_ca(struct fail *f, const struct network *n, const struct network_node *node)
{
    char from[NETWORK_PATH_MAX];
    struct buf pem;
    buf_init(&pem, TEXT_MAX);
    snprintf(from, sizeof from, "%.*s/cs.%06d/keys", STR_ARG(n->folder), (int)node->name.area);
    enum err e = read_text(f, str_of(from), "door-ca.pem", &pem);
    if (!e)
        e = write_text(f, node->folder, "keys/door-ca.pem", buf_str(&pem));
    buf_release(&pem);
    return e;
}

static enum err make_door_ca(struct fail *f, const struct network_node *node)
{
    char keys[NETWORK_PATH_MAX], title[64];
    snprintf(title, sizeof title, "door of %06d", (int)node->name.area);
    enum err e = join(f, keys, node->folder, "keys");
    return e ? e : make_ca(f, str_of(keys), "door-ca.key", "door-ca.pem", title);
}

enum err network_make_node(struct fail *f, const struct network *n, const struct network_node *node, int days)
{
    static const char *const folders[] = {"keys", "data", "run", "log"};
    bool linked = node->name.role != NODE_REGISTER, door = node->name.role == NODE_CS || !linked;
    enum err e = file_exists(node->folder.p) ? network_remove_folder(f, node->folder.p) : ERR_OK;
    for (size_t i = 0; i < COUNT_OF(folders) && !e; i++)
        e = make_folder(f, node->folder, folders[i]);
    if (!e && linked)
        e = make_key(f, node->folder, "keys/signing.key", KEY_ED25519);
    if (!e && linked)
        e = make_pair(f, n, node, false, days);
    if (!e && node->name.role == NODE_AGENCY)
        e = make_number_keys(f, node);
    if (!e && door)
        e = linked ? make_door_ca(f, node) : copy_door_ca(f, n, node);
    if (!e && door)
        e = make_pair(f, n, node, true, days);
    return e ? e : write_config(f, n, node);
}

/* ---- folders */

static int remove_one(const char *path, const struct stat *st UNUSED, int kind UNUSED,
                      struct FTW *where UNUSED)
{
    return remove(path);
}

enum err network_remove_folder(struct fail *f, const char *path)
{
    enum { OPEN_FOLDERS = 16 };
    if (nftw(path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
        return fail_errno(f, ERR_IO, path);
    return ERR_OK;
}

enum err network_make_sockets(struct fail *f, const struct network *n)
{
    struct stat st;
    if (!n->sockets.n)
        return ERR_OK;
    if (mkdir(n->sockets.p, 0700) != 0 && errno != EEXIST)
        return fail_errno(f, ERR_IO, n->sockets.p);
    if (lstat(n->sockets.p, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
        (st.st_mode & 077) != 0)
        return fail_set(f, ERR_SOCKET_FOLDER, NULL, "%.160s", n->sockets.p);
    return ERR_OK;
}
