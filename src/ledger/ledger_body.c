/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/ledger_body.h"

#include "base/clock.h"

static const char *const kind_names[] = {
    [LEDGER_OPERATION] = "operation",
    [LEDGER_COMMUNICATION] = "communication",
    [LEDGER_PROVISION] = "provision",
    [LEDGER_BOOK] = "book",
};

const char *ledger_kind_name(enum ledger_kind kind)
{
    assert((size_t)kind < COUNT_OF(kind_names));
    return kind_names[kind];
}

struct body_packer {
    int unused;
};

enum err body_packer_new(struct fail *f, struct body_packer **out)
{
    struct body_packer *p = memory_new(sizeof *p);
    if (!p)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    *out = p;
    return ERR_OK;
}

void body_packer_free(struct body_packer *p)
{
    memory_free(p);
}

enum err body_pack(struct body_packer *p, struct fail *f, struct str body, int64_t *form, struct str *packed)
{
    (void)p;
    if (body.n > LEDGER_BODY_MAX)
        return fail_set(f, ERR_LIMIT, "body", "%d bytes", LEDGER_BODY_MAX);
    *form = 0;
    *packed = body;
    return ERR_OK;
}

enum err body_unpack(struct body_packer *p, struct fail *f, int64_t form, struct str packed, struct str *body)
{
    (void)p;
    if (form)
        return fail_set(f, ERR_LEDGER_DICTIONARY, "form", "%lld", (long long)form);
    *body = packed;
    return ERR_OK;
}

enum err body_write_heading(struct fail *f, enum ledger_kind kind, int64_t time, struct str what, struct buf *out)
{
    char stamp[CLOCK_TEXT_SIZE];
    for (size_t i = 0; i < what.n; i++)
        if ((unsigned char)what.p[i] < 0x20)
            return fail_set(f, ERR_LEDGER_BODY, "what", NULL);
    buf_add_str(out, str_of(ledger_kind_name(kind)));
    buf_add_char(out, ' ');
    buf_add_str(out, str_of(clock_text(time, stamp)));
    buf_add_char(out, ' ');
    buf_add_str(out, what);
    buf_add_char(out, '\n');
    return buf_check(out, f, "body");
}

static bool find_kind(struct str name, enum ledger_kind *out)
{
    for (size_t i = 0; i < COUNT_OF(kind_names); i++)
        if (str_equal(name, str_of(kind_names[i]))) {
            *out = (enum ledger_kind)i;
            return true;
        }
    return false;
}

enum err body_read_heading(struct fail *f, struct ledger_entry *out)
{
    struct str rest = out->body, line, kind, stamp;
    if (!str_cut(&rest, '\n', &line) || !rest.p || line.n == out->body.n)
        return fail_set(f, ERR_LEDGER_DAMAGED, "body", "entry %llu has no heading", (unsigned long long)out->index);
    if (!str_cut(&line, ' ', &kind) || !str_cut(&line, ' ', &stamp) || !find_kind(kind, &out->kind) ||
        clock_parse(NULL, stamp, &out->time))
        return fail_set(f, ERR_LEDGER_DAMAGED, "body", "entry %llu has no heading", (unsigned long long)out->index);
    out->what = line;
    out->payload = rest;
    return ERR_OK;
}
