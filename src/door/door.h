/* SPDX-License-Identifier: Apache-2.0 */
/* The door: the documented interface between any resident register and its CS (docs/DOOR.md,
 * docs/door-openapi.yaml).
 *
 * HTTPS (TLS 1.3, client certificate of the register, pinned to "register.AREA") and JSON; and a watched
 * folder of files with the same content. Keeps the order of changes (numbers 1, 2, 3 ... without gaps), takes
 * a repeated change once, shows what was refused and why, feeds back outcomes and numbers, draws resident
 * codes. The number notice is also written as the fixed-length telegram 837Y.
 *
 *   POST /v1/changes          {"changes":[{...},...]} up to 2,000:
 * {"taken":N,"refused":[{"number","error",...}]} GET  /v1/changes           ?after=N:
 * {"changes":[{...},...],"taken":T}: what was taken, for a register that lost it GET  /v1/outcomes
 * ?after=C&wait=S: {"outcomes":[{"first","last","state",...}],"cursor":C2} GET  /v1/numbers ?after=C&wait=S:
 * {"numbers":[{"change","resident_code",...}],"cursor":C2} GET  /v1/telegrams/837Y    ?after=C&wait=S: the
 * same as bytes POST /v1/resident-codes    {"draw":"ID","count":N}: {"resident_codes":[...]} POST
 * /v1/number-requests   {"name":"ID","resident_code","request"}: {"asked":true} POST /v1/resend
 * {"first","last"}: {"sent":N} GET  /v1/status {"changes":N,"stock":{...},"waiting_for_number":N,...}
 *
 * A refused change stops nothing but its person: later changes of the same person are refused as BEHIND until
 * the refused one is replaced ("replaces":NUMBER). */
#ifndef JUKI_DOOR_DOOR_H
#define JUKI_DOOR_DOOR_H

#include "flow/flow.h"
#include "flow/identity_notice/identity_notice.h"
#include "flow/municipal.h"

extern const struct db_module door_module;

struct door_config {
    const char *listen; /* "127.0.0.1:8001" */
    const char *tls_key_uri, *tls_certificate_path, *ca_path;
    const char *folder; /* watched folder: in/ taken/ refused/ out/; NULL for none */
    struct flow *flow;  /* borrowed; door_new sets flow->door */
};
struct door;
MUST_CHECK enum err door_new(struct fail *f, const struct door_config *config, struct door **out);
MUST_CHECK enum err door_start(struct door *d, struct fail *f);
void door_stop(struct door *d);
void door_free(struct door *d);
MUST_CHECK enum err door_reload(struct door *d, struct fail *f); /* new certificate */
/* Members "door": {...} of the status, as JSON object text. */
MUST_CHECK enum err door_status(struct door *d, struct fail *f, struct buf *json);

#endif
