/* SPDX-License-Identifier: Apache-2.0 */
/* What a server exports, juki-verify proves; and whatever is changed on the way, it refuses. */
#include "base/encode.h"
#include "base/file.h"
#include "base/json.h"
#include "keys/jws.h"
#include "ledger/evidence.h"
#include "ledger/ledger.h"
#include "stores.h"
#include "test.h"
#include "test_key.h"

#include <fcntl.h>
#include <sys/wait.h>

static const struct db_module *const modules[] = {&ledger_module};

struct work {
    struct ledger *ledger;
    size_t count;
};

static enum err append_some(struct db_tx *tx, struct fail *f, void *arg)
{
    struct work *w = arg;
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < w->count; i++)
        e = ledger_append(w->ledger, tx, f, LEDGER_COMMUNICATION, STR("notice sent"),
                          i % 7 ? STR("{\"name\":\"\xe5\xb1\xb1\xe7\x94\xb0 \\\"\xe8\x8a\xb1\\\"\"}\n") : STR("\xff\x00 bytes"),
                          NULL);
    return e;
}

struct exported {
    struct key *key;
    uint8_t public_key[ED25519_PUBLIC];
    char path[64];
    struct buf kept;  /* the head of 300 */
    struct buf lines; /* the export from entry 0 */
    struct db *db;
    struct ledger *ledger;
};

static void grow(struct exported *x, size_t count, struct buf *head)
{
    struct work w = {x->ledger, count};
    assert_ok(db_transaction(x->db, NULL, append_some, &w));
    assert_ok(ledger_sign_head(x->ledger, NULL, head));
}

static void export_from(struct exported *x, uint64_t first)
{
    int fd = open(x->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_ok(ledger_export(NULL, x->db, "cs.282049", first, fd));
    close(fd);
    buf_clear(&x->lines);
    assert_ok(file_read(NULL, x->path, &x->lines));
}

static void exported_make(struct exported *x, const char *url)
{
    x->key = test_key_new(x->public_key);
    snprintf(x->path, sizeof x->path, "/tmp/juki-export-%d.jsonl", (int)getpid());
    buf_init(&x->kept, 100000);
    buf_init(&x->lines, 1 << 24);
    assert_ok(db_open(NULL, url, modules, 1, &x->db));
    assert_ok(ledger_open(NULL, x->db, "cs.282049", x->key, &x->ledger));
    grow(x, 300, &x->kept);
    grow(x, 900, NULL);
    struct work unsigned_tail = {x->ledger, 5}; /* no head counts these: they stay out */
    assert_ok(db_transaction(x->db, NULL, append_some, &unsigned_tail));
    export_from(x, 0);
}

static void exported_end(struct exported *x)
{
    unlink(x->path);
    db_close(x->db);
    ledger_free(x->ledger);
    key_free(x->key);
    buf_release(&x->kept);
    buf_release(&x->lines);
}

struct seen {
    struct evidence_finding first;
    size_t count;
};

static void take(void *arg, const struct evidence_finding *finding)
{
    struct seen *s = arg;
    if (!s->count++)
        s->first = *finding;
}

static enum err check(struct exported *x, struct str text, struct evidence_log *log, struct seen *seen)
{
    struct str kept = buf_str(&x->kept);
    struct evidence_log_options o = {x->public_key, &kept, kept.n != 0, take, seen};
    FILE *in = tmpfile();
    assert_non_null(in);
    assert_int_equal(fwrite(text.p, 1, text.n, in), text.n);
    rewind(in);
    seen->count = 0;
    enum err e = evidence_check_log(NULL, in, &o, log);
    fclose(in);
    return e;
}

static void an_export_proves_itself_on(const char *url)
{
    struct exported x;
    struct evidence_log log;
    struct seen seen = {.count = 0};
    exported_make(&x, url);
    assert_ok(check(&x, buf_str(&x.lines), &log, &seen));
    assert_int_equal(log.findings, 0);
    assert_int_equal(log.entries, 1200);
    assert_int_equal(log.heads, 2);
    assert_int_equal(log.size, 1200);
    assert_string_equal(log.node, "cs.282049");
    buf_clear(&x.kept);
    for (uint64_t first = 1; first <= 1200; first += first < 250 ? 83 : 475) {
        export_from(&x, first);
        assert_ok(check(&x, buf_str(&x.lines), &log, &seen));
        assert_int_equal(log.findings, 0);
        assert_int_equal(log.first, first);
        assert_int_equal(log.entries, 1200 - first);
    }
    assert_err(ledger_export(NULL, x.db, "cs.282049", 1201, 1), ERR_FIELD_RANGE);
    exported_end(&x);
}

static void an_export_proves_itself(void **state)
{
    (void)state;
    both_stores(an_export_proves_itself_on);
}

/* The export with line `number` (from 0) left out (from NULL), doubled (to NULL), or its first `from` replaced by `to`. */
static void edit(const struct exported *x, size_t number, const char *from, const char *to, struct buf *out)
{
    struct str rest = buf_str(&x->lines), line;
    buf_clear(out);
    for (size_t i = 0; rest.n && str_cut(&rest, '\n', &line); i++) {
        if (i == number && from && !to) {
            buf_add_str(out, line);
            buf_add_char(out, '\n');
        }
        const char *at = i == number && from && to ? memmem(line.p, line.n, from, strlen(from)) : NULL;
        if (i == number && from && to)
            assert_non_null(at);
        if (i == number && !from)
            continue;
        buf_add(out, line.p, at ? (size_t)(at - line.p) : line.n);
        if (at) {
            buf_add_str(out, str_of(to));
            buf_add(out, at + strlen(from), (size_t)(line.p + line.n - at) - strlen(from));
        }
        buf_add_char(out, '\n');
    }
}

/* Line 0 is the start; entry i is line i + 1 up to entry 299, then the head of 300 stands between. */
static const struct {
    const char *what;
    size_t line;
    const char *from, *to;
    enum err want;
    const char *kind;
    uint64_t first, last;
    bool only; /* nothing else is found */
} edits[] = {
    {"a body changed", 11, "sent", "kept", ERR_OK, "changed", 0, 299, false},
    {"a later body changed", 901, "sent", "kept", ERR_OK, "changed", 300, 1199, false},
    {"an entry left out", 11, NULL, NULL, ERR_OK, "missing", 10, 10, true},
    {"the last before a head left out", 300, NULL, NULL, ERR_OK, "truncated", 299, 299, true},
    {"the last of all left out", 1201, NULL, NULL, ERR_OK, "truncated", 1199, 1199, true},
    {"an entry doubled", 11, "", NULL, ERR_OK, "inserted", 10, 10, true},
    {"the last before a head doubled", 300, "", NULL, ERR_OK, "inserted", 299, 299, true},
    {"a head doubled", 301, "", NULL, ERR_OK, NULL, 0, 0, true},
    {"an entry renumbered", 11, "\"index\":10", "\"index\":11", ERR_OK, "missing", 10, 10, false},
    {"the last head left out", 1202, NULL, NULL, ERR_OK, "truncated", 1200, 1200, false},
    {"a head changed", 301, "time", "Time", ERR_OK, "head_bad", 300, 300, false},
    {"another node", 0, "cs.282049", "cs.282057", ERR_OK, "head_bad", 300, 300, false},
    {"another start", 0, "\"first\":0", "\"first\":1", ERR_MALFORMED, NULL, 0, 0, false},
    {"another version", 0, "\"juki_log\":1", "\"juki_log\":2", ERR_FIELD_RANGE, NULL, 0, 0, false},
    {"not JSON", 11, "{", "(", ERR_JSON, NULL, 0, 0, false},
    {"a salt too short", 11, "\"salt\":\"", "\"salt\":\"AAAA\",\"x\":\"", ERR_MALFORMED, NULL, 0, 0, false},
    {"no salt", 11, "\"salt\"", "\"malt\"", ERR_FIELD_MISSING, NULL, 0, 0, false},
    {"no body", 11, "\"body\"", "\"bode\"", ERR_FIELD_MISSING, NULL, 0, 0, false},
};

static void every_edit_of_an_export_is_found(void **state)
{
    (void)state;
    struct exported x;
    struct buf edited;
    exported_make(&x, sqlite_fresh());
    buf_clear(&x.kept);
    buf_init(&edited, 1 << 24);
    for (size_t i = 0; i < COUNT_OF(edits); i++) {
        struct evidence_log log = {.size = 0};
        struct seen seen = {.count = 0};
        edit(&x, edits[i].line, edits[i].from, edits[i].to, &edited);
        enum err e = check(&x, buf_str(&edited), &log, &seen);
        if (e != edits[i].want)
            fail_msg("%s: %s", edits[i].what, err_row(e)->name);
        if (edits[i].only && seen.count != (edits[i].kind != NULL))
            fail_msg("%s: %zu findings", edits[i].what, seen.count);
        if (edits[i].kind && (!seen.count || strcmp(seen.first.kind, edits[i].kind) ||
                              seen.first.first != edits[i].first || seen.first.last != edits[i].last))
            fail_msg("%s: %s %llu to %llu", edits[i].what, seen.first.kind, (unsigned long long)seen.first.first,
                     (unsigned long long)seen.first.last);
    }
    buf_release(&edited);
    exported_end(&x);
}

/* The owner of the key makes another log of the same node: only what was kept elsewhere betrays it. */
static void a_kept_head_betrays_a_second_log(void **state)
{
    (void)state;
    struct exported x;
    struct evidence_log log;
    struct seen seen = {.count = 0};
    struct db *db = NULL;
    exported_make(&x, sqlite_fresh());
    struct db *first = x.db;
    struct ledger *first_ledger = x.ledger;
    assert_ok(db_open(NULL, sqlite_fresh(), modules, 1, &db));
    x.db = db;
    assert_ok(ledger_open(NULL, db, "cs.282049", x.key, &x.ledger));
    grow(&x, 100, NULL);
    export_from(&x, 0);
    assert_ok(check(&x, buf_str(&x.lines), &log, &seen));
    assert_string_equal(seen.first.kind, "truncated");
    grow(&x, 300, NULL);
    export_from(&x, 0);
    assert_ok(check(&x, buf_str(&x.lines), &log, &seen));
    assert_string_equal(seen.first.kind, "fork");
    buf_clear(&x.kept);
    assert_ok(check(&x, buf_str(&x.lines), &log, &seen));
    assert_int_equal(seen.count, 0);
    db_close(first);
    ledger_free(first_ledger);
    exported_end(&x);
}

/* A batch of seven invented notices, and the evidence of the fourth. */
enum { BATCH = 7, SHOWN = 3, KIND = 0x0102, VERSION = 3 };

static struct sha256 batch_leaf(size_t i)
{
    char bytes[64];
    int n = snprintf(bytes, sizeof bytes, "%c%c%c%c{\"number\":%zu}", 1, 2, 0, 3, i);
    return merkle_leaf((struct str){bytes, (size_t)n});
}

static enum err batch_node(void *self, struct fail *f, unsigned level, uint64_t index, struct sha256 *out)
{
    (void)f;
    *out = merkle_root_of((struct sha256 *)self + (index << level), (size_t)1 << level);
    return ERR_OK;
}

static void add_hash(struct buf *out, const char *key, struct sha256 h)
{
    struct buf b;
    buf_init(&b, 100);
    encode_base64(&b, h.bytes, sizeof h.bytes);
    json_add_text(out, key, buf_str(&b));
    buf_release(&b);
}

static void write_notice(struct key *key, struct buf *out)
{
    struct sha256 leaves[BATCH];
    struct merkle_proof path;
    struct merkle_source source = {batch_node, leaves};
    struct buf header, jws, payload;
    buf_init(&header, 1000);
    buf_init(&jws, 2000);
    buf_init(&payload, 100);
    for (size_t i = 0; i < BATCH; i++)
        leaves[i] = batch_leaf(i);
    assert_ok(merkle_prove_inclusion(NULL, &source, SHOWN, BATCH, &path));
    json_begin(&header, NULL, '{');
    json_add_text(&header, "origin", STR("cs.282049"));
    json_add_text(&header, "destination", STR("prefecture.28"));
    json_add_int(&header, "epoch", 1);
    json_add_int(&header, "first", 100);
    json_add_int(&header, "count", BATCH);
    add_hash(&header, "root", merkle_root_of(leaves, BATCH));
    add_hash(&header, "previous", sha256_of(STR("")));
    json_end(&header, '}');
    assert_ok(jws_sign(NULL, key, STR("cs.282049"), buf_str(&header), &jws));
    encode_base64(&payload, "{\"number\":3}", 12);
    json_begin(out, NULL, '{');
    json_add_text(out, "node", STR("cs.282049"));
    json_begin(out, "notice", '{');
    json_add_int(out, "kind", KIND);
    json_add_int(out, "version", VERSION);
    json_add_text(out, "payload", buf_str(&payload));
    json_end(out, '}');
    json_add_int(out, "index", SHOWN);
    json_add_int(out, "count", BATCH);
    json_begin(out, "path", '[');
    for (size_t i = 0; i < path.count; i++)
        add_hash(out, NULL, path.hashes[i]);
    json_end(out, ']');
    json_add_text(out, "header", buf_str(&jws));
    json_end(out, '}');
    buf_release(&header);
    buf_release(&jws);
    buf_release(&payload);
}

static void a_notice_is_proved_alone(void **state)
{
    (void)state;
    uint8_t public_key[ED25519_PUBLIC], other[ED25519_PUBLIC];
    struct key *key = test_key_new(public_key), *stranger = test_key_new(other);
    struct evidence_notice n;
    struct arena a;
    struct buf text, edited;
    static const struct {
        const char *from, *to;
        enum err want;
    } changes[] = {
        {"\"kind\":258", "\"kind\":259", ERR_PROOF},     {"\"version\":3", "\"version\":4", ERR_PROOF},
        {"\"index\":3", "\"index\":2", ERR_PROOF},       {"\"index\":3", "\"index\":7", ERR_PROOF},
        {"\"count\":7", "\"count\":8", ERR_PROOF},       {"\"header\":\"eyJ", "\"header\":\"eyA", ERR_SIGNATURE_FORM},
        {"cs.282049", "cs.282057", ERR_SIGNATURE_FORM},       {"\"payload\":\"ey", "\"payload\":\"fy", ERR_PROOF},
        {"\"path\":[", "\"path\":[\"AAAA\",", ERR_MALFORMED}, {"\"path\":[", "\"path\":7,\"x\":[", ERR_FIELD_TYPE},
        {"\"kind\":258", "\"kind\":65794", ERR_FIELD_RANGE},  {"\"header\"", "\"heading\"", ERR_FIELD_MISSING},
    };
    arena_init(&a, 1 << 20);
    buf_init(&text, 10000);
    buf_init(&edited, 10000);
    write_notice(key, &text);
    assert_ok(evidence_check_notice(NULL, buf_str(&text), public_key, &a, &n));
    assert_string_equal(n.destination, "prefecture.28");
    assert_int_equal(n.sequence, 103);
    assert_str(n.payload, "{\"number\":3}");
    assert_err(evidence_check_notice(NULL, buf_str(&text), other, &a, &n), ERR_SIGNATURE);
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        const char *at = strstr(text.p, changes[i].from);
        assert_non_null(at);
        buf_clear(&edited);
        buf_add(&edited, text.p, (size_t)(at - text.p));
        buf_add_str(&edited, str_of(changes[i].to));
        buf_add_str(&edited, str_of(at + strlen(changes[i].from)));
        enum err e = evidence_check_notice(NULL, buf_str(&edited), public_key, &a, &n);
        if (e != changes[i].want)
            fail_msg("%s: %s", changes[i].to, err_row(e)->name);
    }
    buf_release(&text);
    buf_release(&edited);
    arena_release(&a);
    key_free(key);
    key_free(stranger);
}

/* The program itself: exit codes and the one-object answer. */
static int program(const char *arguments)
{
    char line[1000];
    snprintf(line, sizeof line, "%s/src/program/juki-verify %s >/dev/null 2>&1", getenv("JUKI_BUILD"), arguments);
    int status = system(line);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void put(const char *path, struct str text)
{
    assert_ok(file_write(NULL, path, text, 0600));
}

static void the_program_answers_by_its_exit(void **state)
{
    (void)state;
    struct exported x;
    struct buf hex, receipt, jws;
    char folder[] = "/tmp/juki-verify-XXXXXX", line[600];
    exported_make(&x, sqlite_fresh());
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    buf_init(&hex, 100);
    buf_init(&receipt, 10000);
    buf_init(&jws, 10000);
    encode_hex(&hex, x.public_key, sizeof x.public_key);
    buf_add_char(&hex, '\n');
    put("key", buf_str(&hex));
    hex.n--;
    put("log", buf_str(&x.lines));
    put("kept", buf_str(&x.kept));
    write_notice(x.key, &receipt);
    put("notice", buf_str(&receipt));
    assert_ok(jws_sign(NULL, x.key, STR("cs.282049"), STR("{\"watermark\":7}"), &jws));
    buf_clear(&receipt);
    json_begin(&receipt, NULL, '{');
    json_add_text(&receipt, "node", STR("cs.282049"));
    json_add_text(&receipt, "receipt", buf_str(&jws));
    json_end(&receipt, '}');
    put("receipt", buf_str(&receipt));
    assert_int_equal(program("--help"), 0);
    assert_int_equal(program(""), 2);
    assert_int_equal(program("sing log --key key"), 2);
    assert_int_equal(program("log log"), 2);
    assert_int_equal(program("log log --key kept"), 2);
    assert_int_equal(program("log nothing --key key"), 2);
    assert_int_equal(program("log log --key key --kept kept"), 0);
    assert_int_equal(program("log log --key key --json"), 0);
    snprintf(line, sizeof line, "log log --key %.*s", STR_ARG(buf_str(&hex)));
    assert_int_equal(program(line), 0);
    assert_int_equal(program("notice notice --key key"), 0);
    assert_int_equal(program("receipt receipt --key key"), 0);
    assert_int_equal(program("receipt notice --key key"), 1);
    assert_int_equal(program("head kept --key cs.282049=key"), 0);
    assert_int_equal(program("head kept --key juki/cs.282049=key"), 0);
    assert_int_equal(program("head kept --key cs.282057=key"), 1);
    assert_int_equal(program("head kept --key key"), 2);
    hex.p[0] = hex.p[0] == '0' ? '1' : '0';
    snprintf(line, sizeof line, "log log --key %.*s", STR_ARG(buf_str(&hex)));
    assert_int_equal(program(line), 1);
    static const char *const names[] = {"key", "log", "kept", "notice", "receipt"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        unlink(names[i]);
    assert_int_equal(chdir("/"), 0);
    rmdir(folder);
    buf_release(&hex);
    buf_release(&receipt);
    buf_release(&jws);
    exported_end(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_export_proves_itself),
        cmocka_unit_test(every_edit_of_an_export_is_found),
        cmocka_unit_test(a_kept_head_betrays_a_second_log),
        cmocka_unit_test(a_notice_is_proved_alone),
        cmocka_unit_test(the_program_answers_by_its_exit),
    };
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
