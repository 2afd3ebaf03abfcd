/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the link share. Nothing outside src/link includes this.
 *
 * Threads: one accepts; one a connection that came in (serve.c); one a neighbour we dial (dial.c); one keeper
 * for heads, refusals and disk (keeper.c). Questions are asked on the threads of their callers (ask.c). What
 * is sent is numbered in memory inside the writer's transaction and follows its savepoints (peer.c). */
#ifndef JUKI_LINK_CORE_H
#define JUKI_LINK_CORE_H

#include "base/pool.h"
#include "link/batch.h"
#include "link/channel.h"
#include "link/link.h"
#include "link/link_sql.h"
#include "link/question.h"
#include "link/recent.h"

#include <pthread.h>
#include <stdatomic.h>

/* Notices of a peer that were applied at the top; first 0: none. */
enum { AHEAD_RANGES = 8 };
struct ahead_range {
    int64_t first, last;
};
struct ahead_list {
    struct ahead_range ranges[AHEAD_RANGES];
    size_t count;
};

/* Ranges of notices that a person asked to be sent again, in that order; the first may be on its way. */
enum { RESENDS_MOST = 8 };

struct resends {
    struct resend {
        int64_t first, last;
    } ranges[RESENDS_MOST];
    size_t count;
};

/* Connections for questions, which never stand behind a batch: as many as are dialled to one neighbour, and
 * as many of one neighbour as are answered, so that those which its failing power left half open leave it
 * room. */
enum { LINES_MOST = 8, ANSWERING_MOST = 2 * LINES_MOST };

struct line {
    struct channel *channel; /* NULL: not dialled */
    int64_t idle_since;      /* on the steady clock */
    bool used;               /* one question is on it */
};

/* Ids of the newest questions that came, so that none is used again for another content. */
enum { QUESTIONS_REMEMBERED = 1024 };
struct remembered_question {
    int64_t peer; /* 0: none */
    char id[QUESTION_ID_SIZE];
    struct sha256 hash;
};

enum { PEERS_MAX = 4096, HANDSHAKES_MAX = 64, CONNECTIONS_MAX = 4096 };

struct peer {
    struct link *link;
    struct node_name node;
    int64_t id;
    int64_t assigned; /* last sequence given out; only inside the writer's transaction */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    int64_t committed, acknowledged; /* last sequence that may leave; last that the peer has on disk */
    int64_t urgent;                  /* last that is to leave at once */
    int64_t late_due, late_last; /* on the steady clock: when the others leave, and at the latest; 0 none */
    struct sha256 out_hash;      /* of the last header the peer acknowledged */
    int64_t epoch;               /* the peer's newest life that was seen */
    int64_t settled;             /* our life in which the stream to it was compared with what it has */
    struct resends resends;
    bool head_due;
    bool greet_due;   /* HELLO alone is work, unless one was just answered: it says whether this server is an
                         old twin */
    bool head_forked; /* the upper server keeps a head that our log does not continue */
    bool dialling, connected, stopped;
    bool hears_ahead;                  /* it said so in its HELLO_ANSWER */
    struct ahead_list ahead;           /* to be told at once, while connected */
    struct channel *channel, *inbound; /* for interruption */
    struct line lines[LINES_MOST];     /* line.c */
    pthread_cond_t line_free;
    struct channel *answering[ANSWERING_MOST]; /* on which it asks */
    pthread_t thread;
    struct fail trouble; /* the last failure; err 0 when none since */

    pthread_mutex_t receiving; /* one batch of this peer at a time */
};

/* A sequence given out. */
struct assigned {
    struct peer *peer;
    bool late;                /* may leave with the next ones, or some milliseconds later */
    struct ahead_range ahead; /* what is told to the peer instead, at once */
};

struct refusal {
    char source[64];
    int64_t minute, count;
    enum err last;
};

struct connection {
    struct link *link;
    int fd;
    char source[48];
    pthread_t thread;
    struct connection *next;
    bool done;
};

/* What runs out before somebody hears "try later": free disk in MiB, connections and handshakes that may
 * still come in, readers of the database. */
enum link_pool { POOL_DISK, POOL_CONNECTIONS, POOL_HANDSHAKES, POOL_READERS, LINK_POOLS };

struct link {
    struct link_config config;
    struct node_name upper; /* role NODE_AGENCY with text "" when there is none */
    int64_t epoch;
    struct link_life life; /* epoch is its epoch */

    pthread_mutex_t lock; /* guards directory, credentials, peers, connections, refusals, pools */
    pthread_cond_t wake;
    struct directory *directory;
    struct directory *directory_next; /* taken inside a transaction, in force once it is on disk */
    struct directory *directory_mark; /* directory_next as it was at the savepoint */
    int64_t announced;                /* of which version the agency told everybody, or which it began with */
    struct credentials *credentials;
    struct peer **peers; /* sorted by name */
    struct peer **added; /* the same in the order in which they came: places never change */
    size_t peer_count;
    struct connection *connections;
    size_t connection_count;
    struct refusal refusals[128];
    size_t refusal_count;
    struct pool pools[LINK_POOLS];
    struct remembered_question remembered[QUESTIONS_REMEMBERED]; /* a ring */
    size_t remembered_next;
    int asking; /* threads inside link_ask */

    pthread_mutex_t loading; /* one peers_load at a time */
    int64_t peers_version;   /* the directory's version at the last one */

    struct recent *recent;    /* notices that wait to leave */
    struct assigned *journal; /* one entry for each sequence given out in the open transaction */
    size_t journal_n, journal_size, journal_mark;

    atomic_bool stopping, disk_low;
    atomic_int handshakes, handshakes_most; /* now; since the keeper looked */
    atomic_long window;                     /* connections served now */
    int listen_fd;
    bool accepting, keeping;
    pthread_t accept_thread, keeper_thread;
};

/* peer.c */
struct peer *peer_find(struct link *l, const char *name); /* NULL when unknown */
struct peer *peer_by_id(struct link *l, int64_t id);
struct peer *peer_at(struct link *l, size_t i); /* 0, 1, ...; NULL at the end */
bool peer_settled(struct peer *p); /* false after a restore until the peer has given back what was lost */
MUST_CHECK enum err peers_load(struct link *l, struct fail *f); /* from the database and the directory */
MUST_CHECK enum err peer_assign(struct link *l, struct peer *p, struct fail *f, int64_t *sequence);
void peer_unassign(struct link *l, struct peer *p); /* the one given out last */
/* The one given out last is late; with a range, once it is on disk the peer is told of that. */
void peer_assigned_late(struct link *l, const struct ahead_range *ahead);
void peers_follow(struct link *l);
void peer_trouble(struct peer *p, const struct fail *f); /* NULL clears */
MUST_CHECK enum err peer_outbox_add(struct db_tx *tx, struct fail *f, const struct peer *p, int64_t sequence,
                                    uint64_t entry, int64_t source_peer, int64_t source_sequence);
MUST_CHECK enum err thread_start(struct fail *f, pthread_t *thread, void *(*run)(void *), void *arg);

/* line.c: connections of questions. */
/* One that is idle, or a free place to dial from; waits for it. ERR_ANSWER_BUSY at the deadline,
 * ERR_STOPPING. */
MUST_CHECK enum err line_take(struct peer *p, struct fail *f, int64_t deadline, struct line **out);
/* Dials for a line that was taken; closes what it had. */
MUST_CHECK enum err line_dial(struct peer *p, struct fail *f, const struct directory *d, int64_t deadline,
                              struct line *line);
void line_give(struct peer *p, struct line *line, bool good); /* not good: closed */
/* Closes what was idle for two minutes or is not welcome any more. */
void lines_tidy(struct peer *p, const struct directory *d);
/* The link stops: interrupts questions and waits until those who ask have let go. */
void lines_end(struct peer *p);

/* ask.c: waits until nobody is inside link_ask any more; the link stops. */
void ask_ended(struct link *l);

/* answering.c: one question that came in, answered and sent. */
struct answering {
    struct link *l;
    struct peer *peer;
    struct channel *channel;
    const struct directory *directory; /* in force */
    const struct directory_node *node; /* the peer's there */
    struct arena *arena;
    const struct frame *frame;
    struct str text; /* the question as it was signed */
    struct question q;
    struct json *tree;
    const struct json *body;
    struct sha256 hash;
    int64_t deadline;
    struct str answer_text;
};
MUST_CHECK enum err question_answer(struct answering *g, struct fail *f);
/* The connection's place among those on which the peer asks. ERR_BUSY when all are taken. */
MUST_CHECK enum err answering_enter(struct peer *p, struct fail *f, struct channel *channel);
void answering_leave(struct peer *p, const struct channel *channel);
/* A kind of question: by number or name; NULL when unknown. */
struct question_kind {
    uint16_t kind, version;
    const char *name;
};
const struct question_kind *question_kind_find(uint16_t kind, struct str name);

/* receive.c: one batch that came in, all the way to disk. */
struct received {
    struct receipt receipt;  /* without time */
    struct str refused_json; /* in the arena */
};
MUST_CHECK enum err batch_receive(struct link *l, struct peer *p, struct fail *f, struct arena *a,
                                  struct str header_text, const struct batch_header *h,
                                  const struct frame *notices, struct received *out);
/* Reads a notice's envelope and decides whether sender may send it; the tree is the caller's. */
MUST_CHECK enum err notice_open(struct link *l, struct fail *f, const struct node_name *sender,
                                int64_t sequence, const struct frame *frame, struct arena *a,
                                struct link_notice *out, struct json **tree, const struct link_kind **kind);
MUST_CHECK enum err notice_id_parse(struct fail *f, struct str id, struct node_name *origin,
                                    struct str *destination, uint64_t *sequence);
MUST_CHECK enum err notice_apply(struct link *l, struct db_tx *tx, struct fail *f,
                                 const struct link_kind *kind, const struct link_notice *n);
const char *kind_name(uint16_t kind); /* NULL when unknown */
uint16_t kind_version(uint16_t kind);
/* The frame of a notice of ours or of theirs, out of its ledger entry. */
MUST_CHECK enum err notice_load(struct db_tx *tx, struct fail *f, uint64_t entry, struct arena *a,
                                struct frame *out);

/* error_list.c */
struct error_codes {
    int64_t codes[LINK_PERSONS_MAX];
    size_t count;
};
/* place: 0 at the end of the list, else the free place of a notice that this one replaces. */
MUST_CHECK enum err error_list_park(struct db_tx *tx, struct fail *f, struct peer *p,
                                    const struct link_notice *n, const struct error_codes *persons,
                                    const struct fail *why, int64_t place);
struct error_list_state {
    bool any;     /* something waits at all */
    bool blocked; /* a notice of this one's origin about one of its persons waits */
};
/* Before place (0: anywhere). */
MUST_CHECK enum err error_list_blocks(struct db_tx *tx, struct fail *f, const struct link_notice *n,
                                      const struct error_codes *persons, int64_t place,
                                      struct error_list_state *out);
/* Something about the persons was applied, or ties their codes together: whatever waits about them is to be
 * tried again. *touched is set when there is any; error_list_replay() then tries it. */
MUST_CHECK enum err error_list_touch(struct db_tx *tx, struct fail *f, const struct error_codes *persons,
                                     bool *touched);
/* Takes the item that n replaces off the list; *place is where it stood, 0 when it was not there or is not
 * n's origin's. */
MUST_CHECK enum err error_list_replace(struct db_tx *tx, struct fail *f, const struct link_notice *n,
                                       int64_t *place);
/* Items that failed after they had written something: the change runs again and does not try them. Only what
 * the last run found counts: one whose group was lost may have found it by a neighbour that is not on disk.
 */
enum { REPLAY_FAILED_MAX = 64 };
struct replay_failed {
    struct {
        int64_t id;
        struct fail why;
    } items[REPLAY_FAILED_MAX];
    size_t count, kept; /* kept: of them, those that runs before the present change found */
};
/* At the beginning of a run. */
void replay_failed_begin(struct replay_failed *failed);
/* The change ended with e. True: since an item failed, which is kept, and it is to be run again. */
bool replay_failed_again(struct replay_failed *failed, enum err e);
/* Tries in order what waits behind or was touched, and item `target` (0 none), until nothing more applies.
 * When it fails the caller asks replay_failed_again. */
MUST_CHECK enum err error_list_replay(struct link *l, struct db_tx *tx, struct fail *f, int64_t target,
                                      struct replay_failed *failed, int64_t *applied);
/* A fault of this machine, which says nothing about the notice: the batch is not taken and comes again. */
bool link_err_passes(enum err e);

/* outcome.c */
struct outcome_range {
    int64_t peer; /* whose stream: its id */
    int64_t first, last, error;
    char state; /* 'a' 'w' 'r' */
    char field[48];
};
struct outcome_list {
    struct outcome_range *ranges;
    size_t count, size;
    struct arena *arena;
};
/* The body of an outcome notice, read: peer is left 0. ERR_LIMIT over BATCH_NOTICES_MAX ranges. */
MUST_CHECK enum err outcome_ranges_read(struct fail *f, const struct json *body, struct arena *a,
                                        struct outcome_list *out);
/* The ranges of one peer as such a body. */
void outcome_ranges_write(struct buf *b, const struct outcome_list *list, int64_t peer);
/* Joins with the peer's last range when it continues it in the same state. */
MUST_CHECK enum err outcome_add(struct outcome_list *list, struct fail *f, const struct outcome_range *r);
/* Tells each peer what became of its notices, as outcome notices. */
MUST_CHECK enum err outcome_send(struct link *l, struct db_tx *tx, struct fail *f,
                                 const struct outcome_list *list);
/* What became of notices of ours to p: keeps it, tells the door or the neighbour it came from. */
MUST_CHECK enum err outcome_take(struct link *l, struct db_tx *tx, struct fail *f, struct peer *p,
                                 const struct outcome_range *ranges, size_t count);
extern const struct link_kind outcome_kind, directory_kind;

/* ahead.c */
/* So few that somebody may wait for one of them. */
bool ahead_matters(const struct outcome_range *r);
/* With p->lock held: to be told as soon as its thread is free. False when it is not connected or hears no
 * such word, or has no room. */
bool ahead_post(struct peer *p, const struct ahead_range *range);
/* The payload of an AHEAD frame. ERR_LIMIT over AHEAD_RANGES ranges. */
MUST_CHECK enum err ahead_read(struct fail *f, const struct json *tree, struct ahead_list *out);
void ahead_write(struct buf *b, const struct ahead_list *list);
/* `from` told of notices of ours: passes it to the neighbours they came from, or to the door, as far as that
 * is still in memory. */
void ahead_pass(struct link *l, const struct peer *from, const struct ahead_list *told);
/* What is to be told to p now; its list is empty then. */
struct ahead_list ahead_take(struct peer *p);

/* serve.c, dial.c, keeper.c */
bool link_err_stops(enum err e); /* a fork or an old life: a person must look */
void *accept_run(void *link);
/* Answers a peer until it or the link ends; closes the channel. */
void link_serve(struct link *l, struct peer *peer, struct channel *channel);
void *dial_run(void *peer);
void *keeper_run(void *link);
MUST_CHECK enum err operation_log(struct link *l, struct fail *f, struct str what, struct str detail);
MUST_CHECK enum err link_thread_for(struct peer *p, struct fail *f); /* starts dialling when it is not yet */
/* One frame with a JSON payload. */
MUST_CHECK enum err frame_send(struct fail *f, struct channel *c, uint16_t kind, uint64_t correlation,
                               struct str json);
void notice_frames_add(struct buf *out, const struct frame *notices, size_t count, uint64_t correlation);
/* The h->count notices that follow; each repeats the correlation. */
MUST_CHECK enum err notice_frames_read(struct fail *f, struct channel *c, struct arena *a,
                                       const struct batch_header *h, uint64_t correlation,
                                       struct frame **out);

#endif
