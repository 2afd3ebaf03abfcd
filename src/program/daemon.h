/* SPDX-License-Identifier: Apache-2.0 */
/* What every daemon does around its work: arguments, signals, systemd, an orderly end. */
#ifndef JUKI_PROGRAM_DAEMON_H
#define JUKI_PROGRAM_DAEMON_H

#include "base/err.h"

struct daemon {
    const char *program; /* "juki-cs" */
    const char *purpose; /* one line for --help */
    /* folder: where juki.yaml is. Opens, starts and returns; close is called after the signal, also when open
     * failed half way. reload may be NULL. */
    enum err (*open)(void *self, struct fail *f, const char *folder);
    enum err (*reload)(void *self, struct fail *f);
    void (*close)(void *self);
    void *self;
};
/* Runs until SIGTERM, SIGINT or daemon_end; SIGHUP reloads. Returns the exit code. An open that fails with ERR_STOPPING was
 * asked to end. */
int daemon_main(const struct daemon *d, int argc, char **argv);
/* Inside open: waits, and says whether the program was asked to end. */
bool daemon_pause(int64_t micros);
/* From any thread: the daemon ends in order with this exit code. */
void daemon_end(int code);

#endif
