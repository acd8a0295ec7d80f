/* The worlds as rows of one table: what every row promises, and how clips are shared among them. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/rng.h"
#include "train/record.h"
#include "world/lexicon.h"
#include "world/physics.h"
#include "world/prompt.h"
#include "ztest.h"

static void words(const struct world *w, const void *state, struct buf *out)
{
    buf_clear(out);
    w->caption(state, out);
}

TEST(world_rows_repeat_and_mirror)
{
    for (int i = 0; world_at(i); i++) {
        const struct world *w = world_at(i);
        struct buf a = BUF_INIT, b = BUF_INIT;

        CHECK(w == world_named(w->name) && w == world_of_id(world_id(w)));
        CHECK(w->state_bytes <= WORLD_STATE_BYTES && w->mix_bytes <= WORLD_MIX_BYTES);
        for (uint64_t seed = 0; seed < 50; seed++) {
            struct world_scene s = {w, {0}}, t = {w, {0}};

            memset(t.state, 0x5a, w->state_bytes); /* what was there before does not show */
            w->sample(s.state, seed, NULL, 0);
            w->sample(t.state, seed, NULL, 0);
            CHECK(!memcmp(s.state, t.state, w->state_bytes));
            words(w, s.state, &a);
            w->mirror(t.state);
            CHECK(memcmp(s.state, t.state, w->state_bytes));
            w->mirror(t.state);
            words(w, t.state, &b);
            CHECK_STR(buf_str(&a), buf_str(&b));
            CHECK(!memcmp(s.state, t.state, w->state_bytes));
        }
        buf_release(&a);
        buf_release(&b);
    }
    CHECK(!world_named("flatland") && !world_of_id(1) && !world_at(-1));
}

/* What a row says that it knows it understands, in both languages. */
TEST(world_rows_know_what_they_say)
{
    for (int i = 0; world_at(i); i++)
        for (int lang = 0; lang < LANG_COUNT; lang++) {
            struct buf list = BUF_INIT, facts = BUF_INIT, unknown = BUF_INIT;
            char *rest, *one;

            world_at(i)->known(lang, &list);
            CHECK(list.len > 1000 && list.len < 8000);
            for (rest = list.data; (one = strsep(&rest, ","));) {
                char *thing = xasprintf(lang ? "%s球" : "%s ball", one); /* a colour wants one */

                buf_clear(&unknown);
                world_at(i)->stated(one, &facts, &unknown);
                if (unknown.len)
                    buf_clear(&unknown), world_at(i)->stated(thing, &facts, &unknown);
                CHECK_STR(buf_str(&unknown), "");
                free(thing);
            }
            buf_release(&list), buf_release(&facts), buf_release(&unknown);
        }
}

/* Every family renders, with the objects that the clip says it has, and has a name of its own. */
TEST(world_rows_families)
{
    for (int i = 0; world_at(i); i++) {
        const struct world *w = world_at(i);
        const char *before = "";

        for (int k = 0; k < w->n_families; k++) {
            struct world_scene s = {w, {0}};
            const char *name = w->family(s.state, k, 7, 0);
            struct clip c;

            CHECK(strcmp(name, before) != 0);
            before = name;
            w->render(s.state, 56, 32, 2, 8, &c);
            CHECK(c.w == 56 && c.h == 32 && c.n_frames == 2 && c.n_objects < 250);
            clip_release(&c);
        }
    }
}

/* Captions fit the room that a record has, and say so much more than the bound is not near. */
TEST(world_rows_captions_fit_a_record)
{
    for (int i = 0; world_at(i); i++) {
        const struct world *w = world_at(i);
        struct buf b = BUF_INIT;
        struct rng r;
        size_t most = 0;

        rng_init(&r, 1, 1);
        for (uint64_t seed = 0; seed < 3000; seed++) {
            struct world_scene s = {w, {0}};

            w->sample(s.state, seed, NULL, 0);
            for (int k = 0; k <= LANG_COUNT; k++) {
                buf_clear(&b);
                if (k < LANG_COUNT)
                    w->everyday(s.state, (enum lang)k, &r, &b);
                else
                    w->caption(s.state, &b);
                most = b.len > most ? b.len : most;
                CHECK(b.len > 0);
            }
        }
        CHECK(most < RECORD_CAPTION_BYTES * 3 / 4);
        buf_release(&b);
    }
}

/* Clip i of a seed is today what it was when physics was the only world. */
TEST(world_clips_of_physics_stay)
{
    struct worlds w;

    worlds_default(&w);
    CHECK(w.n == 1 && worlds_hash(&w) == 0);
    CHECK_INT((int64_t)worlds_state_bytes(&w), (int64_t)sizeof(struct scene));
    for (uint64_t i = 0; i < 200; i++) {
        struct world_scene s;
        struct scene direct;
        struct rng r;

        worlds_sample(&w, &s, 5, i, 1.75);
        rng_init(&r, 5, i);
        scene_sample(&direct, rng_u64(&r), &world_mix_default, 1.75);
        CHECK(s.world == &world_physics && !memcmp(s.state, &direct, sizeof direct));
    }
}

static void two_parts(struct worlds *w)
{
    struct world_mix *mix;

    worlds_default(w);
    w->part[1] = w->part[0];
    w->n = 2;
    w->part[0].share = 1;
    w->part[1].share = 3;
    for (int k = 0; k < 2; k++) {
        mix = (void *)w->part[k].mix;
        memset(mix->event, 0, sizeof mix->event);
        mix->event[k ? EVENT_DROP : EVENT_COLLIDE] = 1;
    }
}

TEST(world_shares)
{
    struct worlds w, other;
    int first = 0;
    enum { N = 2000 };

    two_parts(&w);
    for (uint64_t i = 0; i < N; i++) {
        struct world_scene s, again;

        worlds_sample(&w, &s, 9, i, 0);
        worlds_sample(&w, &again, 9, i, 0);
        CHECK(!memcmp(&s, &again, sizeof s));
        first += ((const struct scene *)s.state)->facts.event == EVENT_COLLIDE;
    }
    CHECK_BELOW(fabs(first / (double)N - 0.25), 0.03);
    two_parts(&other);
    CHECK(worlds_hash(&w) != 0 && worlds_hash(&w) == worlds_hash(&other));
    other.part[1].share = 2;
    CHECK(worlds_hash(&w) != worlds_hash(&other));
}

TEST(world_record)
{
    struct record_form form = {WORLD_STATE_BYTES, 5};
    struct world_scene s = {&world_physics, {0}};
    uint8_t *bytes = xmalloc(record_bytes(&form)), *again = xmalloc(record_bytes(&form));
    struct buf text = BUF_INIT;

    world_physics.sample(s.state, 3, NULL, 0);
    record_write(bytes, &form, &s, 2, 1, 11);
    struct clip_record r = record_read(bytes, &form);
    CHECK(r.world == &world_physics && r.n_objects == 2);
    CHECK(!memcmp(r.state, s.state, s.world->state_bytes));
    words(s.world, s.state, &text);
    CHECK_STR(r.caption[0], buf_str(&text));
    for (int k = 1; k < form.captions; k++) { /* what they state is true, and they differ */
        struct prompt p;

        prompt_read(r.caption[k], &p);
        CHECK(facts_agree(&p.facts, &((const struct scene *)s.state)->facts));
        CHECK((memchr(r.caption[k], 0xe7, strlen(r.caption[k])) == NULL) == k % 2);
        CHECK(strcmp(r.caption[k], r.caption[k - 1]));
    }
    record_write(again, &form, &s, 2, 1, 11);
    CHECK(!memcmp(bytes, again, record_bytes(&form)));
    record_write(again, &form, &s, 2, 1, 12);
    CHECK(memcmp(bytes, again, record_bytes(&form)));
    free(bytes);
    free(again);
    buf_release(&text);
}

/* A noun says what shape it is and nothing of its size: 小圆球 was said of large balls. */
TEST(world_nouns_do_not_state_a_size)
{
    static const struct {
        const char *text;
        int size;
    } said[] = {{"一个小圆球向右滚", SIZE_SMALL}, {"大圆球从左向右滚动", SIZE_LARGE}};
    struct prompt p;
    int n;

    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        prompt_read(said[i].text, &p);
        CHECK(p.facts.object[0].shape == SHAPE_BALL && p.facts.object[0].size == said[i].size);
    }
    for (const struct lexicon_entry *e = lexicon(&n); n; e++, n--) {
        for (int lang = 0; e->tag == SLOT_SHAPE && lang < LANG_COUNT; lang++) {
            const char *at = e->form[lang], *s;
            int len;

            while ((s = lexicon_next(&at, &len, NULL))) {
                static const char *const sizes[] = {"小", "大", "巨", "small", "big", "large"};

                for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
                    if (memmem(s, (size_t)len, sizes[k], strlen(sizes[k])))
                        ztest_fail(__FILE__, __LINE__, "%.*s states a size", len, s);
            }
        }
    }
}
