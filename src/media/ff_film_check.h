/* ff_film_check.h - is what stands in an mp4 what was given to be written?
 *
 * FFmpeg's muxers and x264 lose boxes, options and packets without a word when memory runs out in
 * them. So the packets of the encoder are summed up as they come, and a film is read back and
 * compared before it gets its name. Threads: a sum belongs to one. */
#ifndef MEDIA_FF_FILM_CHECK_H
#define MEDIA_FF_FILM_CHECK_H

#include <libavcodec/avcodec.h>

#include "base/err.h"
#include "base/hash.h"

struct film_sum {
    struct sha256 hash; /* of units, times and key frames */
    int64_t n;          /* packets */
};

void film_sum_init(struct film_sum *s);
/* A packet of H.264, its units behind start codes (as encoders give them) or behind their lengths
 * (as mp4 keeps them); both sum up to the same. Times count in frames. */
void film_sum_add(struct film_sum *s, const AVPacket *p, AVRational time_base, AVRational frame,
                  int lengths);
/* Does the file at path hold the n pictures that enc made and s was told of, and this comment
 * (NULL: any), and a track of sound or none? Else ERR_IO, or what FFmpeg failed with. Ends the sum.
 */
NODISCARD int film_sum_check(struct film_sum *s, const char *path, const AVCodecContext *enc,
                             int64_t n, int audio, const char *comment, struct err *e);

#endif
