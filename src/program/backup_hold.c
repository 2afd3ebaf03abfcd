/* SPDX-License-Identifier: Apache-2.0 */
#include "program/backup_hold.h"

#include "program/disk_space.h"

static enum err look_at_disk(void *arg, struct fail *f)
{
    const struct backup_hold *h = arg;
    return disk_takes_work(f, h->disk, h->least);
}

enum err backup_hold(const struct backup_hold *h, struct control_call *call, struct fail *f)
{
    struct backup_hold copy = *h;
    db_hold_file(h->db);
    enum err e = h->begun ? h->begun(h->arg, f) : ERR_OK;
    if (!e) {
        control_progress(call, 0, 0);
        e = control_wait_line(call, f, look_at_disk, &copy);
    }
    db_release_file(h->db);
    return e;
}
