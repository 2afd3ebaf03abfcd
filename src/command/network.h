/* SPDX-License-Identifier: Apache-2.0 */
/* A network on this machine: a folder with network.json (which servers, where, on which ports; no secrets) and one
 * folder a server, each with juki.yaml, keys/ (0700), directory.jws, data/, run/ and log/.
 *
 *     DIR/network.json   DIR/authority/{root.key,ca.key,ca.pem}   DIR/agency/   DIR/prefecture.28/
 *     DIR/cs.282049/ (with the municipality's own CA for its door)   DIR/register.282049/
 *
 * What is in DIR/authority signs the directory and issues certificates; a federation keeps it elsewhere once the
 * network stands. */
#ifndef JUKI_COMMAND_NETWORK_H
#define JUKI_COMMAND_NETWORK_H

#include "base/config.h"
#include "link/directory.h"

enum { NETWORK_NODES_MAX = 4096, NETWORK_PATH_MAX = 4096, NETWORK_DAYS = 397 };

struct network_node {
    struct node_name name;
    int64_t port, door_port; /* 0: none */
    struct str folder, control; /* absolute */
};
struct network {
    struct str folder;     /* absolute */
    struct str sockets;    /* folder of the control sockets when DIR is too long for them; "" inside the servers' */
    struct str postgresql; /* URL without a database's name and without a password; "" for SQLite */
    struct str postgresql_secret; /* the same as it was given, for juki.yaml alone; "" when it was not */
    int64_t next_port, disk_least; /* disk_least -1: the standard */
    bool demo;
    struct network_node *nodes; /* agency, prefectures, CS, registers: the order of starting */
    size_t count;
};

/* Everything is in the arena. ERR_NETWORK_NONE, ERR_JSON, ERR_FIELD_... */
MUST_CHECK enum err network_load(struct fail *f, const char *folder, struct arena *a, struct network *out);
MUST_CHECK enum err network_save(struct fail *f, const struct network *n);
/* ERR_NODE_ABSENT. */
MUST_CHECK enum err network_find(struct fail *f, const struct network *n, const char *name,
                                 const struct network_node **out);
/* The register or the CS of a municipality; ERR_AREA_CODE_..., ERR_NODE_ABSENT. */
MUST_CHECK enum err network_find_area(struct fail *f, const struct network *n, enum node_role role, const char *area,
                                      const struct network_node **out);
/* The server above: a CS's prefecture, a prefecture's agency; NULL when there is none. */
const struct network_node *network_upper(const struct network *n, const struct network_node *node);
/* "FOLDER/NAME"; ERR_MEMORY. */
MUST_CHECK enum err network_path(struct fail *f, struct arena *a, struct str folder, const char *name,
                                 struct str *out);

/* Adds the servers of a municipality (and its prefecture when it is new), with their ports. ERR_NETWORK_MEMBER;
 * ERR_AREA_CODE_..., ERR_AREA_WARD and ERR_AREA_NO_CS say why no CS can stand there. */
MUST_CHECK enum err network_add_municipality(struct fail *f, struct network *n, struct arena *a, struct str code);
/* "28"; one that is there already stays. ERR_FIELD_RANGE. */
MUST_CHECK enum err network_add_prefecture(struct fail *f, struct network *n, struct arena *a, struct str number);
MUST_CHECK enum err network_add_agency(struct fail *f, struct network *n, struct arena *a);

/* Takes a URL as the network's: the password is in postgresql_secret alone. */
MUST_CHECK enum err network_set_postgresql(struct fail *f, struct network *n, struct arena *a, struct str url);

/* network_make.c: files. */
/* The URL with its password, out of a server's juki.yaml, before servers are added. */
MUST_CHECK enum err network_read_postgresql(struct fail *f, struct network *n, struct arena *a);
/* The folder authority/ with its keys. */
MUST_CHECK enum err network_make_authority(struct fail *f, const struct network *n);
/* One server's folder but for its directory. What a broken attempt left there is removed first. */
MUST_CHECK enum err network_make_node(struct fail *f, const struct network *n, const struct network_node *node,
                                      int days);
/* A new key and certificate, each put in place of the old one; door: those of the door instead of the link's. The old
 * certificate's serial goes to old_serial. */
MUST_CHECK enum err network_renew_node(struct fail *f, const struct network *n, const struct network_node *node,
                                       bool door, int days, char old_serial[static 48]);
/* A folder with everything in it; symbolic links are removed, not followed. */
MUST_CHECK enum err network_remove_folder(struct fail *f, const char *path);
/* The folder of the control sockets, when it is outside: made, or refused when others may use it. */
MUST_CHECK enum err network_make_sockets(struct fail *f, const struct network *n);

/* network_init.c: a whole network. */
struct network_plan {
    const char *folder; /* absent or empty, else ERR_NETWORK_EXISTS */
    const struct str *prefectures, *municipalities;
    size_t prefecture_count, municipality_count;
    int64_t base_port, disk_least; /* disk_least -1: the standard */
    struct str postgresql;
    bool demo;
};
/* All of it or nothing: built beside the folder and moved there at the end. */
MUST_CHECK enum err network_init(struct fail *f, const struct network_plan *plan, struct arena *a, struct network *out);

/* ERR_NETWORK_EXISTS unless the folder is absent or empty. */
MUST_CHECK enum err network_check_empty(struct fail *f, const char *path);

/* network_directory.c: the signed directory. */
struct network_revocation {
    const char *node, *serial;
};
/* The first version, or the next: what stood there, new servers added, and what is revoked (NULL: nothing); written to
 * every server's folder. */
MUST_CHECK enum err network_sign_directory(struct fail *f, const struct network *n, bool first,
                                           const struct network_revocation *revoke, int64_t *version);
/* The directory in the agency's folder, checked against the root key, also when it has expired; directory_unref it. */
MUST_CHECK enum err network_read_directory(struct fail *f, const struct network *n, struct directory **out);

#endif
