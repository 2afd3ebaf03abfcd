/* SPDX-License-Identifier: Apache-2.0 */
/* The link as flows and programs see it: send a durable notice inside a transaction; be called for each
 * notice that arrives. How it travels (TLS, frames, batches, receipts) is docs/PROTOCOL.md.
 *
 * Promises: what link_send wrote leaves in order, once, whatever is killed; a notice is given to its kind's
 * apply() once, in the order of its sender, inside the transaction that records it; a refused or parked
 * notice never stops its neighbours, only its own person. The communication log (ledger entry) is the outbox:
 * the bytes stand there once, the outbox row points at them, and a relayed notice's outbox row points at the
 * entry it came in with. */
#ifndef JUKI_LINK_LINK_H
#define JUKI_LINK_LINK_H

#include "base/json.h"
#include "base/pool.h"
#include "base/sha256.h"
#include "db/db.h"
#include "ledger/ledger.h"
#include "link/directory.h"

extern const struct db_module link_module;

struct link;

/* A notice as it arrived. Everything borrows from the batch and lives until apply returns. */
struct link_notice {
    uint16_t kind, version;
    struct str payload;      /* the bytes, exactly; to be relayed, never re-encoded */
    const struct json *body; /* payload's "body" member */
    struct str id;           /* "ORIGIN/DESTINATION/SEQUENCE" of its first hop; lives for ever */
    struct str replaces;     /* id of the notice this one corrects, or empty */
    struct node_name origin; /* the node that made it (first part of id) */
    struct node_name sender; /* the neighbour it came from */
    int64_t sender_sequence; /* its place in that neighbour's stream */
    int64_t time;            /* when it was made */
    uint64_t entry;          /* ledger index of its communication entry here */
    /* When it is tried again: the resident codes that notices of its origin, waiting behind it, tie to its
     * persons. */
    const int64_t *linked;
    size_t linked_count;
};

/* What a kind means here. One const table per program, given to link_new; found by kind.
 * apply: ERR_OK applied; errors for which link_err_parks() is true go to the error list and block the
 * notice's persons for its origin; any other error refuses it for good. It should fail before its first write
 * (a failure after a write makes the batch run again). persons: fills codes[] with the resident codes the
 * notice touches, returns how many. */
enum { LINK_PERSONS_MAX = 8 };
struct link_kind {
    uint16_t kind;
    bool final; /* applied here for good: its sender gets the outcome "applied"; trouble is always reported */
    enum err (*scope)(void *app, const struct link_notice *n,
                      struct fail *f); /* may origin say this about this person? */
    size_t (*persons)(const struct link_notice *n, int64_t codes[static LINK_PERSONS_MAX]); /* may be NULL */
    enum err (*apply)(void *app, struct db_tx *tx, const struct link_notice *n, struct fail *f);
    /* Own or relayed notice that a restored server fetched back: bring own state up to it; what was relayed
     * also comes to apply again. A body's "source" is taken for the register's change. May be NULL (nothing
     * to recover). */
    enum err (*recover)(void *app, struct db_tx *tx, const struct link_notice *n, struct fail *f);
    /* Outcome of notices we sent: for each range of sources. May be NULL. state: 'a' applied, 'w' waiting on
     * the error list, 'r' refused. source_peer 0 is local (the door: source_sequence is the change's number).
     */
    enum err (*outcome)(void *app, struct db_tx *tx, int64_t source_first, int64_t source_last, char state,
                        int64_t error, struct str field, struct fail *f);
    /* Word ahead of an outcome 'a', of local sources: for whoever waits; the outcome follows. Stores nothing.
     * May be NULL. */
    void (*ahead)(void *app, int64_t source_first, int64_t source_last);
};

/* A question that came. Everything borrows from it and lives until answer returns. */
struct link_question {
    struct str id;           /* 32 hexadecimal digits */
    struct node_name origin; /* the node that asks */
    uint16_t kind, version;  /* LINK_QUESTION_... */
    struct sha256 hash;      /* of the signed question: what the answer is bound to */
    int64_t time;            /* when it was made, by the asker's clock */
    int64_t deadline;        /* on the steady clock here: nobody waits any longer */
    const struct json *body;
};

/* What a kind of question means here; given to link_new beside the kinds of notices.
 * scope: may origin ask this? May be NULL. answer: writes the answer's body, one JSON object, or says by its
 * error why there is none: the number and the field travel, the detail does not. It is called on the
 * connection's thread, outside of any transaction, for the same question again when that comes again, and
 * returns by the deadline and soon after the program began to stop. */
struct link_question_kind {
    uint16_t kind;
    enum err (*scope)(void *app, const struct link_question *q, struct fail *f);
    enum err (*answer)(void *app, const struct link_question *q, struct arena *a, struct buf *body,
                       struct fail *f);
};

struct link_config {
    struct node_name self;
    const char *listen; /* "127.0.0.1:7001" */
    const char *tls_key_uri, *tls_certificate_path;
    struct key *signing_key;    /* borrowed */
    const char *directory_path; /* newest signed directory; also kept in the database */
    const uint8_t (*roots)[ED25519_PUBLIC];
    size_t root_count;
    struct db *db;         /* borrowed */
    struct ledger *ledger; /* borrowed */
    const struct link_kind *kinds;
    size_t kind_count;
    const struct link_question_kind *questions; /* that are answered here */
    size_t question_count;
    void *app;             /* first argument of the kinds' functions */
    const char *disk_path; /* whose free space is watched: below disk_least percent no new work is taken (0:
                              not watched) */
    int disk_least;
    size_t recent_bytes; /* of notices that were just written, in memory; 0: 8 MiB */
    int head_seconds;    /* how often the ledger's head is signed and shown to the upper server */
};
/* ERR_SIGNING_KEY, and nothing is signed, when the directory names another key for this server. */
MUST_CHECK enum err link_new(struct fail *f, const struct link_config *config, struct link **out);
/* Starts listening, dialling and the head-signing thread. */
MUST_CHECK enum err link_start(struct link *l, struct fail *f);
/* Drains and joins every thread. Accepts NULL, may be called twice. */
void link_stop(struct link *l);
void link_free(struct link *l);
/* New certificate or directory file on disk: taken for new connections without stopping. */
MUST_CHECK enum err link_reload(struct link *l, struct fail *f);
/* A reference to the directory in force; directory_unref it. */
struct directory *link_directory(struct link *l);

struct link_send {
    const char *destination; /* node name */
    uint16_t kind;           /* LINK_KIND_... ; version is the newest */
    struct str body;         /* JSON object: becomes the payload's "body" */
    struct str replaces;     /* id, or empty */
    int64_t source; /* number of the register's change it comes from, 0 none: comes back with the outcome */
};
struct link_sent {
    int64_t sequence; /* its place in the stream to destination */
    uint64_t entry;   /* ledger index of its communication entry */
};
/* Appends a notice to the log and the outbox inside tx. *sent (may be NULL) says where it stands. ERR_BUSY
 * after a restore, until the destination has given back what was lost: come again. ERR_NODE_UNKNOWN,
 * ERR_LIMIT. */
MUST_CHECK enum err link_send(struct link *l, struct db_tx *tx, struct fail *f, const struct link_send *send,
                              struct link_sent *sent);
/* One question to another node. */
struct link_ask {
    const char *destination; /* node name */
    uint16_t kind;           /* LINK_QUESTION_... ; version is the newest */
    struct str body;         /* JSON object, QUESTION_BODY_MAX bytes at most */
    int64_t deadline_ms;     /* 1 .. 120,000: how long is waited in all */
};
struct link_answer {
    struct str id;                  /* of the question */
    struct str body;                /* JSON object */
    struct sha256 question, answer; /* of the signed texts, as they stand in both ends' logs */
    int64_t time;                   /* when it was given, by the answerer's clock */
};
/* Asks and waits, on the caller's thread and outside of any transaction; *out lies in the arena. The question
 * is in the log before it leaves, the answer before this returns it. Each question has one answer, bound to
 * it by hash: another's is ERR_ANSWER_OTHER, an alarm, and nothing of it is used. ERR_ANSWER_NONE (no line),
 * ERR_ANSWER_LATE, ERR_ANSWER_BUSY, ERR_ANSWER_REFUSED, ERR_QUESTION_UNKNOWN; ERR_NODE_UNKNOWN,
 * ERR_NODE_REVOKED, ERR_KIND_FORBIDDEN by the directory in force; ERR_DISK_LOW, ERR_STOPPING, ERR_LIMIT,
 * ERR_FIELD_RANGE (deadline); and what the other end's answer() says. */
MUST_CHECK enum err link_ask(struct link *l, struct fail *f, const struct link_ask *ask, struct arena *a,
                             struct link_answer *out);
/* Passes a notice that is being applied on to the next node, as the bytes it came in with. Does nothing when
 * a restore brought back that it was passed on already. ERR_BUSY as link_send; apply returns it, and the
 * batch comes again. */
MUST_CHECK enum err link_relay(struct link *l, struct db_tx *tx, struct fail *f, const struct link_notice *n,
                               const char *destination);
/* ERR_DISK_LOW while too little of the disk is free for new work; what is on its way goes on. Accepts NULL.
 */
MUST_CHECK enum err link_takes_work(struct link *l, struct fail *f);
/* What runs out some day, each as it was looked at last: disk (MiB), connections, handshakes, readers. A
 * level that is reached is an alarm and an entry in the ledger, once. */
void link_pools(struct link *l, void (*each)(void *arg, const struct pool *), void *arg);
/* Would others take what this server signs now, and does its disk take a commit? */
MUST_CHECK enum err link_health(struct link *l, struct fail *f);
/* Signs the log's head. ERR_SIGNING_KEY when the directory has come to name another key: nobody could check
 * it.
 */
MUST_CHECK enum err link_sign_head(struct link *l, struct fail *f);
/* The server's life: 1 at first, raised by a restore. */
int64_t link_epoch(const struct link *l);
/* A life of a server: what is known of the one a database is in. */
struct link_life {
    int64_t epoch;    /* 0: the server never ran */
    int64_t size;     /* entries of the log that it has from the lives before; 0 in the first */
    int64_t time;     /* when it began; 0 in the first */
    char source[160]; /* what was restored */
};
MUST_CHECK enum err link_life_read(struct fail *f, struct db *db, struct link_life *out);
/* Begins the next life of a database that was restored and that no server has open: its epoch is above the
 * one it had and above `above`, and no other restore has had it. */
MUST_CHECK enum err link_life_begin(struct fail *f, struct db *db, int64_t above, struct str source,
                                    int64_t *epoch);
/* Stamp at which this server's TLS certificate ends. */
int64_t link_certificate_until(struct link *l);
/* The id of the notice sent to destination with that sequence ("ORIGIN/DESTINATION/SEQUENCE"). */
struct str link_notice_id(struct arena *a, const struct node_name *origin, const char *destination,
                          int64_t sequence);

/* Errors that mean "valid, but not now": on the error list, and the person's later notices wait behind it. */
bool link_err_parks(enum err e);

/* Somebody was turned away before it was known who it is: counted, and written to the ledger as one operation
 * entry a source and minute. source: "door 127.0.0.1"; cut to 63 bytes. l may be NULL. */
void link_count_refusal(struct link *l, const char *source, enum err why);
/* How many entries the ledger of this database must have for the link's rows to point at: those of the newest
 * notice sent and of the newest batch received, of each neighbour. Reads only. */
MUST_CHECK enum err link_entries_referenced(struct fail *f, struct db *db, uint64_t *out);

/* The error list. */
struct link_error_item {
    int64_t id;
    int64_t since; /* stamp */
    enum err error;
    char field[48];
    char notice_id[96];
    char sender[NODE_NAME_SIZE];
    bool behind; /* waits only because an earlier one of the same person does */
};
MUST_CHECK enum err link_errors(struct link *l, struct fail *f,
                                void (*each)(void *arg, const struct link_error_item *), void *arg);
/* Tries an item again, and when it applies replays in order those that wait behind it. */
MUST_CHECK enum err link_error_release(struct link *l, struct fail *f, int64_t id, int64_t *applied);
/* Gives an item up: refused for good (outcome 'r' with the error and field that kept it here), and those
 * behind it are tried. */
MUST_CHECK enum err link_error_refuse(struct link *l, struct fail *f, int64_t id);

/* Sends notices [first, last] of our stream to a peer again: same ids, same bytes. */
MUST_CHECK enum err link_resend(struct link *l, struct fail *f, const char *peer, int64_t first,
                                int64_t last);

struct link_peer_status {
    struct node_name node;
    int64_t sent, acknowledged, applied, refused; /* notices of ours to it */
    int64_t received;                             /* from it */
    int64_t waiting, oldest_waiting;              /* unacknowledged; stamp of the oldest or 0 */
    int64_t epoch;                                /* its newest life that was seen here, 0 none */
    bool connected, stopped;                      /* stopped: fork or lower epoch, needs a person */
    bool head_forked;                             /* it refuses our log's head: not shown again in this run */
    struct fail trouble;                          /* the last failure; err 0 when none since */
};
/* Status of every peer with traffic. */
MUST_CHECK enum err link_status(struct link *l, struct fail *f,
                                void (*each)(void *arg, const struct link_peer_status *), void *arg);
/* Where is the notice of ours: to `peer` at `sequence`, or of theirs: for juki trace. Fills stamps of this
 * hop. */
struct link_trace {
    char notice_id[96];
    int64_t received, sent, acknowledged, outcome; /* stamps, 0 when not (yet) */
    char next[NODE_NAME_SIZE];                     /* where it went next, "" when nowhere */
    int64_t next_sequence;
    char state; /* ' ' on its way, 'a' applied, 'w' waiting, 'r' refused */
};
MUST_CHECK enum err link_trace_source(struct link *l, struct fail *f, int64_t source, struct link_trace *out);
/* The log entries of the notices that changes first..last of the register became, in the order of changes. */
MUST_CHECK enum err link_source_entries(struct db_tx *tx, struct fail *f, int64_t first, int64_t last,
                                        void (*each)(void *arg, int64_t source, uint64_t entry), void *arg);
MUST_CHECK enum err link_trace_received(struct link *l, struct fail *f, const char *sender, int64_t sequence,
                                        struct link_trace *out);

enum link_kind_code {
#define NOTICE(name, number, text, version) LINK_KIND_##name = (number),
#define QUESTION_KIND(name, number, text, version) LINK_QUESTION_##name = (number),
#define FRAME(name, number) LINK_FRAME_##name = (number),
#include "link/kind.def"
};

#endif
