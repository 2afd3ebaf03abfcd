/* SPDX-License-Identifier: Apache-2.0 */
/* The main of agency, prefecture and CS, which differ in their role only. */
#ifndef JUKI_PROGRAM_SERVER_MAIN_H
#define JUKI_PROGRAM_SERVER_MAIN_H

#include "link/node_name.h"

int server_main(enum node_role role, const char *program, const char *purpose, int argc, char **argv);

#endif
