/* Tokenizer files of our own and hostile ones. Agreement with both libraries: test_golden.c. */
#include <stdlib.h>

#include "base/file.h"
#include "model/grapheme.h"
#include "model/tokenizer.h"
#include "ztest.h"

#define MARK "\xe2\x96\x81"

static char *written(const char *name, const void *data, size_t n)
{
    char *path = path_join(ztest_tmp(), name);
    struct err e = {0};

    CHECK_INT(file_write(path, data, n, &e), 0);
    return path;
}

static struct tokenizer *own(void)
{
    static const char *const pieces[] = {MARK,        MARK "red",     "r", "e", "d",
                                         MARK "ball", "\xe7\xba\xa2", ","};
    static const double scores[] = {-2, -3, -6, -6, -6, -3, -4, -2.5};
    char *path = path_join(ztest_tmp(), "own.json");
    struct tokenizer *t;
    struct err e = {0};

    CHECK_INT(tokenizer_write(path, pieces, scores, 8, &e), 0);
    CHECK_INT(tokenizer_open(&t, path, &e), 0);
    free(path);
    return t;
}

static void expect(const struct tokenizer *t, const char *text, const char *ids)
{
    char got[256] = "";
    int32_t *id;
    int n;

    tokenizer_encode(t, text, strlen(text), &id, &n);
    for (int i = 0; i < n; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%d", i ? " " : "", id[i]);
    free(id);
    CHECK_STR(got, ids);
}

TEST(tokenizer_of_our_own_reads_words_bytes_and_width)
{
    struct tokenizer *t = own();

    CHECK_INT(tokenizer_size(t), 3 + 256 + 8);
    CHECK_INT(tokenizer_end(t), 1);
    CHECK_STR(tokenizer_piece(t, 260), MARK "red");
    CHECK_STR(tokenizer_piece(t, 9999), "");
    expect(t, "", "1");
    expect(t, "red ball", "260 264 1");
    expect(t, "  Red\tBALL ", "260 264 1");
    expect(t, "\xef\xbc\xb2\xef\xbd\x85\xef\xbd\x84\xef\xbc\x8c",
           "260 266 1"); /* full-width "Red," */
    expect(t, "red\xe7\xba\xa2", "260 265 1");
    expect(t, "z", "259 125 1");            /* 3 + 0x7a - 0x00 = 125 */
    expect(t, "\xff", "259 242 194 192 1"); /* U+FFFD as three bytes */
    expect(t, "\xc3\x84", "259 198 167 1"); /* lower case beyond ASCII */
    expect(t, "\xd0\x96", "259 211 185 1");
    expect(t, "red</s>", "260 1 1"); /* special tokens are matched in the text */
    tokenizer_free(&t);
    CHECK(!t);
}

/* ---- hostile tokenizer.json ---- */

static void json_refused(const char *model, const char *rest, const char *what)
{
    char text[1024], *path;
    struct tokenizer *t;
    struct err e = {0};

    snprintf(text, sizeof text, "{\"model\": {%s}%s}", model, rest);
    path = written("bad.json", text, strlen(text));
    CHECK_INT(tokenizer_open(&t, path, &e), ERR_FORMAT);
    CHECK(!t);
    CHECK_CONTAINS(e.msg, what);
    free(path);
}

#define VOCAB "\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"<unk>\", 0], [\"a\", -1]]"

TEST(loader_9_tokenizer_json)
{
    json_refused("\"type\": \"BPE\", \"vocab\": {}, \"merges\": [\"a b\", \"b a\"]", "", "type");
    json_refused("\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": []", "", "vocab");
    json_refused("\"type\": \"Unigram\", \"unk_id\": 7, \"vocab\": [[\"a\", 0]]", "", "unk_id");
    json_refused("\"type\": \"Unigram\", \"unk_id\": null, \"vocab\": [[\"a\", 0]]", "", "unk_id");
    json_refused("\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"a\", 0], [\"a\", 1]]", "",
                 "appears twice");
    json_refused("\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[0, 0]]", "", "vocab");
    json_refused("\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"a\", 1e99]]", "", "vocab");
    json_refused(VOCAB, ", \"added_tokens\": [{\"id\": 1000000000, \"content\": \"x\"}]", "id");
    json_refused(VOCAB, ", \"added_tokens\": [{\"id\": -1, \"content\": \"x\"}]", "id");
    json_refused(VOCAB, ", \"added_tokens\": [{\"id\": 1, \"content\": \"x\"}]",
                 "is \"a\" in the vocabulary");
    json_refused(VOCAB, ", \"added_tokens\": [{\"id\": 2, \"content\": \"\"}]", "content");
    json_refused(
        VOCAB, ", \"normalizer\": {\"type\": \"Precompiled\", \"precompiled_charsmap\": \"AAAA\"}",
        "damaged");
    json_refused(VOCAB,
                 ", \"normalizer\": {\"type\": \"Precompiled\", \"precompiled_charsmap\": \"&\"}",
                 "damaged");
    json_refused(VOCAB, ", \"normalizer\": {\"type\": \"Execute\"}", "type");
    json_refused(VOCAB, ", \"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": \"x\"}",
                 "replacement");
    json_refused(
        VOCAB,
        ", \"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": "
        "{\"id\": \"</s>\"}}]}",
        "SpecialToken");
}

TEST(loader_9_piece_of_any_length_is_refused)
{
    struct buf b = BUF_INIT;
    struct tokenizer *t;
    struct err e = {0};
    char *path;

    buf_puts(&b, "{\"model\": {\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"");
    for (int i = 0; i < 5000; i++)
        buf_putc(&b, 'x');
    buf_puts(&b, "\", 0]]}}");
    path = written("long.json", b.data, b.len);
    CHECK_INT(tokenizer_open(&t, path, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "5000 bytes long");
    buf_release(&b);
    free(path);
}

/* ---- hostile spiece.model ---- */

static void put_piece(struct buf *b, const char *text, int type)
{
    size_t n = strlen(text);

    ZT_ASSERT(n < 100);
    buf_putc(b, 0x0a); /* ModelProto.pieces */
    buf_putc(b, (char)(n + 2 + 5 + 2));
    buf_putc(b, 0x0a);
    buf_putc(b, (char)n);
    buf_add(b, text, n);
    buf_add(b, "\x15\0\0\x80\xbf", 5); /* score -1 */
    buf_putc(b, 0x18);
    buf_putc(b, (char)type);
}

static void spiece_refused(const struct buf *b, const char *what)
{
    char *path = written("bad.model", b->data, b->len);
    struct tokenizer *t;
    struct err e = {0};

    CHECK_INT(tokenizer_open(&t, path, &e), ERR_FORMAT);
    CHECK(!t);
    CHECK_CONTAINS(e.msg, what);
    free(path);
}

TEST(loader_9_spiece_byte_piece_out_of_range)
{
    static const char *const bad[] = {"<0x-1>", "<0x1>", "<0x100>", "<0xzz>", "<0x0a>", "0x41"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf b = BUF_INIT;

        put_piece(&b, "<unk>", 2);
        put_piece(&b, bad[i], 6);
        spiece_refused(&b, "<0x00> to <0xFF>");
        buf_release(&b);
    }
}

TEST(loader_9_spiece_bad_pieces)
{
    struct buf b = BUF_INIT;

    put_piece(&b, "a", 1);
    spiece_refused(&b, "no piece for the unknown");
    put_piece(&b, "<unk>", 2);
    put_piece(&b, "a", 1);
    spiece_refused(&b, "appears twice");
    buf_clear(&b);
    put_piece(&b, "<unk>", 2);
    put_piece(&b, "\xff", 1);
    spiece_refused(&b, "UTF-8");
    buf_clear(&b);
    put_piece(&b, "<unk>", 9);
    spiece_refused(&b, "type 9");
    buf_release(&b);
}

/* Cut anywhere, a model is refused or is a shorter model; never anything else. */
TEST(loader_9_spiece_cut_short)
{
    struct buf whole = BUF_INIT;
    struct err e = {0};
    int refused = 0;

    put_piece(&whole, "<unk>", 2);
    put_piece(&whole, MARK "a", 1);
    put_piece(&whole, "</s>", 3);
    for (size_t n = 0; n <= whole.len; n++) {
        char *path = written("cut.model", whole.data, n);
        struct tokenizer *t;
        int rc = tokenizer_open(&t, path, &e);

        CHECK(rc == 0 || rc == ERR_FORMAT);
        refused += rc != 0;
        tokenizer_free(&t);
        free(path);
    }
    CHECK(refused > 30);
    buf_release(&whole);
}

/* Text and the length of its first cluster: rules of UAX 29 by number. */
TEST(grapheme_ends_where_the_standard_says)
{
    static const struct {
        const char *text;
        size_t want;
    } rows[] = {
        {"ab", 1},
        {"\r\n", 2},                                  /* GB3 */
        {"\t\xcc\x81", 1},                            /* GB4: a mark behind a control */
        {"a\n", 1},                                   /* GB5 */
        {"\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8x", 9}, /* GB6, GB7, GB8 */
        {"\xea\xb0\x80\xe1\x86\xa8\xe1\x86\xa8x", 9}, /* GB7 of a syllable */
        {"e\xcc\x81\xcc\xa3x", 5},                    /* GB9 */
        {"\xe0\xa4\x95\xe0\xa4\x83x", 6},             /* GB9a */
        {"\xe0\xb5\x8e"
         "a",
         4},                                                     /* GB9b */
        {"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80x", 11},   /* GB11 */
        {"a\xe2\x80\x8d\xf0\x9f\x9a\x80", 4},                    /* and not without a pictograph */
        {"\xf0\x9f\x87\xa8\xf0\x9f\x87\xb3\xf0\x9f\x87\xaf", 8}, /* GB12: flags are pairs */
        {"\xff\xcc\x81", 3},
        {"\xe1\x84", 1},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_INT(grapheme_length(rows[i].text, strlen(rows[i].text)), rows[i].want);
}

TEST(tokenizer_missing_file_is_named)
{
    struct tokenizer *t;
    struct err e = {0};

    CHECK_INT(tokenizer_open(&t, "no/such/tokenizer.json", &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "no/such/tokenizer.json");
}

/* A folder of a model with spiece.model alone means the tokenizer of a T5. */
TEST(tokenizer_of_a_folder_with_spiece_alone_ends_its_texts)
{
    const char *text = "a red ball rolls from left to right";
    char *dir = ztest_in_tmp("spiece"), *to = path_join(dir, "spiece.model");
    struct tokenizer *file, *folder, *json;
    int32_t *a, *b, *c;
    struct buf bytes = BUF_INIT;
    struct err e = {0};
    int na, nb, nc;

    CHECK_INT(dir_make(dir, &e), 0);
    CHECK_INT(file_read(&bytes, ztest_data("golden/tokenizer-unk/spiece.model"), 1 << 20, &e), 0);
    CHECK_INT(file_write(to, bytes.data, bytes.len, &e), 0);
    CHECK_INT(tokenizer_open(&file, to, &e), 0);
    CHECK_INT(tokenizer_open(&folder, dir, &e), 0);
    CHECK_INT(tokenizer_open(&json, ztest_data("golden/tokenizer-unk/tokenizer.json"), &e), 0);
    tokenizer_encode(file, text, strlen(text), &a, &na);
    tokenizer_encode(folder, text, strlen(text), &b, &nb);
    tokenizer_encode(json, text, strlen(text), &c, &nc);
    CHECK_INT(nb, na + 1);
    CHECK_INT(nb, nc);
    CHECK(!memcmp(b, a, sizeof *a * (size_t)na));
    CHECK(!memcmp(b, c, sizeof *b * (size_t)nb));
    CHECK_INT(b[na], tokenizer_end(folder));
    free(a);
    free(b);
    free(c);
    tokenizer_free(&file);
    tokenizer_free(&folder);
    tokenizer_free(&json);
    buf_release(&bytes);
    free(dir);
    free(to);
}

TEST(tokenizer_of_a_file_that_stays_is_read_once)
{
    char *dir = ztest_in_tmp("fresh"), *to = path_join(dir, "tokenizer.json");
    const char *old = ztest_data("golden/tokenizer-unk");
    struct tokenizer *t[4];
    struct buf bytes = BUF_INIT;
    struct err e = {0};
    int32_t *ids;
    int n;

    CHECK_INT(tokenizer_open_kept(&t[0], old, &e), 0);
    CHECK_INT(tokenizer_open_kept(&t[1], old, &e), 0);
    CHECK(t[0] == t[1]);
    tokenizer_free(&t[0]);
    CHECK(!t[0]);
    tokenizer_encode(t[1], "ball", 4, &ids, &n);
    CHECK(n > 0);
    free(ids);
    tokenizer_free(&t[1]);

    /* One that was just written may change again without a sign. */
    CHECK_INT(dir_make(dir, &e), 0);
    CHECK_INT(file_read(&bytes, ztest_data("golden/tokenizer-unk/tokenizer.json"), 1 << 20, &e), 0);
    CHECK_INT(file_write(to, bytes.data, bytes.len, &e), 0);
    CHECK_INT(tokenizer_open_kept(&t[2], dir, &e), 0);
    CHECK_INT(tokenizer_open_kept(&t[3], dir, &e), 0);
    CHECK(t[2] != t[3]);
    tokenizer_free(&t[2]);
    tokenizer_free(&t[3]);
    buf_release(&bytes);
    free(dir);
    free(to);
}
