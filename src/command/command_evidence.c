/* SPDX-License-Identifier: Apache-2.0 */
/* juki log evidence: one notice, or the receipt that answered it, as juki-verify checks them (docs/EVIDENCE.md). It goes
 * to stdout, whole or not at all: what it holds of a person is no more than the notice itself held. */
#include "command/command_evidence.h"

#include "command/log_reader.h"
#include "link/link_evidence.h"

const struct option_row command_evidence_options[1] = {
    {.name = "received", OPTION_FLAG_AT(struct evidence_options, received),
     .help = "a notice that PEER sent to NODE; without it, one that NODE sent to PEER",
     .help_ja = "PEERからNODEが受信した通知（指定しなければNODEがPEERへ送信した通知）"},
};

static enum err read_words(struct command_call *c, struct fail *f, struct link_place *place, bool *receipt)
{
    const struct evidence_options *o = c->options;
    uint64_t sequence = 0;
    *receipt = strcmp(c->words[2], "receipt") == 0;
    if (!*receipt && strcmp(c->words[2], "notice") != 0)
        return fail_set(f, ERR_USAGE, NULL, "%.40s is neither notice nor receipt", c->words[2]);
    if (*receipt && o->received)
        return fail_set(f, ERR_USAGE, NULL, "--received is for a notice: PEER keeps the receipts that NODE gave");
    if (!str_to_uint(str_of(c->words[4]), INT64_MAX, &sequence) || sequence == 0)
        return fail_set(f, ERR_USAGE, NULL, "SEQUENCE is a place in the stream, from 1");
    *place = (struct link_place){c->words[1], c->words[3], o->received, (int64_t)sequence};
    return ERR_OK;
}

static enum err open_node(struct command_call *c, struct fail *f, struct db **out)
{
    const struct network_node *node = NULL, *peer = NULL;
    struct network n;
    enum err e = network_load(f, c->words[0], &c->arena, &n);
    if (!e)
        e = network_find(f, &n, c->words[1], &node);
    if (!e)
        e = network_find(f, &n, c->words[3], &peer);
    if (!e && (node->name.role == NODE_REGISTER || peer->name.role == NODE_REGISTER))
        e = fail_set(f, ERR_STATE, NULL, "a register stands outside the network: it signs no notice and no receipt");
    return e ? e : log_reader_open(f, node, out);
}

enum err command_evidence(struct command_call *c, struct fail *f)
{
    struct link_place place;
    struct db *db = NULL;
    struct buf text;
    bool receipt;
    enum err e = read_words(c, f, &place, &receipt);
    if (!e)
        e = open_node(c, f, &db);
    if (e)
        return e;
    buf_init(&text, LINK_EVIDENCE_MAX);
    e = receipt ? link_evidence_receipt(f, db, &place, &text) : link_evidence_notice(f, db, &place, &text);
    if (!e)
        puts(text.p);
    buf_release(&text);
    db_close(db);
    return e;
}
