/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the register share. Private to src/register. */
#ifndef JUKI_REGISTER_REGISTER_INSIDE_H
#define JUKI_REGISTER_REGISTER_INSIDE_H

#include "door/door_client.h"
#include "flow/message.h"
#include "register/change_event.h"
#include "register/register.h"

#include <pthread.h>
#include <stdatomic.h>

enum register_mark {
    REGISTER_ROWS = 1, /* last row of register_resident */
    REGISTER_CHANGES,  /* last change queued */
    REGISTER_TAKEN,    /* changes the CS has taken */
    REGISTER_OUTCOMES, /* cursors of its feeds */
    REGISTER_NUMBERS,
    REGISTER_DRAWS,     /* blocks of resident codes drawn */
    REGISTER_BACK,      /* up to which change is taken back from the CS: BACK_NONE, BACK_ASK or its number */
    REGISTER_HEALTH,    /* when health was last tried */
    REGISTER_MESSAGES,  /* cursor of the feed of messages */
    REGISTER_SUPPLEMENT /* who was announced to the municipality of the 本籍: 0 nobody is told yet */
};
enum { BACK_NONE = 0, BACK_ASK = -1 }; /* BACK_ASK: restored, and the CS was not asked yet */
enum register_life { LIFE_CURRENT = 1, LIFE_LEAVING, LIFE_REMOVED }; /* as the network's store names them */
static const int64_t REGISTER_CHANGE_MOST = INT64_MAX - 1;      /* of a change's number, as at the door */
enum { REGISTER_DRAW_LEAST = 1000, REGISTER_DRAW_MOST = 5000 }; /* codes in one draw */

enum { REGISTER_TOLD_MOST = 16 }; /* outcomes in an answer that may all have been told ahead */
/* Changes of which the CS has said that they were applied, while this is written down. */
struct register_told {
    size_t count;
    struct {
        int64_t first, last;
    } ranges[REGISTER_TOLD_MOST];
};

struct resident_register {
    struct area_code area, cs; /* our municipality, and the one whose CS serves it */
    bool supplement_create;    /* 戸籍 and persons of supplements are made by notices */
    struct db *db;
    struct tally *lives; /* records by register_life */
    struct door_client_config door;
    char *texts[4]; /* what door points to */
    pthread_mutex_t lock;
    pthread_cond_t wake;       /* on the steady clock: something is queued, or the end */
    uint64_t wakings;          /* under lock: how often */
    pthread_cond_t heard;      /* likewise: outcomes came, or the end */
    uint64_t hearings;         /* under lock */
    struct register_told told; /* under lock */
    atomic_bool stopping;
    bool running;
    pthread_t sender, outcomes, numbers, messages;
    bool connected;          /* under lock */
    bool level;              /* under lock: the CS was asked, and has taken nothing that we do not have */
    uint64_t doubts;         /* under lock: how often it was to be asked again */
    struct fail trouble;     /* under lock */
    pthread_mutex_t drawing; /* one block of codes at a time */
    struct door_client *draw_client; /* under drawing */
};

/* ---- one version of a record (resident_version.c) ---- */

struct resident_version {
    int64_t id, person, version, previous, stamp;
    enum register_life life;
    int64_t sent;                   /* versions of this episode in the network */
    enum change_reason sent_reason; /* the last change there */
    struct date sent_date;
    enum municipal_reason reason; /* what made this version */
    struct date change_date;
    bool planned;
    struct date planned_on;   /* 転出予定年月日 of a move out that was notified; zeroed: none */
    struct date confirmed_on; /* what a 転入通知 said: when, and where to; row.moved_from_* is the plan */
    struct area_code confirmed_area; /* 0: none */
    struct str confirmed_address;
    struct str event;
    bool special;            /* entered by 転入届の特例 (法24条の2) */
    bool drawn;              /* not a column: the code is to be taken off the drawn ones */
    int64_t corrects;        /* not a column: the change that told of a wrong code, 0 none */
    bool told;               /* not a column: the corrected change was not refused, and counts as sent */
    struct resident_row row; /* moved_from_*: for a removal, where to */
};
MUST_CHECK enum err resident_version_add(struct db_tx *tx, struct fail *f, const struct resident_version *v);
/* ERR_NOT_FOUND. Text is copied into the arena. */
MUST_CHECK enum err resident_version_get(struct db_tx *tx, struct fail *f, int64_t id, struct arena *a,
                                         struct resident_version *out);
MUST_CHECK enum err resident_version_latest(struct db_tx *tx, struct fail *f, int64_t person, struct arena *a,
                                            struct resident_version *out);
/* Writes what never goes to the network of v's version anew. */
MUST_CHECK enum err resident_version_complete(struct db_tx *tx, struct fail *f,
                                              const struct resident_version *v);
/* v stands above a version whose values of that kind were `was` and are `is` now: where v had the same, it
 * follows. *changed: it did anywhere. */
void resident_version_follow(const struct resident_version *was, const struct resident_version *is,
                             struct resident_version *v, bool *changed);
/* When the stay ended: the earlier of the planned day and the day of the move (住民記録システム標準仕様書);
 * zeroed when it goes on and no day is planned. */
struct date resident_left_on(const struct resident_version *v);
/* Reads the columns of the current row; text is copied into a, or borrowed from the row when a is NULL. */
MUST_CHECK enum err resident_version_read(const struct db_rows *rows, struct fail *f, struct arena *a,
                                          struct resident_version *out);

/* ---- the queue (change_queue.c) ---- */

MUST_CHECK enum err register_mark_get(struct db_tx *tx, struct fail *f, enum register_mark mark,
                                      int64_t *value);
MUST_CHECK enum err register_mark_lock(struct db_tx *tx, struct fail *f, enum register_mark mark,
                                       int64_t *value);
MUST_CHECK enum err register_mark_set(struct db_tx *tx, struct fail *f, enum register_mark mark,
                                      int64_t value);
/* first..last are now in this state; ranges stay apart and grow together. */
MUST_CHECK enum err change_range_put(struct db_tx *tx, struct fail *f, int64_t first, int64_t last,
                                     char state, enum err error, struct str field);
/* The same for trouble ('w', 'r') that is heard of: what was corrected meanwhile stays corrected. */
MUST_CHECK enum err change_trouble_put(struct db_tx *tx, struct fail *f, int64_t first, int64_t last,
                                       char state, enum err error, struct str field);
/* Another change stands in the place of that one, or it withdrew one: no outcome of its own will come. */
MUST_CHECK enum err change_corrected(struct db_tx *tx, struct fail *f, int64_t number);
/* What is known of changes first..last. */
MUST_CHECK enum err change_range_count(struct db_tx *tx, struct fail *f, int64_t first, int64_t last,
                                       struct register_outcome *out);
/* The state of a change: one of the letters, or 0 while nothing is known. */
MUST_CHECK enum err change_range_find(struct db_tx *tx, struct fail *f, int64_t number, char *state,
                                      enum err *error);

/* Numbers given out within one transaction. */
struct register_batch {
    struct resident_register *register_;
    struct db_tx *tx;
    struct buf *body; /* for building the JSON of a change */
    int64_t row, change, first_change;
    bool claims; /* changes were taken back whose events may be given again */
};
/* ERR_REGISTER_BEHIND while something is to be taken back. */
MUST_CHECK enum err register_batch_begin(struct register_batch *b, struct fail *f);
/* The same for what is taken back. */
MUST_CHECK enum err register_batch_open(struct register_batch *b, struct fail *f);
MUST_CHECK enum err register_batch_end(struct register_batch *b, struct fail *f);
/* Queues the change that v tells the network, as an identity's or (転出確定) as a message. replaces: a
 * refused change's number, or 0. */
MUST_CHECK enum err register_batch_queue(struct register_batch *b, struct fail *f,
                                         const struct resident_version *v, const struct change *change,
                                         int64_t replaces);

/* Queues a message to a municipality (0: the governor), made of v's record. replaces: of an earlier message,
 * or 0; refused: it stands in the place of a refused one. */
MUST_CHECK enum err register_batch_message(struct register_batch *b, struct fail *f,
                                           const struct resident_version *v, struct area_code to,
                                           const struct message_form *form, const void *message,
                                           int64_t replaces);
/* The message of that number again, under a new one that replaces it. *is_message false: it is none. */
MUST_CHECK enum err register_batch_message_again(struct register_batch *b, struct fail *f, int64_t number,
                                                 bool *is_message);

/* ---- moves between municipalities (register_move.c) ---- */

/* v was entered by an event: the municipality it came from gets its 転入通知. */
MUST_CHECK enum err register_tell_move_in(struct register_batch *b, struct fail *f,
                                          const struct resident_version *v);
/* v stands on old: an entry that was told of was cancelled, or corrected in what the 転入通知 says. */
MUST_CHECK enum err register_tell_change(struct register_batch *b, struct fail *f, struct arena *a,
                                         const struct resident_version *old,
                                         const struct resident_version *v);
/* A 転入通知 came. Errors with exit 1 go on the list of intake errors. *person: whose record, 0 not known. */
MUST_CHECK enum err register_take_move_in(struct register_batch *b, struct fail *f, struct arena *a,
                                          struct str id, const struct json *body, int64_t *person);
/* The record of a code in a place (a ward, of a designated city); 0 when there is none. */
MUST_CHECK enum err register_find_stay(struct db_tx *tx, struct fail *f, struct arena *a,
                                       struct resident_code code, struct area_code area, int64_t *person);

/* ---- 転入届の特例 (register_departure.c, register_certificate.c) ---- */

/* May the event, a 転出届 by card, be taken? Nothing is written. ERR_CERTIFICATE_CARD, ERR_CERTIFICATE_GROUP.
 */
MUST_CHECK enum err register_departure_check(struct register_batch *b, struct fail *f, struct arena *a,
                                             const struct change_event *event,
                                             const struct resident_version *old);
/* The event made v: the planned destination is told what is new for it, if v's person goes by card. */
MUST_CHECK enum err register_tell_departure(struct register_batch *b, struct fail *f, struct arena *a,
                                            const struct change_event *event,
                                            const struct resident_version *v);
/* A message of that number stands in the place of the other, of whichever 転出届 it is. */
MUST_CHECK enum err register_departure_again(struct db_tx *tx, struct fail *f, int64_t former,
                                             int64_t change);
/* A 転出証明書情報 came. */
MUST_CHECK enum err register_take_certificate(struct register_batch *b, struct fail *f, struct arena *a,
                                              struct str id, const struct json *body, int64_t *person);
/* ---- the supplement of the family register (register_supplement.c, supplement_take.c) ---- */

/* v was entered by an event, or stands on old: the municipality of the 本籍 hears what its supplement is to
 * say (法19条1項), if this register tells. */
MUST_CHECK enum err register_tell_supplement_entry(struct register_batch *b, struct fail *f, struct arena *a,
                                                   const struct resident_version *v);
MUST_CHECK enum err register_tell_supplement(struct register_batch *b, struct fail *f, struct arena *a,
                                             const struct resident_version *old,
                                             const struct resident_version *v);
/* The version by which v's stay ended, or is to end; of an open record v itself. */
MUST_CHECK enum err register_find_departure(struct db_tx *tx, struct fail *f, struct arena *a,
                                            const struct resident_version *v,
                                            struct resident_version *departure);
/* A 戸籍の附票記載事項通知 came; as register_take_move_in. */
MUST_CHECK enum err register_take_supplement(struct register_batch *b, struct fail *f, struct arena *a,
                                             struct str id, const struct json *body, int64_t *person);

/* ---- writing (register_write.c) ---- */

/* A new record, or the return of a person whose former record is closed. ERR_EXISTS. Nothing is written on
 * failure. */
MUST_CHECK enum err register_enter(struct register_batch *b, struct fail *f, struct resident_version *v);
/* Writes a new record, or a version on top of `old`, and queues the change unless its reason is CHANGE_NONE;
 * nothing is checked. former: the closed record that had the code, or 0. v->id is set. */
MUST_CHECK enum err register_add_record(struct register_batch *b, struct fail *f, struct resident_version *v,
                                        int64_t former, const struct change *change);
MUST_CHECK enum err register_add_version(struct register_batch *b, struct fail *f,
                                         const struct resident_version *old, struct resident_version *v,
                                         const struct change *change);
/* The legal change that tells of v; reason CHANGE_NONE when nothing is sent. */
struct change register_change_of(const struct resident_version *v);
/* Which person a record's name or a resident code stands for; 0 nobody. */
MUST_CHECK enum err register_find_int(struct db_tx *tx, struct fail *f, const struct db_stmt *stmt,
                                      struct db_value key, int64_t *out);
/* What the event makes of old's values, but for a code or number that is to be drawn. v begins as a copy of
 * old with the event's reason, dates and name. */
MUST_CHECK enum err register_change_row(struct register_batch *b, struct fail *f, struct arena *a,
                                        const struct change_event *event, const struct resident_version *old,
                                        struct resident_version *v);
/* v: what the event says of itself, on top of old. */
void register_begin_version(const struct change_event *event, const struct resident_version *old,
                            struct resident_version *v);
/* What happens to a record that is there, or a new one; ERR_EXISTS for an event that was taken before. */
MUST_CHECK enum err register_apply_event(struct register_batch *b, struct fail *f, struct arena *a,
                                         const struct change_event *event);
/* A number came that a record's change may wait for: applies that change. *wished false: none waits. */
MUST_CHECK enum err register_wish_fulfil(struct register_batch *b, struct fail *f, struct arena *a,
                                         int64_t person, struct individual_number number, bool *wished);
/* Outside a transaction: at least `count` drawn codes are there after it; when some are missing, up to
 * `ahead` are drawn at once, for who will soon need them. ERR_DOOR_LOST, ERR_STOCK_EMPTY ... */
MUST_CHECK enum err register_draw(struct resident_register *r, struct fail *f, int64_t count, int64_t ahead);

/* ---- taking back after a restore (register_back.c), and events that are given again (register_claim.c) ----
 */

/* Where the CS stands ahead of us: begins to take back, or goes on. ERR_REGISTER_OLD: nobody said that this
 * is a restored database. */
MUST_CHECK enum err register_back_begin(struct resident_register *r, struct fail *f, int64_t taken);
/* The CS has nothing that we do not have. */
MUST_CHECK enum err register_back_end(struct resident_register *r, struct fail *f);
/* Takes one page back. *behind false: it was the last. */
MUST_CHECK enum err register_back_page(struct resident_register *r, struct fail *f,
                                       struct door_client *client, struct buf *answer, bool *behind);
enum { REGISTER_CONTENT_SIZE = 16 };
/* What two tellings of the same change have in common. */
MUST_CHECK enum err register_content(struct fail *f, struct buf *scratch, const struct identity *identity,
                                     const struct change *change, uint8_t out[static REGISTER_CONTENT_SIZE]);
/* *claimed: the entry, or the event, is one whose change was taken back; what the CS did not know was filled
 * in, and nothing is queued. */
MUST_CHECK enum err register_claim_entry(struct register_batch *b, struct fail *f, struct resident_version *v,
                                         bool *claimed);
MUST_CHECK enum err register_claim_event(struct register_batch *b, struct fail *f, struct arena *a,
                                         const struct change_event *event, int64_t person, bool *claimed);
/* A number came for a wish that nobody knows: keeps it, unless the person has it. */
MUST_CHECK enum err register_number_came(struct db_tx *tx, struct fail *f, struct arena *a, int64_t person,
                                         struct individual_number number);
/* The kept number of a person, which is used now; *found. */
MUST_CHECK enum err register_number_use(struct db_tx *tx, struct fail *f, int64_t person,
                                        struct individual_number *number, bool *found);

/* ---- speaking with the CS (door_sender.c, door_hearing.c) ---- */

enum { DOOR_BODY_BYTES = 4 << 20, DOOR_ANSWER_BYTES = 4 << 20, DOOR_IDLE_MICROS = 500000 };

MUST_CHECK enum err door_sender_start(struct resident_register *r, struct fail *f);
void door_sender_stop(struct resident_register *r);
/* Something was queued. */
void door_sender_wake(struct resident_register *r);
bool door_stopping(const struct resident_register *r);
/* Has the CS nothing that we do not have? Numbers are heard only then. */
bool door_level(struct resident_register *r);
/* It told of a change that we never made, or was lost: it is asked how far it has taken changes. */
void door_ask_again(struct resident_register *r);
/* How often that was so. */
uint64_t door_doubts(struct resident_register *r);
/* How often it was woken; sleeps until it is, or was since `seen`: what came while the caller looked for work
 * is not slept through. */
uint64_t door_wakings(struct resident_register *r);
void door_sleep(struct resident_register *r, int64_t microseconds, uint64_t seen);
/* So long, whatever is queued meanwhile; less only when the register stops. */
void door_pause(struct resident_register *r, int64_t microseconds);

struct door_sending {
    struct resident_register *r;
    struct door_client *client;
    struct buf body, answer;
    int64_t taken, queued, count; /* count 0: nothing was to be sent */
    bool asked;                   /* how far the CS has taken changes, on this connection */
    bool behind;                  /* the CS has taken changes that we have to take back */
    uint64_t doubts;              /* when it was asked */
};
/* What there is to do next, one call or more. */
MUST_CHECK enum err door_send_once(struct door_sending *s, struct fail *f);

struct door_hearing {
    struct resident_register *r;
    const char *path, *list;
    enum register_mark mark;
    enum err (*take)(struct door_hearing *h, struct db_tx *tx, struct fail *f, const struct json *item,
                     struct arena *a);
    struct buf answer;
    int64_t cursor, next; /* as far as was heard; as far as the answer goes */
    int64_t told;         /* the last change that the answer tells of */
    bool beyond;          /* we never made that one */
    bool placed;          /* cursor was read from disk. It may be ahead of it by what told nothing new. */
    struct json *tree;    /* of the answer, until it is taken */
};
struct door_hearing door_hearing_outcomes(struct resident_register *r); /* answer is to be made */
struct door_hearing door_hearing_numbers(struct resident_register *r);
struct door_hearing door_hearing_messages(struct resident_register *r);
/* Asks once and takes the answer. */
MUST_CHECK enum err door_hear_once(struct door_hearing *h, struct door_client *client, struct fail *f);
void *door_hear_outcomes(void *r); /* threads */
void *door_hear_numbers(void *r);
void *door_hear_messages(void *r);
/* Takes one message of the feed (register_message.c). */
enum err register_take_message(struct door_hearing *h, struct db_tx *tx, struct fail *f,
                               const struct json *item, struct arena *a);

/* ---- those who await outcomes (awaiting.c) ---- */

/* They are told what an answer of the CS says was applied, up to REGISTER_TOLD_MOST ranges of it. Until
 * register_tell_written, which says that the answer is on disk or will not be: they look there again. */
void register_tell_ahead(struct resident_register *r, const struct json *answer);
void register_tell_written(struct resident_register *r);
/* Something else is on disk, or the register stops: they look. */
void register_tell(struct resident_register *r);

#endif
