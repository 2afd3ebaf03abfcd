/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON object that a node signed (JWS, kid = the node), as batch headers, receipts, questions and answers
 * are. Promises: nothing of the object is looked at before one of the node's keys in the directory fits. */
#ifndef JUKI_LINK_NODE_SIGNED_H
#define JUKI_LINK_NODE_SIGNED_H

#include "base/json.h"
#include "link/directory.h"

/* *tree is the caller's to free; *key is the key that fitted, the newest first. ERR_SIGNATURE,
 * ERR_SIGNATURE_FORM and the errors of json_read. */
MUST_CHECK enum err node_signed_read(struct fail *f, struct str text, const struct directory_node *node,
                                     struct json **tree, const struct directory_key **key);
/* Was the key in force at that stamp? ERR_SIGNATURE. */
MUST_CHECK enum err node_signed_time(struct fail *f, const struct directory_key *key, int64_t time);
/* A node's name as a member, into a buffer of NODE_NAME_SIZE. */
MUST_CHECK enum err json_member_node(struct fail *f, const struct json *tree, const char *key,
                                     struct arena *a, char out[static NODE_NAME_SIZE]);

#endif
