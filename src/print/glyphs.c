/* SPDX-License-Identifier: Apache-2.0 */
#include "print/glyphs.h"

#include "base/arena.h"

#include <hb.h>
#include <pango/pangocairo.h>

/* As cairo's PDF surface: a unit is a point. */
enum { RESOLUTION = 72, REFERENCE_POINTS = 12 };

struct glyphs {
    PangoFontMap *map;
    PangoContext *context;
    PangoFontDescription *description;
    PangoFont *font;
    hb_font_t *shaper; /* the font's own */
    PangoAttrList *plain;
};

static void set_description(struct glyphs *g, const char *family)
{
    g->description = pango_font_description_new();
    pango_font_description_set_family(g->description, family);
    pango_font_description_set_absolute_size(g->description, REFERENCE_POINTS * PANGO_SCALE);
}

/* No other font, nothing that joins or replaces glyphs. */
static PangoAttrList *plain_attributes(void)
{
    PangoAttrList *list = pango_attr_list_new();
    pango_attr_list_insert(list, pango_attr_fallback_new(FALSE));
    pango_attr_list_insert(list,
                           pango_attr_font_features_new(
                               "liga=0, clig=0, dlig=0, calt=0, ccmp=0, locl=0, rlig=0, kern=0, palt=0"));
    return list;
}

static void set_context(struct glyphs *g)
{
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    pango_cairo_context_set_font_options(g->context, options);
    cairo_font_options_destroy(options);
    pango_context_set_language(g->context, pango_language_from_string("ja"));
    pango_context_set_font_description(g->context, g->description);
    pango_context_set_round_glyph_positions(g->context, FALSE);
}

static enum err check_family(struct fail *f, struct glyphs *g, const char *family)
{
    g->font = pango_font_map_load_font(g->map, g->context, g->description);
    if (!g->font)
        return fail_set(f, ERR_PAPER_FONT, "font", "%.40s", family);
    PangoFontDescription *found = pango_font_describe(g->font);
    const char *name = pango_font_description_get_family(found);
    enum err e = name && strcmp(name, family) == 0
                     ? ERR_OK
                     : fail_set(f, ERR_PAPER_FONT, "font", "%.40s; fontconfig gave %.40s", family,
                                name ? name : "none");
    pango_font_description_free(found);
    g->shaper = pango_font_get_hb_font(g->font);
    return e;
}

enum err glyphs_open(struct fail *f, const char *family, struct glyphs **out)
{
    struct glyphs *g = memory_new(sizeof *g);
    if (!g)
        return fail_set(f, ERR_MEMORY, "font", NULL);
    g->map = pango_cairo_font_map_new_for_font_type(CAIRO_FONT_TYPE_FT);
    pango_cairo_font_map_set_resolution(PANGO_CAIRO_FONT_MAP(g->map), RESOLUTION);
    g->context = pango_font_map_create_context(g->map);
    g->plain = plain_attributes();
    set_description(g, family);
    set_context(g);
    enum err e = check_family(f, g, family);
    if (e)
        glyphs_close(g);
    else
        *out = g;
    return e;
}

void glyphs_close(struct glyphs *g)
{
    if (!g)
        return;
    if (g->font)
        g_object_unref(g->font);
    pango_attr_list_unref(g->plain);
    pango_font_description_free(g->description);
    g_object_unref(g->context);
    g_object_unref(g->map);
    memory_free(g);
}

PangoLayout *glyphs_layout(struct glyphs *g, struct str text, double points)
{
    PangoLayout *layout = pango_layout_new(g->context);
    pango_layout_set_font_description(layout, g->description);
    pango_layout_set_attributes(layout, g->plain);
    pango_layout_set_auto_dir(layout, FALSE);
    glyphs_layout_size(layout, points);
    pango_layout_set_text(layout, text.p, (int)text.n);
    return layout;
}

void glyphs_layout_size(PangoLayout *layout, double points)
{
    PangoFontDescription *sized = pango_font_description_copy(pango_layout_get_font_description(layout));
    pango_font_description_set_absolute_size(sized, points * PANGO_SCALE);
    pango_layout_set_font_description(layout, sized);
    pango_font_description_free(sized);
}

/* ---- characters */

static bool is_selector(uint32_t point)
{
    return (point >= 0xfe00 && point <= 0xfe0f) || (point >= 0xe0100 && point <= 0xe01ef);
}

/* The glyph that stands for a character; false when the font has none. */
static bool glyph_of(struct glyphs *g, const struct glyphs_character *c, uint32_t *glyph)
{
    hb_codepoint_t found = 0;
    bool has = c->selector ? hb_font_get_variation_glyph(g->shaper, c->base, c->selector, &found)
                           : hb_font_get_nominal_glyph(g->shaper, c->base, &found);
    *glyph = found;
    return has && found != 0 && !is_selector(c->base);
}

struct glyphs_character glyphs_next(struct glyphs *g, struct str text, size_t *at)
{
    struct glyphs_character c = {.at = *at};
    uint32_t glyph;
    c.base = utf8_next(text, at);
    size_t after = *at;
    if (after < text.n) {
        uint32_t next = utf8_next(text, &after);
        if (is_selector(next)) {
            c.selector = next;
            *at = after;
        }
    }
    c.n = *at - c.at;
    c.drawable = glyph_of(g, &c, &glyph);
    return c;
}

const char *glyphs_name(const struct glyphs_character *c, char out[static GLYPHS_NAME_SIZE])
{
    if (c->selector)
        snprintf(out, GLYPHS_NAME_SIZE, "U+%04X U+%04X", (unsigned)c->base, (unsigned)c->selector);
    else
        snprintf(out, GLYPHS_NAME_SIZE, "U+%04X", (unsigned)c->base);
    return out;
}

/* ---- what shaping made of them */

/* Where in the layout's text the i-th glyph of a run begins. */
static size_t glyph_at(const PangoLayoutRun *run, int i)
{
    return (size_t)run->item->offset + (size_t)run->glyphs->log_clusters[i];
}

size_t glyphs_shaped(PangoLayout *layout, struct glyphs_shaped *out, size_t most)
{
    size_t count = 0;
    PangoLayoutIter *iter = pango_layout_get_iter(layout);
    do {
        PangoLayoutRun *run = pango_layout_iter_get_run_readonly(iter);
        for (int i = 0; run && i < run->glyphs->num_glyphs; i++, count++)
            if (count < most)
                out[count] = (struct glyphs_shaped){glyph_at(run, i), run->glyphs->glyphs[i].glyph};
    } while (pango_layout_iter_next_run(iter));
    pango_layout_iter_free(iter);
    return count;
}

bool glyphs_exact(struct glyphs *g, PangoLayout *layout, struct glyphs_character *wrong)
{
    const char *p = pango_layout_get_text(layout);
    struct str text = {p, strlen(p)};
    size_t at = 0, seen = 0;
    bool exact = true;
    PangoLayoutIter *iter = pango_layout_get_iter(layout);
    do {
        PangoLayoutRun *run = pango_layout_iter_get_run_readonly(iter);
        for (int i = 0; run && exact && i < run->glyphs->num_glyphs; i++, seen++) {
            uint32_t glyph = 0;
            if (at >= text.n)
                break;
            *wrong = glyphs_next(g, text, &at);
            exact = glyph_of(g, wrong, &glyph) && glyph == run->glyphs->glyphs[i].glyph &&
                    wrong->at == glyph_at(run, i);
        }
    } while (exact && pango_layout_iter_next_run(iter));
    pango_layout_iter_free(iter);
    return exact && at == text.n;
}
