/* SPDX-License-Identifier: Apache-2.0 */
/* CSV in UTF-8 or CP932: cells are UTF-8, rows come in order, reading goes on behind a bad row and ends; what
 * was read, written again, reads the same. The first byte chooses the residents' header or a small one. */
#include "fuzz.h"

#include "register/csv.h"
#include "register/resident_row.h"

static const struct csv_column small[] = {{"a", "い", true}, {"b", "ろ", false}, {"c", "は", false}};

static void check_again(const struct csv_row *row, size_t columns)
{
    struct csv_reader *reader = NULL;
    struct csv_row again;
    struct buf text;
    bool more = false;
    if (columns != COUNT_OF(small))
        return;
    buf_init(&text, 4 * CSV_ROW_MAX);
    buf_add_str(&text, STR("a,b,c\r\n"));
    for (size_t i = 0; i < columns; i++) {
        if (i)
            buf_add_char(&text, ',');
        csv_add_cell(&text, row->cell[i]);
    }
    buf_add_str(&text, STR("\r\n"));
    if (csv_open_text(NULL, buf_str(&text), small, columns, &reader)) {
        assert(false);
    } else if (text.n < CSV_ROW_MAX && (row->cell[0].n || row->cell[1].n || row->cell[2].n)) {
        assert(!csv_next(reader, NULL, &again, &more) && more);
        for (size_t i = 0; i < columns; i++)
            assert(str_equal(again.cell[i], row->cell[i]));
        assert(!csv_next(reader, NULL, &again, &more) && !more);
    }
    csv_close(reader);
    buf_release(&text);
}

static void check_row(const struct csv_row *row, size_t columns, int64_t before)
{
    struct resident_row resident;
    assert(row->line > before);
    for (size_t i = 0; i < columns; i++)
        assert(!utf8_check(NULL, "cell", row->cell[i]));
    check_again(row, columns);
    if (columns == RESIDENT_COLUMNS && !resident_row_parse(NULL, row, &resident)) {
        assert(resident.record.n && !resident_row_check(NULL, &resident));
        assert(!person_name_check(NULL, &resident.identity.name, resident.identity.foreign));
    }
}

void fuzz_target(struct str in)
{
    bool residents = fuzz_choose(&in, 2) != 0;
    size_t columns = residents ? (size_t)RESIDENT_COLUMNS : COUNT_OF(small), rows = 0;
    struct csv_reader *reader = NULL;
    int64_t before = 1, done = 0, total = 0;
    bool more = true;
    if (csv_open_text(NULL, in, residents ? resident_columns : small, columns, &reader))
        return;
    while (more && rows++ < 100000) {
        struct csv_row row = {.line = 0};
        enum err e = csv_next(reader, NULL, &row, &more);
        if (!e && more)
            check_row(&row, columns, before);
        if (more)
            before = row.line;
    }
    assert(!more);
    csv_progress(reader, &done, &total);
    assert(done <= (int64_t)in.n);
    (void)csv_encoding(reader);
    csv_close(reader);
}
