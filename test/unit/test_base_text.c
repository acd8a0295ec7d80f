/* UTF-8, numbers, nearest names, JSON writing, times and sizes as text. */
#include <locale.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "base/progress.h"
#include "base/utf8.h"
#include "ztest.h"

TEST(utf8_decodes_every_length_and_goes_back)
{
    static const uint32_t cps[] = {0,      0x41,   0x7f,   0x80,    0x7ff,   0x800,
                                   0xd7ff, 0xe000, 0xffff, 0x10000, 0x1f600, 0x10ffff};

    for (size_t i = 0; i < sizeof cps / sizeof *cps; i++) {
        char s[4];
        uint32_t cp = 1;
        int n = utf8_encode(cps[i], s);

        CHECK_INT(utf8_decode(s, (size_t)n, &cp), n);
        CHECK_INT(cp, cps[i]);
        CHECK_INT(utf8_decode(s, (size_t)n - 1, &cp), 0);
    }
}

TEST(utf8_refuses_what_is_malformed)
{
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xe0\x80\x80",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xfe",
                                      "\xff",
                                      "\xc3",
                                      "\xe2\x82",
                                      "\xe2\x28\xa1",
                                      "\xf0\x9f\x98"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[16] = "ok";
        size_t at = 99;
        uint32_t cp;

        CHECK_INT(utf8_decode(bad[i], strlen(bad[i]), &cp), 0);
        strcat(text, bad[i]);
        CHECK_INT(utf8_valid(text, strlen(text), &at), 0);
        CHECK_INT(at, 2);
    }
    CHECK(utf8_valid("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", 15, NULL));
    CHECK(utf8_valid("", 0, NULL));
}

TEST(endings_are_whole_or_behind_something)
{
    CHECK(ends_with("a.json", ".json") && ends_with(".json", ".json") && ends_with("a", ""));
    CHECK(!ends_with("json", ".json") && !ends_with("a.json5", ".json") && !ends_with("", "a"));
    CHECK(ends_behind("a.json", ".json") && !ends_behind(".json", ".json"));
    CHECK(!ends_behind("", "") && !ends_behind("", "a"));
}

TEST(nearest_name_finds_slips_and_nothing_else)
{
    static const char *const names[] = {"steps", "guidance", "negative-prompt", "seed", "fps"};

    CHECK_STR(nearest_name("step", names, 5), "steps");
    CHECK_STR(nearest_name("stpes", names, 5), "steps");
    CHECK_STR(nearest_name("guidence", names, 5), "guidance");
    CHECK_STR(nearest_name("negative_prompt", names, 5), "negative-prompt");
    CHECK_STR(nearest_name("sede", names, 5), "seed"); /* neighbours swapped count once */
    CHECK(nearest_name("zebra", names, 5) == NULL);
    CHECK(nearest_name("x", names, 0) == NULL);
}

TEST(parse_int_is_exact)
{
    int64_t v = 0;

    CHECK_INT(parse_int("9223372036854775807", &v), 0);
    CHECK(v == INT64_MAX);
    CHECK_INT(parse_int("-9223372036854775808", &v), 0);
    CHECK(v == INT64_MIN);
    CHECK_INT(parse_int("+12", &v), 0);
    CHECK_INT(v, 12);
    CHECK_INT(parse_int("9223372036854775808", &v), -1);
    CHECK_INT(parse_int("-9223372036854775809", &v), -1);
    CHECK_INT(parse_int("99999999999999999999999", &v), -1);
    CHECK_INT(parse_int("", &v), -1);
    CHECK_INT(parse_int("-", &v), -1);
    CHECK_INT(parse_int("1 ", &v), -1);
    CHECK_INT(parse_int("1.0", &v), -1);
    CHECK_INT(parse_int("0x10", &v), -1);
}

TEST(parse_bytes_takes_a_number_and_a_unit)
{
    static const char *const bad[] = {"", "G", "8GB", "8 G", "-1", "1e30", "x", "8Q", "0x10"};
    int64_t v;

    CHECK(!parse_bytes("0", &v) && v == 0);
    CHECK(!parse_bytes("640", &v) && v == 640);
    CHECK(!parse_bytes("1.5k", &v) && v == 1536);
    CHECK(!parse_bytes("8G", &v) && v == (int64_t)8 << 30);
    CHECK(!parse_bytes("2t", &v) && v == (int64_t)2 << 40);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_INT(parse_bytes(bad[i], &v), -1);
}

TEST(parse_real_takes_plain_decimals_only)
{
    static const char *const bad[] = {"",      " 1",    "1 ",  "nan", "inf",
                                      "1e999", "0x1p3", "1,5", "--1", "e5"};
    double v = 0;

    CHECK_INT(parse_real("-1.5e-3", &v), 0);
    CHECK(v == -1.5e-3);
    CHECK_INT(parse_real(".5", &v), 0);
    CHECK(v == 0.5);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_INT(parse_real(bad[i], &v), -1);
}

static void write_sample(struct buf *b, int indent)
{
    struct jsonw w;

    jsonw_init(&w, b, indent);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "name", "a \"b\"\n\x01\xff\xc3\xa4");
    jsonw_array(&w, "list");
    jsonw_int(&w, NULL, INT64_MIN);
    jsonw_real(&w, NULL, 0.1);
    jsonw_real(&w, NULL, 1.0 / 3);
    jsonw_real(&w, NULL, -1e-300);
    jsonw_real(&w, NULL, NAN);
    jsonw_real(&w, NULL, INFINITY);
    jsonw_bool(&w, NULL, 1);
    jsonw_null(&w, NULL);
    jsonw_end_array(&w);
    jsonw_object(&w, "none");
    jsonw_end_object(&w);
    jsonw_raw(&w, "raw", "[1]");
    jsonw_end_object(&w);
}

TEST(jsonw_writes_valid_text)
{
    struct buf b = BUF_INIT;

    write_sample(&b, 0);
    CHECK_STR(buf_str(&b), "{\"name\": \"a \\\"b\\\"\\n\\u0001\xef\xbf\xbd\xc3\xa4\", "
                           "\"list\": [-9223372036854775808, 0.1, 0.3333333333333333, -1e-300, "
                           "null, null, true, null], \"none\": {}, \"raw\": [1]}");
    buf_clear(&b);
    write_sample(&b, 2);
    CHECK_CONTAINS(buf_str(&b), "{\n  \"name\": ");
    CHECK_CONTAINS(buf_str(&b), "\n    0.1,\n");
    CHECK_CONTAINS(buf_str(&b), "\"none\": {},\n");
    buf_release(&b);
}

TEST(numbers_do_not_follow_the_locale)
{
    static const char *const commas[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "nl_NL.UTF-8"};
    struct buf b = BUF_INIT;
    struct jsonw w;
    double v = 0;
    size_t i = 0;

    while (i < 4 && !setlocale(LC_NUMERIC, commas[i]))
        i++;
    if (i == 4)
        ztest_skip("no locale with a decimal comma is installed");
    jsonw_init(&w, &b, 0);
    jsonw_real(&w, NULL, 1.5);
    i = (size_t)parse_real("2.5", &v);
    setlocale(LC_NUMERIC, "C");
    CHECK_STR(buf_str(&b), "1.5");
    CHECK_INT(i, 0);
    CHECK(v == 2.5);
    buf_release(&b);
}

TEST(durations_and_sizes_read_well)
{
    static const struct {
        double v;
        const char *time, *bytes;
    } rows[] = {{0, "0.0 s", "0 B"},
                {9.94, "9.9 s", "10 B"},
                {59.4, "59 s", "59 B"},
                {65, "1:05", "65 B"},
                {3725, "1:02:05", "3.6 KiB"},
                {1023.9, "17:04", "1.0 KiB"},
                {1024 * 1023.99, "291:16:06", "1.0 MiB"},
                {2.3 * 1073741824, "686001:43:15", "2.3 GiB"},
                {-1, "?", "?"}};
    char s[64];
    double before = clock_s();

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        format_duration(s, sizeof s, rows[i].v);
        CHECK_STR(s, rows[i].time);
        format_bytes(s, sizeof s, rows[i].v);
        CHECK_STR(s, rows[i].bytes);
    }
    CHECK(before <= clock_s());
    CHECK(clock_cpu_s() > 0);
}

TEST(progress_ends_with_a_whole_line)
{
    struct progress p;
    char line[200] = "";
    FILE *f = tmpfile();

    CHECK(f != NULL);
    progress_start(&p, f, "denoise", 4);
    progress_step(&p, 2, NULL); /* too soon to be shown in a file */
    progress_step(&p, 4, NULL);
    progress_end(&p, "done");
    rewind(f);
    CHECK(fgets(line, sizeof line, f) != NULL);
    CHECK_CONTAINS(line, "denoise 4/4 (100%) in ");
    CHECK_CONTAINS(line, " s, done\n");
    CHECK(fgets(line, sizeof line, f) == NULL);
    fclose(f);
}

TEST(buf_without_room_says_so_and_stays_as_it_is)
{
    struct buf b = BUF_INIT;

    buf_puts(&b, "kept");
    CHECK_INT(buf_reserve(&b, SIZE_MAX - 2), -1);
    CHECK_STR(buf_str(&b), "kept");
    CHECK_INT(buf_reserve(&b, 1000), 0);
    CHECK(b.cap > 1004 && b.len == 4);
    buf_release(&b);
}
