/* SPDX-License-Identifier: Apache-2.0 */
/* The CSV of residents (docs/REGISTER-CSV.md): its columns, and its rows written.
 *
 * RFC 4180: comma, double quotes around cells that hold a comma, quote or line end, CRLF or LF. */
#ifndef JUKI_REGISTER_CSV_H
#define JUKI_REGISTER_CSV_H

#include "base/buf.h"

enum resident_column {
#define RESIDENT_COLUMN(name, english, japanese, needed) RESIDENT_COLUMN_##name,
#include "register/resident_column.def"
#undef RESIDENT_COLUMN
    RESIDENT_COLUMNS
};
struct resident_column_row {
    const char *name, *ja;
    bool needed; /* the header must name it */
};
/* All RESIDENT_COLUMNS rows, by enum resident_column. */
extern const struct resident_column_row resident_column_rows[];

/* One cell, quoted when it must be; the caller writes commas and line ends. */
void csv_add_cell(struct buf *b, struct str cell);

#endif
