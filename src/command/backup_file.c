/* SPDX-License-Identifier: Apache-2.0 */
#include "command/backup_file.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/json.h"
#include "link/link.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 64 * 1024, WAL_HEADER = 32, ATTEMPTS = 3 };

/* ---- the header */

static void write_header(const struct backup_facts *x, struct buf *b)
{
    char text[CLOCK_TEXT_SIZE];
    json_begin(b, NULL, '{');
    json_add_int(b, "juki_backup", BACKUP_FORM);
    json_add_text(b, "node", str_of(x->node.text));
    json_add_text(b, "time", str_of(clock_text(x->time, text)));
    json_add_text(b, "program", str_of(x->program));
    json_add_int(b, "epoch", x->epoch);
    json_add_int(b, "entries", x->entries);
    json_add_text(b, "head", x->head);
    json_begin(b, "schema", '{');
    for (size_t i = 0; i < x->schema_count; i++)
        json_add_int(b, x->schema[i].module, x->schema[i].migrations);
    json_end(b, '}');
    json_add_int(b, "wal_bytes", x->wal_bytes);
    json_add_int(b, "file_bytes", x->file_bytes);
    json_end(b, '}');
}

static enum err read_schema(struct fail *f, const struct json *tree, struct backup_facts *out)
{
    const struct json *list, *item;
    enum err e = json_member_object(f, tree, "schema", &list);
    if (e)
        return e;
    JSON_EACH(list, item)
    {
        if (out->schema_count == BACKUP_MODULES_MAX)
            return fail_set(f, ERR_LIMIT, "schema", NULL);
        struct backup_schema *s = &out->schema[out->schema_count++];
        snprintf(s->module, sizeof s->module, "%.*s", STR_ARG(item->key));
        s->migrations = json_int(item);
    }
    return ERR_OK;
}

static enum err read_members(struct fail *f, const struct json *tree, struct arena *a,
                             struct backup_facts *out)
{
    struct str node = {NULL, 0}, time = {NULL, 0}, program = {NULL, 0};
    enum err e;
    if ((e = json_member_text(f, tree, "node", a, &node)) || (e = node_name_parse(f, node, &out->node)) ||
        (e = json_member_text(f, tree, "time", a, &time)) || (e = clock_parse(f, time, &out->time)) ||
        (e = json_member_text(f, tree, "program", a, &program)) ||
        (e = json_member_int(f, tree, "epoch", 0, INT64_MAX, &out->epoch)) ||
        (e = json_member_int(f, tree, "entries", 0, INT64_MAX, &out->entries)) ||
        (e = json_member_text(f, tree, "head", a, &out->head)) ||
        (e = json_member_int(f, tree, "wal_bytes", 0, INT64_MAX, &out->wal_bytes)) ||
        (e = json_member_int(f, tree, "file_bytes", 0, INT64_MAX, &out->file_bytes)))
        return e;
    snprintf(out->program, sizeof out->program, "%.*s", STR_ARG(program));
    return read_schema(f, tree, out);
}

static enum err read_header(struct fail *f, struct str text, struct arena *a, struct backup_facts *out)
{
    struct json *tree;
    int64_t form = 0;
    *out = (struct backup_facts){.head = STR("")};
    enum err e = json_read(f, text, &tree);
    if (e)
        return e;
    e = json_member_int(f, tree, "juki_backup", 1, INT64_MAX, &form);
    if (!e && form != BACKUP_FORM)
        e = fail_set(f, ERR_BACKUP_NEWER, NULL, "form %lld", (long long)form);
    if (!e)
        e = read_members(f, tree, a, out);
    json_free(tree);
    return e;
}

/* ---- facts */

struct reading {
    struct db *db;
    struct arena *arena;
    struct backup_facts *out;
};

static enum err read_log_facts(struct fail *f, const struct reading *r)
{
    struct link_life life;
    struct ledger *ledger = NULL;
    struct buf head;
    enum err e = link_life_read(f, r->db, &life);
    if (!e)
        e = ledger_open(f, r->db, r->out->node.text, NULL, &ledger);
    if (e)
        return e;
    buf_init(&head, BACKUP_HEAD_MAX);
    r->out->epoch = life.epoch;
    r->out->entries = (int64_t)ledger_size(ledger);
    e = ledger_newest_head(ledger, f, &head);
    r->out->head = arena_copy(r->arena, buf_str(&head));
    if (!e && !r->out->head.p)
        e = fail_set(f, ERR_MEMORY, NULL, NULL);
    buf_release(&head);
    ledger_free(ledger);
    return e;
}

enum err backup_facts_read(struct fail *f, const struct node_name *node, const char *path,
                           const struct db_module *const *modules, size_t count, struct arena *a,
                           struct backup_facts *out)
{
    struct backup_facts x = {.node = *node, .time = clock_now(), .program = JUKI_VERSION, .head = STR("")};
    struct reading r = {.arena = a, .out = &x};
    enum err e = db_open_reader(f, path, modules, count, &r.db);
    if (e)
        return e;
    for (size_t i = 0; i < count && i < BACKUP_MODULES_MAX && !e; i++) {
        struct backup_schema *s = &x.schema[x.schema_count++];
        snprintf(s->module, sizeof s->module, "%s", modules[i]->name);
        e = db_schema_applied(f, r.db, modules[i], &s->migrations);
    }
    if (!e && node->role != NODE_REGISTER)
        e = read_log_facts(f, &r);
    db_close(r.db);
    if (!e)
        *out = x;
    return e;
}

/* ---- writing */

struct copying {
    const struct backup_making *m;
    struct sealed_writer *writer;
    struct sha256_stream hash;
    struct sha256 sum;           /* of all, once it is written */
    int64_t done, total, handed; /* of the copy: handed to the disk */
    char *piece;
};

/* Hands what is written to the disk piece by piece, so that neither a great write nor a great flush at the
 * end stands before those of others; and lets go of it, since nobody reads it here. */
static void let_go(struct copying *c)
{
    int fd = c->m->fd;
    off_t at = lseek(fd, 0, SEEK_CUR);
    if (c->handed < at)
        (void)sync_file_range(fd, c->handed, PIECE, SYNC_FILE_RANGE_WRITE);
    c->handed += c->handed < at ? PIECE : 0;
    if (c->done % (256 * PIECE) == 0 && at > 0)
        (void)posix_fadvise(fd, 0, at, POSIX_FADV_DONTNEED);
}

static enum err seal_piece(struct copying *c, struct fail *f, size_t n)
{
    struct str piece = {c->piece, n};
    enum err e = sealed_write(c->writer, f, piece);
    sha256_stream_add(&c->hash, piece);
    c->done += (int64_t)n;
    let_go(c);
    if (c->m->progress)
        c->m->progress(c->m->arg, c->done, c->total);
    FAULT_POINT("backup_piece", .number = c->done);
    backup_pace_keep(c->m->pace, c->done);
    return e;
}

/* The first `bytes` of a file. */
static enum err seal_file(struct copying *c, struct fail *f, int fd, int64_t bytes)
{
    enum err e = ERR_OK;
    for (int64_t at = 0; !e && at < bytes;) {
        size_t want = bytes - at < PIECE ? (size_t)(bytes - at) : PIECE;
        ssize_t n = pread(fd, c->piece, want, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? fail_errno(f, ERR_IO, c->m->path)
                         : fail_set(f, ERR_BACKUP_BROKEN_OFF, NULL, "the database became shorter");
        at += n;
        e = seal_piece(c, f, (size_t)n);
    }
    return e;
}

static bool same_header(int wal, const char before[static WAL_HEADER], int64_t bytes)
{
    char now[WAL_HEADER];
    return bytes == 0 ||
           (pread(wal, now, sizeof now, 0) == sizeof now && memcmp(now, before, sizeof now) == 0);
}

/* Both files, the WAL first. *again: the WAL was begun anew under our hands, which can happen once while the
 * file is held: all of it was in the file then, and what we have may be a mixture. */
static enum err seal_both(struct copying *c, struct fail *f, int wal, int file, const struct backup_facts *x,
                          bool *again)
{
    char before[WAL_HEADER] = "";
    if (x->wal_bytes && pread(wal, before, sizeof before, 0) != sizeof before)
        return fail_set(f, ERR_IO, "wal", NULL);
    enum err e = seal_file(c, f, wal, x->wal_bytes);
    if (!e && !same_header(wal, before, x->wal_bytes)) {
        *again = true;
        return ERR_OK;
    }
    if (!e)
        e = seal_file(c, f, file, x->file_bytes);
    if (e)
        return e;
    c->sum = sha256_stream_end(&c->hash);
    e = sealed_write(c->writer, f, (struct str){(const char *)c->sum.bytes, sizeof c->sum.bytes});
    return e ? e : sealed_writer_end(c->writer, f);
}

static enum err start_over(struct fail *f, int fd)
{
    return lseek(fd, 0, SEEK_SET) == 0 && ftruncate(fd, 0) == 0 ? ERR_OK : fail_errno(f, ERR_IO, "backup");
}

static enum err attempt(struct fail *f, struct copying *c, int wal, int file, struct backup_facts *x,
                        bool *again)
{
    struct stat of_wal = {.st_size = 0}, of_file;
    struct buf header;
    if ((wal >= 0 && fstat(wal, &of_wal) != 0) || fstat(file, &of_file) != 0)
        return fail_errno(f, ERR_IO, c->m->path);
    x->wal_bytes = of_wal.st_size < WAL_HEADER ? 0 : of_wal.st_size;
    x->file_bytes = of_file.st_size;
    c->total = x->wal_bytes + x->file_bytes;
    c->done = c->handed = 0;
    backup_pace_start(c->m->pace);
    sha256_stream_init(&c->hash);
    buf_init(&header, SEALED_HEADER_MAX);
    write_header(x, &header);
    enum err e = buf_check(&header, f, "header");
    if (!e)
        e = start_over(f, c->m->fd);
    if (!e)
        e = sealed_writer_new(f, c->m->fd, c->m->key, buf_str(&header), &c->writer);
    buf_release(&header);
    if (!e)
        e = seal_both(c, f, wal, file, x, again);
    sealed_writer_free(c->writer);
    c->writer = NULL;
    return e;
}

static enum err open_files(struct fail *f, const char *path, int *wal, int *file)
{
    char name[PATH_MAX];
    int n = snprintf(name, sizeof name, "%s-wal", path);
    if (n < 0 || (size_t)n >= sizeof name)
        return fail_set(f, ERR_LIMIT, "path", NULL);
    *file = open(path, O_RDONLY | O_CLOEXEC);
    if (*file < 0)
        return fail_errno(f, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, path);
    *wal = open(name, O_RDONLY | O_CLOEXEC);
    return *wal >= 0 || errno == ENOENT ? ERR_OK : fail_errno(f, ERR_IO, name);
}

/* Opens files of a database: only in a process that has no SQLite connection to it, since closing them would
 * drop SQLite's locks. */
enum err backup_write(struct fail *f, const struct backup_making *m, struct backup_facts *facts,
                      struct sha256 *hash)
{
    struct copying c = {.m = m, .piece = memory_new(PIECE)};
    int wal = -1, file = -1;
    bool again = true;
    enum err e = c.piece ? open_files(f, m->path, &wal, &file) : fail_set(f, ERR_MEMORY, "backup", NULL);
    for (int i = 0; !e && again && i < ATTEMPTS; i++) {
        again = false;
        e = attempt(f, &c, wal, file, facts, &again);
    }
    if (!e && again)
        e = fail_set(f, ERR_BACKUP_BROKEN_OFF, NULL, "the WAL was begun anew again and again");
    if (!e && fsync(m->fd) != 0)
        e = fail_errno(f, ERR_IO, "backup");
    if (!e)
        *hash = c.sum;
    if (wal >= 0)
        close(wal);
    if (file >= 0)
        close(file);
    memory_free(c.piece);
    return e;
}

/* ---- reading */

struct backup_reader {
    struct sealed_reader *sealed;
    int64_t wal_bytes, file_bytes;
};

enum err backup_peek(struct fail *f, int fd, struct arena *a, struct backup_facts *out,
                     char id[SEALED_ID_SIZE])
{
    struct buf header;
    buf_init(&header, SEALED_HEADER_MAX);
    enum err e = sealed_peek(f, fd, &header, id);
    if (!e)
        e = read_header(f, buf_str(&header), a, out);
    buf_release(&header);
    return e;
}

enum err backup_open(struct fail *f, int fd, const struct sealed_key *key, struct arena *a,
                     struct backup_facts *facts, struct backup_reader **out)
{
    struct backup_reader *r = memory_new(sizeof *r);
    struct buf header;
    if (!r)
        return fail_set(f, ERR_MEMORY, "backup", NULL);
    buf_init(&header, SEALED_HEADER_MAX);
    enum err e = sealed_reader_new(f, fd, key, &header, &r->sealed);
    if (!e)
        e = read_header(f, buf_str(&header), a, facts);
    buf_release(&header);
    if (e) {
        backup_close(r);
        return e;
    }
    r->wal_bytes = facts->wal_bytes;
    r->file_bytes = facts->file_bytes;
    *out = r;
    return ERR_OK;
}

void backup_close(struct backup_reader *r)
{
    if (!r)
        return;
    sealed_reader_free(r->sealed);
    memory_free(r);
}

struct unpacking {
    struct backup_reader *r;
    struct sha256_stream hash;
    int64_t done;
    backup_progress progress;
    void *arg;
    char *piece;
};

static enum err write_all(struct fail *f, int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t written = write(fd, p, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail_errno(f, errno == ENOSPC ? ERR_DB_FULL : ERR_IO, "write");
        p += written;
        n -= (size_t)written;
    }
    return ERR_OK;
}

static enum err unpack_file(struct unpacking *u, struct fail *f, int fd, int64_t bytes)
{
    enum err e = ERR_OK;
    for (int64_t at = 0; !e && at < bytes;) {
        size_t n = bytes - at < PIECE ? (size_t)(bytes - at) : PIECE;
        e = sealed_read(u->r->sealed, f, u->piece, n);
        if (!e && fd >= 0)
            e = write_all(f, fd, u->piece, n);
        sha256_stream_add(&u->hash, (struct str){u->piece, n});
        at += (int64_t)n;
        u->done += (int64_t)n;
        if (u->progress)
            u->progress(u->arg, u->done, u->r->wal_bytes + u->r->file_bytes);
        FAULT_POINT("restore_piece", .number = u->done);
    }
    if (!e && fd >= 0 && fsync(fd) != 0)
        e = fail_errno(f, ERR_IO, "sync");
    return e;
}

enum err backup_copy(struct backup_reader *r, struct fail *f, int wal_fd, int file_fd,
                     backup_progress progress, void *arg, struct sha256 *hash)
{
    struct unpacking u = {.r = r, .progress = progress, .arg = arg, .piece = memory_new(PIECE)};
    struct sha256 told = {{0}};
    if (!u.piece)
        return fail_set(f, ERR_MEMORY, "backup", NULL);
    sha256_stream_init(&u.hash);
    enum err e = unpack_file(&u, f, wal_fd, r->wal_bytes);
    if (!e)
        e = unpack_file(&u, f, file_fd, r->file_bytes);
    if (!e)
        e = sealed_read(r->sealed, f, told.bytes, sizeof told.bytes);
    if (!e)
        e = sealed_reader_end(r->sealed, f);
    *hash = sha256_stream_end(&u.hash);
    if (!e && !sha256_equal(*hash, told))
        e = fail_set(f, ERR_SEALED, "hash", NULL);
    memory_free(u.piece);
    return e;
}

enum err backup_check_schema(struct fail *f, const struct backup_facts *facts,
                             const struct db_module *const *modules, size_t count)
{
    for (size_t i = 0; i < facts->schema_count; i++) {
        const struct backup_schema *s = &facts->schema[i];
        const struct db_module *known = NULL;
        for (size_t k = 0; k < count && !known; k++)
            known = strcmp(modules[k]->name, s->module) == 0 ? modules[k] : NULL;
        if (!known || s->migrations > (int64_t)known->migration_count)
            return fail_set(f, ERR_BACKUP_NEWER, NULL, "%s %lld, program %s", s->module,
                            (long long)s->migrations, facts->program);
    }
    return ERR_OK;
}
