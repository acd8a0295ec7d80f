/* measure_first_frame.h - films that are given the first picture of a scene: what is known of each,
 * and how it is said. */
#ifndef TOOL_MEASURE_FIRST_FRAME_H
#define TOOL_MEASURE_FIRST_FRAME_H

#include "measure/first_frame.h"
#include "measure_run.h"
#include "world/world.h"

enum { FIRST_SHAPES = 2 };

struct first_scene {
    struct first_frame of[SCORE_COLUMNS];
    double codec_alone; /* the picture through the codec, without a film behind it */
    int refused;        /* the film was drawn only because that was insisted on */
    int done;
};

struct first_run {
    const struct measure_args *args;
    zt_model *model;
    struct threads *threads;
    struct round_trip codec;
    struct worlds world[WORLDS_MAX]; /* each by itself */
    int w, h, frames, n, n_worlds;
    int64_t seed;
    double fps;
    char *dir; /* owned */
    struct first_scene *scene;
    FILE *log; /* NULL: without --out */
};

/* Scene i: each world in landscape, then in portrait. */
int first_world(const struct first_run *r, int i);
int first_on_end(const struct first_run *r, int i);
int first_has(const struct first_run *r, enum score_column c);
/* A scene, as a line of the log has it. */
void first_write_scene(const struct first_run *r, int i, struct jsonw *j);
/* On stdout, as tables or JSON. */
void first_print(const struct first_run *r);
void first_print_json(const struct first_run *r);

#endif
