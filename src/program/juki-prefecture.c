/* SPDX-License-Identifier: Apache-2.0 */
#include "program/server_main.h"

int main(int argc, char **argv)
{
    return server_main(NODE_PREFECTURE, "juki-prefecture", "都道府県サーバ — records, stores and provides identity records; notifies the agency.", argc, argv);
}
