/* SPDX-License-Identifier: Apache-2.0 */
#include "life.h"

#include "test.h"

#include <stdio.h>

enum verb {
    ENTER,
    AMEND,
    NAME,
    BIRTH,
    CODE,
    WRONG,
    RECODE,
    REWRONG,
    SKIP,
    NUMBER,
    PLAN,
    OUT,
    CANCEL,
    REMOVE,
    CORRECT,
    FIX,
    VERBS
};
static const struct {
    const char *word;
    enum change_reason reason;
} verbs[VERBS] = {
    [ENTER] = {"enter", CHANGE_MOVE_IN},
    [AMEND] = {"amend", CHANGE_MOVE_WITHIN},
    [NAME] = {"name", CHANGE_EX_OFFICIO_AMENDMENT},
    [BIRTH] = {"birth", CHANGE_EX_OFFICIO_AMENDMENT},
    [CODE] = {"code", CHANGE_CODE_CHANGE_REQUEST},
    [WRONG] = {"wrong", CHANGE_CODE_CHANGE_REQUEST},     /* a code of another municipality's stock */
    [RECODE] = {"recode", CHANGE_CODE_CHANGE_REQUEST},   /* the last change of code, with another code */
    [REWRONG] = {"rewrong", CHANGE_CODE_CHANGE_REQUEST}, /* and with another wrong one */
    [SKIP] = {"skip", CHANGE_CODE_CHANGE_REQUEST}, /* the one before the last, with the code that this gave */
    [NUMBER] = {"number", CHANGE_NUMBER_CHANGE_REQUEST},
    [PLAN] = {"plan", CHANGE_MOVE_OUT},
    [OUT] = {"out", CHANGE_MOVE_OUT},
    [CANCEL] = {"cancel", CHANGE_EX_OFFICIO_ENTRY},
    [REMOVE] = {"remove", CHANGE_EX_OFFICIO_REMOVAL},
    [CORRECT] = {"correct", CHANGE_MOVE_IN}, /* the step before, with another address */
    [FIX] = {"fix", CHANGE_MOVE_IN},         /* the same of the one before that */
};

/* The last, or the one before so many. */
static struct step *code_change(struct life *l, int side, int before)
{
    size_t n = l->length[side];
    while (n && (!l->steps[side][n - 1].old_code || before-- > 0))
        n--;
    assert_true(n > 0);
    return &l->steps[side][n - 1];
}

static void give_code(struct life *l, int side, enum verb verb, struct step *s)
{
    if (verb == RECODE || verb == REWRONG || verb == SKIP) {
        const struct step *corrected = code_change(l, side, verb == SKIP);
        l->mistaken[corrected->says.code] = true;
        l->corrected = true;
        s->old_code = corrected->old_code;
        s->day = corrected->day;
        s->replaces = (int)(corrected - l->steps[side]) + 1;
    } else
        s->old_code = l->side[side].code;
    if (verb == SKIP)
        return;
    l->side[side].code = ++l->codes;
    l->giver[l->codes] = side;
    l->elsewhere[l->codes] = verb == WRONG || verb == REWRONG;
}

static void correct(struct life *l, struct step *s, size_t n, size_t back)
{
    assert_true(n >= back && !s[-(ptrdiff_t)back].old_code && !s[-(ptrdiff_t)back].old_number);
    *s = s[-(ptrdiff_t)back];
    s->replaces = (int)(n - back + 1);
    s->address++;
    l->corrected = true;
}

static void life_add(struct life *l, int side, enum verb verb)
{
    struct knows *k = &l->side[side];
    size_t n = l->length[side], end = strlen(l->text);
    struct step *s = &l->steps[side][n];
    assert_true(n < STEPS_MAX);
    snprintf(l->text + end, sizeof l->text - end, "%s%c.%s", end ? " " : "", 'A' + side, verbs[verb].word);
    *s = (struct step){.reason = verbs[verb].reason, .day = ++l->day, .planned = verb == PLAN};
    if (verb == ENTER)
        *k = l->newest;
    else if (verb == NAME)
        k->name = ++l->names;
    else if (verb == BIRTH)
        k->birth = ++l->births;
    else if (verb >= CODE && verb <= SKIP)
        give_code(l, side, verb, s);
    else if (verb == NUMBER) {
        s->old_number = k->number;
        l->ended[k->number] = true;
        k->number = ++l->numbers;
    }
    if (verb >= NAME && verb <= NUMBER)
        l->newest = *k;
    s->says = *k;
    if (verb == CORRECT || verb == FIX)
        correct(l, s, n, verb == CORRECT ? 1 : 2);
    l->length[side]++;
    if (verb == ENTER || verb == CANCEL)
        l->lives_in = side;
    else if ((verb == OUT || verb == REMOVE) && l->lives_in == side)
        l->lives_in = -1;
    assert_true(l->codes < VALUES && l->numbers < VALUES && l->names < VALUES && l->births < VALUES);
}

static void life_begin(struct life *l)
{
    *l = (struct life){
        .newest = {1, 1, 1, 1}, .codes = 1, .numbers = 1, .names = 1, .births = 1, .lives_in = -1};
}

void life_read(struct life *l, const char *text)
{
    life_begin(l);
    for (struct str rest = str_of(text), word = {NULL, 0}; str_cut(&rest, ' ', &word);) {
        int verb = 0;
        struct str name = {word.p + 2, word.n - 2};
        while (verb < VERBS && !str_equal(name, str_of(verbs[verb].word)))
            verb++;
        if (verb == VERBS)
            fail_msg("%s: no such word: %.*s", text, STR_ARG(word));
        life_add(l, word.p[0] - 'A', (enum verb)verb);
    }
}

int life_chance(uint64_t *seed, int of)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (int)((*seed >> 33) % (uint64_t)of);
}

static bool may_correct(const struct step *s)
{
    return !s->old_code && !s->old_number && change_row(s->reason)->group == CHANGE_AMENDMENT;
}

/* What can happen where the person lives; a change of code or number is rarer. A wrong code is noticed before
 * the person moves away with it. */
static void something_happens(struct life *l, int side, uint64_t *seed)
{
    static const enum verb may[] = {AMEND, AMEND, NAME, BIRTH, CODE, WRONG, RECODE, NUMBER, CORRECT};
    enum verb verb = may[life_chance(seed, (int)COUNT_OF(may))];
    size_t n = l->length[side];
    bool wrong = l->elsewhere[l->side[side].code];
    if (wrong && (verb == CODE || verb == WRONG))
        verb = life_chance(seed, 3) ? RECODE : REWRONG;
    if (verb == RECODE && !(n > 1 && l->steps[side][n - 1].old_code))
        verb = wrong ? verb : NAME;
    if ((verb == CORRECT && !may_correct(&l->steps[side][n - 1])) ||
        ((verb == CODE || verb == WRONG || verb == REWRONG || (verb == RECODE && !wrong)) && l->codes > 9) ||
        (verb == NUMBER && l->numbers > 6))
        verb = AMEND;
    life_add(l, side, verb);
}

static void days_pass(struct life *l, int side, uint64_t *seed)
{
    for (int i = life_chance(seed, 5); i > 0; i--)
        something_happens(l, side, seed);
    if (l->elsewhere[l->side[side].code])
        life_add(l, side, RECODE);
}

void life_random(struct life *l, uint64_t *seed)
{
    int side = life_chance(seed, SIDES), moves = 2 + life_chance(seed, 3);
    life_begin(l);
    life_add(l, side, ENTER);
    for (int move = 0; move < moves; move++) {
        days_pass(l, side, seed);
        life_add(l, side, PLAN);
        if (life_chance(seed, 4) == 0) {
            life_add(l, side, CANCEL);
            life_add(l, side, PLAN);
        }
        if (life_chance(seed, 3) == 0)
            life_add(l, side, OUT);
        life_add(l, !side, ENTER);
        side = !side;
    }
    days_pass(l, side, seed);
}
