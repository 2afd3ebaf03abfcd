/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/encode.h"
#include "ledger/selftest_merkle.h"
#include "test.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LEAVES = 130 };

/* A source that computes every node from the leaves. */
struct forest {
    struct sha256 leaves[LEAVES];
    uint64_t size; /* nodes beyond it must not be asked for */
};

static enum err forest_node(void *self, struct fail *f, unsigned level, uint64_t index, struct sha256 *out)
{
    struct forest *t = self;
    uint64_t width = (uint64_t)1 << level;
    if ((index + 1) * width > t->size)
        return fail_set(f, ERR_NOT_FOUND, "node", "beyond the tree");
    *out = merkle_root_of(t->leaves + index * width, width);
    return ERR_OK;
}

static int forest_setup(void **state)
{
    struct forest *t = memory_new(sizeof *t);
    for (uint64_t i = 0; t && i < LEAVES; i++)
        t->leaves[i] = merkle_leaf((struct str){(const char *)&i, sizeof i});
    *state = t;
    return t ? 0 : -1;
}

static int forest_teardown(void **state)
{
    memory_free(*state);
    return 0;
}

/* RFC 6962 §2.1 word for word, sharing nothing with the frontier. */
static struct sha256 slow_root(const struct sha256 *leaves, size_t n)
{
    if (n == 1)
        return leaves[0];
    size_t k = 1;
    while (k * 2 < n)
        k *= 2;
    return merkle_node(slow_root(leaves, k), slow_root(leaves + k, n - k));
}

static void assert_hash(struct sha256 h, const char *hex)
{
    struct buf b;
    buf_init(&b, 64);
    encode_hex(&b, h.bytes, sizeof h.bytes);
    assert_string_equal(b.p, hex);
    buf_release(&b);
}

static void hashes_are_those_of_the_rfc(void **state)
{
    (void)state;
    struct merkle_frontier t = {0};
    assert_hash(merkle_root(&t), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_hash(merkle_leaf(STR("")), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    assert_hash(merkle_leaf(STR("L123456")), "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56");
    uint8_t salt[16];
    memset(salt, 'L', sizeof salt);
    struct sha256 salted = merkle_salted_leaf(salt, STR("123"));
    struct sha256 plain = merkle_leaf(STR("LLLLLLLLLLLLLLLL123"));
    assert_true(sha256_equal(salted, plain));
}

static void frontier_gives_the_recursive_root(void **state)
{
    struct forest *t = *state;
    struct merkle_frontier edge = {0};
    for (size_t n = 1; n <= LEAVES; n++) {
        merkle_append(&edge, t->leaves[n - 1]);
        struct sha256 root = merkle_root(&edge), want = slow_root(t->leaves, n);
        assert_true(sha256_equal(root, want));
        assert_int_equal(edge.size, n);
    }
}

static void every_inclusion_proof_holds_and_only_for_its_place(void **state)
{
    struct forest *t = *state;
    struct merkle_source s = {forest_node, t};
    for (uint64_t size = 1; size <= LEAVES; size++) {
        t->size = size;
        struct sha256 root = merkle_root_of(t->leaves, size);
        for (uint64_t i = 0; i < size; i++) {
            struct merkle_proof p;
            assert_ok(merkle_prove_inclusion(NULL, &s, i, size, &p));
            assert_ok(merkle_check_inclusion(NULL, t->leaves[i], i, size, &p, root));
            if (size > 1)
                assert_err(merkle_check_inclusion(NULL, t->leaves[i], (i + 1) % size, size, &p, root), ERR_PROOF);
        }
        struct merkle_proof p;
        assert_err(merkle_prove_inclusion(NULL, &s, size, size, &p), ERR_FIELD_RANGE);
    }
}

static void every_consistency_proof_holds_and_only_for_its_trees(void **state)
{
    struct forest *t = *state;
    struct merkle_source s = {forest_node, t};
    for (uint64_t new_size = 1; new_size <= LEAVES; new_size++) {
        t->size = new_size;
        struct sha256 new_root = merkle_root_of(t->leaves, new_size);
        for (uint64_t old = 1; old <= new_size; old++) {
            struct merkle_proof p;
            struct sha256 old_root = merkle_root_of(t->leaves, old);
            assert_ok(merkle_prove_consistency(NULL, &s, old, new_size, &p));
            assert_ok(merkle_check_consistency(NULL, old, old_root, new_size, new_root, &p));
            if (old < new_size) {
                assert_err(merkle_check_consistency(NULL, old, new_root, new_size, new_root, &p), ERR_PROOF);
                assert_err(merkle_check_consistency(NULL, old, old_root, new_size, old_root, &p), ERR_PROOF);
            }
        }
        struct merkle_proof p;
        assert_err(merkle_prove_consistency(NULL, &s, 0, new_size, &p), ERR_FIELD_RANGE);
        assert_err(merkle_prove_consistency(NULL, &s, new_size + 1, new_size, &p), ERR_FIELD_RANGE);
    }
}

static void count_result(void *arg, const struct selftest_merkle_result *r)
{
    size_t *seen = arg;
    (*seen)++;
    if (!r->passed)
        print_error("vector %s: wanted %s\n", r->path, r->want_error ? "refusal" : "acceptance");
}

static void vectors_of_the_published_layout_pass(void **state)
{
    (void)state;
    char path[4096];
    size_t seen = 0;
    struct selftest_merkle_count count;
    snprintf(path, sizeof path, "%s/tests/data/merkle", getenv("JUKI_SOURCE"));
    assert_ok(selftest_merkle_folder(NULL, path, count_result, &seen, &count));
    assert_int_equal(count.failed, 0);
    assert_true(count.inclusion > 150 && count.consistency > 150);
    assert_int_equal(seen, count.inclusion + count.consistency);
}

static void write_vector(const char *folder, const char *text)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/inclusion", folder);
    assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
    snprintf(path, sizeof path, "%s/inclusion/a.json", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

#define ONE "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
static void a_wrong_vector_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err want;
        size_t failed;
    } rows[] = {
        {"{\"leafIdx\":0,\"treeSize\":1,\"root\":\"" ONE "\",\"leafHash\":\"" ONE "\",\"proof\":null,\"wantErr\":false}",
         ERR_OK, 0},
        {"{\"leafIdx\":0,\"treeSize\":1,\"root\":\"" ONE "\",\"leafHash\":\"" ONE "\",\"proof\":[],\"wantErr\":true}",
         ERR_OK, 1},
        {"{\"leafIdx\":0,\"treeSize\":1,\"root\":\"" ONE "\",\"proof\":[],\"wantErr\":true}", ERR_FIELD_MISSING, 0},
        {"{\"leafIdx\":0,\"treeSize\":1,\"root\":\"" ONE "\",\"leafHash\":\"" ONE "\",\"proof\":[]}", ERR_FIELD_TYPE,
         0},
        {"{\"leafIdx\":\"0\",\"wantErr\":true}", ERR_FIELD_TYPE, 0},
        {"{\"leafIdx\":", ERR_JSON, 0},
    };
    char folder[] = "/tmp/juki-merkle-XXXXXX", path[4096];
    struct selftest_merkle_count count = {0, 0, 0};
    assert_non_null(mkdtemp(folder));
    assert_err(selftest_merkle_folder(NULL, folder, NULL, NULL, &count), ERR_NOT_FOUND);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        write_vector(folder, rows[i].text);
        count.failed = 0;
        assert_err(selftest_merkle_folder(NULL, folder, NULL, NULL, &count), rows[i].want);
        assert_int_equal(count.failed, rows[i].failed);
    }
    snprintf(path, sizeof path, "%s/inclusion/a.json", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/inclusion", folder);
    rmdir(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_those_of_the_rfc),
        cmocka_unit_test(frontier_gives_the_recursive_root),
        cmocka_unit_test(every_inclusion_proof_holds_and_only_for_its_place),
        cmocka_unit_test(every_consistency_proof_holds_and_only_for_its_trees),
        cmocka_unit_test(vectors_of_the_published_layout_pass),
        cmocka_unit_test(a_wrong_vector_is_told),
    };
    return cmocka_run_group_tests(tests, forest_setup, forest_teardown);
}
