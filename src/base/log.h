/* SPDX-License-Identifier: Apache-2.0 */
/* Lines for the operator, on stderr: `time level event=... key=value ...`, one line each.
 *
 * Never for audit (that is the ledger), never a person's number or name. Libraries do not log; the loop that
 * owns a request does, once. Values are quoted when they hold spaces or quotes; control bytes are escaped. */
#ifndef JUKI_BASE_LOG_H
#define JUKI_BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ALARM };
struct log_field {
    const char *key;
    const char *value; /* used when not NULL */
    int64_t number;
};
#define LOG_TEXT(k, v) ((struct log_field){.key = (k), .value = (v)})
#define LOG_NUMBER(k, v) ((struct log_field){.key = (k), .number = (int64_t)(v)})
#define LOG(level, event, ...)                                                                               \
    log_write(level, event, (struct log_field[]){__VA_ARGS__},                                               \
              sizeof((struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

void log_level_set(enum log_level least);
/* Fields may be none: pass NULL, 0. At most 2,048 bytes a line; the rest is cut. Thread-safe. */
void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t count);
/* One line for a failed request: error name, field and detail. */
void log_fail(enum log_level level, const char *event, const struct fail *f);

#endif
