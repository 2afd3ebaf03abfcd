/* SPDX-License-Identifier: Apache-2.0 */
/* A backup: one sealed file (keys/sealed.h) that holds a SQLite database as it stood at one moment.
 *
 * The header, in clear and proved by the key, is one JSON object:
 *
 *     {"juki_backup":1,"node","time","program","epoch","entries","head","schema":{MODULE:migrations},
 *      "wal_bytes","file_bytes"}
 *
 * epoch, entries and head (the newest signed note of the log) are 0 and "" for a register, which has no log.
 * The content is the WAL's wal_bytes, the file's file_bytes, and the SHA-256 of both. Nothing is copied back
 * into the file while it is read (db_hold_file), so the file and the WAL together are a state that was
 * committed; what a WAL holds behind its last commit, SQLite passes over. */
#ifndef JUKI_COMMAND_BACKUP_FILE_H
#define JUKI_COMMAND_BACKUP_FILE_H

#include "base/sha256.h"
#include "command/backup_pace.h"
#include "db/db.h"
#include "keys/sealed.h"
#include "link/node_name.h"

enum { BACKUP_FORM = 1, BACKUP_MODULES_MAX = 32, BACKUP_HEAD_MAX = 64 * 1024 };

struct backup_schema {
    char module[48];
    int64_t migrations;
};
struct backup_facts {
    struct node_name node;
    int64_t time, epoch, entries, wal_bytes, file_bytes;
    char program[32];
    struct str head; /* in the arena */
    struct backup_schema schema[BACKUP_MODULES_MAX];
    size_t schema_count;
};

typedef void (*backup_progress)(void *arg, int64_t done, int64_t total);

/* What the database of a node says of itself. ERR_DB_MIGRATION: the server must start once with this program.
 */
MUST_CHECK enum err backup_facts_read(struct fail *f, const struct node_name *node, const char *path,
                                      const struct db_module *const *modules, size_t count, struct arena *a,
                                      struct backup_facts *out);
/* Writes the database at path, which stays as it is meanwhile, to fd (from its beginning). Fills the sizes.
 * pace: of a process that has stepped back. Syncs what it wrote. */
struct backup_making {
    const char *path;
    int fd;
    const struct sealed_key *key;
    struct backup_pace *pace;
    backup_progress progress;
    void *arg;
};
MUST_CHECK enum err backup_write(struct fail *f, const struct backup_making *m, struct backup_facts *facts,
                                 struct sha256 *hash);

/* What a file says of itself, not proved; id names the key that opens it. */
MUST_CHECK enum err backup_peek(struct fail *f, int fd, struct arena *a, struct backup_facts *out,
                                char id[SEALED_ID_SIZE]);
/* Opens a backup: facts are proved. ERR_SEALED_..., ERR_BACKUP_NEWER. */
struct backup_reader;
MUST_CHECK enum err backup_open(struct fail *f, int fd, const struct sealed_key *key, struct arena *a,
                                struct backup_facts *facts, struct backup_reader **out);
/* Reads all of it, into the files wal_fd and file_fd (-1: only proves it), which are synced. */
MUST_CHECK enum err backup_copy(struct backup_reader *r, struct fail *f, int wal_fd, int file_fd,
                                backup_progress progress, void *arg, struct sha256 *hash);
void backup_close(struct backup_reader *r);

/* ERR_BACKUP_NEWER when a migration was applied that these modules do not know. */
MUST_CHECK enum err backup_check_schema(struct fail *f, const struct backup_facts *facts,
                                        const struct db_module *const *modules, size_t count);

#endif
