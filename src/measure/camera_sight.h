/* camera_sight.h - how the camera of a film moves, from its pixels alone.
 *
 * Frames a quarter of a second apart are laid over each other by the similarity (shift, scale,
 * turn) under which most of the picture agrees: Gauss-Newton on grey pictures from coarse to fine,
 * Tukey's weights, so what moves by itself counts little (Odobez and Bouthemy, "Robust
 * multiresolution estimation of parametric motion models", 1995). A turn of the camera and a way
 * along the picture look alike. Deterministic; a struct camera_sight belongs to one thread. */
#ifndef MEASURE_CAMERA_SIGHT_H
#define MEASURE_CAMERA_SIGHT_H

#include <stdint.h>

#include "base/buf.h"
#include "generate/camera.h"
#include "world/clip.h"

struct jsonw;

struct camera_sight;
struct camera_sight *camera_sight_new(int w, int h, double fps);
void camera_sight_free(struct camera_sight **s);
/* rgb [h][w][3]: the next frame; borrowed for the call. */
void camera_sight_add(struct camera_sight *s, const uint8_t *rgb);

struct camera_report {
    struct camera_rate all; /* mean over the film */
    double agrees;          /* share of the picture that moves so, 0..1 */
    int n_seconds;
    struct camera_rate *second; /* owned [n_seconds]: of each second, the last one may be short */
};
/* To be released. Of films shorter than a quarter of a second nothing is known: all is 0. */
void camera_report(const struct camera_sight *s, struct camera_report *out);
void camera_report_release(struct camera_report *r);

/* What the same would be for a true camera: of far points, so turns and lenses alone. view[n] at
 * frame / fps. */
struct camera_rate camera_true_rate(const struct view *view, int n, double fps);

/* Axes of a picture, in the units of camera.h. */
enum camera_look { LOOK_PAN, LOOK_TILT, LOOK_ZOOM, LOOK_ROLL, N_LOOKS };
extern const char *const camera_look_names[N_LOOKS];
double camera_look(const struct camera_rate *r, int look);
#define CAMERA_STILL 0.6 /* of these units: less is no movement */
/* Does every axis that `wish` asks for go to the right side, and of a camera that is to stand, none
 * to any? */
int camera_obeyed(const struct camera_rate *seen, const struct camera_rate *wish);
/* wish, true_rate: NULL where there is none. */
void camera_report_say(const struct camera_report *r, const struct camera_rate *wish,
                       const struct camera_rate *true_rate, struct buf *out);
void camera_report_json(const struct camera_report *r, const struct camera_rate *wish,
                        const struct camera_rate *true_rate, struct jsonw *w);

#endif
