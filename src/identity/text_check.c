/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/text_check.h"

/* Ascending. Variation selectors (U+FE00..FE0F, U+E0100..E01EF) are not here: they choose a glyph. */
static const struct range {
    uint32_t first, last;
} refused[] = {
    {0x0000, 0x001f},    /* controls */
    {0x007f, 0x009f},    /* controls */
    {0x00ad, 0x00ad},    /* soft hyphen */
    {0x034f, 0x034f},    /* grapheme joiner */
    {0x061c, 0x061c},    /* Arabic letter mark */
    {0x115f, 0x1160},    /* Hangul fillers */
    {0x180e, 0x180e},    /* Mongolian vowel separator */
    {0x200b, 0x200f},    /* zero width, direction */
    {0x2028, 0x202e},    /* line ends, direction */
    {0x2060, 0x206f},    /* invisible operators, direction */
    {0x3164, 0x3164},    /* Hangul filler */
    {0xd800, 0xf8ff},    /* surrogates, private use */
    {0xfdd0, 0xfdef},    /* noncharacters */
    {0xfeff, 0xfeff},    /* byte order mark */
    {0xffa0, 0xffa0},    /* half-width Hangul filler */
    {0xfff0, 0xffff},    /* specials, U+FFFD among them */
    {0x1fffe, 0x1ffff},  /* noncharacters */
    {0x2fffe, 0x2ffff},  /* noncharacters */
    {0x3fffe, 0xe00ff},  /* planes without characters, tags */
    {0xe01f0, 0x10ffff}, /* the rest, private planes */
};

static bool is_refused(uint32_t point)
{
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        if (point <= refused[i].last)
            return point >= refused[i].first;
    return false;
}

bool text_is_space(uint32_t point)
{
    return point == 0x20 || point == 0x3000;
}

enum err text_check(struct fail *f, const char *field, struct str text, size_t points)
{
    size_t count = 0;
    uint32_t point = 0, first = 0;
    for (size_t at = 0; at < text.n; count++) {
        point = utf8_next(text, &at);
        if (is_refused(point))
            return fail_set(f, ERR_TEXT_CHARACTER, field, "U+%04X", (unsigned)point);
        if (count == 0)
            first = point;
    }
    if (count > points)
        return fail_set(f, ERR_TEXT_LONG, field, "%zu > %zu", count, points);
    if (text_is_space(first) || text_is_space(point))
        return fail_set(f, ERR_TEXT_SPACE, field, NULL);
    return ERR_OK;
}
