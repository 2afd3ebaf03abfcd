/* SPDX-License-Identifier: Apache-2.0 */
/* An exported log: lines of JSON, read one after the other.
 *
 *     {"juki_log":1,"node":"cs.282049","first":0,"edge":[]}      first line; edge: the complete subtrees that
 * cover the entries before `first`, smallest first
 *     {"index":0,"salt":"...","body":"operation ..."}            body64 instead of body when it is not UTF-8
 *     {"index":1,"leaf":"..."}                                   its body was deleted by retention
 *     {"head":"juki/cs.282049\n2\n..."}                          after the last entry that it counts; one
 * ends the file
 *
 * The tree is grown line by line and held against each head of its size, so memory does not grow with the
 * log. A head that disagrees puts the fault between the last head that agreed and itself: an export has no
 * tiles.
 *
 * The index in each line is followed: one that was left out is one finding, and from there on only indexes,
 * heads' sizes and signatures can be judged, since without its hash no root can be computed any more; one
 * that was passed already is one finding, and its line is left out of the tree. */
#include "ledger/evidence.h"

#include "base/encode.h"
#include "base/json.h"

#include <stdarg.h>

struct reading {
    const struct evidence_log_options *options;
    struct evidence_log log;
    char origin[72];
    struct merkle_frontier tree;
    uint64_t next; /* index that is due */
    uint64_t agreed;
    bool unknown; /* a leaf is lost: no root can be computed any more */
    bool disagreeing, started, ended_by_head;
    struct head *kept; /* sorted by nothing: few */
    struct buf scratch;
};

static void PRINTF_LIKE(5, 6)
    find(struct reading *r, const char *kind, uint64_t first, uint64_t last, const char *fmt, ...)
{
    struct evidence_finding finding = {.kind = kind, .first = first, .last = last};
    va_list args;
    va_start(args, fmt);
    vsnprintf(finding.detail, sizeof finding.detail, fmt, args);
    va_end(args);
    r->log.findings++;
    if (r->options->report)
        r->options->report(r->options->arg, &finding);
}

static enum err decode(struct fail *f, struct reading *r, const struct json *v, const char *field,
                       struct str *out)
{
    if (!json_is(v, JSON_STRING))
        return fail_set(f, v ? ERR_FIELD_TYPE : ERR_FIELD_MISSING, field, NULL);
    buf_clear(&r->scratch);
    enum err e = decode_base64(f, &r->scratch, json_str(v));
    *out = buf_str(&r->scratch);
    return e;
}

static enum err read_hash(struct fail *f, struct reading *r, const struct json *v, const char *field,
                          struct sha256 *out)
{
    struct str bytes;
    enum err e = decode(f, r, v, field, &bytes);
    if (!e && bytes.n != sizeof out->bytes)
        e = fail_set(f, ERR_MALFORMED, field, "a hash is 32 bytes");
    if (!e)
        memcpy(out->bytes, bytes.p, bytes.n);
    return e;
}

static enum err read_edge(struct fail *f, struct reading *r, const struct json *line)
{
    const struct json *edge = json_get(line, "edge");
    size_t count = json_count(edge), used = 0;
    if (!r->log.first && !count)
        return ERR_OK;
    if (count != (size_t)__builtin_popcountll(r->log.first))
        return fail_set(f, ERR_MALFORMED, "edge", "%d hashes are required",
                        __builtin_popcountll(r->log.first));
    for (unsigned level = 0; level < MERKLE_DEPTH_MAX; level++) {
        enum err e = r->log.first >> level & 1
                         ? read_hash(f, r, json_at(edge, used++), "edge", &r->tree.nodes[level])
                         : ERR_OK;
        if (e)
            return e;
    }
    r->tree.size = r->next = r->agreed = r->log.first;
    return ERR_OK;
}

static enum err read_kept(struct fail *f, struct reading *r)
{
    for (size_t i = 0; i < r->options->kept_count; i++) {
        struct str body;
        enum err e = note_verify(f, r->options->kept[i], str_of(r->origin), r->options->public_key, &body);
        if (!e)
            e = head_parse(f, body, &r->kept[i]);
        if (!e && strcmp(r->kept[i].origin, r->origin) != 0)
            e = fail_set(f, ERR_MALFORMED, "origin", "the kept head is another log's");
        if (e)
            return e;
    }
    return ERR_OK;
}

static enum err read_start(struct fail *f, struct reading *r, const struct json *line)
{
    int64_t version, first;
    const struct json *node = json_get(line, "node");
    enum err e = json_member_int(f, line, "juki_log", 1, 1, &version);
    if (!e)
        e = json_member_int(f, line, "first", 0, INT64_MAX, &first);
    if (e)
        return e;
    if (!json_is(node, JSON_STRING) || json_str(node).n >= sizeof r->log.node)
        return fail_set(f, ERR_FIELD_TYPE, "node", NULL);
    snprintf(r->log.node, sizeof r->log.node, "%s", json_cstr(node));
    snprintf(r->origin, sizeof r->origin, "juki/%s", r->log.node);
    r->log.first = (uint64_t)first;
    r->started = true;
    e = read_edge(f, r, line);
    return e ? e : read_kept(f, r);
}

static void judge_kept(struct reading *r)
{
    if (r->unknown)
        return;
    struct sha256 root = merkle_root(&r->tree);
    for (size_t i = 0; i < r->options->kept_count; i++)
        if (r->kept[i].size == r->tree.size && !sha256_equal(r->kept[i].root, root))
            find(r, "fork", r->log.first, r->tree.size ? r->tree.size - 1 : 0,
                 "the entries do not give the head of %llu entries that was kept elsewhere",
                 (unsigned long long)r->tree.size);
}

static enum err salted_leaf(struct fail *f, struct reading *r, const struct json *line, struct sha256 *leaf)
{
    const struct json *body = json_get(line, "body");
    uint8_t salt[16];
    struct str bytes;
    enum err e = decode(f, r, json_get(line, "salt"), "salt", &bytes);
    if (!e && bytes.n != sizeof salt)
        e = fail_set(f, ERR_MALFORMED, "salt", "16 bytes are required");
    if (e)
        return e;
    memcpy(salt, bytes.p, sizeof salt);
    if (json_is(body, JSON_STRING))
        bytes = json_str(body);
    else
        e = decode(f, r, json_get(line, "body64"), "body", &bytes);
    if (!e)
        *leaf = merkle_salted_leaf(salt, bytes);
    return e;
}

static enum err read_entry(struct fail *f, struct reading *r, const struct json *line)
{
    int64_t index;
    struct sha256 leaf;
    const struct json *bare = json_get(line, "leaf");
    enum err e = json_member_int(f, line, "index", 0, INT64_MAX, &index);
    if (!e)
        e = bare ? read_hash(f, r, bare, "leaf", &leaf) : salted_leaf(f, r, line, &leaf);
    if (e)
        return e;
    if ((uint64_t)index < r->next) {
        find(r, "inserted", (uint64_t)index, (uint64_t)index, "a second entry %lld stands where %llu is due",
             (long long)index, (unsigned long long)r->next);
        return ERR_OK;
    }
    if ((uint64_t)index > r->next) {
        find(r, "missing", r->next, (uint64_t)index - 1,
             "entry %lld stands where %llu is due: no later head can be proved", (long long)index,
             (unsigned long long)r->next);
        r->unknown = true;
    }
    r->next = (uint64_t)index + 1;
    if (!r->unknown)
        merkle_append(&r->tree, leaf);
    r->log.entries++;
    r->log.deleted += bare != NULL;
    r->ended_by_head = false;
    judge_kept(r);
    return ERR_OK;
}

static void judge_head(struct reading *r, const struct head *h)
{
    uint64_t size = r->next;
    if (h->size > size) { /* of one cut into the middle, the entries behind it go on */
        r->unknown = true;
        r->next = h->size;
    }
    if (h->size != size) {
        find(r, h->size > size ? "truncated" : "inserted", h->size > size ? size : h->size,
             h->size > size ? h->size - 1 : size - 1, "%llu entries where the head counts %llu",
             (unsigned long long)size, (unsigned long long)h->size);
    } else if (r->unknown) {
        return;
    } else if (sha256_equal(h->root, merkle_root(&r->tree))) {
        r->agreed = r->log.size = size;
        r->disagreeing = false;
    } else if (!r->disagreeing) {
        r->disagreeing = true;
        find(r, "changed", r->agreed, size ? size - 1 : 0,
             "the entries do not give the head signed at %llu entries", (unsigned long long)size);
    }
}

static enum err read_head(struct fail *f, struct reading *r, const struct json *note)
{
    struct str body;
    struct head h;
    if (!json_is(note, JSON_STRING))
        return fail_set(f, ERR_FIELD_TYPE, "head", NULL);
    enum err e = note_verify(NULL, json_str(note), str_of(r->origin), r->options->public_key, &body);
    if (!e)
        e = head_parse(NULL, body, &h);
    r->log.heads++;
    r->ended_by_head = true;
    if (e || strcmp(h.origin, r->origin) != 0)
        find(r, "head_bad", r->next, r->next, "the head is not signed by this log's key");
    else
        judge_head(r, &h);
    return ERR_OK;
}

static enum err read_line(struct fail *f, struct reading *r, struct str text)
{
    struct json *line = NULL;
    enum err e = json_read(f, text, &line);
    if (e)
        return e;
    const struct json *head = json_get(line, "head");
    if (!r->started)
        e = read_start(f, r, line);
    else if (head)
        e = read_head(f, r, head);
    else
        e = read_entry(f, r, line);
    json_free(line);
    return e;
}

static enum err judge_end(struct fail *f, struct reading *r)
{
    if (!r->started)
        return fail_set(f, ERR_MALFORMED, NULL, "the file is empty");
    if (!r->ended_by_head)
        find(r, "truncated", r->next, r->next, "no head ends the file");
    for (size_t i = 0; i < r->options->kept_count; i++)
        if (r->kept[i].size > r->next)
            find(r, "truncated", r->next, r->kept[i].size - 1, "a kept head counts %llu entries",
                 (unsigned long long)r->kept[i].size);
    return ERR_OK;
}

static enum err read_lines(struct fail *f, struct reading *r, FILE *in)
{
    char *line = NULL;
    size_t size = 0, number = 0;
    ssize_t n;
    enum err e = ERR_OK;
    while (!e && (n = getline(&line, &size, in)) > 0) {
        number++;
        if (n > EVIDENCE_MAX)
            e = fail_set(f, ERR_LIMIT, NULL, "line %zu is longer than %d bytes", number, EVIDENCE_MAX);
        else
            e = read_line(f, r, (struct str){line, (size_t)n - (line[n - 1] == '\n')});
        if (e && f && e != ERR_LIMIT)
            snprintf(f->detail, sizeof f->detail, "line %zu", number);
    }
    free(line);
    if (!e && ferror(in))
        e = fail_errno(f, ERR_IO, "log");
    return e ? e : judge_end(f, r);
}

enum err evidence_check_log(struct fail *f, FILE *in, const struct evidence_log_options *options,
                            struct evidence_log *out)
{
    struct reading r = {.options = options};
    r.kept = memory_new((options->kept_count + 1) * sizeof *r.kept);
    if (!r.kept)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    buf_init(&r.scratch, EVIDENCE_MAX);
    enum err e = read_lines(f, &r, in);
    buf_release(&r.scratch);
    memory_free(r.kept);
    if (!e)
        *out = r.log;
    return e;
}
