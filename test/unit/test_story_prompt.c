#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/rng.h"
#include "world/story/caption.h"
#include "world/story/phrases.h"
#include "world/story/press.h"
#include "world/story/prompt.h"
#include "world/story/sample.h"
#include "world/story/world_story.h"
#include "ztest.h"

/* Do the facts that were read hold, the side of the camera left aside where it is not said? */
static int agrees(const struct story_prompt *p, const struct story_facts *f)
{
    struct story_facts other = *f;

    story_facts_mirror(&other);
    return story_facts_agree(&p->facts, f) ||
           (p->either_side && story_facts_agree(&p->facts, &other));
}

/* Everyday captions say nothing that does not hold, and are understood: every fact and every word.
 */
static void read_own_captions(enum lang lang)
{
    for (int i = 0; i < 1000; i++) {
        struct story_facts said;
        struct story_prompt p;
        struct buf b = BUF_INIT;
        struct story s;
        struct rng r;

        story_sample(&s, (uint64_t)i, NULL, 0);
        rng_init(&r, (uint64_t)i, 7 + (uint64_t)lang);
        story_caption_everyday(&s.facts, lang, &r, &b, &said);
        story_prompt_read(buf_str(&b), &p);
        if (p.either_side)
            said.camera = 0;
        if (!agrees(&p, &s.facts) || p.n_unknown || !story_facts_agree(&said, &p.facts))
            ztest_fail(__FILE__, __LINE__, "caption %d is not understood: %s (%s)", i, buf_str(&b),
                       p.n_unknown ? p.unknown[0] : "other facts");
        buf_release(&b);
    }
}

/* A fifth of what can be said is kept for measures: the world's row never says it. */
TEST(story_captions_are_held_out)
{
    int held_out = 0;

    for (uint64_t seed = 0; seed < 500; seed++) {
        struct buf free_text = BUF_INIT, row_text = BUF_INIT;
        struct story s;
        struct rng r;

        story_sample(&s, seed, NULL, 0);
        rng_init(&r, seed, 1);
        story_caption_everyday(&s.facts, LANG_EN, &r, &free_text, NULL);
        held_out += story_caption_held_out(buf_str(&free_text));
        rng_init(&r, seed, 1);
        world_story.everyday(&s, LANG_EN, &r, &row_text);
        CHECK(!story_caption_held_out(buf_str(&row_text)));
        if (!story_caption_held_out(buf_str(&free_text)))
            CHECK_STR(buf_str(&row_text), buf_str(&free_text));
        buf_release(&free_text);
        buf_release(&row_text);
    }
    CHECK(held_out > 70 && held_out < 130);
}

/* Eight ways at least to say each fact in each language. */
TEST(story_phrases_are_many)
{
    for (int what = 0; what < STORY_SAY_COUNT; what++) {
        for (int value = 0; value < STORY_CAMERA_COUNT; value++) {
            for (enum lang lang = 0; lang < LANG_COUNT; lang++) {
                const char *at = story_phrases((enum story_phrase)what, value, lang);
                int n = 0, len;

                if (!at || what == STORY_SAY_SHOT_OF)
                    continue;
                while (lexicon_next(&at, &len, NULL))
                    n++;
                if (n < 8)
                    ztest_fail(__FILE__, __LINE__, "list %d, value %d has %d phrases", what, value,
                               n);
            }
        }
    }
}

TEST(story_prompt_reads_own_captions_en)
{
    read_own_captions(LANG_EN);
}

TEST(story_prompt_reads_own_captions_zh)
{
    read_own_captions(LANG_ZH);
}

/* The six prompts and all their paraphrases, in both languages: the right family, all that is said,
 * no word unknown, no two alike, a fifth held out. */
TEST(story_press_is_read)
{
    int held_out = 0, n = 0;

    for (int family = 0; family < STORY_FAMILY_MIXED; family++) {
        for (enum lang lang = 0; lang < LANG_COUNT; lang++) {
            uint64_t seen[STORY_PARAPHRASES + 1];

            for (int i = 0; i <= STORY_PARAPHRASES; i++) {
                struct story_facts said, full;
                struct story_prompt p;
                struct buf b = BUF_INIT;

                story_press(family, lang, i, &b);
                story_press_facts(family, &said);
                story_prompt_read(buf_str(&b), &p);
                story_prompt_complete(&p, (uint64_t)i, &full);
                if (p.n_unknown || !story_facts_agree(&said, &p.facts) ||
                    story_family(&full) != family)
                    ztest_fail(__FILE__, __LINE__, "%s: %s: %s", story_family_name(family),
                               buf_str(&b), p.n_unknown ? p.unknown[0] : "other facts");
                seen[i] = 0;
                for (const char *c = buf_str(&b); *c; c++)
                    seen[i] = (seen[i] ^ (unsigned char)*c) * 0x100000001b3u;
                for (int k = 0; k < i; k++)
                    CHECK(seen[k] != seen[i]);
                held_out += story_press_held_out(family, lang, i);
                n += i > 0;
                buf_release(&b);
            }
            CHECK(!story_press_held_out(family, lang, 0));
        }
    }
    CHECK(held_out > n * 0.17 && held_out < n * 0.23);
}

/* "woman street night": facts by their canonical words. */
static void parse_facts(const char *words, struct story_facts *f)
{
    memset(f, 0, sizeof *f);
    while (*words) {
        size_t n = strcspn(words, " ");
        int found = 0;

        for (int slot = 0; slot < STORY_SLOT_COUNT; slot++) {
            for (int v = 1; v < story_slot_count(slot); v++) {
                const char *word = story_slot_word(slot, v);

                if (strlen(word) == n && !memcmp(word, words, n)) {
                    CHECK(!story_fact_get(f, slot));
                    *story_fact(f, slot) = v;
                    found = 1;
                }
            }
        }
        if (!found)
            ztest_fail(__FILE__, __LINE__, "%s begins with no canonical word", words);
        words += n + (words[n] == ' ');
    }
}

/* `n` lines of a file: what a prompt says, and the prompt behind a tab. */
static void each_prompt(const char *file, int n,
                        void (*check)(struct story_facts *want, const char *facts,
                                      const char *prompt, int i))
{
    struct buf list = BUF_INIT;
    struct err e = {0};
    int i = 0;

    CHECK_INT(file_read(&list, ztest_data(file), 1 << 20, &e), 0);
    for (char *line = strtok(list.data, "\n"); line; line = strtok(NULL, "\n")) {
        struct story_facts want;
        char *tab = strchr(line, '\t');

        if (*line == '#')
            continue;
        CHECK(tab != NULL);
        *tab = 0;
        parse_facts(line, &want);
        check(&want, line, tab + 1, i++);
    }
    CHECK_INT(i, n);
    buf_release(&list);
}

static void check_completed(struct story_facts *want, const char *facts, const char *prompt, int i)
{
    struct story_facts full;
    struct story_prompt p;

    story_prompt_read(prompt, &p);
    story_prompt_complete(&p, (uint64_t)i, &full);
    if (!story_facts_agree(want, &full))
        ztest_fail(__FILE__, __LINE__, "%s: not %s", prompt, facts);
    if (want->subject == STORY_NOBODY)
        want->subject = 0; /* may go without saying */
    if (!story_facts_agree(want, &p.facts))
        ztest_fail(__FILE__, __LINE__, "%s: %s is chance", prompt, facts);
}

/* Prompts as people write them, not as the grammar of captions does: all that they ask for. */
TEST(story_prompt_list_is_read)
{
    each_prompt("../configs/prompts-story-106.txt", 106, check_completed);
}

static void check_read(struct story_facts *want, const char *facts, const char *prompt, int i)
{
    struct story_prompt p;

    (void)i;
    story_prompt_read(prompt, &p);
    if (!story_facts_equal(want, &p.facts) || p.score <= 0)
        ztest_fail(__FILE__, __LINE__, "%s: not %s, or no more than that", prompt, facts);
}

/* Short, chatty, with slips and words that mean nothing here: what is read, and nothing else. */
TEST(story_everyday_prompts_are_read)
{
    each_prompt("../configs/prompts-everyday.txt", 202, check_read);
}

/* One sentence a row, and the canonical words that are read from it; behind them what is not
 * understood, or drawn as something that is like it. */
static const struct {
    const char *text, *facts, *unknown;
} rows[] = {
    /* whose colour */
    {"a woman in a black coat and a red dress", "woman red", ""},
    {"the monster is blue and sits beside a red candle", "monster sits blue candle", "red"},
    {"a girl in red on a green lawn", "girl lawn red", ""},
    {"白云上穿蓝色衬衫的年轻人", "reader cloud blue", ""},
    {"an astronaut in a white spacesuit with orange stripes", "astronaut orange", ""},
    {"a white lighthouse with a red band", "cliff", ""},
    /* colours that are drawn as the nearest */
    {"a pink monster", "monster red", "pink as red"},
    {"一个穿灰色大衣的男人", "reader white", "灰色 as white"},
    {"a woman in a turquoise dress and a brown coat", "woman blue", "turquoise as blue"},
    {"a girl with a pink book", "girl book", "pink"},
    {"粉色的灯光下的小怪物", "monster", ""},
    /* light is no thing, and what sweeps is not the camera unless that is named */
    {"a beam of light sweeps over the sea", "cliff", ""},
    {"灯塔的光束扫过海面", "cliff", ""},
    {"the camera sweeps left over the sea", "cliff panleft", ""},
    /* one thing alone can be shown, and a ball game is where there is room for it */
    {"男孩在卧室里点着蜡烛看书", "reader room reads book", "蜡烛"},
    {"a little girl playing at the beach", "girl cliff", ""},
    {"a little girl playing on the grass", "girl lawn plays racket", ""},
    {"she reads a book", "woman reads book", ""},
    {"the girl reads, she sits on a cloud", "girl cloud reads book", ""},
    /* waves */
    {"an astronaut waves", "astronaut waves", ""},
    {"a woman stands by the waves", "woman cliff stands", ""},
    {"waves crash against the cliffs", "cliff", ""},
    /* ships are places or things */
    {"an astronaut in a spaceship", "astronaut ship", ""},
    {"an astronaut in front of a spaceship", "astronaut spaceship", ""},
    {"在飞船里的宇航员", "astronaut ship", ""},
    {"飞船前的宇航员", "astronaut spaceship", ""},
    /* a moon to stand on, and one in the sky */
    {"月光下的悬崖", "cliff night", ""},
    {"an astronaut on the moon", "astronaut moon", ""},
    /* who */
    {"a man in a spacesuit", "astronaut", ""},
    {"a girl and a monster", "girl", "monster"},
    {"太空人", "astronaut", ""},
    /* not there */
    {"a room without a candle", "room", ""},
    {"没有书的房间", "room", ""},
    /* the camera */
    {"the camera slowly moves closer to the astronaut", "astronaut dollyin", ""},
    {"a woman walks to the left", "woman walks", "to the left"},
    {"drone shot circling left around the lighthouse", "cliff orbitleft", ""},
    {"镜头向左环绕宇航员", "astronaut orbitleft", ""},
    /* slips, other writing */
    {"an astronuat in a spaceshp", "astronaut ship", ""},
    {"a monstr beside a candel", "monster candle", ""},
    {"太空人站在懸崖上，航拍", "astronaut cliff stands drone", ""},
    {"ＡＮ ＡＳＴＲＯＮＡＵＴ", "astronaut", ""},
    /* praise says nothing, what is not ours is named */
    {"masterpiece, 8k, cinematic, a girl, award-winning", "girl", ""},
    {"杰作，电影感，一个女孩", "girl", ""},
    {"a purple dragon in a castle", "", "purple dragon castle"},
    /* other scripts are named, and part no words that are known */
    {"женщина идёт по улице", "", "женщина идёт по улице"},
    {"a girl 👩🏽‍🚀 on a lawn", "girl lawn", "👩🏽‍🚀"},
    {"猫がのる", "", "がのる"},
};

TEST(story_prompt_reads_words_beside_others)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct story_prompt p;
        struct buf facts = BUF_INIT, unknown = BUF_INIT;

        story_prompt_read(rows[i].text, &p);
        for (int slot = 0; slot < STORY_SLOT_COUNT; slot++) {
            const char *word = story_slot_word(slot, story_fact_get(&p.facts, slot));

            if (word)
                buf_printf(&facts, "%s%s", facts.len ? " " : "", word);
        }
        for (int k = 0; k < p.n_unknown; k++)
            buf_printf(&unknown, "%s%s", k ? " " : "", p.unknown[k]);
        for (int k = 0; k < p.n_near; k++)
            buf_printf(&unknown, "%s%s", unknown.len ? " " : "", p.near[k]);
        if (strcmp(buf_str(&facts), rows[i].facts) || strcmp(buf_str(&unknown), rows[i].unknown))
            ztest_fail(__FILE__, __LINE__, "%s: read as \"%s\" without \"%s\"", rows[i].text,
                       buf_str(&facts), buf_str(&unknown));
        buf_release(&facts);
        buf_release(&unknown);
    }
}

/* Words of nothing, half characters, thousands of words: never a crash, always a story. */
TEST(story_prompt_reads_anything)
{
    static const char *const odd[] = {
        "",      " ",        "\xff\xfe\x80",   "。。。", "left right up down", "of of", "\xe5\xae",
        "12345", "no no no", "red blue green", "🚀"};

    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        struct story_prompt p;
        struct story_facts f;

        story_prompt_read(odd[i], &p);
        story_prompt_complete(&p, i, &f);
        CHECK(story_facts_are_complete(&f));
    }
    struct buf many = BUF_INIT;
    struct story_prompt p;

    for (int i = 0; i < 3000; i++)
        buf_puts(&many, i % 2 ? "frobnicate " : "怪");
    story_prompt_read(buf_str(&many), &p);
    CHECK(p.n_unknown > 0 && p.n_unknown <= PROMPT_MAX_UNKNOWN);
    buf_release(&many);
}
