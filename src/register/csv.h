/* SPDX-License-Identifier: Apache-2.0 */
/* CSV with a header row, read row by row from a file of any size, and written (docs/REGISTER-CSV.md).
 *
 * RFC 4180: comma, double quotes around cells that hold a comma, quote or line end, CRLF or LF. The header
 * names the columns, in English or Japanese, in any order. Text is UTF-8 (with or without BOM) or CP932
 * (Windows-31J): the first row that is not plain ASCII decides for the whole file, UTF-8 first. Cells come
 * out as UTF-8. A bad row is refused with its line and column, and reading can go on behind it. */
#ifndef JUKI_REGISTER_CSV_H
#define JUKI_REGISTER_CSV_H

#include "base/buf.h"

enum { CSV_COLUMNS_MAX = 40, CSV_ROW_MAX = 64 << 10 };
struct csv_column {
    const char *name, *ja;
    bool needed; /* the header must name it */
};
struct csv_row {
    int64_t line; /* where the row begins; 1 is the header */
    /* By column of the table; empty when the file has no such column. Valid until the next call, no longer.
     */
    struct str cell[CSV_COLUMNS_MAX];
};

enum resident_column {
#define RESIDENT_COLUMN(name, english, japanese, needed) RESIDENT_COLUMN_##name,
#include "register/resident_column.def"
#undef RESIDENT_COLUMN
    RESIDENT_COLUMNS
};
/* All RESIDENT_COLUMNS rows, by enum resident_column. */
extern const struct csv_column resident_columns[];

struct csv_reader;
/* Opens and reads the header. columns stay with the reader. ERR_NOT_FOUND, ERR_IO, ERR_CSV_HEADER (a name
 * that is unknown or stands twice), ERR_FIELD_MISSING (field: the column), and those of csv_next. */
MUST_CHECK enum err csv_open(struct fail *f, const char *path, const struct csv_column *columns, size_t count,
                             struct csv_reader **out);
/* The same over text in memory, which must outlive the reader. */
MUST_CHECK enum err csv_open_text(struct fail *f, struct str text, const struct csv_column *columns,
                                  size_t count, struct csv_reader **out);
void csv_close(struct csv_reader *r);
/* The next row; *more is false at the end. Blank lines are skipped. A refused row leaves the reader behind
 * it, and row->line is set: ERR_CSV_QUOTE, ERR_CSV_CELLS (more or fewer than the header), ERR_CSV_TEXT
 * (neither encoding, or not the file's), ERR_LIMIT (a row over CSV_ROW_MAX). After ERR_IO and ERR_MEMORY
 * *more is false. */
MUST_CHECK enum err csv_next(struct csv_reader *r, struct fail *f, struct csv_row *row, bool *more);
/* Bytes read, and of the whole file (0 when it is a pipe). */
void csv_progress(const struct csv_reader *r, int64_t *done, int64_t *total);
/* "UTF-8", "CP932", or "ASCII" while nothing has decided. */
const char *csv_encoding(const struct csv_reader *r);

/* Puts "line 17: " before the detail of *f and the column's name into its field unless it names one already;
 * for whoever finds a cell's value bad. Returns err. */
enum err csv_blame(struct fail *f, enum err err, const struct csv_row *row, const struct csv_column *column);
/* One cell, quoted when it must be; the caller writes commas and line ends. */
void csv_add_cell(struct buf *b, struct str cell);

#endif
