/* SPDX-License-Identifier: Apache-2.0 */
/* A 転入届 by card as a counter hands it over, at a register that has a 転出証明書情報 of two persons. What
 * is refused has written nothing; what is taken entered somebody. Nothing of an input stays: each finds a
 * register to which nobody came yet. */
#include "fuzz.h"

#include "../unit/register_scene.h"
#include "base/file.h"
#include "base/log.h"
#include "register/register_certificate.h"
#include "stores.h"

#include <stdlib.h>
#include <unistd.h>

static const char came[] = "{\"id\":\"x/"
                           "1\",\"kind\":\"move_out_certificate\",\"from\":\"272035\",\"body\":{"
                           "\"certificate\":\"t-1\",\"area_code\":"
                           "\"272035\",\"address\":\"大阪府豊中市\",\"destination_area_code\":\"282049\","
                           "\"planned_on\":\"2026-03-31\",\"persons\":["
                           "{\"resident_code\":\"24727059608\",\"name\":\"豊中　太郎\",\"birth_date\":\"1980-"
                           "01-02\",\"sex\":\"male\",\"relationship\":"
                           "\"世帯主\",\"honseki_area_code\":\"272035\",\"honseki\":\"大阪府\",\"honseki_"
                           "head\":\"豊中　太郎\",\"card_issued_on\":"
                           "\"2024-05-01\",\"card_valid_until\":\"2034-01-02\"},"
                           "{\"resident_code\":\"24846016224\",\"name\":\"WANG "
                           "LI\",\"birth_date\":\"1982-00-00\",\"sex\":\"female\",\"foreign\":true,"
                           "\"nationality\":\"中国\"}]}}";

static enum err hear(struct db_tx *tx, struct fail *f, void *arg)
{
    struct door_hearing h = {.r = ((struct scene *)arg)->r};
    struct json *item;
    struct arena a;
    arena_init(&a, 4 << 20);
    assert(!json_read(f, str_of(came), &item));
    const enum err e = register_take_message(&h, tx, f, item, &a);
    json_free(item);
    arena_release(&a);
    return e;
}

/* The day on which they come: 2 April 2026. */
static void set_day(void)
{
    int64_t stamp = 0;
    if (clock_parse(NULL, STR("2026-04-02T03:00:00.000000Z"), &stamp))
        abort();
    clock_shift(0);
    clock_shift((stamp - clock_now()) / 1000000);
}

static void open_scene(struct scene *s)
{
    set_day();
    scene_open(s, sqlite_fresh());
    assert(!db_transaction(s->db, NULL, hear, s));
}

void fuzz_target(struct str in)
{
    static struct scene scene;
    static bool open;
    struct json *filing = NULL;
    int64_t first = 0, last = 0;
    struct fail f;
    if (!open)
        open_scene(&scene);
    open = true;
    if (json_read(&f, in, &filing))
        return;
    const enum err e = register_certificate_enter(scene.r, &f, filing, &first, &last);
    json_free(filing);
    const struct register_status after = scene_status(&scene);
    assert(e ? after.residents == 0 && after.changes == 0 : after.residents > 0 && last >= first);
    if (!e) { /* the next finds a fresh one */
        register_free(scene.r);
        db_close(scene.db);
        open = false;
    }
}
