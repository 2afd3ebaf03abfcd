/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon's part in a backup: its database's file stays as it is while `juki backup make` reads it.
 *
 * The client reads the files itself, where it likes and with its own key; the daemon only holds them. No
 * change waits meanwhile, and all that happens goes to the WAL. The hold ends with the client, with the
 * daemon, and when the disk runs low: then the client hears so and its backup counts for nothing. */
#ifndef JUKI_PROGRAM_BACKUP_HOLD_H
#define JUKI_PROGRAM_BACKUP_HOLD_H

#include "db/db.h"
#include "program/control.h"

/* begun (may be NULL) runs when the file is held and before the client is told. disk: folder whose free space
 * must stay above `least` per cent. ERR_PEER_CLOSED, ERR_STOPPING, ERR_DISK_LOW. */
struct backup_hold {
    struct db *db;
    const char *disk;
    int64_t least;
    enum err (*begun)(void *arg, struct fail *f);
    void *arg;
};
MUST_CHECK enum err backup_hold(const struct backup_hold *h, struct control_call *call, struct fail *f);

#endif
