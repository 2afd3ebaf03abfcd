/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JUKI_BASE_STACK_H
#define JUKI_BASE_STACK_H

/* Bytes of stack of each thread that reads what came from outside: the link's, the door's, and the one on
 * which the fuzz targets run. Of the C library's 8 MiB a server with 2,000 peers would map 16 GiB. */
enum { THREAD_STACK = 512 * 1024 };

#endif
