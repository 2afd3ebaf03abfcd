/* SPDX-License-Identifier: Apache-2.0 */
#include "command/backup_print.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/json.h"

static void add_hash(struct buf *b, const struct sha256 *hash)
{
    struct buf hex;
    buf_init(&hex, 2 * sizeof hash->bytes + 1);
    encode_hex(&hex, hash->bytes, sizeof hash->bytes);
    buf_add_str(b, buf_str(&hex));
    buf_release(&hex);
}

static void write_json(struct buf *b, const char *file, const struct backup_facts *x, const char *key,
                       const struct sha256 *hash)
{
    char text[CLOCK_TEXT_SIZE];
    struct buf hex;
    buf_init(&hex, 128);
    json_begin(b, NULL, '{');
    json_add_text(b, "file", str_of(file));
    json_add_text(b, "node", str_of(x->node.text));
    json_add_text(b, "time", str_of(clock_text(x->time, text)));
    json_add_text(b, "program", str_of(x->program));
    json_add_text(b, "key", str_of(key));
    json_add_bool(b, "proved", hash != NULL);
    json_add_int(b, "epoch", x->epoch);
    json_add_int(b, "entries", x->entries);
    json_add_text(b, "head", x->head);
    json_add_int(b, "bytes", x->wal_bytes + x->file_bytes);
    json_begin(b, "schema", '{');
    for (size_t i = 0; i < x->schema_count; i++)
        json_add_int(b, x->schema[i].module, x->schema[i].migrations);
    json_end(b, '}');
    if (hash) {
        add_hash(&hex, hash);
        json_add_text(b, "sha256", buf_str(&hex));
    }
    json_end(b, '}');
    buf_add_char(b, '\n');
    buf_release(&hex);
}

static void write_text(const struct command_call *c, struct buf *b, const char *file,
                       const struct backup_facts *x, const char *key, const struct sha256 *hash)
{
    char text[CLOCK_TEXT_SIZE];
    long long bytes = x->wal_bytes + x->file_bytes;
    buf_add_format(b, "%s\n", file);
    buf_add_format(
        b, command_text(c, "  of       %s, made %s by juki %s\n", "  対象     %s　作成 %s（juki %s）\n"),
        x->node.text, clock_text(x->time, text), x->program);
    if (x->epoch)
        buf_add_format(
            b, command_text(c, "  log      %lld entries, epoch %lld\n", "  履歴     %lld件　世代 %lld\n"),
            (long long)x->entries, (long long)x->epoch);
    buf_add_format(b, command_text(c, "  size     %lld bytes\n", "  容量     %lldバイト\n"), bytes);
    buf_add_format(b, command_text(c, "  key      %s\n", "  鍵       %s\n"), key);
    buf_add_str(b, str_of(command_text(c, "  sha256   ", "  sha256   ")));
    if (hash)
        add_hash(b, hash);
    else
        buf_add_str(b, str_of(command_text(c, "not proved: juki backup check does that",
                                           "未検証（juki backup check で検証）")));
    buf_add_char(b, '\n');
}

enum err backup_print(struct fail *f, const struct command_call *c, bool json, const char *file,
                      const struct backup_facts *facts, const char *key, const struct sha256 *hash)
{
    struct buf b;
    buf_init(&b, 256 * 1024);
    if (json)
        write_json(&b, file, facts, key, hash);
    else
        write_text(c, &b, file, facts, key, hash);
    enum err e = buf_check(&b, f, "backup");
    if (!e)
        fwrite(b.p, 1, b.n, stdout);
    buf_release(&b);
    return e;
}
