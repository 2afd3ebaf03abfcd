/* SPDX-License-Identifier: Apache-2.0 */
#include "base/options.h"
#include "test.h"

struct asked {
    bool json, all;
    struct str from;
    int64_t count;
};
static const struct option_row rows[] = {
    {.name = "json", OPTION_FLAG_AT(struct asked, json), .help = "for scripts"},
    {.name = "all", .letter = 'a', OPTION_FLAG_AT(struct asked, all), .help = "everything"},
    {.name = "from",
     .letter = 'f',
     OPTION_TEXT_AT(struct asked, from),
     .value = "FILE",
     .help = "what to read"},
    {.name = "count",
     .letter = 'n',
     OPTION_INT_AT(struct asked, count),
     .least = -5,
     .most = 100,
     .value = "N",
     .help = "how many",
     .help_ja = "件数"},
};
static const struct option_table table = {"juki try [OPTIONS] WORD…", "Tries things.", rows, COUNT_OF(rows), false};

/* Splits a line at spaces into an argv and parses it. */
static enum err parse(const char *line, char *copy, char **argv, struct fail *f, struct asked *out,
                      struct option_words *words)
{
    int argc = 0;
    char *rest = copy, *word;
    snprintf(copy, 200, "%s", line);
    while ((word = strsep(&rest, " ")))
        argv[argc++] = word;
    return options_parse(f, &table, argc, argv, out, words);
}

static void all_forms_mean_the_same(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "one --json --from file.db --count 7 two",
        "--count=7 one --from=file.db two --json",
        "one -n7 -ffile.db --json two",
        "--json -n 7 -f file.db -- one two",
        "one two --json -f file.db --count 007",
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        char copy[200], *argv[16];
        struct asked out = {.count = 1};
        struct option_words words;
        assert_ok(parse(lines[i], copy, argv, NULL, &out, &words));
        assert_true(out.json && !out.all && !words.help);
        assert_str(out.from, "file.db");
        assert_int_equal(out.count, 7);
        assert_int_equal(words.count, 2);
        assert_string_equal(words.words[0], "one");
        assert_string_equal(words.words[1], "two");
    }
}

static void letters_join_and_defaults_stay(void **state)
{
    (void)state;
    char copy[200], *argv[16];
    struct asked out = {.count = 3};
    struct option_words words;
    assert_ok(parse("-an-5 - -- --json", copy, argv, NULL, &out, &words));
    assert_true(out.all && !out.json);
    assert_int_equal(out.count, -5);
    assert_int_equal(words.count, 2);
    assert_string_equal(words.words[0], "-");
    assert_string_equal(words.words[1], "--json");
}

static void help_stops_the_reading(void **state)
{
    (void)state;
    static const char *const lines[] = {"--help", "-h", "one --help --nonsense", "-ah --nonsense"};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        char copy[200], *argv[16];
        struct asked out = {.count = 3};
        struct option_words words;
        assert_ok(parse(lines[i], copy, argv, NULL, &out, &words));
        assert_true(words.help);
    }
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *line, *detail;
    } bad[] = {
        {"--jsno", "unknown option --jsno; did you mean --json?"},
        {"--hepl", "unknown option --hepl; did you mean --help?"},
        {"--counter=1", "unknown option --counter; did you mean --count?"},
        {"--zebra", "unknown option --zebra; --help lists them"},
        {"-z", "unknown option -z; --help lists them"},
        {"-az", "unknown option -z; --help lists them"},
        {"--json=yes", "--json takes no value"},
        {"--json --json", "--json is given twice"},
        {"-n1 --count 2", "--count is given twice"},
        {"--from", "--from needs FILE"},
        {"--from --json", "--from needs FILE"},
        {"-n", "--count needs N"},
        {"--count x", "--count needs a whole number"},
        {"--count=", "--count needs a whole number"},
        {"--count 0x1", "--count needs a whole number"},
        {"--count 101", "--count must be from -5 to 100"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char copy[200], *argv[16];
        struct fail f = {.err = ERR_OK};
        struct asked out = {.count = 3};
        struct option_words words;
        assert_err(parse(bad[i].line, copy, argv, &f, &out, &words), ERR_USAGE);
        assert_string_equal(f.detail, bad[i].detail);
        assert_int_equal(err_row(f.err)->exit, 2);
    }
}

static void the_help_comes_from_the_rows(void **state)
{
    (void)state;
    struct buf help;
    buf_init(&help, 4096);
    options_write_help(&table, &help);
    assert_str(buf_str(&help), "usage: juki try [OPTIONS] WORD…\n"
                               "Tries things.\n"
                               "\n"
                               "      --json                  for scripts\n"
                               "  -a, --all                   everything\n"
                               "  -f, --from FILE             what to read\n"
                               "  -n, --count N               how many (-5 to 100)\n"
                               "  -h, --help                  this text\n");
    struct option_table japanese = table;
    japanese.about = "試す。";
    japanese.japanese = true;
    buf_clear(&help);
    options_write_help(&japanese, &help);
    assert_str(buf_str(&help), "使い方: juki try [OPTIONS] WORD…\n"
                               "試す。\n"
                               "\n"
                               "      --json                  for scripts\n"
                               "  -a, --all                   everything\n"
                               "  -f, --from FILE             what to read\n"
                               "  -n, --count N               件数（-5～100）\n"
                               "  -h, --help                  この説明\n");
    buf_release(&help);
}

static void a_list_may_stand_several_times(void **state)
{
    (void)state;
    struct wanted {
        struct option_list codes;
    };
    static const struct option_row list_rows[] = {
        {.name = "code", .letter = 'c', OPTION_LIST_AT(struct wanted, codes), .value = "CODE", .help = "which"},
    };
    static const struct option_table list_table = {"juki try", NULL, list_rows, COUNT_OF(list_rows), false};
    char a[] = "--code", b[] = "one", c[] = "-ctwo", d[] = "--code=three", *argv[] = {a, b, c, d};
    struct wanted out = {.codes.count = 0};
    struct option_words words;
    assert_ok(options_parse(NULL, &list_table, COUNT_OF(argv), argv, &out, &words));
    assert_int_equal(out.codes.count, 3);
    assert_str(out.codes.items[0], "one");
    assert_str(out.codes.items[1], "two");
    assert_str(out.codes.items[2], "three");
    char *many[2 * (OPTION_LIST_MAX + 1)];
    for (size_t i = 0; i < COUNT_OF(many); i++)
        many[i] = i % 2 ? b : a;
    out.codes.count = 0;
    assert_err(options_parse(NULL, &list_table, COUNT_OF(many), many, &out, &words), ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_forms_mean_the_same),      cmocka_unit_test(letters_join_and_defaults_stay),
        cmocka_unit_test(help_stops_the_reading),       cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(the_help_comes_from_the_rows),
        cmocka_unit_test(a_list_may_stand_several_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
