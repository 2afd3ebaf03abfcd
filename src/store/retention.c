/* SPDX-License-Identifier: Apache-2.0 */
#include "store/retention.h"

static const struct date NEVER_ENDS = {9999, 12, 31};

#define YEARS(n)                                                                                             \
    {                                                                                                        \
        (n), 0                                                                                               \
    }
#define DAYS(n)                                                                                              \
    {                                                                                                        \
        0, (n)                                                                                               \
    }
#define ALWAYS                                                                                               \
    {                                                                                                        \
        -1, 0                                                                                                \
    }
#define RETENTION(subject, name, shortest, longest, start, article)                                          \
    {RETENTION_##subject, name, shortest, longest, RETENTION_##start, article},
static const struct retention_row rows[] = {
#include "store/retention.def"
};
#undef RETENTION

const struct retention_row *retention_rows(size_t *count)
{
    *count = COUNT_OF(rows);
    return rows;
}

const struct retention_row *retention_find(enum retention_subject subject, const char *name)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].subject == subject && str_equal(str_of(rows[i].name), str_of(name)))
            return &rows[i];
    return NULL;
}

static struct date after(struct retention_span span, struct date start)
{
    if (span.years < 0)
        return NEVER_ENDS;
    return date_add_days(date_add_years(start, span.years), span.days);
}

struct date retention_due(const struct retention_row *row, struct date start)
{
    struct date last = after(row->shortest, start);
    return row->shortest.years < 0 ? last : date_add_days(last, 1);
}

struct date retention_end(const struct retention_row *row, struct date start)
{
    return after(row->longest, start);
}

const char *retention_start_name(enum retention_start start)
{
    static const char *const names[] = {"recorded", "next_notice", "removal", "superseded", "used", "closed"};
    assert((size_t)start < COUNT_OF(names));
    return names[start];
}
