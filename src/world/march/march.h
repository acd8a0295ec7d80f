/* march.h - one picture of a story by rays: flat things in closed form, round ones by stepping
 * along their distance functions, sixteen rays at a time.
 *
 * A frame is described in full by struct march, plain data that scalar code fills; places and
 * figures add the text that runs per ray (story/place.inc, story/figure.inc). One sample per pixel;
 * pixels on an edge or with a sharp step of brightness are sampled twice more.
 *
 * World: metres, z up. Linear light; 1 is white in the sun.
 * Threads: pure, one frame per call; scratch memory is the caller's. */
#ifndef MARCH_MARCH_H
#define MARCH_MARCH_H

#include <stddef.h>
#include <stdint.h>

#include "world/scene.h"
#include "world/story/figure.h"

enum { MARCH_THINGS = 16, MARCH_BOXES = 40, MARCH_LAMPS = 3, MARCH_PAR = 24 };

/* Kinds of things of places. Trees differ: THING_TREE + i. */
enum {
    THING_SPACESHIP,
    THING_CLIFF,
    THING_ISLET,
    THING_TOWER,
    THING_CLOUD,
    THING_LAMP,
    THING_TREE
};

/* What a ray met, kept per pixel. Numbers from MARCH_FLAT on are surfaces in closed form, each
 * place has its own. */
enum {
    MARCH_SKY = 0,
    MARCH_THING = 1,
    MARCH_FLAT = 32,
    MARCH_FLOOR = 32,
    MARCH_BOX = 40,
    MARCH_WHATS = 64
};

/* Has a distance function; all of it lies in the sphere. */
struct march_thing {
    int kind; /* >= 0: the place's own; -1-i: figure i */
    int id;   /* in the id map */
    float center[3], radius;
    float top;  /* rays need not look for it above */
    int shades; /* casts shadows */
};

struct march_box {
    float lo[3], hi[3];
    int what; /* MARCH_BOX + the place's number of its material */
};

struct march_lamp {
    float at[3], rgb[3]; /* light at a distance of 1 m */
};

struct march {
    int place, style;
    float time; /* s */
    float dent; /* size of thumb marks in clay, m */
    struct view view;
    float root[3], yaw_cos, yaw_sin; /* figure space: turned, then moved to root */
    int n_figures, n_things, n_boxes, n_lamps;
    struct figure figure[FIGURES_MAX];
    struct march_thing thing[MARCH_THINGS];
    struct march_box box[MARCH_BOXES];
    struct march_lamp lamp[MARCH_LAMPS];
    float sun[3], sun_rgb[3];              /* unit vector towards it */
    float ambient[3], bounce[3];           /* from above, from below */
    float sky_top[3], sky_low[3], disc[3]; /* sky, and the glow around the sun */
    float stars;                           /* 0..1 */
    float lamp_shadow;     /* lamp 0 casts shadows, but not closer to it than this; 0: none */
    float fog, fog_rgb[3]; /* per m */
    float planet[3], planet_side[3]; /* towards it; across it, level; unit vectors */
    float planet_size, number;       /* half its width, rad; of the random ground */
    float cloud_rgb[3];
    float hall_lo[3], hall_hi[3]; /* inside of a room, hall or corridor */
    float net_x, net_y, net_half; /* a net across x = net_x; below -900: none */
    float wet, snow, rain;        /* 0..1 */
    float flakes[3];              /* colour of what falls */
    float par[MARCH_PAR];         /* of the place, drawn from the seed */
};

/* Bytes of scratch for pictures of w x h. */
#define MARCH_SCRATCH_BYTES(w, h)                                                                  \
    ((size_t)(w) * (size_t)(h) * (6 * sizeof(float) + sizeof(int) + 2))
/* The code for one instruction set; all give the same bits. */
struct march_code {
    /* rgb [h][w][3] sRGB, ids [h][w] of the pixel centres. */
    void (*frame)(const struct march *m, int w, int h, void *scratch, uint8_t *rgb, uint8_t *ids);
    /* Pixels that the things of this id would cover alone, were the picture endless. */
    double (*area)(const struct march *m, int id, int h);
};
const struct march_code *march_best(void);
/* "c", "avx2", "avx512"; NULL when it cannot run here. */
const struct march_code *march_named(const char *name);

#endif
