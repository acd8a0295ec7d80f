/* A thousand strings in 38 scripts and styles, emoji, full-width forms and marks among them: the
 * ids of sentencepiece and of tokenizers, of which the case holds a hash for each string. Pieces
 * and strings follow the rule of tokenizer_scripts in test/golden/make.py; the rest of each
 * tokenizer (the normaliser with its map, bytes, special pieces) is that of another case. */
#include <stdlib.h>

#include "base/err.h"
#include "base/file.h"
#include "base/utf8.h"
#include "format/json.h"
#include "model/tokenizer.h"
#include "ztest.h"

struct draws {
    uint64_t x;
};

static int below(struct draws *d, int n)
{
    d->x = d->x * 6364136223846793005u + 1442695040888963407u;
    return (int)((d->x >> 33) % (uint64_t)n);
}

static int low(struct draws *d, int n)
{
    int a = below(d, n), b = below(d, n);

    return a < b ? a : b;
}

static const struct {
    uint32_t first;
    int n;
} scripts[] = {{0x61, 26},    {0x41, 26},     {0xC0, 64},     {0x100, 128}, {0x391, 57},
               {0x410, 64},   {0x561, 38},    {0x5D0, 27},    {0x621, 42},  {0x904, 74},
               {0x985, 75},   {0xA05, 70},    {0xB85, 72},    {0xC05, 72},  {0xD05, 72},
               {0xD85, 70},   {0xE01, 58},    {0xE81, 60},    {0xF40, 72},  {0x1000, 74},
               {0x10D0, 43},  {0x1200, 90},   {0x1780, 83},   {0x1820, 88}, {0x3041, 86},
               {0x30A1, 90},  {0xAC00, 400},  {0x4E00, 400},  {0xFF01, 94}, {0xFF66, 56},
               {0x1F600, 80}, {0x1F300, 200}, {0x1D400, 104}, {0x300, 40},  {0x30, 10},
               {0x1100, 112}, {0x2150, 60},   {0xFB50, 100}};
enum {
    N_SCRIPTS = sizeof scripts / sizeof *scripts,
    EMOJI = 30,
    PICTURES = 31,
    MOST_PIECES = 4096
};

static const char *const between[] = {" ",
                                      " ",
                                      " ",
                                      "  ",
                                      "\xe3\x80\x80",
                                      "\xc2\xa0",
                                      "\n",
                                      "\t",
                                      "\xe2\x80\x8b",
                                      "",
                                      "-",
                                      ", ",
                                      "\xe3\x80\x82",
                                      "!"};

static void put(struct buf *b, uint32_t cp)
{
    char s[4];

    buf_add(b, s, (size_t)utf8_encode(cp, s));
}

struct pieces {
    char *text[MOST_PIECES];
    double score[MOST_PIECES];
    int n;
};

/* The first score of a piece counts. */
static void add_piece(struct pieces *p, struct buf *b, struct draws *d)
{
    double score = -(2 + below(d, 1 << 20) / 65536.0);
    int there = strpbrk(buf_str(b), "\"\\") != NULL;

    for (int i = 0; i < p->n && !there; i++)
        there = !strcmp(p->text[i], buf_str(b));
    if (!there) {
        CHECK(p->n < MOST_PIECES);
        p->text[p->n] = xstrdup(buf_str(b));
        p->score[p->n++] = score;
    }
    buf_clear(b);
}

static void make_pieces(struct pieces *p, struct draws *d)
{
    enum { FEW = 24, LONGER = 30 };
    struct buf made[FEW + LONGER] = {{0}};

    *p = (struct pieces){.text = {xstrdup("\xe2\x96\x81")}, .score = {-3}, .n = 1};
    for (int s = 0; s < N_SCRIPTS; s++) {
        int few = scripts[s].n < FEW ? scripts[s].n : FEW, n = 0;

        for (int i = 0; i < few; i++)
            if (below(d, 3))
                put(&made[n++], scripts[s].first + (uint32_t)i);
        for (int i = 0; i < LONGER; i++, n++) {
            int length = 2 + below(d, 3);

            if (below(d, 3) == 0)
                buf_puts(&made[n], "\xe2\x96\x81");
            while (length--)
                put(&made[n], scripts[s].first + (uint32_t)low(d, few));
        }
        for (int i = 0; i < n; i++)
            add_piece(p, &made[i], d);
    }
    for (int i = 0; i < FEW + LONGER; i++)
        buf_release(&made[i]);
}

static void put_word(struct buf *b, struct draws *d, int script)
{
    for (int n = 1 + low(d, 10); n; n--)
        put(b, scripts[script].first + (uint32_t)low(d, scripts[script].n));
    if ((script == EMOJI || script == PICTURES) && below(d, 3) == 0) {
        int how = below(d, 3);

        if (how == 2)
            put(b, 0x200d);
        put(b, how == 0   ? 0xfe0f
               : how == 1 ? 0x1f3fb + (uint32_t)below(d, 5)
                          : 0x1f600 + (uint32_t)below(d, 80));
    }
    if (below(d, 6) == 0)
        put(b, 0x300 + (uint32_t)below(d, 40));
}

static void make_string(struct buf *b, struct draws *d)
{
    int one = below(d, N_SCRIPTS), other = below(d, N_SCRIPTS), words = 1 + below(d, 8);

    buf_clear(b);
    for (int i = 0; i < words; i++) {
        int script = below(d, 4) ? one : other;

        if (i)
            buf_puts(b, between[below(d, sizeof between / sizeof *between)]);
        put_word(b, d, script);
    }
}

/* ---- the files ---- */

static void read_case(struct buf *b, const char *name, const char *file)
{
    char path[128];
    struct err e;

    snprintf(path, sizeof path, "golden/%s/%s", name, file);
    CHECK_INT(file_read(b, ztest_data(path), 1 << 24, &e), 0);
}

static size_t read_varint(const struct buf *b, size_t *at)
{
    size_t v = 0;

    for (int shift = 0;; shift += 7) {
        unsigned char c = (unsigned char)b->data[(*at)++];
        v |= (size_t)(c & 0x7f) << shift;
        if (!(c & 0x80))
            return v;
    }
}

static void put_piece(struct buf *b, const char *piece, float score)
{
    size_t n = strlen(piece);

    CHECK(n < 100);
    buf_putc(b, 0x0a);
    buf_putc(b, (char)(n + 7));
    buf_putc(b, 0x0a);
    buf_putc(b, (char)n);
    buf_puts(b, piece);
    buf_putc(b, 0x15);
    buf_add(b, &score, 4);
}

/* The first `keep` pieces of a spiece.model, ours behind them, and all that is not a piece. */
static char *write_spiece(const char *name, int keep, const struct pieces *p)
{
    struct buf from = BUF_INIT, to = BUF_INIT, rest = BUF_INIT;
    char *path = path_join(ztest_tmp(), "scripts.model");
    struct err e;
    int n = 0;

    read_case(&from, name, "spiece.model");
    for (size_t at = 0; at < from.len;) {
        size_t begin = at, key = read_varint(&from, &at), length = read_varint(&from, &at);

        CHECK_INT(key & 7, 2); /* a message, all of them */
        at += length;
        if (key >> 3 != 1)
            buf_add(&rest, from.data + begin, at - begin);
        else if (n++ < keep)
            buf_add(&to, from.data + begin, at - begin);
    }
    for (int i = 0; i < p->n; i++)
        put_piece(&to, p->text[i], (float)p->score[i]);
    buf_add(&to, rest.data, rest.len);
    CHECK_INT(file_write(path, to.data, to.len, &e), 0);
    buf_release(&from);
    buf_release(&to);
    buf_release(&rest);
    return path;
}

/* The same of a tokenizer.json; the first pieces are those of the other file, of score 0. */
static char *write_json(const char *name, const struct tokenizer *first, int keep,
                        const struct pieces *p)
{
    struct buf from = BUF_INIT, to = BUF_INIT;
    char *path = path_join(ztest_tmp(), "scripts.json"), *vocab, *end, *added;
    struct err e;

    read_case(&from, name, "tokenizer.json");
    added = strstr(from.data, "\"content\": \"<unk>\"");
    vocab = strstr(from.data, "\"vocab\": [");
    end = vocab ? strstr(vocab, "\"byte_fallback\"") : NULL;
    CHECK(added && vocab && end);
    added = strchr(added, '}') + 1; /* special pieces behind it have ids that are ours now */
    buf_add(&to, from.data, (size_t)(added - from.data));
    buf_putc(&to, ']');
    added = strstr(added, ",\n  \"normalizer\"");
    CHECK(added != NULL);
    buf_add(&to, added, (size_t)(vocab - added));
    buf_puts(&to, "\"vocab\": [");
    for (int i = 0; i < keep; i++)
        buf_printf(&to, "%s[\"%s\", 0.0]", i ? "," : "", tokenizer_piece(first, i));
    for (int i = 0; i < p->n; i++)
        buf_printf(&to, ",[\"%s\", %.17g]", p->text[i], p->score[i]);
    buf_puts(&to, "], ");
    buf_puts(&to, end);
    CHECK_INT(file_write(path, to.data, to.len, &e), 0);
    buf_release(&from);
    buf_release(&to);
    return path;
}

/* ---- the comparison ---- */

static uint32_t hash_ids(const int32_t *ids, int n)
{
    uint32_t h = 0x811c9dc5u;

    for (int i = 0; i < n; i++)
        for (int k = 0; k < 4; k++)
            h = (h ^ ((uint32_t)ids[i] >> (8 * k) & 0xff)) * 0x01000193u;
    return h;
}

/* How many strings have other ids than the hashes say. */
static int differing(const struct tokenizer *t, struct draws d, const char *hashes, int n)
{
    struct buf b = BUF_INIT;
    int bad = 0;

    CHECK_INT(strlen(hashes), 8 * n);
    for (int i = 0; i < n; i++) {
        char got[9];
        int32_t *ids;
        int count;

        make_string(&b, &d);
        tokenizer_encode(t, buf_str(&b), b.len, &ids, &count);
        snprintf(got, sizeof got, "%08x", hash_ids(ids, count));
        if (strncmp(got, hashes + 8 * i, 8) && bad++ < 5)
            printf("    string %d: \"%s\" of %d ids\n", i, buf_str(&b), count);
        free(ids);
    }
    buf_release(&b);
    return bad;
}

static void compare(const char *name, int keep)
{
    char *spiece, *json;
    struct jdoc *doc;
    struct tokenizer *t;
    struct pieces p;
    struct err e = {0};

    CHECK_INT(jdoc_read(&doc, ztest_data("golden/tokenizer-scripts/config.json"), 1 << 20, &e), 0);
    struct jval root = jdoc_root(doc), hashes = j_object(root, name);
    int n = (int)j_int(root, "strings", 1, 100000);
    struct draws d = {(uint64_t)j_int(root, "seed", 0, INT32_MAX)};

    CHECK_INT(n, 1000);
    make_pieces(&p, &d);
    spiece = write_spiece(name, keep, &p);
    CHECK_INT(tokenizer_open(&t, spiece, &e), 0);
    CHECK_INT(tokenizer_size(t), keep + p.n);
    CHECK_INT(differing(t, d, j_string(hashes, "spiece"), n), 0);
    json = write_json(name, t, keep, &p);
    tokenizer_free(&t);
    CHECK_INT(tokenizer_open(&t, json, &e), 0);
    CHECK_INT(tokenizer_size(t), keep + p.n);
    CHECK_INT(differing(t, d, j_string(hashes, "json"), n), 0);
    tokenizer_free(&t);
    CHECK_INT(jdoc_status(doc, &e), 0);
    jdoc_close(&doc);
    for (int i = 0; i < p.n; i++)
        free(p.text[i]);
    free(spiece);
    free(json);
}

TEST(tokenizer_of_a_thousand_strings_with_bytes)
{
    compare("tokenizer-bytes", 259);
}

TEST(tokenizer_of_a_thousand_strings_without)
{
    compare("tokenizer-unk", 3);
}

/* Of nmt_nfkc U+200B, U+200C and U+FEFF are spaces; U+200D, U+00AD and U+FF5E stay what they are.
 * Ids of tokenizers 0.23.3 and sentencepiece 0.2.3 on the same files. */
TEST(tokenizer_marks_that_are_spaces)
{
    static const struct {
        const char *text, *ids;
    } rows[] = {{"red ball", "57 27 1"},
                {"red\xe2\x80\x8b"
                 "ball",
                 "57 27 1"},
                {"red\xe2\x80\x8c"
                 "ball",
                 "57 27 1"},
                {"red\xef\xbb\xbf"
                 "ball",
                 "57 27 1"},
                {"red\xe2\x80\x8d"
                 "ball",
                 "57 2 686 696 698 698 1"},
                {"red\xc2\xad"
                 "ball",
                 "57 2 686 696 698 698 1"},
                {"a\xef\xbd\x9e"
                 "b",
                 "3 696 2 686 1"}};
    static const char *const files[] = {"tokenizer.json", "spiece.model"};

    for (int k = 0; k < 2; k++) {
        char *path = path_join(ztest_data("golden/tokenizer-unk"), files[k]);
        struct tokenizer *t;
        struct err e = {0};

        CHECK_INT(tokenizer_open(&t, path, &e), 0);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            char got[128] = "";
            int32_t *id;
            int n;

            tokenizer_encode(t, rows[i].text, strlen(rows[i].text), &id, &n);
            for (int j = 0; j < n; j++)
                snprintf(got + strlen(got), sizeof got - strlen(got), "%s%d", j ? " " : "", id[j]);
            free(id);
            CHECK(!strncmp(got, rows[i].ids, strlen(got)));
            CHECK_INT(strlen(rows[i].ids) - strlen(got), k ? 2 : 0); /* no end of its own */
        }
        tokenizer_free(&t);
        free(path);
    }
}
