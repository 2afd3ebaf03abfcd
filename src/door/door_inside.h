/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the door share. Private to src/door. */
#ifndef JUKI_DOOR_DOOR_INSIDE_H
#define JUKI_DOOR_DOOR_INSIDE_H

#include "door/door.h"
#include "keys/key.h"

#include <gnutls/abstract.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

enum door_mark {
    DOOR_CHANGES = 1,
    DOOR_OUTCOMES,
    DOOR_NUMBERS,
    DOOR_FOLDER_OUTCOMES,
    DOOR_FOLDER_NUMBERS,
    DOOR_MESSAGES,
    DOOR_FOLDER_MESSAGES
};
enum {
    DOOR_BODY_MAX = 4 << 20,
    DOOR_ANSWER_MAX = 4 << 20,
    DOOR_ARENA_MAX = 32 << 20,
    DOOR_CHANGES_MAX = 2000,
    DOOR_PAGE = 1000, /* rows of a feed in one answer */
    DOOR_WAIT_MAX = 30,
    DOOR_CHAIN_MAX = 4
};

/* Our certificate and key as they are handed to each handshake. Former ones stay until the end, since a
 * handshake that began with one may still be running. */
struct door_tls {
    struct key *key;
    gnutls_pcert_st chain[DOOR_CHAIN_MAX];
    unsigned count;
    struct door_tls *former;
};

/* Changes of which it is known ahead of their outcome that they were applied. */
enum { DOOR_AHEAD_MOST = 16 };
struct door_ahead {
    struct {
        int64_t first, last;
    } ranges[DOOR_AHEAD_MOST];
    size_t count;
};

enum door_feed { DOOR_FEED_OUTCOMES, DOOR_FEED_NUMBERS, DOOR_FEED_MESSAGES, DOOR_FEEDS };

struct door {
    struct flow *flow;
    struct flow_door upward; /* what flows call */
    struct area_code area;
    char register_name[NODE_NAME_SIZE];
    char host[64], port[8];
    char *key_uri, *certificate_path, *folder; /* folder NULL: none */
    struct buf ca;
    struct MHD_Daemon *daemon;
    struct door_tls *tls; /* newest; under lock */
    pthread_mutex_t lock;
    pthread_cond_t wake;             /* on the steady clock; broadcast when a feed grew and at the end */
    uint64_t generation[DOOR_FEEDS]; /* under lock: counts the commits that touched the feed */
    struct door_ahead ahead;         /* under lock: for the next reader of outcomes */
    bool stopping;                   /* under lock */
    atomic_bool touched[DOOR_FEEDS]; /* a running transaction wrote to the feed */
    pthread_t folder_thread;
    bool folder_running;
};

/* One request of HTTP, or one file of the folder. */
struct door_request {
    struct arena arena;
    struct buf body, out;
    int64_t after, wait; /* query */
    int64_t until;       /* of the feed of numbers: no further than this cursor; 0: to the end of the page */
    int64_t expected;    /* the change number that should have come, with ERR_DOOR_GAP */
    int64_t cursor;      /* of a feed that is not JSON */
    const char *content_type; /* of out */
    size_t spilled;           /* bytes that came after a refusal */
    struct fail fail;         /* of the body, before it is routed */
};
void door_request_init(struct door_request *r);
void door_request_release(struct door_request *r);
/* The error as JSON into r->out: {"error","field","text","text_ja","detail"?,"expected"?}. */
void door_request_fail(struct door_request *r, const struct fail *f);

struct door_route {
    const char *method, *path;
    enum err (*answer)(struct door *d, struct door_request *r, struct fail *f);
};
const struct door_route *door_routes(size_t *count);
/* ERR_DOOR_ROUTE, ERR_DOOR_METHOD. */
MUST_CHECK enum err door_route_find(struct fail *f, struct str method, struct str path,
                                    const struct door_route **out);

/* Takes the changes of a body in (POST /v1/changes). */
MUST_CHECK enum err door_changes_take(struct door *d, struct door_request *r, struct fail *f);
/* Gives the changes behind r->after back to a register that lost them (GET /v1/changes). */
MUST_CHECK enum err door_changes_give(struct door *d, struct door_request *r, struct fail *f);
/* Feeds: wait until there is something behind r->after, at most r->wait seconds. */
MUST_CHECK enum err door_outcomes_read(struct door *d, struct door_request *r, struct fail *f);
MUST_CHECK enum err door_numbers_read(struct door *d, struct door_request *r, struct fail *f);
MUST_CHECK enum err door_telegrams_read(struct door *d, struct door_request *r, struct fail *f);
MUST_CHECK enum err door_messages_read(struct door *d, struct door_request *r, struct fail *f);
/* A page of rows behind r->after into r->out; waits as the request says. */
struct door_page {
    struct door *door;
    struct door_request *request;
    int64_t cursor; /* how far it goes */
    size_t rows;
};
MUST_CHECK enum err door_feed_read(struct door *d, enum door_feed feed, struct door_request *r,
                                   struct fail *f, db_fn page_of, struct door_page *p);
/* The calls of struct flow_door; the first two also serve the door's own refusals. */
enum err door_number_came(void *self, struct db_tx *tx, struct fail *f, struct resident_code code,
                          struct individual_number number, int64_t change);
enum err door_outcome_came(void *self, struct db_tx *tx, struct fail *f, int64_t first, int64_t last,
                           char state, int64_t error, struct str field);
void door_outcome_ahead(void *self, int64_t first, int64_t last);
enum err door_message_came(void *self, struct db_tx *tx, struct fail *f,
                           const struct municipal_arrival *arrival);
/* Error, texts and field of one refusal, as members of an open object. */
void door_refusal_write(struct buf *b, enum err error, struct str field);

MUST_CHECK enum err door_mark_get(struct db_tx *tx, struct fail *f, enum door_mark mark, int64_t *value);
/* On by one; the row that is added next reads it. */
MUST_CHECK enum err door_mark_step(struct db_tx *tx, struct fail *f, enum door_mark mark);

/* TLS (door_tls.c). */
MUST_CHECK enum err door_tls_load(struct door *d, struct fail *f);
void door_tls_free(struct door_tls *tls);
int door_tls_choose(gnutls_session_t session, const gnutls_datum_t *ca, int ca_count,
                    const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **chain,
                    unsigned *count, gnutls_privkey_t *key);
/* ERR_DOOR_CERTIFICATE unless the peer is the register of this CS. */
MUST_CHECK enum err door_tls_check(struct door *d, struct fail *f, gnutls_session_t session);

/* HTTP (door_http.c). */
MUST_CHECK enum err door_http_start(struct door *d, struct fail *f);

/* The watched folder (door_folder.c). */
MUST_CHECK enum err door_folder_start(struct door *d, struct fail *f);
void door_folder_stop(struct door *d);
/* One round: takes what is in `in`, writes what is new to `out`. For the thread and for tests. */
MUST_CHECK enum err door_folder_round(struct door *d, struct fail *f);

#endif
