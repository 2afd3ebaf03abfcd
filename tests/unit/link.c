/* SPDX-License-Identifier: Apache-2.0 */
/* Notices travel from a CS over the prefecture to the agency, and what became of them comes back. */
#include "link_network.h"
#include "test.h"

static struct test_network net;
static struct test_server *const agency = &net.servers[AGENCY], *const prefecture = &net.servers[PREFECTURE],
                                 *const a = &net.servers[CS_A], *const b = &net.servers[CS_B];

static int setup(void **state UNUSED)
{
    network_init(&net);
    return 0;
}

static int teardown(void **state UNUSED)
{
    network_release(&net);
    return 0;
}

static void notices_travel_and_outcomes_return(void **state UNUSED)
{
    network_start(&net);
    server_notice(a, 5, 1, 3);
    WAIT(server_seen_count(agency) == 3);
    assert_string_equal(server_seen(agency), "5:1 5:2 5:3");
    assert_string_equal(server_seen(prefecture), "5:1 5:2 5:3");
    WAIT(strcmp(server_outcomes(a), "aaa") == 0);
    assert_string_equal(server_outcomes(b), "");
}

static void bulk_keeps_its_order(void **state UNUSED)
{
    static char want[65536];
    size_t n = 0;
    network_start(&net);
    server_notice(a, 7, 1, 5000);
    for (int i = 1; i <= 5000; i++)
        n += (size_t)snprintf(want + n, sizeof want - n, "%s7:%d", i > 1 ? " " : "", i);
    WAIT(server_seen_count(agency) == 5000);
    assert_string_equal(server_seen(agency), want);
    WAIT(server_status(a, "prefecture.28").applied == 5000);
}

static void heads_are_kept_above(void **state UNUSED)
{
    uint64_t size = 0;
    for (int i = 0; i < SERVERS; i++)
        net.servers[i].head_seconds = 1;
    network_start(&net);
    server_notice(a, 5, 1, 1);
    WAIT(!ledger_kept_size(prefecture->ledger, NULL, "cs.282049", &size) && size > 0);
    server_notice(a, 5, 2, 2); /* a second head needs a proof from the first */
    uint64_t first = size;
    WAIT(!ledger_kept_size(prefecture->ledger, NULL, "cs.282049", &size) && size > first);
    WAIT(!ledger_kept_size(agency->ledger, NULL, "prefecture.28", &size) && size > 0);
    assert_false(server_status(a, "prefecture.28").stopped);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(notices_travel_and_outcomes_return),
        TEST(bulk_keeps_its_order),
        TEST(heads_are_kept_above),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
