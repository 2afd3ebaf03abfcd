/* SPDX-License-Identifier: Apache-2.0 */
/* Decides the number, the states and the day for an answer of a letter, and which letter a mark stands for.
 *
 * The id is the year and the number in it, so that the order of ids is that of making. "open" is computed
 * from state and day wherever they change, and nowhere else. A letter to a person (resident_code_notice) is
 * found by its mark without a place. */
#include "register/letter.h"

#include "base/clock.h"
#include "base/json.h"
#include "identity/era.h"
#include "identity/text_check.h"
#include "register/register_sql.h"

static const struct letter_kind_row kinds[] = {
#define LETTER(NAME, name, ja, to, days, form, article) {name, ja, LETTER_TO_##to, days, form, article},
#include "register/letter_kind.def"
#undef LETTER
};

const struct letter_kind_row *letter_kind_row(enum letter_kind kind)
{
    assert((size_t)kind < COUNT_OF(kinds));
    return &kinds[kind];
}

static bool kind_find(struct str name, enum letter_kind *out)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (str_equal(name, str_of(kinds[i].name))) {
            *out = (enum letter_kind)i;
            return true;
        }
    return false;
}

enum err letter_kind_parse(struct fail *f, struct str name, enum letter_kind *out)
{
    return kind_find(name, out) ? ERR_OK : fail_set(f, ERR_FIELD_RANGE, "kind", NULL);
}

/* ---- states ---- */

const char *letter_state_name(enum letter_state state)
{
    static const char *const names[] = {
        [LETTER_MADE] = "made",         [LETTER_PRINTED] = "printed",     [LETTER_SENT] = "sent",
        [LETTER_ANSWERED] = "answered", [LETTER_WITHDRAWN] = "withdrawn", [LETTER_RECEIVED] = "received"};

    return state >= LETTER_MADE && state < (int)COUNT_OF(names) ? names[state] : "";
}

enum err letter_step_after(struct fail *f, enum letter_state before, enum letter_event event,
                           enum letter_state *after)
{
    static const struct {
        enum letter_state before;
        enum letter_event event;
        enum letter_state after;
    } steps[] = {
#define STEP(before, event, after) {LETTER_##before, LETTER_##event, LETTER_##after},
#include "register/letter_step.def"
#undef STEP
    };

    for (size_t i = 0; i < COUNT_OF(steps); i++)
        if (steps[i].before == before && steps[i].event == event) {
            *after = steps[i].after;
            return ERR_OK;
        }
    return fail_set(f, ERR_STATE, "state", "%s", letter_state_name(before));
}

static bool is_open(enum letter_state state, struct date due)
{
    return state == LETTER_MADE || state == LETTER_PRINTED || (state == LETTER_SENT && date_known(due));
}

bool letter_overdue(const struct letter *l, struct date today)
{
    return l->state == LETTER_SENT && date_known(l->due) && date_compare(today, l->due) > 0;
}

/* ---- reading ---- */

static void read_row(const struct db_rows *rows, struct letter *out)
{
    *out = (struct letter){.id = db_row_int(rows, 0),
                           .received = db_row_int(rows, 2),
                           .state = (enum letter_state)db_row_int(rows, 4),
                           .area = {(int32_t)db_row_int(rows, 5)},
                           .person = db_row_int(rows, 6),
                           .dated = date_from_int((int32_t)db_row_int(rows, 9)),
                           .due = date_from_int((int32_t)db_row_int(rows, 10))};
    snprintf(out->number, sizeof out->number, "%.*s", STR_ARG(db_row_text(rows, 1)));
    bool known = kind_find(db_row_text(rows, 3), &out->kind);
    assert(known); /* only rows of the table are written */
    snprintf(out->record, sizeof out->record, "%.*s", STR_ARG(db_row_text(rows, 7)));
    snprintf(out->mark, sizeof out->mark, "%.*s", STR_ARG(db_row_text(rows, 8)));
}

enum err letter_find(struct db_tx *tx, struct fail *f, struct str number, struct letter *out)
{
    struct db_rows rows;
    bool found;

    db_query(tx, &rows, &sql_register_letter_find, DB(db_text(number)));
    if ((found = db_next(&rows)))
        read_row(&rows, out);
    enum err e = db_done(&rows, f);
    return e || found ? e : fail_set(f, ERR_NOT_FOUND, "letter", NULL);
}

enum err letter_recognise(struct db_tx *tx, struct fail *f, const struct letter_key *key, bool *found,
                          struct letter *out)
{
    struct db_rows rows;

    db_query(tx, &rows, &sql_register_letter_recognise,
             DB(db_text(key->mark), db_int(key->area.value), db_text(str_of(kinds[key->kind].name)),
                db_int(key->received)));
    if ((*found = db_next(&rows)))
        read_row(&rows, out);
    return db_done(&rows, f);
}

/* ---- making ---- */

static enum err check_content(struct fail *f, struct str content)
{
    struct json *tree = NULL;

    if (content.n > LETTER_CONTENT_BYTES)
        return fail_set(f, ERR_LIMIT, "content", NULL);
    enum err e = json_read(f, content, &tree);
    if (!e && tree->type != JSON_OBJECT)
        e = fail_set(f, ERR_FIELD_TYPE, "content", NULL);
    json_free(tree);
    return e;
}

static enum err check_who(struct fail *f, struct str who)
{
    return who.n ? text_check(f, "who", who, LETTER_WHO_MOST) : fail_set(f, ERR_FIELD_MISSING, "who", NULL);
}

static enum err check_new(struct fail *f, const struct letter *l, struct str content, struct str who)
{
    enum err e = check_who(f, who);

    if (!e)
        e = text_check(f, "mark", str_of(l->mark), LETTER_MARK_MOST);
    return e ? e : check_content(f, content);
}

/* The same letter may not stand twice. */
static enum err check_mark(struct db_tx *tx, struct fail *f, const struct letter *l)
{
    const struct letter_key key = {l->received, l->kind, l->area, str_of(l->mark)};
    struct letter before;
    bool found = false;

    if (!l->mark[0])
        return ERR_OK;
    enum err e = letter_recognise(tx, f, &key, &found, &before);
    return e || !found ? e : fail_set(f, ERR_EXISTS, "mark", "%s", before.number);
}

static enum err number_next(struct db_tx *tx, struct fail *f, struct letter *l)
{
    const struct date today = date_today();
    int year = 0;
    const struct era *era = era_of(today, &year);
    struct db_rows rows;
    int64_t n = 0;

    db_query(tx, &rows, &sql_register_letter_year_next, DB(db_int(today.year)));
    if (db_next(&rows))
        n = db_row_int(&rows, 0);
    enum err e = db_done(&rows, f);
    if (e || n > LETTER_YEAR_MOST)
        return e ? e : fail_set(f, ERR_LIMIT, "letter", NULL);
    assert(era); /* 令和 and what comes after */
    l->id = today.year * INT64_C(1000000) + n;
    snprintf(l->number, sizeof l->number, "%.3s%d-%06d", era->name, year, (int)n); /* 「令」 */
    return ERR_OK;
}

static enum err write_step(struct db_tx *tx, struct fail *f, const struct letter *l, struct str who,
                           struct str note)
{
    return db_exec(tx, f, &sql_register_letter_step_add,
                   DB(db_int(l->id), db_int(l->state), db_int(clock_now()), db_text(who), db_text(note)),
                   NULL);
}

static enum err add(struct db_tx *tx, struct fail *f, struct str content, struct str who, struct letter *l)
{
    enum err e;

    if ((e = check_new(f, l, content, who)) || (e = check_mark(tx, f, l)) || (e = number_next(tx, f, l)))
        return e;
    l->due = (struct date){0};
    if ((e = db_exec(tx, f, &sql_register_letter_add,
                     DB(db_int(l->id), db_text(str_of(l->number)), db_int(l->received),
                        db_text(str_of(kinds[l->kind].name)), db_int(l->state),
                        db_int(is_open(l->state, l->due)), db_int(l->area.value), db_int(l->person),
                        db_text(str_of(l->mark)), db_int(date_to_int(l->dated))),
                     NULL)))
        return e;
    e = db_exec(tx, f, &sql_register_letter_content_add, DB(db_int(l->id), db_text(content)), NULL);
    return e ? e : write_step(tx, f, l, who, STR(""));
}

enum err letter_make(struct db_tx *tx, struct fail *f, struct str content, struct str who, struct letter *l)
{
    const bool to_person = kinds[l->kind].to == LETTER_TO_PERSON;

    if (to_person && !l->person)
        return fail_set(f, ERR_FIELD_MISSING, "record", NULL);
    if (!to_person && !l->area.value)
        return fail_set(f, ERR_FIELD_MISSING, "to", NULL);
    l->received = false;
    l->state = LETTER_MADE;
    l->dated = date_today();
    return add(tx, f, content, who, l);
}

enum err letter_receive(struct db_tx *tx, struct fail *f, struct str content, struct str who,
                        struct letter *l)
{
    if (!l->area.value)
        return fail_set(f, ERR_FIELD_MISSING, "from", NULL);
    if (!l->mark[0])
        return fail_set(f, ERR_FIELD_MISSING, "mark", NULL);
    if (!date_real(l->dated))
        return fail_set(f, ERR_FIELD_MISSING, "date", NULL);
    if (date_compare(l->dated, date_today()) > 0)
        return fail_set(f, ERR_FIELD_RANGE, "date", NULL);
    l->received = true;
    l->state = LETTER_RECEIVED;
    return add(tx, f, content, who, l);
}

enum err letter_step(struct db_tx *tx, struct fail *f, struct str number, enum letter_event event,
                     struct str who, struct str note)
{
    struct letter l;
    enum err e;

    if ((e = check_who(f, who)) || (e = text_check(f, "note", note, LETTER_WHO_MOST)) ||
        (e = letter_find(tx, f, number, &l)) || (e = letter_step_after(f, l.state, event, &l.state)))
        return e;
    if (event == LETTER_SEND && kinds[l.kind].answer_days)
        l.due = date_add_days(date_today(), kinds[l.kind].answer_days);
    e = db_exec(
        tx, f, &sql_register_letter_set,
        DB(db_int(l.id), db_int(l.state), db_int(is_open(l.state, l.due)), db_int(date_to_int(l.due))), NULL);
    return e ? e : write_step(tx, f, &l, who, note);
}

/* ---- listing ---- */

enum { LIST_PAGE = 100 };
struct letter_page {
    struct letter items[LIST_PAGE];
    size_t count;
    const struct db_stmt *stmt;
    int64_t after;
};

static enum err read_page(struct db_tx *tx, struct fail *f, void *arg)
{
    struct letter_page *p = arg;
    struct db_rows rows;

    p->count = 0;
    db_query(tx, &rows, p->stmt, DB(db_int(p->after), db_int(LIST_PAGE)));
    while (p->count < LIST_PAGE && db_next(&rows))
        read_row(&rows, &p->items[p->count++]);
    return db_done(&rows, f);
}

enum err letter_filter_parse(struct fail *f, struct str name, enum letter_filter *out)
{
    static const char *const names[] = {[LETTER_ALL] = "all",
                                        [LETTER_OPEN] = "open",
                                        [LETTER_OVERDUE] = "overdue",
                                        [LETTER_INCOMING] = "received"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_equal(name, str_of(names[i]))) {
            *out = (enum letter_filter)i;
            return ERR_OK;
        }
    return fail_set(f, ERR_FIELD_RANGE, "filter", NULL);
}

static bool passes(const struct letter *l, enum letter_filter filter, struct date today)
{
    return (filter != LETTER_OVERDUE || letter_overdue(l, today)) &&
           (filter != LETTER_INCOMING || l->received);
}

enum err letter_list(struct db *db, struct fail *f, enum letter_filter filter,
                     void (*each)(void *arg, const struct letter *l), void *arg)
{
    struct letter_page *page = memory_new(sizeof *page);
    const struct date today = date_today();
    enum err e = page ? ERR_OK : fail_set(f, ERR_MEMORY, "letters", NULL);

    if (e)
        return e;
    page->stmt = filter == LETTER_OPEN || filter == LETTER_OVERDUE ? &sql_register_letter_open_page
                                                                   : &sql_register_letter_page;
    do {
        e = db_read(db, f, read_page, page);
        for (size_t i = 0; !e && i < page->count; i++)
            if (passes(&page->items[i], filter, today))
                each(arg, &page->items[i]);
        if (!e && page->count)
            page->after = page->items[page->count - 1].id;
    } while (!e && page->count == LIST_PAGE);
    memory_free(page);
    return e;
}

/* ---- showing ---- */

static void add_day(struct buf *b, const char *key, struct date day)
{
    char text[DATE_TEXT_SIZE];

    if (date_known(day))
        json_add_text(b, key, str_of(date_text(day, text)));
}

void letter_add_members(struct buf *b, const struct letter *l)
{
    const struct letter_kind_row *row = letter_kind_row(l->kind);
    char area[AREA_CODE_TEXT_SIZE];

    json_add_text(b, "letter", str_of(l->number));
    json_add_text(b, "kind", str_of(row->name));
    json_add_text(b, "kind_ja", str_of(row->ja));
    json_add_text(b, "state", str_of(letter_state_name(l->state)));
    if (l->area.value)
        json_add_text(b, l->received ? "from" : "to", str_of(area_code_text(l->area, area)));
    if (l->record[0])
        json_add_text(b, "record", str_of(l->record));
    if (l->mark[0])
        json_add_text(b, "mark", str_of(l->mark));
    add_day(b, "date", l->dated);
    add_day(b, "due", l->due);
    json_add_bool(b, "overdue", letter_overdue(l, date_today()));
}

struct showing {
    struct str number;
    struct buf *out;
};

static enum err add_content(struct db_tx *tx, struct fail *f, struct showing *s, int64_t letter)
{
    struct db_rows rows;

    db_query(tx, &rows, &sql_register_letter_content_get, DB(db_int(letter)));
    if (db_next(&rows))
        json_add_raw(s->out, "content", db_row_text(&rows, 0));
    return db_done(&rows, f);
}

static enum err add_steps(struct db_tx *tx, struct fail *f, struct showing *s, int64_t letter)
{
    struct db_rows rows;
    char text[CLOCK_TEXT_SIZE];

    db_query(tx, &rows, &sql_register_letter_step_list, DB(db_int(letter)));
    json_begin(s->out, "steps", '[');
    while (db_next(&rows)) {
        json_begin(s->out, NULL, '{');
        json_add_text(s->out, "state", str_of(letter_state_name((enum letter_state)db_row_int(&rows, 0))));
        json_add_text(s->out, "at", str_of(clock_text(db_row_int(&rows, 1), text)));
        json_add_text(s->out, "who", db_row_text(&rows, 2));
        if (db_row_text(&rows, 3).n)
            json_add_text(s->out, "note", db_row_text(&rows, 3));
        json_end(s->out, '}');
    }
    json_end(s->out, ']');
    return db_done(&rows, f);
}

static enum err show(struct db_tx *tx, struct fail *f, void *arg)
{
    struct showing *s = arg;
    struct letter l;
    enum err e = letter_find(tx, f, s->number, &l);

    if (e)
        return e;
    letter_add_members(s->out, &l);
    if ((e = add_content(tx, f, s, l.id)) || (e = add_steps(tx, f, s, l.id)))
        return e;
    return buf_check(s->out, f, "letter");
}

enum err letter_show(struct db *db, struct fail *f, struct str number, struct buf *out)
{
    struct showing s = {number, out};

    return db_read(db, f, show, &s);
}
