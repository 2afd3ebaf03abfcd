/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of messages between municipalities, by every form of src/flow: what is taken keeps every rule, and
 * written and read again it is the same. */
#include "fuzz.h"

#include "flow/koseki_supplement/supplement_message.h"
#include "flow/move_in/move_in_message.h"

enum { ARENA_MAX = 256 << 10, BODY_MAX = 256 << 10 };

static const struct message_form *const forms[] = {&move_in_notice_form, &move_out_confirmation_form,
                                                   &koseki_supplement_notice_form};

static void write_form(struct buf *out, const struct message_form *form, const void *message)
{
    buf_init(out, BODY_MAX);
    message_write(out, NULL, form, message);
    assert(!out->broken);
}

static void check_message(const struct message_form *form, const void *message, struct arena *a)
{
    void *again = arena_alloc(a, form->size);
    struct json *tree = NULL;
    struct buf first, second;
    assert(again && !message_check(NULL, form, message));
    write_form(&first, form, message);
    assert(!json_read(NULL, buf_str(&first), &tree) && !message_read(NULL, form, tree, a, again));
    write_form(&second, form, again);
    assert(str_equal(buf_str(&first), buf_str(&second)));
    json_free(tree);
    buf_release(&first);
    buf_release(&second);
}

void fuzz_target(struct str in)
{
    const struct message_form *form = forms[fuzz_choose(&in, COUNT_OF(forms))];
    struct json *tree = NULL;
    struct arena a;
    if (json_read(NULL, in, &tree))
        return;
    arena_init(&a, ARENA_MAX);
    void *message = arena_alloc(&a, form->size);
    assert(message);
    if (!message_read(NULL, form, tree, &a, message))
        check_message(form, message, &a);
    json_free(tree);
    arena_release(&a);
}
