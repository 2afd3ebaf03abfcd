/* SPDX-License-Identifier: Apache-2.0 */
/* Verification of a whole log, with the place of what is wrong.
 *
 * Two sequences are laid beside each other: the leaves of the entries as they are now, and the leaves that
 * the tiles promise. Where they part, the smallest explanation is taken, and the walk goes on behind it: so
 * many entries differ and then both agree again            CHANGED the entry in hand is promised some places
 * further on        MISSING (what lies between) an entry further on is the one promised here INSERTED (what
 * lies between) A tree grown from the promises (from the entries where no tile stands yet) is held against
 * each signed head when it has the head's size. A head that disagrees while entries and tiles agree means
 * that tiles were made to fit: RESEALED, from the last head that agreed to this one. Only the upper server's
 * head, which nobody here can sign, tells when the own heads were signed anew. Fewer entries than a signed
 * head counts: TRUNCATED.
 *
 * Behind the last complete tile the row of the newest head promises the leaves, as a tile would. Behind the
 * newest head nothing is promised: those entries are counted, unless the log had ended there ("stopped"),
 * when they are INSERTED.
 *
 * A deleted body is believed to have had the hash that stands in its tile, and permitted only by an entry
 * "retention deleted FIRST LAST". These come later in the log, so both are collected as ranges and held
 * together at the end.
 *
 * A tile that does not give its own root column is itself what was changed; its promises are then not used.
 */
#include "ledger/ledger_ranges.h"
#include "ledger/ledger_stream.h"

#include "ledger/ledger_inside.h"
#include "ledger/ledger_sql.h"

#include <stdarg.h>

enum { RESYNC_MAX = TILE_WIDTH, HEAD_PAGE = 64, HEAD_NOTE_ROOM = 64 * 1024 };

struct head_item {
    int64_t size; /* of the row */
    bool good;    /* signature and form */
    bool cosigned;
    struct head head;
};

struct verify {
    const struct ledger_verify_options *options;
    struct ledger_verify_result *result;
    struct ledger_stream *stream;
    struct ranges gone, permitted;
    bool after_stop; /* the last entry that says so said "stopped" */
    bool ended;      /* it was the last that the newest head counts */
    char origin[72], upper[72];
    struct edge edge;           /* the tree so far */
    bool unknown;               /* a leaf is lost: no root can be computed any more */
    int64_t shift;              /* place - (id - 1) of the last entry that agreed */
    bool resynced;              /* the shift may change now */
    struct ledger_finding open; /* told when it cannot grow any more */
    bool has_open;

    struct head_item heads[HEAD_PAGE];
    size_t head_at, head_count;
    int64_t head_after; /* size of the last head read */
    bool heads_ended;
    uint64_t agreed, agreed_upper; /* sizes of the last heads that agreed: own, co-signed */
    bool disagreeing;              /* the last own head disagreed and was told */
    uint64_t most;                 /* the greatest size that a good head counts */
    struct head kept;
    bool has_kept;
};

static void tell_open(struct verify *v)
{
    if (!v->has_open)
        return;
    v->has_open = false;
    v->result->findings++;
    if (v->options->report)
        v->options->report(v->options->arg, &v->open);
}

static void PRINTF_LIKE(5, 6)
    find(struct verify *v, enum ledger_finding_kind kind, uint64_t first, uint64_t last, const char *fmt, ...)
{
    va_list args;
    bool grows = v->has_open && v->open.kind == kind && v->open.last + 1 == first &&
                 kind != LEDGER_RESEALED && kind != LEDGER_HEAD_BAD;
    if (grows) {
        v->open.last = last;
        return;
    }
    tell_open(v);
    v->open = (struct ledger_finding){.kind = kind, .first = first, .last = last};
    v->has_open = true;
    va_start(args, fmt);
    vsnprintf(v->open.detail, sizeof v->open.detail, fmt, args);
    va_end(args);
}

/* Heads */

static void read_head(struct verify *v, struct str note, struct head_item *item)
{
    struct str body;
    item->good = !note_verify(NULL, note, str_of(v->origin), v->options->public_key, &body) &&
                 !head_parse(NULL, body, &item->head) && (int64_t)item->head.size == item->size &&
                 strcmp(item->head.origin, v->origin) == 0;
    item->cosigned = item->good && v->options->upper_public_key &&
                     !note_verify(NULL, note, str_of(v->upper), v->options->upper_public_key, &body);
}

static enum err read_heads(struct db_tx *tx, struct fail *f, void *arg)
{
    struct verify *v = arg;
    struct db_rows rows;
    v->head_at = v->head_count = 0;
    db_query(tx, &rows, &sql_ledger_head_range, DB(db_int(v->head_after), db_int(HEAD_PAGE)));
    while (db_next(&rows) && v->head_count < HEAD_PAGE) {
        struct head_item *item = &v->heads[v->head_count];
        item->size = db_row_int(&rows, 0);
        if (item->size > v->stream->newest_head)
            continue;
        read_head(v, db_row_text(&rows, 1), item);
        v->head_count++;
    }
    return db_done(&rows, f);
}

static enum err fill_heads(struct verify *v, struct fail *f)
{
    if (v->head_at < v->head_count || v->heads_ended)
        return ERR_OK;
    enum err e = db_read(v->stream->db, f, read_heads, v);
    v->heads_ended = e || v->head_count < HEAD_PAGE;
    if (v->head_count)
        v->head_after = v->heads[v->head_count - 1].size;
    return e;
}

static void judge_root(struct verify *v, const struct head_item *item, struct sha256 root)
{
    uint64_t size = item->head.size;
    if (sha256_equal(root, item->head.root)) {
        v->agreed = size;
        v->disagreeing = false;
        if (item->cosigned)
            v->agreed_upper = size;
    } else if (!v->disagreeing) {
        v->disagreeing = true;
        bool untiled = v->agreed >= ledger_stream_promised(v->stream);
        find(v, untiled ? LEDGER_CHANGED : LEDGER_RESEALED, v->agreed, size ? size - 1 : 0,
             "the entries and tiles do not give the head signed at %llu entries", (unsigned long long)size);
    }
}

static void judge_head(struct verify *v, const struct head_item *item)
{
    v->result->heads++;
    if (!item->good) {
        find(v, LEDGER_HEAD_BAD, (uint64_t)item->size, (uint64_t)item->size,
             "the head of %lld entries is not signed by this log's key", (long long)item->size);
        return;
    }
    if (item->head.size > v->most)
        v->most = item->head.size;
    if (!v->unknown && item->head.size == v->edge.tree.size)
        judge_root(v, item, merkle_root(&v->edge.tree));
}

static void judge_kept(struct verify *v)
{
    uint64_t size = v->kept.size;
    if (!v->has_kept || v->edge.tree.size != size)
        return;
    v->has_kept = false;
    if (v->unknown || sha256_equal(merkle_root(&v->edge.tree), v->kept.root))
        return;
    if (v->has_open && v->open.kind == LEDGER_RESEALED && v->open.last + 1 == size)
        return; /* the own head says the same */
    find(v, LEDGER_RESEALED, v->agreed_upper, size ? size - 1 : 0,
         "the log does not give the head of %llu entries that %s co-signed", (unsigned long long)size,
         v->upper);
}

/* All heads whose size the tree has now. */
static enum err judge_heads(struct verify *v, struct fail *f)
{
    for (;;) {
        enum err e = fill_heads(v, f);
        if (e)
            return e;
        if (v->head_at == v->head_count || v->heads[v->head_at].size > (int64_t)v->edge.tree.size)
            break;
        judge_head(v, &v->heads[v->head_at++]);
    }
    judge_kept(v);
    return ERR_OK;
}

/* Tiles */

struct upper_tile {
    int64_t id;
    struct sha256 root;
    bool good;
};

static enum err check_upper(struct db_tx *tx, struct fail *f, void *arg)
{
    struct upper_tile *t = arg;
    struct db_rows rows;
    struct sha256 hashes[TILE_WIDTH];
    t->good = false;
    db_query(tx, &rows, &sql_ledger_tile_get, DB(db_int(t->id)));
    if (db_next(&rows)) {
        struct str root = db_row_bytes(&rows, 0), bytes = db_row_bytes(&rows, 1);
        if (root.n == sizeof t->root && bytes.n == sizeof hashes) {
            memcpy(hashes, bytes.p, bytes.n);
            t->good = memcmp(root.p, t->root.bytes, root.n) == 0 &&
                      sha256_equal(merkle_root_of(hashes, TILE_WIDTH), t->root);
        }
    }
    return db_done(&rows, f);
}

/* The tree took the last leaf of a tile. */
static void judge_tile_root(struct verify *v, struct sha256 root)
{
    uint64_t end = v->edge.tree.size;
    const struct sha256 *stored = ledger_stream_root(v->stream, end / TILE_WIDTH - 1);
    if (stored && !sha256_equal(*stored, root))
        find(v, LEDGER_RESEALED, end - TILE_WIDTH, end - 1,
             "the root of the tile over these entries was changed");
}

static enum err append(struct verify *v, struct fail *f, struct sha256 leaf)
{
    struct sha256 roots[TILE_LEVELS];
    unsigned tiles = edge_append(&v->edge, leaf, roots);
    if (tiles && !v->unknown)
        judge_tile_root(v, roots[0]);
    for (unsigned level = 1; level < tiles; level++) {
        uint64_t width = (uint64_t)1 << TILE_BITS * (level + 1), end = v->edge.tree.size;
        struct upper_tile t = {tile_id(level, end / width - 1), roots[level], false};
        enum err e = db_read(v->stream->db, f, check_upper, &t);
        if (e)
            return e;
        if (!t.good && !v->unknown)
            find(v, LEDGER_RESEALED, end - width, end - 1,
                 "the tile of level %u over these entries does not fit", level);
    }
    return v->head_at < v->head_count || !v->heads_ended || v->has_kept ? judge_heads(v, f) : ERR_OK;
}

/* Entries */

static void find_missing_tile(struct verify *v)
{
    uint64_t place = v->stream->place;
    bool told = v->has_open && v->open.kind == LEDGER_RESEALED && v->open.first == place;
    if (place % TILE_WIDTH == 0 && place < ledger_stream_tiled(v->stream) && !told)
        find(v, LEDGER_RESEALED, place, place + TILE_WIDTH - 1, "the tile over these entries is missing");
}

/* The last leaf of the edge: does its row give its own root column? Told already when its promises are not
 * used. */
static void judge_edge_root(struct verify *v)
{
    uint64_t place = v->stream->place, first = v->stream->edge_first;
    size_t leaves;
    if (v->stream->edge_count && place + 1 == ledger_stream_promised(v->stream) &&
        !ledger_stream_tile_is_whole(v->stream, &leaves))
        find(v, LEDGER_RESEALED, first, place, "the root of the edge over these entries was changed");
}

/* Takes the present place: its promise, or its entry, enters the tree. */
static enum err pass_place(struct verify *v, struct fail *f)
{
    const struct stream_want *want = ledger_stream_want(v->stream, 0);
    const struct stream_row *row = ledger_stream_row(v->stream, 0);
    struct sha256 leaf = want->hash;
    if (!want->known) {
        find_missing_tile(v);
        v->unknown = v->unknown || !row || row->gone;
        if (row && row->gone)
            find(v, LEDGER_MISSING, v->stream->place, v->stream->place,
                 "its body is gone and no tile holds its hash");
        if (row && !row->gone)
            leaf = row->leaf;
    } else {
        judge_edge_root(v);
    }
    v->stream->place++;
    return append(v, f, leaf);
}

static void pass_row(struct verify *v)
{
    v->stream->row_at++;
    v->result->entries++;
}

/* What the entry of the present place says about the log itself. */
static enum err hear(struct verify *v, struct fail *f, const struct stream_row *row)
{
    uint64_t place = v->stream->place;
    bool sealed = (int64_t)place < v->stream->newest_head;
    if (row->says == SAYS_STARTED || row->says == SAYS_STOPPED)
        v->after_stop = row->says == SAYS_STOPPED;
    else if (row->gone)
        v->after_stop = false;
    else if (v->after_stop)
        find(v, LEDGER_INSERTED, place, place, "it stands where the server had stopped");
    if ((int64_t)place == v->stream->newest_head - 1)
        v->ended = v->after_stop;
    if (row->says == SAYS_DELETED && sealed && row->deleted_first <= row->deleted_last &&
        row->deleted_last < place)
        return ranges_add(f, &v->permitted, row->deleted_first, row->deleted_last);
    return ERR_OK;
}

static enum err pass_both(struct verify *v, struct fail *f)
{
    const struct stream_row *row = ledger_stream_row(v->stream, 0);
    uint64_t place = v->stream->place;
    bool deleted = row->gone && ledger_stream_want(v->stream, 0)->known;
    v->result->deleted += deleted;
    enum err e = hear(v, f, row);
    if (!e && deleted)
        e = ranges_add(f, &v->gone, place, place);
    if (!e)
        e = pass_place(v, f);
    pass_row(v);
    return e;
}

/* k-th row ahead against the j-th promise ahead: agreed, or nothing speaks against it. */
static bool same(const struct verify *v, size_t k, size_t j)
{
    const struct stream_row *row = ledger_stream_row(v->stream, k);
    const struct stream_want *want = ledger_stream_want(v->stream, j);
    return row && want->known && !row->gone && sha256_equal(row->leaf, want->hash);
}

static bool same_or_gone(const struct verify *v, size_t k)
{
    const struct stream_row *row = ledger_stream_row(v->stream, k);
    return (row && row->gone) || same(v, k, k);
}

static bool may_follow(const struct verify *v, size_t k, size_t j)
{
    return !ledger_stream_row(v->stream, k) || !ledger_stream_want(v->stream, j)->known || same(v, k, j);
}

static enum err changed(struct verify *v, struct fail *f, size_t count)
{
    uint64_t first = v->stream->place;
    find(v, LEDGER_CHANGED, first, first + count - 1, "the entry does not give its hash");
    for (size_t i = 0; i < count; i++) {
        v->after_stop = false; /* what a changed entry said, or says, is not believed */
        enum err e = pass_both(v, f);
        if (e)
            return e;
    }
    v->after_stop = false;
    return ERR_OK;
}

static enum err missing(struct verify *v, struct fail *f, uint64_t count)
{
    uint64_t first = v->stream->place;
    find(v, LEDGER_MISSING, first, first + count - 1, "no entry gives this hash");
    v->after_stop = false;
    v->resynced = true;
    for (; count; count--) {
        enum err e = ledger_stream_fill(v->stream, f);
        if (!e && !ledger_stream_want(v->stream, 0)->known)
            break;
        if (!e)
            e = pass_place(v, f);
        if (e)
            return e;
    }
    if (count) { /* nobody promised these leaves: no root can be computed from here on */
        v->unknown = true;
        v->stream->place += count;
        v->edge.tree.size += count;
    }
    return ERR_OK;
}

static enum err inserted(struct verify *v, size_t count)
{
    int64_t id = ledger_stream_row(v->stream, 0)->id;
    uint64_t first = id > 0 ? (uint64_t)id - 1 : 0;
    find(v, LEDGER_INSERTED, first, first + count - 1, "no hash promises this entry");
    v->resynced = true;
    for (size_t i = 0; i < count; i++)
        pass_row(v);
    return ERR_OK;
}

/* The row in hand is not what the tile promises: the smallest explanation. */
static enum err resync(struct verify *v, struct fail *f, int64_t places)
{
    for (size_t k = 1; k < RESYNC_MAX; k++) {
        if (same_or_gone(v, k))
            return changed(v, f, k);
        if (same(v, 0, k) && may_follow(v, 1, k + 1))
            return missing(v, f, k);
        if (same(v, k, 0) && may_follow(v, k + 1, 1))
            return inserted(v, k);
    }
    if (places >= STREAM_LOOKAHEAD) /* too far to see: its number is believed */
        return missing(v, f, (uint64_t)places);
    return changed(v, f, 1);
}

/* How many places the row's number says it lies behind the present one. */
static int64_t gap(const struct verify *v, const struct stream_row *row)
{
    return row->id - 1 + v->shift - (int64_t)v->stream->place;
}

static enum err judge_untiled(struct verify *v, struct fail *f, const struct stream_row *row)
{
    int64_t places = gap(v, row);
    if (places < 0)
        return inserted(v, 1);
    return places ? missing(v, f, (uint64_t)places) : pass_both(v, f);
}

static enum err judge_agreeing(struct verify *v, struct fail *f, const struct stream_row *row)
{
    if (gap(v, row)) {
        if (!v->resynced)
            find(v, LEDGER_CHANGED, v->stream->place, v->stream->place, "the entry's number was changed");
        v->shift = (int64_t)v->stream->place - (row->id - 1);
    }
    v->resynced = false;
    return pass_both(v, f);
}

static enum err judge_row(struct verify *v, struct fail *f, const struct stream_row *row)
{
    const struct stream_want *want = ledger_stream_want(v->stream, 0);
    int64_t places = gap(v, row);
    size_t leaves;
    if (v->options->stopped && v->ended && (int64_t)v->stream->place >= v->stream->newest_head)
        return inserted(v, 1);
    if (!want->known || row->gone)
        return judge_untiled(v, f, row);
    if (sha256_equal(row->leaf, want->hash))
        return judge_agreeing(v, f, row);
    if (!ledger_stream_tile_is_whole(v->stream, &leaves)) {
        uint64_t first = v->stream->place / TILE_WIDTH * TILE_WIDTH;
        find(v, LEDGER_RESEALED, first, first + leaves - 1, "the tile over these entries was changed");
        ledger_stream_distrust_tile(v->stream);
        return ERR_OK;
    }
    if (places > 0 && places < STREAM_LOOKAHEAD &&
        (same(v, 0, (size_t)places) || !ledger_stream_want(v->stream, (size_t)places)->known))
        return missing(v, f, (uint64_t)places);
    return resync(v, f, places);
}

/* A tile above the complete ones would be believed by proofs and by the edge at start. */
static void judge_spare_tiles(struct verify *v, uint64_t end)
{
    for (unsigned level = 1; level < TILE_LEVELS; level++) {
        uint64_t due = end >> TILE_BITS * level >> TILE_BITS, first = due << TILE_BITS * level << TILE_BITS;
        if (v->stream->upper_tiles[level] > due)
            find(v, LEDGER_RESEALED, first < end ? first : end, end ? end - 1 : 0,
                 "a tile of level %u stands over entries that do not fill it", level);
    }
}

/* Deleted bodies that no entry permits. */
static void judge_gone(struct verify *v)
{
    ranges_sort(&v->permitted);
    for (size_t i = 0, k = 0; i < v->gone.count; i++) {
        uint64_t at = v->gone.items[i].first, last = v->gone.items[i].last;
        for (; k < v->permitted.count && v->permitted.items[k].last < at; k++)
            ;
        for (size_t p = k; at <= last; p++) {
            bool covered = p < v->permitted.count && v->permitted.items[p].first <= last;
            uint64_t from = covered ? v->permitted.items[p].first : last + 1;
            if (from > at)
                find(v, LEDGER_BODY_GONE, at, from - 1, "its body was taken away and no entry records that");
            if (!covered)
                break;
            if (v->permitted.items[p].last >= at)
                at = v->permitted.items[p].last + 1;
        }
    }
}

/* The greatest number of entries that anything says there are. */
static uint64_t most_told(const struct verify *v)
{
    const uint64_t told[] = {v->most, v->options->kept_note.n ? v->kept.size : 0,
                             ledger_stream_tiled(v->stream), v->stream->edge_end, v->options->referenced};
    uint64_t most = 0;
    for (size_t i = 0; i < COUNT_OF(told); i++)
        most = told[i] > most ? told[i] : most;
    return most;
}

/* The newest head stays, and the row of the edge is written with it. */
static void judge_newest(struct verify *v, uint64_t end)
{
    uint64_t newest = v->stream->newest_head > 0 ? (uint64_t)v->stream->newest_head : 0;
    v->result->behind = end > newest ? end - newest : 0;
    if (end && v->stream->newest_head < 0)
        find(v, LEDGER_HEAD_BAD, 0, end - 1, "no signed head");
    else if (v->stream->edge_end > newest && end >= v->stream->edge_end)
        find(v, LEDGER_HEAD_BAD, newest, v->stream->edge_end - 1, "the head of %llu entries was taken away",
             (unsigned long long)v->stream->edge_end);
}

/* What is counted by a head, a kept head, a tile or somebody else's row, but is no longer there. */
static enum err judge_end(struct verify *v, struct fail *f)
{
    uint64_t end = v->stream->place, tiled = ledger_stream_tiled(v->stream), most;
    for (; v->head_at < v->head_count || !v->heads_ended; v->head_at++) {
        enum err e = fill_heads(v, f);
        if (e)
            return e;
        if (v->head_at < v->head_count)
            judge_head(v, &v->heads[v->head_at]);
    }
    most = most_told(v);
    if (end < most)
        find(v, LEDGER_TRUNCATED, end, most - 1, "%llu entries where there were %llu",
             (unsigned long long)end, (unsigned long long)most);
    if (end >= tiled + TILE_WIDTH && !v->unknown)
        find(v, LEDGER_RESEALED, tiled, end / TILE_WIDTH * TILE_WIDTH - 1,
             "the tiles over these entries are missing");
    judge_spare_tiles(v, end);
    judge_newest(v, end);
    judge_gone(v);
    tell_open(v);
    return ERR_OK;
}

static void tell_progress(struct verify *v)
{
    if (v->options->progress)
        v->options->progress(v->options->arg, v->result->entries, v->stream->entries);
}

/* How many places lie ahead before something is to be judged beside the entry itself: the end of a tile, of
 * the edge or of a head. */
static uint64_t plain_places(const struct verify *v)
{
    uint64_t place = v->stream->place, end = place / TILE_WIDTH * TILE_WIDTH + TILE_WIDTH - 1;
    const uint64_t stops[] = {
        ledger_stream_promised(v->stream) - 1,
        v->head_at < v->head_count ? (uint64_t)v->heads[v->head_at].size - 1
        : v->heads_ended           ? UINT64_MAX
                                   : place,
        v->has_kept ? v->kept.size - 1 : UINT64_MAX,
    };
    for (size_t i = 0; i < COUNT_OF(stops); i++)
        end = stops[i] < end ? stops[i] : end;
    return end > place && end != UINT64_MAX ? end - place : 0;
}

/* Almost all entries of almost all logs: each agrees with its promise, stands where its number says, and says
 * nothing about the log. What this leaves is judged one by one. */
static void pass_agreeing(struct verify *v)
{
    struct sha256 roots[TILE_LEVELS];
    uint64_t most = v->after_stop ? 0 : plain_places(v);
    size_t passed = 0;
    for (; passed < most; passed++) {
        const struct stream_row *row = ledger_stream_row(v->stream, passed);
        const struct stream_want *want = ledger_stream_want(v->stream, passed);
        if (!row || row->gone || row->says != SAYS_OTHER || !want->known ||
            !sha256_equal(row->leaf, want->hash) || gap(v, row) != (int64_t)passed)
            break;
        edge_append(&v->edge, row->leaf, roots);
    }
    v->stream->place += passed;
    v->stream->row_at += passed;
    v->result->entries += passed;
    v->resynced = v->resynced && !passed;
}

static enum err walk(struct verify *v, struct fail *f)
{
    uint64_t tell = 0;
    enum err e = judge_heads(v, f);
    while (!e) {
        e = ledger_stream_fill(v->stream, f);
        if (!e)
            pass_agreeing(v);
        const struct stream_row *row = ledger_stream_row(v->stream, 0);
        if (e || !row)
            break;
        if (v->result->entries >= tell) {
            tell_progress(v);
            tell = v->result->entries + STREAM_ROWS;
        }
        e = judge_row(v, f, row);
    }
    if (!e)
        e = judge_end(v, f);
    tell_progress(v);
    return e;
}

static enum err prepare(struct verify *v, struct fail *f, const char *node)
{
    const struct ledger_verify_options *o = v->options;
    struct str body = STR("");
    enum err e = ledger_origin(f, node, v->origin);
    if (!e && o->upper_node)
        e = ledger_origin(f, o->upper_node, v->upper);
    if (e || !o->kept_note.n)
        return e;
    if (!o->upper_node || !o->upper_public_key)
        return fail_set(f, ERR_USAGE, "upper_node", "the kept head needs its signer's name and key");
    e = note_verify(f, o->kept_note, str_of(v->upper), o->upper_public_key, &body);
    if (!e)
        e = head_parse(f, body, &v->kept);
    if (!e && strcmp(v->kept.origin, v->origin) != 0)
        e = fail_set(f, ERR_MALFORMED, "origin", "the kept head is another log's");
    v->has_kept = !e;
    return e;
}

enum err ledger_verify(struct fail *f, struct db *db, const char *node,
                       const struct ledger_verify_options *options, struct ledger_verify_result *out)
{
    struct ledger_verify_result result = {.entries = 0};
    struct verify *v = memory_new(sizeof *v);
    if (!v)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    v->options = options;
    v->result = &result;
    v->head_after = -1;
    enum err e = prepare(v, f, node);
    if (!e)
        e = ledger_stream_new(f, db, &v->stream);
    if (!e)
        e = walk(v, f);
    ledger_stream_free(v->stream);
    memory_free(v->gone.items);
    memory_free(v->permitted.items);
    memory_free(v);
    if (!e)
        *out = result;
    return e;
}
