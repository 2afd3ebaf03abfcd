/* SPDX-License-Identifier: Apache-2.0 */
/* A list of placed items for each page; texts are laid out when they are placed, since only then is known
 * what fits. */
#include "print/sheet.h"

#include "base/clock.h"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>

#define POINTS_PER_MM (72 / 25.4)
#define PADDING 1.4        /* mm beside a text in its box */
#define EDGE 0.4           /* mm above and below it */
#define ONE_LINE_LEAST 0.8 /* of the wished size: smaller, and more lines are better */
#define SIZE_STEP 0.25
#define LINE_HEIGHT 1.15
#define LABEL_PART 0.86 /* of its box that spread text takes */
enum { ARENA_LIMIT = 8 << 20, NOTES_MAX = 8192 };

struct item {
    struct item *next;
    struct sheet_box box; /* of a line: from x, y by w, h */
    double width;         /* of a line or frame */
    bool frame;
    PangoLayout *layout;
    void (*draw)(cairo_t *cr, const void *arg, double w, double h);
    const void *arg;
};
struct page {
    struct item *first, **end;
};
struct sheet {
    struct glyphs *glyphs;
    struct arena arena;
    struct page pages[SHEET_PAGES_MAX];
    size_t count, current;
    bool replace, measuring; /* measuring: nothing is noted, since it will be when it is placed */
    struct buf notes;
};

enum err sheet_new(struct fail *f, struct glyphs *g, bool replace, struct sheet **out)
{
    struct sheet *s = memory_new(sizeof *s);
    if (!s)
        return fail_set(f, ERR_MEMORY, "sheet", NULL);
    s->glyphs = g;
    s->replace = replace;
    s->count = 1;
    arena_init(&s->arena, ARENA_LIMIT);
    buf_init(&s->notes, NOTES_MAX);
    for (size_t i = 0; i < SHEET_PAGES_MAX; i++)
        s->pages[i].end = &s->pages[i].first;
    *out = s;
    return ERR_OK;
}

void sheet_free(struct sheet *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++)
        for (struct item *item = s->pages[i].first; item; item = item->next)
            if (item->layout)
                g_object_unref(item->layout);
    arena_release(&s->arena);
    buf_release(&s->notes);
    memory_free(s);
}

enum err sheet_next_page(struct sheet *s, struct fail *f)
{
    if (s->count == SHEET_PAGES_MAX)
        return fail_set(f, ERR_LIMIT, "pages", "%d", SHEET_PAGES_MAX);
    s->current = s->count++;
    return ERR_OK;
}

size_t sheet_pages(const struct sheet *s)
{
    return s->count;
}

void sheet_turn_to(struct sheet *s, size_t page)
{
    assert(page < s->count);
    s->current = page;
}

struct arena *sheet_arena(struct sheet *s)
{
    return &s->arena;
}

struct glyphs *sheet_glyphs(struct sheet *s)
{
    return s->glyphs;
}

struct str sheet_notes(const struct sheet *s)
{
    return buf_str(&s->notes);
}

/* ---- placing */

static enum err add(struct sheet *s, struct fail *f, struct item item)
{
    struct item *new = arena_alloc(&s->arena, sizeof *new);
    if (!new) {
        if (item.layout)
            g_object_unref(item.layout);
        return fail_set(f, ERR_MEMORY, "sheet", NULL);
    }
    struct page *page = &s->pages[s->current];
    *new = item;
    *page->end = new;
    page->end = &new->next;
    return ERR_OK;
}

enum err sheet_line(struct sheet *s, struct fail *f, double x1, double y1, double x2, double y2, double width)
{
    return add(s, f, (struct item){.box = {x1, y1, x2 - x1, y2 - y1}, .width = width});
}

enum err sheet_frame(struct sheet *s, struct fail *f, struct sheet_box box, double width)
{
    return add(s, f, (struct item){.box = box, .width = width, .frame = true});
}

enum err sheet_picture(struct sheet *s, struct fail *f, struct sheet_box box,
                       void (*draw)(cairo_t *cr, const void *arg, double w, double h), const void *arg)
{
    return add(s, f, (struct item){.box = box, .draw = draw, .arg = arg});
}

/* ---- texts: which characters */

static enum err refuse(struct fail *f, const struct sheet_field *field, const struct glyphs_character *c)
{
    char name[GLYPHS_NAME_SIZE];
    if (field->person)
        return fail_set(f, ERR_PAPER_GLYPH, field->path, "%s %.60s（%zu人目）", glyphs_name(c, name),
                        field->label, field->person);
    return fail_set(f, ERR_PAPER_GLYPH, field->path, "%s %.60s", glyphs_name(c, name), field->label);
}

static void note(struct sheet *s, const struct sheet_field *field, const struct glyphs_character *c)
{
    char name[GLYPHS_NAME_SIZE];
    buf_add_format(&s->notes, "%s%s", s->notes.n ? "、" : "", field->label);
    if (field->person)
        buf_add_format(&s->notes, "（%zu人目）", field->person);
    buf_add_format(&s->notes, " %s", glyphs_name(c, name));
}

/* The text as it is printed: itself, or with ■ for what the font lacks. */
static enum err printable(struct sheet *s, struct fail *f, const struct sheet_field *field, struct str text,
                          struct str *out)
{
    struct buf b;
    enum err e = ERR_OK;
    buf_init(&b, 4 * text.n + 4);
    for (size_t at = 0; at < text.n && !e;) {
        struct glyphs_character c = glyphs_next(s->glyphs, text, &at);
        if (c.drawable)
            buf_add(&b, text.p + c.at, c.n);
        else if (!s->replace)
            e = refuse(f, field, &c);
        else {
            buf_add_str(&b, STR("■"));
            if (!s->measuring)
                note(s, field, &c);
        }
    }
    if (!e)
        e = buf_check(&b, f, field->path);
    if (!e && !(*out = arena_copy(&s->arena, buf_str(&b))).p)
        e = fail_set(f, ERR_MEMORY, field->path, NULL);
    buf_release(&b);
    return e;
}

/* On one line, of the wished size; each glyph the one of its character. */
static enum err shape(struct sheet *s, struct fail *f, const struct sheet_field *field, double size,
                      struct str text, PangoLayout **out)
{
    struct glyphs_character wrong;
    enum err e = printable(s, f, field, text, &text);
    if (e)
        return e;
    PangoLayout *layout = glyphs_layout(s->glyphs, text, size);
    if (!glyphs_exact(s->glyphs, layout, &wrong)) {
        g_object_unref(layout);
        return refuse(f, field, &wrong);
    }
    pango_layout_set_line_spacing(layout, LINE_HEIGHT);
    *out = layout;
    return ERR_OK;
}

/* ---- texts: what fits */

static void extent(PangoLayout *layout, double *w, double *h)
{
    int width, height;
    pango_layout_get_size(layout, &width, &height);
    *w = (double)width / PANGO_SCALE / POINTS_PER_MM;
    *h = (double)height / PANGO_SCALE / POINTS_PER_MM;
}

static void wrap(PangoLayout *layout, double width)
{
    pango_layout_set_width(layout, (int)(width * POINTS_PER_MM * PANGO_SCALE));
    pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
}

/* On one line, no larger than box and style allow; false when that is smaller than `least`. */
static bool fit_line(PangoLayout *layout, double size, double least, struct sheet_box room)
{
    double w, h, part = 1;
    extent(layout, &w, &h);
    if (w > room.w)
        part = room.w / w;
    if (h * part > room.h)
        part = room.h / h;
    if (part < 1)
        size = (double)(int)(size * part / SIZE_STEP) * SIZE_STEP;
    if (size < least)
        return false;
    glyphs_layout_size(layout, size);
    return true;
}

/* Shrinks, then wraps and shrinks on. False: not even at the least size. */
static bool fit(PangoLayout *layout, struct sheet_style style, struct sheet_box room)
{
    const int steps = (int)((style.size - style.least) / SIZE_STEP);
    double w, h;
    if (fit_line(layout, style.size, style.size * (style.flow ? 1 : ONE_LINE_LEAST), room))
        return true;
    wrap(layout, room.w);
    for (int i = 0; i <= steps; i++) {
        glyphs_layout_size(layout, style.size - i * SIZE_STEP);
        extent(layout, &w, &h);
        if (h <= room.h)
            return true;
    }
    return false;
}

/* Puts the same room between all characters. */
static void spread(PangoLayout *layout, double width)
{
    double w, h;
    const char *text = pango_layout_get_text(layout);
    size_t count = utf8_count(str_of(text));
    extent(layout, &w, &h);
    if (count < 2 || pango_layout_get_width(layout) >= 0 || w >= width * LABEL_PART)
        return;
    double room = (width * LABEL_PART - w) / (double)(count - 1);
    PangoAttrList *list = pango_attr_list_copy(pango_layout_get_attributes(layout));
    pango_attr_list_insert(list, pango_attr_letter_spacing_new((int)(room * POINTS_PER_MM * PANGO_SCALE)));
    pango_layout_set_attributes(layout, list);
    pango_attr_list_unref(list);
}

static const PangoAlignment alignments[] = {
    [SHEET_LEFT] = PANGO_ALIGN_LEFT,
    [SHEET_CENTRE] = PANGO_ALIGN_CENTER,
    [SHEET_RIGHT] = PANGO_ALIGN_RIGHT,
    [SHEET_SPREAD] = PANGO_ALIGN_CENTER,
};

/* Where in its box: the layout's left upper corner. */
static struct sheet_box corner(PangoLayout *layout, struct sheet_box box, struct sheet_style style)
{
    double w, h;
    extent(layout, &w, &h);
    double free = box.w - w;
    double left = style.align == SHEET_LEFT ? 0 : style.align == SHEET_RIGHT ? free : free / 2;
    if (pango_layout_get_width(layout) >= 0)
        left = 0; /* it aligns its lines itself */
    return (struct sheet_box){box.x + left, style.top ? box.y : box.y + (box.h - h) / 2, w, h};
}

enum err sheet_text(struct sheet *s, struct fail *f, const struct sheet_field *field, struct sheet_box box,
                    struct sheet_style style, struct str text)
{
    PangoLayout *layout = NULL;
    if (!text.n)
        return ERR_OK;
    enum err e = shape(s, f, field, style.size, text, &layout);
    if (e)
        return e;
    box.x += PADDING;
    box.w -= 2 * PADDING;
    const double edge = style.top ? 0 : 2 * EDGE;
    if (!fit(layout, style, (struct sheet_box){.w = box.w, .h = box.h - edge})) {
        g_object_unref(layout);
        return fail_set(f, ERR_PAPER_ROOM, field->path, "%.60s", field->label);
    }
    if (style.align == SHEET_SPREAD)
        spread(layout, box.w);
    pango_layout_set_alignment(layout, alignments[style.align]);
    return add(s, f, (struct item){.box = corner(layout, box, style), .layout = layout});
}

enum err sheet_words(struct sheet *s, struct fail *f, struct sheet_box box, struct sheet_style style,
                     const char *words)
{
    static const struct sheet_field form = {"form", "様式の文字", 0};
    return sheet_text(s, f, &form, box, style, str_of(words));
}

enum err sheet_measure(struct sheet *s, struct fail *f, const struct sheet_field *field, double width,
                       double size, struct str text, double *height)
{
    PangoLayout *layout = NULL;
    double w;
    s->measuring = true;
    enum err e = shape(s, f, field, size, text, &layout);
    s->measuring = false;
    if (e)
        return e;
    extent(layout, &w, height);
    if (w > width - 2 * PADDING) {
        wrap(layout, width - 2 * PADDING);
        extent(layout, &w, height);
    }
    g_object_unref(layout);
    return ERR_OK;
}

/* ---- drawing */

static void draw_item(cairo_t *cr, const struct item *item)
{
    const struct sheet_box b = item->box;
    cairo_save(cr);
    if (item->layout) {
        cairo_move_to(cr, b.x * POINTS_PER_MM, b.y * POINTS_PER_MM);
        pango_cairo_show_layout(cr, item->layout);
    } else {
        cairo_scale(cr, POINTS_PER_MM, POINTS_PER_MM);
        cairo_set_line_width(cr, item->width);
        cairo_set_line_cap(cr, CAIRO_LINE_CAP_SQUARE);
        if (item->draw) {
            cairo_translate(cr, b.x, b.y);
            item->draw(cr, item->arg, b.w, b.h);
        } else if (item->frame) {
            cairo_rectangle(cr, b.x, b.y, b.w, b.h);
            cairo_stroke(cr);
        } else {
            cairo_move_to(cr, b.x, b.y);
            cairo_line_to(cr, b.x + b.w, b.y + b.h);
            cairo_stroke(cr);
        }
    }
    cairo_restore(cr);
}

static void draw_pages(struct sheet *s, cairo_t *cr, const struct sheet_about *about)
{
    for (size_t i = 0; i < s->count; i++) {
        if (about->behind) {
            cairo_save(cr);
            cairo_scale(cr, POINTS_PER_MM, POINTS_PER_MM);
            about->behind(cr, about->behind_arg);
            cairo_restore(cr);
        }
        for (const struct item *item = s->pages[i].first; item; item = item->next)
            draw_item(cr, item);
        cairo_show_page(cr);
    }
}

static void describe(cairo_surface_t *surface, const struct sheet_about *about)
{
    char time[CLOCK_TEXT_SIZE], seconds[CLOCK_TEXT_SIZE];
    clock_text(about->created, time);
    snprintf(seconds, sizeof seconds, "%.19sZ", time);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, about->title);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_KEYWORDS, about->keywords);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATOR, "juki " JUKI_VERSION);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, seconds);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_MOD_DATE, seconds);
}

static cairo_status_t take_bytes(void *out, const unsigned char *bytes, unsigned n)
{
    buf_add(out, bytes, n);
    return ((struct buf *)out)->broken ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

enum err sheet_pdf(struct sheet *s, struct fail *f, const struct sheet_about *about, struct buf *out)
{
    cairo_surface_t *surface = cairo_pdf_surface_create_for_stream(
        take_bytes, out, SHEET_WIDTH * POINTS_PER_MM, SHEET_HEIGHT * POINTS_PER_MM);
    cairo_t *cr = cairo_create(surface);
    describe(surface, about);
    draw_pages(s, cr, about);
    cairo_status_t status = cairo_status(cr);
    cairo_destroy(cr);
    cairo_surface_finish(surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    enum err e = buf_check(out, f, "pdf");
    if (!e && status != CAIRO_STATUS_SUCCESS)
        e = fail_set(f, ERR_PAPER_DRAW, "pdf", "%s", cairo_status_to_string(status));
    return e;
}
