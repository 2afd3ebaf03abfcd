/* SPDX-License-Identifier: Apache-2.0 */
/* Signed notes (C2SP signed-note), Ed25519 only.
 *
 *     text, ended by a newline
 *     (an empty line: the last one of the note)
 *     — NAME base64(4-byte key id ‖ 64-byte signature of the text)        one or more
 *
 * Lines of unknown keys (another name, or the name with another id) are skipped, so that heads can carry the
 * signatures of many servers and of changed keys. A line of the asked key that does not verify condemns the
 * whole note. Nothing of the text may be used before note_verify said so, which is why only it gives the text
 * out. */
#include "ledger/note.h"

#include "base/encode.h"

enum {
    NOTE_MAX = 64 * 1024,
    NOTE_SIGNATURES_MAX = 64, /* the specification wants at least 16 */
    TYPE_ED25519 = 1,
    KEY_ID = 4,
    NAME_MAX_BYTES = 200
};

static const struct str dash = STR("\xe2\x80\x94 "); /* U+2014 and a space */

static enum err malformed(struct fail *f, const char *why)
{
    return fail_set(f, ERR_MALFORMED, "note", "%s", why);
}

/* The White_Space property of Unicode; control characters are refused elsewhere. */
static bool is_space(uint32_t c)
{
    static const uint32_t spaces[] = {0x20, 0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000};
    for (size_t i = 0; i < COUNT_OF(spaces); i++)
        if (c == spaces[i])
            return true;
    return (c >= 9 && c <= 13) || (c >= 0x2000 && c <= 0x200a);
}

static bool name_is_good(struct str name)
{
    if (!name.n || name.n > NAME_MAX_BYTES || utf8_check(NULL, "name", name))
        return false;
    for (size_t at = 0; at < name.n;) {
        uint32_t c = utf8_next(name, &at);
        if (c == '+' || c < 0x20 || is_space(c))
            return false;
    }
    return true;
}

static enum err check_text(struct fail *f, struct str text)
{
    if (!text.n || text.p[text.n - 1] != '\n')
        return malformed(f, "the text does not end with a newline");
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 0x20 && text.p[i] != '\n')
            return malformed(f, "a control character");
    return utf8_check(f, "note", text);
}

/* Cuts a note at its last empty line. */
static enum err split(struct fail *f, struct str note, struct str *text, struct str *lines)
{
    if (note.n > NOTE_MAX)
        return fail_set(f, ERR_LIMIT, "note", "%d bytes", NOTE_MAX);
    enum err e = check_text(f, note);
    if (e)
        return e;
    size_t i = note.n;
    while (i >= 2 && !(note.p[i - 1] == '\n' && note.p[i - 2] == '\n'))
        i--;
    if (i < 2 || i == note.n)
        return malformed(f, "no signature lines after an empty line");
    *text = (struct str){note.p, i - 1};
    *lines = (struct str){note.p + i, note.n - i};
    return ERR_OK;
}

static void make_key_id(struct str name, const uint8_t public_key[static ED25519_PUBLIC],
                        uint8_t out[static KEY_ID])
{
    const char type[2] = {'\n', TYPE_ED25519};
    struct sha256 h = sha256_of_all(
        (struct str[]){name, {type, sizeof type}, {(const char *)public_key, ED25519_PUBLIC}}, 3);
    memcpy(out, h.bytes, KEY_ID);
}

struct signature_line {
    struct str name;
    struct str bytes; /* key id and signature, borrowed from the buffer given to read_line */
};

static enum err read_line(struct fail *f, struct str line, struct buf *scratch, struct signature_line *out)
{
    struct str name;
    if (!str_starts(line, dash))
        return malformed(f, "a signature line does not begin with a dash");
    line = (struct str){line.p + dash.n, line.n - dash.n};
    if (!str_cut(&line, ' ', &name) || !name_is_good(name))
        return malformed(f, "a signature line has a bad name");
    buf_clear(scratch);
    enum err e = line.n ? decode_base64(NULL, scratch, line) : ERR_MALFORMED;
    if (e || scratch->n <= KEY_ID)
        return malformed(f, "a signature line has no signature in base64");
    *out = (struct signature_line){name, buf_str(scratch)};
    return ERR_OK;
}

struct wanted {
    struct str name, text;
    const uint8_t *public_key;
    uint8_t id[KEY_ID];
    bool found;
    size_t count; /* of all lines */
};

static enum err check_line(struct fail *f, struct wanted *w, const struct signature_line *line)
{
    if (!str_equal(line->name, w->name) || memcmp(line->bytes.p, w->id, KEY_ID) != 0)
        return ERR_OK;
    if (line->bytes.n != KEY_ID + ED25519_SIGNATURE)
        return fail_set(f, ERR_SIGNATURE, "note", "not the length of an Ed25519 signature");
    uint8_t signature[ED25519_SIGNATURE];
    memcpy(signature, line->bytes.p + KEY_ID, sizeof signature);
    enum err e = key_verify(f, w->public_key, w->text, signature);
    w->found = w->found || !e;
    return e;
}

static enum err check_lines(struct fail *f, struct wanted *w, struct str lines)
{
    struct buf scratch;
    struct str line;
    enum err e = ERR_OK;
    buf_init(&scratch, NOTE_MAX);
    lines.n--; /* its last newline, so that no empty line follows it */
    while (!e && str_cut(&lines, '\n', &line)) {
        struct signature_line parsed = {.bytes = STR("")};
        e = ++w->count > NOTE_SIGNATURES_MAX
                ? fail_set(f, ERR_LIMIT, "note", "%d signatures", NOTE_SIGNATURES_MAX)
                : read_line(f, line, &scratch, &parsed);
        if (!e)
            e = check_line(f, w, &parsed);
    }
    buf_release(&scratch);
    return e;
}

enum err note_verify(struct fail *f, struct str note, struct str name,
                     const uint8_t public_key[static ED25519_PUBLIC], struct str *body)
{
    struct wanted w = {.name = name, .public_key = public_key};
    struct str lines;
    enum err e = split(f, note, &w.text, &lines);
    if (e)
        return e;
    make_key_id(name, public_key, w.id);
    e = check_lines(f, &w, lines);
    if (!e && !w.found)
        e = fail_set(f, ERR_SIGNATURE, "note", "no signature of %.*s with this key", STR_ARG(name));
    if (!e)
        *body = w.text;
    return e;
}

static enum err add_signature(struct fail *f, struct key *k, struct str name, struct str text,
                              struct buf *out)
{
    uint8_t public_key[ED25519_PUBLIC], bytes[KEY_ID + ED25519_SIGNATURE];
    if (!name_is_good(name))
        return fail_set(f, ERR_MALFORMED, "name", "1 to %d bytes without spaces or plus", NAME_MAX_BYTES);
    enum err e = key_public(f, k, public_key);
    if (!e)
        e = key_sign(f, k, text, bytes + KEY_ID);
    if (e)
        return e;
    make_key_id(name, public_key, bytes);
    buf_add_str(out, dash);
    buf_add_str(out, name);
    buf_add_char(out, ' ');
    encode_base64(out, bytes, sizeof bytes);
    buf_add_char(out, '\n');
    return buf_check(out, f, "note");
}

enum err note_sign(struct fail *f, struct key *k, struct str name, struct str body, struct buf *out)
{
    enum err e = check_text(f, body);
    if (e)
        return e;
    buf_add_str(out, body);
    buf_add_char(out, '\n');
    return add_signature(f, k, name, body, out);
}

enum err note_cosign(struct fail *f, struct key *k, struct str name, struct str note, struct buf *out)
{
    uint8_t public_key[ED25519_PUBLIC];
    struct wanted w = {.name = name, .public_key = public_key};
    struct str lines = STR("");
    enum err e = split(f, note, &w.text, &lines);
    if (!e)
        e = key_public(f, k, public_key);
    if (e)
        return e;
    make_key_id(name, public_key, w.id);
    e = check_lines(f, &w, lines); /* a bad line under our name would condemn the note that we sign */
    if (!e && !w.found && w.count == NOTE_SIGNATURES_MAX)
        e = fail_set(f, ERR_LIMIT, "note", "%d signatures", NOTE_SIGNATURES_MAX);
    if (e)
        return e;
    buf_add_str(out, note);
    return w.found ? buf_check(out, f, "note") : add_signature(f, k, name, w.text, out);
}

static bool has_line(struct str lines, struct str wanted)
{
    struct str line;
    while (str_cut(&lines, '\n', &line))
        if (str_equal(line, wanted))
            return true;
    return false;
}

enum err note_merge(struct fail *f, struct str note, struct str other, struct buf *out)
{
    struct str text, lines, other_text, more, line;
    enum err e = split(f, note, &text, &lines);
    if (!e)
        e = split(f, other, &other_text, &more);
    if (e)
        return e;
    if (!str_equal(text, other_text))
        return fail_set(f, ERR_PROOF, "note", "the signatures are for another text");
    buf_add_str(out, note);
    more.n--; /* its last newline, so that no empty line follows it */
    while (str_cut(&more, '\n', &line))
        if (!has_line(lines, line)) {
            buf_add_str(out, line);
            buf_add_char(out, '\n');
        }
    return buf_check(out, f, "note");
}
