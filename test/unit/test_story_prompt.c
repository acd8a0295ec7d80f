#include <string.h>

#include "base/buf.h"
#include "base/rng.h"
#include "world/story/caption.h"
#include "world/story/press.h"
#include "world/story/prompt.h"
#include "world/story/sample.h"
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
