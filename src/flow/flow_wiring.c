/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow_wiring.h"

#include "flow/identity_notice/identity_notice.h"
#include "flow/koseki_supplement/koseki_supplement.h"
#include "flow/move_in/move_in.h"
#include "flow/number/number.h"
#include "flow/resident_code_stock/resident_code_stock.h"
#include "flow/special_move_in/special_move_in.h"

const struct db_module *const flow_modules[FLOW_MODULES] = {
    &flow_identity_notice_module,
    &flow_number_module,
    &flow_resident_code_stock_module,
};

void flow_wire(struct flow *flow)
{
    flow->number_request = number_request;
    flow->number_arrived = identity_notice_number_arrived;
    flow->number_record = number_record;
    flow->code_designated = resident_code_stock_designated;
}

static const struct {
    enum node_role role;
    const struct link_kind *kind;
} rows[] = {
    {NODE_CS, &identity_notice_at_cs},
    {NODE_CS, &number_request_at_cs},
    {NODE_CS, &number_notice_at_cs},
    {NODE_CS, &stock_request_at_cs},
    {NODE_CS, &stock_notice_at_cs},
    {NODE_CS, &move_in_notice_at_cs},
    {NODE_CS, &move_out_confirmation_at_cs},
    {NODE_CS, &move_out_certificate_at_cs},
    {NODE_CS, &koseki_supplement_notice_at_cs},
    {NODE_PREFECTURE, &identity_notice_at_prefecture},
    {NODE_PREFECTURE, &move_out_confirmation_at_prefecture},
    {NODE_AGENCY, &identity_notice_at_agency},
    {NODE_AGENCY, &number_request_at_agency},
    {NODE_AGENCY, &number_notice_at_agency},
    {NODE_AGENCY, &stock_request_at_agency},
    {NODE_AGENCY, &stock_notice_at_agency},
    {NODE_AGENCY, &move_out_confirmation_at_agency},
};

size_t flow_kinds(enum node_role role, struct link_kind kinds[static FLOW_KINDS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].role == role) {
            assert(count < FLOW_KINDS_MAX);
            kinds[count++] = *rows[i].kind;
        }
    return count;
}

static const struct municipal_kind *const municipal_kinds[] = {
    &move_in_notice,
    &move_out_confirmation,
    &move_out_certificate,
    &koseki_supplement_notice,
};

const struct municipal_kind *municipal_kind_find(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(municipal_kinds); i++)
        if (str_equal(name, str_of(municipal_kinds[i]->form->name)))
            return municipal_kinds[i];
    return NULL;
}
