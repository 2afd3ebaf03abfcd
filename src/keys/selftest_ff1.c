/* SPDX-License-Identifier: Apache-2.0 */
/* FF1 against files of published vectors (Wycheproof's JSON, NIST's samples as a table).
 *
 * Published rows follow the first edition of SP 800-38G, in which 100 messages are enough; the program
 * follows its revision 1, which asks for a million. So a row is computed by the functions for published
 * samples, and a decimal row is given to the ones in use as well: they must agree, or refuse when it is too
 * short. */
#include "keys/selftest.h"

#include "base/encode.h"
#include "base/file.h"
#include "base/json.h"
#include "keys/ff1.h"

enum { FILE_MAX = 64 << 20, BYTES_MAX = 4096, NUMBERS_MAX = FF1_LENGTH_MAX + 1 };

enum result { VALID, INVALID, ACCEPTABLE };
static const char *const results[] = {"valid", "invalid", "acceptable"};

struct run {
    const char *suite;
    selftest_report *report;
    void *arg;
    struct selftest_count *out;
    unsigned radix;      /* of the group; 0 when FF1_RADIX_MAX is exceeded */
    struct str alphabet; /* p NULL: digits are arrays of numbers */
};

/* Digits as they stand in a file. bad: one is no digit of this radix, so that no encryption can take it. */
struct digits {
    uint8_t value[NUMBERS_MAX];
    size_t n;
    bool bad;
};

struct row {
    const char *name;
    struct buf key, tweak;
    struct digits message, ciphertext;
    enum result result;
};

static void count_line(const struct run *r, const char *name, const char *why)
{
    struct selftest_line line = {r->suite, name, why[0] == 0, why};
    *(line.passed ? &r->out->passed : &r->out->failed) += 1;
    if (r->report)
        r->report(r->arg, &line);
}

static bool same(const uint8_t *out, const struct digits *want)
{
    return memcmp(out, want->value, want->n) == 0;
}

static const struct way {
    enum err (*published)(struct fail *f, const struct ff1 *c, const struct ff1_text *in, uint8_t *out);
    enum err (*in_use)(struct fail *f, const struct ff1 *c, struct str tweak, const uint8_t *in, size_t n,
                       uint8_t *out);
} ways[] = {{ff1_encrypt_radix, ff1_encrypt}, {ff1_decrypt_radix, ff1_decrypt}};

/* Why the one text does not become the other, "" when it does. An error of the cipher is left in *e. */
static const char *one_way(const struct run *r, const struct ff1 *c, const struct row *row, bool back,
                           enum err *e)
{
    const struct digits *from = back ? &row->ciphertext : &row->message,
                        *to = back ? &row->message : &row->ciphertext;
    struct ff1_text text = {r->radix, buf_str(&row->tweak), from->value, from->n};
    uint8_t out[NUMBERS_MAX];
    *e = ways[back].published(NULL, c, &text, out);
    if (*e)
        return "refused";
    if (to->bad || to->n != from->n || !same(out, to))
        return "another text";
    if (r->radix != 10)
        return "";
    enum err in_use = ways[back].in_use(NULL, c, text.tweak, text.digits, text.n, out);
    if (from->n < FF1_LENGTH_MIN)
        return in_use == ERR_FIELD_RANGE ? "" : "too short for revision 1, but accepted";
    return !in_use && same(out, to) ? "" : "the functions in use disagree";
}

static const char *try_row(const struct run *r, const struct row *row, enum err *e)
{
    struct ff1 *c = NULL;
    *e = row->message.bad ? ERR_FIELD_RANGE : ff1_new(NULL, buf_str(&row->key), &c);
    if (*e)
        return "refused";
    const char *why = one_way(r, c, row, false, e);
    if (!why[0])
        why = one_way(r, c, row, true, e);
    ff1_free(c);
    return why;
}

/* A bad digit must be refused by the cipher too, not only by us who could not even write it down: in its
 * place goes the smallest value that is no digit. */
static bool cipher_takes(const struct run *r, const struct row *row)
{
    struct ff1 *c = NULL;
    if (ff1_new(NULL, buf_str(&row->key), &c) != ERR_OK)
        return false;
    uint8_t out[NUMBERS_MAX];
    struct ff1_text text = {r->radix, buf_str(&row->tweak), row->message.value, row->message.n};
    enum err e = ff1_encrypt_radix(NULL, c, &text, out);
    if (r->radix == 10 && e)
        e = ff1_encrypt(NULL, c, text.tweak, text.digits, text.n, out);
    ff1_free(c);
    return e == ERR_OK;
}

static void run_row(const struct run *r, const struct row *row)
{
    char why[80] = "";
    enum err e = ERR_OK;
    bool representable = !row->message.bad || r->radix < FF1_RADIX_MAX; /* at 256 every byte is a digit */
    if (row->result == INVALID) {
        if (r->radix && representable && cipher_takes(r, row))
            snprintf(why, sizeof why, "accepted, but must be refused");
    } else if (!r->radix) {
        snprintf(why, sizeof why, "radix over %d not supported", FF1_RADIX_MAX);
    } else {
        const char *said = try_row(r, row, &e);
        if (row->result != ACCEPTABLE || !e)
            snprintf(why, sizeof why, "%s", said);
    }
    count_line(r, row->name, why);
}

/* Reading */

static void add_digit(const struct run *r, struct digits *d, int64_t value)
{
    bool bad = value < 0 || value >= (int64_t)r->radix;
    uint8_t kept = (uint8_t)(bad ? r->radix : (unsigned)value);
    d->bad = d->bad || bad;
    if (d->n < NUMBERS_MAX)
        d->value[d->n++] = kept;
}

static enum err read_array(struct fail *f, const struct run *r, const struct json *list, const char *field,
                           struct digits *out)
{
    if (json_count(list) >= NUMBERS_MAX)
        return fail_set(f, ERR_LIMIT, field, "%zu digits", json_count(list));
    const struct json *item;
    size_t i;
    JSON_EACH_AT(list, i, item)
    {
        if (!json_is(item, JSON_INTEGER))
            return fail_set(f, ERR_FIELD_TYPE, field, "digit %zu", i);
        add_digit(r, out, json_int(item));
    }
    return ERR_OK;
}

static enum err read_string(struct fail *f, const struct run *r, struct str text, const char *field,
                            struct digits *out)
{
    if (text.n >= NUMBERS_MAX)
        return fail_set(f, ERR_LIMIT, field, "%zu digits", text.n);
    for (size_t at = 0; at < text.n;) {
        uint32_t c = utf8_next(text, &at);
        int64_t value = -1, i = 0;
        for (size_t from = 0; from < r->alphabet.n; i++) {
            if (utf8_next(r->alphabet, &from) == c)
                value = i;
        }
        add_digit(r, out, value);
    }
    return ERR_OK;
}

static enum err read_digits(struct fail *f, const struct run *r, const struct json *test, const char *field,
                            struct arena *a, struct digits *out)
{
    *out = (struct digits){.n = 0};
    if (r->alphabet.p) {
        struct str text;
        enum err e = json_member_text(f, test, field, a, &text);
        return e ? e : read_string(f, r, text, field, out);
    }
    const struct json *list;
    enum err e = json_member_array(f, test, field, &list);
    return e ? e : read_array(f, r, list, field, out);
}

static enum err read_bytes(struct fail *f, const struct json *test, const char *field, struct arena *a,
                           struct buf *out)
{
    struct str hex;
    buf_clear(out);
    enum err e = json_member_text(f, test, field, a, &hex);
    return e ? e : decode_hex(f, out, hex);
}

static enum err read_result(struct fail *f, const struct json *test, struct arena *a, enum result *out)
{
    struct str text;
    enum err e = json_member_text(f, test, "result", a, &text);
    for (size_t i = 0; i < COUNT_OF(results) && !e; i++) {
        if (str_equal(text, str_of(results[i]))) {
            *out = (enum result)i;
            return ERR_OK;
        }
    }
    return e ? e : fail_set(f, ERR_FIELD_RANGE, "result", NULL);
}

static enum err read_name(struct fail *f, const struct json *test, struct arena *a, const char **out)
{
    struct str comment = STR("");
    int64_t id;
    enum err e = json_member_int(f, test, "tcId", 0, INT32_MAX, &id);
    if (!e)
        e = json_member_text_maybe(f, test, "comment", a, &comment);
    if (e)
        return e;
    struct str name = arena_format(a, "%lld %.*s", (long long)id, STR_ARG(comment));
    *out = name.p;
    return name.p ? ERR_OK : fail_set(f, ERR_MEMORY, NULL, NULL);
}

static enum err run_test(struct fail *f, const struct run *r, const struct json *test, struct row *row,
                         struct arena *a)
{
    arena_reset(a);
    enum err e = read_name(f, test, a, &row->name);
    if (!e)
        e = read_bytes(f, test, "key", a, &row->key);
    if (!e)
        e = read_bytes(f, test, "tweak", a, &row->tweak);
    if (!e)
        e = read_digits(f, r, test, "msg", a, &row->message);
    if (!e)
        e = read_digits(f, r, test, "ct", a, &row->ciphertext);
    if (!e)
        e = read_result(f, test, a, &row->result);
    if (!e)
        run_row(r, row);
    return e;
}

/* Radix and alphabet of a group; they must agree. */
static enum err read_group(struct fail *f, struct run *r, const struct json *group, struct arena *a)
{
    int64_t radix = 0;
    r->alphabet = (struct str){NULL, 0};
    enum err e = json_member_text_maybe(f, group, "alphabet", a, &r->alphabet);
    if (!e && r->alphabet.p)
        radix = (int64_t)utf8_count(r->alphabet);
    if (!e && (!radix || json_get(group, "radix")))
        e = json_member_int(f, group, "radix", 2, 1 << 16, &radix);
    if (!e && r->alphabet.p && radix != (int64_t)utf8_count(r->alphabet))
        e = fail_set(f, ERR_MALFORMED, "radix", "not the length of the alphabet");
    r->radix = radix > FF1_RADIX_MAX ? 0 : (unsigned)radix;
    return e;
}

static enum err run_group(struct fail *f, struct run *r, const struct json *group, struct row *row)
{
    struct arena of_group, of_test;
    arena_init(&of_group, 1 << 20);
    arena_init(&of_test, 1 << 20);
    const struct json *tests = NULL;
    enum err e = read_group(f, r, group, &of_group);
    if (!e)
        e = json_member_array(f, group, "tests", &tests);
    for (size_t i = 0; !e && i < json_count(tests); i++)
        e = run_test(f, r, json_at(tests, i), row, &of_test);
    arena_release(&of_group);
    arena_release(&of_test);
    return e;
}

static struct row *row_new(void)
{
    struct row *row = memory_new(sizeof *row);
    if (row) {
        buf_init(&row->key, BYTES_MAX);
        buf_init(&row->tweak, BYTES_MAX);
    }
    return row;
}

static void row_free(struct row *row)
{
    if (!row)
        return;
    buf_release(&row->key);
    buf_release(&row->tweak);
    memory_free(row);
}

static enum err run_root(struct fail *f, struct run *r, const struct json *root)
{
    const struct json *groups = NULL;
    int64_t promised = 0;
    uint64_t before = r->out->passed + r->out->failed;
    struct row *row = row_new();
    enum err e = row ? ERR_OK : fail_set(f, ERR_MEMORY, NULL, NULL);
    if (!e)
        e = json_member_int(f, root, "numberOfTests", 1, INT32_MAX, &promised);
    if (!e)
        e = json_member_array(f, root, "testGroups", &groups);
    for (size_t i = 0; !e && i < json_count(groups); i++)
        e = run_group(f, r, json_at(groups, i), row);
    if (!e && r->out->passed + r->out->failed - before != (uint64_t)promised)
        e = fail_set(f, ERR_MALFORMED, "numberOfTests", "not as many tests as it says");
    row_free(row);
    return e;
}

enum err selftest_ff1_file(struct fail *f, const char *path, selftest_report *report, void *arg,
                           struct selftest_count *out)
{
    struct run r = {.suite = "FF1 Wycheproof", .report = report, .arg = arg, .out = out};
    struct buf text;
    struct json *root = NULL;
    buf_init(&text, FILE_MAX);
    enum err e = file_read(f, path, &text);
    if (!e)
        e = json_read(f, buf_str(&text), &root);
    buf_release(&text);
    if (!e)
        e = run_root(f, &r, root);
    json_free(root);
    return e;
}

/* The table: a line of names, then radix, key, tweak, plaintext, ciphertext with tabs between. */

static enum err run_sample(struct fail *f, struct run *r, struct str line, unsigned number, struct row *row)
{
    struct str part[5], rest = line;
    uint64_t radix;
    char name[64];
    for (size_t i = 0; i < COUNT_OF(part); i++) {
        if (!str_cut(&rest, '\t', &part[i]))
            return fail_set(f, ERR_MALFORMED, "sample", "line %u has too few columns", number + 1);
    }
    r->alphabet = STR("0123456789abcdefghijklmnopqrstuvwxyz");
    if (rest.p || !str_to_uint(part[0], r->alphabet.n, &radix) || radix < 2)
        return fail_set(f, ERR_MALFORMED, "sample", "line %u", number + 1);
    r->radix = (unsigned)radix;
    r->alphabet.n = radix;
    snprintf(name, sizeof name, "sample %u, radix %u", number, r->radix);
    row->name = name;
    row->result = VALID;
    row->message = row->ciphertext = (struct digits){.n = 0};
    buf_clear(&row->key);
    buf_clear(&row->tweak);
    enum err e = decode_hex(f, &row->key, part[1]);
    if (!e)
        e = decode_hex(f, &row->tweak, part[2]);
    if (!e)
        e = read_string(f, r, part[3], "plaintext", &row->message);
    if (!e)
        e = read_string(f, r, part[4], "ciphertext", &row->ciphertext);
    if (!e)
        run_row(r, row);
    return e;
}

static enum err run_table(struct fail *f, struct run *r, struct str text, struct row *row)
{
    struct str line;
    unsigned number = 0;
    enum err e = str_cut(&text, '\n', &line) ? ERR_OK : ERR_MALFORMED;
    while (!e && str_cut(&text, '\n', &line)) {
        if (line.n)
            e = run_sample(f, r, line, ++number, row);
    }
    return !e && !number ? fail_set(f, ERR_MALFORMED, "sample", "no samples") : e;
}

enum err selftest_ff1_nist(struct fail *f, const char *path, selftest_report *report, void *arg,
                           struct selftest_count *out)
{
    struct run r = {.suite = "FF1 NIST", .report = report, .arg = arg, .out = out};
    struct row *row = row_new();
    if (!row)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    struct buf text;
    buf_init(&text, FILE_MAX);
    enum err e = file_read(f, path, &text);
    if (!e)
        e = utf8_check(f, "sample", buf_str(&text));
    if (!e)
        e = run_table(f, &r, buf_str(&text), row);
    buf_release(&text);
    row_free(row);
    return e;
}
