/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file of a server (juki.yaml in its folder) and of a register, as typed rows.
 *
 * `juki network init` writes these files; `juki-cs --sample` shows one with every key explained. Relative
 * paths are relative to the file's folder. */
#ifndef JUKI_PROGRAM_NODE_CONFIG_H
#define JUKI_PROGRAM_NODE_CONFIG_H

#include "base/config.h"

struct node_config {
    struct str node;                     /* "cs.282049" */
    struct str database;                 /* "data/juki.db" or "postgresql://..." */
    struct str control;                  /* Unix socket for the status and the juki command */
    struct str listen;                   /* "127.0.0.1:7001"; "" for a register */
    struct str tls_key, tls_certificate; /* key: file: or pkcs11: URI */
    struct str signing_key;          /* Ed25519: batch headers, receipts, ledger heads; "" for a register */
    struct str directory;            /* signed network directory */
    struct config_list roots;        /* trusted root keys, base64url */
    int64_t head_interval;           /* µs */
    int64_t disk_least;              /* per cent */
    struct str number_key, code_key; /* agency */
    struct str door_listen, door_folder, door_tls_key, door_tls_certificate, door_ca; /* CS */
    struct str door_url;                                                              /* register */
    bool supplement_create;                                                           /* register */
    int64_t stock; /* CS: resident codes asked for at a time */
};
extern const struct config_table node_config_table;
/* Loads FOLDER/juki.yaml or the file itself. */
MUST_CHECK enum err node_config_load(struct fail *f, const char *path, struct arena *a,
                                     struct node_config *out);
/* Whose free space counts: the database file's, or with PostgreSQL the folder's. */
const char *node_config_disk(const struct node_config *c, const char *folder);

#endif
