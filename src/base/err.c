/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct err_row rows[] = {
#define ERR(name, number, exit, http, en, ja) {ERR_##name, #name, exit, http, en, ja},
#include "base/err.def"
#undef ERR
};
static const struct err_row unknown = {
    ERR_OK, "UNKNOWN", 1, 500, "an error without a name", "不明なエラーです"};

const struct err_row *err_row(enum err err)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].err == err)
            return &rows[i];
    return &unknown;
}

const struct err_row *err_rows(size_t *count)
{
    *count = COUNT_OF(rows);
    return rows;
}

enum err fail_set(struct fail *f, enum err err, const char *field, const char *fmt, ...)
{
    if (!f)
        return err;
    f->err = err;
    snprintf(f->field, sizeof f->field, "%s", field ? field : "");
    f->detail[0] = 0;
    if (fmt) {
        va_list args;
        va_start(args, fmt);
        vsnprintf(f->detail, sizeof f->detail, fmt, args);
        va_end(args);
        utf8_drop_cut(f->detail);
    }
    return err;
}

enum err fail_errno(struct fail *f, enum err err, const char *what)
{
    const char *name = strerrordesc_np(errno);
    return fail_set(f, err, NULL, "%s: %s", what, name ? name : "unknown error");
}

enum fail_language fail_language(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return strncmp(value, "ja", 2) == 0 ? FAIL_JAPANESE : FAIL_ENGLISH;
    }
    return FAIL_ENGLISH;
}

const char *fail_text(const struct fail *f, enum fail_language language, char *out, size_t size)
{
    const struct err_row *row = err_row(f->err);
    const char *text = language == FAIL_JAPANESE ? row->ja : row->en;
    int n = snprintf(out, size, "%s%s%s", f->field, f->field[0] ? ": " : "", text);
    if (f->detail[0] && n >= 0 && (size_t)n < size)
        snprintf(out + n, size - (size_t)n, language == FAIL_JAPANESE ? "（%s）" : " (%s)", f->detail);
    utf8_drop_cut(out);
    return out;
}
