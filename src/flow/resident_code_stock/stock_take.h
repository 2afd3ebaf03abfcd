/* SPDX-License-Identifier: Apache-2.0 */
/* Taking codes out of the unused ones. Private to the flow. */
#ifndef JUKI_FLOW_RESIDENT_CODE_STOCK_STOCK_TAKE_H
#define JUKI_FLOW_RESIDENT_CODE_STOCK_STOCK_TAKE_H

#include "flow/resident_code_stock/resident_code_stock.h"

/* Takes `count` of the codes at places 1..unused (1 <= count <= unused), every set of them and every order as
 * likely as any other. What stays stands at places 1..unused - count. */
MUST_CHECK enum err stock_take(struct db_tx *tx, struct fail *f, int64_t unused, size_t count,
                               struct resident_code *codes);

#endif
