/* SPDX-License-Identifier: Apache-2.0 */
/* Power cuts under a municipality: its resident register and its CS lose power at one moment, or one of them
 * alone, while the counter tells its story (register_story.h).
 *
 * What must hold at once, of the two disks alone, says register_disks.h; besides, what the counter was told
 * is entered is there, under the number it was told, and so is what it was told of outcomes. And after some
 * of the cuts both are started again and the counter says all it has to say from the beginning: register and
 * CS end with the same digest, and with as many changes and outcomes as without a cut; then the register
 * sends everything once more, and it changes nothing. */
#include "power_cut.h"
#include "register_story.h"
#include "stores.h"
#include "test.h"

#include <stdlib.h>

enum { RESTART_EVERY = 15 };

static struct promises promises = {.lock = PTHREAD_MUTEX_INITIALIZER};
static const char *const databases[] = {"register.db", "cs.db", NULL};
static struct register_ending ending; /* when nothing happens */

static void promise(enum register_promise kind, size_t step, int64_t number)
{
    promises_add(&promises, (int64_t)kind << 48 | (int64_t)step << 32 | number);
}

static void prepare(void *self UNUSED, const char *folder)
{
    municipality_make(folder);
}

static void tell(void *self UNUSED, const char *folder, bool is_early)
{
    const char *kind = getenv("JUKI_EARLY"); /* its digit */
    register_telling = (struct register_telling){promise, is_early && kind ? kind[0] - '0' : 0};
    assert_ok(municipality_open(NULL, folder, NULL));
    assert_ok(municipality_start(NULL));
    const char *found = register_story_take();
    if (!found)
        found = register_story_note(&ending);
    municipality_close();
    if (found)
        fail_msg("%s", found);
}

static int64_t looked_for[PROMISES];

static const char *promises_kept(const struct register_disks *d, size_t place)
{
    const char *found = NULL;
    for (size_t i = 0; i < promises.count && !found; i++) {
        const int64_t what = promises.list[i].what;
        const enum register_promise kind = (enum register_promise)(what >> 48);
        if (promises.list[i].place > place)
            continue;
        looked_for[kind]++;
        found = register_story_keeps(d, kind, what >> 32 & 0xffff, what & 0xffffffff);
    }
    return found;
}

/* ---- starting again */

static const char *goes_on(void)
{
    struct fail f = {0};
    if (municipality_start(&f))
        return wrong("start: %s %s %s", err_row(f.err)->name, f.field, f.detail);
    register_telling = (struct register_telling){promise, 0};
    const char *found = register_story_take();
    if (!found)
        found = register_story_ends_as(&ending);
    return found ? found : register_story_sends_again(&ending);
}

static const char *look(void *self UNUSED, size_t place, const char *folder)
{
    static size_t times;
    struct register_disks *d = calloc(1, sizeof *d);
    struct fail f = {0};
    assert_non_null(d);
    if (municipality_open(&f, folder, story_broken))
        d->wrong = wrong("%s %s %s", err_row(f.err)->name, f.field, f.detail);
    arena_init(&d->arena, 4 << 20);
    const char *found = d->wrong ? d->wrong : register_disks_hold(d);
    if (!found)
        found = promises_kept(d, place);
    if (!found && times++ % RESTART_EVERY == 0)
        found = goes_on();
    arena_release(&d->arena);
    free(d);
    if (!found || municipality.door) /* else whatever is left of it is not touched any more */
        municipality_close();
    return found;
}

static const struct story story = {.name = "register",
                                   .prepare = prepare,
                                   .tell = tell,
                                   .look = look,
                                   .promises = &promises,
                                   .servers = databases};
enum { CUTS = 45, CUTS_LONG = 5000, CUTS_TO_FIND = 90 };

static void register_and_cs_survive_a_power_cut(void **state UNUSED)
{
    memset(looked_for, 0, sizeof looked_for);
    story_survives(&story, getenv("JUKI_LONG") ? CUTS_LONG : CUTS);
    print_message("looked for %lld entered, %lld taken, %lld heard\n", (long long)looked_for[ENTERED],
                  (long long)looked_for[TAKEN], (long long)looked_for[HEARD]);
    assert_true(looked_for[ENTERED] && looked_for[TAKEN] && looked_for[HEARD]);
}

static void without_syncs_changes_are_lost(void **state UNUSED)
{
    story_fails(&story, CUTS_TO_FIND, "OFF", false);
}

static void found_when_early(int kind)
{
    char text[8];
    snprintf(text, sizeof text, "%d", kind);
    setenv("JUKI_EARLY", text, 1); /* it is told in a process of its own */
    story_fails(&story, CUTS_TO_FIND, "FULL", true);
}

static void an_entry_acknowledged_before_its_commit_is_found(void **state UNUSED)
{
    found_when_early(ENTERED);
}

static void a_change_taken_before_the_commit_of_the_cs_is_found(void **state UNUSED)
{
    found_when_early(TAKEN);
}

static void an_outcome_heard_before_its_commit_is_found(void **state UNUSED)
{
    found_when_early(HEARD);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(register_and_cs_survive_a_power_cut),
        cmocka_unit_test(without_syncs_changes_are_lost),
        cmocka_unit_test(an_entry_acknowledged_before_its_commit_is_found),
    };
    const struct CMUnitTest long_tests[] = {
        cmocka_unit_test(a_change_taken_before_the_commit_of_the_cs_is_found),
        cmocka_unit_test(an_outcome_heard_before_its_commit_is_found),
    };
    int status = 0;
    recording_install();
    municipality_init();
    register_story_init();
    if (!story_is_told(&story, argc, argv, &status)) {
        status = cmocka_run_group_tests(tests, NULL, stores_clean);
        if (!status && getenv("JUKI_LONG"))
            status = cmocka_run_group_tests(long_tests, NULL, stores_clean);
    }
    municipality_release();
    return status;
}
