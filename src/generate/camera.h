/* camera.h - how the camera of a film moves, in words or numbers: "pan left, zoom in 5",
 * "tilt 3", "down_back", {"type": "simple", "config": {"pan": -5}}.
 *
 * Six axes with the names, signs and range of Kling's camera_control. What a value means is settled
 * here, for nobody says it: 5 is what the shipped model was taught to do in five seconds. Along the
 * picture 1 is CAMERA_SHIFT of its side in five seconds, of zoom CAMERA_GROWTH of its logarithm, of
 * roll CAMERA_TURN rad. Pure functions, any thread. */
#ifndef GENERATE_CAMERA_H
#define GENERATE_CAMERA_H

#include "base/buf.h"
#include "base/err.h"

/* Signs: right, up, right, up, clockwise (the picture turns the other way), wider. */
enum camera_axis {
    AXIS_HORIZONTAL,
    AXIS_VERTICAL,
    AXIS_PAN,
    AXIS_TILT,
    AXIS_ROLL,
    AXIS_ZOOM,
    N_AXES
};
#define CAMERA_MOST 10.0
#define CAMERA_USUAL 5.0
#define CAMERA_SPAN_S 5.0
#define CAMERA_SHIFT 0.08
#define CAMERA_GROWTH 0.112 /* log(1.75) / 5 */
#define CAMERA_TURN 0.157   /* 9 degrees */

struct camera {
    double axis[N_AXES];
    const char *word;  /* of the captions of our worlds, for the largest part; NULL: none says it */
    const char *aside; /* the same of an orbit or a drone beside moves along axes; or NULL */
    char phrase[200];  /* all of it in English; "" for a camera that is not asked for */
};

/* What a picture does while the camera moves: of itself, in a second. The world of a flat picture,
 * so `pan` is horizontal and pan together, `tilt` vertical and tilt. */
struct camera_rate {
    double pan, tilt; /* sides to the right, up */
    double zoom;      /* of the logarithm, + wider */
    double roll;      /* rad, + clockwise */
};

/* "" and "none": *c is empty. ERR_USAGE: one line with the part that is wrong and what is allowed.
 */
NODISCARD int camera_parse(struct camera *c, const char *text, struct err *e);
/* 1: text begins with a move of the table, so camera_parse is who reads it. */
int camera_knows(const char *text);
/* Is anything asked for? And of the picture, so that it has to move? */
int camera_asked(const struct camera *c);
int camera_moves(const struct camera *c);
struct camera_rate camera_rate_of(const struct camera *c);
/* The same in words of our worlds and how much of each, 1 being what it was taught as. At most
 * CAMERA_WORDS; the largest part is the first. */
enum { CAMERA_WORDS = 4 };
struct camera_words {
    const char *word[CAMERA_WORDS];
    double weight[CAMERA_WORDS];
    int n;
};
struct camera_words camera_words_of(const struct camera *c);
/* "pan left 5, zoom in 2": what camera_parse reads as the same axes. Appended. */
void camera_say(const struct camera *c, struct buf *out);

#endif
