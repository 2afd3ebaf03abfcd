/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration: a file is refused with a line, or every value keeps its row's range. */
#include "fuzz.h"

#include "program/node_config.h"

static void check(const struct config_row *row, const char *values)
{
    const char *at = values + row->offset;
    int64_t number;
    switch (row->type) {
    case CONFIG_INT:
        memcpy(&number, at, sizeof number);
        assert((!row->least && !row->most) || (number >= row->least && number <= row->most));
        break;
    case CONFIG_DURATION:
        memcpy(&number, at, sizeof number);
        assert((!row->least && !row->most) ||
               (number >= row->least * 1000000 && number <= row->most * 1000000));
        break;
    case CONFIG_TEXT:
    case CONFIG_PATH: {
        struct str text;
        memcpy(&text, at, sizeof text);
        assert(text.n <= CONFIG_TEXT_MAX + 16 && text.p[text.n] == 0 && !utf8_check(NULL, "text", text));
        break;
    }
    case CONFIG_LIST: {
        struct config_list list;
        memcpy(&list, at, sizeof list);
        assert(list.count <= CONFIG_LIST_MAX);
        for (size_t i = 0; i < list.count; i++)
            assert(list.items[i].p[list.items[i].n] == 0);
        break;
    }
    case CONFIG_BOOL:
    case CONFIG_CHOICE:
        break;
    }
}

void fuzz_target(struct str in)
{
    struct node_config c = {.head_interval = -1};
    struct fail f = {0};
    struct arena a;
    arena_init(&a, 1 << 20);
    enum err e = config_parse(&f, &node_config_table, in, STR("/srv"), &a, &c);
    if (e)
        assert((e == ERR_CONFIG || e == ERR_UTF8 || e == ERR_MEMORY) && f.err == e && c.head_interval == -1);
    else
        for (size_t i = 0; i < node_config_table.count; i++)
            check(&node_config_table.rows[i], (const char *)&c);
    arena_release(&a);
}
