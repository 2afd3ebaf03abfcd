/* SPDX-License-Identifier: Apache-2.0 */
/* Every statement of every module prepares on both stores and gives the columns its "-- out:" line says.
 * A new module adds its line to the includes and to the list. */
#include "db/db_sql.h"
#include "door/door_sql.h"
#include "flow/flow_identity_notice_sql.h"
#include "flow/flow_number_sql.h"
#include "flow/flow_resident_code_stock_sql.h"
#include "ledger/ledger_sql.h"
#include "link/link_sql.h"
#include "register/register_sql.h"
#include "sample_sql.h"
#include "store/store_sql.h"
#include "stores.h"
#include "test.h"

static const struct db_module *const modules[] = {
    &db_module,
    &ledger_module,
    &store_module,
    &link_module,
    &flow_identity_notice_module,
    &flow_number_module,
    &flow_resident_code_stock_module,
    &door_module,
    &register_module,
    &sample_module,
};

static void all_statements_prepare(const char *url)
{
    struct db *db = stores_open(url, modules, COUNT_OF(modules));
    struct fail f = {0};
    if (db_prepare_all(&f, db))
        fail_msg("%s: %s", db_backend(db), f.detail);
    db_close(db);
}
BOTH(all_statements_prepare)

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(both_all_statements_prepare)};
    return cmocka_run_group_tests(tests, NULL, stores_clean);
}
