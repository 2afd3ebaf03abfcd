/* SPDX-License-Identifier: Apache-2.0 */
/* Somebody with full rights on the database tampers with it by raw SQL; verification must say what and where.
 */
#include "base/clock.h"
#include "ledger/ledger_tile.h"
#include "ledger/note.h"
#include "stores.h"
#include "test.h"
#include "test_key.h"

#include <sqlite3.h>

static const struct db_module *const modules[] = {&ledger_module};

enum { ENTRIES = 1000, FINDINGS_MAX = 8 };
static const size_t groups[] = {300, 300, 400}; /* a head after each */

struct log {
    struct key *key, *upper;
    uint8_t public_key[ED25519_PUBLIC], upper_public[ED25519_PUBLIC];
    const char *url;
    struct buf kept; /* the head of 600, co-signed */
    bool stopped;
    uint64_t referenced;
};

struct work {
    struct ledger *ledger;
    size_t count, from;
    const char *what; /* NULL: a search */
};

static enum err append_some(struct db_tx *tx, struct fail *f, void *arg)
{
    struct work *w = arg;
    for (size_t i = 0; i < w->count; i++) {
        char payload[32];
        int n = snprintf(payload, sizeof payload, "{\"case\":%zu}", w->from + i);
        enum err e =
            ledger_append(w->ledger, tx, f, LEDGER_OPERATION, w->what ? str_of(w->what) : STR("search"),
                          (struct str){payload, (size_t)n}, NULL);
        if (e)
            return e;
    }
    return ERR_OK;
}

static void log_grow(struct log *l, struct ledger *ledger, struct db *db, size_t count, size_t from)
{
    struct work w = {.ledger = ledger, .count = count, .from = from};
    struct buf note;
    buf_init(&note, 10000);
    assert_ok(db_transaction(db, NULL, append_some, &w));
    assert_ok(ledger_sign_head(ledger, NULL, &note));
    if (from + count == 600)
        assert_ok(note_cosign(NULL, l->upper, STR("juki/prefecture.28"), buf_str(&note), &l->kept));
    buf_release(&note);
}

static void log_make(struct log *l, const char *url)
{
    *l = (struct log){.url = url};
    struct db *db;
    struct ledger *ledger;
    size_t from = 0;
    l->key = test_key_new(l->public_key);
    l->upper = test_key_new(l->upper_public);
    buf_init(&l->kept, 10000);
    assert_ok(db_open(NULL, url, modules, 1, &db));
    assert_ok(ledger_open(NULL, db, "cs.282049", l->key, &ledger));
    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        log_grow(l, ledger, db, groups[i], from);
        from += groups[i];
    }
    db_close(db);
    ledger_free(ledger);
}

static void log_end(struct log *l)
{
    key_free(l->key);
    key_free(l->upper);
    buf_release(&l->kept);
}

struct seen {
    struct ledger_finding findings[FINDINGS_MAX];
    size_t count;
    uint64_t progress;
};

static void take(void *arg, const struct ledger_finding *finding)
{
    struct seen *s = arg;
    if (s->count < FINDINGS_MAX)
        s->findings[s->count] = *finding;
    s->count++;
}

static void take_progress(void *arg, uint64_t done, uint64_t total)
{
    struct seen *s = arg;
    (void)total;
    s->progress = done;
}

static struct ledger_verify_result verify(struct log *l, struct seen *seen)
{
    struct db *db;
    struct ledger_verify_result result;
    struct ledger_verify_options o = {.public_key = l->public_key,
                                      .kept_note = buf_str(&l->kept),
                                      .upper_node = "prefecture.28",
                                      .upper_public_key = l->upper_public,
                                      .report = take,
                                      .progress = take_progress,
                                      .stopped = l->stopped,
                                      .referenced = l->referenced,
                                      .arg = seen};
    *seen = (struct seen){.count = 0};
    assert_ok(db_open(NULL, l->url, modules, 1, &db));
    assert_ok(ledger_verify(NULL, db, "cs.282049", &o, &result));
    db_close(db);
    assert_int_equal(result.findings, seen->count);
    return result;
}

static void an_honest_log_verifies_on(const char *url)
{
    struct log l;
    struct seen seen;
    log_make(&l, url);
    struct ledger_verify_result r = verify(&l, &seen);
    assert_int_equal(r.entries, ENTRIES);
    assert_int_equal(r.heads, 3);
    assert_int_equal(r.findings, 0);
    assert_int_equal(seen.progress, ENTRIES);
    log_end(&l);
}

static void an_honest_log_verifies(void **state)
{
    (void)state;
    both_stores(an_honest_log_verifies_on);
}

static void run_sql(const char *url, const char *sql)
{
    sqlite3 *raw;
    char *error = NULL;
    assert_int_equal(sqlite3_open(url, &raw), SQLITE_OK);
    if (sqlite3_exec(raw, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", sql, error);
    sqlite3_close(raw);
}

struct lone {
    int64_t id;
    uint8_t salt[16];
    struct str body;
};

/* Takes a row apart as ledger_block.h writes it. */
static size_t split_row(struct body_packer *p, sqlite3_stmt *row, struct arena *a, struct lone *out)
{
    struct str content, packed = {sqlite3_column_blob(row, 3), (size_t)sqlite3_column_bytes(row, 3)};
    size_t entries = (size_t)sqlite3_column_int64(row, 4), at = entries > 1 ? 2 * entries : 0;
    assert_ok(body_unpack(p, NULL, sqlite3_column_int64(row, 1), packed, &content));
    assert_int_equal(sqlite3_column_bytes(row, 2), 16 * entries);
    for (size_t i = 0; i < entries; i++) {
        const uint8_t *length = (const uint8_t *)content.p + 2 * i;
        size_t n = entries > 1 ? (size_t)length[0] << 8 | length[1] : content.n;
        out[i].id = sqlite3_column_int64(row, 0) + (int64_t)i;
        memcpy(out[i].salt, (const char *)sqlite3_column_blob(row, 2) + 16 * i, 16);
        out[i].body = arena_copy(a, (struct str){content.p + at, n});
        at += n;
    }
    assert_int_equal(at, content.n);
    return entries;
}

static size_t read_all(sqlite3 *raw, struct arena *a, struct lone *out)
{
    sqlite3_stmt *read;
    struct body_packer *p;
    size_t count = 0;
    assert_ok(body_packer_new(NULL, &p));
    assert_int_equal(sqlite3_prepare_v2(raw,
                                        "SELECT id, form, salt, body, entries FROM ledger_entry ORDER BY id",
                                        -1, &read, NULL),
                     SQLITE_OK);
    while (sqlite3_step(read) == SQLITE_ROW)
        count += split_row(p, read, a, &out[count]);
    sqlite3_finalize(read);
    body_packer_free(p);
    return count;
}

/* Puts each entry into a row of its own, as they stood before there were blocks. */
static void make_lone(const char *url)
{
    static struct lone all[ENTRIES];
    struct arena a;
    sqlite3 *raw;
    sqlite3_stmt *add;
    arena_init(&a, 1 << 20);
    assert_int_equal(sqlite3_open(url, &raw), SQLITE_OK);
    size_t count = read_all(raw, &a, all);
    assert_int_equal(sqlite3_exec(raw, "BEGIN; DELETE FROM ledger_entry", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(raw, "INSERT INTO ledger_entry (id, form, salt, body) VALUES (?1, 0, ?2, ?3)", -1,
                           &add, NULL),
        SQLITE_OK);
    for (size_t i = 0; i < count; i++) {
        sqlite3_bind_int64(add, 1, all[i].id);
        sqlite3_bind_blob(add, 2, all[i].salt, sizeof all[i].salt, SQLITE_STATIC);
        sqlite3_bind_blob(add, 3, all[i].body.p, (int)all[i].body.n, SQLITE_STATIC);
        assert_int_equal(sqlite3_step(add), SQLITE_DONE);
        sqlite3_reset(add);
    }
    sqlite3_finalize(add);
    assert_int_equal(sqlite3_exec(raw, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(raw);
    arena_release(&a);
}

/* A log of rows of one entry each. */
static void log_make_lone(struct log *l, const char *url)
{
    log_make(l, url);
    make_lone(url);
}

#define CHANGE(at)                                                                                           \
    "UPDATE ledger_entry SET body = CAST('operation 2026-11-22T09:00:00.000000Z x' AS BLOB), form = 0 "      \
    "WHERE id = " #at ";"
#define DELETE(at) "DELETE FROM ledger_entry WHERE id = " #at ";"
#define NO_EDGE "DELETE FROM ledger_edge;"
/* Moves the ids above `at` by one, without meeting a taken one on the way. */
#define SHIFT(at, by)                                                                                        \
    "UPDATE ledger_entry SET id = -id WHERE id > " #at "; UPDATE ledger_entry SET id = -id + " #by           \
    " WHERE id < 0;"
#define INSERT(at)                                                                                           \
    "INSERT INTO ledger_entry (id, form, salt, body) VALUES (" #at ", 0, zeroblob(16), "                     \
    "CAST('operation 2026-11-22T09:00:00.000000Z x' AS BLOB));"

/* Places count from 0, ids from 1. Tiles stand over places 0..767; heads at 300, 600, 1000. */
struct tampering {
    const char *what, *sql;
    size_t count;
    struct {
        enum ledger_finding_kind kind;
        uint64_t first, last;
    } findings[4];
};
static const struct tampering rows[] = {
    {"nothing", "", 0, {{0, 0, 0}}},
    {"one changed", CHANGE(5), 1, {{LEDGER_CHANGED, 4, 4}}},
    {"the first changed", CHANGE(1), 1, {{LEDGER_CHANGED, 0, 0}}},
    {"the last under a tile changed", CHANGE(768), 1, {{LEDGER_CHANGED, 767, 767}}},
    {"two apart changed", CHANGE(5) CHANGE(500), 2, {{LEDGER_CHANGED, 4, 4}, {LEDGER_CHANGED, 499, 499}}},
    {"two neighbours changed", CHANGE(5) CHANGE(6), 1, {{LEDGER_CHANGED, 4, 5}}},
    {"only the salt",
     "UPDATE ledger_entry SET salt = zeroblob(16) WHERE id = 300;",
     1,
     {{LEDGER_CHANGED, 299, 299}}},
    {"not a body any more",
     "UPDATE ledger_entry SET form = 99 WHERE id = 300;",
     1,
     {{LEDGER_CHANGED, 299, 299}}},
    {"two swapped",
     "UPDATE ledger_entry SET id = -11 WHERE id = 11; UPDATE ledger_entry SET id = 11 WHERE id = 12;"
     "UPDATE ledger_entry SET id = 12 WHERE id = -11;",
     1,
     {{LEDGER_CHANGED, 10, 11}}},
    {"changed where no tile stands", CHANGE(900), 1, {{LEDGER_CHANGED, 899, 899}}},
    {"the last changed", CHANGE(1000), 1, {{LEDGER_CHANGED, 999, 999}}},
    {"changed where nothing promises", CHANGE(900) NO_EDGE, 1, {{LEDGER_RESEALED, 600, 999}}},
    {"inserted where no tile stands", SHIFT(899, 1) INSERT(900), 1, {{LEDGER_INSERTED, 899, 899}}},
    {"one deleted", DELETE(5), 1, {{LEDGER_MISSING, 4, 4}}},
    {"the first deleted", DELETE(1), 1, {{LEDGER_MISSING, 0, 0}}},
    {"forty deleted",
     "DELETE FROM ledger_entry WHERE id BETWEEN 101 AND 140;",
     1,
     {{LEDGER_MISSING, 100, 139}}},
    {"six hundred deleted",
     "DELETE FROM ledger_entry WHERE id BETWEEN 51 AND 650;",
     1,
     {{LEDGER_MISSING, 50, 649}}},
    {"one deleted where no tile stands", DELETE(900), 1, {{LEDGER_MISSING, 899, 899}}},
    {"one deleted, later ones moved up", DELETE(5) SHIFT(5, -1), 1, {{LEDGER_MISSING, 4, 4}}},
    {"one inserted", SHIFT(4, 1) INSERT(5), 1, {{LEDGER_INSERTED, 4, 4}}},
    {"one inserted in front", INSERT(0), 1, {{LEDGER_INSERTED, 0, 0}}},
    {"inserted here, deleted there",
     SHIFT(4, 1) INSERT(5) DELETE(500) SHIFT(500, -1),
     2,
     {{LEDGER_INSERTED, 4, 4}, {LEDGER_MISSING, 498, 498}}},
    {"changed, deleted and changed",
     CHANGE(5) DELETE(50) CHANGE(700),
     3,
     {{LEDGER_CHANGED, 4, 4}, {LEDGER_MISSING, 49, 49}, {LEDGER_CHANGED, 699, 699}}},
    {"a number changed",
     "UPDATE ledger_entry SET id = 1000000 WHERE id = 1000;",
     1,
     {{LEDGER_CHANGED, 999, 999}}},
    {"a body taken away",
     "UPDATE ledger_entry SET body = NULL WHERE id = 100;",
     1,
     {{LEDGER_BODY_GONE, 99, 99}}},
    {"bodies and salts taken away",
     "UPDATE ledger_entry SET body = NULL, salt = NULL WHERE id IN (100, 101, 103);",
     2,
     {{LEDGER_BODY_GONE, 99, 100}, {LEDGER_BODY_GONE, 102, 102}}},
    {"a body taken away where no tile stands",
     "UPDATE ledger_entry SET body = NULL WHERE id = 900;" CHANGE(950),
     2,
     {{LEDGER_CHANGED, 949, 949}, {LEDGER_BODY_GONE, 899, 899}}},
    {"a body taken away where nothing promises",
     "UPDATE ledger_entry SET body = NULL WHERE id = 900;" NO_EDGE,
     1,
     {{LEDGER_MISSING, 899, 899}}},
    {"the last deleted", DELETE(1000), 1, {{LEDGER_TRUNCATED, 999, 999}}},
    {"cut to 700", "DELETE FROM ledger_entry WHERE id > 700;", 1, {{LEDGER_TRUNCATED, 700, 999}}},
    {"cut to 700 with heads and tiles",
     "DELETE FROM ledger_entry WHERE id > 700; DELETE FROM ledger_head WHERE size > 700;"
     "DELETE FROM ledger_tile WHERE id > 1;" NO_EDGE,
     0,
     {{0, 0, 0}}},
    {"cut to 700 with heads and tiles, but the edge",
     "DELETE FROM ledger_entry WHERE id > 700; DELETE FROM ledger_head WHERE size > 700;"
     "DELETE FROM ledger_tile WHERE id > 1;",
     1,
     {{LEDGER_TRUNCATED, 700, 999}}},
    {"cut below what was co-signed",
     "DELETE FROM ledger_entry WHERE id > 500; DELETE FROM ledger_head WHERE size > 500;"
     "DELETE FROM ledger_tile WHERE id > 0;" NO_EDGE,
     1,
     {{LEDGER_TRUNCATED, 500, 599}}},
    {"every head deleted", "DELETE FROM ledger_head;", 1, {{LEDGER_HEAD_BAD, 0, 999}}},
    {"the newest head deleted",
     "DELETE FROM ledger_head WHERE size = 1000;",
     1,
     {{LEDGER_HEAD_BAD, 600, 999}}},
    {"all deleted",
     "DELETE FROM ledger_entry; DELETE FROM ledger_head; DELETE FROM ledger_tile;" NO_EDGE,
     1,
     {{LEDGER_TRUNCATED, 0, 599}}},
    {"a head's text changed",
     "UPDATE ledger_head SET note = replace(note, 'time ', 'time 1') WHERE size = 600;",
     1,
     {{LEDGER_HEAD_BAD, 600, 600}}},
    {"a head moved to another size",
     "UPDATE ledger_head SET size = 601 WHERE size = 600;",
     1,
     {{LEDGER_HEAD_BAD, 601, 601}}},
    {"a head that is no note",
     "UPDATE ledger_head SET note = 'x' WHERE size = 1000;",
     1,
     {{LEDGER_HEAD_BAD, 1000, 1000}}},
    {"a tile changed",
     "UPDATE ledger_tile SET hashes = zeroblob(8192) WHERE id = 1;",
     1,
     {{LEDGER_RESEALED, 256, 511}}},
    {"a tile's root changed",
     "UPDATE ledger_tile SET root = zeroblob(32) WHERE id = 1;",
     1,
     {{LEDGER_RESEALED, 256, 511}}},
    {"the edge changed",
     "UPDATE ledger_edge SET hashes = zeroblob(232 * 32);",
     1,
     {{LEDGER_RESEALED, 768, 999}}},
    {"the edge's root changed",
     "UPDATE ledger_edge SET root = zeroblob(32);",
     1,
     {{LEDGER_RESEALED, 768, 999}}},
    {"the edge's root changed, its head deleted",
     "UPDATE ledger_edge SET root = zeroblob(32); DELETE FROM ledger_head WHERE size = 1000;",
     2,
     {{LEDGER_RESEALED, 768, 999}, {LEDGER_HEAD_BAD, 600, 999}}},
    {"an upper tile before its time",
     "INSERT INTO ledger_tile SELECT 1 << 56, root, hashes FROM ledger_tile WHERE id = 0;",
     1,
     {{LEDGER_RESEALED, 0, 999}}},
    {"a tile deleted in front of others",
     "DELETE FROM ledger_tile WHERE id = 1;",
     1,
     {{LEDGER_RESEALED, 256, 511}}},
    {"the last tile deleted", "DELETE FROM ledger_tile WHERE id = 2;", 1, {{LEDGER_RESEALED, 512, 767}}},
};

/* The same of a log whose rows hold 128 entries each: 300, 300 and 400 of a commit make rows that begin at
 * the ids 1, 129, 257 (44 entries), 301, 429, 557 (44), 601, 729, 857, 985 (16). */
#define SALT_AT(n)                                                                                           \
    "CAST(substr(salt, 1, 16 * " #n ") || zeroblob(16) || substr(salt, 16 * " #n " + 17) AS BLOB)"
static const struct tampering block_rows[] = {
    {"nothing", "", 0, {{0, 0, 0}}},
    {"a row's body changed",
     "UPDATE ledger_entry SET body = zeroblob(100) WHERE id = 129;",
     1,
     {{LEDGER_CHANGED, 128, 255}}},
    {"one salt of a row changed",
     "UPDATE ledger_entry SET salt = " SALT_AT(2) " WHERE id = 129;",
     1,
     {{LEDGER_CHANGED, 130, 130}}},
    {"the first and the last salt of a row changed",
     "UPDATE ledger_entry SET salt = " SALT_AT(0) " WHERE id = 129; UPDATE ledger_entry SET salt = " SALT_AT(
         127) " WHERE id = 129;",
     2,
     {{LEDGER_CHANGED, 128, 128}, {LEDGER_CHANGED, 255, 255}}},
    {"a salt before a head changed",
     "UPDATE ledger_entry SET salt = " SALT_AT(43) " WHERE id = 257;",
     1,
     {{LEDGER_CHANGED, 299, 299}}},
    {"the last salt changed",
     "UPDATE ledger_entry SET salt = " SALT_AT(15) " WHERE id = 985;",
     1,
     {{LEDGER_CHANGED, 999, 999}}},
    {"a salt of a row cut off",
     "UPDATE ledger_entry SET salt = substr(salt, 17) WHERE id = 129;",
     1,
     {{LEDGER_CHANGED, 128, 255}}},
    {"a row deleted", "DELETE FROM ledger_entry WHERE id = 129;", 1, {{LEDGER_MISSING, 128, 255}}},
    {"a row deleted where no tile stands",
     "DELETE FROM ledger_entry WHERE id = 857;",
     1,
     {{LEDGER_MISSING, 856, 983}}},
    {"the last row deleted", "DELETE FROM ledger_entry WHERE id = 985;", 1, {{LEDGER_TRUNCATED, 984, 999}}},
    {"rows swapped",
     "UPDATE ledger_entry SET id = -1 WHERE id = 1; UPDATE ledger_entry SET id = 1 WHERE id = 129;"
     "UPDATE ledger_entry SET id = 129 WHERE id = -1;",
     2,
     {{LEDGER_MISSING, 0, 127}, {LEDGER_INSERTED, 128, 255}}},
    {"a row twice",
     "INSERT INTO ledger_entry SELECT 2, form, salt, body, entries FROM ledger_entry WHERE id = 1;",
     1,
     {{LEDGER_INSERTED, 1, 128}}},
    {"fewer entries than it holds",
     "UPDATE ledger_entry SET entries = 127 WHERE id = 129;",
     2,
     {{LEDGER_CHANGED, 128, 254}, {LEDGER_MISSING, 255, 255}}},
    {"no entries",
     "UPDATE ledger_entry SET entries = 0 WHERE id = 129;",
     2,
     {{LEDGER_CHANGED, 128, 128}, {LEDGER_MISSING, 129, 255}}},
    {"the last row with fewer entries",
     "UPDATE ledger_entry SET entries = 2 WHERE id = 985;",
     2,
     {{LEDGER_CHANGED, 984, 985}, {LEDGER_TRUNCATED, 986, 999}}},
    {"no salts, and one body left",
     "UPDATE ledger_entry SET salt = x'', form = 0, body = CAST(zeroblob(254) || x'000161' AS BLOB) "
     "WHERE id = 129;",
     1,
     {{LEDGER_CHANGED, 128, 255}}},
    {"lengths beyond the row's end",
     "UPDATE ledger_entry SET form = 0, body = CAST(replace(hex(zeroblob(128)), '0', 'z') AS BLOB) "
     "WHERE id = 129;",
     1,
     {{LEDGER_CHANGED, 128, 255}}},
    {"a row's body taken away",
     "UPDATE ledger_entry SET body = NULL, salt = NULL WHERE id = 129;",
     1,
     {{LEDGER_BODY_GONE, 128, 255}}},
    {"a row's number changed",
     "UPDATE ledger_entry SET id = 2000 WHERE id = 985;",
     1,
     {{LEDGER_CHANGED, 984, 984}}},
};

/* After a tampering of the log that `make` makes. */
static void assert_found(const struct tampering *t, void (*make)(struct log *l, const char *url))
{
    struct log l;
    struct seen seen;
    bool good = true;
    make(&l, sqlite_fresh());
    run_sql(l.url, t->sql);
    verify(&l, &seen);
    for (size_t k = 0; k < seen.count && k < FINDINGS_MAX; k++) {
        const struct ledger_finding *got = &seen.findings[k];
        bool equal = k < t->count && got->kind == t->findings[k].kind && got->first == t->findings[k].first &&
                     got->last == t->findings[k].last;
        if (!equal)
            print_error("%s: kind %d, %llu to %llu: %s\n", t->what, got->kind, (unsigned long long)got->first,
                        (unsigned long long)got->last, got->detail);
        good = good && equal;
    }
    if (!good || seen.count != t->count)
        fail_msg("%s: %zu findings instead of %zu", t->what, seen.count, t->count);
    log_end(&l);
}

static void each_tampering_is_found_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_found(&rows[i], log_make_lone);
}

static void each_tampering_of_a_block_is_found_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(block_rows); i++)
        assert_found(&block_rows[i], log_make);
}

/* What a database administrator can do who understands the tree: put hashes and root of the tile right again.
 */
static void reseal_tile(const char *url, unsigned tile)
{
    sqlite3 *raw;
    sqlite3_stmt *read, *write;
    struct sha256 hashes[TILE_WIDTH];
    size_t count = 0;
    assert_int_equal(sqlite3_open(url, &raw), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(
                         raw, "SELECT salt, body, form FROM ledger_entry WHERE id > ?1 ORDER BY id LIMIT 256",
                         -1, &read, NULL),
                     SQLITE_OK);
    sqlite3_bind_int64(read, 1, (int64_t)tile * TILE_WIDTH);
    struct body_packer *p;
    assert_ok(body_packer_new(NULL, &p));
    while (sqlite3_step(read) == SQLITE_ROW) {
        struct str body, packed = {sqlite3_column_blob(read, 1), (size_t)sqlite3_column_bytes(read, 1)};
        assert_ok(body_unpack(p, NULL, sqlite3_column_int64(read, 2), packed, &body));
        hashes[count++] = merkle_salted_leaf(sqlite3_column_blob(read, 0), body);
    }
    body_packer_free(p);
    sqlite3_finalize(read);
    assert_int_equal(count, TILE_WIDTH);
    struct sha256 root = merkle_root_of(hashes, TILE_WIDTH);
    assert_int_equal(sqlite3_prepare_v2(raw, "UPDATE ledger_tile SET hashes = ?2, root = ?3 WHERE id = ?1",
                                        -1, &write, NULL),
                     SQLITE_OK);
    sqlite3_bind_int64(write, 1, tile);
    sqlite3_bind_blob(write, 2, hashes, sizeof hashes, SQLITE_STATIC);
    sqlite3_bind_blob(write, 3, root.bytes, sizeof root.bytes, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(write), SQLITE_DONE);
    sqlite3_finalize(write);
    sqlite3_close(raw);
}

static void assert_one(const struct seen *seen, enum ledger_finding_kind kind, uint64_t first, uint64_t last)
{
    assert_int_equal(seen->count, 1);
    assert_int_equal(seen->findings[0].kind, kind);
    assert_int_equal(seen->findings[0].first, first);
    assert_int_equal(seen->findings[0].last, last);
}

static void tiles_made_to_fit_are_betrayed_by_the_heads(void **state)
{
    (void)state;
    struct log l;
    struct seen seen;
    log_make_lone(&l, sqlite_fresh());
    run_sql(l.url, CHANGE(400));
    reseal_tile(l.url, 1);
    verify(&l, &seen);
    assert_one(&seen, LEDGER_RESEALED, 300, 599);
    log_end(&l);
}

/* With the key of the log in hand, even the heads can be signed anew: what the upper server kept still tells.
 */
static void heads_signed_anew_are_betrayed_by_the_upper_server(void **state)
{
    (void)state;
    struct log l;
    struct seen seen;
    struct db *db;
    struct ledger *ledger;
    log_make_lone(&l, sqlite_fresh());
    run_sql(l.url, CHANGE(400) "DELETE FROM ledger_head;");
    reseal_tile(l.url, 1);
    assert_ok(db_open(NULL, l.url, modules, 1, &db));
    assert_ok(ledger_open(NULL, db, "cs.282049", l.key, &ledger));
    assert_ok(ledger_sign_head(ledger, NULL, NULL));
    db_close(db);
    ledger_free(ledger);
    verify(&l, &seen);
    assert_one(&seen, LEDGER_RESEALED, 0, 599);
    buf_clear(&l.kept);
    verify(&l, &seen);
    assert_int_equal(seen.count, 0); /* alone, the log cannot tell: this is why heads go up */
    log_end(&l);
}

/* One more entry in a log that nobody has open, and a head behind it or none. */
static void say(struct log *l, const char *what, bool seal)
{
    struct work w = {.count = 1, .what = what};
    struct db *db;
    assert_ok(db_open(NULL, l->url, modules, 1, &db));
    assert_ok(ledger_open(NULL, db, "cs.282049", l->key, &w.ledger));
    assert_ok(db_transaction(db, NULL, append_some, &w));
    if (seal)
        assert_ok(ledger_sign_head(w.ledger, NULL, NULL));
    db_close(db);
    ledger_free(w.ledger);
}

/* `what` is said in entry 1000 after the bodies of 100..199 and 300 were taken away. */
static const struct {
    const char *says[2];
    bool sealed;
    size_t count;
    struct {
        uint64_t first, last;
    } findings[3];
} retentions[] = {
    {{"retention deleted 100 199", "retention deleted 300 300"}, true, 0, {{0, 0}}},
    {{"retention deleted 0 500", "retention deleted 90 120"}, true, 0, {{0, 0}}},
    {{"retention deleted 100 199", "search"}, true, 1, {{300, 300}}},
    {{"retention deleted 110 149", "retention deleted 160 400"}, true, 2, {{100, 109}, {150, 159}}},
    {{"retention deleted 199 100", "retention deleted 300"}, true, 2, {{100, 199}, {300, 300}}},
    {{"retention deleted 100 5000", "search"}, true, 2, {{100, 199}, {300, 300}}},
    {{"retention deleted 0 500", "search"}, false, 2, {{100, 199}, {300, 300}}},
};

static void bodies_may_be_gone_where_an_entry_records_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(retentions); i++) {
        struct log l;
        struct seen seen;
        log_make_lone(&l, sqlite_fresh());
        run_sql(l.url,
                "UPDATE ledger_entry SET body = NULL, salt = NULL WHERE id BETWEEN 101 AND 200 OR id = 301;");
        for (size_t k = 0; k < 2; k++)
            say(&l, retentions[i].says[k], retentions[i].sealed);
        struct ledger_verify_result r = verify(&l, &seen);
        assert_int_equal(r.deleted, 101);
        assert_int_equal(r.behind, retentions[i].sealed ? 0 : 2);
        if (seen.count != retentions[i].count)
            fail_msg("%s: %zu findings", retentions[i].says[0], seen.count);
        for (size_t k = 0; k < seen.count; k++) {
            assert_int_equal(seen.findings[k].kind, LEDGER_BODY_GONE);
            assert_int_equal(seen.findings[k].first, retentions[i].findings[k].first);
            assert_int_equal(seen.findings[k].last, retentions[i].findings[k].last);
        }
        log_end(&l);
    }
}

struct deleting {
    struct ledger *ledger;
    uint64_t first, last;
};

static enum err delete_bodies(struct db_tx *tx, struct fail *f, void *arg)
{
    struct deleting *d = arg;
    return ledger_delete_bodies(d->ledger, tx, f, d->first, d->last);
}

struct reading {
    struct arena arena;
    uint64_t index;
    struct ledger_entry entry;
};

static enum err read_entry(struct db_tx *tx, struct fail *f, void *arg)
{
    struct reading *r = arg;
    return ledger_entry_read(tx, f, r->index, &r->arena, &r->entry);
}

/* Is the body gone, or the one that was appended? */
static void assert_deleted(struct db *db, uint64_t index, bool gone)
{
    struct reading r = {.index = index};
    char payload[32];
    snprintf(payload, sizeof payload, "{\"case\":%llu}", (unsigned long long)index);
    arena_init(&r.arena, 100000);
    assert_ok(db_read(db, NULL, read_entry, &r));
    if (gone)
        assert_null(r.entry.body.p);
    else
        assert_true(str_equal(r.entry.payload, str_of(payload)));
    arena_release(&r.arena);
}

/* Parts of rows, whole rows, and parts again of what is left. */
static const struct {
    uint64_t first, last;
    enum err err;
} deletions[] = {
    {70, 80, ERR_OK},
    {60, 140, ERR_OK},
    {0, 0, ERR_OK},
    {299, 300, ERR_OK},
    {75, 90, ERR_OK},
    {600, 767, ERR_OK},
    {2, 1, ERR_FIELD_RANGE},
    {700, 768, ERR_FIELD_RANGE},
    {5000, 5000, ERR_FIELD_RANGE},
};

static void deleted_bodies_are_gone_and_the_others_stay_on(const char *url)
{
    struct log l;
    struct seen seen;
    struct db *db;
    struct deleting d;
    bool gone[ENTRIES] = {false};
    size_t deleted = 0;
    log_make(&l, url);
    assert_ok(db_open(NULL, url, modules, 1, &db));
    assert_ok(ledger_open(NULL, db, "cs.282049", l.key, &d.ledger));
    for (size_t i = 0; i < COUNT_OF(deletions); i++) {
        d.first = deletions[i].first;
        d.last = deletions[i].last;
        assert_err(db_transaction(db, NULL, delete_bodies, &d), deletions[i].err);
        for (uint64_t k = d.first; !deletions[i].err && k <= d.last; k++)
            gone[k] = true;
    }
    for (size_t i = 0; i < ENTRIES; i++) {
        assert_deleted(db, i, gone[i]);
        deleted += gone[i];
    }
    assert_ok(ledger_sign_head(d.ledger, NULL, NULL));
    db_close(db);
    ledger_free(d.ledger);
    struct ledger_verify_result r = verify(&l, &seen);
    assert_int_equal(seen.count, 0);
    assert_int_equal(r.deleted, deleted);
    assert_int_equal(r.entries, ENTRIES + 6);
    log_end(&l);
}

static void deleted_bodies_are_gone_and_the_others_stay(void **state)
{
    (void)state;
    both_stores(deleted_bodies_are_gone_and_the_others_stay_on);
}

static void behind_a_clean_stop_nothing_may_stand(void **state)
{
    (void)state;
    struct log l;
    struct seen seen;
    log_make_lone(&l, sqlite_fresh());
    l.stopped = true;
    say(&l, "stopped", true);
    verify(&l, &seen);
    assert_int_equal(seen.count, 0);
    run_sql(l.url, INSERT(1002) INSERT(1003));
    assert_int_equal(verify(&l, &seen).behind, 0);
    assert_one(&seen, LEDGER_INSERTED, 1001, 1002);
    l.stopped = false;
    verify(&l, &seen);
    assert_one(&seen, LEDGER_INSERTED, 1001, 1002); /* a server that runs would have said "started" first */
    say(&l, "started version 1", true);
    verify(&l, &seen);
    assert_one(&seen, LEDGER_INSERTED, 1001, 1002); /* and sealing them does not help */
    log_end(&l);
}

static void behind_a_kill_entries_are_only_not_proved(void **state)
{
    (void)state;
    struct log l;
    struct seen seen;
    log_make_lone(&l, sqlite_fresh());
    l.stopped = true;
    say(&l, "stopped", true);
    say(&l, "started version 1", true);
    say(&l, NULL, false);
    assert_int_equal(verify(&l, &seen).behind, 1);
    assert_int_equal(seen.count, 0);
    log_end(&l);
    log_make_lone(&l, sqlite_fresh());
    say(&l, "stopped", true);
    say(&l, "started version 1", false);
    verify(&l, &seen);
    assert_int_equal(seen.count, 0);
    l.stopped = true; /* who was stopped does not start by himself */
    verify(&l, &seen);
    assert_one(&seen, LEDGER_INSERTED, 1001, 1001);
    log_end(&l);
}

/* Cut behind a head with everything that the ledger itself has: other tables still point behind the end. */
static void what_others_refer_to_must_be_there(void **state)
{
    (void)state;
    struct log l;
    struct seen seen;
    log_make_lone(&l, sqlite_fresh());
    run_sql(l.url, "DELETE FROM ledger_entry WHERE id > 600; DELETE FROM ledger_head WHERE size > 600;"
                   "DELETE FROM ledger_tile WHERE id > 1;" NO_EDGE);
    l.referenced = 600;
    verify(&l, &seen);
    assert_int_equal(seen.count, 0);
    l.referenced = 971;
    verify(&l, &seen);
    assert_one(&seen, LEDGER_TRUNCATED, 600, 970);
    log_end(&l);
}

/* More heads than one page; what changed where no tile stands lies between two of them. */
static void many_heads_narrow_the_place(void **state)
{
    (void)state;
    struct log l = {.url = sqlite_fresh()};
    struct seen seen;
    struct db *db;
    struct ledger *ledger;
    l.key = test_key_new(l.public_key);
    l.upper = test_key_new(l.upper_public);
    buf_init(&l.kept, 10000);
    assert_ok(db_open(NULL, l.url, modules, 1, &db));
    assert_ok(ledger_open(NULL, db, "cs.282049", l.key, &ledger));
    for (size_t i = 0; i < 150; i++)
        log_grow(&l, ledger, db, 3, i * 3);
    db_close(db);
    ledger_free(ledger);
    buf_clear(&l.kept);
    make_lone(l.url);
    struct ledger_verify_result r = verify(&l, &seen);
    assert_int_equal(r.heads, 150);
    assert_int_equal(r.findings, 0);
    run_sql(l.url, CHANGE(401));
    r = verify(&l, &seen);
    assert_int_equal(r.heads, 150);
    assert_one(&seen, LEDGER_CHANGED, 400, 400);
    run_sql(l.url, NO_EDGE);
    verify(&l, &seen);
    assert_one(&seen, LEDGER_CHANGED, 399, 401);
    log_end(&l);
}

/* Long enough for a tile of level 1. */
static void a_long_log_with_a_tampered_upper_tile(void **state)
{
    (void)state;
    struct log l = {.url = sqlite_fresh()};
    struct seen seen;
    struct db *db;
    struct ledger *ledger;
    l.key = test_key_new(l.public_key);
    l.upper = test_key_new(l.upper_public);
    buf_init(&l.kept, 10000);
    assert_ok(db_open(NULL, l.url, modules, 1, &db));
    assert_ok(ledger_open(NULL, db, "cs.282049", l.key, &ledger));
    int64_t start = clock_steady();
    for (size_t i = 0; i < 17; i++) {
        struct work w = {.ledger = ledger, .count = 4000, .from = i * 4000};
        assert_ok(db_transaction(db, NULL, append_some, &w));
    }
    int64_t appended = clock_steady();
    assert_ok(ledger_sign_head(ledger, NULL, NULL));
    db_close(db);
    ledger_free(ledger);
    int64_t verifying = clock_steady();
    struct ledger_verify_result r = verify(&l, &seen);
    print_message("%lld appends/s, %lld verified/s\n", (long long)(68000 * 1000000LL / (appended - start)),
                  (long long)(68000 * 1000000LL / (clock_steady() - verifying)));
    assert_int_equal(r.entries, 68000);
    assert_int_equal(r.findings, 0);
    run_sql(l.url, "UPDATE ledger_tile SET root = zeroblob(32) WHERE id = 1 << 56;");
    verify(&l, &seen);
    assert_one(&seen, LEDGER_RESEALED, 0, 65535);
    log_end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_log_verifies),
        cmocka_unit_test(each_tampering_is_found_with_its_place),
        cmocka_unit_test(each_tampering_of_a_block_is_found_with_its_place),
        cmocka_unit_test(tiles_made_to_fit_are_betrayed_by_the_heads),
        cmocka_unit_test(heads_signed_anew_are_betrayed_by_the_upper_server),
        cmocka_unit_test(bodies_may_be_gone_where_an_entry_records_it),
        cmocka_unit_test(deleted_bodies_are_gone_and_the_others_stay),
        cmocka_unit_test(behind_a_clean_stop_nothing_may_stand),
        cmocka_unit_test(behind_a_kill_entries_are_only_not_proved),
        cmocka_unit_test(what_others_refer_to_must_be_there),
        cmocka_unit_test(many_heads_narrow_the_place),
        cmocka_unit_test(a_long_log_with_a_tampered_upper_tile),
    };
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
