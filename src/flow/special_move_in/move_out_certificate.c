/* SPDX-License-Identifier: Apache-2.0 */
/* 転出証明書情報, at both ends: who may say it to whom. */
#include "flow/special_move_in/special_move_in.h"
#include "flow/special_move_in/special_move_in_message.h"

static enum err scope(struct fail *f, const void *message, struct area_code from, struct area_code to)
{
    const struct move_out_certificate *m = message;
    if (!area_code_equal(area_code_cs(m->area_code), from))
        return fail_set(f, ERR_SCOPE, "area_code", "the person is another municipality's");
    if (!area_code_equal(area_code_cs(m->destination_area_code), to))
        return fail_set(f, ERR_SCOPE, "destination_area_code", "another municipality is told");
    return ERR_OK;
}

const struct municipal_kind move_out_certificate = {LINK_KIND_MOVE_OUT_CERTIFICATE,
                                                    &move_out_certificate_form, scope, municipal_take};

static enum err scope_at_cs(void *app, const struct link_notice *n, struct fail *f)
{
    return municipal_scope(&move_out_certificate, app, n, f);
}

static enum err apply_at_cs(void *app, struct db_tx *tx, const struct link_notice *n, struct fail *f)
{
    return municipal_apply(&move_out_certificate, app, tx, n, f);
}

const struct link_kind move_out_certificate_at_cs = {
    .kind = LINK_KIND_MOVE_OUT_CERTIFICATE, .final = true, .scope = scope_at_cs, .apply = apply_at_cs};
