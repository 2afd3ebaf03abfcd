/* SPDX-License-Identifier: Apache-2.0 */
#include "register/csv.h"

const struct resident_column_row resident_column_rows[] = {
#define RESIDENT_COLUMN(name, english, japanese, needed) {english, japanese, needed},
#include "register/resident_column.def"
#undef RESIDENT_COLUMN
};

void csv_add_cell(struct buf *b, struct str cell)
{
    bool quote = false;
    for (size_t i = 0; i < cell.n && !quote; i++)
        quote = cell.p[i] == ',' || cell.p[i] == '"' || cell.p[i] == '\n' || cell.p[i] == '\r';
    if (!quote) {
        buf_add_str(b, cell);
        return;
    }
    buf_add_char(b, '"');
    for (size_t i = 0; i < cell.n; i++) {
        if (cell.p[i] == '"')
            buf_add_char(b, '"');
        buf_add_char(b, cell.p[i]);
    }
    buf_add_char(b, '"');
}
