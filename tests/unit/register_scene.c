/* SPDX-License-Identifier: Apache-2.0 */
#include "register_scene.h"

#include "base/file.h"
#include "register/register_sql.h"
#include "stores.h"

#include <stdlib.h>

static const struct db_module *const modules[] = {&register_module};
static char path[64];

static void open_database(struct scene *s, struct register_config config)
{
    assert_ok(db_open(NULL, s->url, modules, 1, &s->db));
    config.area.value = STAGE_AREA;
    config.db = s->db;
    assert_ok(register_new(NULL, &config, &s->r));
    scene_status(s); /* the records are counted, and their changes from now on */
}

void scene_open(struct scene *s, const char *url)
{
    memset(s, 0, sizeof *s);
    snprintf(s->url, sizeof s->url, "%s", url);
    open_database(s, (struct register_config){0});
}

static void close_database(struct scene *s)
{
    register_free(s->r);
    db_close(s->db);
}

/* What was kept beside the changes is what the next process counts. */
void scene_close(struct scene *s)
{
    register_stop(s->r);
    const struct register_status kept = scene_status(s);
    close_database(s);
    open_database(s, (struct register_config){0});
    const struct register_status fresh = scene_status(s);
    assert_int_equal(kept.residents, fresh.residents);
    assert_int_equal(kept.leaving, fresh.leaving);
    assert_int_equal(kept.removed, fresh.removed);
    close_database(s);
}

static void note_refusal(void *arg, int64_t line, const struct fail *f)
{
    struct scene *s = arg;

    if (s->refusals < COUNT_OF(s->lines)) {
        s->lines[s->refusals] = line;
        s->errors[s->refusals] = f->err;
        snprintf(s->fields[s->refusals], sizeof s->fields[0], "%s", f->field);
    }
    s->refusals++;
}

void scene_load(struct scene *s, struct str csv)
{
    s->refusals = 0;
    assert_ok(file_write(NULL, path, csv, 0600));
    assert_ok(register_load(s->r, NULL, path, NULL, note_refusal, s, &s->result));
}

void scene_apply(struct scene *s, const char *lines)
{
    s->refusals = 0;
    assert_ok(file_write(NULL, path, str_of(lines), 0600));
    assert_ok(register_apply(s->r, NULL, path, NULL, note_refusal, s, &s->result));
}

void scene_enter(struct scene *s, const char *lines)
{
    s->refusals = 0;
    assert_ok(file_write(NULL, path, str_of(lines), 0600));
    assert_ok(register_enter_file(s->r, NULL, path, NULL, note_refusal, s, &s->result));
}

struct register_status scene_status(struct scene *s)
{
    struct register_status out;

    assert_ok(register_status(s->r, NULL, &out));
    return out;
}

static enum err look_up(struct db_tx *tx, struct fail *f, void *arg)
{
    struct look *l = arg;
    struct db_rows rows;

    l->body[0] = 0;
    db_query(tx, &rows, &sql_register_change_after, DB(db_int(l->number - 1), db_int(1)));
    if (db_next(&rows) && db_row_int(&rows, 0) == l->number) {
        struct str body = db_row_text(&rows, 1);
        snprintf(l->body, sizeof l->body, "%.*s", STR_ARG(body));
    }
    return db_done(&rows, f);
}

const char *scene_change(struct scene *s, struct look *l, int64_t number)
{
    l->number = number;
    assert_ok(db_read(s->db, NULL, look_up, l));
    return l->body;
}

void scene_open_linked(struct scene *s, const struct door_stage *stage)
{
    memset(s, 0, sizeof *s);
    snprintf(s->url, sizeof s->url, "%s/register.db", stage->folder);
    open_database(s, (struct register_config){.door_url = stage->url,
                                              .tls_key_path = stage->key,
                                              .tls_certificate_path = stage->certificate,
                                              .ca_path = stage->ca});
}

static void note_problem(void *arg, const struct register_problem *problem)
{
    struct seen_problem *p = arg;
    assert_true(problem->since > 0);
    p->last = *problem;
    p->count++;
}

struct seen_problem scene_problems(struct scene *s)
{
    struct seen_problem p = {0};
    assert_ok(register_problems(s->r, NULL, note_problem, &p));
    return p;
}

int scene_setup(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/juki-register-XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

int scene_clean(void **state)
{
    (void)unlink(path);
    return stores_clean(state);
}
