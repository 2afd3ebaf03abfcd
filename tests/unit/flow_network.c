/* SPDX-License-Identifier: Apache-2.0 */
#include "flow_network.h"

#include "people.h"
#include "test.h"

struct test_network flow_network;
struct flow flows[SERVERS_MOST];

enum { MODULES = 3 + FLOW_MODULES };
static const struct db_module *modules[MODULES];
static struct link_kind kinds[SERVERS_MOST][FLOW_KINDS_MAX];

static const char *upper_of(int server)
{
    if (server == PREFECTURE || server == PREFECTURE_FAR)
        return "agency";
    return flow_network.servers[server == CS_FAR ? PREFECTURE_FAR : PREFECTURE].name.text;
}

static void wire(int server)
{
    struct test_server *s = &flow_network.servers[server];
    struct flow *flow = &flows[server];
    *flow = (struct flow){.self = s->name};
    if (server != AGENCY)
        snprintf(flow->upper, sizeof flow->upper, "%s", upper_of(server));
    flow_wire(flow);
    if (server == AGENCY)
        assert_ok(ff1_new(NULL, STR("0123456789abcdef"), &flow->number_key));
    s->kinds = kinds[server];
    s->kind_count = flow_kinds(s->name.role, kinds[server]);
    s->app = flow;
    s->modules = modules;
    s->module_count = MODULES;
}

void flow_network_init(void)
{
    size_t n = 0;
    modules[n++] = &ledger_module;
    modules[n++] = &link_module;
    modules[n++] = &store_module;
    for (int i = 0; i < FLOW_MODULES; i++)
        modules[n++] = flow_modules[i];
    assert_int_equal(n, MODULES);
    network_init(&flow_network);
    for (int i = 0; i < SERVERS; i++)
        wire(i);
}

void flow_network_add_far(void)
{
    network_add_far(&flow_network);
    wire(PREFECTURE_FAR);
    wire(CS_FAR);
}

void flow_network_release(void)
{
    network_release(&flow_network);
    ff1_free(flows[AGENCY].number_key);
}

enum err flow_server_try_open(int server, struct fail *f, void (*broken)(void *, const struct fail *))
{
    struct test_server *s = &flow_network.servers[server];
    enum err e = server_try_open(s, f, broken);
    flows[server].db = s->db;
    flows[server].ledger = s->ledger;
    flows[server].link = s->link;
    return e;
}

void flow_server_open(int server)
{
    struct fail f = {0};
    if (flow_server_try_open(server, &f, NULL))
        fail_msg("%s: %s %s %s", flow_network.servers[server].name.text, err_row(f.err)->name, f.field,
                 f.detail);
}

void flow_server_start(int server)
{
    struct fail f = {0};
    flow_server_open(server);
    if (link_start(flows[server].link, &f))
        fail_msg("%s: %s %s %s", flow_network.servers[server].name.text, err_row(f.err)->name, f.field,
                 f.detail);
}

/* ---- changes ---- */

struct taking {
    struct flow *flow;
    const struct identity_change *change;
};

static enum err take_tx(struct db_tx *tx, struct fail *f, void *arg)
{
    const struct taking *t = arg;
    return identity_notice_take(t->flow, tx, f, t->change);
}

void flow_take(int cs, const struct identity_change *change)
{
    struct taking t = {&flows[cs], change};
    struct fail f = {0};
    if (db_transaction(t.flow->db, &f, take_tx, &t))
        fail_msg("%s: change %lld: %s %s", flow_network.servers[cs].name.text, (long long)change->number,
                 err_row(f.err)->name, f.field);
}

/* ---- looking ---- */

static void keep_area(void *arg, const struct store_area_count *count)
{
    struct store_area_count *kept = arg;
    if (count->area.value == kept->area.value)
        *kept = *count;
}

static struct store_area_count count_of(int server, int cs)
{
    struct store_area_count count = {.area = {flow_network.servers[cs].name.area}};
    assert_ok(store_census(flow_network.servers[server].db, NULL, keep_area, &count));
    return count;
}

int64_t flow_versions(int server, int cs)
{
    return count_of(server, cs).versions;
}

void assert_levels_agree(void)
{
    for (int cs = CS_A; cs < flow_network.count; cs++) {
        if (cs == PREFECTURE_FAR || !flow_network.servers[cs].link)
            continue;
        const struct store_area_count here = count_of(cs, cs),
                                      above = count_of(cs == CS_FAR ? PREFECTURE_FAR : PREFECTURE, cs),
                                      top = count_of(AGENCY, cs);
        assert_true(here.versions > 0);
        assert_memory_equal(&here, &above, sizeof here);
        assert_memory_equal(&here, &top, sizeof here);
    }
}
