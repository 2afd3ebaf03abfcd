/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies are short and alike: they are packed with a dictionary trained from invented ones, most of them
 * together with their neighbours (ledger_block.h). What does not shrink is stored as it is. A dictionary that
 * was released is never changed; a new one is appended to the table below and packs from then on. */
#include "ledger/ledger_body.h"

#include "base/clock.h"

#include <pthread.h>
#include <zstd.h>

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

/* Made from data/ledger by tools/embed.py. */
extern const char embedded_dictionary_1[], embedded_dictionary_1_end[];

static const struct dictionary {
    const char *first, *end;
} dictionaries[] = {
    {embedded_dictionary_1, embedded_dictionary_1_end},
};
enum { NEWEST = COUNT_OF(dictionaries), SHORTEST_PACKED = 48, LEVEL = 1 };

struct body_packer {
    ZSTD_CCtx *packing;
    ZSTD_DCtx *unpacking;
    ZSTD_CDict *packing_dictionary; /* the newest */
    struct buf out;
    struct buf unpacked,
        unpacked_from;     /* the last one, and what it was packed as: neighbours are read one by one */
    int64_t unpacked_form; /* 0: none */
};

/* Digested once for the whole process and only read after: an entry is read alone, by any thread, tens of
 * thousands of times a second, and digesting costs more than unpacking. */
static ZSTD_DDict *digested[NEWEST];
static pthread_once_t digesting = PTHREAD_ONCE_INIT;

static void digest_all(void)
{
    for (size_t i = 0; i < NEWEST; i++)
        digested[i] =
            ZSTD_createDDict(dictionaries[i].first, (size_t)(dictionaries[i].end - dictionaries[i].first));
}

enum err body_packer_new(struct fail *f, struct body_packer **out)
{
    struct body_packer *p = memory_new(sizeof *p);
    if (!p)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    buf_init(&p->out, ZSTD_COMPRESSBOUND((size_t)LEDGER_BODY_MAX));
    buf_init(&p->unpacked, LEDGER_BODY_MAX);
    buf_init(&p->unpacked_from, ZSTD_COMPRESSBOUND((size_t)LEDGER_BODY_MAX));
    *out = p;
    return ERR_OK;
}

void body_packer_free(struct body_packer *p)
{
    if (!p)
        return;
    ZSTD_freeCCtx(p->packing);
    ZSTD_freeDCtx(p->unpacking);
    ZSTD_freeCDict(p->packing_dictionary);
    buf_release(&p->out);
    buf_release(&p->unpacked);
    buf_release(&p->unpacked_from);
    memory_free(p);
}

static pthread_key_t thread_key;
static pthread_once_t thread_key_made = PTHREAD_ONCE_INIT;

static void free_of_thread(void *p)
{
    body_packer_free(p);
}

static void make_thread_key(void)
{
    int bad = pthread_key_create(&thread_key, free_of_thread);
    assert(!bad); /* PTHREAD_KEYS_MAX is 1,024 */
}

enum err body_packer_of_thread(struct fail *f, struct body_packer **out)
{
    pthread_once(&thread_key_made, make_thread_key);
    struct body_packer *p = pthread_getspecific(thread_key);
    enum err e = p ? ERR_OK : body_packer_new(f, &p);
    if (e)
        return e;
    if (pthread_setspecific(thread_key, p)) {
        body_packer_free(p);
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    }
    *out = p;
    return ERR_OK;
}

static enum err prepare_packing(struct body_packer *p, struct fail *f)
{
    const struct dictionary *newest = &dictionaries[NEWEST - 1];
    if (p->packing)
        return ERR_OK;
    ZSTD_CCtx *context = ZSTD_createCCtx();
    p->packing_dictionary = ZSTD_createCDict(newest->first, (size_t)(newest->end - newest->first), LEVEL);
    if (!context || !p->packing_dictionary) {
        ZSTD_freeCCtx(context);
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    }
    /* The form column says the dictionary, and the leaf proves the bytes: neither is needed in the frame. */
    ZSTD_CCtx_setParameter(context, ZSTD_c_dictIDFlag, 0);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 0);
    ZSTD_CCtx_refCDict(context, p->packing_dictionary);
    p->packing = context;
    return ERR_OK;
}

enum err body_pack(struct body_packer *p, struct fail *f, struct str body, int64_t *form, struct str *packed)
{
    if (body.n > LEDGER_BODY_MAX)
        return fail_set(f, ERR_LIMIT, "body", "%d bytes", LEDGER_BODY_MAX);
    *form = 0;
    *packed = body;
    if (body.n < SHORTEST_PACKED)
        return ERR_OK;
    enum err e = prepare_packing(p, f);
    if (e)
        return e;
    buf_clear(&p->out);
    char *room = buf_reserve(&p->out, ZSTD_compressBound(body.n));
    if (!room)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    size_t n = ZSTD_compress2(p->packing, room, p->out.n, body.p, body.n);
    if (ZSTD_isError(n) || n >= body.n)
        return ERR_OK;
    *form = NEWEST;
    *packed = (struct str){room, n};
    return ERR_OK;
}

static enum err damaged(struct fail *f)
{
    return fail_set(f, ERR_LEDGER_DAMAGED, "body", "a packed body cannot be unpacked");
}

static enum err unpack(struct body_packer *p, struct fail *f, int64_t form, struct str packed)
{
    unsigned long long size = ZSTD_getFrameContentSize(packed.p, packed.n);
    if (size > LEDGER_BODY_MAX) /* also what stands for "unknown" and "not a frame" */
        return damaged(f);
    buf_clear(&p->unpacked);
    buf_clear(&p->unpacked_from);
    buf_add_str(&p->unpacked_from, packed);
    char *room = buf_reserve(&p->unpacked, (size_t)size);
    if (!room || p->unpacked_from.broken)
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    size_t n =
        ZSTD_decompress_usingDDict(p->unpacking, room, (size_t)size, packed.p, packed.n, digested[form - 1]);
    return ZSTD_isError(n) || n != size ? damaged(f) : ERR_OK;
}

enum err body_unpack(struct body_packer *p, struct fail *f, int64_t form, struct str packed, struct str *body)
{
    if (!form) {
        *body = packed;
        return ERR_OK;
    }
    if (form < 0 || form > NEWEST)
        return fail_set(f, ERR_LEDGER_DICTIONARY, "form", "%lld", (long long)form);
    pthread_once(&digesting, digest_all);
    if (!p->unpacking)
        p->unpacking = ZSTD_createDCtx();
    if (!p->unpacking || !digested[form - 1])
        return fail_set(f, ERR_MEMORY, NULL, NULL);
    if (p->unpacked_form != form || !str_equal(packed, buf_str(&p->unpacked_from))) {
        p->unpacked_form = 0;
        enum err e = unpack(p, f, form, packed);
        if (e)
            return e;
        p->unpacked_form = form;
    }
    *body = buf_str(&p->unpacked);
    return ERR_OK;
}

enum err body_write_heading(struct fail *f, enum ledger_kind kind, int64_t time, struct str what,
                            struct buf *out)
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
        return fail_set(f, ERR_LEDGER_DAMAGED, "body", "entry %llu has no heading",
                        (unsigned long long)out->index);
    if (!str_cut(&line, ' ', &kind) || !str_cut(&line, ' ', &stamp) || !find_kind(kind, &out->kind) ||
        clock_parse(NULL, stamp, &out->time))
        return fail_set(f, ERR_LEDGER_DAMAGED, "body", "entry %llu has no heading",
                        (unsigned long long)out->index);
    out->what = line;
    out->payload = rest;
    return ERR_OK;
}
