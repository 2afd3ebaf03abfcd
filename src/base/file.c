/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err read_all(struct fail *f, int fd, const char *path, struct buf *out)
{
    for (;;) {
        char chunk[16384];
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(f, ERR_IO, path);
        if (n == 0)
            return buf_check(out, f, path);
        buf_add(out, chunk, (size_t)n);
        if (out->broken)
            return buf_check(out, f, path);
    }
}

enum err file_read(struct fail *f, const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(f, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, path);
    enum err e = read_all(f, fd, path, out);
    close(fd);
    return e;
}

static enum err write_all(struct fail *f, int fd, const char *path, struct str bytes)
{
    while (bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(f, ERR_IO, path);
        bytes = (struct str){bytes.p + n, bytes.n - (size_t)n};
    }
    return fsync(fd) == 0 ? ERR_OK : fail_errno(f, ERR_IO, path);
}

enum err file_sync_folder(struct fail *f, const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (n >= sizeof folder)
        return fail_set(f, ERR_LIMIT, "path", NULL);
    snprintf(folder, sizeof folder, "%.*s", (int)n, path);
    int fd = open(!slash ? "." : n ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(f, ERR_IO, path);
    int failed = fsync(fd);
    enum err e = failed ? fail_errno(f, ERR_IO, path) : ERR_OK;
    close(fd);
    return e;
}

enum err file_write(struct fail *f, const char *path, struct str bytes, unsigned mode)
{
    char temporary[PATH_MAX];
    int n = snprintf(temporary, sizeof temporary, "%s.new", path);
    if (n < 0 || (size_t)n >= sizeof temporary)
        return fail_set(f, ERR_LIMIT, "path", NULL);
    unlink(temporary);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return fail_errno(f, ERR_IO, temporary);
    enum err e = write_all(f, fd, path, bytes);
    if (close(fd) != 0 && !e)
        e = fail_errno(f, ERR_IO, temporary);
    if (!e && rename(temporary, path) != 0)
        e = fail_errno(f, ERR_IO, path);
    if (e) {
        unlink(temporary);
        return e;
    }
    return file_sync_folder(f, path);
}

enum err file_make_folder(struct fail *f, const char *path)
{
    char part[PATH_MAX];
    int n = snprintf(part, sizeof part, "%s", path);
    if (n <= 0 || (size_t)n >= sizeof part)
        return fail_set(f, ERR_LIMIT, "path", NULL);
    for (char *at = part + 1;; at++) {
        char kept = *at;
        if (kept != '/' && kept != 0)
            continue;
        *at = 0;
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return fail_errno(f, ERR_IO, part);
        *at = kept;
        if (kept == 0)
            return ERR_OK;
    }
}

bool file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}
