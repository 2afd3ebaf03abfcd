/* SPDX-License-Identifier: Apache-2.0 */
/* The check is made on the opened descriptor, never on the name, so that nobody can exchange the file
 * between. */
#include "keys/secret.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err check_owner(struct fail *f, int fd, const char *path)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fail_errno(f, ERR_IO, path);
    if (!S_ISREG(st.st_mode))
        return fail_set(f, ERR_KEY_PERMISSION, "key", "%s is not a regular file", path);
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return fail_set(f, ERR_KEY_PERMISSION, "key", "%s has mode %04o", path, st.st_mode & 07777u);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return fail_set(f, ERR_KEY_PERMISSION, "key", "%s belongs to another user", path);
    if (st.st_size > SECRET_MAX)
        return fail_set(f, ERR_LIMIT, "key", "%s", path);
    return ERR_OK;
}

static enum err read_whole(struct fail *f, int fd, const char *path, struct buf *out)
{
    /* All the room at once: a buffer that grows would leave copies of the secret behind. */
    size_t before = out->n, n = 0;
    char *at = buf_reserve(out, SECRET_MAX);
    if (!at)
        return buf_check(out, f, "key");
    enum err e = ERR_OK;
    while (n < SECRET_MAX) {
        ssize_t got = read(fd, at + n, SECRET_MAX - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            e = fail_errno(f, ERR_IO, path);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    out->n = before + n;
    out->p[out->n] = 0;
    return e;
}

enum err secret_read(struct fail *f, const char *path, struct buf *out)
{
    /* O_NONBLOCK: a pipe put in the file's place is refused, not waited for. */
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ELOOP)
        return fail_set(f, ERR_KEY_PERMISSION, "key", "%s is a symbolic link", path);
    if (fd < 0)
        return fail_errno(f,
                          errno == ENOENT   ? ERR_NOT_FOUND
                          : errno == EACCES ? ERR_KEY_PERMISSION
                                            : ERR_IO,
                          path);
    enum err e = check_owner(f, fd, path);
    if (!e)
        e = read_whole(f, fd, path, out);
    close(fd);
    return e;
}

enum err secret_create(struct fail *f, const char *path, struct str bytes)
{
    char making[PATH_MAX];
    int n = snprintf(making, sizeof making, "%s.%ld", path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof making)
        return fail_set(f, ERR_LIMIT, "path", NULL);
    enum err e = file_write(f, making, bytes, 0600);
    if (e)
        return e;
    /* link(2) gives the name only when it is free; rename(2) would take it from another key. */
    if (link(making, path) != 0)
        e = errno == EEXIST ? fail_set(f, ERR_EXISTS, "key", "%s", path) : fail_errno(f, ERR_IO, path);
    unlink(making);
    return e ? e : file_sync_folder(f, path);
}

const char *secret_path(const char *uri)
{
    return strncmp(uri, "file:", 5) == 0 && uri[5] ? uri + 5 : NULL;
}
