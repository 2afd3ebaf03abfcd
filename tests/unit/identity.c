/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/identity.h"
#include "base/random.h"
#include "test.h"

static const char whole[] = "{\"resident_code\":\"24727059608\",\"individual_number\":\"123456789018\",\"foreign\":false,"
                            "\"name\":\"西宮　花子\",\"name_kana\":\"ニシノミヤ　ハナコ\",\"former_name\":\"芦屋\","
                            "\"former_name_kana\":\"アシヤ\",\"birth_date\":\"1958-02-30\",\"sex\":\"female\","
                            "\"area_code\":\"282049\",\"address\":\"兵庫県西宮市六湛寺町１０番３号\","
                            "\"town_code\":\"0123000\",\"postal_code\":\"6620918\",\"change\":{"
                            "\"change_reason\":\"move_in\",\"change_date\":\"2026-11-22\"}}";

static void a_written_record_reads_back_to_the_same_bytes(void **state)
{
    (void)state;
    static const char *const rows[] = {
        whole,
        "{\"resident_code\":\"24846016224\",\"foreign\":true,\"name\":\"DOE JOHN\",\"alias\":\"銅　次郎\","
        "\"alias_kana\":\"ドウ　ジロウ\",\"birth_date\":\"0000-00-00\",\"sex\":\"unknown\",\"area_code\":\"011011\","
        "\"address\":\"札幌市中央区北一条西\",\"change\":{\"change_reason\":\"move_out\",\"change_date\":\"2027-01-05\","
        "\"planned\":true}}",
        "{\"resident_code\":\"24846016224\",\"foreign\":false,\"name\":\"𠮷田　葛\xf3\xa0\x84\x80\",\"name_kana\":\"ヨシダ\","
        "\"kana_state\":\"surname_only\",\"birth_date\":\"1931-00-00\",\"sex\":\"male\",\"area_code\":\"131016\","
        "\"address\":\"東京都千代田区\",\"change\":{\"change_reason\":\"code_ex_officio_entry\","
        "\"change_date\":\"2027-01-05\",\"old_resident_code_not_recorded\":true}}",
        "{\"resident_code\":\"24846016224\",\"individual_number\":\"123456789018\",\"foreign\":false,\"name\":\"甲\","
        "\"birth_date\":\"1931-01-01\",\"sex\":\"male\",\"area_code\":\"131016\",\"address\":\"乙\",\"change\":{"
        "\"change_reason\":\"number_change_request\",\"change_date\":\"2027-01-05\","
        "\"old_individual_number\":\"983205673214\"}}",
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena a;
        struct buf b;
        struct identity identity;
        struct change change;
        struct fail f = {0};
        json_t *tree;
        arena_init(&a, 100000);
        buf_init(&b, 100000);
        assert_ok(json_read(&f, str_of(rows[i]), &tree));
        if (identity_json_read(&f, tree, &a, &identity, &change))
            fail_msg("row %zu: %s: %s %s", i, f.field, err_row(f.err)->name, f.detail);
        json_decref(tree);
        identity_json_write(&b, NULL, &identity, &change);
        assert_string_equal(b.p, rows[i]);
        buf_release(&b);
        arena_release(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_written_record_reads_back_to_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
