/* SPDX-License-Identifier: Apache-2.0 */
/* 戸籍の附票記載事項通知, at both ends: who may say it to whom. */
#include "flow/koseki_supplement/koseki_supplement.h"
#include "flow/koseki_supplement/supplement_message.h"

static enum err scope(struct fail *f, const void *message, struct area_code from, struct area_code to)
{
    const struct koseki_supplement_notice *m = message;
    if (!area_code_equal(area_code_cs(m->area_code), from))
        return fail_set(f, ERR_SCOPE, "area_code", "the address is another municipality's");
    if (!area_code_equal(area_code_cs(m->honseki_area_code), to))
        return fail_set(f, ERR_SCOPE, "honseki_area_code", "another municipality is told");
    return ERR_OK;
}

const struct municipal_kind koseki_supplement_notice = {
    LINK_KIND_KOSEKI_SUPPLEMENT_NOTICE, &koseki_supplement_notice_form, scope, municipal_take};

static enum err scope_at_cs(void *app, const struct link_notice *n, struct fail *f)
{
    return municipal_scope(&koseki_supplement_notice, app, n, f);
}

static enum err apply_at_cs(void *app, struct db_tx *tx, const struct link_notice *n, struct fail *f)
{
    return municipal_apply(&koseki_supplement_notice, app, tx, n, f);
}

const struct link_kind koseki_supplement_notice_at_cs = {
    .kind = LINK_KIND_KOSEKI_SUPPLEMENT_NOTICE, .final = true, .scope = scope_at_cs, .apply = apply_at_cs};
