#include "measure/story_wish.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rng.h"
#include "world/story/caption.h"
#include "world/story/press.h"
#include "world/story/sample.h"

enum { TRIES = 400, WAYS = 4 /* to say a scene */ };

static void say(struct story_wish *w, struct rng *r)
{
    for (int i = 0; i < TRIES; i++) {
        struct buf text = BUF_INIT;

        story_caption_everyday(&w->story.facts, w->lang, r, &text, &w->said);
        if (story_caption_held_out(buf_str(&text)) == w->held_out || i == TRIES - 1) {
            w->held_out = story_caption_held_out(buf_str(&text));
            w->text = buf_take(&text);
            return;
        }
        buf_release(&text);
    }
}

void story_wishes_sample(struct story_wishes *l, int n, uint64_t seed, int w, int h)
{
    *l = (struct story_wishes){xcalloc((size_t)n, sizeof *l->item), n};
    for (int i = 0; i < n; i++) {
        struct story_wish *to = &l->item[i];
        struct rng r;

        rng_init(&r, seed, (uint64_t)(i / WAYS));
        *to = (struct story_wish){.lang = i % 2 ? LANG_ZH : LANG_EN,
                                  .held_out = i / 2 % 2,
                                  .family = -1,
                                  .w = w,
                                  .h = h,
                                  .seed = i / WAYS};
        story_sample(&to->story, rng_u64(&r), NULL, (double)w / h);
        say(to, &r);
    }
}

/* Way k to say the prompt of a family: its own words, then those that are held out. */
static int way(int family, enum lang lang, int k)
{
    int i = 0;

    while (k > 0 && i < STORY_PARAPHRASES)
        k -= story_press_held_out(family, lang, ++i);
    return i;
}

void story_wishes_press(struct story_wishes *l, int n, uint64_t seed, int w, int h)
{
    int total = STORY_FAMILY_MIXED * LANG_COUNT * n;

    *l = (struct story_wishes){xcalloc((size_t)total, sizeof *l->item), total};
    for (int i = 0; i < total; i++) {
        struct story_wish *to = &l->item[i];
        int family = i / (LANG_COUNT * n), k = i / LANG_COUNT % n, on_end = i % 2;
        struct buf text = BUF_INIT;

        *to = (struct story_wish){.lang = (i + k) % 2 ? LANG_ZH : LANG_EN,
                                  .held_out = k > 0,
                                  .family = family,
                                  .seed = i,
                                  .w = on_end ? h : w,
                                  .h = on_end ? w : h};
        story_press(family, to->lang, way(family, to->lang, k), &text);
        to->text = buf_take(&text);
        story_press_facts(family, &to->said);
        story_from_facts(&to->story, &to->said, seed + (uint64_t)i, (double)to->w / to->h);
    }
}

void story_wishes_release(struct story_wishes *l)
{
    for (int i = 0; i < l->n; i++)
        free(l->item[i].text);
    free(l->item);
    *l = (struct story_wishes){0};
}

void story_tally_add(struct story_tally *t, const struct story_wish *w, const struct probe_sight *s)
{
    int asked = 0, right = 1;

    for (int slot = 0; slot < STORY_SLOT_COUNT; slot++) {
        int want = story_fact_get(&w->said, slot), ok = s->value[slot] == want;

        if (!want || slot == STORY_SLOT_CAMERA)
            continue;
        t->asked[slot]++;
        t->right[slot] += ok;
        if (slot == STORY_SLOT_SUBJECT || slot == STORY_SLOT_PLACE || slot == STORY_SLOT_COLOR) {
            asked = 1;
            right &= ok;
        }
    }
    t->asked[STORY_ALL] += asked;
    t->right[STORY_ALL] += asked && right;
}

double story_share(const struct story_wish *w, const struct probe_sight *s)
{
    struct story_tally t = {{0}, {0}};
    double asked = 0, right = 0;

    story_tally_add(&t, w, s);
    for (int slot = 0; slot < STORY_SLOT_COUNT; slot++) {
        asked += t.asked[slot];
        right += t.right[slot];
    }
    return asked > 0 ? right / asked : -1;
}
