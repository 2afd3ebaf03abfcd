/* SPDX-License-Identifier: Apache-2.0 */
/* The process that makes papers: takes orders on a socket, one after the other, and keeps font and seal
 * between them.
 *
 * It has that socket (its standard input) and the other two standard descriptors, no other, 1 GiB of memory,
 * no way to open a connection or to start a program, and ends with the program that started it. What breaks
 * it breaks one paper (print.h). */
#ifndef JUKI_PRINT_PAPER_WORKER_H
#define JUKI_PRINT_PAPER_WORKER_H

#include "print/paper_make.h"

/* Serves on standard input until its other end closes. Returns the exit status: 0 then, 1 when the socket
 * failed or something impossible was said on it. Without font or seal it serves too, and every answer says
 * so. */
int paper_worker(const struct paper_office *office);

#endif
