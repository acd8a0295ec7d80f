#include "measure/first_frame.h"

#include <math.h>
#include <stddef.h>

#include "measure/codec.h"

int first_frame_moment(int moment, int n)
{
    return moment == FIRST_MOMENTS - 1 ? n - 1 : n * (moment + 1) / 4;
}

double first_frame_psnr(const uint8_t *a, const uint8_t *b, int w, int h)
{
    size_t n = (size_t)w * (size_t)h * 3;
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    return fmin(codec_psnr(sum, (double)n), FIRST_MOST_DB);
}

void first_frame_look(struct first_frame *out, const uint8_t *film, const uint8_t *truth, int w,
                      int h, int n)
{
    size_t frame = (size_t)w * (size_t)h * 3;

    out->first = first_frame_psnr(film, truth, w, h);
    for (int k = 0; k < FIRST_MOMENTS; k++) {
        size_t at = frame * (size_t)first_frame_moment(k, n);

        out->truth[k] = first_frame_psnr(film + at, truth + at, w, h);
        out->own[k] = first_frame_psnr(film + at, film, w, h);
    }
}
