/* SPDX-License-Identifier: Apache-2.0 */
/* Whole notices at an agency, a prefecture and a CS with databases: a body that is refused as never to be
 * taken has written nothing. Nothing of an input stays: each runs in a transaction that is undone. */
#include "fuzz.h"

#include "fake_link.h"
#include "stores.h"

#include <stdlib.h>

static struct link nodes[3];
static const struct {
    int to; /* of nodes */
    uint16_t kind;
    const char *sender, *origin;
} ways[] = {
    {0, LINK_KIND_IDENTITY_NOTICE, "prefecture.28", "cs.282049"},
    {1, LINK_KIND_IDENTITY_NOTICE, "cs.282049", "cs.282049"},
    {0, LINK_KIND_NUMBER_REQUEST, "cs.282049", "cs.282049"},
    {2, LINK_KIND_NUMBER_NOTICE, "agency", "agency"},
    {0, LINK_KIND_STOCK_REQUEST, "cs.282049", "cs.282049"},
    {2, LINK_KIND_STOCK_NOTICE, "agency", "agency"},
    {2, LINK_KIND_MOVE_OUT_CERTIFICATE, "cs.272035", "cs.272035"},
};

struct trial {
    struct link *to;
    const struct fake_notice *notice;
};

static enum err try(struct db_tx *tx, struct fail *f, void *arg)
{
    struct trial *t = arg;
    struct fail why = {0};
    size_t sent = fake_count;
    int64_t before = db_tx_changes(tx);
    enum err e = fake_apply(t->to, tx, t->notice, &why);
    if (e && err_row(e)->http == 400)
        assert(db_tx_changes(tx) == before && fake_count == sent);
    while (fake_count > sent) {
        fake_count--;
        free(fake_notices[fake_count].body);
    }
    return fail_set(f, ERR_STATE, NULL, NULL);
}

static void start(void)
{
    fake_node(&nodes[0], "agency", NODE_AGENCY, 0, "", sqlite_fresh());
    fake_node(&nodes[1], "prefecture.28", NODE_PREFECTURE, 28, "agency", sqlite_fresh());
    fake_node(&nodes[2], "cs.282049", NODE_CS, 282049, "prefecture.28", sqlite_fresh());
}

void fuzz_target(struct str in)
{
    static bool started;
    struct json *tree = NULL;
    struct fail f;
    unsigned way = fuzz_choose(&in, COUNT_OF(ways));
    if (!started)
        start();
    started = true;
    if (json_read(NULL, in, &tree))
        return;
    json_free(tree);
    char *body = memory_new(in.n + 1);
    assert(body);
    memcpy(body, in.p, in.n);
    struct fake_notice n = {.sender = ways[way].sender, .body = body, .kind = ways[way].kind, .sequence = 1};
    snprintf(n.destination, sizeof n.destination, "%s", nodes[ways[way].to].flow.self.text);
    snprintf(n.id, sizeof n.id, "%s/%s/1", ways[way].origin, n.destination);
    snprintf(n.origin.text, sizeof n.origin.text, "%s", ways[way].origin);
    n.origin.role = ways[way].origin[0] == 'c' ? NODE_CS : NODE_AGENCY;
    n.origin.area = n.origin.role == NODE_CS ? 282049 : 0;
    struct trial t = {&nodes[ways[way].to], &n};
    assert(db_transaction(t.to->flow.db, &f, try, &t) == ERR_STATE);
    memory_free(body);
}
