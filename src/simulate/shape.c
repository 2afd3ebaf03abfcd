/* SPDX-License-Identifier: Apache-2.0 */
/* Draws households, and fits their frequencies to the age pyramid.
 *
 * Fitting: for each kind and index age, DRAWS sample households say how many persons of each sex and age it
 * brings on average. Starting from usual shares of the kinds, the weights are multiplied, round after round,
 * by how much the persons they bring are missing (expectation maximisation for a mixture, as in
 * Richardson-Lucy): weights stay positive, and since persons living alone fill any single age, the pyramid is
 * met closely. Everything starts from a fixed seed and no fused operations are used, so that each machine
 * fits the same integers. */
#include "simulate/shape.h"

enum { DRAWS = 96, ROUNDS = 60, CELLS = 2 * SIMULATE_AGES, ROWS = SHAPE_KINDS * SIMULATE_AGES };
#define WEIGHT_TOTAL 2000000000.0

/* Share of households (国勢調査 2020: 38 % alone, 20 % couples, 25 % parents and children, 9 % one parent, 8
 * % others; rounded), and the youngest and oldest index person. */
static const struct {
    double share;
    uint32_t least, most;
} kinds[SHAPE_KINDS] = {
    [SHAPE_MAN_ALONE] = {0.19, 18, 108}, [SHAPE_WOMAN_ALONE] = {0.19, 18, 112},
    [SHAPE_COUPLE] = {0.20, 22, 100},    [SHAPE_FAMILY] = {0.26, 0, 55},
    [SHAPE_ONE_PARENT] = {0.09, 0, 70},  [SHAPE_THREE_GENERATIONS] = {0.07, 0, 30},
};

static uint32_t below(struct random_seeded *r, uint32_t bound)
{
    return (uint32_t)random_seeded_below(r, bound);
}

static bool percent(struct random_seeded *r, uint32_t chance)
{
    return below(r, 100) < chance;
}

static void add(struct shape *s, enum shape_role role, bool female, uint32_t age)
{
    if (age > SIMULATE_AGE_MAX || s->count == SHAPE_MEMBERS_MAX)
        return; /* nobody lives that long: the household is without them */
    s->member[s->count++] = (struct shape_member){(uint8_t)role, female, (uint8_t)age};
}

/* The sum of two draws leans to the middle: 22..40, most often 31. */
static uint32_t age_at_first_child(struct random_seeded *r)
{
    return 22 + below(r, 10) + below(r, 10);
}

static uint32_t husband_age(struct random_seeded *r, uint32_t wife_age)
{
    return wife_age + below(r, 8) >= 20 ? wife_age + below(r, 9) - 2 : wife_age;
}

static void add_children(struct random_seeded *r, struct shape *s, uint32_t eldest)
{
    uint32_t chance = 58, age = eldest;
    add(s, ROLE_CHILD, !percent(r, 51), age);
    for (uint32_t more = 0; more < 3 && percent(r, chance); more++, chance /= 2) {
        uint32_t gap = 1 + below(r, 4);
        if (gap > age)
            return; /* not born yet */
        age -= gap;
        add(s, ROLE_CHILD, !percent(r, 51), age);
    }
}

static void add_parents(struct random_seeded *r, struct shape *s, uint32_t eldest)
{
    uint32_t mother = eldest + age_at_first_child(r), father = husband_age(r, mother);
    if (percent(r, 93)) {
        add(s, ROLE_HUSBAND, false, father);
        add(s, ROLE_WIFE, true, mother);
    } else {
        add(s, ROLE_WIFE, true, mother);
        add(s, ROLE_HUSBAND, false, father);
    }
}

static void draw_three(struct random_seeded *r, struct shape *s, uint32_t eldest)
{
    uint32_t mother = eldest + age_at_first_child(r), father = husband_age(r, mother);
    uint32_t grandmother = father + age_at_first_child(r), grandfather = husband_age(r, grandmother);
    bool both = percent(r, 45) && grandfather <= SIMULATE_AGE_MAX;
    if (both && percent(r, 40)) {
        add(s, ROLE_GRANDFATHER, false, grandfather);
        add(s, ROLE_GRANDMOTHER, true, grandmother);
        add(s, ROLE_HUSBAND, false, father);
        add(s, ROLE_WIFE, true, mother);
    } else {
        add(s, ROLE_HUSBAND, false, father);
        add(s, ROLE_WIFE, true, mother);
        add(s, ROLE_GRANDMOTHER, true, grandmother);
        if (both)
            add(s, ROLE_GRANDFATHER, false, grandfather);
    }
    add_children(r, s, eldest);
}

void shape_draw(struct random_seeded *r, enum shape_kind kind, uint32_t index_age, struct shape *out)
{
    *out = (struct shape){.kind = (uint8_t)kind};
    switch (kind) {
    case SHAPE_MAN_ALONE:
    case SHAPE_WOMAN_ALONE:
        add(out, ROLE_ALONE, kind == SHAPE_WOMAN_ALONE, index_age);
        return;
    case SHAPE_COUPLE:
        add(out, ROLE_HUSBAND, false, index_age);
        add(out, ROLE_WIFE, true, index_age < 26 ? index_age - below(r, 3) : index_age - 6 + below(r, 9));
        return;
    case SHAPE_FAMILY:
        add_parents(r, out, index_age);
        break;
    case SHAPE_ONE_PARENT:
        if (percent(r, 84))
            add(out, ROLE_WIFE, true, index_age + age_at_first_child(r));
        else
            add(out, ROLE_HUSBAND, false, index_age + age_at_first_child(r) + 2);
        break;
    default:
        draw_three(r, out, index_age);
        return;
    }
    add_children(r, out, index_age);
}

void shape_draw_any(struct random_seeded *r, const struct shape_plan *plan, struct shape *out)
{
    size_t row = table_choose(&plan->choice, r);
    shape_draw(r, (enum shape_kind)(row / SIMULATE_AGES), (uint32_t)(row % SIMULATE_AGES), out);
}

/* What a household of each row brings, as a mean number of persons in each cell (sex, age). */
struct fit {
    double brings[ROWS][CELLS];
    double weight[ROWS], expected[CELLS], target[CELLS];
};

static void sample_rows(struct fit *fit)
{
    for (uint32_t row = 0; row < ROWS; row++) {
        uint32_t kind = row / SIMULATE_AGES, age = row % SIMULATE_AGES;
        if (age < kinds[kind].least || age > kinds[kind].most)
            continue;
        fit->weight[row] = kinds[kind].share / (kinds[kind].most - kinds[kind].least + 1);
        for (uint32_t draw = 0; draw < DRAWS; draw++) {
            struct random_seeded r = {(uint64_t)row * DRAWS + draw};
            struct shape s;
            shape_draw(&r, (enum shape_kind)kind, age, &s);
            for (size_t i = 0; i < s.count; i++)
                fit->brings[row][s.member[i].female * SIMULATE_AGES + s.member[i].age] += 1.0 / DRAWS;
        }
    }
}

static void expect(struct fit *fit)
{
    for (size_t cell = 0; cell < CELLS; cell++)
        fit->expected[cell] = 0;
    for (size_t row = 0; row < ROWS; row++)
        for (size_t cell = 0; fit->weight[row] > 0 && cell < CELLS; cell++)
            fit->expected[cell] += fit->weight[row] * fit->brings[row][cell];
}

static void mend(struct fit *fit)
{
    double missing[CELLS];
    for (size_t cell = 0; cell < CELLS; cell++)
        missing[cell] = fit->expected[cell] > 0 ? fit->target[cell] / fit->expected[cell] : 0;
    for (size_t row = 0; row < ROWS; row++) {
        double sum = 0, persons = 0;
        for (size_t cell = 0; fit->weight[row] > 0 && cell < CELLS; cell++) {
            sum += fit->brings[row][cell] * missing[cell];
            persons += fit->brings[row][cell];
        }
        if (persons > 0)
            fit->weight[row] *= sum / persons;
    }
}

static void keep(const struct fit *fit, struct shape_plan *plan)
{
    double weights = 0, persons = 0, upto = 0;
    for (size_t row = 0; row < ROWS; row++)
        weights += fit->weight[row];
    for (size_t cell = 0; cell < CELLS; cell++)
        persons += fit->expected[cell];
    for (size_t row = 0; row < ROWS; row++)
        plan->upto[row] = (uint32_t)((upto += fit->weight[row]) / weights * WEIGHT_TOTAL);
    plan->choice = (struct table_choice){plan->upto, ROWS};
    plan->mean_members = persons / weights;
}

enum err shape_plan_fit(struct fail *f, const double pyramid[2][SIMULATE_AGES], struct shape_plan *plan)
{
    struct fit *fit = memory_new(sizeof *fit);
    if (!fit)
        return fail_set(f, ERR_MEMORY, NULL, "fitting households");
    double people = 0;
    for (size_t cell = 0; cell < CELLS; cell++)
        people += pyramid[cell / SIMULATE_AGES][cell % SIMULATE_AGES];
    for (size_t cell = 0; cell < CELLS; cell++)
        fit->target[cell] = pyramid[cell / SIMULATE_AGES][cell % SIMULATE_AGES] / people;
    sample_rows(fit);
    for (int round = 0; round < ROUNDS; round++) {
        expect(fit);
        mend(fit);
    }
    expect(fit);
    keep(fit, plan);
    memory_free(fit);
    return ERR_OK;
}

/* The head's role, then the member's. Children of a grandparent's child are 子の子. */
static const char *const relationships[ROLES][ROLES] = {
    [ROLE_HUSBAND] =
        {[ROLE_WIFE] = "妻", [ROLE_CHILD] = "子", [ROLE_GRANDFATHER] = "父", [ROLE_GRANDMOTHER] = "母"},
    [ROLE_WIFE] = {[ROLE_HUSBAND] = "夫", [ROLE_CHILD] = "子"},
    [ROLE_GRANDFATHER] =
        {[ROLE_GRANDMOTHER] = "妻", [ROLE_HUSBAND] = "子", [ROLE_WIFE] = "子の妻", [ROLE_CHILD] = "子の子"},
};

struct str shape_relationship(const struct shape *s, size_t member)
{
    if (member == s->head)
        return STR("世帯主");
    return str_of(relationships[s->member[s->head].role][s->member[member].role]);
}
