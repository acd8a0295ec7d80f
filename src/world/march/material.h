/* material.h - what sixteen points are made of. */
#ifndef MARCH_MATERIAL_H
#define MARCH_MATERIAL_H

#include "world/march/vec.h"

struct material {
    struct p16 color; /* linear, 0..1 */
    v16 glow;         /* light of its own: color times this is added */
    v16 gloss;        /* 0 matt .. 1 a mirror with a sharp highlight */
    struct p16 add;   /* light that is added as it is */
};

/* Matt, without light of its own. */
static inline struct material material_of(struct p16 color)
{
    return (struct material){color, v_set(0), v_set(0), {v_set(0), v_set(0), v_set(0)}};
}

static inline void material_set(struct material *m, i16 where, struct p16 color, float glow,
                                float gloss)
{
    m->color = p_sel(where, color, m->color);
    m->glow = v_sel(where, v_set(glow), m->glow);
    m->gloss = v_sel(where, v_set(gloss), m->gloss);
}

#endif
