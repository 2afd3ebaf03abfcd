/* SPDX-License-Identifier: Apache-2.0 */
#include "print/paper_make.h"

#include "print/form.h"

enum { ARENA_LIMIT = 16 << 20 };

struct paper_maker {
    struct glyphs *glyphs;
    struct marks *marks;
    bool replace;
};

enum err paper_maker_open(struct fail *f, const struct paper_office *office, struct paper_maker **out)
{
    const struct marks_options options = {office->seal.n ? office->seal.p : NULL, office->copy_ground};
    struct paper_maker *m = memory_new(sizeof *m);
    if (!m)
        return fail_set(f, ERR_MEMORY, "paper", NULL);
    m->replace = office->replace;
    enum err e = glyphs_open(f, office->font ? office->font : GLYPHS_FAMILY, &m->glyphs);
    if (!e)
        e = marks_open(f, &options, &m->marks);
    if (e)
        paper_maker_close(m);
    else
        *out = m;
    return e;
}

void paper_maker_close(struct paper_maker *m)
{
    if (!m)
        return;
    marks_close(m->marks);
    glyphs_close(m->glyphs);
    memory_free(m);
}

/* The others are letters. */
static enum err (*const certificates[])(struct form_work *w, struct fail *f) = {
    [PAPER_WIDE_AREA_CERTIFICATE] = form_certificate,
    [PAPER_MOVE_OUT_CERTIFICATE] = form_move_out,
};

static enum err place(struct form_work *w, struct fail *f)
{
    size_t form = (size_t)w->paper->form;
    return form < COUNT_OF(certificates) ? certificates[form](w, f) : form_letter(w, f);
}

static enum err draw(struct paper_maker *m, struct fail *f, const struct paper *paper, int64_t created,
                     struct paper_made *made, struct buf *pdf)
{
    struct form_work w = {.marks = m->marks, .paper = paper};
    char mark[PAPER_MARK_SIZE];
    enum err e = sheet_new(f, m->glyphs, m->replace, &w.sheet);
    if (!e)
        e = place(&w, f);
    const struct sheet_about about = {.title = paper_forms[paper->form].ja,
                                      .keywords = paper_mark(made->content, mark),
                                      .created = created,
                                      .behind = marks_ground(m->marks),
                                      .behind_arg = m->marks};
    if (!e)
        e = sheet_pdf(w.sheet, f, &about, pdf);
    if (!e)
        made->pages = sheet_pages(w.sheet);
    sheet_free(w.sheet);
    return e;
}

enum err paper_make(struct paper_maker *m, struct fail *f, struct str json, int64_t created,
                    struct paper_made *made, struct buf *pdf)
{
    struct arena a;
    struct paper paper;
    struct paper_made done = {.content = sha256_of(json)};
    arena_init(&a, ARENA_LIMIT);
    enum err e = paper_read(f, json, &a, &paper);
    if (!e)
        e = draw(m, f, &paper, created, &done, pdf);
    if (!e)
        *made = done;
    arena_release(&a);
    return e;
}
