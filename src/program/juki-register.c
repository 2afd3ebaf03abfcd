/* SPDX-License-Identifier: Apache-2.0 */
/* The reference resident register as a daemon: outside the network, behind the door of its CS. */
#include "program/register_verbs.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "program/backup_hold.h"
#include "program/daemon.h"
#include "program/disk_space.h"
#include "program/standby.h"

#include <stdatomic.h>

/* ---- the disk, and how all stands */

/* Before what makes it fuller by somebody's wish; what the CS says is still written down. */
enum err register_takes_work(struct running *r, struct fail *f)
{
    enum err e = disk_takes_work(f, node_config_disk(&r->config, r->folder), r->config.disk_least);
    bool low = e;
    if (atomic_exchange(&r->disk_low, low) == low)
        return e;
    if (low)
        LOG(LOG_ALARM, "disk_low", LOG_NUMBER("least_percent", r->config.disk_least));
    else
        LOG(LOG_INFO, "disk_enough", LOG_NUMBER("least_percent", r->config.disk_least));
    return e;
}

static void add_disk(struct running *r, struct buf *b)
{
    struct pool p;
    if (!r->config.disk_least || !disk_pool(node_config_disk(&r->config, r->folder), &p))
        return;
    json_begin(b, "pools", '[');
    json_begin(b, NULL, '{');
    json_add_text(b, "pool", str_of(p.name));
    json_add_int(b, "left", p.left);
    json_add_int(b, "of", p.of);
    json_add_int(b, "level", p.level);
    json_end(b, '}');
    json_end(b, ']');
}

/* Ready is who can write a change down at this moment; else why not, or what the way to the CS suffers from.
 */
static void add_health(struct running *r, const struct register_status *s, struct buf *b)
{
    struct fail why = {0};
    enum err e = register_health(r->reg, &why);
    json_add_bool(b, "ready", !e);
    if (e || register_takes_work(r, &why))
        control_add_trouble(b, &why);
    else if (s->trouble.err)
        control_add_trouble(b, &s->trouble);
}

static enum err verb_status(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    struct buf *b = &call->answer;
    struct register_status s;
    struct db_stats stats;
    enum err e = register_status(r->reg, f, &s);
    if (e)
        return e;
    json_add_text(b, "node", str_of(r->self.text));
    add_health(r, &s, b);
    db_stats(r->db, &stats);
    json_add_text(b, "version", STR(JUKI_VERSION));
    json_add_int(b, "uptime_seconds", (clock_now() - r->started) / 1000000);
    json_begin(b, "persons", '{');
    json_add_int(b, "current", s.residents);
    json_add_int(b, "removed", s.removed);
    json_add_int(b, "provisional", s.provisional);
    json_add_int(b, "awaiting_number", s.awaiting_number);
    json_end(b, '}');
    json_begin(b, "changes", '{');
    json_add_int(b, "queued", s.changes);
    json_add_int(b, "taken", s.taken);
    json_add_int(b, "applied", s.applied);
    json_add_int(b, "waiting", s.waiting);
    json_add_int(b, "refused", s.refused);
    json_add_int(b, "replaced", s.replaced);
    json_end(b, '}');
    json_begin(b, "notices", '{');
    json_add_int(b, "sent", s.taken);
    json_add_int(b, "waiting", s.changes - s.applied - s.refused - s.replaced);
    json_add_int(b, "refused", s.refused);
    json_end(b, '}');
    json_begin(b, "database", '{');
    json_add_int(b, "file_bytes", stats.file_bytes);
    json_add_int(b, "wal_bytes", stats.wal_bytes);
    json_add_int(b, "wal_bytes_most", stats.wal_bytes_most);
    json_add_int(b, "memory_bytes", stats.memory_bytes);
    json_end(b, '}');
    json_add_bool(b, "door_connected", s.door_connected);
    if (s.to_take_back)
        json_add_int(b, "taking_back", s.to_take_back);
    json_add_int(b, "lacking", s.lacking);
    add_disk(r, b);
    return ERR_OK;
}

struct load {
    struct control_call *call;
    struct buf refusals; /* the first ones, as JSON */
    int64_t shown;
};
enum { REFUSALS_SHOWN = 100 };

static void progress(void *arg, int64_t rows, int64_t done, int64_t total)
{
    struct load *l = arg;
    (void)rows;
    control_progress(l->call, done, total);
}

static void refused(void *arg, int64_t line, const struct fail *f)
{
    struct load *l = arg;
    char text[400];
    if (l->shown++ >= REFUSALS_SHOWN)
        return;
    json_begin(&l->refusals, NULL, '{');
    json_add_int(&l->refusals, "line", line);
    json_add_text(&l->refusals, "name", str_of(err_row(f->err)->name));
    json_add_text(&l->refusals, "text", str_of(fail_text(f, FAIL_ENGLISH, text, sizeof text)));
    json_add_text(&l->refusals, "text_ja", str_of(fail_text(f, FAIL_JAPANESE, text, sizeof text)));
    json_end(&l->refusals, '}');
}

typedef enum err (*take_file)(struct resident_register *r, struct fail *f, const char *path,
                              register_progress progress, register_refusal refusal, void *arg,
                              struct register_result *out);

static enum err take(struct running *r, struct control_call *call, struct fail *f, take_file function)
{
    struct load l = {.call = call};
    struct register_result result = {0};
    struct str path = {NULL, 0};
    enum err e = json_member_text(f, call->question, "path", &call->arena, &path);
    if (!e)
        e = register_takes_work(r, f);
    if (e)
        return e;
    buf_init(&l.refusals, 1024 * 1024);
    json_begin(&l.refusals, NULL, '[');
    e = function(r->reg, f, path.p, progress, refused, &l, &result);
    json_end(&l.refusals, ']');
    json_add_int(&call->answer, "rows", result.rows);
    json_add_int(&call->answer, "taken", result.taken);
    json_add_int(&call->answer, "refused", result.refused);
    json_add_int(&call->answer, "first_change", result.first_change);
    json_add_int(&call->answer, "last_change", result.last_change);
    json_add_raw(&call->answer, "refusals", buf_str(&l.refusals));
    buf_release(&l.refusals);
    return e;
}

static enum err verb_load(void *self, struct control_call *call, struct fail *f)
{
    return take(self, call, f, register_load);
}

static enum err verb_apply(void *self, struct control_call *call, struct fail *f)
{
    return take(self, call, f, register_apply);
}

static enum err verb_supplement_load(void *self, struct control_call *call, struct fail *f)
{
    return take(self, call, f, register_supplement_load);
}

/* ---- 仮登録 and 本登録 */

static enum err verb_enter(void *self, struct control_call *call, struct fail *f)
{
    return take(self, call, f, register_enter_file);
}

static void add_provisional(void *arg, const struct register_provisional *p)
{
    struct buf *b = arg;
    char text[CLOCK_TEXT_SIZE], day[DATE_TEXT_SIZE];
    json_begin(b, NULL, '{');
    json_add_text(b, "id", p->event);
    json_add_text(b, "record", p->record);
    json_add_text(b, "reason", str_of(municipal_row(p->reason)->name));
    json_add_text(b, "reason_ja", str_of(municipal_row(p->reason)->ja));
    json_add_text(b, "date", str_of(date_text(p->date, day)));
    json_add_text(b, "since", str_of(clock_text(p->since, text)));
    json_end(b, '}');
}

static enum err verb_provisional(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    json_begin(&call->answer, "provisional", '[');
    enum err e = register_provisionals(r->reg, f, add_provisional, &call->answer);
    json_end(&call->answer, ']');
    return e;
}

static enum err verb_confirm(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    struct str id = {NULL, 0};
    int64_t change = 0;
    enum err e = json_member_text(f, call->question, "id", &call->arena, &id);
    if (!e)
        e = register_takes_work(r, f);
    if (!e)
        e = register_confirm(r->reg, f, id, &change);
    json_add_int(&call->answer, "change", change);
    return e;
}

static enum err verb_withdraw_provisional(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    struct str id = {NULL, 0};
    enum err e = json_member_text(f, call->question, "id", &call->arena, &id);
    return e ? e : register_withdraw(r->reg, f, id);
}

/* ---- what became of changes */

enum { AWAIT_SECONDS_MAX = 600 };

static enum err verb_outcome(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    struct register_outcome o = {0};
    int64_t first = 0, last = 0, wait = 0;
    enum err e = json_member_int(f, call->question, "first", 1, INT64_MAX, &first);
    if (!e)
        e = json_member_int(f, call->question, "last", first, INT64_MAX, &last);
    if (!e)
        e = json_member_int(f, call->question, "wait", 0, AWAIT_SECONDS_MAX, &wait);
    if (!e)
        e = register_await(r->reg, f, first, last, (int)wait,
                           json_is(json_get(call->question, "recorded"), JSON_TRUE), &o);
    json_add_int(&call->answer, "applied", o.applied);
    json_add_int(&call->answer, "waiting", o.waiting);
    json_add_int(&call->answer, "refused", o.refused);
    json_add_int(&call->answer, "replaced", o.replaced);
    json_add_int(&call->answer, "unknown", o.unknown);
    return e;
}

static void add_problem(void *arg, const struct register_problem *p)
{
    struct buf *b = arg;
    const struct err_row *row = err_row(p->error);
    char text[CLOCK_TEXT_SIZE];
    json_begin(b, NULL, '{');
    json_add_int(b, "change", p->change);
    json_add_text(b, "record", str_of(p->record));
    json_add_text(b, "state", p->state == 'r' ? STR("refused") : STR("waiting"));
    json_add_text(b, "name", str_of(row->name));
    json_add_text(b, "field", str_of(p->field));
    json_add_text(b, "text", str_of(row->en));
    json_add_text(b, "text_ja", str_of(row->ja));
    json_add_text(b, "since", str_of(clock_text(p->since, text)));
    json_end(b, '}');
}

static enum err verb_problems(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    json_begin(&call->answer, "problems", '[');
    enum err e = register_problems(r->reg, f, add_problem, &call->answer);
    json_end(&call->answer, ']');
    return e;
}

/* ---- what a restore brought back and what it lacks */

static void add_lacking(void *arg, const struct register_lacking *l)
{
    static const char *const what[] = {[LACKING_OWN] = "own_values",
                                       [LACKING_RECORD] = "record",
                                       [LACKING_CONTENT] = "content",
                                       [LACKING_WISH] = "wish"};
    struct buf *b = arg;
    char text[CLOCK_TEXT_SIZE], day[DATE_TEXT_SIZE];
    json_begin(b, NULL, '{');
    json_add_int(b, "change", l->change);
    json_add_text(b, "record", str_of(l->record));
    json_add_text(b, "lacks", str_of(what[l->what]));
    if (l->reason != CHANGE_NONE) {
        json_add_text(b, "reason", str_of(change_row(l->reason)->name));
        json_add_text(b, "reason_ja", str_of(change_row(l->reason)->ja));
        json_add_text(b, "date", str_of(date_text(l->date, day)));
    }
    json_add_text(b, "since", str_of(clock_text(l->since, text)));
    json_end(b, '}');
}

static enum err verb_lacking(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    json_begin(&call->answer, "lacking", '[');
    enum err e = register_lacking(r->reg, f, add_lacking, &call->answer);
    json_end(&call->answer, ']');
    return e;
}

static enum err verb_lacking_seen(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    int64_t count = 0;
    enum err e = register_lacking_seen(r->reg, f, &count);
    json_add_int(&call->answer, "seen", count);
    return e;
}

static enum err verb_resend(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    int64_t first = 0, last = 0;
    enum err e = json_member_int(f, call->question, "first", 1, INT64_MAX, &first);
    if (!e)
        e = json_member_int(f, call->question, "last", first, INT64_MAX, &last);
    return e ? e : register_resend(r->reg, f, first, last);
}

static void add_census(void *arg, struct area_code area, int64_t current, int64_t leaving, int64_t removed,
                       const uint8_t digest[static 32])
{
    struct buf *b = arg, hex;
    buf_init(&hex, 64);
    encode_hex(&hex, digest, 32);
    json_begin(b, NULL, '{');
    json_add_int(b, "area", area.value);
    json_add_int(b, "current", current);
    json_add_int(b, "leaving", leaving);
    json_add_int(b, "removed", removed);
    json_add_text(b, "digest", buf_str(&hex));
    json_end(b, '}');
    buf_release(&hex);
}

static enum err verb_census(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    json_begin(&call->answer, "areas", '[');
    enum err e = register_census(r->reg, f, add_census, &call->answer);
    json_end(&call->answer, ']');
    return e;
}

static enum err verb_replace(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    int64_t refused = 0, change = 0;
    bool withdraw = false;
    enum err e = json_member_int(f, call->question, "change", 1, INT64_MAX, &refused);
    if (!e)
        e = json_member_bool_maybe(f, call->question, "withdraw", &withdraw);
    if (!e)
        e = register_takes_work(r, f);
    if (!e)
        e = register_replace(r->reg, f, refused, withdraw, &change);
    json_add_int(&call->answer, "change", change);
    return e;
}

static enum err verb_backup(void *self, struct control_call *call, struct fail *f)
{
    struct running *r = self;
    const struct backup_hold hold = {r->db, node_config_disk(&r->config, r->folder), r->config.disk_least,
                                     NULL, NULL};
    return backup_hold(&hold, call, f);
}

static const struct control_verb verbs[] = {
    {"status", "residents, changes, door", verb_status},
    {"load", "residents from a CSV file (path)", verb_load},
    {"apply", "change events from a file (path)", verb_apply},
    {"enter", "change events from a file, provisionally: nothing of them leaves (path)", verb_enter},
    {"provisional", "events that wait to be confirmed", verb_provisional},
    {"confirm", "the final entry of a provisional event (id)", verb_confirm},
    {"withdraw_provisional", "drop a provisional event (id)", verb_withdraw_provisional},
    {"outcome",
     "what became of changes, as soon as all is known or after some seconds (first, last, wait, recorded)",
     verb_outcome},
    {"problems", "changes that were refused or wait", verb_problems},
    {"lacking", "what was taken back from the CS after a restore and is not whole", verb_lacking},
    {"lacking_seen", "a person has taken note of all of that", verb_lacking_seen},
    {"resend", "let the CS send changes again (first, last)", verb_resend},
    {"replace", "the record as it stands now in the place of a refused change (change, withdraw)",
     verb_replace},
    {"backup", "hold the database's file still until the next line", verb_backup},
    {"census", "persons and digest of every area", verb_census},
    {"letters", "letters without their content (filter: all, open, overdue, received)",
     register_verb_letters},
    {"letter", "one letter with its content and its steps (letter)", register_verb_letter},
    {"letter_make", "a new letter (kind, to, record, mark, content, who)", register_verb_letter_make},
    {"letter_receive", "a letter that came (kind, from, record, mark, date, content, who)",
     register_verb_letter_receive},
    {"letter_step", "what was done with a letter (letter, step: print, send, answer, withdraw; who, note)",
     register_verb_letter_step},
    {"restraints", "支援措置 in force, or all there ever were (all)", register_verb_restraints},
    {"restraint_apply", "an application, which holds at once (records, targets, applied, whom, origin, who)",
     register_verb_restraint_apply},
    {"restraint_step", "a decision (restraint, step: accept, refuse, extend, end; who, note)",
     register_verb_restraint_step},
    {"restraint_release", "lets one act through today (restraint, minutes, who, note)",
     register_verb_restraint_release},
    {"record", "one record with all its values, numbers too (record)", register_verb_record},
    {"awaited", "who is leaving and of whom no 転入通知 has come", register_verb_awaited},
    {"intake", "messages of other municipalities in a state (state: error, taken, seen)",
     register_verb_intake},
    {"intake_again", "try a message of the list of intake errors again (id)", register_verb_intake_again},
    {"intake_seen", "take a message off that list (id)", register_verb_intake_seen},
    {"card", "what is known of a record's card (record)", register_verb_card},
    {"card_set", "a record's person has this card (record, card)", register_verb_card_set},
    {"certificates", "転出証明書情報 that came", register_verb_certificates},
    {"certificate", "one of them, numbers too (from, certificate)", register_verb_certificate},
    {"certificate_enter", "a 転入届 by card (filing)", register_verb_certificate_enter},
    {"certificate_paper", "what a 転出証明書 says, numbers too (record)", register_verb_certificate_paper},
    {"certificate_keep", "keep one that another municipality answered (id, certificate)",
     register_verb_certificate_keep},
    {"certificate_answer", "what is answered to where somebody arrived (question)",
     register_verb_certificate_answer},
    {"supplement_announce",
     "tell the municipalities of the 本籍 once where everybody stands, and then every change",
     register_verb_supplement_announce},
    {"supplement_load", "existing supplements from a CSV file (path)", verb_supplement_load},
    {"supplement_list", "persons of the supplements of a 本籍 (honseki, head)",
     register_verb_supplement_list},
    {"supplement_show", "one of them with the history of addresses, codes too (person)",
     register_verb_supplement_show},
    {"supplement_census", "sums over the supplements here, or over the residents (homes)",
     register_verb_supplement_census},
};

static void on_broken(void *arg UNUSED, const struct fail *f)
{
    log_fail(LOG_ALARM, "storage_broken", f);
}

static enum err open_database(struct running *r, struct fail *f)
{
    static const struct db_module *const modules[] = {&register_module};
    enum err e = standby_open(f, &r->config, modules, COUNT_OF(modules), &r->db);
    if (!e)
        e = db_reserve_log(r->db, f, DB_LOG_AHEAD);
    if (!e)
        db_on_broken(r->db, on_broken, NULL);
    return e;
}

static enum err open_register(void *self, struct fail *f, const char *folder)
{
    struct running *r = self;
    arena_init(&r->arena, 1024 * 1024);
    r->started = clock_now();
    r->folder = folder;
    enum err e = node_config_load(f, folder, &r->arena, &r->config);
    if (!e)
        e = node_name_parse(f, r->config.node, &r->self);
    if (!e && r->self.role != NODE_REGISTER)
        e = fail_set(f, ERR_CONFIG, "node", "%s is not a register", r->self.text);
    if (!e)
        e = open_database(r, f);
    if (e)
        return e;
    const struct register_config config = {
        .area = {r->self.area},
        .door_url = r->config.door_url.p,
        .tls_key_path = r->config.door_tls_key.p,
        .tls_certificate_path = r->config.door_tls_certificate.p,
        .ca_path = r->config.door_ca.p,
        .supplement_create = r->config.supplement_create,
        .db = r->db,
    };
    if ((e = register_new(f, &config, &r->reg)) || (e = register_start(r->reg, f)))
        return e;
    return control_start(f, r->config.control.p, verbs, COUNT_OF(verbs), r, &r->control);
}

static void close_register(void *self)
{
    struct running *r = self;
    if (r->db)
        db_give_up(r->db); /* a question that waits for it would hold up the end */
    if (r->reg)
        register_stop(r->reg); /* first: whoever awaits outcomes at the socket is let go */
    control_stop(r->control);
    register_free(r->reg);
    db_close(r->db);
    arena_release(&r->arena);
}

int main(int argc, char **argv)
{
    static struct running running;
    const struct daemon d = {
        "juki-register", "住民記録（参照実装） — the reference resident register, behind its CS's door.",
        open_register,   NULL,
        close_register,  &running};
    return daemon_main(&d, argc, argv);
}
