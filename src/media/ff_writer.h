/* ff_writer.h - inside media: what every film that FFmpeg encodes has: a part file that grows and
 * is held by one writer, an encoder of one thread, a muxer of one stream. FFmpeg's bit-exact flags:
 * the same frames give the same bytes, whether or not that thread is another than the caller's. */
#ifndef MEDIA_FF_WRITER_H
#define MEDIA_FF_WRITER_H

#include <stdint.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/dict.h>

#include "base/err.h"
#include "base/relay.h"
#include "media/ff_film_check.h"
#include "media/ff_audio.h"
#include "media/film.h"

enum { FF_FRAMES = 2 }; /* pictures of a writer apart: one is encoded while one is made */

struct ff_writer {
    char *path, *part, *comment; /* owned; comment NULL: none, or that of the part file */
    AVFormatContext *fmt;        /* of the part file; NULL until it is opened */
    AVCodecContext *enc;
    AVFrame *frame[FF_FRAMES]; /* the first alone, unless apart */
    AVPacket *pkt;
    struct relay *relay; /* owned: its thread encodes, and has fmt, enc, pkt and audio until the
                          * writer is together again; NULL: it is */
    int apart;
    struct ff_audio *audio; /* owned: goes into the part file beside the pictures; NULL: none */
    int64_t n;              /* frames taken */
    struct film_sum *sum;   /* what the encoder made is added to it; may be NULL */
    int hold;               /* the lock of the part file; below 0: none */
};

/* An option of FFmpeg's: name, value. */
typedef const char *const ff_option[2];

/* w is zero. Panics without memory, as all of these do for small things. apart: as of film_options.
 */
void ff_writer_init(struct ff_writer *w, const char *path, const char *part, int apart);
void ff_writer_release(struct ff_writer *w);
/* An encoder for films of o, not opened yet: size, rate, key frames, BT.709. */
void ff_writer_encoder(struct ff_writer *w, const AVCodec *codec, const struct film_options *o);
/* Opens it with n options of its own; `what` names it in errors. */
NODISCARD int ff_writer_open(struct ff_writer *w, const char *what, ff_option *options, size_t n,
                             struct err *e);
/* Takes the lock of the part file. */
NODISCARD int ff_writer_hold(struct ff_writer *w, struct err *e);
/* Pictures that the encoder is given, by the opened encoder. */
void ff_writer_frame(struct ff_writer *w);
/* A muxer of one stream like par, and of a track of sound unless audio is NULL; the header is
 * written. */
NODISCARD int ff_open_muxer(AVFormatContext **out, const char *format, const char *path,
                            const AVCodecParameters *par, AVRational time_base, AVRational rate,
                            const AVDictionary *metadata, struct ff_audio *audio,
                            ff_option *options, size_t n, struct err *e);
/* The same for the part file and the encoder. comment may be NULL. */
NODISCARD int ff_writer_open_part(struct ff_writer *w, const char *format, const char *comment,
                                  ff_option *options, size_t n, struct err *e);
/* One frame, rgb [h][w][3], into the part file sooner or later. */
NODISCARD int ff_writer_take(struct ff_writer *w, const uint8_t *rgb, struct err *e);
/* Waits until all that was taken is encoded. e may be NULL. */
int ff_writer_together(struct ff_writer *w, struct err *e);
/* Everything that was given becomes part of the part file, and the file is closed. */
int ff_writer_close(struct ff_writer *w, struct err *e);

#endif
