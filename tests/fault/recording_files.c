/* SPDX-License-Identifier: Apache-2.0 */
#include "recording_files.h"

#include "recording_vfs.h"

#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int __real_open64(const char *path, int flags, ...);
int __real_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __real_link(const char *from, const char *to);
int __real_unlink(const char *path);
ssize_t __real_write(int fd, const void *bytes, size_t n);
ssize_t __real_pwrite64(int fd, const void *bytes, size_t n, off_t offset);

int __wrap_open64(const char *path, int flags, ...);
int __wrap_fsync(int fd);
int __wrap_rename(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __wrap_unlink(const char *path);
ssize_t __wrap_write(int fd, const void *bytes, size_t n);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t n, off_t offset);

static char below[PATH_MAX]; /* "" when nothing is recorded */

void recording_files_of(const char *folder)
{
    snprintf(below, sizeof below, "%s", folder ? folder : "");
}

static bool concerns(const char *path)
{
    return below[0] && strncmp(path, below, strlen(below)) == 0;
}

static bool is_there(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

/* The path behind a descriptor; false when it is none of ours. */
static bool path_of(int fd, char path[static PATH_MAX])
{
    char name[64];
    if (!below[0])
        return false;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(name, path, PATH_MAX - 1);
    if (n < 0)
        return false;
    path[n] = 0;
    return concerns(path);
}

int __wrap_open64(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    bool ours = (flags & (O_CREAT | O_TRUNC)) && concerns(path), made = ours && !is_there(path);
    int known = ours && !made ? recording_find(path, false) : -1;
    int fd = __real_open64(path, flags, mode);
    if (fd >= 0 && made)
        recording_find(path, true);
    else if (fd >= 0 && (flags & O_TRUNC))
        recording_note((struct disk_op){.act = DISK_TRUNCATE, .file = known});
    return fd;
}

static void note_write(int fd, const void *bytes, ssize_t n, off_t offset)
{
    char path[PATH_MAX];
    if (n > 0 && path_of(fd, path))
        recording_note((struct disk_op){.act = DISK_WRITE,
                                        .file = recording_find(path, false),
                                        .offset = offset,
                                        .n = (size_t)n,
                                        .bytes = (unsigned char *)(uintptr_t)bytes});
}

/* Is known before its first byte, so that it counts as new. */
static void make_known(int fd)
{
    char path[PATH_MAX];
    if (path_of(fd, path))
        recording_find(path, false);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t n)
{
    make_known(fd);
    ssize_t written = __real_write(fd, bytes, n);
    off_t end = written > 0 && below[0] ? lseek(fd, 0, SEEK_CUR) : -1;
    if (end >= 0)
        note_write(fd, bytes, written, end - written);
    return written;
}

ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t n, off_t offset)
{
    make_known(fd);
    ssize_t written = __real_pwrite64(fd, bytes, n, offset);
    note_write(fd, bytes, written, offset);
    return written;
}

/* A folder has no bytes of its own: its sync is noted at any file of it. */
int __wrap_fsync(int fd)
{
    char path[PATH_MAX];
    struct stat st;
    size_t since = recording_place();
    int failed = __real_fsync(fd);
    if (failed || !path_of(fd, path) || fstat(fd, &st) != 0)
        return failed;
    if (!S_ISDIR(st.st_mode))
        recording_note(
            (struct disk_op){.act = DISK_SYNCED, .file = recording_find(path, false), .since = since});
    else if (recording_file_count())
        recording_note((struct disk_op){.act = DISK_FOLDER_SYNCED, .since = since});
    return failed;
}

int __wrap_rename(const char *from, const char *to)
{
    bool known = concerns(from) && is_there(from) && recording_find(from, false) >= 0;
    if (known && is_there(to)) /* what is lost with its name is known by what it held */
        recording_find(to, false);
    int failed = __real_rename(from, to);
    if (!failed && known)
        recording_renamed(from, to);
    return failed;
}

/* The second name of a file is recorded as its next one: all that use link(2) take the first away then. */
int __wrap_link(const char *from, const char *to)
{
    bool known = concerns(from) && recording_find(from, false) >= 0;
    int failed = __real_link(from, to);
    if (!failed && known)
        recording_renamed(from, to);
    return failed;
}

int __wrap_unlink(const char *path)
{
    struct stat st;
    bool last =
        concerns(path) && lstat(path, &st) == 0 && st.st_nlink == 1 && recording_find(path, false) >= 0;
    int failed = __real_unlink(path);
    if (!failed && last)
        recording_removed(path);
    return failed;
}
