/* SPDX-License-Identifier: Apache-2.0 */
#include "link/node_signed.h"

#include "keys/jws.h"
#include "link/frame.h"

enum err node_signed_read(struct fail *f, struct str text, const struct directory_node *node,
                          struct json **tree, const struct directory_key **key)
{
    struct buf payload;
    buf_init(&payload, FRAME_PAYLOAD_MAX);
    enum err e = fail_set(f, ERR_SIGNATURE, NULL, "%s has no key", node->name.text);
    for (size_t i = node->key_count; i > 0 && e == ERR_SIGNATURE; i--) {
        buf_clear(&payload);
        *key = &node->keys[i - 1];
        e = jws_verify(f, text, str_of(node->name.text), (*key)->public_key, &payload);
    }
    if (!e)
        e = json_read(f, buf_str(&payload), tree);
    buf_release(&payload);
    return e;
}

enum err node_signed_time(struct fail *f, const struct directory_key *key, int64_t time)
{
    if (time < key->from || time > key->until)
        return fail_set(f, ERR_SIGNATURE, "time", "the key was not in force then");
    return ERR_OK;
}

enum err json_member_node(struct fail *f, const struct json *tree, const char *key, struct arena *a,
                          char out[static NODE_NAME_SIZE])
{
    struct str text = {NULL, 0};
    struct node_name name;
    enum err e = json_member_text(f, tree, key, a, &text);
    if (!e)
        e = node_name_parse(f, text, &name);
    if (!e)
        memcpy(out, name.text, NODE_NAME_SIZE);
    return e;
}
