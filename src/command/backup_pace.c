/* SPDX-License-Identifier: Apache-2.0 */
#include "command/backup_pace.h"

#include "base/clock.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { IO_CLASS_LOWEST = 2 << 13 | 7, NICE = 10, BEHIND_MOST = 10 * 1000 * 1000 };

static bool choose(int policy)
{
    const struct sched_param standard = {.sched_priority = 0};
    return sched_setscheduler(0, policy, &standard) == 0;
}

/* From SCHED_IDLE there is no way back but for those who may set a nice value. */
static bool may_come_back(void)
{
    struct rlimit limit;
    return geteuid() == 0 || (getrlimit(RLIMIT_NICE, &limit) == 0 && limit.rlim_cur >= 20 - NICE);
}

void backup_step_back(struct backup_pace *p, int64_t rate)
{
    *p = (struct backup_pace){.rate = rate};
    (void)setpriority(PRIO_PROCESS, 0, NICE);
    (void)syscall(SYS_ioprio_set, 1 /* this process */, 0, IO_CLASS_LOWEST);
    p->waits_for_all = rate > 0 && may_come_back() && choose(SCHED_IDLE);
}

void backup_pace_start(struct backup_pace *p)
{
    p->started = clock_steady();
}

void backup_pace_keep(struct backup_pace *p, int64_t done)
{
    if (p->rate <= 0)
        return;
    int64_t due = p->started + (int64_t)((double)done / (double)p->rate * 1e6), now = clock_steady();
    if (due > now)
        nanosleep(&(struct timespec){(due - now) / 1000000, (due - now) % 1000000 * 1000}, NULL);
    else if (p->waits_for_all && now - due > BEHIND_MOST)
        p->waits_for_all = !choose(SCHED_OTHER);
}
