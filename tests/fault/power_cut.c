/* SPDX-License-Identifier: Apache-2.0 */
#include "power_cut.h"

#include "base/clock.h"
#include "base/random.h"
#include "stores.h"
#include "test.h"

#include <limits.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FOUND = 3, NOT_FOUND = 4 };

void promises_add(struct promises *p, int64_t what)
{
    pthread_mutex_lock(&p->lock);
    if (p->count == p->size) {
        p->size = p->size ? 2 * p->size : 256;
        p->list = reallocarray(p->list, p->size, sizeof *p->list);
        assert_non_null(p->list);
    }
    p->list[p->count++] = (struct promise){recording_place(), what};
    pthread_mutex_unlock(&p->lock);
}

void promises_clear(struct promises *p)
{
    free(p->list);
    p->list = NULL;
    p->count = p->size = 0;
}

const char *wrong(const char *fmt, ...)
{
    static _Thread_local char text[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return text;
}

void folder_make(char out[static 64])
{
    snprintf(out, 64, "%s/juki-fault-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(out));
}

uint64_t fault_seed(void)
{
    const char *text = getenv("JUKI_SEED");
    return text ? strtoull(text, NULL, 10) : 1;
}

static void record(const struct story *s, bool early)
{
    char folder[64];
    folder_make(folder);
    promises_clear(s->promises);
    if (s->prepare)
        s->prepare(s->self, folder);
    recording_start();
    s->tell(s->self, folder, early);
    recording_stop();
    folder_remove(folder);
}

struct cut {
    size_t place;
    enum disk_loss loss;
    uint64_t seed;
    const char *only;
};

/* One cut: what is wrong after it, or NULL. The folder is kept when something is. */
static const char *cut(const struct story *s, struct disk *d, const struct cut *c, char folder[static 64])
{
    folder_make(folder);
    disk_advance(d, c->place);
    disk_rebuild(d, c->loss, c->seed, c->only, folder);
    const char *what = s->look(s->self, c->place, folder);
    if (!what)
        folder_remove(folder);
    return what;
}

/* At which places? Whenever something was promised and after each sync; the others as far as `cuts` goes. */
static bool *choose_places(const struct story *s, size_t places, size_t wanted, struct random_seeded *chance)
{
    bool *chosen = calloc(places + 1, sizeof *chosen);
    assert_non_null(chosen);
    size_t due = 0;
    for (size_t i = 0; i < s->promises->count; i++)
        chosen[s->promises->list[i].place] = true;
    for (size_t i = 0; i < places; i++)
        chosen[i + 1] = chosen[i + 1] || recording_op(i)->act == DISK_SYNCED;
    for (size_t i = 0; i <= places; i++)
        due += chosen[i];
    for (size_t i = 0; i <= places; i++) {
        if (due > wanted)
            chosen[i] = chosen[i] && random_seeded_below(chance, due) < wanted;
        else if (!chosen[i])
            chosen[i] = random_seeded_below(chance, places) < wanted - due;
    }
    return chosen;
}

static const char *any_server(const struct story *s, struct random_seeded *chance)
{
    size_t n = 0;
    while (s->servers && s->servers[n])
        n++;
    size_t which = random_seeded_below(chance, n + 1);
    return which < n ? s->servers[which] : NULL;
}

/* The first wrong thing, described, or NULL. */
static const char *find_loss(const struct story *s, size_t cuts, const char *heading)
{
    struct random_seeded chance = {fault_seed()};
    size_t places = recording_place(), done = 0;
    const int times = DISK_LOSSES * (s->times ? s->times : 1);
    bool *chosen = choose_places(s, places, cuts / (size_t)times + 1, &chance);
    struct disk *d = disk_new();
    const char *found = NULL;
    for (size_t place = 0; place <= places && !found; place++)
        for (int time = 0; chosen[place] && time < times && !found; time++) {
            const int loss = time % DISK_LOSSES;
            char folder[64], only[PATH_MAX] = "";
            struct cut c = {place, (enum disk_loss)loss, random_seeded_next(&chance), NULL};
            const char *server = any_server(s, &chance);
            for (int i = 0; server && i < recording_file_count() && !c.only; i++) {
                const char *slash = strrchr(recording_file(i), '/');
                if (strncmp(slash + 1, server, strlen(server)) == 0) {
                    snprintf(only, sizeof only, "%.*s%s", (int)(slash + 1 - recording_file(i)),
                             recording_file(i), server);
                    c.only = only;
                }
            }
            const char *what = cut(s, d, &c, folder);
            done++;
            if (what) {
                char text[300];
                snprintf(text, sizeof text, "%s", what);
                found = wrong("%s: JUKI_SEED=%llu, cut at %zu of %zu, loss %d of %s: %s (kept: %s)", heading,
                              (unsigned long long)fault_seed(), place, places, loss, server ? server : "all",
                              text, folder);
            }
        }
    disk_free(d);
    free(chosen);
    if (!found)
        print_message("%s: %zu cuts at %zu places of %zu, %zu promises\n", heading, done,
                      done / (size_t)times, places + 1, s->promises->count);
    return found;
}

void story_survives(const struct story *s, size_t cuts)
{
    record(s, false);
    const char *found = find_loss(s, cuts, s->name);
    promises_clear(s->promises);
    if (found)
        fail_msg("%s", found);
}

static bool loss_expected; /* in this process */

void story_broken(void *arg UNUSED, const struct fail *f)
{
    print_message("the store broke: %s %s\n", err_row(f->err)->name, f->detail);
    fflush(stdout);
    if (loss_expected)
        _exit(FOUND);
}

/* What is opened there may be in pieces, and end the process. */
bool story_is_told(const struct story *s, int argc, char **argv, int *status)
{
    if (argc != 5 || strcmp(argv[1], "--find") != 0)
        return false;
    bool early = strcmp(argv[4], "early") == 0;
    char folder[64];
    recording_synchronous(argv[3]);
    record(s, early);
    recording_synchronous(NULL);
    loss_expected = true;
    const char *found = find_loss(s, strtoull(argv[2], NULL, 10), s->name);
    const char *kept = found ? strstr(found, "(kept: ") : NULL;
    if (found)
        print_message("as it must be, with %s%s: %s\n", argv[3], early ? " and an early promise" : "", found);
    if (kept && sscanf(kept, "(kept: %63[^)])", folder) == 1)
        folder_remove(folder);
    fflush(stdout);
    *status = found ? FOUND : NOT_FOUND;
    return true;
}

void story_fails(const struct story *s, size_t cuts, const char *synchronous, bool early)
{
    char number[24];
    snprintf(number, sizeof number, "%zu", cuts);
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        execl("/proc/self/exe", "story", "--find", number, synchronous, early ? "early" : "late", NULL);
        _exit(1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != FOUND)
        fail_msg("%s, %s%s: no cut lost anything (status %d)", s->name, synchronous,
                 early ? " and early" : "", status);
}
