/* SPDX-License-Identifier: Apache-2.0 */
#include "disk.h"

#include "base/random.h"

#include <assert.h>
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
    const char *name; /* that is on disk; NULL: none */
};

struct disk {
    size_t place;
    struct disk_file *files;
    int file_count;
    size_t *names; /* places of creations, moves and removals that were not synced */
    size_t names_n, names_size;
};

/* ---- bytes of a file */

static void image_room(struct image *m, size_t n)
{
    if (n > m->size) {
        m->size = n < 2 * m->size ? 2 * m->size : n;
        m->bytes = realloc(m->bytes, m->size);
        assert(m->bytes);
    }
}

static void image_length(struct image *m, size_t n)
{
    image_room(m, n);
    if (n > m->n)
        memset(m->bytes + m->n, 0, n - m->n);
    m->n = n;
}

static void image_write(struct image *m, size_t offset, const unsigned char *bytes, size_t n)
{
    if (n == 0)
        return;
    if (offset > m->n)
        image_length(m, offset);
    if (offset + n > m->n) {
        image_room(m, offset + n);
        m->n = offset + n;
    }
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

/* A name belongs to one file. */
static void give_name(const struct disk *d, const struct disk_op *op)
{
    const char *name = op->act == DISK_REMOVE ? NULL : (const char *)op->bytes;
    for (int i = 0; name && i < d->file_count; i++)
        if (d->files[i].name && strcmp(d->files[i].name, name) == 0)
            d->files[i].name = NULL;
    d->files[op->file].name = name;
}

static void folder_synced(struct disk *d, size_t since)
{
    size_t done = 0;
    for (; done < d->names_n && d->names[done] < since; done++)
        give_name(d, recording_op(d->names[done]));
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
        d->files[i].name = n > 0 ? recording_file(i) : NULL;
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
        else if (op->act == DISK_CREATE || op->act == DISK_RENAME || op->act == DISK_REMOVE)
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
    assert(fd >= 0);
    for (size_t at = 0; at < m->n;) {
        ssize_t n = write(fd, m->bytes + at, m->n - at);
        assert(n > 0);
        at += (size_t)n;
    }
    close(fd);
}

static void rebuild_file(const struct disk_file *file, struct losing *l, const char *folder)
{
    struct image m = {NULL, 0, 0};
    if (!file->pending_n) {
        save(&file->safe, file->name, folder);
        return;
    }
    image_write(&m, 0, file->safe.bytes, file->safe.n);
    for (size_t k = 0; k < file->pending_n; k++)
        lose(l, &m, file->pending[k]);
    save(&m, file->name, folder);
    free(m.bytes);
}

/* What happens to a file, and to the names it is given. */
static struct losing *fate(int file, const char *only, struct losing *losing, struct losing *sparing)
{
    return only && strncmp(recording_file(file), only, strlen(only)) != 0 ? sparing : losing;
}

void disk_rebuild(struct disk *d, enum disk_loss loss, uint64_t seed, const char *only, const char *folder)
{
    struct losing losing = {.loss = loss, .chance = {seed}}, sparing = {.loss = DISK_LOSES_NOTHING};
    static const unsigned shares[] = {1, 2, 4, 6, 7};
    losing.kept_of_eight = shares[random_seeded_below(&losing.chance, COUNT_OF(shares))];
    losing.last =
        d->place ? (size_t)(d->place - 1 - random_seeded_below(&losing.chance, d->place < 40 ? d->place : 40))
                 : 0;
    struct disk left = *d;
    left.files = calloc((size_t)d->file_count + 1, sizeof *left.files);
    assert(left.files);
    memcpy(left.files, d->files, (size_t)d->file_count * sizeof *left.files);
    for (size_t k = 0; k < d->names_n; k++) {
        const struct disk_op *op = recording_op(d->names[k]);
        if (survives(fate(op->file, only, &losing, &sparing), d->names[k]))
            give_name(&left, op);
    }
    for (int i = 0; i < left.file_count; i++)
        if (left.files[i].name)
            rebuild_file(&left.files[i], fate(i, only, &losing, &sparing), folder);
    free(left.files);
}
