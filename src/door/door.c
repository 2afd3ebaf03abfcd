/* SPDX-License-Identifier: Apache-2.0 */
/* Decides the life of the door: what is opened when, who is woken, and in which order it ends.
 *
 * A feed's readers sleep on one condition variable. A transaction that writes to a feed only sets `touched`;
 * the commit hook of the database turns that into a broadcast, so nobody is woken for what is not yet on
 * disk. */
#include "door/door.h"

#include "door/door_inside.h"

#include "base/clock.h"
#include "base/file.h"
#include "door/door_sql.h"

static void committed(void *self)
{
    struct door *d = self;

    for (size_t feed = 0; feed < DOOR_FEEDS; feed++) {
        if (!atomic_exchange(&d->touched[feed], false))
            continue;
        pthread_mutex_lock(&d->lock);
        d->generation[feed]++;
        pthread_cond_broadcast(&d->wake);
        pthread_mutex_unlock(&d->lock);
    }
}

static enum err copy_text(struct fail *f, const char *text, char **out)
{
    size_t n = strlen(text) + 1;

    if (!(*out = memory_new(n)))
        return fail_set(f, ERR_MEMORY, "door", NULL);
    memcpy(*out, text, n);
    return ERR_OK;
}

/* "127.0.0.1:8001" or "[::1]:8001". */
static enum err split_listen(struct fail *f, struct door *d, struct str listen)
{
    size_t colon = listen.n;

    while (colon && listen.p[colon - 1] != ':')
        colon--;
    struct str host = {listen.p, colon ? colon - 1 : 0}, port = {listen.p + colon, listen.n - colon};
    if (host.n > 2 && host.p[0] == '[')
        host = (struct str){host.p + 1, host.n - 2};
    uint64_t number;
    if (!host.n || host.n >= sizeof d->host || port.n >= sizeof d->port || !str_to_uint(port, 65535, &number))
        return fail_set(f, ERR_CONFIG, "listen", NULL);
    memcpy(d->host, host.p, host.n);
    memcpy(d->port, port.p, port.n);
    return ERR_OK;
}

static enum err configure(struct fail *f, struct door *d, const struct door_config *config)
{
    char area[AREA_CODE_TEXT_SIZE];
    enum err e;

    d->flow = config->flow;
    d->area = (struct area_code){config->flow->self.area};
    snprintf(d->register_name, sizeof d->register_name, "register.%s", area_code_text(d->area, area));
    buf_init(&d->ca, 1 << 20);
    if ((e = split_listen(f, d, str_of(config->listen))) || (e = file_read(f, config->ca_path, &d->ca)) ||
        (e = copy_text(f, config->tls_key_uri, &d->key_uri)) ||
        (e = copy_text(f, config->tls_certificate_path, &d->certificate_path)) ||
        (config->folder && (e = copy_text(f, config->folder, &d->folder))))
        return e;
    return door_tls_load(d, f);
}

enum err door_new(struct fail *f, const struct door_config *config, struct door **out)
{
    struct door *d = memory_new(sizeof *d);
    pthread_condattr_t steady;

    if (!d)
        return fail_set(f, ERR_MEMORY, "door", NULL);
    pthread_mutex_init(&d->lock, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&d->wake, &steady);
    pthread_condattr_destroy(&steady);
    enum err e = configure(f, d, config);
    if (e) {
        door_free(d);
        return e;
    }
    d->upward = (struct flow_door){.number = door_number_came,
                                   .outcome = door_outcome_came,
                                   .ahead = door_outcome_ahead,
                                   .message = door_message_came};
    d->flow->door = &d->upward;
    d->flow->door_self = d;
    db_follow(d->flow->db, &(struct db_follower){.self = d, .committed = committed});
    *out = d;
    return ERR_OK;
}

enum err door_start(struct door *d, struct fail *f)
{
    pthread_mutex_lock(&d->lock);
    d->stopping = false;
    pthread_mutex_unlock(&d->lock);
    enum err e = door_http_start(d, f);
    if (!e && d->folder && (e = door_folder_start(d, f)))
        door_stop(d);
    return e;
}

void door_stop(struct door *d)
{
    if (!d)
        return;
    pthread_mutex_lock(&d->lock);
    d->stopping = true;
    pthread_cond_broadcast(&d->wake);
    pthread_mutex_unlock(&d->lock);
    door_folder_stop(d);
    if (d->daemon)
        MHD_stop_daemon(d->daemon);
    d->daemon = NULL;
}

void door_free(struct door *d)
{
    if (!d)
        return;
    door_stop(d);
    if (d->flow && d->flow->door_self == d) {
        d->flow->door = NULL;
        d->flow->door_self = NULL;
    }
    door_tls_free(d->tls);
    buf_release(&d->ca);
    memory_free(d->key_uri);
    memory_free(d->certificate_path);
    memory_free(d->folder);
    pthread_cond_destroy(&d->wake);
    pthread_mutex_destroy(&d->lock);
    memory_free(d);
}

enum err door_reload(struct door *d, struct fail *f)
{
    return door_tls_load(d, f);
}

enum err door_mark_get(struct db_tx *tx, struct fail *f, enum door_mark mark, int64_t *value)
{
    struct db_rows rows;

    db_query(tx, &rows, &sql_door_mark_value, DB(db_int(mark)));
    if (db_next(&rows))
        *value = db_row_int(&rows, 0);
    return db_done(&rows, f);
}

enum err door_mark_step(struct db_tx *tx, struct fail *f, enum door_mark mark)
{
    return db_exec(tx, f, &sql_door_mark_next, DB(db_int(mark)), NULL);
}
