/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/change_reason.h"
#include "test.h"

/* The legal set, written down a second time by its legal names (施行規則 11 条 and the three of 2015). */
static void the_legal_set_is_complete(void **state)
{
    (void)state;
    static const struct {
        const char *name, *ja, *group;
        bool revokes;
    } want[] = {
        {"move_in", "転入等", "entry", false},
        {"birth", "出生", "entry", false},
        {"ex_officio_entry", "職権記載等", "entry", false},
        {"move_out", "転出", "removal", true},
        {"death", "死亡", "removal", true},
        {"ex_officio_removal", "職権消除等", "removal", true},
        {"move_within", "転居", "amendment", true},
        {"minor_correction", "軽微な修正", "amendment", false},
        {"ex_officio_amendment", "職権修正等", "amendment", true},
        {"code_change_request", "住民票コードの記載の変更請求", "resident_code_amendment", false},
        {"code_ex_officio_entry", "住民票コードの職権記載等", "resident_code_amendment", false},
        {"number_change_request", "個人番号の変更請求", "individual_number_amendment", false},
        {"number_ex_officio_correction", "個人番号の職権修正", "individual_number_amendment", false},
        {"number_ex_officio_entry", "個人番号の職権記載", "individual_number_amendment", false},
        /* 令13条3項: no reason of an identity notice */
        {"move_out_confirmed", "転出確定", "confirmation", false},
        {"move_out_unconfirmed", "転出確定の取消し", "confirmation", false},
    };
    size_t count;
    const struct change_row *rows = change_rows(&count);
    assert_int_equal(count, COUNT_OF(want));
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(rows[i].name, want[i].name);
        assert_string_equal(rows[i].ja, want[i].ja);
        assert_string_equal(change_group_name(rows[i].group), want[i].group);
        assert_int_equal(rows[i].revokes_signing, want[i].revokes);
    }
}

static void each_reason_is_found_by_word_and_number_and_no_other(void **state)
{
    (void)state;
    size_t count;
    const struct change_row *rows = change_rows(&count);
    for (size_t i = 0; i < count; i++) {
        enum change_reason parsed, stored;
        assert_ok(change_reason_parse(NULL, str_of(rows[i].name), &parsed));
        assert_ok(change_reason_from_int(NULL, rows[i].reason, &stored));
        assert_int_equal(parsed, rows[i].reason);
        assert_int_equal(stored, rows[i].reason);
        assert_ptr_equal(change_row(rows[i].reason), &rows[i]);
        assert_int_equal(rows[i].planned != NEVER, rows[i].reason == CHANGE_MOVE_OUT);
        assert_int_equal(rows[i].old_code != NEVER, rows[i].group == CHANGE_CODE_AMENDMENT);
        assert_int_equal(rows[i].old_number != NEVER, rows[i].group == CHANGE_NUMBER_AMENDMENT);
        assert_true(strlen(change_group_ja(rows[i].group)) > 0);
    }
    static const char *const words[] = {"", "none", "MOVE_IN", "転入等", "move_in "};
    static const int64_t numbers[] = {0, -1, 14, 54, INT64_C(0x10000000b)};
    enum change_reason reason;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        assert_err(change_reason_parse(NULL, str_of(words[i]), &reason), ERR_CHANGE_REASON);
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        assert_err(change_reason_from_int(NULL, numbers[i], &reason), ERR_CHANGE_REASON);
    assert_null(change_row(CHANGE_NONE));
}

static void what_the_register_does_maps_onto_the_law(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum change_reason legal;
    } want[] = {
        {"domestic_move_in", CHANGE_MOVE_IN},
        {"move_in_from_abroad", CHANGE_MOVE_IN},
        {"entry_naturalisation", CHANGE_EX_OFFICIO_ENTRY},
        {"removal_naturalisation", CHANGE_EX_OFFICIO_REMOVAL},
        {"entry_rewritten", CHANGE_NONE},
        {"removal_remade", CHANGE_NONE},
        {"cancelled_entry", CHANGE_EX_OFFICIO_REMOVAL},
        {"cancelled_removal", CHANGE_EX_OFFICIO_ENTRY},
        {"cancelled_amendment", CHANGE_EX_OFFICIO_AMENDMENT},
        {"minor_correction", CHANGE_MINOR_CORRECTION},
        {"household_split", CHANGE_NONE},
        {"former_name_entry", CHANGE_EX_OFFICIO_AMENDMENT},
        {"alias_removal", CHANGE_EX_OFFICIO_AMENDMENT},
        {"number_entry", CHANGE_NUMBER_EX_OFFICIO_ENTRY},
        {"code_change_request", CHANGE_CODE_CHANGE_REQUEST},
    };
    enum municipal_reason reason;
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        assert_ok(municipal_reason_parse(NULL, str_of(want[i].name), &reason));
        assert_int_equal(municipal_row(reason)->legal, want[i].legal);
    }
    assert_err(municipal_reason_parse(NULL, STR("moved"), &reason), ERR_CHANGE_REASON);
    assert_null(municipal_row((enum municipal_reason)0));
    size_t count;
    const struct municipal_row *rows = municipal_rows(&count);
    assert_int_equal(count, 39); /* 9 entries, 9 removals, 19 amendments, 転出確定 and its cancellation */
    for (size_t i = 0; i < count; i++) {
        const struct change_row *legal = change_row(rows[i].legal);
        assert_true(!legal || legal->group == rows[i].group);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(rows[i].name, rows[j].name);
            assert_int_not_equal(rows[i].reason, rows[j].reason);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_legal_set_is_complete),
        cmocka_unit_test(each_reason_is_found_by_word_and_number_and_no_other),
        cmocka_unit_test(what_the_register_does_maps_onto_the_law),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
