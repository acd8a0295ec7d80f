/* stage.h - a story made into what the marcher draws: where its subject stands and walks, where the
 * camera is, which light there is, and the place around.
 *
 * Everything follows from the story and the time; nothing is kept between frames.
 * Threads: pure functions of their arguments. */
#ifndef STORY_STAGE_H
#define STORY_STAGE_H

#include "world/march/march.h"
#include "world/story/facts.h"

enum { STAGE_DRAWS = 24 };

/* Angles in rad, lengths in m. Directions are from the subject, 0 = +x, counted against the clock
 * as seen from above. */
struct stage {
    struct story story;      /* facts as laid out: without the mirror */
    float draw[STAGE_DRAWS]; /* 0..1, from the seed */
    float aspect, tan_h;
    float look[4]; /* what is framed, relative to the root: x y z radius */
    float az, low; /* where the camera is in the middle of its way; least elevation */
    float elevation, dist;
    float root[3], heading;     /* of the subject at the start */
    float speed, circle;        /* its walk; radius of its round, 0: straight on */
    float eye_lo[3], eye_hi[3]; /* the camera stays inside, relative to the root */
};

void stage_init(struct stage *st, const struct story *s, double aspect);
/* One frame. Everything of *m is set. */
void stage_frame(const struct stage *st, double t_s, struct march *m);

/* Parts of it, in this order. */
void stage_place(struct stage *st);  /* place.c: where things are */
void stage_camera(struct stage *st); /* camera.c: the way of the camera */
void stage_view(const struct stage *st, double t_s, const float root[3], struct view *v);
void stage_light(const struct stage *st, struct march *m);   /* light.c: time and weather */
void stage_scenery(const struct stage *st, struct march *m); /* scenery.c: of the place */

/* Draw i scaled to lo..hi. */
static inline float stage_draw(const struct stage *st, int i, float lo, float hi)
{
    return lo + (hi - lo) * st->draw[i];
}
/* Of the line of the cliff: for somebody who stands there, a headland. */
static inline float stage_coast_phase(const struct stage *st)
{
    return st->story.facts.subject == STORY_NOBODY ? stage_draw(st, 7, 0, 6)
                                                   : stage_draw(st, 7, -1.85f, -1.25f);
}
/* The y of that line. */
float stage_coast(const struct stage *st, float x);
/* Half width of a spaceship's corridor. */
static inline float stage_ship_half(const struct stage *st)
{
    return st->dist * 0.42f > 1.5f ? st->dist * 0.42f : 1.5f;
}
/* The same bits with every C library. */
float stage_sin(float x);
float stage_cos(float x);

#endif
