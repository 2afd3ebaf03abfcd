/* SPDX-License-Identifier: Apache-2.0 */
/* Official letters: number and date, to whom, from whom, what about, the table, remarks; below them the mark
 * by which the same content is known when it comes electronically later (letter.def holds the texts). */
#include "print/form.h"

#define TEXT_SIZE 10.5
#define ROW_LEAST 8.0
#define ROW_EDGE 2.4
#define LABEL_WIDTH 48.0
#define PARAGRAPH_GAP 1.5
#define MARK_HEIGHT 27.0
#define QR_SIDE 23.0
enum { PATH_SIZE = 64 };

static const struct {
    const char *opening, *closing;
} letter_texts[PAPER_FORMS] = {
#define LETTER(name, json, ja, open, close) [PAPER_##name] = {open, close},
#include "print/letter.def"
#undef LETTER
};

static enum err break_page(struct form_work *w, struct fail *f, double height)
{
    if (w->y + height <= FORM_BOTTOM)
        return ERR_OK;
    w->y = FORM_TOP + 2;
    return sheet_next_page(w->sheet, f);
}

static enum err place_head(struct form_work *w, struct fail *f)
{
    const double right = FORM_LEFT + FORM_WIDTH - 70;
    const struct sheet_style at_right = {.size = TEXT_SIZE, .least = 7, .align = SHEET_RIGHT};
    const struct sheet_style at_left = {.size = 12, .least = 7};
    const struct sheet_field named = {"addressee", "宛先", 0};
    const struct paper_letter *letter = w->paper->content;
    struct str number = form_fill(w, "{number}"), addressee = form_fill(w, "{addressee}　様");
    if (!number.p || !addressee.p)
        return fail_set(f, ERR_MEMORY, "addressee", NULL);
    double y = FORM_TOP + 2;
    enum err e = sheet_text(w->sheet, f, &(struct sheet_field){"number", "文書番号", 0},
                            (struct sheet_box){right, y, 70, 6}, at_right, number);
    if (!e)
        e = form_field(w, f, "issued_on", (struct sheet_box){right, y + 6, 70, 6}, at_right);
    y += 16;
    if (!e && letter->addressee_address.n) {
        e = form_field(w, f, "addressee_address", (struct sheet_box){FORM_LEFT, y, 110, 10},
                       (struct sheet_style){.size = TEXT_SIZE, .least = 6});
        y += 10;
    }
    if (!e)
        e = sheet_text(w->sheet, f, &named, (struct sheet_box){FORM_LEFT, y, 110, 8}, at_left, addressee);
    if (!e)
        e = form_issuer(w, f, (struct sheet_box){FORM_LEFT + 60, y + 8, FORM_WIDTH - 62, 22});
    w->y = y + 34;
    return e;
}

static enum err place_opening(struct form_work *w, struct fail *f)
{
    const struct sheet_box title = {FORM_LEFT, w->y, FORM_WIDTH, 10};
    enum err e =
        sheet_words(w->sheet, f, title, (struct sheet_style){.size = 15, .least = 10, .align = SHEET_CENTRE},
                    paper_forms[w->paper->form].ja);
    w->y += 14;
    if (!e)
        e = form_paragraph(w, f, TEXT_SIZE, str_of(letter_texts[w->paper->form].opening));
    w->y += 3;
    if (!e)
        e = sheet_words(w->sheet, f, (struct sheet_box){FORM_LEFT, w->y, FORM_WIDTH, 7},
                        (struct sheet_style){.size = TEXT_SIZE, .least = 8, .align = SHEET_CENTRE}, "記");
    w->y += 9;
    return e;
}

/* ---- the table */

struct table_row {
    struct sheet_field field; /* its path in text of the sheet's arena */
    struct str label, text;
    double height;
};

static enum err read_row(struct form_work *w, struct fail *f, const struct paper_letter_row *row,
                         size_t section, size_t number, struct table_row *out)
{
    const struct paper_field *date = paper_field_find(&paper_record_letter_row, "date");
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "sections.%zu.rows.%zu", section, number);
    struct arena *a = sheet_arena(w->sheet);
    struct str kept = arena_copy(a, str_of(path)), label = arena_copy(a, row->label);
    struct str text = row->text.n ? row->text : form_value(w, date, row, false);
    if (!kept.p || !label.p || !text.p)
        return fail_set(f, ERR_MEMORY, "rows", NULL);
    if (!text.n)
        text = row->blank ? STR("　") : STR("＊＊＊");
    *out = (struct table_row){{kept.p, label.p, 0}, label, text, ROW_LEAST};
    double height = 0;
    enum err e = sheet_measure(w->sheet, f, &out->field, FORM_WIDTH - LABEL_WIDTH, TEXT_SIZE, text, &height);
    if (height + ROW_EDGE > out->height)
        out->height = height + ROW_EDGE;
    return e;
}

static enum err place_row(struct form_work *w, struct fail *f, const struct table_row *row)
{
    enum err e = break_page(w, f, row->height);
    const double middle = FORM_LEFT + LABEL_WIDTH;
    const struct sheet_box whole = {FORM_LEFT, w->y, FORM_WIDTH, row->height};
    const struct sheet_box label = {FORM_LEFT, w->y, LABEL_WIDTH, row->height};
    const struct sheet_box value = {middle, w->y, FORM_WIDTH - LABEL_WIDTH, row->height};
    if (!e)
        e = sheet_frame(w->sheet, f, whole, FORM_RULE);
    if (!e)
        e = sheet_line(w->sheet, f, middle, w->y, middle, w->y + row->height, FORM_RULE);
    if (!e)
        e = sheet_text(w->sheet, f, &row->field, label,
                       (struct sheet_style){.size = 9.5, .least = 6, .align = SHEET_SPREAD}, row->label);
    if (!e)
        e = sheet_text(w->sheet, f, &row->field, value,
                       (struct sheet_style){.size = TEXT_SIZE, .least = TEXT_SIZE - 1, .flow = true},
                       row->text);
    w->y += row->height;
    return e;
}

static enum err place_heading(struct form_work *w, struct fail *f, const struct paper_letter_section *section,
                              size_t number)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "sections.%zu.heading", number);
    const struct sheet_field named = {path, "見出し", 0};
    enum err e = break_page(w, f, 7 + 2 * ROW_LEAST); /* not alone at the end of a page */
    if (!e)
        e = sheet_text(w->sheet, f, &named, (struct sheet_box){FORM_LEFT, w->y, FORM_WIDTH, 7},
                       (struct sheet_style){.size = TEXT_SIZE, .least = 7}, section->heading);
    w->y += 7;
    return e;
}

static enum err place_sections(struct form_work *w, struct fail *f)
{
    const struct paper_letter *letter = w->paper->content;
    enum err e = ERR_OK;
    for (size_t i = 0; i < letter->sections_count && !e; i++) {
        const struct paper_letter_section *section = &letter->sections[i];
        if (section->heading.n)
            e = place_heading(w, f, section, i + 1);
        for (size_t k = 0; k < section->rows_count && !e; k++) {
            struct table_row row;
            e = read_row(w, f, &section->rows[k], i + 1, k + 1, &row);
            if (!e)
                e = place_row(w, f, &row);
        }
        w->y += 3;
    }
    return e;
}

/* ---- below it */

static enum err place_paragraph(struct form_work *w, struct fail *f, double size, struct str text)
{
    double height = 0;
    if (text.p && !text.n)
        return ERR_OK;
    enum err e = form_paragraph_height(w, f, size, text, &height);
    if (!e)
        e = break_page(w, f, height);
    if (!e)
        e = form_paragraph(w, f, size, text);
    w->y += PARAGRAPH_GAP;
    return e;
}

static enum err place_remarks(struct form_work *w, struct fail *f)
{
    const struct paper_letter *letter = w->paper->content;
    struct arena *a = sheet_arena(w->sheet);
    enum err e = place_paragraph(w, f, TEXT_SIZE, str_of(letter_texts[w->paper->form].closing));
    w->y += 2;
    for (size_t i = 0; i < letter->remarks_count && !e; i++)
        e = place_paragraph(w, f, TEXT_SIZE,
                            arena_format(a, "備考%zu　%.*s", i + 1, STR_ARG(letter->remarks[i].text)));
    if (!e && letter->contact.n)
        e = place_paragraph(w, f, TEXT_SIZE, form_fill(w, "問合せ先　{contact}"));
    return e;
}

/* For people who read, and for machines: the same line. */
static enum err place_mark(struct form_work *w, struct fail *f)
{
    const struct paper_letter *letter = w->paper->content;
    struct arena *a = sheet_arena(w->sheet);
    struct str mark =
        arena_format(a, "JUKI/1 %s %.*s", paper_forms[w->paper->form].name, STR_ARG(letter->identity));
    enum err e = break_page(w, f, MARK_HEIGHT + 4);
    const double y = FORM_BOTTOM - MARK_HEIGHT;
    const struct sheet_field named = {"identity", "通知の識別", 0};
    const struct sheet_box words = {FORM_LEFT + QR_SIDE + 3, y + 9, FORM_WIDTH - 2 * QR_SIDE - 6, 6};
    if (!e && !mark.p)
        e = fail_set(f, ERR_MEMORY, "identity", NULL);
    if (!e)
        e = marks_qr(w->sheet, f, (struct sheet_box){FORM_LEFT, y, QR_SIDE, QR_SIDE}, mark);
    if (!e)
        e = sheet_words(w->sheet, f, (struct sheet_box){words.x, words.y - 5, words.w, 5},
                        (struct sheet_style){.size = 8, .least = 6}, "通知の識別");
    if (!e)
        e = sheet_text(w->sheet, f, &named, words, (struct sheet_style){.size = 9.5, .least = 5}, mark);
    if (!e && letter->verification.n)
        e = marks_qr(w->sheet, f, (struct sheet_box){FORM_LEFT + FORM_WIDTH - QR_SIDE, y, QR_SIDE, QR_SIDE},
                     letter->verification);
    return e;
}

enum err form_letter(struct form_work *w, struct fail *f)
{
    enum err e = place_head(w, f);
    if (!e)
        e = place_opening(w, f);
    if (!e)
        e = place_sections(w, f);
    if (!e)
        e = place_remarks(w, f);
    if (!e)
        e = place_mark(w, f);
    return e ? e : form_finish(w, f);
}
