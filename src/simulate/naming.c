/* SPDX-License-Identifier: Apache-2.0 */
/* Names: surnames by frequency, given names by reading with one of their usual writings, rare characters for
 * a few, roman names and aliases for foreign residents. Names meet by chance; nobody is copied. */
#include "simulate/naming.h"

static bool per_mille(struct random_seeded *r, uint32_t chance)
{
    return random_seeded_below(r, 1000) < chance;
}

/* Rare writings of a character in a surname: other code points, beyond the basic plane, and variation
 * sequences of the Moji_Joho collection. per mille: how many of those with the usual writing. */
static const struct {
    const char *usual, *rare;
    uint32_t per_mille;
} rare_writings[] = {
    {"高", "髙", 90},
    {"崎", "﨑", 80},
    {"吉", "𠮷", 60},
    {"辺", "邉", 80},
    {"辺", "邊", 60},
    {"浜", "濵", 60},
    {"斎", "齋", 60},
    {"辻", "辻\U000E0102", 200},
    {"葛", "葛\U000E0102", 200},
    {"榊", "榊\U000E0102", 200},
    {"徳", "德", 40},
    {"冨", "富", 100},
};

static struct str rare_surname(struct simulated_household *h, struct str surname)
{
    for (size_t i = 0; i < COUNT_OF(rare_writings); i++) {
        struct str usual = str_of(rare_writings[i].usual);
        const char *at = memmem(surname.p, surname.n, usual.p, usual.n);
        if (!at || !per_mille(&h->random, rare_writings[i].per_mille))
            continue;
        size_t before = (size_t)(at - surname.p);
        return household_text(h, "%.*s%s%.*s", (int)before, surname.p, rare_writings[i].rare,
                              (int)(surname.n - before - usual.n), at + usual.n);
    }
    return surname;
}

void naming_surname(const struct simulate_world *w, struct simulated_household *h, struct str *surname,
                    struct str *kana)
{
    const struct table_surname *row =
        &w->tables.surnames[table_choose(&w->tables.surname_choice, &h->random)];
    *surname = rare_surname(h, row->writing);
    *kana = row->kana;
}

/* Per mille of women born in a year whose name ends in 子; from the rankings of given names by year of birth.
 */
static uint32_t ends_in_child(int year)
{
    return year < 1920   ? 450
           : year < 1955 ? 750
           : year < 1965 ? 600
           : year < 1975 ? 400
           : year < 1985 ? 200
                         : 40;
}

static bool str_ends(struct str s, struct str end)
{
    return s.n >= end.n && !memcmp(s.p + s.n - end.n, end.p, end.n);
}

void household_given(const struct simulate_world *w, struct random_seeded *r, bool female, int year,
                     struct str *given, struct str *kana)
{
    bool child = female && per_mille(r, ends_in_child(year));
    for (int attempt = 0; attempt < 12; attempt++) {
        size_t row = table_choose(&w->tables.given_choice[female], r);
        const struct table_given *name = &w->tables.given[female][row];
        *given = table_part(name->writings, ' ', random_seeded_below(r, name->writing_count));
        *kana = name->kana;
        if (!female || str_ends(*given, STR("子")) == child)
            return;
    }
}

void household_compose(struct simulated_household *h, struct simulated_person *p)
{
    p->name = household_text(h, "%.*s　%.*s", STR_ARG(p->surname), STR_ARG(p->given));
    p->name_kana = household_text(h, "%.*s　%.*s", STR_ARG(p->surname_kana), STR_ARG(p->given_kana));
}

/* 旧氏: some of the wives of working age ask for it. */
static void former_name(const struct simulate_world *w, struct simulated_household *h,
                        struct simulated_person *p, const struct shape_member *who)
{
    if (who->role != ROLE_WIFE || who->age < 25 || who->age > 70 || !per_mille(&h->random, 12))
        return;
    naming_surname(w, h, &p->former_name, &p->former_name_kana);
    if (str_equal(p->former_name, p->surname))
        p->former_name = p->former_name_kana = STR("");
}

/* The kana has been recorded since May 2025; some have not said theirs yet, or only the surname's. */
static void kana_state(struct simulated_household *h, struct simulated_person *p)
{
    uint32_t drawn = (uint32_t)random_seeded_below(&h->random, 1000);
    if (drawn < 20)
        p->name_kana = p->former_name_kana = STR("");
    else if (drawn < 22)
        p->name_kana = household_text(h, "%.*s　【名空欄】", STR_ARG(p->surname_kana));
}

void naming_japanese(const struct simulate_world *w, struct simulated_household *h,
                     struct simulated_person *p, const struct shape_member *who, int year)
{
    household_given(w, &h->random, p->female, year, &p->given, &p->given_kana);
    household_compose(h, p);
    former_name(w, h, p, who);
    kana_state(h, p);
    if (!p->name_kana.n) /* the kana of a former name is recorded only together with the name's */
        p->former_name_kana = STR("");
}

static struct str any_of(struct random_seeded *r, const struct table_names *names)
{
    return table_part(names->all, ';', random_seeded_below(r, names->count));
}

/* 通称: a Japanese name that a foreign resident uses in daily life. */
static void alias(const struct simulate_world *w, struct simulated_household *h, struct simulated_person *p,
                  int year)
{
    struct str surname, kana, given, given_kana;
    naming_surname(w, h, &surname, &kana);
    household_given(w, &h->random, p->female, year, &given, &given_kana);
    p->alias = household_text(h, "%.*s　%.*s", STR_ARG(surname), STR_ARG(given));
    p->alias_kana = household_text(h, "%.*s　%.*s", STR_ARG(kana), STR_ARG(given_kana));
}

void naming_foreign(const struct simulate_world *w, struct simulated_household *h, struct simulated_person *p,
                    struct str family, int year)
{
    p->surname = family.n ? family : any_of(&h->random, &p->nationality->family);
    p->given = any_of(&h->random, &p->nationality->given[p->female]);
    p->name = household_text(h, "%.*s %.*s", STR_ARG(p->surname), STR_ARG(p->given));
    if (per_mille(&h->random, 150))
        alias(w, h, p, year);
}
