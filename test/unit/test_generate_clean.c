/* Prompts as they were meant: equal to what the reference pipelines make of them. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "generate/clean.h"
#include "generate/prompt_tokens.h"
#include "ztest.h"

/* Left as typed; right by ftfy 6.3.1, html.unescape twice and one space for any white space. */
static const struct {
    const char *typed, *clean;
} rows[] = {
    {"&amp;amp;amp;lt;", "<"},
    {"&amp;amp;amp;lt;\n<", "< <"},
    {"<\n&amp;amp;amp;lt;", "< &amp;lt;"},
    {"a\302\205b", "a\342\200\246b"},
    {"&copy2", "\302\2512"},
    {"&quot;a red ball&quot; rolls", "\"a red ball\" rolls"},
    {"a red&nbsp;ball", "a red ball"},
    {"&lt;a red ball&gt; rolls", "<a red ball> rolls"},
    {"a red ball&#x20;rolls", "a red ball rolls"},
    {"a &#233;toile &#xE9; &eacute; &eacute", "a \303\251toile \303\251 \303\251 \303\251"},
    {"\342\200\234a cat\342\200\231s toy\342\200\235", "\"a cat's toy\""},
    {"a \357\254\201re", "a fire"},
    {"\357\274\262\357\275\205\357\275\204 ball\357\274\214 slow", "Red ball, slow"},
    {"a caf\303\203\302\251", "a caf\303\251"},
    {"  a\343\200\200red\r\nball\t\342\200\250rolls ", "a red ball rolls"},
    {"&notit; &notin; &not", "\302\254it; \342\210\211 \302\254"},
    {"&#128; &#x80; &#0; &#xd800; &#x110000;",
     "\342\202\254 \342\202\254 \357\277\275 \357\277\275 \357\277\275"},
    {"&#1;a&#xfdd0;b", "ab"},
    {"a & b && c &; &#; &#x; &zzz; &amp", "a & b && c &; &#; &#x; &zzz; &"},
    {"AT&T R&D &ampere", "AT&T R&D &ere"},
    {"\342\200\230x\342\200\231 \342\200\236x\342\200\237", "'x' \"x\""},
    {"a\007b\357\273\277c\342\200\213d", "abc\342\200\213d"},
    {"\307\204 \357\254\203 \304\262", "D\305\275 ffi IJ"},
    {"na\303\257ve caf\303\251", "na\303\257ve caf\303\251"},
    {"\344\270\200\344\270\252\347\272\242\347\220\203\357\274\214\342\200\234\346\273\232\342\200"
     "\235\343\200\202",
     "\344\270\200\344\270\252\347\272\242\347\220\203,\"\346\273\232\"\343\200\202"},
    {"&fjlig; &acE;", "fj \342\210\276\314\263"},
    {"it&apos;s &rsquo;", "it's '"},
    {"a\303\242\342\202\254\342\204\242s", "a's"},
    {"&ampamp;lt;", "&lt;"},
    {"&hearts &hearts;", "&hearts \342\231\245"},
    {"don&#39;t &amp;#39;", "don't '"},
    {"\302\253\303\211t\303\251\302\273", "\302\253\303\211t\303\251\302\273"},
    {"&CounterClockwiseContourIntegral; &Aacute &aacute;", "\342\210\263 \303\201 \303\241"},
    {"<b>red</b> &amp;amp;lt;", "<b>red</b> &lt;"},
    {"&amp;lt;\n<", "< <"},
    {"\033[1;31mred\033[0m \033[ball", "red all"},
    {"\357\276\212\357\276\233\357\275\260\357\275\241\357\277\240",
     "\343\203\217\343\203\255\343\203\274\343\200\202\302\242"}, /* half-width Japanese */
    {"\357\276\241", "\341\204\200"},                             /* and Korean */
    /* ours alone: soft hyphens, typed or by name */
    {"a re\302\255d ball", "a red ball"},
    {"a re&shy;d b&amp;shy;all", "a red ball"},
};

static void check(const char *typed, int one_line, const char *want)
{
    struct buf out = BUF_INIT;

    clean_prompt(typed, one_line, &out);
    CHECK_STR(buf_str(&out), want);
    buf_release(&out);
}

TEST(clean_prompts_are_those_of_the_reference)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(rows[i].typed, 1, rows[i].clean);
}

TEST(clean_prompts_keep_their_lines_for_readers)
{
    check(" a red  ball \r\n\r\n a blue\tbox&#10;falls\n", 0, "a red ball\na blue box\nfalls");
    check("", 0, "");
    check(" &nbsp; \n", 0, "");
}

/* The longest prompt of the worst kind costs no time. */
TEST(clean_prompt_of_references_alone)
{
    char *s = xmalloc(65537);
    struct buf out = BUF_INIT;

    for (int i = 0; i < 65536; i++)
        s[i] = "&amp;"[i % 5];
    s[65536] = 0;
    clean_prompt(s, 1, &out);
    CHECK(out.len > 10000);
    buf_clear(&out);
    memset(s, '&', 65536);
    clean_prompt(s, 1, &out);
    CHECK_INT(out.len, 65536);
    buf_release(&out);
    free(s);
}

static int count(const struct tokenizer *t, const char *text, size_t n)
{
    int32_t *ids;
    int k;

    tokenizer_encode(t, text, n, &ids, &k);
    free(ids);
    return k;
}

/* Whole words are read, as many as fit and not one less. */
TEST(prompt_tokens_end_with_a_word)
{
    const char *text = "a red ball rolls from left to right and a blue box falls";
    struct denoiser_config c = {.text_rows = {0}};
    struct tokenizer *t;
    struct err e = {0};

    CHECK_INT(prompt_tokens_most(&c, 0), 512);
    c.text_rows[0] = 226;
    CHECK_INT(prompt_tokens_most(&c, 0), 226);
    CHECK_INT(tokenizer_open(&t, ztest_data("golden/tokenizer-unk/tokenizer.json"), &e), 0);
    for (int most = 1; most < 40; most++) {
        size_t n = prompt_tokens_fit(t, text, most), after = n + 1;

        CHECK(!text[n] || text[n] == ' ' || n == 0);
        CHECK(n == 0 || count(t, text, n) <= most);
        if (!text[n])
            continue;
        while (text[after] && text[after] != ' ')
            after++;
        CHECK(count(t, text, after) > most);
    }
    CHECK_INT(prompt_tokens_fit(t, text, 40), strlen(text));
    CHECK_INT(prompt_tokens_fit(t, text, count(t, text, strlen(text))), strlen(text));
    tokenizer_free(&t);
}
