/* SPDX-License-Identifier: Apache-2.0 */
/* Names of nodes and ids of notices: what is taken is spelled in one way only. */
#include "fuzz.h"

#include "keys/certificate.h"
#include "link/core.h"

void fuzz_target(struct str in)
{
    struct node_name name = {.text = ""};
    struct str destination = {NULL, 0};
    struct arena a;
    uint64_t sequence = 0;
    if (!node_name_parse(NULL, in, &name)) {
        assert(str_equal(in, str_of(name.text)) && certificate_is_node_name(in));
        int32_t prefecture = node_name_prefecture(&name);
        assert(name.role == NODE_AGENCY || name.role == NODE_LINKAGE ||
               (prefecture >= 1 && prefecture <= 47));
    }
    (void)certificate_is_node_name(in);
    arena_init(&a, 4096);
    if (!notice_id_parse(NULL, in, &name, &destination, &sequence)) {
        struct str made =
            arena_format(&a, "%s/%.*s/%llu", name.text, STR_ARG(destination), (unsigned long long)sequence);
        assert(sequence >= 1 && made.n <= in.n);
        assert(str_starts(in, str_of(name.text)));
    }
    arena_release(&a);
}
