/* SPDX-License-Identifier: Apache-2.0 */
/* How long a clerk waits for a certificate's PDF.
 *
 * pdf_ms: print_make with warm workers, one paper after the other: a household of three as 住民票の写し, its
 * numbers changing so that no two papers are alike. In it are the trip to the worker and back, reading the
 * content, laying it out, checking each glyph, drawing, the seal, the code, and holding the answer against
 * the order.
 *
 * Baseline: a page of bare Pango and Cairo in this process, in turn with the papers: as many letters as stand
 * on that certificate, as many of them different, in lines of forty, in the same font, written as PDF. */
#include "../unit/font_leaks.h"
#include "bench.h"

#include "base/clock.h"
#include "print/glyphs.h"
#include "print/paper.h"
#include "print/print.h"
#include "town.h"

#include <cairo-pdf.h>
#include <libgen.h>
#include <pango/pangocairo.h>
#include <unistd.h>

enum { ROW_P50, ROW_P99, ROW_COLD };
static const struct bench_row rows[] = {
    [ROW_P50] = {"certificate.pdf_ms", "ms", GOAL_VALUE_MOST, 60, "bare Cairo, a page of as many letters"},
    [ROW_P99] = {"certificate.pdf_p99_ms", "ms", GOAL_VALUE_MOST, 60, "the same, its p99"},
    [ROW_COLD] = {"certificate.pdf_first_ms", "ms", GOAL_NONE, 0, ""},
};

enum { LETTERS = 633, DIFFERENT = 203, LETTERS_A_LINE = 40, PDF_MAX = 16 << 20, PATIENCE = 60000000 };

struct measured {
    struct print *print;
    struct glyphs *glyphs;
    struct buf sample, json, pdf;
    int64_t number;
};

/* The sample under another number. */
static void next_content(struct measured *m)
{
    static const char field[] = "\"number\":\"";
    const char *at = strstr(m->sample.p, field);
    assert(at);
    at += sizeof field - 1;
    buf_clear(&m->json);
    buf_add(&m->json, m->sample.p, (size_t)(at - m->sample.p));
    buf_add_format(&m->json, "%lld-", (long long)m->number++);
    buf_add_str(&m->json, str_of(at));
}

static enum err make_one(struct measured *m, struct fail *f, double *seconds)
{
    next_content(m);
    buf_clear(&m->pdf);
    double start = bench_now();
    enum err e = print_make(m->print, f, buf_str(&m->json), clock_steady() + PATIENCE, &m->pdf, NULL);
    *seconds = bench_now() - start;
    return e;
}

static cairo_status_t take_bytes(void *out, const unsigned char *bytes, unsigned n)
{
    buf_add(out, bytes, n);
    return CAIRO_STATUS_SUCCESS;
}

/* As many letters as the certificate has, and as many different ones: from U+4E00. */
static struct str letters(struct buf *b)
{
    for (int i = 0; i < LETTERS; i++) {
        const int point = 0x4e00 + i % DIFFERENT;
        buf_add_u8(b, (uint8_t)(0xe0 | point >> 12));
        buf_add_u8(b, (uint8_t)(0x80 | (point >> 6 & 0x3f)));
        buf_add_u8(b, (uint8_t)(0x80 | (point & 0x3f)));
        if (i % LETTERS_A_LINE == LETTERS_A_LINE - 1)
            buf_add_char(b, '\n');
    }
    return buf_str(b);
}

static enum err bare_one(struct measured *m, struct fail *f, double *seconds)
{
    struct buf text;
    buf_init(&text, 1 << 16);
    buf_clear(&m->pdf);
    struct str all = letters(&text);
    double start = bench_now();
    cairo_surface_t *surface = cairo_pdf_surface_create_for_stream(take_bytes, &m->pdf, 595, 842);
    cairo_t *cr = cairo_create(surface);
    PangoLayout *layout = glyphs_layout(m->glyphs, all, 10);
    cairo_move_to(cr, 50, 50);
    pango_cairo_show_layout(cr, layout);
    cairo_show_page(cr);
    g_object_unref(layout);
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    *seconds = bench_now() - start;
    buf_release(&text);
    return buf_check(&m->pdf, f, "pdf");
}

static enum err open_all(struct measured *m, struct fail *f, char path[static TOWN_PATH_SIZE])
{
    const struct print_options o = {.program = path, .workers = 1};
    buf_init(&m->sample, PAPER_JSON_MAX);
    buf_init(&m->json, PAPER_JSON_MAX);
    buf_init(&m->pdf, PDF_MAX);
    enum err e = town_program(f, "juki-paper", path);
    if (!e)
        e = paper_sample(f, PAPER_WIDE_AREA_CERTIFICATE, &m->sample);
    if (!e)
        e = glyphs_open(f, GLYPHS_FAMILY, &m->glyphs);
    return e ? e : print_open(f, &o, &m->print);
}

static void close_all(struct measured *m)
{
    print_close(m->print);
    glyphs_close(m->glyphs);
    buf_release(&m->sample);
    buf_release(&m->json);
    buf_release(&m->pdf);
}

static enum err measure(struct bench *b, struct fail *f, struct measured *m, double *taken, double *bare)
{
    const size_t count = (size_t)b->size;
    double cold = 0, warming;
    enum err e = make_one(m, f, &cold);
    if (!e)
        e = bare_one(m, f, &warming);
    for (size_t i = 0; i < count && !e; i++) {
        e = make_one(m, f, &taken[i]);
        if (!e)
            e = bare_one(m, f, &bare[i]);
    }
    for (size_t row = ROW_P50; row <= ROW_P99 && !e; row++) {
        const double part = row == ROW_P50 ? 0.5 : 0.99;
        struct bench_value v = bench_percentile(taken, count, part, 1e3);
        v.baseline = bench_percentile(bare, count, part, 1e3).value;
        bench_show(b, row, &v);
    }
    if (!e)
        bench_figure(b, ROW_COLD, cold * 1e3, 0);
    return e;
}

static enum err run(struct bench *b, struct fail *f)
{
    struct measured m = {.number = 1};
    char path[TOWN_PATH_SIZE];
    double *taken = memory_new((size_t)b->size * sizeof *taken),
           *bare = memory_new((size_t)b->size * sizeof *bare);
    enum err e = taken && bare ? open_all(&m, f, path) : fail_set(f, ERR_MEMORY, "samples", NULL);
    if (!e)
        e = measure(b, f, &m, taken, bare);
    close_all(&m);
    memory_free(taken);
    memory_free(bare);
    return e;
}

const struct bench_group bench_certificate = {"certificate", "certificates", 300, rows, COUNT_OF(rows),
                                              run,           false};
