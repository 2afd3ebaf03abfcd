/* SPDX-License-Identifier: Apache-2.0 */
/* What a backup says of itself. The first byte chooses: bytes as they came, which nobody's key opens; or a
 * header sealed by us, of which a look without the key and the proved one make the same, and behind which no
 * content stands that could be restored. */
#include "fuzz.h"

#include "base/encode.h"
#include "command/backup_file.h"

#include <sys/mman.h>
#include <unistd.h>

enum { MEMORY = 1 << 20 };

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

static void seal(int fd, struct str header)
{
    struct sealed_key k = key();
    struct sealed_writer *writer = NULL;
    assert(!sealed_writer_new(NULL, fd, &k, header, &writer) && !sealed_writer_end(writer, NULL));
    sealed_writer_free(writer);
}

static void check_facts(const struct backup_facts *x, const struct backup_facts *y)
{
    struct node_name name;
    assert(x->schema_count <= BACKUP_MODULES_MAX && x->schema_count == y->schema_count);
    assert(x->epoch >= 0 && x->entries >= 0 && x->wal_bytes >= 0 && x->file_bytes >= 0);
    assert(!node_name_parse(NULL, str_of(x->node.text), &name) && node_name_equal(&name, &y->node));
    assert(x->time == y->time && strcmp(x->program, y->program) == 0 && str_equal(x->head, y->head));
    for (size_t i = 0; i < x->schema_count; i++)
        assert(strcmp(x->schema[i].module, y->schema[i].module) == 0 &&
               x->schema[i].migrations == y->schema[i].migrations);
}

/* ours: it must be proved as far as it is in form. */
static void check(int fd, bool ours)
{
    struct sealed_key k = key();
    struct backup_facts peeked = {0}, proved = {0};
    struct backup_reader *reader = NULL;
    struct arena a;
    struct sha256 hash;
    char id[SEALED_ID_SIZE];
    struct fail f;
    arena_init(&a, MEMORY);
    assert(lseek(fd, 0, SEEK_SET) == 0);
    enum err seen = backup_peek(&f, fd, &a, &peeked, id);
    assert(lseek(fd, 0, SEEK_SET) == 0);
    enum err opened = backup_open(&f, fd, &k, &a, &proved, &reader);
    assert(ours ? opened == seen : opened != ERR_OK);
    if (!opened) {
        check_facts(&proved, &peeked);
        assert(backup_copy(reader, &f, -1, -1, NULL, NULL, &hash));
    }
    backup_close(reader);
    arena_release(&a);
}

void fuzz_target(struct str in)
{
    if (in.n > 4000)
        return;
    bool ours = fuzz_choose(&in, 2);
    if (ours && utf8_check(NULL, "header", in)) /* text, by its makers' promise */
        return;
    int fd = memfd_create("backup", MFD_CLOEXEC);
    assert(fd >= 0);
    if (ours)
        seal(fd, in.n ? in : STR(""));
    else
        assert(write(fd, in.n ? in.p : "", in.n) == (ssize_t)in.n);
    check(fd, ours);
    close(fd);
}
