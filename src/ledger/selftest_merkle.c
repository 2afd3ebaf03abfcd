/* SPDX-License-Identifier: Apache-2.0 */
/* Reads proof vectors and asks merkle_check_* about each.
 *
 * Two liberties of the published vectors are met here and nowhere else. Sizes go up to 2^64 - 1, beyond what
 * JSON's whole numbers are read into, so the digits are read. Roots may be placeholders that are not 32 bytes
 * long: a placeholder stands for a hash that equals itself and nothing else, so it is replaced by the hash of
 * its own bytes under a label. A leaf or a proof element of another length is refused outright, as it can be
 * no hash. */
#include "ledger/selftest_merkle.h"

#include "base/encode.h"
#include "base/file.h"
#include "base/json.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

enum { VECTOR_MAX = 256 * 1024, FOLDER_DEPTH_MAX = 8, HASH_TEXT_MAX = 1024 };

struct run {
    selftest_merkle_report report;
    void *arg;
    struct selftest_merkle_count *count;
    bool consistency;
};

static enum err read_size(struct fail *f, const struct json *object, const char *field, uint64_t *out)
{
    const struct json *v = json_get(object, field);
    if (!json_is(v, JSON_INTEGER) && !json_is(v, JSON_REAL))
        return fail_set(f, v ? ERR_FIELD_TYPE : ERR_FIELD_MISSING, field, NULL);
    return str_to_uint(v->text, UINT64_MAX, out) ? ERR_OK : fail_set(f, ERR_FIELD_RANGE, field, NULL);
}

/* *whole tells whether the bytes were a hash by their length. */
static enum err read_hash(struct fail *f, const struct json *v, const char *field, struct sha256 *out,
                          bool *whole)
{
    if (!json_is(v, JSON_STRING))
        return fail_set(f, v ? ERR_FIELD_TYPE : ERR_FIELD_MISSING, field, NULL);
    struct buf b;
    buf_init(&b, HASH_TEXT_MAX);
    enum err e = decode_base64(f, &b, json_str(v));
    *whole = b.n == sizeof out->bytes;
    if (!e && *whole)
        memcpy(out->bytes, b.p, sizeof out->bytes);
    else if (!e)
        *out = sha256_of_all((struct str[]){STR("placeholder\n"), buf_str(&b)}, 2);
    buf_release(&b);
    return e;
}

static enum err read_proof(struct fail *f, const struct json *object, struct merkle_proof *out, bool *whole)
{
    const struct json *list = json_get(object, "proof");
    *whole = true;
    out->count = 0;
    if (!list || json_is(list, JSON_NULL))
        return ERR_OK;
    if (!json_is(list, JSON_ARRAY))
        return fail_set(f, ERR_FIELD_TYPE, "proof", "a list is required");
    for (size_t i = 0; i < json_count(list); i++) {
        bool good = false;
        if (out->count == MERKLE_PROOF_MAX)
            return fail_set(f, ERR_LIMIT, "proof", "%d hashes", MERKLE_PROOF_MAX);
        enum err e = read_hash(f, json_at(list, i), "proof", &out->hashes[out->count++], &good);
        if (e)
            return e;
        *whole = *whole && good;
    }
    return ERR_OK;
}

/* *refused: what our own check says of the vector. */
static enum err judge_inclusion(struct fail *f, const struct json *v, bool *refused)
{
    uint64_t index = 0, size = 0;
    struct sha256 leaf = {{0}}, root = {{0}};
    struct merkle_proof proof = {.count = 0};
    bool leaf_whole = false, root_whole = false, proof_whole = false;
    enum err e = read_size(f, v, "leafIdx", &index);
    if (!e)
        e = read_size(f, v, "treeSize", &size);
    if (!e)
        e = read_hash(f, json_get(v, "leafHash"), "leafHash", &leaf, &leaf_whole);
    if (!e)
        e = read_hash(f, json_get(v, "root"), "root", &root, &root_whole);
    if (!e)
        e = read_proof(f, v, &proof, &proof_whole);
    if (!e)
        *refused = !leaf_whole || !proof_whole ||
                   merkle_check_inclusion(NULL, leaf, index, size, &proof, root) != ERR_OK;
    return e;
}

static enum err judge_consistency(struct fail *f, const struct json *v, bool *refused)
{
    uint64_t size1 = 0, size2 = 0;
    struct sha256 root1 = {{0}}, root2 = {{0}};
    struct merkle_proof proof = {.count = 0};
    bool whole = false, proof_whole = false;
    enum err e = read_size(f, v, "size1", &size1);
    if (!e)
        e = read_size(f, v, "size2", &size2);
    if (!e)
        e = read_hash(f, json_get(v, "root1"), "root1", &root1, &whole);
    if (!e)
        e = read_hash(f, json_get(v, "root2"), "root2", &root2, &whole);
    if (!e)
        e = read_proof(f, v, &proof, &proof_whole);
    if (!e)
        *refused =
            !proof_whole || merkle_check_consistency(NULL, size1, root1, size2, root2, &proof) != ERR_OK;
    return e;
}

static enum err judge(struct fail *f, struct run *r, const char *path, const struct json *v)
{
    bool refused = false;
    const struct json *want = json_get(v, "wantErr");
    if (!(json_is(want, JSON_TRUE) || json_is(want, JSON_FALSE)))
        return fail_set(f, ERR_FIELD_TYPE, "wantErr", "true or false is required");
    enum err e = r->consistency ? judge_consistency(f, v, &refused) : judge_inclusion(f, v, &refused);
    if (e)
        return e;
    struct selftest_merkle_result result = {path, str_of(json_cstr(json_get(v, "desc"))),
                                            json_is(want, JSON_TRUE), json_is(want, JSON_TRUE) == refused};
    (*(r->consistency ? &r->count->consistency : &r->count->inclusion))++;
    r->count->failed += !result.passed;
    if (r->report)
        r->report(r->arg, &result);
    return ERR_OK;
}

static enum err run_file(struct fail *f, struct run *r, const char *path)
{
    struct buf text;
    buf_init(&text, VECTOR_MAX);
    enum err e = file_read(f, path, &text);
    struct json *tree = NULL;
    if (!e && json_read(NULL, buf_str(&text), &tree))
        e = fail_set(f, ERR_JSON, NULL, "%s", path);
    if (!e)
        e = judge(f, r, path, tree);
    json_free(tree);
    buf_release(&text);
    return e;
}

static enum err run_folder(struct fail *f, struct run *r, const char *folder, int depth);

static enum err run_entry(struct fail *f, struct run *r, const char *folder, const char *name, int depth)
{
    char path[PATH_MAX];
    struct stat st;
    size_t n = strlen(name);
    if (name[0] == '.')
        return ERR_OK;
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
        return fail_set(f, ERR_LIMIT, "path", NULL);
    if (stat(path, &st))
        return fail_errno(f, ERR_IO, path);
    if (S_ISDIR(st.st_mode))
        return run_folder(f, r, path, depth + 1);
    return n > 5 && strcmp(name + n - 5, ".json") == 0 ? run_file(f, r, path) : ERR_OK;
}

/* A folder that is not there holds no vectors. */
static enum err run_folder(struct fail *f, struct run *r, const char *folder, int depth)
{
    struct dirent **names = NULL;
    enum err e = ERR_OK;
    if (depth > FOLDER_DEPTH_MAX)
        return fail_set(f, ERR_LIMIT, "path", "folders nested too deeply");
    int count = scandir(folder, &names, NULL, alphasort);
    if (count < 0)
        return errno == ENOENT ? ERR_OK : fail_errno(f, ERR_IO, folder);
    for (int i = 0; i < count; i++) {
        if (!e)
            e = run_entry(f, r, folder, names[i]->d_name, depth);
        free(names[i]);
    }
    free(names);
    return e;
}

enum err selftest_merkle_folder(struct fail *f, const char *path, selftest_merkle_report report, void *arg,
                                struct selftest_merkle_count *count)
{
    struct selftest_merkle_count counted = {0, 0, 0};
    struct run r = {report, arg, &counted, false};
    char folder[PATH_MAX];
    for (int i = 0; i < 2; i++) {
        r.consistency = i;
        if ((size_t)snprintf(folder, sizeof folder, "%s/%s", path, i ? "consistency" : "inclusion") >=
            sizeof folder)
            return fail_set(f, ERR_LIMIT, "path", NULL);
        enum err e = run_folder(f, &r, folder, 0);
        if (e)
            return e;
    }
    if (!counted.inclusion && !counted.consistency)
        return fail_set(f, ERR_NOT_FOUND, "path", "no vectors below inclusion/ or consistency/");
    *count = counted;
    return ERR_OK;
}
