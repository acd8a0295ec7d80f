/* joins.h - is a film of several windows one film? What changes where windows meet, what drifts
 * from the first second to the last, and whether it stands still.
 *
 * Frames are looked at one after the other, at most 224 px wide, in CIE L*a*b* (D65; distances are
 * those of 1976), and kept as a few numbers each, so a long film takes no more memory than that.
 * Motion is what changes within an eighth of a second, for films repeat frames that a model drew at
 * 8 per second. Threads: a struct joins belongs to one thread. */
#ifndef MEASURE_JOINS_H
#define MEASURE_JOINS_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct jsonw;

struct joins;
/* Of a film of w x h px, fps frames per second. */
struct joins *joins_new(int w, int h, double fps);
void joins_free(struct joins **j);
/* rgb [h][w][3]: the next frame; borrowed for the call. */
void joins_add(struct joins *j, const uint8_t *rgb);
/* Most bytes that one of n frames holds. */
uint64_t joins_bytes(int w, int h, double fps, int64_t n);

/* Half a second before a join against half a second behind it. */
struct join {
    int frame;        /* of the film, the first one behind it */
    double color;     /* distance of the mean colours */
    double luminance; /* how much brighter it becomes, in L* */
    double sharpness; /* mean gradient behind / before */
    double motion;    /* median motion behind / before; 0: nothing moved before */
    double jump;      /* most motion across the join / most of that around it (a latent frame of
                       * a codec may begin with a step everywhere); 0: nothing moves there */
};

struct joins_report {
    int n;
    struct join *join; /* owned [n] */
    struct {           /* per minute, of the straight line through all frames */
        double color, luminance, sharpness, motion; /* the latter two: shares of their mean */
    } slope;
    double quality; /* last seconds against the first, 0..1: of sharpness, contrast and
                     * colourfulness, whichever way they went (geometric mean) */
    double motion;  /* median over the film */
    double flat;    /* share of frames of one colour, such as black ones (contrast below 0.5 L*) */
    double still_s, still_at_s; /* the longest time in which nothing moves, and when it begins */
};
/* frame[n]: film frames that begin a window, ascending; those without a frame before or behind them
 * are left out. To be released. */
void joins_report(const struct joins *j, const int *frame, int n, struct joins_report *out);
void joins_report_release(struct joins_report *r);
/* For people, lines; as fields of an open JSON object. */
void joins_say(const struct joins_report *r, double fps, struct buf *out);
void joins_json(const struct joins_report *r, struct jsonw *w);
/* "41,73" -> a list of ascending numbers, the caller's, NULL when it is none (or empty). */
int *joins_parse(const char *text, int *n);

#endif
