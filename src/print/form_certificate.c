/* SPDX-License-Identifier: Apache-2.0 */
/* 住民票の写し（広域交付） and 転出証明書: a title, a head, a block for each person, and what attests it.
 *
 * What stands on them is the law's (paper_certificate.def, paper_move_out.def); where it stands is this
 * project's own, after the habit of such papers. */
#include "print/form.h"

#define CELL(name, wide, wider)                                                                              \
    {                                                                                                        \
        .member = (name), .label = (wide), .value = (wider)                                                  \
    }
#define READ(name, wide, wider, reading)                                                                     \
    {                                                                                                        \
        .member = (name), .label = (wide), .value = (wider), .above = (reading)                              \
    }
#define ASKED(name, wide, wider, flag)                                                                       \
    {                                                                                                        \
        .member = (name), .label = (wide), .value = (wider), .asked = (flag)                                 \
    }

static const struct form_row certificate_head[] = {
    {12, FORM_ALWAYS, {CELL("address", 24, 150)}},
    {9, FORM_ALWAYS, {ASKED("householder", 24, 150, "with_relationship")}},
};
static const struct form_row certificate_person[] = {
    {14, FORM_ALWAYS, {READ("name", 22, 86, "name_kana"), CELL("birth_date", 22, 38)}},
    {10.5,
     FORM_JAPANESE,
     {READ("former_name", 22, 62, "former_name_kana"), CELL("sex", 12, 12),
      ASKED("relationship", 14, 46, "with_relationship")}},
    {10.5,
     FORM_FOREIGN,
     {READ("alias", 22, 62, "alias_kana"), CELL("sex", 12, 12),
      ASKED("relationship", 14, 46, "with_relationship")}},
    {8,
     FORM_JAPANESE,
     {CELL("resident_since", 28, 28), CELL("address_since", 28, 28), CELL("notified_on", 28, 28)}},
    {8,
     FORM_FOREIGN,
     {CELL("foreign_since", 28, 28), CELL("address_since", 28, 28), CELL("notified_on", 28, 28)}},
    {8,
     FORM_ALWAYS,
     {ASKED("resident_code", 28, 56, "with_resident_code"),
      ASKED("individual_number", 28, 56, "with_individual_number")}},
    {8,
     FORM_FOREIGN,
     {ASKED("nationality", 22, 34, "with_residence_status"),
      ASKED("foreign_category", 22, 34, "with_residence_status"),
      ASKED("residence_status", 22, 34, "with_residence_status")}},
    {8,
     FORM_FOREIGN,
     {ASKED("residence_period", 22, 34, "with_residence_status"),
      ASKED("residence_until", 22, 34, "with_residence_status"),
      ASKED("residence_card", 22, 34, "with_residence_status")}},
};
static const struct form_row move_out_head[] = {
    {11, FORM_ALWAYS, {CELL("old_address", 28, 146)}},
    {9, FORM_ALWAYS, {CELL("old_householder", 28, 59), CELL("notified_on", 28, 59)}},
    {11, FORM_ALWAYS, {CELL("new_address", 28, 146)}},
    {9, FORM_ALWAYS, {CELL("new_householder", 28, 59), CELL("planned_on", 28, 59)}},
};
static const struct form_row mover[] = {
    {14, FORM_ALWAYS, {READ("name", 22, 86, "name_kana"), CELL("birth_date", 22, 38)}},
    {10.5,
     FORM_JAPANESE,
     {READ("former_name", 22, 62, "former_name_kana"), CELL("sex", 12, 12), CELL("relationship", 14, 46)}},
    {10.5,
     FORM_FOREIGN,
     {READ("alias", 22, 62, "alias_kana"), CELL("sex", 12, 12), CELL("relationship", 14, 46)}},
    {9, FORM_JAPANESE, {CELL("honseki", 22, 86), CELL("honseki_head", 16, 44)}},
    {8,
     FORM_FOREIGN,
     {CELL("nationality", 22, 34), CELL("foreign_category", 22, 34), CELL("residence_status", 22, 34)}},
    {8,
     FORM_FOREIGN,
     {CELL("residence_period", 22, 34), CELL("residence_until", 22, 34), CELL("residence_card", 22, 34)}},
    {9, FORM_FOREIGN, {CELL("alias_history", 34, 134)}},
    {8,
     FORM_ALWAYS,
     {CELL("resident_code", 22, 34), CELL("individual_number", 22, 34), CELL("pension_number", 22, 34)}},
    {8,
     FORM_ALWAYS,
     {CELL("health_insurance", 22, 34), CELL("elderly_insurance", 22, 34), CELL("care_insurance", 22, 34)}},
    {8, FORM_ALWAYS, {CELL("pension_kind", 22, 62), CELL("child_allowance", 22, 62)}},
};

#define TABLE(name, of, wide)                                                                                \
    static const struct form_table name##_table = {&paper_record_##of, name, COUNT_OF(name), wide}
TABLE(certificate_head, certificate, FORM_WIDTH);
TABLE(certificate_person, certificate_person, FORM_WIDTH - FORM_NUMBER);
TABLE(move_out_head, move_out, FORM_WIDTH);
TABLE(mover, mover, FORM_WIDTH - FORM_NUMBER);

const struct form_table *const *form_tables(size_t *count)
{
    static const struct form_table *const all[] = {&certificate_head_table, &certificate_person_table,
                                                   &move_out_head_table, &mover_table};
    *count = COUNT_OF(all);
    return all;
}

#define TITLE_HEIGHT 15.0
#define GAP 2.0
#define ATTEST_SIZE 10.0
#define NOTE_SIZE 8.0
#define ISSUE_HEIGHT 34.0
#define QR_SIDE 24.0

struct household {
    const char *title, *beside; /* beside: at the right of the title, or "" */
    const struct form_table *head, *person;
    const char *attest, *note; /* {member}: a value of the paper */
};
static const struct household certificate = {
    "住民票の写し",
    "（広域交付）",
    &certificate_head_table,
    &certificate_person_table,
    "　この写しは、住民基本台帳法第１２条の４第３項の規定による{home_title}"
    "からの通知に基づき、作成したものである。",
    "住民基本台帳法第１２条の４の規定により、本籍、筆頭者の氏名、異動の履歴及び消除された者は記載していません"
    "。"
    "「省略」は、請求がないため記載を省略した事項です。",
};
static const struct household move_out = {
    "転出証明書",
    "",
    &move_out_head_table,
    &mover_table,
    "　上記のとおり転出の届出があったことを証明する。",
    "転入をした日から１４日以内に、この証明書を添えて、転入先の市区町村長に転入の届出をしてください。",
};
static const char special_mark[] = "特例による転出処理済",
                  special_note[] = "住民基本台帳法第２４条の２の規定による転出届（転入届の特例）を処理済です"
                                   "。転入の届出には、個人番号カードが"
                                   "必要です。";

struct placing_household {
    struct form_work *work;
    const struct household *form;
    const struct paper_field *list;
    const char *note;
    double foot; /* what the attestation takes below the last person */
};

static enum err begin_page(struct placing_household *p, struct fail *f)
{
    struct form_work *w = p->work;
    const struct sheet_box title = {FORM_LEFT + 37, FORM_TOP, 100, TITLE_HEIGHT - 3};
    const struct sheet_box beside = {FORM_LEFT + 132, FORM_TOP, 42, TITLE_HEIGHT - 3};
    bool special = p->note == special_note;
    w->y = FORM_TOP + TITLE_HEIGHT;
    enum err e =
        sheet_words(w->sheet, f, title, (struct sheet_style){.size = 20, .least = 14, .align = SHEET_SPREAD},
                    p->form->title);
    if (!e)
        e = sheet_words(w->sheet, f, beside,
                        (struct sheet_style){.size = 10.5, .least = 8, .align = SHEET_RIGHT},
                        special ? special_mark : p->form->beside);
    if (!e && special)
        e = sheet_frame(w->sheet, f, (struct sheet_box){beside.x, beside.y + 2, beside.w, beside.h - 4},
                        FORM_RULE * 2);
    if (!e)
        e = form_table_place(w, f, p->form->head, FORM_LEFT, w->paper->content, 0);
    w->y += GAP;
    return e;
}

static enum err place_person(struct placing_household *p, struct fail *f, const void *content, size_t number,
                             double height)
{
    struct form_work *w = p->work;
    const struct sheet_box column = {FORM_LEFT, w->y, FORM_NUMBER, height};
    char text[24];
    snprintf(text, sizeof text, "%zu", number);
    enum err e = sheet_frame(w->sheet, f, column, FORM_EDGE);
    if (!e)
        e = sheet_words(w->sheet, f, column,
                        (struct sheet_style){.size = 10, .least = 7, .align = SHEET_CENTRE}, text);
    return e ? e : form_table_place(w, f, p->form->person, FORM_LEFT + FORM_NUMBER, content, number);
}

/* The last person stands above the attestation, never on the page before it. */
static enum err place_persons(struct placing_household *p, struct fail *f)
{
    size_t count;
    const char *items = paper_field_items(p->list, p->work->paper->content, &count);
    enum err e = ERR_OK;
    for (size_t i = 0; i < count && !e; i++) {
        const void *content = items + i * p->list->item->size;
        double height = 0;
        e = form_table_height(p->work, f, p->form->person, content, i + 1, &height);
        if (!e && p->work->y + height + (i + 1 == count ? p->foot : 0) > FORM_BOTTOM) {
            e = sheet_next_page(p->work->sheet, f);
            if (!e)
                e = begin_page(p, f);
        }
        if (!e)
            e = place_person(p, f, content, i + 1, height);
    }
    return e;
}

static enum err measure_foot(struct placing_household *p, struct fail *f)
{
    double attest = 0, note = 0;
    enum err e = form_paragraph_height(p->work, f, ATTEST_SIZE, form_fill(p->work, p->form->attest), &attest);
    if (!e)
        e = form_paragraph_height(p->work, f, NOTE_SIZE, str_of(p->note), &note);
    p->foot = 2 * GAP + attest + ISSUE_HEIGHT + note;
    return e;
}

static enum err place_issue(struct placing_household *p, struct fail *f)
{
    struct form_work *w = p->work;
    const double y = w->y + 1;
    const struct sheet_box date = {FORM_LEFT + 6, y, 80, 9},
                           issuer = {FORM_LEFT + 50, y + 8, FORM_WIDTH - 56, 22};
    const struct sheet_box qr = {FORM_LEFT + 4, y + 9, QR_SIDE - 2, QR_SIDE - 2};
    struct str verification = form_text(w, "verification");
    enum err e = form_field(w, f, "issued_on", date, (struct sheet_style){.size = 11.5, .least = 8});
    if (!e)
        e = form_issuer(w, f, issuer);
    if (!e && verification.n)
        e = marks_qr(w->sheet, f, qr, verification);
    w->y += ISSUE_HEIGHT;
    return e;
}

static enum err place_household(struct form_work *w, struct fail *f, const struct household *form,
                                const char *note)
{
    struct placing_household p = {
        .work = w,
        .form = form,
        .list = paper_field_find(paper_forms[w->paper->form].record, "persons"),
        .note = note,
    };
    enum err e = measure_foot(&p, f);
    if (!e)
        e = begin_page(&p, f);
    if (!e)
        e = place_persons(&p, f);
    w->y += 2 * GAP;
    if (!e)
        e = form_paragraph(w, f, ATTEST_SIZE, form_fill(w, form->attest));
    if (!e)
        e = place_issue(&p, f);
    if (!e)
        e = form_paragraph(w, f, NOTE_SIZE, str_of(note));
    return e ? e : form_finish(w, f);
}

enum err form_certificate(struct form_work *w, struct fail *f)
{
    return place_household(w, f, &certificate, certificate.note);
}

enum err form_move_out(struct form_work *w, struct fail *f)
{
    const struct paper_move_out *paper = w->paper->content;
    return place_household(w, f, &move_out, paper->special ? special_note : move_out.note);
}
