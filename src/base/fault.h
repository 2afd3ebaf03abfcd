/* SPDX-License-Identifier: Apache-2.0 */
/* Named points in the course of a change where tests look, or end the process.
 *
 * A build for use knows none of them: FAULT_POINT costs nothing there. In the build of the tests (buildtype
 * debug) the environment variable JUKI_KILL_AT=POINT[:NTH] kills the process when it passes that point for
 * the nth time (first when none is said), and a test program can watch. The points, in the order of a notice:
 *
 *   in_migration      a migration's script ran, its row in db_schema is not written
 *   before_commit     the changes of a group that writes are done, nothing of them is on disk yet
 *   after_commit      they are on disk, no caller knows
 *   before_batch_send a batch is signed (number: its last sequence)
 *   after_batch_send  it left, no receipt has come
 *   before_receipt    a batch is on disk, its receipt has not left (number: the sequence it acknowledges)
 *   after_receipt     it left
 *   receipt_kept      the receipt of our batch is on disk
 *   before_question_send  a question is on disk and did not leave
 *   before_answer     an answer is on disk and did not leave
 *   after_head_sign   a head is signed and stands nowhere yet (number: its size)
 *   before_checkpoint, after_checkpoint
 *   backup_piece      a piece of a backup is written (number: bytes until now)
 *   restore_piece, restore_proved, restore_raised   the copy is being written, is proved, has its new epoch
 *   page_taken_back   a restored register has a page of what its CS took on disk (number: its last change)
 *   replace_marked, replace_aside, replace_placed   a restored database takes the old one's place */
#ifndef JUKI_BASE_FAULT_H
#define JUKI_BASE_FAULT_H

#include "base/attr.h"

struct fault_pass {
    const char *name, *self, *peer; /* nodes, or NULL where there is none */
    int64_t number;
};

#ifdef JUKI_FAULT_POINTS
void fault_pass(const struct fault_pass *pass);
/* Called at each point, on the thread that passes it; NULL ends it. Before there are threads. */
void fault_watch(void (*watch)(void *arg, const struct fault_pass *pass), void *arg);
#define FAULT_POINT(...) fault_pass(&(const struct fault_pass){.name = __VA_ARGS__})
#else
#define FAULT_POINT(...) ((void)0)
#endif

#endif
