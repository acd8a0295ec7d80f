/* yuv.h - RGB24 to planar YUV and back, in integers, so that every machine gives the same bytes.
 *
 * Written films are always 4:2:0 in limited range; read films may be anything that struct
 * yuv_layout can say. Formulas: ITU-R BT.709-6 section 3 and BT.601-7 section 2.5. Pure functions,
 * any thread. */
#ifndef MEDIA_YUV_H
#define MEDIA_YUV_H

#include <stdint.h>

enum yuv_matrix { YUV_BT709, YUV_BT601 };
enum yuv_chroma { YUV_420, YUV_444, YUV_GREY };

struct yuv_layout {
    enum yuv_matrix matrix;
    enum yuv_chroma chroma;
    int full_range; /* 0..255 instead of 16..235 */
    int centred;    /* 4:2:0 samples in the middle of four pixels (JPEG), not at the left edge */
};

/* One picture of w x h pixels; chroma planes of 4:2:0 have (w+1)/2 x (h+1)/2 samples. */
struct yuv_planes {
    uint8_t *plane[3];
    int stride[3]; /* bytes from row to row */
};

/* rgb [h][w][3] tightly packed -> 4:2:0 limited range; of the layout count matrix and centred.
 * Within half a step of the formulas in chroma, three quarters in luma (yuv.c says why). */
void yuv_from_rgb(const struct yuv_planes *dst, const uint8_t *rgb, int w, int h,
                  const struct yuv_layout *layout);
/* Chroma is interpolated linearly between its samples. */
void yuv_to_rgb(uint8_t *rgb, const struct yuv_planes *src, const struct yuv_layout *layout, int w,
                int h);

#endif
