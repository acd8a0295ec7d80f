#include "world/story/facts.h"

#include <stddef.h>
#include <string.h>

#include "base/err.h"

#define WORD(name, word) word,
static const char *const subject_words[] = {NULL, STORY_SUBJECT_LIST(WORD)};
static const char *const place_words[] = {NULL, STORY_PLACE_LIST(WORD)};
static const char *const action_words[] = {NULL, STORY_ACTION_LIST(WORD)};
static const char *const color_words[] = {NULL, COLOR_LIST(WORD)};
static const char *const prop_words[] = {NULL, STORY_PROP_LIST(WORD)};
static const char *const shot_words[] = {NULL, STORY_SHOT_LIST(WORD)};
static const char *const camera_words[] = {NULL, STORY_CAMERA_LIST(WORD)};
static const char *const time_words[] = {NULL, STORY_TIME_LIST(WORD)};
static const char *const weather_words[] = {NULL, STORY_WEATHER_LIST(WORD)};
static const char *const style_words[] = {NULL, STORY_STYLE_LIST(WORD)};
#undef WORD

static const struct {
    const char *name;
    const char *const *word;
    int count;
    size_t at;
} slots[STORY_SLOT_COUNT] = {
#define SLOT(slot, field)                                                                          \
    [STORY_SLOT_##slot] = {#field, field##_words,                                                  \
                           (int)(sizeof field##_words / sizeof *field##_words),                    \
                           offsetof(struct story_facts, field)},
    STORY_SLOT_LIST(SLOT)
#undef SLOT
};

int story_slot_count(int slot)
{
    ZT_ASSERT(slot >= 0 && slot < STORY_SLOT_COUNT);
    return slots[slot].count;
}

const char *story_slot_name(int slot)
{
    ZT_ASSERT(slot >= 0 && slot < STORY_SLOT_COUNT);
    return slots[slot].name;
}

const char *story_slot_word(int slot, int value)
{
    return value > 0 && value < story_slot_count(slot) ? slots[slot].word[value] : NULL;
}

int *story_fact(struct story_facts *f, int slot)
{
    ZT_ASSERT(slot >= 0 && slot < STORY_SLOT_COUNT);
    return (int *)(void *)((char *)f + slots[slot].at);
}

int story_fact_get(const struct story_facts *f, int slot)
{
    struct story_facts copy = *f;

    return *story_fact(&copy, slot);
}

void story_facts_mirror(struct story_facts *f)
{
    static const int pair[STORY_CAMERA_COUNT] = {[STORY_PAN_LEFT] = STORY_PAN_RIGHT,
                                                 [STORY_PAN_RIGHT] = STORY_PAN_LEFT,
                                                 [STORY_ORBIT_LEFT] = STORY_ORBIT_RIGHT,
                                                 [STORY_ORBIT_RIGHT] = STORY_ORBIT_LEFT};

    if (pair[f->camera])
        f->camera = pair[f->camera];
}

int story_facts_equal(const struct story_facts *a, const struct story_facts *b)
{
    return !memcmp(a, b, sizeof *a); /* ints only: no padding */
}

int story_facts_agree(const struct story_facts *said, const struct story_facts *f)
{
    for (int s = 0; s < STORY_SLOT_COUNT; s++) {
        int value = story_fact_get(said, s);

        if (value && value != story_fact_get(f, s))
            return 0;
    }
    return 1;
}

void story_mirror(struct story *s)
{
    story_facts_mirror(&s->facts);
    s->mirror = !s->mirror;
}
