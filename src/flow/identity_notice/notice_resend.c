/* SPDX-License-Identifier: Apache-2.0 */
/* Sending again what was sent: the link finds the notice of each change; runs of neighbours go out together.
 */
#include "flow/identity_notice/identity_notice.h"

enum { RESEND_MOST = 100000 };

struct run { /* of sequences in the stream to the upper server; first 0: none */
    int64_t first, last, count;
};

/* ERR_NOT_FOUND when the change became no notice. */
static enum err sequence_of(struct flow *flow, struct fail *f, int64_t change, int64_t *sequence)
{
    struct link_trace trace;
    uint64_t value = 0;
    enum err e = link_trace_source(flow->link, f, change, &trace);
    if (e)
        return e;
    const char *last = strrchr(trace.notice_id, '/');
    if (!last || !str_to_uint(str_of(last + 1), INT64_MAX, &value))
        return fail_set(f, ERR_NOT_FOUND, "change", "%lld", (long long)change);
    *sequence = (int64_t)value;
    return ERR_OK;
}

static enum err send_run(struct flow *flow, struct fail *f, struct run *run)
{
    if (!run->first)
        return ERR_OK;
    enum err e = link_resend(flow->link, f, flow->upper, run->first, run->last);
    run->count += run->last - run->first + 1;
    run->first = 0;
    return e;
}

enum err identity_notice_resend(struct flow *flow, struct fail *f, int64_t first, int64_t last,
                                int64_t *count)
{
    struct run run = {0};
    enum err e = ERR_OK;
    if (first < 1 || last < first || last - first >= RESEND_MOST)
        return fail_set(f, ERR_FIELD_RANGE, "last", "at most %d changes", RESEND_MOST);
    for (int64_t change = first; change <= last && !e; change++) {
        int64_t sequence = 0;
        e = sequence_of(flow, f, change, &sequence);
        if (e == ERR_NOT_FOUND) {
            e = ERR_OK;
            continue;
        }
        if (!e && run.first && sequence != run.last + 1)
            e = send_run(flow, f, &run);
        if (!run.first)
            run.first = sequence;
        run.last = sequence;
    }
    if (!e)
        e = send_run(flow, f, &run);
    if (!e)
        *count = run.count;
    return e;
}
