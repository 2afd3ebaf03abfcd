/* SPDX-License-Identifier: Apache-2.0 */
/* A small network in one process: agency, prefecture.28, cs.282049 and cs.282022 on loopback with real TLS,
 * each with its own database, ledger and keys in a folder under /tmp.
 *
 * The notice that travels is identity_notice with the body {"area","code","step","new_code"?}. A prefecture
 * records and relays it, the agency records it for good. A server can be told to park, refuse, or write and
 * then refuse all notices of one code. */
#ifndef JUKI_TESTS_UNIT_LINK_NETWORK_H
#define JUKI_TESTS_UNIT_LINK_NETWORK_H

#include "link/link.h"
#include "network_sql.h"

#include <stdatomic.h>

/* Another prefecture and its cs are there when a test asks for them (network_add_far). */
enum test_server_name {
    AGENCY,
    PREFECTURE,
    CS_A,
    CS_B,
    SERVERS,
    PREFECTURE_FAR = SERVERS,
    CS_FAR,
    SERVERS_MOST
};

struct test_server {
    struct test_network *network;
    struct node_name name;
    char database[300], key_uri[128], tls_uri[128], certificate[128], directory[128], address[32];
    struct key *key, *tls;
    struct db *db;
    struct ledger *ledger;
    struct link *link;                             /* NULL while it is stopped */
    atomic_long park_code, refuse_code, late_code; /* 0 none */
    atomic_long told_ahead;                        /* notices of which word came ahead of their outcome */
    void (*on_ahead)(const struct test_server *s, int64_t first, int64_t last); /* may be NULL */
    int disk_least, head_seconds;
    /* What it runs instead of the kind above; NULL: that. */
    const struct link_kind *kinds;
    size_t kind_count;
    const struct link_question_kind *questions; /* that it answers */
    size_t question_count;
    void *app;
    const struct db_module *const *modules;
    size_t module_count;
};
struct test_network {
    char folder[64], root_uri[128];
    struct key *root, *ca;
    uint8_t roots[1][ED25519_PUBLIC];
    struct buf ca_pem;
    int64_t version;
    int count; /* of servers: SERVERS or SERVERS_MOST */
    struct test_server servers[SERVERS_MOST];
    struct directory_node nodes[SERVERS_MOST];
    struct directory_key keys[SERVERS_MOST];
    bool left_out[SERVERS_MOST];       /* not in the directory */
    char revoked[SERVERS_MOST][1][48]; /* serials that network_revoke put there */
};

/* Keys, certificates, a directory, addresses; nothing runs yet. */
void network_init(struct test_network *n);
/* prefecture.13 and cs.131016 too, in a new directory. */
void network_add_far(struct test_network *n);
void network_release(struct test_network *n);
/* Writes a new signed directory, one version up, to the file of every server. */
void network_sign(struct test_network *n);
/* A directory that revokes the certificate of a server, signed. */
void network_revoke(struct test_network *n, struct test_server *s);
/* A new certificate for a server, written over its file. */
void network_certify(struct test_network *n, struct test_server *s, int days);

void server_start(struct test_server *s);
void server_open(struct test_server *s); /* the database and the link, without threads */
/* The same, and says why it cannot. broken (may be NULL): see db_on_broken. What was opened stays for
 * server_stop. */
MUST_CHECK enum err server_try_open(struct test_server *s, struct fail *f,
                                    void (*broken)(void *, const struct fail *));
void server_stop(struct test_server *s);
void network_start(struct test_network *n); /* all */
void network_stop(struct test_network *n);
/* Copies the database of a stopped server to or from `saved`. */
void server_save(struct test_server *s, const char *saved);
void server_restore(struct test_server *s, const char *saved, int64_t epoch);

/* Sends notices `first` to `last` (step and source number) about a code, in one transaction. */
void server_notice(struct test_server *s, int64_t code, int64_t first, int64_t last);
struct test_notice {
    int64_t code, new_code, step;
    const char *replaces;    /* id or NULL */
    int32_t area;            /* 0: the sender's */
    const char *destination; /* NULL: its prefecture */
};
void server_send(struct test_server *s, const struct test_notice *notice);

/* What was applied, as "code:step code:step ...". */
const char *server_seen(struct test_server *s);
int64_t server_seen_count(struct test_server *s);
int64_t server_own_count(struct test_server *s);
/* Letters of outcome by source 1, 2, ...; '?' for none: "aarw". */
const char *server_outcomes(struct test_server *s);
enum err server_outcome_error(struct test_server *s, int64_t source);
struct link_peer_status server_status(struct test_server *s, const char *peer);
/* Operation entries of the ledger whose first line contains `what`. */
int64_t server_operations(struct test_server *s, const char *what);
int64_t server_communications(struct test_server *s,
                              const char *what); /* the same for those of communication */
void server_check_log(struct test_server *s);    /* it proves itself, or the test fails */
int64_t server_errors(struct test_server *s, struct link_error_item *out, size_t size);

/* Waits until it is so, 20 s at most, and fails the test with its text otherwise. */
#define WAIT(condition)                                                                                      \
    do {                                                                                                     \
        int waited_ = 0;                                                                                     \
        while (!(condition) && waited_++ < 4000)                                                             \
            network_pause();                                                                                 \
        if (waited_ >= 4000)                                                                                 \
            fail_msg("never: %s", #condition);                                                               \
    } while (0)
void network_pause(void);

#endif
