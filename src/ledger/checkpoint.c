/* SPDX-License-Identifier: Apache-2.0 */
/* The text inside a head's note (C2SP tlog-checkpoint) and of an inclusion proof (C2SP tlog-proof@v1).
 *
 *     juki/cs.282049                                   origin
 *     20852163                                         size, decimal, no leading zero
 *     CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=     root, base64
 *     time 1795336140000000                            extension line of ours: when it was signed, µs
 *
 *     c2sp.org/tlog-proof@v1
 *     extra YmFzZTY0                                   optional, not authenticated
 *     index 73894
 *     gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=     the path, leaf's sibling first
 *                                                      one empty line, then the checkpoint's note verbatim
 *
 * Each text has one accepted spelling: numbers without leading zeros or signs, base64 with padding, every line ended
 * by a newline. Extension lines that are not ours are skipped, as the specification asks. */
#include "ledger/note.h"

#include "base/encode.h"

static const struct str proof_title = STR("c2sp.org/tlog-proof@v1");

void head_write(const struct head *h, struct buf *out)
{
    buf_add_format(out, "%s\n%llu\n", h->origin, (unsigned long long)h->size);
    encode_base64(out, h->root.bytes, sizeof h->root.bytes);
    buf_add_char(out, '\n');
    if (h->time)
        buf_add_format(out, "time %lld\n", (long long)h->time);
}

static enum err malformed(struct fail *f, const char *field, const char *why)
{
    return fail_set(f, ERR_MALFORMED, field, "%s", why);
}

/* The next line without its newline; false when there is no newline any more. */
static bool next_line(struct str *rest, struct str *line)
{
    return rest->n && memchr(rest->p, '\n', rest->n) && str_cut(rest, '\n', line);
}

static bool read_number(struct str s, uint64_t max, uint64_t *out)
{
    return (s.n == 1 || (s.n && s.p[0] != '0')) && str_to_uint(s, max, out);
}

static enum err read_hash(struct fail *f, struct str text, const char *field, struct sha256 *out)
{
    struct buf b;
    buf_init(&b, sizeof out->bytes + 2);
    enum err e = decode_base64(f, &b, text);
    if (e || b.n != sizeof out->bytes)
        e = malformed(f, field, "a hash is 32 bytes in base64");
    else
        memcpy(out->bytes, b.p, sizeof out->bytes);
    buf_release(&b);
    return e;
}

static enum err read_extensions(struct fail *f, struct str rest, struct head *h)
{
    struct str line;
    while (next_line(&rest, &line)) {
        if (!line.n)
            return malformed(f, "head", "an extension line is empty");
        if (!str_starts(line, STR("time ")))
            continue;
        uint64_t time = 0;
        if (h->time || !read_number((struct str){line.p + 5, line.n - 5}, INT64_MAX, &time) || !time)
            return malformed(f, "time", "one stamp in microseconds is required");
        h->time = (int64_t)time;
    }
    return rest.n ? malformed(f, "head", "the last line has no end") : ERR_OK;
}

enum err head_parse(struct fail *f, struct str body, struct head *out)
{
    struct head h = {.time = 0};
    struct str origin, size, root;
    if (!next_line(&body, &origin) || !next_line(&body, &size) || !next_line(&body, &root))
        return malformed(f, "head", "three lines are required");
    if (!origin.n || origin.n >= sizeof h.origin || memchr(origin.p, 0, origin.n))
        return malformed(f, "origin", "1 to 71 bytes are required");
    memcpy(h.origin, origin.p, origin.n);
    if (!read_number(size, UINT64_MAX, &h.size))
        return malformed(f, "size", "not a decimal number in its shortest form");
    enum err e = read_hash(f, root, "root", &h.root);
    if (!e)
        e = read_extensions(f, body, &h);
    if (!e)
        *out = h;
    return e;
}

enum err tlog_proof_write(struct fail *f, uint64_t index, const struct merkle_proof *proof, struct str extra,
                          struct str checkpoint, struct buf *out)
{
    buf_add_str(out, proof_title);
    if (extra.n) {
        buf_add_str(out, STR("\nextra "));
        encode_base64(out, extra.p, extra.n);
    }
    buf_add_format(out, "\nindex %llu\n", (unsigned long long)index);
    for (size_t i = 0; i < proof->count; i++) {
        encode_base64(out, proof->hashes[i].bytes, sizeof proof->hashes[i].bytes);
        buf_add_char(out, '\n');
    }
    buf_add_char(out, '\n');
    buf_add_str(out, checkpoint);
    return buf_check(out, f, "proof");
}

static enum err read_extra(struct fail *f, struct str text, struct arena *a, struct str *out)
{
    struct buf b;
    buf_init(&b, text.n);
    enum err e = text.n ? decode_base64(f, &b, text) : malformed(f, "extra", "nothing after the word");
    if (!e) {
        struct str copy = arena_copy(a, buf_str(&b));
        if (copy.p)
            *out = copy;
        else
            e = fail_set(f, ERR_MEMORY, "extra", NULL);
    }
    buf_release(&b);
    return e;
}

static enum err read_path(struct fail *f, struct str *rest, struct merkle_proof *out)
{
    struct str line;
    out->count = 0;
    while (next_line(rest, &line)) {
        if (!line.n)
            return ERR_OK;
        if (out->count == MERKLE_DEPTH_MAX)
            return malformed(f, "proof", "a path has at most 64 hashes");
        enum err e = read_hash(f, line, "proof", &out->hashes[out->count++]);
        if (e)
            return e;
    }
    return malformed(f, "proof", "no empty line after the path");
}

enum err tlog_proof_parse(struct fail *f, struct str text, struct arena *a, struct tlog_proof *out)
{
    struct tlog_proof p = {.extra = STR("")};
    struct str line;
    if (!next_line(&text, &line) || !str_equal(line, proof_title))
        return malformed(f, "proof", "the first line is not that of tlog-proof@v1");
    if (!next_line(&text, &line))
        return malformed(f, "index", "missing");
    enum err e = ERR_OK;
    if (str_starts(line, STR("extra "))) {
        e = read_extra(f, (struct str){line.p + 6, line.n - 6}, a, &p.extra);
        if (!e && !next_line(&text, &line))
            e = malformed(f, "index", "missing");
    }
    if (e)
        return e;
    if (!str_starts(line, STR("index ")) ||
        !read_number((struct str){line.p + 6, line.n - 6}, UINT64_MAX, &p.index))
        return malformed(f, "index", "not a decimal number in its shortest form");
    e = read_path(f, &text, &p.proof);
    if (e)
        return e;
    if (!text.n)
        return malformed(f, "checkpoint", "missing");
    p.checkpoint = text;
    *out = p;
    return ERR_OK;
}
