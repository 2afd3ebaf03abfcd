/* SPDX-License-Identifier: Apache-2.0 */
/* juki check: is a code, a number or a date well formed, and if not, why? */
#include "command/nouns.h"

#include "identity/check.h"

static enum err check(struct command_call *c, struct fail *f)
{
    size_t count;
    bool known = false;
    struct buf text;
    const char *const *kinds = check_kinds(&count);
    for (size_t i = 0; i < count; i++)
        known = known || strcmp(kinds[i], c->words[0]) == 0;
    if (!known)
        return fail_set(f, ERR_USAGE, NULL, "%.40s is none of resident-code, individual-number, area-code, date",
                        c->words[0]);
    buf_init(&text, 4096);
    enum err e = check_value(f, c->language, str_of(c->words[0]), str_of(c->words[1]), &text);
    if (!e)
        puts(text.p);
    buf_release(&text);
    return e;
}

static const struct command_row rows[] = {
    {.words = "KIND VALUE", .least = 2, .most = 2, .run = check,
     .help = "Say whether VALUE is a well-formed resident-code, individual-number, area-code or date, or why not.",
     .help_ja = "VALUEがKIND（resident-code 住民票コード、individual-number 個人番号、area-code 団体コード、date 日付）として"
                "正しいかを調べる。"},
};
const struct command_noun command_check = {"check", "check a code, a number or a date", "コード、番号、日付を検査する",
                                           rows, COUNT_OF(rows)};
