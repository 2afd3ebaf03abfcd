/* SPDX-License-Identifier: Apache-2.0 */
/* What the store says of one person: an episode's versions, and where the person is current.
 *
 * A person's codes are those linked by code changes, in either direction; current is derived from all their
 * episodes by values alone (state, day of opening, area, code), never by when a notice arrived. */
#include "store/store.h"
#include "store/store_row.h"
#include "store/store_sql.h"

enum { CODES_MAX = 16 /* code changes of one person that are followed */, ONE_VERSION = 64 * 1024 };

static enum err latest_row(struct db_tx *tx, struct fail *f, struct resident_code code, struct area_code area,
                           int64_t *id)
{
    struct store_episode episode;
    enum err e = store_episode_find(tx, f, code, area, &episode);
    if (!e && !episode.version)
        return fail_set(f, ERR_EPISODE_UNKNOWN, "resident_code", NULL);
    if (!e)
        *id = episode.latest;
    return e;
}

enum err store_latest(struct db_tx *tx, struct fail *f, struct resident_code code, struct area_code area,
                      struct arena *a, struct store_version *out)
{
    int64_t id = 0;
    enum err e = latest_row(tx, f, code, area, &id);
    return e ? e : store_row_read(tx, f, id, a, out, NULL);
}

enum err store_version_of(struct db_tx *tx, struct fail *f, uint64_t entry, struct arena *a,
                          struct store_version *out)
{
    return store_row_read(tx, f, store_row_id(&(struct store_version){.entry = entry}), a, out, NULL);
}

enum err store_history(struct db_tx *tx, struct fail *f, struct resident_code code, struct area_code area,
                       struct arena *a, bool (*each)(void *arg, const struct store_version *), void *arg)
{
    int64_t id = 0;
    enum err e = latest_row(tx, f, code, area, &id);
    while (!e && id) {
        struct store_version v;
        e = store_row_read(tx, f, id, a, &v, &id);
        if (!e && !each(arg, &v))
            break;
    }
    return e;
}

/* ---- what was said before ---- */

struct search {
    const struct store_version *wanted;
    int64_t after; /* source of the version next behind the wanted one's number */
    bool found, same;
    struct fail *fail; /* without memory nothing can be said of it */
    enum err e;
};

/* 転出確定 says nothing of the record. */
static bool same_confirmation(const struct change *a, const struct change *b)
{
    return a->reason == b->reason && date_compare(a->date, b->date) == 0;
}

static bool compare_version(void *arg, const struct store_version *v)
{
    struct search *s = arg;
    struct buf have, want;
    if (v->version > s->wanted->version)
        s->after = v->source;
    if (v->version != s->wanted->version)
        return v->version > s->wanted->version;
    s->found = true;
    if (change_row(s->wanted->change.reason)->group == CHANGE_CONFIRMATION) {
        s->same = same_confirmation(&v->change, &s->wanted->change);
        return false;
    }
    buf_init(&have, ONE_VERSION);
    buf_init(&want, ONE_VERSION);
    struct store_version wanted = *s->wanted; /* derived values are not part of what was said */
    wanted.state = v->state;
    store_digest_line(&have, v);
    store_digest_line(&want, &wanted);
    s->e = buf_check(&have, s->fail, "version");
    if (!s->e)
        s->e = buf_check(&want, s->fail, "version");
    s->same = str_equal(buf_str(&have), buf_str(&want));
    buf_release(&have);
    buf_release(&want);
    return false;
}

/* What passed over a version was told after it; a source of 0 is not known. */
static bool told_after(int64_t source, const struct store_version *v)
{
    return !source || !v->source || source > v->source;
}

/* In the episode that had its code: one that came to its number without it passed over it. */
static enum err know_by_code(struct db_tx *tx, struct fail *f, const struct store_version *v,
                             enum store_known *known)
{
    struct search s = {.wanted = v, .fail = f};
    struct resident_code code = {0};
    struct area_code area = v->identity.address.area_code;
    struct store_episode episode = {0};
    struct arena a;
    enum err e = store_code_now(tx, f, v->identity.resident_code, area, &code);
    if (!e)
        e = store_episode_find(tx, f, code, area, &episode);
    if (e || episode.version < v->version)
        return e;
    arena_init(&a, 1024 * 1024);
    e = store_history(tx, f, code, area, &a, compare_version, &s);
    arena_release(&a);
    if (!e)
        e = s.e;
    if (!e && s.same)
        *known = STORE_SAID;
    if (!e && !s.found && told_after(s.after, v))
        *known = STORE_PASSED_OVER;
    return e;
}

/* The code may be another's by now: who had it by mistake, and until when, is kept. */
static enum err know_by_taken_back(struct db_tx *tx, struct fail *f, const struct store_version *v,
                                   enum store_known *known)
{
    struct db_rows rows;
    db_query(tx, &rows, &sql_store_taken_back_list,
             DB(db_int(v->identity.resident_code.value), db_int(v->identity.address.area_code.value)));
    while (db_next(&rows))
        if (db_row_int(&rows, 1) > v->version && v->source && db_row_int(&rows, 2) > v->source)
            *known = STORE_PASSED_OVER;
    return db_done(&rows, f);
}

enum err store_know(struct db_tx *tx, struct fail *f, const struct store_version *v, enum store_known *known)
{
    enum store_known found = STORE_NOT_KNOWN;
    enum err e = know_by_code(tx, f, v, &found);
    if (!e && found == STORE_NOT_KNOWN)
        e = know_by_taken_back(tx, f, v, &found);
    if (!e)
        *known = found;
    return e;
}

/* One step on the way to the code of now: *now stays when there is none. */
static enum err next_code(struct db_tx *tx, struct fail *f, struct area_code area, struct resident_code *now)
{
    struct store_episode episode;
    struct db_rows rows;
    enum err e = store_episode_find(tx, f, *now, area, &episode);
    if (e || episode.version)
        return e;
    if (episode.former) {
        *now = episode.became;
        return ERR_OK;
    }
    db_query(tx, &rows, &sql_store_taken_back_list, DB(db_int(now->value), db_int(area.value)));
    if (db_next(&rows))
        now->value = db_row_int(&rows, 0);
    return db_done(&rows, f);
}

enum err store_code_now(struct db_tx *tx, struct fail *f, struct resident_code code, struct area_code area,
                        struct resident_code *now)
{
    struct resident_code at = code, before = {0};
    enum err e = ERR_OK;
    for (int i = 0; i < CODES_MAX && !e && !resident_code_equal(at, before); i++) {
        before = at;
        e = next_code(tx, f, area, &at);
    }
    if (!e)
        *now = at;
    return e;
}

/* ---- a person over all episodes ---- */

struct candidate {
    int64_t latest, code, area, opened;
    enum store_state state;
};

/* Is a the better answer to "where is this person now"? A total order of values. */
static bool better(const struct candidate *a, const struct candidate *b)
{
    bool a_open = a->state != STORE_REMOVED, b_open = b->state != STORE_REMOVED;
    if (!b->latest || a_open != b_open)
        return !b->latest || a_open;
    if (a->opened != b->opened)
        return a->opened > b->opened;
    if (a->state != b->state)
        return a->state < b->state;
    return a->area != b->area ? a->area > b->area : a->code > b->code;
}

struct person_codes {
    int64_t code[CODES_MAX];
    size_t count;
};

static void add_code(struct person_codes *codes, int64_t code)
{
    for (size_t i = 0; i < codes->count; i++)
        if (codes->code[i] == code)
            return;
    if (codes->count < CODES_MAX)
        codes->code[codes->count++] = code;
}

static enum err find_codes(struct db_tx *tx, struct fail *f, struct person_codes *codes)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < codes->count && !e; i++) {
        struct db_rows rows;
        db_query(tx, &rows, &sql_store_person_codes, DB(db_int(codes->code[i])));
        while (db_next(&rows))
            add_code(codes, db_row_int(&rows, 0));
        e = db_done(&rows, f);
    }
    return e;
}

enum err store_codes_linked(struct db_tx *tx, struct fail *f, struct resident_code a, struct resident_code b,
                            bool *linked)
{
    struct person_codes codes = {.code = {a.value}, .count = 1};
    bool found = false;
    enum err e = find_codes(tx, f, &codes);
    for (size_t i = 0; i < codes.count; i++)
        found |= codes.code[i] == b.value;
    if (!e)
        *linked = found;
    return e;
}

static enum err best_of_code(struct db_tx *tx, struct fail *f, int64_t code, struct candidate *best)
{
    struct db_rows rows;
    db_query(tx, &rows, &sql_store_person_episodes, DB(db_int(code)));
    while (db_next(&rows)) {
        struct candidate c = {.code = code,
                              .area = db_row_int(&rows, 0),
                              .latest = db_row_int(&rows, 1),
                              .state = (enum store_state)db_row_int(&rows, 2),
                              .opened = db_row_int(&rows, 3)};
        if (better(&c, best))
            *best = c;
    }
    return db_done(&rows, f);
}

enum err store_current(struct db_tx *tx, struct fail *f, struct resident_code code, struct arena *a,
                       struct store_version *out)
{
    struct person_codes codes = {.code = {code.value}, .count = 1};
    struct candidate best = {0};
    enum err e = find_codes(tx, f, &codes);
    for (size_t i = 0; i < codes.count && !e; i++)
        e = best_of_code(tx, f, codes.code[i], &best);
    if (!e && !best.latest)
        return fail_set(f, ERR_NOT_FOUND, "resident_code", NULL);
    return e ? e : store_row_read(tx, f, best.latest, a, out, NULL);
}

enum err store_code_lives(struct db_tx *tx, struct fail *f, struct resident_code code,
                          struct area_code municipality, bool *lives)
{
    struct db_rows rows;
    bool found = false;
    db_query(tx, &rows, &sql_store_person_episodes, DB(db_int(code.value)));
    while (db_next(&rows))
        found = found ||
                area_code_cs((struct area_code){(int32_t)db_row_int(&rows, 0)}).value == municipality.value;
    enum err e = db_done(&rows, f);
    if (!e)
        *lives = found;
    return e;
}

enum err store_code_known(struct db_tx *tx, struct fail *f, struct resident_code code, bool *known)
{
    struct db_rows rows;
    bool found = false;
    db_query(tx, &rows, &sql_store_code_known_find, DB(db_int(code.value)));
    while (db_next(&rows))
        found = true;
    enum err e = db_done(&rows, f);
    if (!e)
        *known = found;
    return e;
}

static enum err code_names(struct db_tx *tx, struct fail *f, int64_t code, struct individual_number number,
                           bool *named)
{
    struct db_rows rows;
    db_query(tx, &rows, &sql_store_number_named, DB(db_int(code), db_int(number.value)));
    while (db_next(&rows))
        *named = true;
    return db_done(&rows, f);
}

enum err store_number_named(struct db_tx *tx, struct fail *f, struct resident_code code,
                            struct individual_number number, bool *named)
{
    struct person_codes codes = {.code = {code.value}, .count = 1};
    bool found = false;
    enum err e = find_codes(tx, f, &codes);
    for (size_t i = 0; i < codes.count && !found && !e; i++)
        e = code_names(tx, f, codes.code[i], number, &found);
    if (!e)
        *named = found;
    return e;
}

enum err store_overlaps(struct db_tx *tx, struct fail *f, int days,
                        void (*each)(void *arg, struct resident_code, struct area_code, struct area_code),
                        void *arg)
{
    struct db_rows rows;
    int32_t day = date_to_int(date_add_days(date_today(), -days - 1));
    db_query(tx, &rows, &sql_store_overlap_list, DB(db_int(STORE_CURRENT), db_int(day)));
    while (db_next(&rows))
        each(arg, (struct resident_code){db_row_int(&rows, 0)},
             (struct area_code){(int32_t)db_row_int(&rows, 1)},
             (struct area_code){(int32_t)db_row_int(&rows, 2)});
    return db_done(&rows, f);
}
