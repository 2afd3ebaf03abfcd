/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed files. The first byte chooses: bytes as they came, of which nothing is proved; or a header and
 * content sealed by us, which read back the same, and with one byte altered or the end cut off never to the
 * end. */
#include "fuzz.h"

#include "base/encode.h"
#include "base/sha256.h"
#include "keys/sealed.h"

#include <sys/mman.h>
#include <unistd.h>

static struct sealed_key key(void)
{
    struct sealed_key k = {.bytes = {7, 7, 7}};
    struct sha256 hash = sha256_of((struct str){(const char *)k.bytes, sizeof k.bytes});
    struct buf id;
    buf_init(&id, 64);
    encode_hex(&id, hash.bytes, 4);
    memcpy(k.id, id.p, sizeof k.id);
    buf_release(&id);
    return k;
}

static int file_of(struct str bytes)
{
    int fd = memfd_create("sealed", MFD_CLOEXEC);
    assert(fd >= 0 && write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n && lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

/* Is all of it proved, with n bytes of content? Then header and content hold it. */
static bool opens(int fd, size_t n, struct buf *header, char *content)
{
    struct sealed_key k = key();
    struct sealed_reader *reader = NULL;
    struct fail f;
    enum err e = sealed_reader_new(&f, fd, &k, header, &reader);
    if (!e)
        e = sealed_read(reader, &f, content, n);
    if (!e)
        e = sealed_reader_end(reader, &f);
    sealed_reader_free(reader);
    return !e;
}

static void seal(int fd, struct str header, struct str content)
{
    struct sealed_key k = key();
    struct sealed_writer *writer = NULL;
    assert(!sealed_writer_new(NULL, fd, &k, header, &writer));
    assert(!sealed_write(writer, NULL, content) && !sealed_writer_end(writer, NULL));
    sealed_writer_free(writer);
}

static void check_ours(struct str in)
{
    unsigned where = fuzz_choose(&in, 256), cut = fuzz_choose(&in, 2);
    struct str header = {in.p, in.n / 2}, content = {in.p + in.n / 2, in.n - in.n / 2};
    char read[4096], byte;
    if (utf8_check(NULL, "header", header)) /* text, by its makers' promise */
        return;
    struct buf again;
    buf_init(&again, SEALED_HEADER_MAX);
    int fd = file_of(STR(""));
    seal(fd, header, content);
    off_t size = lseek(fd, 0, SEEK_CUR), at = size * (off_t)where / 256;
    assert(lseek(fd, 0, SEEK_SET) == 0 && opens(fd, content.n, &again, read));
    assert(str_equal(buf_str(&again), header) && memcmp(read, content.p, content.n) == 0);
    if (cut) {
        assert(ftruncate(fd, at) == 0);
    } else {
        assert(pread(fd, &byte, 1, at) == 1);
        byte ^= 1;
        assert(pwrite(fd, &byte, 1, at) == 1);
    }
    buf_clear(&again);
    assert(lseek(fd, 0, SEEK_SET) == 0 && !opens(fd, content.n, &again, read));
    close(fd);
    buf_release(&again);
}

static void check_theirs(struct str in)
{
    char id[SEALED_ID_SIZE], content[1];
    struct buf header;
    buf_init(&header, SEALED_HEADER_MAX);
    int fd = file_of(in);
    (void)!sealed_peek(NULL, fd, &header, id);
    buf_clear(&header);
    assert(lseek(fd, 0, SEEK_SET) == 0 && !opens(fd, 0, &header, content));
    close(fd);
    buf_release(&header);
}

void fuzz_target(struct str in)
{
    if (in.n > 4000)
        return;
    if (fuzz_choose(&in, 2))
        check_ours(in.p && in.n ? in : STR(""));
    else
        check_theirs(in);
}
