/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are written, moved and synced beside SQLite go into the recording too (recording_vfs.h).
 *
 * The linker leads the calls of our own libraries here (recording_files in meson.build); SQLite's and the C
 * library's stay as they are. What they do is done, and written down when it was. As there, a sync counts
 * from its beginning. Only files below the folder that was named last are recorded. */
#ifndef JUKI_TESTS_FAULT_RECORDING_FILES_H
#define JUKI_TESTS_FAULT_RECORDING_FILES_H

/* NULL: none any more. */
void recording_files_of(const char *folder);

#endif
