/* SPDX-License-Identifier: Apache-2.0 */
/* Two processes of one server over one PostgreSQL: one works, the other waits to take its place.
 *
 * Promises: whatever numbers, signs, dials, listens or takes work in is opened only after standby_open has
 * returned, so only one process does it, with nothing remembered from before. A process that finds that
 * another has become the writer ends in order with exit code 3, and waits when it is started again. On SQLite
 * a second process is refused. */
#ifndef JUKI_PROGRAM_STANDBY_H
#define JUKI_PROGRAM_STANDBY_H

#include "db/db.h"
#include "program/node_config.h"

/* db_open, which on PostgreSQL waits while another process is the writer: says so in the log, to systemd and
 * at the control socket (whose only verb then is "status"). ERR_STOPPING when the program was asked to end
 * meanwhile. The daemon ends by itself when the database is lost later (db_on_lost). */
MUST_CHECK enum err standby_open(struct fail *f, const struct node_config *config,
                                 const struct db_module *const *modules, size_t count, struct db **out);

#endif
