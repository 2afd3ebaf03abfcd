/* SPDX-License-Identifier: Apache-2.0 */
#include "print/marks.h"

#include <pango/pangocairo.h>
#include <qrencode.h>

/* The ground: dots so fine that a copier loses them, and among them dots of twice the size and a quarter of
 * the number, as grey to the eye, which it keeps: they are the letters. */
#define GROUND_STEP 0.42 /* mm between dots */
#define GROUND_FINE 0.11 /* a fine dot's side */
#define SEAL_EDGE 0.045  /* of the seal's side */
#define SEAL_BOLD 0.012
enum { GROUND_COLUMNS = 120, GROUND_ROWS = 84, GROUND_LETTERS = 44 };

struct marks {
    cairo_surface_t *seal;   /* NULL: drawn */
    cairo_pattern_t *ground; /* NULL: none */
};

/* ---- the ground */

static void draw_letters(cairo_t *cr)
{
    PangoLayout *layout = pango_cairo_create_layout(cr);
    PangoFontDescription *font = pango_font_description_from_string(GLYPHS_FAMILY);
    int w, h;
    pango_font_description_set_absolute_size(font, GROUND_LETTERS * PANGO_SCALE);
    pango_layout_set_font_description(layout, font);
    pango_layout_set_text(layout, "複写", -1);
    pango_layout_get_pixel_size(layout, &w, &h);
    cairo_translate(cr, GROUND_COLUMNS / 2.0, GROUND_ROWS / 2.0);
    cairo_rotate(cr, -0.25);
    cairo_translate(cr, -w / 2.0, -h / 2.0);
    pango_cairo_layout_path(cr, layout);
    cairo_fill_preserve(cr);
    cairo_set_line_width(cr, 2);
    cairo_stroke(cr);
    pango_font_description_free(font);
    g_object_unref(layout);
}

static void draw_dots(cairo_t *cr, cairo_surface_t *letters)
{
    const unsigned char *pixels = cairo_image_surface_get_data(letters);
    const int stride = cairo_image_surface_get_stride(letters);
    for (int row = 0; row < GROUND_ROWS; row++)
        for (int column = 0; column < GROUND_COLUMNS; column++) {
            bool letter = pixels[row * stride + column] > 127;
            double side = letter ? 2 * GROUND_FINE : GROUND_FINE;
            if (!letter || (row % 2 == 0 && column % 2 == 0))
                cairo_rectangle(cr, column * GROUND_STEP, row * GROUND_STEP, side, side);
        }
    cairo_set_source_rgb(cr, 0.45, 0.62, 0.62);
    cairo_fill(cr);
}

static cairo_pattern_t *make_ground(void)
{
    cairo_surface_t *letters = cairo_image_surface_create(CAIRO_FORMAT_A8, GROUND_COLUMNS, GROUND_ROWS);
    cairo_t *cr = cairo_create(letters);
    draw_letters(cr);
    cairo_destroy(cr);
    cairo_surface_flush(letters);
    const cairo_rectangle_t tile = {0, 0, GROUND_COLUMNS * GROUND_STEP, GROUND_ROWS * GROUND_STEP};
    cairo_surface_t *dots = cairo_recording_surface_create(CAIRO_CONTENT_COLOR_ALPHA, &tile);
    cr = cairo_create(dots);
    draw_dots(cr, letters);
    cairo_destroy(cr);
    cairo_pattern_t *ground = cairo_pattern_create_for_surface(dots);
    cairo_pattern_set_extend(ground, CAIRO_EXTEND_REPEAT);
    cairo_surface_destroy(dots);
    cairo_surface_destroy(letters);
    return ground;
}

static void draw_ground(cairo_t *cr, const void *arg)
{
    const struct marks *m = arg;
    cairo_set_source(cr, m->ground);
    cairo_paint(cr);
    cairo_set_source_rgb(cr, 0, 0, 0);
}

void (*marks_ground(const struct marks *m))(cairo_t *cr, const void *m)
{
    return m->ground ? draw_ground : NULL;
}

/* ---- an office's */

enum err marks_open(struct fail *f, const struct marks_options *options, struct marks **out)
{
    struct marks *m = memory_new(sizeof *m);
    if (!m)
        return fail_set(f, ERR_MEMORY, "seal", NULL);
    if (options->seal_path) {
        m->seal = cairo_image_surface_create_from_png(options->seal_path);
        cairo_status_t status = cairo_surface_status(m->seal);
        if (status != CAIRO_STATUS_SUCCESS) {
            marks_close(m);
            return fail_set(f, ERR_PAPER_SEAL, "seal", "%.120s: %s", options->seal_path,
                            cairo_status_to_string(status));
        }
    }
    if (options->copy_ground)
        m->ground = make_ground();
    *out = m;
    return ERR_OK;
}

void marks_close(struct marks *m)
{
    if (!m)
        return;
    if (m->seal)
        cairo_surface_destroy(m->seal);
    if (m->ground)
        cairo_pattern_destroy(m->ground);
    memory_free(m);
}

/* ---- the seal */

struct marks_grid marks_grid(size_t characters)
{
    static const struct {
        const char *text;
        size_t n;
    } endings[] = {{"之印", 2}, {"印", 1}, {"", 0}}; /* the best first */
    struct marks_grid best = {1, characters, ""};
    size_t best_cost = SIZE_MAX;
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        size_t n = characters + endings[i].n;
        for (size_t columns = 1; columns * columns <= n; columns++) {
            size_t rows = (n + columns - 1) / columns;
            size_t cost = 10 * (columns * rows - n) + 3 * (rows - columns) +
                          4 * i; /* empty cells, then what is not square */
            if (cost < best_cost) {
                best_cost = cost;
                best = (struct marks_grid){columns, rows, endings[i].text};
            }
        }
    }
    return best;
}

struct seal {
    const struct marks *marks;
    struct glyphs *glyphs;
    struct str text;
    struct marks_grid grid;
};

/* One character, stretched into its cell. */
static void draw_cell(cairo_t *cr, const struct seal *seal, struct str character, struct sheet_box cell)
{
    int w, h;
    PangoLayout *layout = glyphs_layout(seal->glyphs, character, 10);
    pango_layout_get_size(layout, &w, &h);
    cairo_save(cr);
    cairo_translate(cr, cell.x, cell.y);
    cairo_scale(cr, cell.w * PANGO_SCALE / w, cell.h * PANGO_SCALE / h);
    pango_cairo_layout_path(cr, layout);
    cairo_restore(cr);
    g_object_unref(layout);
}

static void draw_characters(cairo_t *cr, const struct seal *seal, double w, double h)
{
    const struct marks_grid g = seal->grid;
    const double edge = 2 * SEAL_EDGE * w;
    const double cell_w = (w - 2 * edge) / (double)g.columns, cell_h = (h - 2 * edge) / (double)g.rows;
    size_t i = 0;
    for (size_t at = 0; at < seal->text.n; i++) {
        struct glyphs_character c = glyphs_next(seal->glyphs, seal->text, &at);
        const size_t column = i / g.rows + 1, row = i % g.rows; /* from the right, from above */
        struct sheet_box cell = {w - edge - cell_w * (double)column, edge + cell_h * (double)row, cell_w,
                                 cell_h};
        draw_cell(cr, seal, (struct str){seal->text.p + c.at, c.n}, cell);
    }
    cairo_fill_preserve(cr);
    cairo_set_line_width(cr, SEAL_BOLD * w);
    cairo_stroke(cr);
}

static void draw_seal(cairo_t *cr, const void *arg, double w, double h)
{
    const struct seal *seal = arg;
    cairo_surface_t *picture = seal->marks->seal;
    if (picture) {
        cairo_scale(cr, w / cairo_image_surface_get_width(picture),
                    h / cairo_image_surface_get_height(picture));
        cairo_set_source_surface(cr, picture, 0, 0);
        cairo_paint(cr);
        return;
    }
    cairo_set_source_rgb(cr, 0.84, 0.12, 0.10);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_MITER);
    cairo_set_line_width(cr, SEAL_EDGE * w);
    cairo_rectangle(cr, SEAL_EDGE * w / 2, SEAL_EDGE * w / 2, w - SEAL_EDGE * w, h - SEAL_EDGE * w);
    cairo_stroke(cr);
    draw_characters(cr, seal, w, h);
}

enum err marks_seal(const struct marks *m, struct sheet *s, struct fail *f, struct sheet_box box,
                    struct str text)
{
    struct seal *seal = arena_alloc(sheet_arena(s), sizeof *seal);
    char name[GLYPHS_NAME_SIZE];
    if (!seal)
        return fail_set(f, ERR_MEMORY, "issuer_seal", NULL);
    struct marks_grid grid = marks_grid(utf8_count(text));
    *seal = (struct seal){m, sheet_glyphs(s),
                          arena_format(sheet_arena(s), "%.*s%s", STR_ARG(text), grid.ending), grid};
    if (!seal->text.p)
        return fail_set(f, ERR_MEMORY, "issuer_seal", NULL);
    for (size_t at = 0; at < seal->text.n && !m->seal;) {
        struct glyphs_character c = glyphs_next(seal->glyphs, seal->text, &at);
        if (!c.drawable)
            return fail_set(f, ERR_PAPER_GLYPH, "issuer_seal", "%s 職印の文字", glyphs_name(&c, name));
    }
    return sheet_picture(s, f, box, draw_seal, seal);
}

/* ---- QR */

struct qr {
    size_t side;
    unsigned char modules[]; /* 1: dark */
};

static void draw_qr(cairo_t *cr, const void *arg, double w, double h)
{
    const struct qr *qr = arg;
    cairo_scale(cr, w / (double)qr->side, h / (double)qr->side);
    for (size_t y = 0; y < qr->side; y++)
        for (size_t x = 0, run; x < qr->side; x += run + 1) {
            for (run = 0; x + run < qr->side && qr->modules[y * qr->side + x + run];)
                run++;
            if (run)
                cairo_rectangle(cr, (double)x, (double)y, (double)run, 1);
        }
    cairo_fill(cr);
}

enum err marks_qr(struct sheet *s, struct fail *f, struct sheet_box box, struct str text)
{
    QRcode *code = QRcode_encodeData((int)text.n, (const unsigned char *)text.p, 0, QR_ECLEVEL_M);
    if (!code)
        return fail_set(f, ERR_LIMIT, "qr", NULL);
    size_t side = (size_t)code->width;
    struct qr *qr = arena_alloc(sheet_arena(s), sizeof *qr + side * side);
    if (qr) {
        qr->side = side;
        for (size_t i = 0; i < side * side; i++)
            qr->modules[i] = code->data[i] & 1;
    }
    QRcode_free(code);
    return qr ? sheet_picture(s, f, box, draw_qr, qr) : fail_set(f, ERR_MEMORY, "qr", NULL);
}
