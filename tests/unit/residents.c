/* SPDX-License-Identifier: Apache-2.0 */
#include "simulate/residents.h"

#include "base/buf.h"
#include "base/sha256.h"
#include "test.h"

static enum err keep(void *arg, struct fail *f, struct str text)
{
    buf_add_str(arg, text);
    return buf_check(arg, f, NULL);
}

static void make(uint64_t seed, bool with_codes, int32_t area, int64_t count, struct buf *out)
{
    struct simulate_options options = {.seed = seed, .with_codes = with_codes};
    struct simulate_world *w;
    assert_ok(simulate_world_new(NULL, &options, &w));
    struct simulate_count row = {{area}, count};
    buf_init(out, 256 << 20);
    assert_ok(simulate_residents(NULL, w, &row, 1, keep, out));
    simulate_world_free(w);
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    (void)state;
    struct buf a, b, c;
    make(1, true, 282049, 3000, &a);
    make(1, true, 282049, 3000, &b);
    make(2, true, 282049, 3000, &c);
    assert_true(str_equal(buf_str(&a), buf_str(&b)));
    assert_false(str_equal(buf_str(&a), buf_str(&c)));
    size_t lines = 0;
    for (size_t i = 0; i < a.n; i++)
        lines += a.p[i] == '\n';
    assert_int_equal(lines, 3001);
    if (getenv("JUKI_SHOW"))
        fwrite(a.p, 1, a.n, stderr);
    buf_release(&a);
    buf_release(&b);
    buf_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
