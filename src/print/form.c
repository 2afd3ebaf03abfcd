/* SPDX-License-Identifier: Apache-2.0 */
#include "print/form.h"

#include "identity/era.h"

#define LABEL_SIZE 8.0
#define VALUE_SIZE 10.5
#define NAME_SIZE 13.0 /* of what no record is without: name, address */
#define LEAST_SIZE 4.5
#define READING_SIZE 7.0
#define READING_HEIGHT 3.6
#define READING_EDGE 1.2
#define READABLE_SIZE 7.0 /* a row grows rather than that a text in it becomes smaller */
#define READABLE_READING 5.0
#define ROW_EDGE 2.0
#define SEAL_SIDE 20.0
enum { PATH_SIZE = 48 };

static const char empty_value[] = "＊＊＊", empty_reading[] = "＊＊＊＊＊＊", not_asked[] = "省略";

/* ---- values */

static struct str date_value(struct arena *a, struct date d, bool western)
{
    char text[ERA_TEXT_SIZE];
    return arena_copy(a, str_of(western ? era_western_text(d, text) : era_text(d, text)));
}

struct str form_value(struct form_work *w, const struct paper_field *field, const void *content, bool western)
{
    const void *at = paper_field_at(field, content);
    struct arena *a = sheet_arena(w->sheet);
    struct date d;
    switch (field->kind) {
    case PAPER_KIND_DATE:
    case PAPER_KIND_BIRTH:
        memcpy(&d, at, sizeof d);
        return field->must || d.year || d.month || d.day ? date_value(a, d, western) : STR("");
    case PAPER_KIND_SEX:
        return str_of(sex_text(*(const enum sex *)at));
    case PAPER_KIND_FLAG:
        return *(const bool *)at ? STR("有") : STR("無");
    case PAPER_KIND_LIST:
        return STR("");
    case PAPER_KIND_TEXT:
    case PAPER_KIND_CODE:
    case PAPER_KIND_NUMBER:
        break;
    }
    struct str text;
    memcpy(&text, at, sizeof text);
    return text.n ? text : STR("");
}

static bool flag(const struct paper_record *record, const void *content, const char *member)
{
    const struct paper_field *field = paper_field_find(record, member);
    return field && *(const bool *)paper_field_at(field, content);
}

static const struct paper_record *record_of(const struct form_work *w)
{
    return paper_forms[w->paper->form].record;
}

struct str form_text(struct form_work *w, const char *member)
{
    const struct paper_field *field = paper_field_find(record_of(w), member);
    assert(field);
    return form_value(w, field, w->paper->content, false);
}

enum err form_field(struct form_work *w, struct fail *f, const char *member, struct sheet_box box,
                    struct sheet_style style)
{
    const struct paper_field *field = paper_field_find(record_of(w), member);
    assert(field);
    const struct sheet_field named = {field->name, field->label, 0};
    struct str text = form_text(w, member);
    return text.p ? sheet_text(w->sheet, f, &named, box, style, text) : fail_set(f, ERR_MEMORY, member, NULL);
}

struct str form_fill(struct form_work *w, const char *text)
{
    struct buf b;
    buf_init(&b, 4096);
    for (struct str rest = str_of(text), before, member; rest.n;) {
        bool inside = str_cut(&rest, '{', &before) && rest.n && str_cut(&rest, '}', &member);
        buf_add_str(&b, before);
        if (inside) {
            char name[PATH_SIZE];
            snprintf(name, sizeof name, "%.*s", STR_ARG(member));
            buf_add_str(&b, form_text(w, name));
        }
    }
    struct str filled = b.broken ? (struct str){NULL, 0} : arena_copy(sheet_arena(w->sheet), buf_str(&b));
    buf_release(&b);
    return filled;
}

/* ---- tables */

static bool row_wanted(const struct form_table *t, const struct form_row *row, const void *content)
{
    return row->when == FORM_ALWAYS || (row->when == FORM_FOREIGN) == flag(t->record, content, "foreign");
}

struct placing {
    struct form_work *work;
    struct fail *fail;
    const struct form_table *table;
    const void *content;
    size_t person;
};

/* One value: which field it is, for errors, and its text. */
struct value {
    char path[PATH_SIZE];
    struct sheet_field field;
    struct str text;
};

static enum err read_value(const struct placing *p, const char *member, struct value *out)
{
    const struct paper_field *field = paper_field_find(p->table->record, member);
    assert(field);
    bool western = field->kind == PAPER_KIND_BIRTH && flag(p->table->record, p->content, "foreign");
    out->text = form_value(p->work, field, p->content, western);
    if (!out->text.p)
        return fail_set(p->fail, ERR_MEMORY, field->name, NULL);
    if (p->person)
        snprintf(out->path, sizeof out->path, "persons.%zu.%s", p->person, field->name);
    else
        snprintf(out->path, sizeof out->path, "%s", field->name);
    out->field = (struct sheet_field){out->path, field->label, p->person};
    return ERR_OK;
}

static bool is_asked(const struct placing *p, const struct form_cell *cell)
{
    return !cell->asked || flag(record_of(p->work), p->work->paper->content, cell->asked);
}

/* What a text needs at a size that can still be read. */
static enum err needed(const struct placing *p, const char *member, double width, double size, double *height)
{
    struct value v;
    *height = 0;
    enum err e = read_value(p, member, &v);
    if (!e && v.text.n)
        e = sheet_measure(p->work->sheet, p->fail, &v.field, width, size, v.text, height);
    return e;
}

struct cell_plan {
    double reading, height; /* of the reading above the value; of both */
};

static enum err plan_cell(const struct placing *p, const struct form_cell *cell, struct cell_plan *plan)
{
    double value = 0, reading = 0;
    *plan = (struct cell_plan){0, 0};
    if (!is_asked(p, cell))
        return ERR_OK;
    enum err e = needed(p, cell->member, cell->value, READABLE_SIZE, &value);
    if (!e && cell->above && value > 0) {
        e = needed(p, cell->above, cell->value, READABLE_READING, &reading);
        plan->reading = reading + READING_EDGE > READING_HEIGHT ? reading + READING_EDGE : READING_HEIGHT;
    }
    plan->height = plan->reading + value;
    return e;
}

struct row_plan {
    struct cell_plan cells[FORM_CELLS];
    double height;
};

static enum err plan_row(const struct placing *p, const struct form_row *row, struct row_plan *plan)
{
    enum err e = ERR_OK;
    plan->height = row->height;
    for (size_t i = 0; i < FORM_CELLS && row->cells[i].member && !e; i++) {
        e = plan_cell(p, &row->cells[i], &plan->cells[i]);
        if (plan->cells[i].height + ROW_EDGE > plan->height)
            plan->height = plan->cells[i].height + ROW_EDGE;
    }
    return e;
}

enum err form_table_height(struct form_work *w, struct fail *f, const struct form_table *t,
                           const void *content, size_t person, double *height)
{
    const struct placing p = {w, f, t, content, person};
    struct row_plan plan;
    enum err e = ERR_OK;
    *height = 0;
    for (size_t i = 0; i < t->count && !e; i++)
        if (row_wanted(t, &t->rows[i], content)) {
            e = plan_row(&p, &t->rows[i], &plan);
            *height += plan.height;
        }
    return e;
}

static enum err place_value(const struct placing *p, const char *member, struct sheet_box box,
                            struct sheet_style style, const char *instead)
{
    struct value v;
    enum err e = read_value(p, member, &v);
    return e ? e
             : sheet_text(p->work->sheet, p->fail, &v.field, box, style, v.text.n ? v.text : str_of(instead));
}

static enum err place_content(const struct placing *p, const struct form_cell *cell,
                              const struct cell_plan *plan, struct sheet_box box)
{
    const struct paper_field *field = paper_field_find(p->table->record, cell->member);
    struct sheet_style style = {.size = VALUE_SIZE, .least = LEAST_SIZE};
    const struct sheet_style reading = {.size = READING_SIZE, .least = LEAST_SIZE};
    enum err e = ERR_OK;
    if (!is_asked(p, cell))
        return sheet_words(p->work->sheet, p->fail, box, style, not_asked);
    if (plan->reading > 0) {
        struct sheet_box above = {box.x, box.y + 0.2, box.w, plan->reading - 0.2};
        e = place_value(p, cell->above, above, reading, empty_reading);
        box.y += plan->reading;
        box.h -= plan->reading;
    }
    if (field->kind == PAPER_KIND_SEX)
        style.align = SHEET_CENTRE;
    if (field->kind == PAPER_KIND_TEXT && field->must)
        style.size = NAME_SIZE;
    return e ? e : place_value(p, cell->member, box, style, empty_value);
}

static enum err place_cell(const struct placing *p, const struct form_cell *cell,
                           const struct cell_plan *plan, double x, double height)
{
    const struct sheet_style style = {.size = LABEL_SIZE, .least = 5, .align = SHEET_SPREAD};
    struct sheet *s = p->work->sheet;
    const double y = p->work->y, middle = x + cell->label;
    const struct sheet_box label = {x, y, cell->label, height}, content = {middle, y, cell->value, height};
    enum err e =
        sheet_words(s, p->fail, label, style, paper_field_find(p->table->record, cell->member)->label);
    if (!e)
        e = sheet_line(s, p->fail, middle, y, middle, y + height, FORM_RULE);
    return e ? e : place_content(p, cell, plan, content);
}

static enum err place_row(const struct placing *p, const struct form_row *row, double left, bool first)
{
    struct sheet *s = p->work->sheet;
    const double y = p->work->y;
    struct row_plan plan;
    double x = left;
    enum err e = plan_row(p, row, &plan);
    for (size_t i = 0; i < FORM_CELLS && row->cells[i].member && !e; i++) {
        const struct form_cell *cell = &row->cells[i];
        if (i)
            e = sheet_line(s, p->fail, x, y, x, y + plan.height, FORM_RULE);
        if (!e)
            e = place_cell(p, cell, &plan.cells[i], x, plan.height);
        x += cell->label + cell->value;
    }
    if (!e && !first)
        e = sheet_line(s, p->fail, left, y, left + p->table->width, y, FORM_RULE);
    p->work->y += plan.height;
    return e;
}

enum err form_table_place(struct form_work *w, struct fail *f, const struct form_table *t, double x,
                          const void *content, size_t person)
{
    const struct placing p = {w, f, t, content, person};
    const double top = w->y;
    bool first = true;
    enum err e = ERR_OK;
    for (size_t i = 0; i < t->count && !e; i++)
        if (row_wanted(t, &t->rows[i], content)) {
            e = place_row(&p, &t->rows[i], x, first);
            first = false;
        }
    return e ? e : sheet_frame(w->sheet, f, (struct sheet_box){x, top, t->width, w->y - top}, FORM_EDGE);
}

/* ---- beside tables */

static const struct sheet_field paragraph_field = {"text", "文", 0};

enum err form_paragraph_height(struct form_work *w, struct fail *f, double size, struct str text,
                               double *height)
{
    if (!text.p)
        return fail_set(f, ERR_MEMORY, "text", NULL);
    return sheet_measure(w->sheet, f, &paragraph_field, FORM_WIDTH, size, text, height);
}

enum err form_paragraph(struct form_work *w, struct fail *f, double size, struct str text)
{
    double height = 0;
    enum err e = form_paragraph_height(w, f, size, text, &height);
    const struct sheet_box box = {FORM_LEFT, w->y, FORM_WIDTH, height + 0.1};
    if (!e)
        e = sheet_text(w->sheet, f, &paragraph_field, box,
                       (struct sheet_style){.size = size, .least = size - 0.5, .top = true, .flow = true},
                       text);
    w->y += height;
    return e;
}

enum err form_issuer(struct form_work *w, struct fail *f, struct sheet_box box)
{
    const double seal_x = box.x + box.w - SEAL_SIDE;
    const struct sheet_box seal = {seal_x, box.y + (box.h - SEAL_SIDE) / 2, SEAL_SIDE, SEAL_SIDE};
    const struct sheet_box words = {box.x, box.y, box.w - SEAL_SIDE + 1, box.h};
    const struct sheet_style style = {.size = NAME_SIZE, .least = 7, .align = SHEET_RIGHT};
    const struct sheet_field issuer = {"issuer_name", "発行者の職名及び氏名", 0};
    struct str text = form_fill(w, "{issuer_title}　　{issuer_name}");
    if (!text.p)
        return fail_set(f, ERR_MEMORY, "issuer_name", NULL);
    enum err e = sheet_text(w->sheet, f, &issuer, words, style, text);
    return e ? e : marks_seal(w->marks, w->sheet, f, seal, form_text(w, "issuer_seal"));
}

static enum err place_notes(struct form_work *w, struct fail *f)
{
    struct str notes = sheet_notes(w->sheet);
    if (!notes.n)
        return ERR_OK;
    struct str text = arena_format(sheet_arena(w->sheet), "■は、印刷できない文字です：%.*s", STR_ARG(notes));
    const struct sheet_box box = {FORM_LEFT, FORM_BOTTOM - 5, FORM_WIDTH, 5};
    if (!text.p)
        return fail_set(f, ERR_MEMORY, "notes", NULL);
    return sheet_text(w->sheet, f, &paragraph_field, box,
                      (struct sheet_style){.size = 8, .least = LEAST_SIZE, .top = true}, text);
}

enum err form_finish(struct form_work *w, struct fail *f)
{
    const struct sheet_style middle = {.size = 9, .least = 7, .align = SHEET_CENTRE};
    const struct sheet_style right = {.size = 8, .least = 5, .align = SHEET_RIGHT};
    const struct sheet_box box = {FORM_LEFT, FORM_BOTTOM + 1, FORM_WIDTH, 5};
    const size_t pages = sheet_pages(w->sheet);
    struct str number = form_fill(w, "番号　{number}");
    enum err e = number.p ? place_notes(w, f) : fail_set(f, ERR_MEMORY, "number", NULL);
    for (size_t i = 0; i < pages && !e; i++) {
        char page[48];
        snprintf(page, sizeof page, "%zu／%zu", i + 1, pages);
        sheet_turn_to(w->sheet, i);
        e = sheet_words(w->sheet, f, box, middle, page);
        if (!e)
            e = sheet_text(w->sheet, f, &(struct sheet_field){"number", "番号", 0}, box, right, number);
    }
    return e;
}
