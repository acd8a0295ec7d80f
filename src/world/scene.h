/* scene.h - one scene: facts made into bodies, a camera and a light. Plain data, copied freely.
 *
 * World: metres and seconds, x to the right, y away from the viewer, z up, floor at z = 0. The
 * layout is made for movement to the right; movement to the left is the same scene seen in a
 * mirror, which balances the two exactly. The bodies in struct scene are those before the mirror;
 * facts, light and camera are what is seen.
 *
 * Threads: pure functions of their arguments. */
#ifndef WORLD_SCENE_H
#define WORLD_SCENE_H

#include <stdint.h>

#include "world/clip.h"
#include "world/facts.h"

enum { PRIM_SPHERE, PRIM_BOX, PRIM_CYLINDER, PRIM_CONE }; /* axis of the last two: local z */
enum { WORLD_MAX_BODIES = 12, WORLD_DOMINOES = 5 };
#define WORLD_GRAVITY                                                                              \
    5.0 /* m/s^2: bodies are man-high, and eight pictures a second shall show a fall */

enum body_role {
    BODY_STANDS, /* never moves */
    BODY_GLIDES, /* straight and even, slows down over the last quarter of its way; no contacts */
    BODY_FREE    /* moved by the physics engine */
};

struct body {
    int prim;
    enum body_role role;
    int object;      /* 1..n: which object it belongs to; 0: scenery */
    int id;          /* in the id map: the object, or n_objects + 1 for scenery */
    float half[3];   /* box: half sizes; sphere: radius; cylinder, cone: radius, -, half height */
    float pos[3];    /* centre at the start, m */
    float yaw, tilt; /* rotation about z, then about the turned y axis, rad */
    float vel[3];    /* m/s at the start */
    float way;       /* of a glider, m */
    float mass, friction, bounce;
    int upright;  /* free and without friction: stays as it stands until something stops it */
    float rgb[3]; /* linear, 0..1 */
    int shiny;
};

struct scene {
    struct facts facts; /* complete, as seen */
    uint64_t seed;
    float aspect; /* w / h that the layout was made for */
    int mirror;   /* bodies and floor are to be mirrored */
    int n_bodies, n_objects;
    struct body body[WORLD_MAX_BODIES];
    float light[3];            /* unit vector towards the light */
    float floor[3], floor2[3]; /* linear colours; equal unless checkered */
};

/* A scene by mix (NULL: the default), all facts drawn. aspect = w/h, 0 for 16:9. */
void scene_sample(struct scene *s, uint64_t seed, const struct world_mix *mix, double aspect);
/* A scene in which these facts hold; what is unsaid is drawn from the seed (facts_complete). */
void scene_from_facts(struct scene *s, const struct facts *f, uint64_t seed, double aspect);
/* The same scene with left and right exchanged; pictures are mirrored up to rounding. */
void scene_mirror(struct scene *s);
/* The camera at time t_s for pictures of this w/h. */
void scene_view(const struct scene *s, double t_s, double aspect, struct view *v);
/* Picture coordinates of a world point: x, y in 0..1 (outside the frame beyond), returns its depth.
 */
float view_project(const struct view *v, const float p[3], float *x, float *y);
/* Centre and radius of an object in pixels of a picture w x h, from those in the world. */
void view_locate(const struct view *v, int w, int h, struct clip_object *o);

#endif
