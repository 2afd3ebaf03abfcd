/* SPDX-License-Identifier: Apache-2.0 */
/* juki: the command line for people. */
#include "command/command.h"

#include <signal.h>

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    return command_run(argc - 1, argv + 1);
}
