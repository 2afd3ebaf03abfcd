/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed files: what is written is read; whatever else is changed, cut, moved or mixed is refused. */
#include "keys/sealed.h"

#include "base/encode.h"
#include "base/file.h"
#include "base/sha256.h"
#include "test.h"

#include <fcntl.h>
#include <nettle/gcm.h>
#include <nettle/hkdf.h>
#include <nettle/hmac.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024, FRONT = 14 + 4 + 4 + 32, FRAME = 4 + 16 };
static char folder[] = "/tmp/juki-sealed-XXXXXX";
static struct sealed_key key, other;
static const struct str header = {"{\"node\":\"cs.282049\"}", 20};

static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make_keys(void **state UNUSED)
{
    assert_non_null(mkdtemp(folder));
    assert_ok(sealed_key_create(NULL, in_folder("key"), &key));
    assert_ok(sealed_key_create(NULL, in_folder("other"), &other));
    return 0;
}

static int remove_keys(void **state UNUSED)
{
    unlink(in_folder("key"));
    unlink(in_folder("other"));
    return rmdir(folder);
}

static int new_file(void)
{
    int fd = memfd_create("sealed", MFD_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static int seal(const struct sealed_key *with, size_t n)
{
    struct sealed_writer *w;
    static char bytes[3 * CHUNK];
    int fd = new_file();
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    assert_ok(sealed_writer_new(NULL, fd, with, header, &w));
    assert_ok(sealed_write(w, NULL, (struct str){bytes, n / 3}));
    assert_ok(sealed_write(w, NULL, (struct str){bytes + n / 3, n - n / 3}));
    assert_ok(sealed_writer_end(w, NULL));
    sealed_writer_free(w);
    return fd;
}

/* Opens all of it; what it holds is compared when it opens. */
static enum err open_all(int fd, const struct sealed_key *with, size_t n)
{
    struct sealed_reader *r = NULL;
    static char bytes[3 * CHUNK];
    struct buf said;
    buf_init(&said, SEALED_HEADER_MAX);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    enum err e = sealed_reader_new(NULL, fd, with, &said, &r);
    if (!e) {
        assert_true(str_equal(buf_str(&said), header));
        e = sealed_read(r, NULL, bytes, n / 2);
    }
    if (!e)
        e = sealed_read(r, NULL, bytes + n / 2, n - n / 2);
    if (!e)
        e = sealed_reader_end(r, NULL);
    for (size_t i = 0; !e && i < n; i++)
        assert_int_equal(bytes[i], (char)(i * 7 + i / 251));
    sealed_reader_free(r);
    buf_release(&said);
    return e;
}

static void what_is_written_is_read(void **state UNUSED)
{
    static const size_t sizes[] = {0, 1, 1000, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        int fd = seal(&key, sizes[i]);
        assert_ok(open_all(fd, &key, sizes[i]));
        if (sizes[i]) /* more or less than it holds */
            assert_err(open_all(fd, &key, sizes[i] - 1), ERR_SEALED);
        if (sizes[i] < 3 * CHUNK)
            assert_err(open_all(fd, &key, sizes[i] + 1), ERR_SEALED);
        close(fd);
    }
}

static void every_flipped_bit_is_refused(void **state UNUSED)
{
    int fd = seal(&key, 60);
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    for (off_t at = 0; at < st.st_size; at++) {
        unsigned char byte, bad;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        bad = (unsigned char)(byte ^ (1u << (at % 8)));
        assert_int_equal(pwrite(fd, &bad, 1, at), 1);
        enum err e = open_all(fd, &key, 60);
        if (e != ERR_SEALED && e != ERR_SEALED_FORM && e != ERR_SEALED_KEY && e != ERR_UTF8)
            fail_msg("byte %lld: %s", (long long)at, err_row(e)->name);
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    assert_ok(open_all(fd, &key, 60));
    close(fd);
}

static void every_cut_is_refused(void **state UNUSED)
{
    for (off_t n = 0;; n++) {
        int fd = seal(&key, 60);
        struct stat st;
        assert_int_equal(fstat(fd, &st), 0);
        if (n == st.st_size) {
            assert_int_equal(pwrite(fd, "x", 1, n), 1); /* and a byte too many */
            assert_err(open_all(fd, &key, 60), ERR_SEALED);
            close(fd);
            return;
        }
        assert_int_equal(ftruncate(fd, n), 0);
        enum err e = open_all(fd, &key, 60);
        if (e != ERR_SEALED && e != ERR_SEALED_FORM)
            fail_msg("%lld bytes: %s", (long long)n, err_row(e)->name);
        close(fd);
    }
}

/* The place of a whole chunk behind the empty one. */
static off_t chunk_at(int number)
{
    return (off_t)(FRONT + header.n + FRAME) + (off_t)number * (CHUNK + FRAME);
}

static void copy_chunk(int from, off_t from_at, int to, off_t to_at)
{
    static char bytes[CHUNK + FRAME];
    assert_int_equal(pread(from, bytes, sizeof bytes, from_at), sizeof bytes);
    assert_int_equal(pwrite(to, bytes, sizeof bytes, to_at), sizeof bytes);
}

static void chunks_keep_their_place_and_file(void **state UNUSED)
{
    int fd = seal(&key, 3 * CHUNK), twin = seal(&key, 3 * CHUNK), spare = seal(&key, 3 * CHUNK);
    assert_ok(open_all(fd, &key, 3 * CHUNK));
    copy_chunk(fd, chunk_at(0), spare, chunk_at(0));
    copy_chunk(fd, chunk_at(1), fd, chunk_at(0)); /* swapped */
    copy_chunk(spare, chunk_at(0), fd, chunk_at(1));
    assert_err(open_all(fd, &key, 3 * CHUNK), ERR_SEALED);
    copy_chunk(twin, chunk_at(2), spare,
               chunk_at(2)); /* of another file with the same header, content and key */
    assert_err(open_all(spare, &key, 3 * CHUNK), ERR_SEALED);
    int cut = seal(&key, 3 * CHUNK);
    assert_int_equal(ftruncate(cut, chunk_at(2)), 0); /* between two chunks */
    assert_err(open_all(cut, &key, 2 * CHUNK), ERR_SEALED);
    close(cut);
    close(fd);
    close(twin);
    close(spare);
}

static void another_key_is_named(void **state UNUSED)
{
    int fd = seal(&key, 10);
    struct buf said;
    char id[SEALED_ID_SIZE];
    assert_err(open_all(fd, &other, 10), ERR_SEALED_KEY);
    buf_init(&said, SEALED_HEADER_MAX);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_ok(sealed_peek(NULL, fd, &said, id));
    assert_string_equal(id, key.id);
    assert_true(str_equal(buf_str(&said), header));
    struct sealed_key forged = other;
    snprintf(forged.id, sizeof forged.id, "%s", key.id); /* the name alone opens nothing */
    assert_err(open_all(fd, &forged, 10), ERR_SEALED);
    buf_release(&said);
    close(fd);
}

/* The form as sealed.h tells it, opened by another library's primitives. */
static void the_form_is_the_one_described(void **state UNUSED)
{
    enum { PLAIN = 300 };
    uint8_t file[1024], prk[32], own[32], nonce[12] = {[11] = 1}, plain[PLAIN], tag[16];
    struct hmac_sha256_ctx mac;
    struct gcm_aes256_ctx gcm;
    int fd = seal(&key, PLAIN);
    size_t before = 14 + 4 + 4 + header.n, at = before + 32 + FRAME;
    assert_int_equal(pread(fd, file, sizeof file, 0), at + FRAME + PLAIN);
    struct sha256 info = sha256_of((struct str){(const char *)file, before});
    hmac_sha256_set_key(&mac, 32, file + before);
    hkdf_extract(&mac, (nettle_hash_update_func *)hmac_sha256_update,
                 (nettle_hash_digest_func *)hmac_sha256_digest, 32, 32, key.bytes, prk);
    hmac_sha256_set_key(&mac, 32, prk);
    hkdf_expand(&mac, (nettle_hash_update_func *)hmac_sha256_update,
                (nettle_hash_digest_func *)hmac_sha256_digest, 32, 32, info.bytes, 32, own);
    gcm_aes256_set_key(&gcm, own);
    gcm_aes256_set_iv(&gcm, sizeof nonce, nonce);
    gcm_aes256_update(&gcm, 4, file + at);
    gcm_aes256_decrypt(&gcm, PLAIN, plain, file + at + 4);
    gcm_aes256_digest(&gcm, sizeof tag, tag);
    assert_memory_equal(tag, file + at + 4 + PLAIN, sizeof tag);
    assert_int_equal(file[at], 0x80); /* the last one */
    for (size_t i = 0; i < PLAIN; i++)
        assert_int_equal((char)plain[i], (char)(i * 7 + i / 251));
    close(fd);
}

static void keys_are_read_back(void **state UNUSED)
{
    struct sealed_key read;
    struct buf text;
    assert_ok(sealed_key_read(NULL, in_folder("key"), &read));
    assert_memory_equal(read.bytes, key.bytes, sizeof key.bytes);
    assert_string_equal(read.id, key.id);
    assert_memory_not_equal(key.bytes, other.bytes, sizeof key.bytes);
    assert_err(sealed_key_create(NULL, in_folder("key"), &read), ERR_EXISTS);
    assert_err(sealed_key_read(NULL, in_folder("none"), &read), ERR_NOT_FOUND);
    buf_init(&text, 1024);
    assert_ok(file_read(NULL, in_folder("key"), &text));
    text.p[30] = text.p[30] == 'A' ? 'B' : 'A'; /* a mistake in typing */
    assert_ok(file_write(NULL, in_folder("typed"), buf_str(&text), 0600));
    assert_err(sealed_key_read(NULL, in_folder("typed"), &read), ERR_KEY_KIND);
    assert_int_equal(chmod(in_folder("key"), 0644), 0);
    assert_err(sealed_key_read(NULL, in_folder("key"), &read), ERR_KEY_PERMISSION);
    assert_int_equal(chmod(in_folder("key"), 0600), 0);
    unlink(in_folder("typed"));
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read), cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(every_cut_is_refused),    cmocka_unit_test(chunks_keep_their_place_and_file),
        cmocka_unit_test(another_key_is_named),    cmocka_unit_test(the_form_is_the_one_described),
        cmocka_unit_test(keys_are_read_back),
    };
    return cmocka_run_group_tests(tests, make_keys, remove_keys);
}
