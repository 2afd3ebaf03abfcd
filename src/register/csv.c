/* SPDX-License-Identifier: Apache-2.0 */
/* Splits bytes into rows and cells with a machine of four states, before decoding: in CP932 no second byte of
 * a character equals a quote, comma, CR or LF.
 *
 * What is wrong is noted while the row is read to its end, so that the next call starts at a row again. Only
 * a row with an unclosed quote takes others with it: it ends where CSV_ROW_MAX is reached, at the next line
 * end. */
#include "register/csv.h"

#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INPUT_SIZE = 64 << 10 };
enum encoding { ENCODING_ASCII, ENCODING_UTF8, ENCODING_CP932 };
enum state { AT_START, IN_PLAIN, IN_QUOTES, AFTER_QUOTE };

const struct csv_column resident_columns[] = {
#define RESIDENT_COLUMN(name, english, japanese, needed) {english, japanese, needed},
#include "register/resident_column.def"
#undef RESIDENT_COLUMN
};
_Static_assert((int)RESIDENT_COLUMNS <= (int)CSV_COLUMNS_MAX, "a row has room for all columns");

struct csv_reader {
    int fd; /* -1: text in memory */
    char input[INPUT_SIZE];
    struct str rest; /* not yet looked at, in input or in the caller's text */
    int64_t done, total, line;
    bool ended;
    iconv_t from_cp932;
    enum encoding encoding;
    struct buf raw, text; /* the row's cells one after the other, as read; and decoded */
    size_t end[CSV_COLUMNS_MAX];
    size_t cells;
    enum err bad; /* what is wrong with the row being read */
    size_t bad_cell;
    const struct csv_column *columns;
    size_t column_count, header_count;
    uint8_t column_of[CSV_COLUMNS_MAX]; /* by place in the file */
};

static enum err fill(struct csv_reader *r, struct fail *f)
{
    if (r->rest.n || r->ended || r->fd < 0) {
        r->ended = r->ended || !r->rest.n;
        return ERR_OK;
    }
    ssize_t n;
    do
        n = read(r->fd, r->input, sizeof r->input);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        r->ended = true;
        return fail_errno(f, ERR_IO, "reading the CSV");
    }
    r->ended = n == 0;
    r->rest = (struct str){r->input, (size_t)n};
    return ERR_OK;
}

static void note(struct csv_reader *r, enum err err)
{
    if (!r->bad) {
        r->bad = err;
        r->bad_cell = r->cells;
    }
}

static void end_cell(struct csv_reader *r)
{
    if (r->cells == CSV_COLUMNS_MAX) {
        note(r, ERR_CSV_CELLS);
        return;
    }
    r->end[r->cells++] = r->raw.n;
}

/* Takes one byte that is no line end outside quotes. */
static enum state take(struct csv_reader *r, enum state state, char c)
{
    switch (state) {
    case AT_START:
    case IN_PLAIN:
        if (c == ',') {
            end_cell(r);
            return AT_START;
        }
        if (c == '"' && state == AT_START)
            return IN_QUOTES;
        if (c == '"')
            note(r, ERR_CSV_QUOTE);
        buf_add_char(&r->raw, c);
        return IN_PLAIN;
    case IN_QUOTES:
        if (c == '"')
            return AFTER_QUOTE;
        buf_add_char(&r->raw, c);
        return IN_QUOTES;
    default:
        if (c == '"') {
            buf_add_char(&r->raw, c);
            return IN_QUOTES;
        }
        if (c != ',' && c != '\r')
            note(r, ERR_CSV_QUOTE);
        if (c == ',')
            end_cell(r);
        return c == ',' ? AT_START : AFTER_QUOTE;
    }
}

/* The row's last CR belongs to its line end. */
static void drop_return(struct csv_reader *r, enum state state)
{
    size_t start = r->cells && r->cells <= CSV_COLUMNS_MAX ? r->end[r->cells - 1] : 0;
    if (state == IN_PLAIN && r->raw.n > start && r->raw.p[r->raw.n - 1] == '\r')
        r->raw.p[--r->raw.n] = 0;
}

/* Most bytes only stand in their cell: they are copied by the run. */
static void take_run(struct csv_reader *r)
{
    size_t n = 0;
    while (n < r->rest.n && r->rest.p[n] != ',' && r->rest.p[n] != '"' && r->rest.p[n] != '\n')
        n++;
    buf_add(&r->raw, r->rest.p, n);
    r->rest = (struct str){r->rest.p + n, r->rest.n - n};
    r->done += (int64_t)n;
}

static enum err read_row(struct csv_reader *r, struct fail *f)
{
    enum state state = AT_START;
    buf_clear(&r->raw);
    r->cells = 0;
    r->bad = ERR_OK;
    for (;;) {
        enum err err = fill(r, f);
        if (err)
            return err;
        if (r->ended)
            break;
        char c = *r->rest.p;
        r->rest = (struct str){r->rest.p + 1, r->rest.n - 1};
        r->done++;
        r->line += c == '\n';
        if (r->raw.broken)
            note(r, ERR_LIMIT);
        if (c == '\n' && (state != IN_QUOTES || r->bad == ERR_LIMIT))
            break;
        state = take(r, state, c);
        if (state == IN_PLAIN || state == IN_QUOTES)
            take_run(r);
    }
    if (state == IN_QUOTES)
        note(r, ERR_CSV_QUOTE);
    drop_return(r, state);
    end_cell(r);
    return ERR_OK;
}

static struct str raw_cell(const struct csv_reader *r, size_t i)
{
    size_t start = i ? r->end[i - 1] : 0;
    return (struct str){(r->raw.p ? r->raw.p : "") + start, r->end[i] - start};
}

/* UTF-8 as it stands, or CP932 converted; appended to text. */
static bool decode(struct csv_reader *r, struct str cell)
{
    bool utf8 = !utf8_check(NULL, NULL, cell);
    if (utf8 && r->encoding != ENCODING_CP932) {
        buf_add_str(&r->text, cell);
        return true;
    }
    if (r->encoding == ENCODING_UTF8)
        return false;
    char *in = cell.n ? r->raw.p + (cell.p - r->raw.p) : NULL, *out = buf_reserve(&r->text, cell.n * 3);
    size_t in_left = cell.n, out_left = cell.n * 3;
    if (!out)
        return !cell.n;
    bool whole = iconv(r->from_cp932, &in, &in_left, &out, &out_left) != (size_t)-1;
    if (!whole)
        (void)iconv(r->from_cp932, NULL, NULL, NULL, NULL);
    r->text.n -= out_left;
    return whole &&
           !utf8_check(NULL, NULL,
                       (struct str){r->text.p + r->text.n - (cell.n * 3 - out_left), cell.n * 3 - out_left});
}

static void decide_encoding(struct csv_reader *r)
{
    bool plain = true;
    for (size_t i = 0; i < r->raw.n && plain; i++)
        plain = (unsigned char)r->raw.p[i] < 0x80;
    if (r->encoding == ENCODING_ASCII && !plain)
        r->encoding = utf8_check(NULL, NULL, buf_str(&r->raw)) ? ENCODING_CP932 : ENCODING_UTF8;
}

/* Cells in the order of the file. */
static void decode_row(struct csv_reader *r, struct str cells[static CSV_COLUMNS_MAX])
{
    size_t start[CSV_COLUMNS_MAX] = {0};
    buf_clear(&r->text);
    decide_encoding(r);
    for (size_t i = 0; i < r->cells && !r->bad; i++) {
        start[i] = r->text.n;
        if (!decode(r, raw_cell(r, i))) {
            r->bad = ERR_CSV_TEXT;
            r->bad_cell = i;
        }
        cells[i].n = r->text.n - start[i];
    }
    for (size_t i = 0; i < r->cells && !r->bad; i++)
        cells[i].p = (r->text.p ? r->text.p : "") + start[i];
}

static enum err refuse(const struct csv_reader *r, struct fail *f, const struct csv_row *row)
{
    const struct csv_column *column = NULL;
    if (r->bad != ERR_CSV_CELLS && r->bad_cell < r->header_count)
        column = &r->columns[r->column_of[r->bad_cell]];
    if (r->bad == ERR_CSV_CELLS)
        (void)fail_set(f, r->bad, NULL, "%zu cells, the header has %zu", r->cells, r->header_count);
    else
        (void)fail_set(f, r->bad, NULL, "cell %zu", r->bad_cell + 1);
    return csv_blame(f, r->bad, row, column);
}

enum err csv_blame(struct fail *f, enum err err, const struct csv_row *row, const struct csv_column *column)
{
    char detail[sizeof f->detail];
    if (!f)
        return err;
    (void)snprintf(detail, sizeof detail, "%s", f->detail);
    int used = snprintf(f->detail, sizeof f->detail, "line %lld", (long long)row->line);
    if (*detail && used > 0)
        (void)snprintf(f->detail + used, sizeof f->detail - (size_t)used, ": %.150s", detail);
    if (column && !*f->field)
        (void)snprintf(f->field, sizeof f->field, "%s", column->name);
    return f->err = err;
}

static bool blank(const struct csv_reader *r)
{
    return r->cells == 1 && !r->raw.n && !r->bad;
}

/* Reads to the next row that is not blank; *more false at the end. */
static enum err read_full_row(struct csv_reader *r, struct fail *f, struct csv_row *row, bool *more)
{
    do {
        *more = false;
        enum err err = fill(r, f);
        if (err || r->ended)
            return err;
        row->line = r->line;
        err = read_row(r, f);
        if (err)
            return err;
    } while (blank(r));
    *more = true;
    return ERR_OK;
}

enum err csv_next(struct csv_reader *r, struct fail *f, struct csv_row *row, bool *more)
{
    struct str cells[CSV_COLUMNS_MAX];
    *row = (struct csv_row){0};
    enum err err = read_full_row(r, f, row, more);
    if (err || !*more)
        return err;
    if (r->cells != r->header_count)
        note(r, ERR_CSV_CELLS);
    if (!r->bad)
        decode_row(r, cells);
    if (r->bad)
        return refuse(r, f, row);
    for (size_t i = 0; i < r->column_count; i++)
        row->cell[i] = STR("");
    for (size_t i = 0; i < r->cells; i++)
        row->cell[r->column_of[i]] = cells[i];
    return ERR_OK;
}

static size_t column_find(const struct csv_reader *r, struct str name)
{
    for (size_t i = 0; i < r->column_count; i++)
        if (str_equal(name, str_of(r->columns[i].name)) || str_equal(name, str_of(r->columns[i].ja)))
            return i;
    return r->column_count;
}

/* A file without a header begins with a person: only what no value of a row looks like is repeated. */
static enum err refuse_column(struct fail *f, size_t place, struct str name)
{
    enum { SHOWN = 20 };
    bool plain = name.n > 0;
    for (size_t i = 0; i < name.n; i++)
        plain = plain && ((name.p[i] >= 'a' && name.p[i] <= 'z') || (name.p[i] >= 'A' && name.p[i] <= 'Z') ||
                          name.p[i] == '_');
    if (!plain)
        return fail_set(f, ERR_CSV_HEADER, NULL, "line 1: cell %zu", place + 1);
    return fail_set(f, ERR_CSV_HEADER, NULL, "line 1: cell %zu: %.*s", place + 1,
                    (int)(name.n < SHOWN ? name.n : SHOWN), name.p);
}

static enum err name_columns(struct csv_reader *r, struct fail *f, const struct str *cells, bool *seen)
{
    for (size_t i = 0; i < r->cells; i++) {
        size_t column = column_find(r, str_trim(cells[i]));
        if (column == r->column_count)
            return refuse_column(f, i, str_trim(cells[i]));
        if (seen[column])
            return fail_set(f, ERR_CSV_HEADER, r->columns[column].name, "line 1: named twice");
        seen[column] = true;
        r->column_of[i] = (uint8_t)column;
    }
    r->header_count = r->cells;
    for (size_t i = 0; i < r->column_count; i++)
        if (r->columns[i].needed && !seen[i])
            return fail_set(f, ERR_FIELD_MISSING, r->columns[i].name, "line 1: the header needs this column");
    return ERR_OK;
}

static enum err read_header(struct csv_reader *r, struct fail *f)
{
    struct str cells[CSV_COLUMNS_MAX] = {{NULL, 0}};
    bool seen[CSV_COLUMNS_MAX] = {0}, more;
    struct csv_row row = {0};
    enum err err = fill(r, f);
    if (!err && str_starts(r->rest, STR("\xEF\xBB\xBF"))) {
        r->rest = (struct str){r->rest.p + 3, r->rest.n - 3};
        r->done = 3;
        r->encoding = ENCODING_UTF8;
    }
    if (!err)
        err = read_full_row(r, f, &row, &more);
    if (err)
        return err;
    if (!more)
        return fail_set(f, ERR_CSV_HEADER, NULL, "line 1: the file is empty");
    if (!r->bad)
        decode_row(r, cells);
    return r->bad ? refuse(r, f, &row) : name_columns(r, f, cells, seen);
}

static enum err start(struct fail *f, struct csv_reader *r, const struct csv_column *columns, size_t count,
                      struct csv_reader **out)
{
    assert(count <= CSV_COLUMNS_MAX);
    r->columns = columns;
    r->column_count = count;
    r->line = 1;
    buf_init(&r->raw, CSV_ROW_MAX);
    buf_init(&r->text, (size_t)CSV_ROW_MAX * 3);
    r->from_cp932 = iconv_open("UTF-8", "CP932");
    enum err err =
        r->from_cp932 == (iconv_t)-1 ? fail_errno(f, ERR_IO, "conversion from CP932") : read_header(r, f);
    if (err)
        csv_close(r);
    else
        *out = r;
    return err;
}

enum err csv_open(struct fail *f, const char *path, const struct csv_column *columns, size_t count,
                  struct csv_reader **out)
{
    struct csv_reader *r = memory_new(sizeof *r);
    if (!r)
        return fail_set(f, ERR_MEMORY, NULL, "reading CSV");
    r->from_cp932 = (iconv_t)-1;
    r->fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (r->fd < 0 || fstat(r->fd, &st)) {
        enum err err = fail_errno(f, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, path);
        csv_close(r);
        return err;
    }
    r->total = S_ISREG(st.st_mode) ? st.st_size : 0;
    return start(f, r, columns, count, out);
}

enum err csv_open_text(struct fail *f, struct str text, const struct csv_column *columns, size_t count,
                       struct csv_reader **out)
{
    struct csv_reader *r = memory_new(sizeof *r);
    if (!r)
        return fail_set(f, ERR_MEMORY, NULL, "reading CSV");
    r->fd = -1;
    r->rest = text;
    r->total = (int64_t)text.n;
    return start(f, r, columns, count, out);
}

void csv_close(struct csv_reader *r)
{
    if (!r)
        return;
    if (r->fd >= 0)
        (void)close(r->fd);
    if (r->from_cp932 != (iconv_t)-1)
        (void)iconv_close(r->from_cp932);
    buf_release(&r->raw);
    buf_release(&r->text);
    memory_free(r);
}

void csv_progress(const struct csv_reader *r, int64_t *done, int64_t *total)
{
    *done = r->done;
    *total = r->total;
}

const char *csv_encoding(const struct csv_reader *r)
{
    static const char *const names[] = {"ASCII", "UTF-8", "CP932"};
    return names[r->encoding];
}

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
