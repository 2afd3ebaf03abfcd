/* SPDX-License-Identifier: Apache-2.0 */
#include "disk.h"

#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

struct image {
    unsigned char *bytes;
    size_t n, size;
};

struct disk_file {
    struct image safe; /* what was synced */
    size_t *pending;   /* places of writes and truncations that were not, in order */
    size_t pending_n, pending_size;
    bool named; /* its name is on disk */
};

struct disk {
    size_t place;
    struct disk_file *files;
    int file_count;
    size_t *names; /* places of creations and removals that were not synced */
    size_t names_n, names_size;
};

/* ---- bytes of a file */

static void image_length(struct image *m, size_t n)
{
    if (n > m->size) {
        m->size = n < 2 * m->size ? 2 * m->size : n;
        m->bytes = realloc(m->bytes, m->size);
        assert(m->bytes);
    }
    if (n > m->n)
        memset(m->bytes + m->n, 0, n - m->n);
    m->n = n;
}

static void image_write(struct image *m, size_t offset, const unsigned char *bytes, size_t n)
{
    if (n == 0)
        return;
    if (offset + n > m->n)
        image_length(m, offset + n);
    memcpy(m->bytes + offset, bytes, n);
}

static void image_apply(struct image *m, const struct disk_op *op)
{
    if (op->act == DISK_WRITE)
        image_write(m, (size_t)op->offset, op->bytes, op->n);
    else
        image_length(m, (size_t)op->offset);
}

/* ---- going forward */

static void list_add(size_t **list, size_t *n, size_t *size, size_t place)
{
    if (*n == *size) {
        *size = *size ? 2 * *size : 64;
        *list = reallocarray(*list, *size, sizeof **list);
        assert(*list);
    }
    (*list)[(*n)++] = place;
}

static void file_synced(struct disk_file *file, size_t since)
{
    size_t done = 0;
    while (done < file->pending_n && file->pending[done] < since)
        image_apply(&file->safe, recording_op(file->pending[done++]));
    file->pending_n -= done;
    memmove(file->pending, file->pending + done, file->pending_n * sizeof *file->pending);
}

static bool makes_name(size_t place)
{
    return recording_op(place)->act == DISK_CREATE;
}

static void folder_synced(struct disk *d, size_t since)
{
    size_t done = 0;
    for (; done < d->names_n && d->names[done] < since; done++)
        d->files[recording_op(d->names[done])->file].named = makes_name(d->names[done]);
    d->names_n -= done;
    memmove(d->names, d->names + done, d->names_n * sizeof *d->names);
}

struct disk *disk_new(void)
{
    struct disk *d = calloc(1, sizeof *d);
    assert(d);
    d->file_count = recording_file_count();
    d->files = calloc((size_t)d->file_count + 1, sizeof *d->files);
    assert(d->files);
    for (int i = 0; i < d->file_count; i++) {
        size_t n = 0;
        const unsigned char *before = recording_file_before(i, &n);
        image_write(&d->files[i].safe, 0, before, n);
        d->files[i].named = n > 0;
    }
    return d;
}

void disk_free(struct disk *d)
{
    if (!d)
        return;
    for (int i = 0; i < d->file_count; i++) {
        free(d->files[i].safe.bytes);
        free(d->files[i].pending);
    }
    free(d->files);
    free(d->names);
    free(d);
}

void disk_advance(struct disk *d, size_t place)
{
    for (; d->place < place; d->place++) {
        const struct disk_op *op = recording_op(d->place);
        struct disk_file *file = &d->files[op->file];
        if (op->act == DISK_WRITE || op->act == DISK_TRUNCATE)
            list_add(&file->pending, &file->pending_n, &file->pending_size, d->place);
        else if (op->act == DISK_CREATE || op->act == DISK_REMOVE)
            list_add(&d->names, &d->names_n, &d->names_size, d->place);
        else if (op->act == DISK_SYNCED)
            file_synced(file, op->since);
        else
            folder_synced(d, op->since);
    }
}

/* ---- losing */

struct losing {
    enum disk_loss loss;
    struct random_seeded chance;
    unsigned kept_of_eight; /* how much of it survives */
    size_t last;            /* DISK_LOSES_THE_REST: the write that is torn */
};

static bool kept(struct losing *l)
{
    return random_seeded_below(&l->chance, 8) < l->kept_of_eight;
}

/* A name or a truncation is there or not. */
static bool survives(struct losing *l, size_t place)
{
    switch (l->loss) {
    case DISK_LOSES_ALL:
        return false;
    case DISK_LOSES_NOTHING:
        return true;
    case DISK_LOSES_THE_REST:
        return place < l->last;
    default:
        return kept(l);
    }
}

static void write_sectors(struct losing *l, struct image *m, const struct disk_op *op, size_t sector)
{
    for (size_t at = 0; at < op->n;) {
        size_t n = sector - ((size_t)op->offset + at) % sector;
        if (n > op->n - at)
            n = op->n - at;
        if (kept(l))
            image_write(m, (size_t)op->offset + at, op->bytes + at, n);
        at += n;
    }
}

static void lose(struct losing *l, struct image *m, size_t place)
{
    const struct disk_op *op = recording_op(place);
    if (op->act == DISK_WRITE && l->loss == DISK_LOSES_THE_REST && place == l->last)
        image_write(m, (size_t)op->offset, op->bytes,
                    (size_t)random_seeded_below(&l->chance, op->n + 1) / 512 * 512);
    else if (op->act == DISK_WRITE && l->loss == DISK_LOSES_SECTORS)
        write_sectors(l, m, op, 512);
    else if (op->act == DISK_WRITE && l->loss == DISK_LOSES_PAGES)
        write_sectors(l, m, op, 4096);
    else if (survives(l, place))
        image_apply(m, op);
}

static void save(const struct image *m, const char *name, const char *folder)
{
    char path[PATH_MAX];
    const char *slash = strrchr(name, '/');
    snprintf(path, sizeof path, "%s/%s", folder, slash ? slash + 1 : name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST) /* a newer file has the name */
        return;
    assert(fd >= 0);
    for (size_t at = 0; at < m->n;) {
        ssize_t n = write(fd, m->bytes + at, m->n - at);
        assert(n > 0);
        at += (size_t)n;
    }
    close(fd);
}

static void rebuild_file(struct disk *d, int i, struct losing *l, const char *folder)
{
    struct disk_file *file = &d->files[i];
    struct image m = {NULL, 0, 0};
    bool named = file->named;
    for (size_t k = 0; k < d->names_n; k++)
        if (recording_op(d->names[k])->file == i && survives(l, d->names[k]))
            named = makes_name(d->names[k]);
    if (named) {
        image_write(&m, 0, file->safe.bytes, file->safe.n);
        for (size_t k = 0; k < file->pending_n; k++)
            lose(l, &m, file->pending[k]);
        save(&m, recording_file(i), folder);
    }
    free(m.bytes);
}

void disk_rebuild(struct disk *d, enum disk_loss loss, uint64_t seed, const char *only, const char *folder)
{
    struct losing losing = {.loss = loss, .chance = {seed}}, sparing = {.loss = DISK_LOSES_NOTHING};
    static const unsigned shares[] = {1, 2, 4, 6, 7};
    losing.kept_of_eight = shares[random_seeded_below(&losing.chance, COUNT_OF(shares))];
    losing.last =
        d->place ? (size_t)(d->place - 1 - random_seeded_below(&losing.chance, d->place < 40 ? d->place : 40))
                 : 0;
    for (int i = d->file_count - 1; i >= 0; i--) { /* newest first */
        bool spared = only && strncmp(recording_file(i), only, strlen(only)) != 0;
        rebuild_file(d, i, spared ? &sparing : &losing, folder);
    }
}
