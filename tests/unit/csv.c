/* SPDX-License-Identifier: Apache-2.0 */
#include "register/csv.h"

#include <iconv.h>
#include <unistd.h>

#include "test.h"

static const struct csv_column columns[] = {
    {"record", "住民票番号", true}, {"name", "氏名", true}, {"town", "町名", false}};
enum { RECORD, NAME, TOWN, COLUMNS };

static struct csv_reader *open_ok(struct str text)
{
    struct csv_reader *r = NULL;
    assert_ok(csv_open_text(NULL, text, columns, COLUMNS, &r));
    return r;
}

static void next_ok(struct csv_reader *r, struct csv_row *row)
{
    bool more = false;
    assert_ok(csv_next(r, NULL, row, &more));
    assert_true(more);
}

static void at_end(struct csv_reader *r)
{
    struct csv_row row;
    bool more = true;
    assert_ok(csv_next(r, NULL, &row, &more));
    assert_false(more);
    csv_close(r);
}

static void columns_in_any_order_and_language(void **state)
{
    (void)state;
    struct csv_reader *r = open_ok(
        STR("町名,record,氏名\r\n本町,1,西宮　花子\r\n\r\n,2,\"a,\"\"b\"\"\nc\"\n\"\",3,\"x\"\r\n,4,y"));
    struct csv_row row;
    next_ok(r, &row);
    assert_int_equal(row.line, 2);
    assert_str(row.cell[RECORD], "1");
    assert_str(row.cell[NAME], "西宮　花子");
    assert_str(row.cell[TOWN], "本町");
    next_ok(r, &row);
    assert_int_equal(row.line, 4);
    assert_str(row.cell[NAME], "a,\"b\"\nc");
    assert_str(row.cell[TOWN], "");
    next_ok(r, &row);
    assert_int_equal(row.line, 6);
    assert_str(row.cell[RECORD], "3");
    assert_str(row.cell[NAME], "x");
    next_ok(r, &row);
    assert_str(row.cell[NAME], "y");
    assert_string_equal(csv_encoding(r), "UTF-8");
    at_end(r);
}

static void a_missing_optional_column_is_empty(void **state)
{
    (void)state;
    struct csv_reader *r = open_ok(STR("\xEF\xBB\xBFrecord,name\n1,A"));
    struct csv_row row;
    next_ok(r, &row);
    assert_str(row.cell[RECORD], "1");
    assert_str(row.cell[TOWN], "");
    at_end(r);
}

static void bad_headers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err err;
        const char *field;
    } rows[] = {
        {"", ERR_CSV_HEADER, ""},
        {"\n\n", ERR_CSV_HEADER, ""},
        {"record,name,height\n", ERR_CSV_HEADER, ""},
        {"record,name,氏名\n", ERR_CSV_HEADER, "name"},
        {"record,town\n", ERR_FIELD_MISSING, "name"},
        {"record,\"name\n", ERR_CSV_QUOTE, ""},
        {"record,na\xFF\xFF\n", ERR_CSV_TEXT, ""},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct csv_reader *r = NULL;
        struct fail f = {0};
        assert_err(csv_open_text(&f, str_of(rows[i].text), columns, COLUMNS, &r), rows[i].err);
        assert_string_equal(f.field, rows[i].field);
        assert_non_null(strstr(f.detail, "line "));
        assert_null(r);
    }
}

static void an_unknown_column_is_named_unless_it_may_be_a_person(void **state)
{
    (void)state;
    static const struct {
        const char *text, *detail;
    } rows[] = {
        {"record,name,height\n", "line 1: cell 3: height"},
        {"record,residential_address_of_the_person\n", "line 1: cell 2: residential_address_"},
        {"24727059608,name\n", "line 1: cell 1"},
        {"西宮太郎,name\n", "line 1: cell 1"},
        {"JOHN SMITH,name\n", "line 1: cell 1"},
        {",name\n", "line 1: cell 1"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct csv_reader *r = NULL;
        struct fail f = {0};
        assert_err(csv_open_text(&f, str_of(rows[i].text), columns, COLUMNS, &r), ERR_CSV_HEADER);
        assert_string_equal(f.detail, rows[i].detail);
    }
}

/* Each stands on line 2; the good row behind it must still be read. */
static void a_bad_row_names_line_and_column_and_reading_goes_on(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err err;
        const char *field;
    } rows[] = {
        {"1,x\"y,z\n", ERR_CSV_QUOTE, "name"},
        {"1,\"x\"y,z\r\n", ERR_CSV_QUOTE, "name"},
        {"1,x\n", ERR_CSV_CELLS, ""},
        {"1,x,y,z\n", ERR_CSV_CELLS, ""},
        {"1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2\n",
         ERR_CSV_CELLS, ""},
        {"1,西\xE8\xA5,y\n", ERR_CSV_TEXT, "name"},
        {"1,x,\xC0\x80\n", ERR_CSV_TEXT, "town"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[512];
        (void)snprintf(text, sizeof text, "record,name,町名\n%s2,good,本町\n", rows[i].text);
        struct csv_reader *r = open_ok(str_of(text));
        struct csv_row row;
        struct fail f = {0};
        bool more = false;
        assert_err(csv_next(r, &f, &row, &more), rows[i].err);
        assert_true(more);
        assert_int_equal(row.line, 2);
        assert_string_equal(f.field, rows[i].field);
        assert_true(str_starts(str_of(f.detail), STR("line 2")));
        next_ok(r, &row);
        assert_int_equal(row.line, 3);
        assert_str(row.cell[NAME], "good");
        at_end(r);
    }
}

static void an_endless_row_is_refused_in_bounds(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_add_str(&text, STR("record,name\n1,\""));
    for (int i = 0; i < 3000; i++)
        buf_add_str(&text, STR("thirty-two bytes that never end\n"));
    buf_add_str(&text, STR("2,A\n"));
    struct csv_reader *r = open_ok(buf_str(&text));
    struct csv_row row;
    bool more, good = false;
    size_t refused = 0;
    enum err err, first = ERR_OK;
    while ((err = csv_next(r, NULL, &row, &more)), more) {
        first = first ? first : err;
        refused += err != ERR_OK;
        good = good || (!err && str_equal(row.cell[NAME], STR("A")));
    }
    assert_int_equal(first, ERR_LIMIT);
    assert_true(refused > 0 && good);
    csv_close(r);
    buf_release(&text);
}

static void an_unclosed_quote_at_the_end(void **state)
{
    (void)state;
    struct csv_reader *r = open_ok(STR("record,name\n1,\"A"));
    struct csv_row row;
    struct fail f = {0};
    bool more;
    assert_err(csv_next(r, &f, &row, &more), ERR_CSV_QUOTE);
    assert_string_equal(f.field, "name");
    at_end(r);
}

static struct str to_cp932(struct str utf8, char *out, size_t size)
{
    iconv_t c = iconv_open("CP932", "UTF-8");
    char copy[512], *in = memcpy(copy, utf8.p, utf8.n), *at = out;
    size_t left = utf8.n, room = size;
    assert_int_equal(iconv(c, &in, &left, &at, &room), 0);
    (void)iconv_close(c);
    return (struct str){out, size - room};
}

/* 表 and ソ end with the bytes of a backslash; ー～ tests the Microsoft mapping; 髙 and ﾊ are not in JIS X
 * 0208. */
static void cp932_from_a_file(void **state)
{
    (void)state;
    struct str utf8 = STR("住民票番号,氏名,町名\r\n1,髙橋　表ソ,ﾊﾏ～町\r\n2,plain,\"十,ー\"\r\n");
    char bytes[512], path[] = "/tmp/juki-csv-XXXXXX";
    struct str cp932 = to_cp932(utf8, bytes, sizeof bytes);
    int fd = mkstemp(path);
    assert_int_equal(write(fd, cp932.p, cp932.n), (ssize_t)cp932.n);
    (void)close(fd);
    struct csv_reader *r = NULL;
    assert_ok(csv_open(NULL, path, columns, COLUMNS, &r));
    (void)unlink(path);
    struct csv_row row;
    next_ok(r, &row);
    assert_str(row.cell[NAME], "髙橋　表ソ");
    assert_str(row.cell[TOWN], "ﾊﾏ～町");
    next_ok(r, &row);
    assert_str(row.cell[TOWN], "十,ー");
    int64_t done, total;
    csv_progress(r, &done, &total);
    assert_int_equal(total, (int64_t)cp932.n);
    assert_int_equal(done, total);
    assert_string_equal(csv_encoding(r), "CP932");
    at_end(r);
    struct fail f = {0};
    assert_err(csv_open(&f, path, columns, COLUMNS, &r), ERR_NOT_FOUND);
}

static void any_text_survives_writing_and_reading(void **state)
{
    (void)state;
    static const char *const pieces[] = {"\"", ",", "\n", "\r\n", "西", " ", "a", "𠮷", "\"\"", "\r"};
    struct random_seeded_test {
        uint64_t state;
    } r = {1};
    for (int round = 0; round < 300; round++) {
        char cell[128] = "";
        size_t used = 0;
        for (uint64_t left = r.state % 12; left; left--) {
            r.state = r.state * 6364136223846793005u + 1442695040888963407u;
            const char *piece = pieces[(r.state >> 33) % COUNT_OF(pieces)];
            used += (size_t)snprintf(cell + used, sizeof cell - used, "%s", piece);
        }
        r.state += 7;
        struct buf b;
        buf_init(&b, 4096);
        buf_add_str(&b, STR("record,name,town\n1,"));
        csv_add_cell(&b, (struct str){cell, used});
        buf_add_str(&b, STR(",z\r\n"));
        struct csv_reader *reader = open_ok(buf_str(&b));
        struct csv_row row;
        next_ok(reader, &row);
        assert_int_equal(row.cell[NAME].n, used);
        assert_memory_equal(row.cell[NAME].p, cell, used);
        assert_str(row.cell[TOWN], "z");
        at_end(reader);
        buf_release(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_in_any_order_and_language),
        cmocka_unit_test(a_missing_optional_column_is_empty),
        cmocka_unit_test(bad_headers),
        cmocka_unit_test(an_unknown_column_is_named_unless_it_may_be_a_person),
        cmocka_unit_test(a_bad_row_names_line_and_column_and_reading_goes_on),
        cmocka_unit_test(an_endless_row_is_refused_in_bounds),
        cmocka_unit_test(an_unclosed_quote_at_the_end),
        cmocka_unit_test(cp932_from_a_file),
        cmocka_unit_test(any_text_survives_writing_and_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
