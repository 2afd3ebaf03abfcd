/* SPDX-License-Identifier: Apache-2.0 */
/* juki-verify: checks exported evidence without a database, on any machine.
 *
 * It links only base, keys and the pure part of the ledger, and believes nothing but the public keys it is given.
 * Exit: 0 proved, 1 not proved, 2 the command was not understood or a file could not be read. Personal data in the
 * evidence is never printed: a notice's payload is shown by its length alone. */
#include "base/encode.h"
#include "base/file.h"
#include "base/json.h"
#include "ledger/evidence.h"

#include <errno.h>
#include <stdio.h>

enum { KEYS_MAX = 16, KEPT_MAX = 16, EXIT_PROVED = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

struct named_key {
    const char *text; /* as given */
    struct str name;  /* before '=', or empty */
    uint8_t public_key[ED25519_PUBLIC];
};
struct request {
    const char *file;
    struct named_key keys[KEYS_MAX];
    size_t key_count;
    const char *kept_paths[KEPT_MAX];
    struct str kept[KEPT_MAX];
    size_t kept_count;
    bool json, help;
    struct arena arena;
    struct buf out; /* the answer */
};

static enum err read_file(struct fail *f, struct request *r, const char *path, struct str *out)
{
    struct buf b;
    buf_init(&b, EVIDENCE_MAX);
    enum err e = file_read(f, path, &b);
    if (!e)
        *out = arena_copy(&r->arena, buf_str(&b));
    if (!e && !out->p)
        e = fail_set(f, ERR_MEMORY, NULL, NULL);
    buf_release(&b);
    return e;
}

/* Both forms of an answer come from the same calls. */
static void say(struct request *r, const char *key, struct str value)
{
    if (r->json)
        json_add_text(&r->out, key, value);
    else
        buf_add_format(&r->out, "%-12s %.*s\n", key, STR_ARG(value));
}

static void say_number(struct request *r, const char *key, uint64_t value)
{
    if (r->json)
        json_add_int(&r->out, key, (int64_t)value);
    else
        buf_add_format(&r->out, "%-12s %llu\n", key, (unsigned long long)value);
}

static void report(void *arg, const struct evidence_finding *finding)
{
    struct request *r = arg;
    if (!r->json) {
        buf_add_format(&r->out, "%-12s entries %llu to %llu: %s\n", finding->kind, (unsigned long long)finding->first,
                       (unsigned long long)finding->last, finding->detail);
        return;
    }
    json_begin(&r->out, NULL, '{');
    json_add_text(&r->out, "finding", str_of(finding->kind));
    json_add_int(&r->out, "first", (int64_t)finding->first);
    json_add_int(&r->out, "last", (int64_t)finding->last);
    json_add_text(&r->out, "detail", str_of(finding->detail));
    json_end(&r->out, '}');
}

static enum err check_log_file(struct fail *f, struct request *r, struct evidence_log *log)
{
    struct evidence_log_options o = {r->keys[0].public_key, r->kept, r->kept_count, report, r};
    for (size_t i = 0; i < r->kept_count; i++) {
        enum err e = read_file(f, r, r->kept_paths[i], &r->kept[i]);
        if (e)
            return e;
    }
    FILE *in = fopen(r->file, "re");
    if (!in)
        return fail_errno(f, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, r->file);
    if (r->json)
        json_begin(&r->out, "findings", '[');
    enum err e = evidence_check_log(f, in, &o, log);
    if (r->json)
        json_end(&r->out, ']');
    fclose(in);
    return e;
}

static enum err check_log(struct fail *f, struct request *r)
{
    struct evidence_log log;
    enum err e = check_log_file(f, r, &log);
    if (e)
        return e;
    say(r, "node", str_of(log.node));
    say_number(r, "first", log.first);
    say_number(r, "entries", log.entries);
    say_number(r, "deleted", log.deleted);
    say_number(r, "heads", log.heads);
    say_number(r, "proved_size", log.size);
    return log.findings ? fail_set(f, ERR_LEDGER_FINDINGS, NULL, "%llu findings", (unsigned long long)log.findings)
                        : ERR_OK;
}

static enum err check_notice(struct fail *f, struct request *r)
{
    struct str text;
    struct evidence_notice n;
    enum err e = read_file(f, r, r->file, &text);
    if (!e)
        e = evidence_check_notice(f, text, r->keys[0].public_key, &r->arena, &n);
    if (e)
        return e;
    say(r, "node", str_of(n.node));
    say(r, "destination", str_of(n.destination));
    say_number(r, "epoch", (uint64_t)n.epoch);
    say_number(r, "sequence", (uint64_t)n.sequence);
    say_number(r, "kind", (uint64_t)n.kind);
    say_number(r, "version", (uint64_t)n.version);
    say_number(r, "bytes", n.payload.n);
    return ERR_OK;
}

static enum err check_receipt(struct fail *f, struct request *r)
{
    struct str text;
    struct evidence_receipt receipt;
    enum err e = read_file(f, r, r->file, &text);
    if (!e)
        e = evidence_check_receipt(f, text, r->keys[0].public_key, &r->arena, &receipt);
    if (e)
        return e;
    say(r, "node", str_of(receipt.node));
    say(r, "receipt", receipt.payload);
    return ERR_OK;
}

/* The name in the note: NAME as given, or juki/NAME when it has no slash. */
static struct str note_name(struct request *r, struct str name)
{
    return memchr(name.p, '/', name.n) ? name : arena_format(&r->arena, "juki/%.*s", STR_ARG(name));
}

static enum err check_head(struct fail *f, struct request *r)
{
    struct str text, body = STR("");
    struct head h;
    enum err e = read_file(f, r, r->file, &text);
    for (size_t i = 0; !e && i < r->key_count; i++) {
        if (!r->keys[i].name.n)
            return fail_set(f, ERR_USAGE, "key", "a head's keys are given as NAME=KEY");
        e = note_verify(f, text, note_name(r, r->keys[i].name), r->keys[i].public_key, &body);
    }
    if (!e)
        e = head_parse(f, body, &h);
    if (e)
        return e;
    struct buf root;
    buf_init(&root, 64);
    encode_base64(&root, h.root.bytes, sizeof h.root.bytes);
    say(r, "origin", str_of(h.origin));
    say_number(r, "size", h.size);
    say(r, "root", buf_str(&root));
    say_number(r, "time", (uint64_t)h.time);
    say_number(r, "signatures", r->key_count);
    buf_release(&root);
    return ERR_OK;
}

static const struct {
    const char *name, *usage, *help;
    enum err (*check)(struct fail *f, struct request *r);
    size_t keys_most;
} commands[] = {
    {"log", "log FILE --key HEX|FILE [--kept NOTE...]",
     "an exported log: every entry, every head, and heads that others kept", check_log, 1},
    {"notice", "notice FILE --key HEX|FILE", "one notice: its path and the signed header of its batch", check_notice, 1},
    {"receipt", "receipt FILE --key HEX|FILE", "a receipt: that the node has notices on disk", check_receipt, 1},
    {"head", "head NOTE --key NAME=HEX|FILE...", "a head: the signature of each NAME given", check_head, KEYS_MAX},
};

static void print_help(FILE *to)
{
    fputs("juki-verify checks evidence that a server of the network gave out. It needs the node's public key\n"
          "(64 hexadecimal digits, or a file that holds them) and no database.\n\n",
          to);
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        fprintf(to, "  juki-verify %-46s %s\n", commands[i].usage, commands[i].help);
    fputs("\n  --json   the answer as one JSON object\n  --help   this text\n\n"
          "Exit: 0 proved, 1 not proved, 2 not understood or a file could not be read.\n",
          to);
}

static enum err read_key(struct fail *f, struct request *r, struct named_key *key)
{
    struct str text = str_of(key->text), part;
    struct buf b;
    if (memchr(text.p, '=', text.n) && str_cut(&text, '=', &part))
        key->name = part;
    if (text.n != 2 * ED25519_PUBLIC) {
        const char *path = text.p; /* the end of an argument: terminated */
        enum err e = read_file(f, r, path, &text);
        if (e)
            return e;
        text = str_trim(text);
    }
    buf_init(&b, ED25519_PUBLIC);
    enum err e = text.n == 2 * ED25519_PUBLIC ? decode_hex(f, &b, text) : ERR_MALFORMED;
    if (e)
        e = fail_set(f, ERR_USAGE, "key", "64 hexadecimal digits are required");
    else
        memcpy(key->public_key, b.p, sizeof key->public_key);
    buf_release(&b);
    return e;
}

static enum err take_option(struct fail *f, struct request *r, const char *name, const char *value, bool *used)
{
    *used = true;
    if (strcmp(name, "--key") == 0) {
        if (!value || r->key_count == KEYS_MAX)
            return fail_set(f, ERR_USAGE, "key", "--key takes a value, at most %d times", KEYS_MAX);
        r->keys[r->key_count].text = value;
        return read_key(f, r, &r->keys[r->key_count++]);
    }
    if (strcmp(name, "--kept") == 0) {
        if (!value || r->kept_count == KEPT_MAX)
            return fail_set(f, ERR_USAGE, "kept", "--kept takes a file, at most %d times", KEPT_MAX);
        r->kept_paths[r->kept_count++] = value;
        return ERR_OK;
    }
    *used = false;
    if (strcmp(name, "--json") == 0)
        r->json = true;
    else if (strcmp(name, "--help") == 0)
        r->help = true;
    else
        return fail_set(f, ERR_USAGE, NULL, "unknown option %s", name);
    return ERR_OK;
}

static enum err read_arguments(struct fail *f, struct request *r, int count, char **words)
{
    for (int i = 0; i < count; i++) {
        bool used = false;
        enum err e = ERR_OK;
        if (words[i][0] == '-')
            e = take_option(f, r, words[i], i + 1 < count ? words[i + 1] : NULL, &used);
        else if (r->file)
            e = fail_set(f, ERR_USAGE, NULL, "more than one file");
        else
            r->file = words[i];
        if (e)
            return e;
        i += used;
    }
    return ERR_OK;
}

static enum err run(struct fail *f, struct request *r, size_t command)
{
    if (!r->file || !r->key_count || r->key_count > commands[command].keys_most)
        return fail_set(f, ERR_USAGE, NULL, "juki-verify %s", commands[command].usage);
    if (r->json)
        json_begin(&r->out, NULL, '{');
    enum err e = commands[command].check(f, r);
    if (r->json) {
        json_add_bool(&r->out, "proved", !e);
        if (e)
            json_add_text(&r->out, "error", str_of(err_row(e)->name));
        json_end(&r->out, '}');
        buf_add_char(&r->out, '\n');
    } else if (!e) {
        buf_add_str(&r->out, fail_language() == FAIL_JAPANESE ? STR("証明されました\n") : STR("proved\n"));
    }
    return e;
}

static int exit_of(enum err e)
{
    static const enum err unreadable[] = {ERR_USAGE, ERR_IO, ERR_NOT_FOUND, ERR_MEMORY};
    for (size_t i = 0; i < COUNT_OF(unreadable); i++)
        if (e == unreadable[i])
            return EXIT_USAGE;
    return e ? EXIT_REFUSED : EXIT_PROVED;
}

static bool find_command(const char *name, size_t *command)
{
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (strcmp(name, commands[i].name) == 0) {
            *command = i;
            return true;
        }
    return false;
}

int main(int argc, char **argv)
{
    struct request r = {.file = NULL};
    struct fail f = {.err = ERR_OK};
    size_t command = 0;
    char text[400];
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || !find_command(argv[1], &command)) {
        bool asked = argc > 1 && strcmp(argv[1], "--help") == 0;
        if (argc > 1 && !asked)
            fprintf(stderr, "juki-verify: unknown word %s\n\n", argv[1]);
        print_help(asked ? stdout : stderr);
        return asked ? EXIT_PROVED : EXIT_USAGE;
    }
    arena_init(&r.arena, (size_t)EVIDENCE_MAX * 8);
    buf_init(&r.out, EVIDENCE_MAX);
    enum err e = read_arguments(&f, &r, argc - 2, argv + 2);
    if (!e && r.help)
        print_help(stdout);
    else if (!e)
        e = run(&f, &r, command);
    fwrite(r.out.p ? r.out.p : "", 1, r.out.n, stdout);
    if (e)
        fprintf(stderr, "juki-verify: %s\n", fail_text(&f, fail_language(), text, sizeof text));
    buf_release(&r.out);
    arena_release(&r.arena);
    return exit_of(e);
}
