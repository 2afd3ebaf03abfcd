/* SPDX-License-Identifier: Apache-2.0 */
/* How a backup keeps out of the way of the servers that go on beside it.
 *
 * It reads at a rate and runs only when nobody else wants the processor (SCHED_IDLE): a server that is woken
 * never waits for its turn to end. A machine that is busy all the time would leave it standing, and the WAL of
 * the server that holds its file for it would grow; so once it is ten seconds behind its rate it takes turns,
 * as a nice process. Whoever may not come back from SCHED_IDLE (RLIMIT_NICE) is nice from the beginning. */
#ifndef JUKI_COMMAND_BACKUP_PACE_H
#define JUKI_COMMAND_BACKUP_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct backup_pace {
    int64_t rate; /* bytes a second; 0: as fast as it goes, which takes turns from the beginning */
    int64_t started;
    bool waits_for_all; /* runs only when nobody else wants to */
};
/* The calling process steps back, for good. */
void backup_step_back(struct backup_pace *p, int64_t rate);
/* Begins to count. */
void backup_pace_start(struct backup_pace *p);
/* So many bytes are done: sleeps until they are due. */
void backup_pace_keep(struct backup_pace *p, int64_t done);

#endif
