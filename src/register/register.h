/* SPDX-License-Identifier: Apache-2.0 */
/* The reference resident register (住民記録): master of the 住民票; outside the network, linked to its CS by
 * the door.
 *
 * Keeps residents with household, relationship and 本籍; provisional (仮登録) and final (本登録) entry, of
 * which only the final leaves; history, where a cancellation is a new change on top; and the queue of changes
 * for the door. */
#ifndef JUKI_REGISTER_REGISTER_H
#define JUKI_REGISTER_REGISTER_H

#include "db/tally.h"
#include "identity/identity.h"

extern const struct db_module register_module;

struct register_config {
    struct area_code area; /* the municipality (a designated city carries its wards) */
    const char *door_url;  /* "https://127.0.0.1:8001"; NULL for a register without a door */
    const char *tls_key_path, *tls_certificate_path, *ca_path;
    bool supplement_create; /* who is named by a notice comes on the supplement of a 戸籍 that is made for it;
                               else only who was loaded is known */
    struct db *db;
};
struct resident_register;
MUST_CHECK enum err register_new(struct fail *f, const struct register_config *config,
                                 struct resident_register **out);
/* Starts the thread that sends changes through the door and takes outcomes and numbers. */
MUST_CHECK enum err register_start(struct resident_register *r, struct fail *f);
void register_stop(struct resident_register *r);
void register_free(struct resident_register *r);

struct register_result {
    int64_t rows, taken, refused;
    int64_t first_change, last_change;
};
typedef void (*register_progress)(void *arg, int64_t rows, int64_t bytes_done, int64_t bytes_total);
/* Called for each bad row; the load goes on. */
typedef void (*register_refusal)(void *arg, int64_t line, const struct fail *f);
/* Loads residents from CSV (docs/REGISTER-CSV.md), UTF-8 or CP932. Durable when it returns. A row that is
 * there already (same resident_code) is refused with ERR_EXISTS. */
MUST_CHECK enum err register_load(struct resident_register *r, struct fail *f, const char *path,
                                  register_progress progress, register_refusal refusal, void *arg,
                                  struct register_result *out);
/* Applies change events from a file (same document). */
MUST_CHECK enum err register_apply(struct resident_register *r, struct fail *f, const char *path,
                                   register_progress progress, register_refusal refusal, void *arg,
                                   struct register_result *out);
/* Enters every event of such a file provisionally (register_enter_event). Each is checked against what stands
 * there now: one that needs another of the same file is refused. *out has no changes. */
MUST_CHECK enum err register_enter_file(struct resident_register *r, struct fail *f, const char *path,
                                        register_progress progress, register_refusal refusal, void *arg,
                                        struct register_result *out);
/* One event at the counter (a line as register_apply reads). provisional (仮登録): checked and kept under its
 * own name, but changes nothing until register_confirm; ERR_EXISTS when that name waits already. *change: the
 * change's number, 0 when the network is not told. */
MUST_CHECK enum err register_enter_event(struct resident_register *r, struct fail *f, struct str line,
                                         bool provisional, int64_t *change);
/* 本登録 of a provisional event. ERR_NOT_FOUND, or why it can no longer be done (it stays provisional then).
 */
MUST_CHECK enum err register_confirm(struct resident_register *r, struct fail *f, struct str event,
                                     int64_t *change);
/* Drops a provisional event: nothing of it happens. ERR_NOT_FOUND. */
MUST_CHECK enum err register_withdraw(struct resident_register *r, struct fail *f, struct str event);
/* What waits to be confirmed, oldest first. Says of whom only by the register's own record name, which is
 * empty when the event names its person by code. */
struct register_provisional {
    struct str event, record;
    enum municipal_reason reason;
    struct date date; /* of the change */
    int64_t since;    /* stamp */
};
MUST_CHECK enum err register_provisionals(struct resident_register *r, struct fail *f,
                                          void (*each)(void *arg, const struct register_provisional *p),
                                          void *arg);
/* Says of a database that it was restored from a backup, which may be old. The register then takes back what
 * its CS has taken since and takes nothing new in before that: ERR_REGISTER_BEHIND from whatever would. The
 * database is opened by nobody else. */
MUST_CHECK enum err register_restored(struct fail *f, struct db *db);
/* What was taken back and is not whole, since the CS is told only what the network is to know; until its
 * event or row is given again (register_apply, register_load), which is known by its content and fills it in,
 * or until a person has taken note. Changes in order, then wishes. */
struct register_lacking {
    enum {
        LACKING_OWN,     /* an event on a record: household, 町名, the event's name ... as before it */
        LACKING_RECORD,  /* a record that is not in the backup: household, 続柄, 本籍, 国籍 ... */
        LACKING_CONTENT, /* refused at the door, or corrected while it waited: nothing is known of it */
        LACKING_WISH     /* an Individual Number came and nobody knows for which event */
    } what;
    int64_t change, since;     /* change: 0 for a wish */
    char record[804];          /* by the register's own name; "" when not known */
    enum change_reason reason; /* CHANGE_NONE when not known */
    struct date date;
};
MUST_CHECK enum err register_lacking(struct resident_register *r, struct fail *f,
                                     void (*each)(void *arg, const struct register_lacking *l), void *arg);
/* A person has taken note of all of them. */
MUST_CHECK enum err register_lacking_seen(struct resident_register *r, struct fail *f, int64_t *count);
struct register_status {
    int64_t residents, leaving, removed, provisional; /* records by state; events that wait to be confirmed */
    int64_t awaiting_number; /* changes of a number that wait for the agency to generate the new one */
    int64_t changes, taken;  /* queued in all; taken by the CS */
    int64_t applied, waiting, refused, replaced; /* what became of them, as in register_outcome */
    int64_t
        to_take_back; /* changes still to be taken back after a restore; -1: the CS is to be asked first */
    int64_t lacking;  /* what was taken back and lacks what never went to the CS (register_lacking) */
    bool door_connected;
    struct fail trouble; /* what the way to the CS suffers from; err 0: nothing */
};
MUST_CHECK enum err register_status(struct resident_register *r, struct fail *f, struct register_status *out);
/* Can a change be written now? Writes that it was tried. ERR_DB_FULL ... */
MUST_CHECK enum err register_health(struct resident_register *r, struct fail *f);
/* What became of changes first..last: counts by state. replaced: no outcome of theirs will come, since
 * others stand in their place or they withdrew one that was refused. */
struct register_outcome {
    int64_t applied, waiting, refused, replaced, unknown;
};
/* Returns as soon as something is known of all of them, at the latest after so many seconds (0: at once), or
 * when the register is stopped. What the CS has said counts as soon as it is here; with `recorded`, only when
 * the register's own record of it is on disk. */
MUST_CHECK enum err register_await(struct resident_register *r, struct fail *f, int64_t first, int64_t last,
                                   int seconds, bool recorded, struct register_outcome *out);
/* Changes that were refused or wait, with their reasons, oldest first; then, with change 0, wishes for
 * another Individual Number that could not be fulfilled when the number came. */
struct register_problem {
    int64_t change, since; /* since: stamp */
    char state;            /* 'r' refused, 'w' waiting */
    enum err error;
    char field[48];
    char record[804]; /* whose change it is, by the register's own name; "" for a withdrawal */
};
MUST_CHECK enum err register_problems(struct resident_register *r, struct fail *f,
                                      void (*each)(void *arg, const struct register_problem *p), void *arg);
/* One record by its own name as it stands: its values by the column names of docs/REGISTER-CSV.md, and
 * "life", "version", "reason", "change_date", and of a departure "planned_on", "moved_to_area_code",
 * "moved_to_address" (予定), "confirmed_on", "confirmed_area_code", "confirmed_address" (確定), "left_on",
 * the earlier of the two days. Holds the person's code and number. ERR_NOT_FOUND. */
MUST_CHECK enum err register_record(struct resident_register *r, struct fail *f, struct str record,
                                    struct buf *out);
/* 転入通知未着者一覧: who is 転出予定 and of whom no 転入通知 has come. */
struct register_awaited {
    char record[804];
    struct date planned_on, due; /* due: 14 days after the planned day (法22条) */
    struct area_code to;         /* the planned destination; 0 not known */
    bool overdue;
};
enum { REGISTER_AWAIT_DAYS = 14 };
MUST_CHECK enum err register_awaited(struct resident_register *r, struct fail *f,
                                     void (*each)(void *arg, const struct register_awaited *a), void *arg);
/* Messages of other municipalities in one state, oldest first. */
enum register_intake_state {
    REGISTER_INTAKE_TAKEN = 'a',
    REGISTER_INTAKE_ERROR = 'e',
    REGISTER_INTAKE_SEEN = 's'
};
struct register_intake {
    char id[96], kind[32];
    struct area_code from;
    int64_t came; /* stamp */
    enum err error;
    char field[48];
    char record[804]; /* whose it is, when that is known */
};
MUST_CHECK enum err register_intake(struct resident_register *r, struct fail *f,
                                    enum register_intake_state state,
                                    void (*each)(void *arg, const struct register_intake *m), void *arg);
/* Tries a message of the list of intake errors again; its error when it still cannot be taken. ERR_NOT_FOUND,
 * ERR_STATE when it is not on the list. */
MUST_CHECK enum err register_intake_again(struct resident_register *r, struct fail *f, struct str id);
/* A person has seen to it otherwise: it leaves the list. */
MUST_CHECK enum err register_intake_seen(struct resident_register *r, struct fail *f, struct str id);
/* Tells the municipalities of the 本籍 once where every resident stands, and from then on every change
 * (戸籍の 附票記載事項通知, 法19条1項); a register that was never told to is silent. Goes on where it broke
 * off. *told: how many notices were queued; 0 when it was done before. */
MUST_CHECK enum err register_supplement_announce(struct resident_register *r, struct fail *f, int64_t *told);
/* Existing supplements from a CSV file, an address of a person a row (docs/REGISTER-CSV.md); as
 * register_load.
 */
MUST_CHECK enum err register_supplement_load(struct resident_register *r, struct fail *f, const char *path,
                                             register_progress progress, register_refusal refusal, void *arg,
                                             struct register_result *out);
/* Persons of the supplements of one 本籍 (as it is written there), of one 筆頭者 or with "" of all. */
struct register_supplement_person {
    int64_t person; /* as register_supplement_show takes it */
    bool off;       /* 除票: dead, or in another 戸籍 */
    struct area_code honseki_area;
    char head[804], name[804];
    int event;             /* enum supplement_event: the last; 0 when nothing counts of what was said */
    struct area_code area; /* where the person lives, or lived last */
    char address[804];     /* "": abroad */
    struct date address_since;
};
MUST_CHECK enum err
register_supplement_list(struct resident_register *r, struct fail *f, struct str honseki, struct str head,
                         void (*each)(void *arg, const struct register_supplement_person *p), void *arg);
/* One of them with the history of addresses, as JSON. Holds the person's code. ERR_NOT_FOUND. */
MUST_CHECK enum err register_supplement_show(struct resident_register *r, struct fail *f, int64_t person,
                                             struct buf *out);
/* Counts and sums by municipality (ward) of the address and of the 本籍: over our supplements, or with
 * `homes` over our residents. A supplement and a residence that say the same of code, address and day add the
 * same; sums are XOR of SHA-256, so that it matters neither in which order nor by whom they are added. Once
 * all is told, every pair of places has the same sum at both. */
struct register_supplement_sum {
    struct area_code area, honseki_area;
    int64_t count;
    uint8_t digest[32];
};
MUST_CHECK enum err
register_supplement_census(struct resident_register *r, struct fail *f, bool homes,
                           void (*each)(void *arg, const struct register_supplement_sum *sum), void *arg);
/* Asks the CS to send changes first..last again. */
MUST_CHECK enum err register_resend(struct resident_register *r, struct fail *f, int64_t first, int64_t last);
/* Another change in the place of one that was refused: the record as it stands now, under a new number that
 * replaces it; or, when nothing is to be told after all, its withdrawal. ERR_STATE unless the change is
 * refused. */
MUST_CHECK enum err register_replace(struct resident_register *r, struct fail *f, int64_t refused,
                                     bool withdraw, int64_t *change);
/* Counts and digest of each area as the network should know it, in the form of store_census
 * (store_digest_line), for comparing levels. Not called inside a transaction. */
MUST_CHECK enum err register_census(struct resident_register *r, struct fail *f,
                                    void (*each)(void *arg, struct area_code area, int64_t current,
                                                 int64_t leaving, int64_t removed,
                                                 const uint8_t digest[static 32]),
                                    void *arg);

#endif
