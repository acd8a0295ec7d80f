/* figure_kinds.h - the bodies and the things in their hands; for the figures alone.
 *
 * Threads: pure functions of their arguments. */
#ifndef STORY_FIGURE_KINDS_H
#define STORY_FIGURE_KINDS_H

#include "world/story/figure_pose.h"

struct cast {
    const struct story *story;
    double t_s, early; /* early: 0..1, where cycles begin */
    const struct build *build;
    struct joints j;
};

/* Bones of each subject (STORY_WOMAN, ...). */
const struct build *figure_build(int subject);
void figure_woman(const struct cast *c, struct figure *f);
void figure_girl(const struct cast *c, struct figure *f);
void figure_reader(const struct cast *c, struct figure *f);
void figure_astronaut(const struct cast *c, struct figure *f);
void figure_monster(const struct cast *c, struct figure *f);

/* A candle that stands at `at`, of this height without its flame. */
void figure_candle(const struct cast *c, struct vec at, float height, struct figure *f);
/* An open book, its spine at `at` along a->z, its pages towards -a->x; or closed. */
void figure_book(const struct cast *c, struct vec at, const struct axes *a, float size, int open,
                 struct figure *f);
/* Gripped at `at`, pointing along `to`, its strings facing `face` as well as they can. */
void figure_racket(const struct cast *c, struct vec at, struct vec to, struct vec face,
                   struct figure *f);
/* The middle of the strings of such a racket. */
struct vec figure_racket_head(struct vec at, struct vec to);
void figure_shuttlecock(struct vec at, struct vec to, struct figure *f);
/* Where it flies, hit at `hit` every PLAY_MS: part 0..1 of that time; to: where its cork is. */
struct vec figure_shuttlecock_path(struct vec hit, double part, struct vec *to);

#endif
