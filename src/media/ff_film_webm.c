/* ff_film_webm.c - VP9 in WebM, written once: what is there plays at any moment.
 *
 * The file has its header with the first frame, so the recipe that it holds is the one of then. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "media/ff_writer.h"
#include "media/film_kind.h"

/* Frames that the encoder looks ahead; few, so that the part file is close behind the frames. */
#define LOOKAHEAD "12"
/* Bytes of a picture's pixels, times what libvpx keeps of them: sources that wait, references,
 * tables of the rate control. */
enum { KEPT = 12 + 8 + 10 };

static void webm_free(struct ff_writer *m)
{
    ff_writer_release(m);
    free(m);
}

static int open_encoder(struct ff_writer *m, const struct film_options *o, struct err *e)
{
    const AVCodec *codec = avcodec_find_encoder_by_name("libvpx-vp9");
    char crf[16];

    if (!codec)
        return err_set(e, ERR_IO, "%s: this FFmpeg has no VP9 encoder (libvpx); .mp4 is written",
                       m->path);
    ff_writer_encoder(m, codec, o);
    snprintf(crf, sizeof crf, "%d", o->crf * 5 / 6); /* 18 of x264 looks like 15 of VP9 */
    ff_option options[] = {
        {"crf", crf}, {"deadline", "good"}, {"cpu-used", "3"}, {"lag-in-frames", LOOKAHEAD}};
    return ff_writer_open(m, "VP9 encoder", options, sizeof options / sizeof *options, e);
}

static int webm_begin(void **state, const char *path, const struct film_options *o, struct err *e)
{
    struct ff_writer *m = xcalloc(1, sizeof *m);
    char *part = film_part_name(path);
    int rc;

    ff_writer_init(m, path, part, o->apart);
    free(part);
    m->comment = o->comment ? xstrdup(o->comment) : NULL;
    rc = open_encoder(m, o, e);
    if (!rc && o->audio)
        rc = ff_audio_open(&m->audio, o->audio, "webm", e);
    if (rc || (rc = ff_writer_hold(m, e))) {
        webm_free(m);
        return rc;
    }
    ff_writer_frame(m);
    *state = m;
    return 0;
}

static int webm_write(void *state, const uint8_t *rgb, struct err *e)
{
    struct ff_writer *m = state;
    int rc = m->fmt ? 0 : ff_writer_open_part(m, "webm", m->comment, NULL, 0, e);

    return rc ? rc : ff_writer_take(m, rgb, e);
}

static int webm_comment(void *state, const char *comment, struct err *e)
{
    struct ff_writer *m = state;

    (void)e;
    free(m->comment);
    m->comment = xstrdup(comment);
    return 0;
}

static int webm_finish(void *state, struct err *e)
{
    struct ff_writer *m = state;
    int rc =
        m->n ? ff_writer_close(m, e) : err_set(e, ERR_IO, "%s: not one frame was written", m->path);

    if (!rc)
        rc = film_place(m->part, m->path, e);
    webm_free(m);
    return rc;
}

static void webm_abort(void *state)
{
    struct ff_writer *m = state;

    if (m->fmt)
        (void)ff_writer_close(m, NULL); /* what cannot be written now is lost; the rest plays */
    else
        unlink(m->part);
    webm_free(m);
}

/* An estimate, other than of mp4: libvpx says nothing of what it keeps. */
static uint64_t webm_room(const struct film_options *o, int64_t n)
{
    (void)n;
    return (uint64_t)o->w * (uint64_t)o->h * 3 / 2 * (KEPT + (unsigned)o->apart) + (8 << 20);
}

const struct film_kind film_kind_webm = {webm_begin,  webm_write, webm_comment,
                                         webm_finish, webm_abort, webm_room};
