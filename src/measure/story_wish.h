/* story_wish.h - sentences about stories, with what they say, and how often films show it.
 *
 * Only what a sentence says counts: "a girl plays badminton" is right in any weather. */
#ifndef MEASURE_STORY_WISH_H
#define MEASURE_STORY_WISH_H

#include "measure/probe.h"
#include "world/lexicon.h"

struct story_wish {
    struct story story; /* a clip of which it is all true */
    struct story_facts said;
    enum lang lang;
    int held_out; /* training never says it so */
    int family;   /* of the press's prompts, else -1 */
    int w, h;     /* of its film */
    int seed;     /* with which it is drawn */
    char *text;   /* UTF-8, owned by the list */
};

struct story_wishes {
    struct story_wish *item; /* owned */
    int n;
};

/* n everyday sentences about scenes of all families, four for each scene and drawn with one seed,
 * so that what parts them is the words: English and Chinese, as training may say it and as it never
 * does. */
void story_wishes_sample(struct story_wishes *l, int n, uint64_t seed, int w, int h);
/* The six prompts of the press and n - 1 held-out ways to say each, in both languages; the even
 * ones w x h, the odd ones on end. */
void story_wishes_press(struct story_wishes *l, int n, uint64_t seed, int w, int h);
void story_wishes_release(struct story_wishes *l);

/* Films of a list, or a part of one. The last is of subject, place and colour, as far as said. */
enum { STORY_ALL = STORY_SLOT_COUNT, STORY_COUNTS };
struct story_tally {
    double asked[STORY_COUNTS], right[STORY_COUNTS];
};
void story_tally_add(struct story_tally *t, const struct story_wish *w,
                     const struct probe_sight *s);
/* Share of what the sentence says that is seen; -1 when it says nothing that is judged. */
double story_share(const struct story_wish *w, const struct probe_sight *s);

#endif
