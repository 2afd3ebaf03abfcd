/* SPDX-License-Identifier: Apache-2.0 */
/* What stands on a paper, read back by what nobody here wrote: the font file's own names of the glyphs that
 * shaping picked, and poppler for what the PDF holds. */
#include "print/paper_make.h"

#include "base/file.h"
#include "font_leaks.h"
#include "print/form.h"
#include "test.h"

#include <fcntl.h>
#include <hb.h>
#include <unistd.h>

enum { TEXT_MAX = 1 << 18 };
static const int64_t STAMP = 1795338000000000;

struct stage {
    struct paper_maker *maker;
    struct buf json, pdf, text;
};

static int open_stage(void **state)
{
    static struct stage s;
    const struct paper_office office = {0};
    assert_ok(paper_maker_open(NULL, &office, &s.maker));
    buf_init(&s.json, TEXT_MAX);
    buf_init(&s.pdf, PAPER_PDF_MAX);
    buf_init(&s.text, TEXT_MAX);
    *state = &s;
    return 0;
}

static int close_stage(void **state)
{
    struct stage *s = *state;
    paper_maker_close(s->maker);
    buf_release(&s->json);
    buf_release(&s->pdf);
    buf_release(&s->text);
    return 0;
}

/* The sample with its first `what` made `with` (NULL: as it is). */
static void take_sample(struct stage *s, enum paper_form form, const char *what, const char *with)
{
    struct buf whole;
    buf_init(&whole, TEXT_MAX);
    buf_clear(&s->json);
    assert_ok(paper_sample(NULL, form, &whole));
    const char *at = what ? strstr(whole.p, what) : whole.p;
    if (!at)
        fail_msg("%s is not in the sample", what);
    buf_add(&s->json, whole.p, (size_t)(at - whole.p));
    buf_add_str(&s->json, str_of(with));
    buf_add_str(&s->json, str_of(at + (what ? strlen(what) : 0)));
    buf_release(&whole);
}

static enum err make(struct stage *s, struct fail *f, struct paper_made *made)
{
    buf_clear(&s->pdf);
    return paper_make(s->maker, f, buf_str(&s->json), STAMP, made, &s->pdf);
}

/* What a poppler tool says of the PDF. */
static const char *ask(struct stage *s, const char *tool, const char *after)
{
    char path[] = "/tmp/juki-paper-XXXXXX", line[256];
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, s->pdf.p, s->pdf.n) == (ssize_t)s->pdf.n);
    close(fd);
    snprintf(line, sizeof line, "%s %s %s", tool, path, after);
    FILE *out = popen(line, "re");
    assert_non_null(out);
    buf_clear(&s->text);
    for (size_t n; (n = fread(line, 1, sizeof line, out)) > 0;)
        buf_add(&s->text, line, n);
    assert_int_equal(pclose(out), 0);
    unlink(path);
    return s->text.p ? s->text.p : "";
}

/* ---- glyphs */

/* "U+9089 U+E0119" as text. */
static struct str characters(struct str points, char out[static 16])
{
    struct str point;
    size_t n = 0;
    while (str_cut(&points, ' ', &point)) {
        unsigned long c = strtoul(point.p + 2, NULL, 16);
        if (c < 0x10000) {
            out[n++] = (char)(0xe0 | c >> 12);
        } else {
            out[n++] = (char)(0xf0 | c >> 18);
            out[n++] = (char)(0x80 | (c >> 12 & 0x3f));
        }
        out[n++] = (char)(0x80 | (c >> 6 & 0x3f));
        out[n++] = (char)(0x80 | (c & 0x3f));
    }
    return (struct str){out, n};
}

/* The font file itself, without Pango or fontconfig. */
static hb_font_t *open_names(void)
{
    hb_blob_t *file = hb_blob_create_from_file("/usr/share/fonts/truetype/ipamj/ipamjm.ttf");
    hb_face_t *face = hb_face_create(file, 0);
    hb_font_t *font = hb_font_create(face);
    assert_true(hb_blob_get_length(file) > 0);
    hb_face_destroy(face);
    hb_blob_destroy(file);
    return font;
}

/* "MJ028902". */
static void glyph_name(hb_font_t *names, uint32_t glyph, char out[static 32])
{
    assert_true(hb_font_get_glyph_name(names, glyph, out, 32));
    for (char *c = out; *c; c++)
        *c = (char)(*c == 'm' || *c == 'j' ? *c - 32 : *c);
}

/* Shaped as papers shape, the glyph has the MJ number that the table says. */
static void each_character_is_printed_as_its_own_glyph(void **state)
{
    (void)state;
    hb_font_t *names = open_names();
    struct glyphs *g = NULL;
    struct buf table;
    size_t rows = 0;
    char path[512];
    snprintf(path, sizeof path, "%s/data/print/glyphs.tsv", getenv("JUKI_SOURCE"));
    buf_init(&table, TEXT_MAX);
    assert_ok(file_read(NULL, path, &table));
    assert_ok(glyphs_open(NULL, GLYPHS_FAMILY, &g));
    for (struct str rest = buf_str(&table), line, points, want; str_cut(&rest, '\n', &line);) {
        struct glyphs_shaped seen[2] = {{0, 0}};
        struct glyphs_character wrong;
        char text[16], name[32];
        if (!line.n || line.p[0] == '#')
            continue;
        assert_true(str_cut(&line, '\t', &points) && str_cut(&line, '\t', &want));
        struct str character = characters(points, text);
        assert_true(str_equal(character, line)); /* the table's own third column */
        PangoLayout *layout = glyphs_layout(g, character, 12);
        assert_int_equal(glyphs_shaped(layout, seen, COUNT_OF(seen)), 1);
        glyph_name(names, seen[0].glyph, name);
        if (!str_equal(str_of(name), want) || !glyphs_exact(g, layout, &wrong))
            fail_msg("%.*s: %s instead of %.*s", STR_ARG(points), name, STR_ARG(want));
        g_object_unref(layout);
        rows++;
    }
    assert_true(rows >= 15);
    hb_font_destroy(names);
    glyphs_close(g);
    buf_release(&table);
}

static void another_font_is_refused(void **state)
{
    (void)state;
    struct fail f = {0};
    struct paper_maker *m = NULL;
    const struct paper_office office = {.font = "IPAmjMinchoo"};
    assert_err(paper_maker_open(&f, &office, &m), ERR_PAPER_FONT);
    assert_null(m);
    assert_non_null(strstr(f.detail, "IPAmjMinchoo"));
}

/* U+E0100 of U+8FBB is another collection's: shaping would drop it and print 辻 in a form nobody recorded. */
static void what_the_font_lacks_is_refused_by_field_and_code_point(void **state)
{
    struct stage *s = *state;
    static const struct {
        const char *name, *field, *detail;
    } rows[] = {
        {"辻\xf3\xa0\x84\x80　一郎", "persons.1.name", "U+8FBB U+E0100 氏名（1人目）"},
        {"辻\xf3\xa0\x84\x81　一郎", "persons.1.name", "U+8FBB U+E0101 氏名（1人目）"},
        {"가　一郎", "persons.1.name", "U+AC00 氏名（1人目）"},
        {"e\xcc\x81　一郎", "persons.1.name", NULL}, /* a letter and an accent apart */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char with[128];
        struct fail f = {0};
        struct paper_made made = {.pages = 77};
        snprintf(with, sizeof with, "\"name\":\"%s\"", rows[i].name);
        take_sample(s, PAPER_WIDE_AREA_CERTIFICATE, "\"name\":\"𠮷田　一郎\"", with);
        assert_err(make(s, &f, &made), ERR_PAPER_GLYPH);
        assert_string_equal(f.field, rows[i].field);
        if (rows[i].detail)
            assert_string_equal(f.detail, rows[i].detail);
        assert_int_equal(made.pages, 77);
    }
}

static void it_is_replaced_and_noted_where_that_was_chosen(void **state)
{
    struct stage *s = *state;
    struct paper_maker *usual = s->maker;
    struct paper_made made;
    const struct paper_office office = {.replace = true};
    assert_ok(paper_maker_open(NULL, &office, &s->maker));
    take_sample(s, PAPER_WIDE_AREA_CERTIFICATE, "\"name\":\"𠮷田　一郎\"",
                "\"name\":\"辻\xf3\xa0\x84\x80村　一郎\"");
    enum err e = make(s, NULL, &made);
    paper_maker_close(s->maker);
    s->maker = usual;
    assert_ok(e);
    const char *text = ask(s, "pdftotext -layout", "-");
    assert_non_null(strstr(text, "■村"));
    assert_non_null(strstr(text, "氏名（1人目） U+8FBB U+E0100"));
}

/* ---- papers */

static void a_certificate_says_what_was_asked_for_and_nothing_else(void **state)
{
    struct stage *s = *state;
    static const char *const there[] = {"𠮷田",
                                        "髙﨑",
                                        "昭和54年4月29日",
                                        "昭和57年月日不詳",
                                        "1955年8月17日",
                                        "令和元年5月1日",
                                        "世帯主",
                                        "20041819309",
                                        "省略",
                                        "大阪府豊中市長からの通知に基づき",
                                        "兵庫県西宮市長",
                                        "令和8年11月27日",
                                        "1／1",
                                        "広 2026-000123",
                                        "タカサキ"};
    struct paper_made made;
    take_sample(s, PAPER_WIDE_AREA_CERTIFICATE, NULL, NULL);
    assert_ok(make(s, NULL, &made));
    assert_int_equal(made.pages, 1);
    const char *text = ask(s, "pdftotext -layout", "-");
    for (size_t i = 0; i < COUNT_OF(there); i++)
        if (!strstr(text, there[i]))
            fail_msg("%s is not on the certificate:\n%s", there[i], text);
    take_sample(s, PAPER_WIDE_AREA_CERTIFICATE, "\"resident_code\":\"20041819309\"", "\"relationship\":null");
    assert_err(make(s, NULL, &made), ERR_JSON); /* a key twice */
}

static void each_form_makes_a_pdf_with_its_fonts_in_it(void **state)
{
    struct stage *s = *state;
    for (size_t i = 0; i < PAPER_FORMS; i++) {
        struct paper_made made;
        struct fail f = {0};
        take_sample(s, (enum paper_form)i, NULL, NULL);
        if (make(s, &f, &made))
            fail_msg("%s: %s %s %s", paper_forms[i].name, err_row(f.err)->name, f.field, f.detail);
        const char *fonts = ask(s, "pdffonts", "");
        assert_non_null(strstr(fonts, "IPAmjMincho"));
        for (const char *line = strchr(strchr(fonts, '\n') + 1, '\n'); line && line[1];
             line = strchr(line + 1, '\n'))
            assert_true(strstr(line + 1, "+IPAmjMincho") && strstr(line + 1, "yes yes yes"));
    }
}

static void the_same_content_is_the_same_bytes(void **state)
{
    struct stage *s = *state;
    struct paper_made first, second;
    struct buf kept;
    char mark[PAPER_MARK_SIZE];
    buf_init(&kept, PAPER_PDF_MAX);
    take_sample(s, PAPER_MOVE_OUT_CERTIFICATE, NULL, NULL);
    assert_ok(make(s, NULL, &first));
    buf_add_str(&kept, buf_str(&s->pdf));
    take_sample(s, PAPER_MOVE_IN_NOTICE, NULL, NULL); /* something else in between */
    assert_ok(make(s, NULL, &second));
    assert_false(sha256_equal(first.content, second.content));
    take_sample(s, PAPER_MOVE_OUT_CERTIFICATE, NULL, NULL);
    assert_ok(make(s, NULL, &second));
    assert_true(str_equal(buf_str(&kept), buf_str(&s->pdf)));
    assert_true(sha256_equal(first.content, sha256_of(buf_str(&s->json))));
    paper_mark(first.content, mark);
    assert_non_null(memmem(kept.p, kept.n, mark, strlen(mark)));
    assert_non_null(strstr(ask(s, "pdfinfo -isodates", ""), "2026-11-22T09:00:00Z"));
    buf_release(&kept);
}

/* Persons of the sample again until there are so many. */
static void take_household(struct stage *s, size_t count, const char *name, const char *kana)
{
    buf_clear(&s->json);
    buf_add_str(
        &s->json,
        STR("{\"form\":\"wide_area_certificate\",\"number\":\"1\",\"issued_on\":\"2026-11-27\",\"issuer_"
            "title\":"
            "\"兵庫県西宮市長\",\"issuer_name\":\"架空　太郎\",\"issuer_seal\":\"西宮市長\",\"home_title\":"
            "\"大阪府豊中市長\",\"address\":\""));
    for (int i = 0; i < 40; i++)
        buf_add_str(&s->json, STR("長い住所の"));
    buf_add_str(&s->json, STR("\",\"persons\":["));
    for (size_t i = 0; i < count; i++)
        buf_add_format(
            &s->json,
            "%s{\"name\":\"%s\",\"name_kana\":\"%s\",\"birth_date\":\"2001-02-%02zu\",\"sex\":\"male\"}",
            i ? "," : "", name, kana, i % 28 + 1);
    buf_add_str(&s->json, STR("]}"));
}

static void a_large_household_takes_more_pages(void **state)
{
    struct stage *s = *state;
    static const struct {
        size_t persons, pages;
    } rows[] = {{1, 1}, {4, 1}, {8, 2}, {60, 13}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct paper_made made;
        char page[32];
        take_household(s, rows[i].persons, "見本　太郎", "ミホン　タロウ");
        assert_ok(make(s, NULL, &made));
        assert_int_equal(made.pages, rows[i].pages);
        const char *text = ask(s, "pdftotext -layout", "-");
        snprintf(page, sizeof page, "%zu／%zu", rows[i].pages, rows[i].pages);
        assert_non_null(strstr(text, page));
        size_t names = 0;
        for (const char *at = text; (at = strstr(at, "見本")); at++)
            names++;
        assert_int_equal(names, rows[i].persons);
    }
}

/* Whatever stands in the fields, every word lies inside the margins. */
static void nothing_runs_over_the_edge(void **state)
{
    struct stage *s = *state;
    char name[1024] = "", kana[1024] = "";
    struct paper_made made;
    for (size_t i = 0; i < 200; i++) {
        memcpy(name + 3 * i, i == 100 ? "　" : "髙", 4);
        memcpy(kana + 3 * i, i == 100 ? "　" : "ム", 4);
    }
    take_household(s, 9, name, kana);
    assert_ok(make(s, NULL, &made));
    const char *text = ask(s, "pdftotext -bbox", "-");
    size_t words = 0;
    for (const char *at = text; (at = strstr(at, "<word xMin=\"")); words++) {
        double box[4];
        at += strlen("<word xMin=\"");
        assert_int_equal(
            sscanf(at, "%lf\" yMin=\"%lf\" xMax=\"%lf\" yMax=\"%lf", &box[0], &box[1], &box[2], &box[3]), 4);
        if (box[0] < 50 || box[1] < 35 || box[2] > 546 || box[3] > 830)
            fail_msg("a word at %.0f %.0f to %.0f %.0f", box[0], box[1], box[2], box[3]);
    }
    assert_true(words > 100);
}

static void each_row_of_a_form_fills_its_frame_with_fields(void **state)
{
    (void)state;
    size_t count;
    const struct form_table *const *tables = form_tables(&count);
    for (size_t i = 0; i < count; i++)
        for (size_t r = 0; r < tables[i]->count; r++) {
            const struct form_row *row = &tables[i]->rows[r];
            double width = 0;
            for (size_t c = 0; c < FORM_CELLS && row->cells[c].member; c++) {
                const struct form_cell *cell = &row->cells[c];
                width += cell->label + cell->value;
                assert_non_null(paper_field_find(tables[i]->record, cell->member));
                if (cell->above)
                    assert_non_null(paper_field_find(tables[i]->record, cell->above));
                if (cell->asked)
                    assert_non_null(paper_field_find(&paper_record_certificate, cell->asked));
            }
            if (width < tables[i]->width - 0.001 || width > tables[i]->width + 0.001)
                fail_msg("row %zu of table %zu is %.1f mm wide", r, i, width);
        }
}

/* A field that no row shows would be lost in silence. */
static void each_field_of_a_person_is_on_its_form(void **state)
{
    (void)state;
    size_t count;
    const struct form_table *const *tables = form_tables(&count);
    for (size_t i = 0; i < count; i++) {
        const struct paper_record *record = tables[i]->record;
        if (!paper_field_find(record, "foreign")) /* heads: their other fields stand beside the table */
            continue;
        for (size_t k = 0; k < record->count; k++) {
            const char *name = record->fields[k].name;
            bool shown = strcmp(name, "foreign") == 0;
            for (size_t r = 0; r < tables[i]->count; r++)
                for (size_t c = 0; c < FORM_CELLS && tables[i]->rows[r].cells[c].member; c++) {
                    const struct form_cell *cell = &tables[i]->rows[r].cells[c];
                    shown = shown || strcmp(cell->member, name) == 0 ||
                            (cell->above && strcmp(cell->above, name) == 0);
                }
            if (!shown)
                fail_msg("%s is nowhere", name);
        }
    }
}

static void a_letter_carries_the_mark_it_is_known_by(void **state)
{
    struct stage *s = *state;
    struct paper_made made;
    take_sample(s, PAPER_MOVE_IN_NOTICE, NULL, NULL);
    assert_ok(make(s, NULL, &made));
    const char *text = ask(s, "pdftotext -raw", "-");
    assert_non_null(strstr(text, "JUKI/1 move_in_notice cs.272035/cs.282049/17"));
    assert_non_null(strstr(text, "兵庫県西宮市長"));
    assert_non_null(strstr(text, "様"));
}

/* Rows go on on the next page, and the mark stands on the last. */
static void a_long_letter_takes_more_pages(void **state)
{
    struct stage *s = *state;
    struct paper_made made;
    struct buf rows;
    char row[64];
    buf_init(&rows, TEXT_MAX);
    buf_add_str(&rows, STR("\"rows\":["));
    for (int i = 1; i <= 50; i++)
        buf_add_format(&rows, "{\"label\":\"項目\",\"text\":\"内容%d\"},", i);
    take_sample(s, PAPER_MOVE_IN_NOTICE, "\"rows\":[", rows.p);
    assert_ok(make(s, NULL, &made));
    assert_int_equal(made.pages, 3);
    const char *text = ask(s, "pdftotext -raw", "-");
    for (int i = 1; i <= 50; i++) {
        snprintf(row, sizeof row, "内容%d\n", i);
        assert_non_null(strstr(text, row));
    }
    assert_true(strstr(text, "2／3") < strstr(text, "JUKI/1 move_in_notice"));
    buf_release(&rows);
}

/* Without memory, at whatever point, there is an error and no half a paper. */
static void each_failing_allocation_is_said(void **state)
{
    struct stage *s = *state;
    struct paper_made made;
    size_t failed = 0;
    struct buf whole;
    buf_init(&whole, PAPER_PDF_MAX);
    take_sample(s, PAPER_MOVE_OUT_CERTIFICATE, NULL, NULL);
    assert_ok(make(s, NULL, &made));
    buf_add_str(&whole, buf_str(&s->pdf));
    for (unsigned long n = 1;; n += 1 + n / 16) {
        const unsigned long before = memory_failures();
        struct fail f = {0};
        buf_release(&s->pdf);
        buf_init(&s->pdf, PAPER_PDF_MAX);
        memory_fail_at(n);
        enum err e = paper_make(s->maker, &f, buf_str(&s->json), STAMP, &made, &s->pdf);
        memory_fail_at(0);
        if (memory_failures() == before) {
            assert_ok(e);
            break;
        }
        if (e != ERR_MEMORY)
            fail_msg("allocation %lu failed: %s %s", n, err_row(e)->name, f.field);
        failed++;
    }
    assert_true(failed > 10);
    assert_true(str_equal(buf_str(&whole), buf_str(&s->pdf)));
    buf_release(&whole);
}

/* ---- seals */

static void a_seal_is_set_into_full_columns(void **state)
{
    (void)state;
    static const struct {
        size_t characters, columns, rows;
        const char *ending;
    } rows[] = {{3, 2, 2, "印"},   {4, 2, 3, "之印"}, {5, 2, 3, "印"}, {6, 2, 4, "之印"},
                {7, 3, 3, "之印"}, {8, 3, 3, "印"},   {9, 3, 3, ""}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct marks_grid g = marks_grid(rows[i].characters);
        if (g.columns != rows[i].columns || g.rows != rows[i].rows || strcmp(g.ending, rows[i].ending) != 0)
            fail_msg("%zu: %zu x %zu %s", rows[i].characters, g.columns, g.rows, g.ending);
    }
}

static void a_seal_may_be_a_picture(void **state)
{
    struct stage *s = *state;
    struct paper_maker *usual = s->maker;
    struct paper_made made;
    struct fail f = {0};
    char path[] = "/tmp/juki-seal-XXXXXX";
    close(mkstemp(path));
    const struct paper_office office = {.seal = str_of(path), .copy_ground = true};
    assert_err(paper_maker_open(&f, &office, &s->maker), ERR_PAPER_SEAL);
    cairo_surface_t *picture = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, 40, 40);
    assert_int_equal(cairo_surface_write_to_png(picture, path), CAIRO_STATUS_SUCCESS);
    cairo_surface_destroy(picture);
    assert_ok(paper_maker_open(&f, &office, &s->maker));
    unlink(path);
    take_sample(s, PAPER_MOVE_OUT_CERTIFICATE, "\"number\"", "\"special\":true,\"number\"");
    enum err e = make(s, NULL, &made);
    paper_maker_close(s->maker);
    s->maker = usual;
    assert_ok(e);
    assert_non_null(strstr(ask(s, "pdftotext -layout", "-"), "特例による転出処理済"));
    assert_non_null(strstr(ask(s, "pdfimages -list", ""), "40    40")); /* the picture, as it is */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_character_is_printed_as_its_own_glyph),
        cmocka_unit_test(another_font_is_refused),
        cmocka_unit_test(what_the_font_lacks_is_refused_by_field_and_code_point),
        cmocka_unit_test(it_is_replaced_and_noted_where_that_was_chosen),
        cmocka_unit_test(a_certificate_says_what_was_asked_for_and_nothing_else),
        cmocka_unit_test(each_form_makes_a_pdf_with_its_fonts_in_it),
        cmocka_unit_test(the_same_content_is_the_same_bytes),
        cmocka_unit_test(a_large_household_takes_more_pages),
        cmocka_unit_test(nothing_runs_over_the_edge),
        cmocka_unit_test(each_row_of_a_form_fills_its_frame_with_fields),
        cmocka_unit_test(each_field_of_a_person_is_on_its_form),
        cmocka_unit_test(a_letter_carries_the_mark_it_is_known_by),
        cmocka_unit_test(a_long_letter_takes_more_pages),
        cmocka_unit_test(each_failing_allocation_is_said),
        cmocka_unit_test(a_seal_is_set_into_full_columns),
        cmocka_unit_test(a_seal_may_be_a_picture),
    };
    return cmocka_run_group_tests(tests, open_stage, close_stage);
}
