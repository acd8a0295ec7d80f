/* measure_run.h - fills the columns of a score: renders, codec, model. */
#ifndef TOOL_MEASURE_RUN_H
#define TOOL_MEASURE_RUN_H

#include "base/thread.h"
#include "measure/score.h"
#include "world/world.h"
#include "zoetrope.h"

struct measure_args {
    const char *prompts, *model, *out, *expect, *against;
    const char *steps, *guidance, *frames, *type; /* of generation; NULL: the model's */
    const char *guidance_from, *guidance_to, *sampler, *shift, *stagger;
    const char *device, *threads, *size, *at, *request;
    const char *seed;
    const char *extend;        /* no option: what measure_velocity has films go on from */
    const char *given, *force; /* no options: the picture of measure_first_frame; "yes" */
    int column[SCORE_COLUMNS]; /* 1: wanted */
    int64_t count, fit;
    int json, exchange, pictures, joins, stories, press, camera, velocity, first_frame;
};

/* The frames of one film; rgb is the caller's. */
struct caught {
    uint8_t *rgb;
    int w, h, n;
};

/* A size that the model says (m may be NULL), or what is used without. */
int measure_size(const zt_model *m, const char *key, int fallback);
/* All worlds of a set (world_bit; none: the first) in equal shares, each by its default mix. */
void measure_worlds(struct worlds *w, unsigned set);
/* As many threads as a->threads says, or the machine has; the caller's. ERR_USAGE. */
NODISCARD int measure_threads(struct threads **t, const struct measure_args *a, struct err *e);
/* What of a decides how films are drawn, for the settings of a log (measure/film_log.h). */
struct jsonw;
void measure_settings(struct jsonw *j, const struct measure_args *a);
/* Runs those of 0..n-1 that are not done, with a line of progress. ERR_CANCEL when it is
 * interrupted. */
NODISCARD int measure_each(const char *label, int n, int (*is_done)(const void *user, int i),
                           int (*run)(void *user, int i, struct err *e), void *user, struct err *e);
/* Generate a film of text by the settings of a; c is empty before. */
NODISCARD int measure_generate(const struct measure_args *a, zt_model *model, const char *text,
                               int seed, struct caught *c, struct err *e);
/* Films of captions and of the same with their two things exchanged, from the same seed: how many
 * differ. A model that reads a bag of words makes the same film twice. */
NODISCARD int measure_exchange(const struct measure_args *a, struct err *e);
/* What codec and upsamplers do to pictures of all worlds of the model: errors and widths of edges
 * against renders, at the size of the film. ERR_CANCEL, and what the model's files say. */
NODISCARD int measure_pictures(const struct measure_args *a, struct err *e);
/* Films of sentences about stories, or of the six prompts of the press, before a probe that is
 * trained first: how often they show what the words say. a->out: also a page to look at. */
NODISCARD int measure_stories(const struct measure_args *a, struct err *e);
/* What changes where the windows of a film meet, and what drifts, on stdout. ERR_USAGE: a->at. */
NODISCARD int measure_joins(const struct measure_args *a, const char *path, struct err *e);
/* How the camera of a film moves, on stdout. ERR_CHECK: not as a->request says. */
NODISCARD int measure_camera(const struct measure_args *a, const char *path, struct err *e);
/* Films that go on from true frames of a ball, beside renders, codec and two nulls: how far their
 * velocity is from the true one. ERR_USAGE: a->frames, a->threads. */
NODISCARD int measure_velocity(const struct measure_args *a, struct err *e);
/* Films that are given the first picture of a scene of each world of the model: how much of it is
 * left in their first frame, beside the codec alone, and how they go on. ERR_USAGE: a->frames,
 * a->seed, a->threads. */
NODISCARD int measure_first_frame(const struct measure_args *a, struct err *e);
/* ERR_USAGE unless c has the size and the frames of a clip that it is held against. */
NODISCARD int measure_caught_fits(const struct caught *c, const struct clip *clip, struct err *e);
/* Measure a prompt list. Returns 0 or a negative code; an interrupted run prints what it has. */
NODISCARD int measure_list(const struct measure_args *a, struct err *e);

#endif
