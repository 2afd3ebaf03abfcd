/* SPDX-License-Identifier: Apache-2.0 */
#include "program/server_main.h"

int main(int argc, char **argv)
{
    return server_main(NODE_CS, "juki-cs", "コミュニケーションサーバ — a municipality's server: takes the register's changes, exchanges notices.", argc, argv);
}
