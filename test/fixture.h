/* fixture.h - a complete model directory of random weights, small enough for any test. */
#ifndef TEST_FIXTURE_H
#define TEST_FIXTURE_H

#include "media/film.h"
#include "tensor/weight.h"

/* weight_set_allocate on the CPU, which cannot fail. */
void weights_on_cpu(struct weight_set *s, enum dtype type, int training);

/* Write it into dir (made when missing): 48x32 px, 9 frames at 8 per second, 4 steps, canonical
 * text, name "fixture". The same bytes every time. Prints and aborts when it cannot. */
void fixture_model(const char *dir);
/* The path, owned, of one of that name with upsamplers of the two scales (0: none), as initialised:
 * they repeat pixels. */
char *fixture_with_upsamplers(const char *name, int first, int second);
/* The folder of one that lives as long as the test program; made by the first call. */
const char *fixture_dir(void);

/* Weights on the CPU in f32, with the random values of a seed. */
void fixture_fill(struct weight_set *s, uint64_t seed);

/* A codec of 4 channels with fixed random weights, on the CPU in f32, as for training. */
struct tiny_vae;
void fixture_small_vae(struct tiny_vae *m);

/* Settings of a film that is soon drawn. */
#define FIXTURE_FILM "prompt", "a red ball", "seed", "3", "steps", "2", "frames", "5", "type", "f32"

/* plan_make of the model in dir with settings: name, value, ..., NULL. */
struct plan;
int fixture_plan(struct plan *p, struct err *e, const char *dir, const char *const *settings);
/* The same of a film of which there is a recipe, or NULL. */
int fixture_plan_again(struct plan *p, struct err *e, const char *dir, const char *recipe,
                       const char *const *settings);

int fixture_has_media(void);   /* 0: this build writes no mp4 */
void fixture_need_media(void); /* the test is skipped there */
/* Of a film of 16 frames per second that may be written again. */
struct film_options fixture_film_options(int w, int h);
/* Frame t of a square that moves over a gradient, so that frames differ: rgb [h][w][3]. */
void fixture_moving(uint8_t *rgb, int w, int h, int t);
/* The first n of them into a film that is open; a whole film of them. The test fails where they
 * cannot be written. */
void fixture_write_moving(struct film_writer *f, int w, int h, int n);
void fixture_write_film(const char *path, const struct film_options *o, int n);

#endif
