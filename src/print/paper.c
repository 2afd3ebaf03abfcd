/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing papers by the rows of their records; what no row can say stands in check_asked. */
#include "print/paper.h"

#include "identity/individual_number.h"
#include "identity/resident_code.h"
#include "identity/text_check.h"
#include "print/paper_record.h"

enum { PATH_SIZE = 48 };

const struct paper_form_row paper_forms[PAPER_FORMS] = {
#define FORM(name, json, record, ja) [PAPER_##name] = {json, ja, &paper_record_##record},
#include "print/paper_form.def"
#undef FORM
};

enum err paper_form_parse(struct fail *f, struct str name, enum paper_form *out)
{
    for (size_t i = 0; i < PAPER_FORMS; i++)
        if (str_equal(name, str_of(paper_forms[i].name))) {
            *out = (enum paper_form)i;
            return ERR_OK;
        }
    return fail_set(f, ERR_PAPER_FORM, "form", NULL);
}

/* ---- reading */

struct reading {
    struct fail *f;
    struct arena *arena;
    char path[PATH_SIZE]; /* of the record that is read, with a dot behind it: "persons.2." */
};

static enum err read_record(struct reading *r, const struct paper_record *record, const struct json *object,
                            bool has_form, void *out);

/* Puts the record's path before the field that a parser named. */
static enum err at_path(const struct reading *r, enum err e, const struct paper_field *field)
{
    if (e && r->f) {
        char whole[2 * PATH_SIZE];
        snprintf(whole, sizeof whole, "%s%s", r->path, field->name);
        snprintf(r->f->field, sizeof r->f->field, "%.*s", (int)sizeof r->f->field - 1, whole);
    }
    return e;
}

static enum err read_text(struct reading *r, const struct paper_field *field, struct str text, void *at)
{
    struct str copy = arena_copy(r->arena, text);
    if (!copy.p)
        return fail_set(r->f, ERR_MEMORY, field->name, NULL);
    memcpy(at, &copy, sizeof copy);
    return text_check(r->f, field->name, copy, field->most);
}

static enum err read_code(struct reading *r, const struct paper_field *field, struct str text, void *at)
{
    struct resident_code code;
    enum err e = resident_code_parse(r->f, text, &code);
    return e ? e
             : read_text(r, &(struct paper_field){.name = field->name, .most = RESIDENT_CODE_DIGITS}, text,
                         at);
}

static enum err read_number(struct reading *r, const struct paper_field *field, struct str text, void *at)
{
    struct individual_number number;
    enum err e = individual_number_parse(r->f, text, &number);
    return e ? e
             : read_text(r, &(struct paper_field){.name = field->name, .most = INDIVIDUAL_NUMBER_DIGITS},
                         text, at);
}

static enum err read_date(struct reading *r, const struct paper_field *field, struct str text, void *at)
{
    return date_parse(r->f, field->name, text, at);
}

static enum err read_birth(struct reading *r, const struct paper_field *field, struct str text, void *at)
{
    return birth_date_parse(r->f, field->name, text, at);
}

static enum err read_sex(struct reading *r, const struct paper_field *field UNUSED, struct str text, void *at)
{
    return sex_parse(r->f, text, at);
}

/* The kinds that are text in JSON. */
static enum err (*const read_kind[])(struct reading *r, const struct paper_field *field, struct str text,
                                     void *at) = {
    [PAPER_KIND_TEXT] = read_text, [PAPER_KIND_CODE] = read_code,   [PAPER_KIND_NUMBER] = read_number,
    [PAPER_KIND_DATE] = read_date, [PAPER_KIND_BIRTH] = read_birth, [PAPER_KIND_SEX] = read_sex,
};

static enum err read_items(struct reading *r, const struct paper_field *field, const struct json *list,
                           void *record)
{
    size_t count = json_count(list), i;
    const struct json *object;
    if (!json_is(list, JSON_ARRAY))
        return at_path(r, fail_set(r->f, ERR_FIELD_TYPE, field->name, "an array is required"), field);
    if (count < field->least || count > field->most)
        return at_path(
            r, fail_set(r->f, ERR_FIELD_RANGE, field->name, "%zu to %zu items", field->least, field->most),
            field);
    char *items = arena_alloc(r->arena, count * field->item->size + 1);
    if (!items)
        return fail_set(r->f, ERR_MEMORY, field->name, NULL);
    enum err e = ERR_OK;
    JSON_EACH_AT(list, i, object)
    {
        struct reading inner = {r->f, r->arena, ""};
        char path[3 * PATH_SIZE];
        snprintf(path, sizeof path, "%s%s.%zu.", r->path, field->name, i + 1);
        snprintf(inner.path, sizeof inner.path, "%.*s", PATH_SIZE - 1, path);
        if (!e)
            e = read_record(&inner, field->item, object, false, items + i * field->item->size);
    }
    memcpy((char *)record + field->offset, &items, sizeof items);
    memcpy((char *)record + field->count_offset, &count, sizeof count);
    return e;
}

static enum err read_field(struct reading *r, const struct paper_field *field, const struct json *value,
                           void *record)
{
    void *at = (char *)record + field->offset;
    if (field->kind == PAPER_KIND_LIST)
        return read_items(r, field, value, record);
    enum err e = ERR_OK;
    if (field->kind == PAPER_KIND_FLAG) {
        bool yes = json_is(value, JSON_TRUE);
        memcpy(at, &yes, sizeof yes);
        if (!yes && !json_is(value, JSON_FALSE))
            e = fail_set(r->f, ERR_FIELD_TYPE, field->name, "true or false is required");
    } else if (!json_is(value, JSON_STRING)) {
        e = fail_set(r->f, ERR_FIELD_TYPE, field->name, "text is required");
    } else if (field->must && !value->text.n) {
        e = fail_set(r->f, ERR_FIELD_MISSING, field->name, NULL);
    } else if (value->text.n) {
        e = read_kind[field->kind](r, field, value->text, at);
    }
    return at_path(r, e, field);
}

static enum err check_known(const struct reading *r, const struct paper_record *record,
                            const struct json *object, bool has_form)
{
    const struct json *member;
    if (!json_is(object, JSON_OBJECT))
        return fail_set(r->f, ERR_FIELD_TYPE, r->path, "an object is required");
    JSON_EACH(object, member)
    {
        bool form = has_form && str_equal(member->key, STR("form"));
        if (!form && !paper_field_find(record, member->key.p))
            return fail_set(r->f, ERR_PAPER_UNKNOWN, r->path, "%.40s", member->key.p);
    }
    return ERR_OK;
}

static enum err read_record(struct reading *r, const struct paper_record *record, const struct json *object,
                            bool has_form, void *out)
{
    enum err e = check_known(r, record, object, has_form);
    for (size_t i = 0; i < record->count && !e; i++) {
        const struct paper_field *field = &record->fields[i];
        const struct json *value = json_get(object, field->name);
        if (value && !json_is(value, JSON_NULL))
            e = read_field(r, field, value, out);
        else if (field->must)
            e = at_path(r, fail_set(r->f, ERR_FIELD_MISSING, field->name, NULL), field);
    }
    return e;
}

/* What was asked for is there, and nothing else is (令15条の3, 15条の4). */
static enum err check_asked(struct fail *f, const struct paper_certificate *c)
{
    char path[PATH_SIZE];
    if (!c->with_relationship && c->householder.n)
        return fail_set(f, ERR_PAPER_UNASKED, "householder", NULL);
    for (size_t i = 0; i < c->persons_count; i++) {
        const struct paper_certificate_person *p = &c->persons[i];
        const struct {
            const char *name;
            bool asked, there, need;
        } rows[] = {
            {"relationship", c->with_relationship, p->relationship.n, true},
            {"resident_code", c->with_resident_code, p->resident_code.n, true},
            {"individual_number", c->with_individual_number, p->individual_number.n, true},
            {"nationality", c->with_residence_status, p->nationality.n, p->foreign},
            {"foreign_category", c->with_residence_status, p->foreign_category.n, p->foreign},
            {"residence_status", c->with_residence_status, p->residence_status.n, false},
            {"residence_period", c->with_residence_status, p->residence_period.n, false},
            {"residence_until", c->with_residence_status, p->residence_until.year, false},
            {"residence_card", c->with_residence_status, p->residence_card.n, false},
        };
        for (size_t k = 0; k < COUNT_OF(rows); k++) {
            snprintf(path, sizeof path, "persons.%zu.%s", i + 1, rows[k].name);
            if (rows[k].there && !rows[k].asked)
                return fail_set(f, ERR_PAPER_UNASKED, path, NULL);
            if (rows[k].asked && rows[k].need && !rows[k].there)
                return fail_set(f, ERR_FIELD_MISSING, path, NULL);
        }
    }
    return ERR_OK;
}

/* Only one kind of resident has these: of the other they would not be printed. */
static const struct {
    const char *name;
    bool foreign;
} kinds[] = {
    {"former_name", false},     {"former_name_kana", false}, {"resident_since", false},
    {"honseki", false},         {"honseki_head", false},     {"alias", true},
    {"alias_kana", true},       {"foreign_since", true},     {"nationality", true},
    {"foreign_category", true}, {"residence_status", true},  {"residence_period", true},
    {"residence_until", true},  {"residence_card", true},    {"alias_history", true},
};

static bool is_there(const struct paper_field *field, const void *content)
{
    struct str text;
    struct date date;
    memcpy(&date, paper_field_at(field, content), sizeof date);
    if (field->kind == PAPER_KIND_DATE)
        return date.year;
    memcpy(&text, paper_field_at(field, content), sizeof text);
    return text.n;
}

static enum err check_kind(struct fail *f, const struct paper_record *record, const void *content,
                           size_t number)
{
    char path[PATH_SIZE];
    bool foreign = *(const bool *)paper_field_at(paper_field_find(record, "foreign"), content);
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        const struct paper_field *field = paper_field_find(record, kinds[i].name);
        if (!field || kinds[i].foreign == foreign || !is_there(field, content))
            continue;
        snprintf(path, sizeof path, "persons.%zu.%s", number, field->name);
        return fail_set(f, foreign ? ERR_NAME_PART_JAPANESE : ERR_NAME_PART_FOREIGN, path, NULL);
    }
    return ERR_OK;
}

static enum err check_kinds_of_residents(struct fail *f, const struct paper_record *record,
                                         const void *content)
{
    const struct paper_field *list = paper_field_find(record, "persons");
    size_t count = 0;
    enum err e = ERR_OK;
    const char *items = list ? paper_field_items(list, content, &count) : NULL;
    for (size_t i = 0; i < count && !e; i++)
        e = check_kind(f, list->item, items + i * list->item->size, i + 1);
    return e;
}

static enum err read_tree(struct fail *f, const struct json *tree, struct arena *a, struct paper *out)
{
    struct reading r = {f, a, ""};
    struct str name = {0};
    enum paper_form form = PAPER_WIDE_AREA_CERTIFICATE;
    enum err e = json_member_text(f, tree, "form", a, &name);
    if (!e)
        e = paper_form_parse(f, name, &form);
    if (e)
        return e;
    void *content = arena_alloc(a, paper_forms[form].record->size);
    if (!content)
        return fail_set(f, ERR_MEMORY, "paper", NULL);
    e = read_record(&r, paper_forms[form].record, tree, true, content);
    if (!e && form == PAPER_WIDE_AREA_CERTIFICATE)
        e = check_asked(f, content);
    if (!e)
        e = check_kinds_of_residents(f, paper_forms[form].record, content);
    if (!e)
        *out = (struct paper){form, content};
    return e;
}

enum err paper_read(struct fail *f, struct str json, struct arena *a, struct paper *out)
{
    struct json *tree = NULL;
    if (json.n > PAPER_JSON_MAX)
        return fail_set(f, ERR_LIMIT, "paper", NULL);
    enum err e = json_read(f, json, &tree);
    if (!e)
        e = read_tree(f, tree, a, out);
    json_free(tree);
    return e;
}

/* ---- writing */

static void write_record(struct buf *out, const struct paper_record *record, const void *content);

static void write_items(struct buf *out, const struct paper_field *field, const void *content)
{
    size_t count;
    const char *items = paper_field_items(field, content, &count);
    if (!count)
        return;
    json_begin(out, field->name, '[');
    for (size_t i = 0; i < count; i++) {
        json_begin(out, NULL, '{');
        write_record(out, field->item, items + i * field->item->size);
        json_end(out, '}');
    }
    json_end(out, ']');
}

static void write_date(struct buf *out, const struct paper_field *field, const struct date *d)
{
    char text[DATE_TEXT_SIZE];
    if (field->must || d->year || d->month || d->day)
        json_add_text(out, field->name, str_of(date_text(*d, text)));
}

static void write_record(struct buf *out, const struct paper_record *record, const void *content)
{
    for (size_t i = 0; i < record->count; i++) {
        const struct paper_field *field = &record->fields[i];
        const void *at = paper_field_at(field, content);
        if (field->kind == PAPER_KIND_LIST)
            write_items(out, field, content);
        else if (field->kind == PAPER_KIND_DATE || field->kind == PAPER_KIND_BIRTH)
            write_date(out, field, at);
        else if (field->kind == PAPER_KIND_SEX)
            json_add_text(out, field->name, str_of(sex_name(*(const enum sex *)at)));
        else if (field->kind == PAPER_KIND_FLAG && *(const bool *)at)
            json_add_bool(out, field->name, true);
        else if (field->kind != PAPER_KIND_FLAG && ((const struct str *)at)->n)
            json_add_text(out, field->name, *(const struct str *)at);
    }
}

void paper_write(const struct paper *paper, struct buf *out)
{
    json_begin(out, NULL, '{');
    json_add_text(out, "form", str_of(paper_forms[paper->form].name));
    write_record(out, paper_forms[paper->form].record, paper->content);
    json_end(out, '}');
}

/* ---- samples */

extern const char embedded_paper_samples[], embedded_paper_samples_end[];

enum err paper_sample(struct fail *f, enum paper_form form, struct buf *out)
{
    struct json *samples = NULL;
    const struct json *one;
    const struct str text = {embedded_paper_samples,
                             (size_t)(embedded_paper_samples_end - embedded_paper_samples)};
    enum err e = json_read(f, text, &samples);
    bool found = false;
    JSON_EACH(samples, one)
    {
        if (str_equal(json_str(json_get(one, "form")), str_of(paper_forms[form].name))) {
            json_add_tree(out, NULL, one);
            found = true;
        }
    }
    assert(e || found);
    json_free(samples);
    return e ? e : buf_check(out, f, "sample");
}
