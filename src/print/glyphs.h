/* SPDX-License-Identifier: Apache-2.0 */
/* The one font of all papers, and the promise that a character is printed as itself or not at all.
 *
 * The font is IPAmjMincho, in which every glyph of 文字情報基盤 has its MJ number as name, and in which a
 * character with a variation selector (邉󠄙, U+9089 U+E0119) is the very form that the register recorded.
 * Another font, or a selector that the font does not know, would quietly print another form of the name: so
 * fontconfig's answer is checked by its family, no other font steps in for what is missing, and after shaping
 * each glyph is compared with the one that stands for its character. One thread uses it at a time. Private to
 * print. */
#ifndef JUKI_PRINT_GLYPHS_H
#define JUKI_PRINT_GLYPHS_H

#include "base/str.h"

#include <pango/pango.h>

#define GLYPHS_FAMILY "IPAmjMincho"

struct glyphs;
/* family: GLYPHS_FAMILY but in tests. ERR_PAPER_FONT when the machine does not have it. */
MUST_CHECK enum err glyphs_open(struct fail *f, const char *family, struct glyphs **out);
void glyphs_close(struct glyphs *g); /* accepts NULL */

/* Text in that font at so many points, without ligatures, on one line as long as it needs. The caller's
 * (g_object_unref). */
PangoLayout *glyphs_layout(struct glyphs *g, struct str text, double points);
void glyphs_layout_size(PangoLayout *layout, double points);

struct glyphs_character {
    size_t at, n;            /* its bytes in the text */
    uint32_t base, selector; /* selector 0: none */
    bool drawable;
};
/* The character at *at, its variation selector with it; moves *at past both. */
struct glyphs_character glyphs_next(struct glyphs *g, struct str text, size_t *at);
/* "U+9089 U+E0119" */
enum { GLYPHS_NAME_SIZE = 24 };
const char *glyphs_name(const struct glyphs_character *c, char out[static GLYPHS_NAME_SIZE]);

/* What shaping made of a layout's text: the glyph for the character that begins at byte `at`. */
struct glyphs_shaped {
    size_t at;
    uint32_t glyph; /* index in the font */
};
/* At most `most` of them in the order of the text; returns how many there are. */
size_t glyphs_shaped(PangoLayout *layout, struct glyphs_shaped *out, size_t most);
/* Each character has one glyph, its own. False: *wrong is the first that has not. */
bool glyphs_exact(struct glyphs *g, PangoLayout *layout, struct glyphs_character *wrong);

#endif
