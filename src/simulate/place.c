/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses: a real town and postal code with an invented number, and an invented building for some. Digits
 * are full width, as registers write them. */
#include "simulate/household.h"

enum { NUMBER_SIZE = 16 };

/* n in full-width digits. */
static const char *wide(uint32_t n, char out[static NUMBER_SIZE])
{
    static const char *const digits[] = {"０", "１", "２", "３", "４", "５", "６", "７", "８", "９"};
    char plain[8], *at = out;
    int length = snprintf(plain, sizeof plain, "%u", n % 10000);
    for (int i = 0; i < length; i++)
        at = mempcpy(at, digits[plain[i] - '0'], 3);
    *at = 0;
    return out;
}

static struct table_town draw_town(const struct simulate_world *w, struct random_seeded *r,
                                   const struct table_area *area)
{
    static const char *const made_up[] = {"大字本町", "大字中町", "大字上町", "大字新田"};
    if (!area->town_count)
        return (struct table_town){str_of(made_up[random_seeded_below(r, COUNT_OF(made_up))]), STR("")};
    return w->tables.towns[area->town_first + random_seeded_below(r, area->town_count)];
}

static struct str building(struct simulated_household *h)
{
    static const char *const first[] = {"メゾン",     "コーポ", "ハイツ",   "グリーン",
                                        "サンライズ", "パーク", "ロイヤル", "シャトー"};
    static const char *const last[] = {"さくら", "あおば", "みどり", "わかば",
                                       "ひかり", "こだま", "すみれ", "いずみ"};
    char room[NUMBER_SIZE];
    if (random_seeded_below(&h->random, 100) >= 38)
        return STR("");
    uint32_t number = 100 * (1 + (uint32_t)random_seeded_below(&h->random, 9)) + 1 +
                      (uint32_t)random_seeded_below(&h->random, 8);
    return household_text(h, "　%s%s%s号", first[random_seeded_below(&h->random, COUNT_OF(first))],
                          last[random_seeded_below(&h->random, COUNT_OF(last))], wide(number, room));
}

struct str household_place(const struct simulate_world *w, struct simulated_household *h,
                           const struct table_area *area, struct table_town *town, bool with_building)
{
    char block[NUMBER_SIZE], house[NUMBER_SIZE];
    *town = draw_town(w, &h->random, area);
    bool numbered = town->name.n > 6 && !memcmp(town->name.p + town->name.n - 6, "丁目", 6);
    (void)wide(1 + (uint32_t)random_seeded_below(&h->random, numbered ? 30 : 2400), block);
    (void)wide(1 + (uint32_t)random_seeded_below(&h->random, 24), house);
    struct str room = with_building ? building(h) : STR("");
    return household_text(h, "%.*s%.*s%.*s%s%s%s%s%.*s", STR_ARG(area->prefecture), STR_ARG(area->name),
                          STR_ARG(town->name), block, numbered ? "番" : "番地", with_building ? house : "",
                          with_building && numbered ? "号" : "", STR_ARG(room));
}
