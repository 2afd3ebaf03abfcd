/* SPDX-License-Identifier: Apache-2.0 */
/* A new network: planned, made beside its place, and moved there when it is complete, so that an init that is
 * broken off leaves nothing that looks like a network. */
#include "command/network.h"

#include "base/encode.h"
#include "base/file.h"
#include "base/sha256.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SOCKET_PATH_MAX = 107 };

enum err network_check_empty(struct fail *f, const char *path)
{
    DIR *d = opendir(path);
    size_t names = 0;
    if (!d && errno == ENOENT)
        return ERR_OK;
    if (!d)
        return fail_errno(f, ERR_NETWORK_EXISTS, path);
    for (const struct dirent *entry = readdir(d); entry; entry = readdir(d))
        names += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(d);
    return names ? fail_set(f, ERR_NETWORK_EXISTS, NULL, "%.120s", path) : ERR_OK;
}

/* Where control sockets go when a path inside DIR would be longer than the kernel takes (107 bytes): a short
 * folder of this user's, named by the hash of DIR. */
static enum err choose_sockets(struct fail *f, struct arena *a, struct str folder, struct str *out)
{
    static const char longest[] = "/register.282049/run/control.sock";
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    struct buf hex;
    *out = STR("");
    if (folder.n + sizeof longest - 1 <= SOCKET_PATH_MAX)
        return ERR_OK;
    struct sha256 hash = sha256_of(folder);
    buf_init(&hex, 64);
    encode_hex(&hex, hash.bytes, 4);
    if (runtime && runtime[0] == '/' && strlen(runtime) <= 40 && file_exists(runtime))
        *out = arena_format(a, "%s/juki-%s", runtime, hex.p);
    else
        *out = arena_format(a, "/tmp/juki-%u-%s", (unsigned)geteuid(), hex.p);
    buf_release(&hex);
    return out->p ? ERR_OK : fail_set(f, ERR_MEMORY, "path", NULL);
}

static enum err check_postgresql(struct fail *f, struct str *url)
{
    if (url->n == 0)
        return ERR_OK;
    if (!str_starts(*url, STR("postgresql://")) || memchr(url->p, '?', url->n) || memchr(url->p, '"', url->n))
        return fail_set(f, ERR_USAGE, NULL,
                        "--postgresql is postgresql://USER@HOST:PORT; each server's database is added");
    while (url->p[url->n - 1] == '/')
        url->n--;
    return ERR_OK;
}

static enum err add_all(struct fail *f, const struct network_plan *p, struct arena *a, struct network *n)
{
    enum err e = network_add_agency(f, n, a);
    for (size_t i = 0; i < p->prefecture_count && !e; i++)
        e = network_add_prefecture(f, n, a, p->prefectures[i]);
    for (size_t i = 0; i < p->municipality_count && !e; i++)
        e = network_add_municipality(f, n, a, p->municipalities[i]);
    return e;
}

/* Everything under n->folder, which exists and is empty. */
static enum err make_all(struct fail *f, const struct network_plan *p, struct arena *a, struct network *n)
{
    int64_t version;
    enum err e = add_all(f, p, a, n);
    if (!e)
        e = network_make_authority(f, n);
    for (size_t i = 0; i < n->count && !e; i++)
        e = network_make_node(f, n, &n->nodes[i], NETWORK_DAYS);
    if (!e)
        e = network_sign_directory(f, n, true, NULL, &version);
    return e ? e : network_save(f, n);
}

static enum err make_beside(struct fail *f, const struct network_plan *p, struct arena *a, struct str place)
{
    struct str url = p->postgresql;
    struct network n = {.next_port = p->base_port, .disk_least = p->disk_least, .demo = p->demo};
    enum err e = choose_sockets(f, a, place, &n.sockets);
    if (!e)
        e = check_postgresql(f, &url);
    if (!e)
        e = network_set_postgresql(f, &n, a, url);
    if (e)
        return e;
    n.folder = arena_format(a, "%.*s.making-%d", STR_ARG(place), (int)getpid());
    if (!n.folder.p)
        return fail_set(f, ERR_MEMORY, "path", NULL);
    e = file_make_folder(f, n.folder.p);
    if (!e)
        e = make_all(f, p, a, &n);
    if (!e && rename(n.folder.p, place.p) != 0) /* onto an empty folder */
        e = fail_errno(f, ERR_NETWORK_EXISTS, place.p);
    else if (!e)
        return file_sync_folder(f, place.p);
    if (e)
        (void)!network_remove_folder(NULL, n.folder.p);
    return e;
}

enum err network_init(struct fail *f, const struct network_plan *p, struct arena *a, struct network *out)
{
    bool existed = file_exists(p->folder);
    enum err e = network_check_empty(f, p->folder);
    if (!e)
        e = file_make_folder(f, p->folder);
    if (e)
        return e;
    char *absolute = realpath(p->folder, NULL);
    if (!absolute)
        return fail_errno(f, ERR_IO, p->folder);
    e = make_beside(f, p, a, str_of(absolute));
    if (!e)
        e = network_load(f, absolute, a, out);
    else if (!existed)
        rmdir(absolute);
    free(absolute);
    return e;
}
