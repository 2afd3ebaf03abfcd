/* SPDX-License-Identifier: Apache-2.0 */
/* juki paper: papers made by hand, from a file that says what stands on them. */
#include "command/nouns.h"

#include "base/clock.h"
#include "base/file.h"
#include "print/paper.h"
#include "print/print.h"

enum { PATIENCE_SECONDS = 30, PDF_MAX = 16 << 20 };

/* ---- which there are */

static enum err list(struct command_call *c UNUSED, struct fail *f UNUSED)
{
    for (size_t i = 0; i < PAPER_FORMS; i++)
        printf("%-30s %s\n", paper_forms[i].name, paper_forms[i].ja);
    return ERR_OK;
}

struct sample_options {
    struct str form;
};
static const struct option_row sample_rows[] = {
    {.name = "form",
     OPTION_TEXT_AT(struct sample_options, form),
     .value = "NAME",
     .help = "which paper; juki paper list names them",
     .help_ja = "様式名（juki paper list で確認できる）"},
};

static enum err sample(struct command_call *c, struct fail *f)
{
    const struct sample_options *o = c->options;
    enum paper_form form = PAPER_WIDE_AREA_CERTIFICATE;
    struct buf text;
    if (!o->form.n)
        return fail_set(f, ERR_USAGE, NULL, "--form NAME is needed");
    enum err e = paper_form_parse(f, o->form, &form);
    if (e)
        return e;
    buf_init(&text, PAPER_JSON_MAX);
    e = paper_sample(f, form, &text);
    if (!e)
        puts(text.p);
    buf_release(&text);
    return e;
}

/* ---- making one */

struct make_options {
    struct str form, content, output, seal;
    bool copy_ground, replace;
};
static const struct option_row make_rows[] = {
    {.name = "form",
     OPTION_TEXT_AT(struct make_options, form),
     .value = "NAME",
     .help = "refuse the content of any other paper",
     .help_ja = "様式名。内容がこの様式でなければ作成しない"},
    {.name = "content",
     'c',
     OPTION_TEXT_AT(struct make_options, content),
     .value = "FILE",
     .help = "what stands on it, JSON; juki paper sample shows how",
     .help_ja = "記載内容のJSON（見本は juki paper sample）"},
    {.name = "output",
     'o',
     OPTION_TEXT_AT(struct make_options, output),
     .value = "FILE",
     .help = "the PDF",
     .help_ja = "PDFの出力先"},
    {.name = "seal",
     OPTION_TEXT_AT(struct make_options, seal),
     .value = "FILE",
     .help = "a PNG of the seal; else it is drawn",
     .help_ja = "職印の画像（PNG）。指定しなければ描画する"},
    {.name = "copy-ground",
     OPTION_FLAG_AT(struct make_options, copy_ground),
     .help = "a ground on which 複写 appears when it is copied",
     .help_ja = "複写すると「複写」の文字が現れる地紋を付ける"},
    {.name = "replace",
     OPTION_FLAG_AT(struct make_options, replace),
     .help = "print ■ and a footnote for what the font lacks, instead of refusing",
     .help_ja = "フォントにない文字を■と注記に置き換える（指定しなければ作成しない）"},
};

/* The content is of the paper that was named. */
static enum err check_form(struct command_call *c, struct fail *f, struct str wanted, struct str content)
{
    struct paper paper = {PAPER_FORMS, NULL};
    enum paper_form form = PAPER_WIDE_AREA_CERTIFICATE;
    enum err e = paper_form_parse(f, wanted, &form);
    if (!e)
        e = paper_read(f, content, &c->arena, &paper);
    if (!e && paper.form != form)
        e = fail_set(f, ERR_PAPER_FORM, "form", "%s", paper_forms[paper.form].name);
    return e;
}

static enum err print_one(struct fail *f, const struct make_options *o, struct str content, struct buf *pdf,
                          size_t *pages)
{
    const struct print_options options = {.seal = o->seal.n ? o->seal.p : NULL,
                                          .copy_ground = o->copy_ground,
                                          .replace = o->replace,
                                          .workers = 1};
    struct print *p = NULL;
    enum err e = print_open(f, &options, &p);
    if (!e)
        e = print_make(p, f, content, clock_steady() + PATIENCE_SECONDS * INT64_C(1000000), pdf, pages);
    print_close(p);
    return e;
}

static enum err make(struct command_call *c, struct fail *f)
{
    const struct make_options *o = c->options;
    struct buf content, pdf;
    size_t pages = 0;
    if (!o->content.n || !o->output.n)
        return fail_set(f, ERR_USAGE, NULL, "--content FILE and --output FILE are needed");
    buf_init(&content, PAPER_JSON_MAX);
    buf_init(&pdf, PDF_MAX);
    enum err e = file_read(f, o->content.p, &content);
    if (!e && o->form.n)
        e = check_form(c, f, o->form, buf_str(&content));
    if (!e)
        e = print_one(f, o, buf_str(&content), &pdf, &pages);
    if (!e)
        e = file_write(f, o->output.p, buf_str(&pdf), 0600);
    if (!e)
        printf(command_text(c, "%.*s: %zu pages\n", "%.*s：%zuページ\n"), STR_ARG(o->output), pages);
    buf_release(&content);
    buf_release(&pdf);
    return e;
}

static const struct command_row rows[] = {
    {.verb = "list", .run = list, .help = "List the papers.", .help_ja = "帳票の一覧を表示する。"},
    {.verb = "sample",
     .options = sample_rows,
     .option_count = COUNT_OF(sample_rows),
     .size = sizeof(struct sample_options),
     .run = sample,
     .help = "Write invented content of a paper, to be changed and given to make.",
     .help_ja = "帳票の架空の記載内容（見本）を出力する。"},
    {.verb = "make",
     .options = make_rows,
     .option_count = COUNT_OF(make_rows),
     .size = sizeof(struct make_options),
     .run = make,
     .help = "Make a paper as PDF. The file holds a person's data: keep it accordingly.",
     .help_ja = "帳票をPDFで作成する。個人情報を含むため取扱いに注意すること。"},
};
const struct command_noun command_paper = {"paper", "make certificates and letters by hand",
                                           "証明書・通知書を作成する", rows, COUNT_OF(rows)};
