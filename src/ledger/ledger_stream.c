/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/ledger_stream.h"

#include "ledger/ledger_inside.h"
#include "ledger/ledger_sql.h"

enum {
    ROW_ROOM = STREAM_ROWS + STREAM_LOOKAHEAD,
    TILE_ROOM = STREAM_TILES + STREAM_LOOKAHEAD / TILE_WIDTH + 2
};

static int64_t read_one(struct db_tx *tx, struct fail *f, const struct db_stmt *stmt,
                        const struct db_value *value, size_t count, enum err *e)
{
    struct db_rows rows;
    int64_t number = 0;
    if (*e)
        return 0;
    db_query(tx, &rows, stmt, value, count);
    if (db_next(&rows))
        number = db_row_int(&rows, 0);
    *e = db_done(&rows, f);
    return number;
}

/* A row of another shape promises nothing. */
static enum err read_edge(struct db_tx *tx, struct fail *f, struct ledger_stream *s)
{
    struct db_rows rows;
    db_query(tx, &rows, &sql_ledger_edge_get, DB_NONE);
    if (db_next(&rows)) {
        int64_t first = db_row_int(&rows, 0);
        struct str root = db_row_bytes(&rows, 1), hashes = db_row_bytes(&rows, 2);
        size_t count = hashes.n / sizeof s->edge[0];
        if (first >= 0 && first % TILE_WIDTH == 0 && root.n == sizeof s->edge_root && count &&
            count < TILE_WIDTH && hashes.n % sizeof s->edge[0] == 0) {
            s->edge_first = (uint64_t)first;
            s->edge_end = s->edge_first + count;
            s->edge_count = s->edge_first == ledger_stream_tiled(s) ? count : 0;
            memcpy(&s->edge_root, root.p, root.n);
            memcpy(s->edge, hashes.p, hashes.n);
        }
    }
    return db_done(&rows, f);
}

static enum err read_bounds(struct db_tx *tx, struct fail *f, void *arg)
{
    struct ledger_stream *s = arg;
    int64_t entries;
    s->newest_head = -1;
    s->edge_count = 0;
    s->edge_end = 0;
    enum err e = ledger_last_id(tx, f, &s->last_id, &entries);
    s->entries = (uint64_t)entries;
    s->last_tile = read_one(tx, f, &sql_ledger_tile_last, DB(db_int(tile_id(1, 0))), &e);
    for (unsigned level = 1; level < TILE_LEVELS; level++) {
        int64_t last = read_one(tx, f, &sql_ledger_tile_last, DB(db_int(tile_id(level + 1, 0))), &e);
        s->upper_tiles[level] = last < tile_id(level, 0) ? 0 : (uint64_t)(last - tile_id(level, 0)) + 1;
    }
    if (!e)
        e = read_edge(tx, f, s);
    if (!e)
        e = ledger_head_read_newest(tx, f, NULL, &s->newest_head, NULL);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err ledger_stream_new(struct fail *f, struct db *db, struct ledger_stream **out)
{
    struct ledger_stream *s = memory_new(sizeof *s);
    if (!s)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    s->db = db;
    s->row_id = INT64_MIN;
    s->rows = memory_new(ROW_ROOM * sizeof *s->rows);
    s->wants = memory_new(TILE_ROOM * TILE_WIDTH * sizeof *s->wants);
    enum err e = s->rows && s->wants ? body_packer_new(f, &s->packer) : fail_set(f, ERR_MEMORY, NULL, NULL);
    if (!e)
        e = db_read(db, f, read_bounds, s);
    if (e)
        ledger_stream_free(s);
    else
        *out = s;
    return e;
}

void ledger_stream_free(struct ledger_stream *s)
{
    if (!s)
        return;
    body_packer_free(s->packer);
    memory_free(s->rows);
    memory_free(s->wants);
    memory_free(s);
}

/* The entries by which a log speaks about itself: "started ...", "stopped", "retention deleted FIRST LAST".
 */
static void read_says(struct stream_row *row, struct str body)
{
    const struct str deleted = STR("retention deleted ");
    struct str what, part, first;
    if (!str_starts(body, STR("operation ")) || !str_cut(&body, '\n', &what) || !str_cut(&what, ' ', &part) ||
        !str_cut(&what, ' ', &part))
        return; /* the stamp is not looked at: this is asked of every entry */
    if (str_starts(what, STR("started ")))
        row->says = SAYS_STARTED;
    else if (str_equal(what, STR("stopped")))
        row->says = SAYS_STOPPED;
    if (!str_starts(what, deleted))
        return;
    what = (struct str){what.p + deleted.n, what.n - deleted.n};
    if (str_cut(&what, ' ', &first) && str_to_uint(first, INT64_MAX, &row->deleted_first) &&
        str_to_uint(what, INT64_MAX, &row->deleted_last))
        row->says = SAYS_DELETED;
}

static void read_entry(struct stream_row *row, const struct row_entry *entry)
{
    *row = (struct stream_row){.id = entry->id, .gone = entry->gone};
    if (entry->gone)
        return;
    row->leaf = merkle_salted_leaf(entry->salt, entry->body);
    read_says(row, entry->body);
}

/* Appends a row's entries. Those of a row that cannot be read agree with no promise. */
static size_t read_row(struct ledger_stream *s, const struct db_rows *rows, struct stream_row *out)
{
    const int64_t far = (int64_t)1 << 60; /* no tampered number may make a sum overflow */
    struct row_reader r;
    struct row_entry entry;
    size_t n = 0;
    bool readable = !row_reader_init(&r, NULL, rows, s->packer);
    r.id = r.id > -far ? r.id < far ? r.id : far : -far;
    if (readable)
        while (row_reader_next(&r, &entry))
            read_entry(&out[n++], &entry);
    else
        for (; n < r.count; n++)
            out[n] = (struct stream_row){.id = r.id + (int64_t)n};
    return n;
}

static enum err read_rows(struct db_tx *tx, struct fail *f, void *arg)
{
    struct ledger_stream *s = arg;
    struct db_rows rows;
    size_t end = s->row_count;
    int64_t id = s->row_id; /* taken over at the end, as the rest: a lost snapshot runs this again */
    bool more = true;
    db_query(tx, &rows, &sql_ledger_entry_page, DB(db_int(s->row_id), db_int(s->last_id), db_int(ROW_ROOM)));
    while (end + BLOCK_ENTRIES_MOST <= ROW_ROOM && (more = db_next(&rows))) {
        id = db_row_int(&rows, 0);
        end += read_row(s, &rows, &s->rows[end]);
    }
    enum err e = db_done(&rows, f);
    if (e)
        return e;
    s->rows_ended = !more;
    s->row_id = id;
    s->row_count = end;
    return ERR_OK;
}

/* The edge stands in the wants like a tile of which only the first leaves are known. */
static void put_edge(struct ledger_stream *s, uint64_t first_tile, size_t tiles, struct stream_want *wants)
{
    uint64_t tile = s->edge_first / TILE_WIDTH - first_tile;
    if (!s->edge_count || tile >= tiles)
        return;
    s->roots[s->want_count / TILE_WIDTH + tile] = s->edge_root;
    for (size_t i = 0; i < s->edge_count; i++)
        wants[tile * TILE_WIDTH + i] = (struct stream_want){s->edge[i], true};
}

static enum err read_tiles(struct db_tx *tx, struct fail *f, void *arg)
{
    struct ledger_stream *s = arg;
    struct db_rows rows;
    uint64_t first = s->want_base / TILE_WIDTH + s->want_count / TILE_WIDTH;
    size_t room = TILE_ROOM - s->want_count / TILE_WIDTH;
    int64_t last = (int64_t)(first + room) - 1;
    int64_t most = s->edge_count ? s->last_tile + 1 : s->last_tile;
    last = last < most ? last : most;
    size_t tiles = last >= (int64_t)first ? (size_t)(last - (int64_t)first + 1) : 0;
    struct stream_want *wants = s->wants + s->want_count;
    memset(wants, 0, tiles * TILE_WIDTH * sizeof *wants);
    db_query(tx, &rows, &sql_ledger_tile_page,
             DB(db_int((int64_t)first - 1), db_int(last), db_int((int64_t)room)));
    while (db_next(&rows)) {
        size_t tile = (size_t)(db_row_int(&rows, 0) - (int64_t)first);
        struct str root = db_row_bytes(&rows, 1), hashes = db_row_bytes(&rows, 2);
        if (tile >= tiles || root.n != sizeof wants->hash || hashes.n != TILE_WIDTH * sizeof wants->hash)
            continue;
        memcpy(&s->roots[s->want_count / TILE_WIDTH + tile], root.p, root.n);
        for (size_t i = 0; i < TILE_WIDTH; i++) {
            struct stream_want *want = &wants[tile * TILE_WIDTH + i];
            memcpy(&want->hash, hashes.p + i * sizeof want->hash, sizeof want->hash);
            want->known = true;
        }
    }
    put_edge(s, first, tiles, wants);
    enum err e = db_done(&rows, f);
    if (!e)
        s->want_count += tiles * TILE_WIDTH;
    return e;
}

static void drop_passed(struct ledger_stream *s)
{
    size_t tiles = (size_t)(s->place / TILE_WIDTH - s->want_base / TILE_WIDTH);
    size_t left = s->row_count - s->row_at;
    memmove(s->rows, s->rows + s->row_at, left * sizeof *s->rows);
    s->row_at = 0;
    s->row_count = left;
    if (tiles * TILE_WIDTH > s->want_count)
        tiles = s->want_count / TILE_WIDTH;
    memmove(s->wants, s->wants + tiles * TILE_WIDTH, (s->want_count - tiles * TILE_WIDTH) * sizeof *s->wants);
    memmove(s->roots, s->roots + tiles, (TILE_ROOM - tiles) * sizeof s->roots[0]);
    s->want_count -= tiles * TILE_WIDTH;
    s->want_base += tiles * TILE_WIDTH;
}

enum err ledger_stream_fill(struct ledger_stream *s, struct fail *f)
{
    bool rows_low = !s->rows_ended && s->row_count - s->row_at < STREAM_LOOKAHEAD;
    uint64_t want_end = s->want_base + s->want_count;
    bool wants_low = want_end < ledger_stream_promised(s) && want_end < s->place + STREAM_LOOKAHEAD;
    if (!rows_low && !wants_low)
        return ERR_OK;
    drop_passed(s);
    enum err e = rows_low ? db_read(s->db, f, read_rows, s) : ERR_OK;
    if (!e && wants_low)
        e = db_read(s->db, f, read_tiles, s);
    return e;
}

const struct stream_row *ledger_stream_row(const struct ledger_stream *s, size_t k)
{
    return s->row_at + k < s->row_count ? &s->rows[s->row_at + k] : NULL;
}

const struct stream_want *ledger_stream_want(const struct ledger_stream *s, size_t k)
{
    static const struct stream_want unknown = {.known = false};
    uint64_t at = s->place - s->want_base + k;
    return at < s->want_count ? &s->wants[at] : &unknown;
}

uint64_t ledger_stream_tiled(const struct ledger_stream *s)
{
    return (uint64_t)(s->last_tile + 1) * TILE_WIDTH;
}

uint64_t ledger_stream_promised(const struct ledger_stream *s)
{
    return ledger_stream_tiled(s) + s->edge_count;
}

const struct sha256 *ledger_stream_root(const struct ledger_stream *s, uint64_t tile)
{
    uint64_t at = tile - s->want_base / TILE_WIDTH; /* huge for a tile before the base */
    return (int64_t)tile <= s->last_tile && at < s->want_count / TILE_WIDTH && s->wants[at * TILE_WIDTH].known
               ? &s->roots[at]
               : NULL;
}

/* The promises of the present tile; NULL when it has none. */
static struct stream_want *present_tile(const struct ledger_stream *s, size_t *tile)
{
    *tile = (size_t)((s->place - s->want_base) / TILE_WIDTH);
    return *tile * TILE_WIDTH < s->want_count && s->wants[*tile * TILE_WIDTH].known
               ? &s->wants[*tile * TILE_WIDTH]
               : NULL;
}

bool ledger_stream_tile_is_whole(const struct ledger_stream *s, size_t *count)
{
    size_t tile;
    const struct stream_want *wants = present_tile(s, &tile);
    struct merkle_frontier t = {0};
    *count = 0;
    if (!wants)
        return true;
    for (; *count < TILE_WIDTH && wants[*count].known; (*count)++)
        merkle_append(&t, wants[*count].hash);
    return sha256_equal(merkle_root(&t), s->roots[tile]);
}

void ledger_stream_distrust_tile(struct ledger_stream *s)
{
    size_t tile;
    struct stream_want *wants = present_tile(s, &tile);
    for (size_t i = 0; wants && i < TILE_WIDTH; i++)
        wants[i].known = false;
}
