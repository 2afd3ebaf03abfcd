/* SPDX-License-Identifier: Apache-2.0 */
#include "program/server_main.h"

int main(int argc, char **argv)
{
    return server_main(NODE_AGENCY, "juki-agency", "機構サーバ — the national store: records, provides, designates codes, generates numbers.", argc, argv);
}
