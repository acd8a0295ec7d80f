/* The JSON reader: strictness, ranges, messages. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/file.h"
#include "format/json.h"
#include "ztest.h"

static struct jdoc *parse(const char *text)
{
    struct jdoc *doc;
    struct err e = {0};

    if (jdoc_parse(&doc, text, strlen(text), "t.json", &e) < 0)
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    return doc;
}

/* The message that sticks to the document, which is closed. */
static const char *message(struct jdoc *doc)
{
    static struct err e;

    memset(&e, 0, sizeof e);
    if (jdoc_status(doc, &e) == 0)
        snprintf(e.msg, sizeof e.msg, "no error");
    jdoc_close(&doc);
    return e.msg;
}

TEST(json_getters_read_every_type)
{
    static const char *const kinds[] = {"euler", "heun"};
    struct jdoc *doc =
        parse("{\"i\": -3, \"r\": 0.25, \"s\": \"gr\\u00fc\\ud83d\\ude00\", \"b\": true, "
              "\"k\": \"heun\", \"n\": null, \"dims\": [1, 2, 3], \"x\": [1, 0.5], "
              "\"o\": {\"list\": [{\"deep\": 9}, \"t\", 4]}}");
    struct jval r = jdoc_root(doc), list = j_array(j_object(r, "o"), "list"), v;
    int64_t dims[4];
    double x[2];
    const char *key;
    void *it = NULL;
    int n = 0;

    CHECK_INT(j_int(r, "i", -5, 5), -3);
    CHECK(j_real(r, "r", 0, 1) == 0.25);
    CHECK(j_real(r, "i", -5, 1) == -3);
    CHECK_STR(j_string(r, "s"), "gr\xc3\xbc\xf0\x9f\x98\x80");
    CHECK_INT(j_bool(r, "b"), 1);
    CHECK_INT(j_choice(r, "k", kinds, 2), 1);
    CHECK_INT(j_ints(r, "dims", dims, 1, 4, 1, 10), 3);
    CHECK_INT(dims[2], 3);
    CHECK_INT(j_reals(r, "x", x, 2, 2, 0, 1), 2);
    CHECK(x[1] == 0.5);
    CHECK_INT(j_len(list), 3);
    CHECK_INT(j_int(j_at_object(list, 0), "deep", 0, 9), 9);
    CHECK_STR(j_at_string(list, 1), "t");
    CHECK_INT(j_at_int(list, 2, 0, 9), 4);
    while (j_next(r, &it, &key, &v))
        n += j_type(v) != J_NONE;
    CHECK_INT(n, 9);
    CHECK(!j_has(r, "n") && !j_has(r, "zz") && j_has(r, "i"));
    CHECK_INT(j_type(j_get(r, "n")), J_NULL);
    CHECK_INT(j_type(j_get(r, "zz")), J_NONE);
    CHECK_STR(message(doc), "no error");
}

TEST(json_defaults_stand_in_for_missing_and_null)
{
    struct jdoc *doc = parse("{\"n\": null, \"i\": 4}");
    struct jval r = jdoc_root(doc);

    CHECK_INT(j_int_or(r, "n", 0, 9, 7), 7);
    CHECK_INT(j_int_or(r, "zz", 0, 9, 7), 7);
    CHECK_INT(j_int_or(r, "i", 0, 9, 7), 4);
    CHECK(j_real_or(r, "n", 0, 1, 0.5) == 0.5);
    CHECK_INT(j_bool_or(r, "n", 1), 1);
    CHECK_STR(j_string_or(r, "n", "def"), "def");
    CHECK_INT(j_choice_or(r, "n", NULL, 0, 3), 3);
    CHECK_STR(message(doc), "no error");
}

TEST(json_errors_name_file_path_and_range)
{
    struct jdoc *doc = parse("{\"blocks\": [{}, {\"heads\": 0}]}");

    j_int(j_at_object(j_array(jdoc_root(doc), "blocks"), 1), "heads", 1, 256);
    CHECK_STR(message(doc), "t.json: field blocks[1].heads: 0 is outside the allowed 1 to 256");
    doc = parse("{\"a\": {\"dim\": \"x\"}}");
    j_int(j_object(jdoc_root(doc), "a"), "dim", 1, 9);
    CHECK_STR(message(doc),
              "t.json: field a.dim: expected an integer from 1 to 9, but it is a string");
    doc = parse("{\"a\": [1, 2, \"q\"]}");
    int64_t out[3];
    CHECK_INT(j_ints(jdoc_root(doc), "a", out, 3, 3, 0, 9), 0);
    CHECK_STR(message(doc),
              "t.json: field a[2]: expected an integer from 0 to 9, but it is a string");
    doc = parse("{\"a\": [1, 2]}");
    j_ints(jdoc_root(doc), "a", out, 3, 3, 0, 9);
    CHECK_STR(message(doc), "t.json: field a: 2 elements, allowed are 3 to 3");
    doc = parse("{\"a\": 1.5}");
    j_int(jdoc_root(doc), "a", 0, 9);
    CHECK_CONTAINS(message(doc), "it is a real number");
    doc = parse("[]");
    j_int(jdoc_root(doc), "a", 0, 9);
    CHECK_CONTAINS(message(doc), "field a: expected an integer from 0 to 9, but it is missing");
}

TEST(json_first_error_sticks)
{
    struct jdoc *doc = parse("{\"a\": 1}");
    struct jval r = jdoc_root(doc), none = j_object(r, "o");

    CHECK(none.v == NULL);
    CHECK_INT(j_int(none, "x", 1, 2), 0); /* reading on is safe */
    CHECK_STR(j_string(j_at_object(j_array(none, "l"), 3), "s"), "");
    CHECK_INT(j_len(none), 0);
    j_fail(r, "a", "must divide %d", 7);
    CHECK_STR(message(doc), "t.json: field o: expected an object, but it is missing");
    doc = parse("{\"a\": 1}");
    j_fail(jdoc_root(doc), "a", "must divide %d", 7);
    CHECK_STR(message(doc), "t.json: field a: must divide 7");
}

TEST(json_unknown_fields_and_choices_tell_the_nearest)
{
    static const char *const names[] = {"num_heads", "dim"};
    struct jdoc *doc = parse("{\"dim\": 1, \"num_head\": 2}");

    j_known(jdoc_root(doc), names, 2);
    CHECK_STR(message(doc), "t.json: field num_head: not known; did you mean \"num_heads\"?");
    doc = parse("{\"dim\": 1}");
    j_known(jdoc_root(doc), names, 2);
    CHECK_STR(message(doc), "no error");
    doc = parse("{\"dim\": \"x\"}");
    j_choice(jdoc_root(doc), "dim", names, 2);
    CHECK_STR(message(doc), "t.json: field dim: \"x\" is not known; allowed are num_heads, dim");
    doc = parse("{\"colour\": 1}");
    j_known(jdoc_root(doc), names, 2);
    CHECK_STR(message(doc), "t.json: field colour: not known; allowed are num_heads, dim");
}

TEST(json_refuses_what_is_not_strict)
{
    static const char *const bad[] = {"",
                                      "{",
                                      "{\"a\": 1,}",
                                      "{\"a\": 1} x",
                                      "{\"a\": 1, \"a\": 2}",
                                      "{\"a\": NaN}",
                                      "{\"a\": Infinity}",
                                      "{\"a\": 1e999}",
                                      "{\"a\": 100000000000000000000000000000}",
                                      "{\"a\": \"\\ud800\"}",
                                      "{\"a\": \"\\u0000\"}",
                                      "{\"a\": \"\xff\"}",
                                      "{\"a\": \"\n\"}",
                                      "{'a': 1}",
                                      "{\"a\": 01}",
                                      "// x\n{}"};
    struct jdoc *doc;
    struct err e;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_INT(jdoc_parse(&doc, bad[i], strlen(bad[i]), "bad.json", &e), ERR_FORMAT);
        CHECK(doc == NULL);
        CHECK_CONTAINS(e.msg, "bad.json: line ");
    }
    CHECK_INT(jdoc_parse(&doc, "{\"a\": 1}\0", 9, "bad.json", &e), ERR_FORMAT);
}

/* JSON has no largest number; what is too large for us is said to be that. */
TEST(json_numbers_that_are_too_large_are_named)
{
    static const char *const large[] = {"{\"seed\": 18446744073709551615}", "{\"seed\": 1e999}"};

    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        struct jdoc *doc;
        struct err e = {0};

        CHECK_INT(jdoc_parse(&doc, large[i], strlen(large[i]), "t.json", &e), ERR_FORMAT);
        CHECK(!strstr(e.msg, "not valid JSON"));
        CHECK_CONTAINS(e.msg, i ? "overflow near '1e999'" : "too big integer near '1844");
    }
}

TEST(json_depth_and_size_are_capped)
{
    struct buf b = BUF_INIT;
    struct jdoc *doc;
    struct err e;
    char *path = path_join(ztest_tmp(), "big.json");

    for (int i = 0; i < 100000; i++)
        buf_putc(&b, '[');
    CHECK_INT(jdoc_parse(&doc, b.data, b.len, "deep.json", &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "deep.json: nested deeper than 64 levels at byte 64");
    buf_clear(&b);
    buf_puts(&b, "[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[\"]");
    CHECK_INT(jdoc_parse(&doc, b.data, b.len, "text.json", &e), 0); /* inside a string */
    jdoc_close(&doc);
    CHECK_INT(file_write(path, b.data, b.len, &e), 0);
    CHECK_INT(jdoc_read(&doc, path, b.len, &e), 0);
    jdoc_close(&doc);
    CHECK_INT(jdoc_read(&doc, path, b.len - 1, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "big.json");
    CHECK_INT(jdoc_read(&doc, "no/such.json", 100, &e), ERR_IO);
    buf_release(&b);
    free(path);
}
