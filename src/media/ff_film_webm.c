/* ff_film_webm.c - VP9 in WebM, written once: what is there plays at any moment.
 *
 * The file has its header with the first frame, so the recipe that it holds is the one of then.
 * One encoder thread and FFmpeg's bit-exact flags: the same frames give the same bytes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavformat/avformat.h>
#include <libavutil/opt.h>

#include "media/ff_util.h"
#include "media/film_kind.h"
#include "media/yuv.h"

/* Frames that the encoder looks ahead; few, so that the part file is close behind the frames. */
#define LOOKAHEAD "12"
/* Bytes of a picture's pixels, times what libvpx keeps of them: sources that wait, references,
 * tables of the rate control. */
enum { KEPT = 12 + 8 + 10 };

struct webm {
    char *path, *part, *comment; /* owned */
    AVFormatContext *fmt;
    AVCodecContext *enc;
    AVFrame *frame;
    AVPacket *pkt;
    int64_t n;
    int hold; /* the lock of the part file; below 0: none */
};

static void webm_free(struct webm *m)
{
    if (m->fmt) {
        avio_closep(&m->fmt->pb);
        avformat_free_context(m->fmt);
    }
    avcodec_free_context(&m->enc);
    av_frame_free(&m->frame);
    av_packet_free(&m->pkt);
    if (m->hold >= 0)
        close(m->hold);
    free(m->path);
    free(m->part);
    free(m->comment);
    free(m);
}

static int open_encoder(struct webm *m, const struct film_options *o, struct err *e)
{
    const AVCodec *codec = avcodec_find_encoder_by_name("libvpx-vp9");
    char crf[16];
    int rc = 0;

    if (!codec)
        return err_set(e, ERR_IO, "%s: this FFmpeg has no VP9 encoder (libvpx); .mp4 is written",
                       m->path);
    if (!(m->enc = avcodec_alloc_context3(codec)))
        panic("out of memory");
    m->enc->width = o->w;
    m->enc->height = o->h;
    m->enc->time_base = (AVRational){o->fps_den, o->fps_num};
    m->enc->framerate = (AVRational){o->fps_num, o->fps_den};
    m->enc->gop_size = 2 * o->fps_num / o->fps_den + 1;
    m->enc->thread_count = 1;
    m->enc->flags |= AV_CODEC_FLAG_BITEXACT | AV_CODEC_FLAG_GLOBAL_HEADER;
    m->enc->log_level_offset = FF_QUIET;
    m->enc->pix_fmt = AV_PIX_FMT_YUV420P;
    m->enc->colorspace = AVCOL_SPC_BT709;
    m->enc->color_range = AVCOL_RANGE_MPEG;
    m->enc->color_primaries = AVCOL_PRI_BT709;
    m->enc->color_trc = AVCOL_TRC_BT709;
    snprintf(crf, sizeof crf, "%d", o->crf * 5 / 6); /* 18 of x264 looks like 15 of VP9 */
    const char *const options[][2] = {
        {"crf", crf}, {"deadline", "good"}, {"cpu-used", "3"}, {"lag-in-frames", LOOKAHEAD}};
    for (size_t i = 0; rc >= 0 && i < sizeof options / sizeof *options; i++)
        rc = av_opt_set(m->enc->priv_data, options[i][0], options[i][1], 0);
    if (rc >= 0)
        rc = avcodec_open2(m->enc, codec, NULL);
    return rc < 0 ? ff_error(e, ERR_IO, m->path, "VP9 encoder", rc) : 0;
}

static int webm_begin(void **state, const char *path, const struct film_options *o, struct err *e)
{
    struct webm *m = xcalloc(1, sizeof *m);
    int rc;

    m->path = xstrdup(path);
    m->part = film_part_name(path);
    m->comment = o->comment ? xstrdup(o->comment) : NULL;
    m->hold = -1;
    m->frame = av_frame_alloc();
    m->pkt = av_packet_alloc();
    if (!m->frame || !m->pkt)
        panic("out of memory");
    rc = open_encoder(m, o, e);
    if (!rc && (m->hold = film_hold_part(m->part, e)) < 0)
        rc = m->hold;
    if (rc) {
        webm_free(m);
        return rc;
    }
    m->frame->width = o->w;
    m->frame->height = o->h;
    m->frame->format = m->enc->pix_fmt;
    m->frame->colorspace = m->enc->colorspace;
    m->frame->color_range = m->enc->color_range;
    if (av_frame_get_buffer(m->frame, 0) < 0)
        panic("out of memory");
    *state = m;
    return 0;
}

static int open_part(struct webm *m, struct err *e)
{
    char *url = ff_url(m->part);
    AVStream *st;
    int rc = avformat_alloc_output_context2(&m->fmt, NULL, "webm", url);

    if (rc < 0 || !(st = avformat_new_stream(m->fmt, NULL)))
        panic("out of memory");
    if ((rc = avcodec_parameters_from_context(st->codecpar, m->enc)) >= 0)
        rc = avio_open(&m->fmt->pb, url, AVIO_FLAG_WRITE);
    free(url);
    st->time_base = m->enc->time_base;
    st->avg_frame_rate = m->enc->framerate;
    m->fmt->flags |= AVFMT_FLAG_BITEXACT | AVFMT_FLAG_FLUSH_PACKETS;
    if (rc >= 0 && m->comment)
        rc = ff_put_words(&m->fmt->metadata, m->comment);
    if (rc >= 0)
        rc = avformat_write_header(m->fmt, NULL);
    return rc < 0 ? ff_error(e, ERR_IO, m->part, "cannot write", rc) : 0;
}

/* frame NULL: drain the encoder. */
static int encode(struct webm *m, AVFrame *frame, struct err *e)
{
    int rc = avcodec_send_frame(m->enc, frame);

    while (rc >= 0) {
        rc = avcodec_receive_packet(m->enc, m->pkt);
        if (rc == AVERROR(EAGAIN) || rc == AVERROR_EOF)
            return 0;
        if (rc < 0)
            break;
        m->pkt->duration = 1;
        av_packet_rescale_ts(m->pkt, m->enc->time_base, m->fmt->streams[0]->time_base);
        if ((rc = av_write_frame(m->fmt, m->pkt)) >= 0)
            rc = m->fmt->pb->error;
        av_packet_unref(m->pkt);
    }
    return ff_error(e, ERR_IO, m->part, "cannot write", rc);
}

static int webm_write(void *state, const uint8_t *rgb, struct err *e)
{
    struct webm *m = state;
    AVFrame *f = m->frame;
    int rc = m->fmt ? 0 : open_part(m, e);

    if (rc)
        return rc;
    if (av_frame_make_writable(f) < 0)
        panic("out of memory");
    struct yuv_planes dst = {{f->data[0], f->data[1], f->data[2]},
                             {f->linesize[0], f->linesize[1], f->linesize[2]}};
    yuv_from_rgb(&dst, rgb, f->width, f->height, &(struct yuv_layout){.matrix = YUV_BT709});
    f->pts = m->n++;
    return encode(m, f, e);
}

static int webm_comment(void *state, const char *comment, struct err *e)
{
    struct webm *m = state;

    (void)e;
    free(m->comment);
    m->comment = xstrdup(comment);
    return 0;
}

static int close_part(struct webm *m, struct err *e)
{
    int rc = encode(m, NULL, e), end;

    if (!rc && (end = av_write_trailer(m->fmt)) < 0)
        rc = ff_error(e, ERR_IO, m->part, "cannot write", end);
    end = avio_closep(&m->fmt->pb);
    return !rc && end < 0 ? ff_error(e, ERR_IO, m->part, "cannot write", end) : rc;
}

static int webm_finish(void *state, struct err *e)
{
    struct webm *m = state;
    int rc = m->n ? close_part(m, e) : err_set(e, ERR_IO, "%s: not one frame was written", m->path);

    if (!rc)
        rc = film_place(m->part, m->path, e);
    webm_free(m);
    return rc;
}

static void webm_abort(void *state)
{
    struct webm *m = state;

    if (m->fmt)
        (void)close_part(m, NULL); /* what cannot be written now is lost; the rest plays */
    else
        unlink(m->part);
    webm_free(m);
}

/* An estimate, other than of mp4: libvpx says nothing of what it keeps. */
static uint64_t webm_room(const struct film_options *o, int64_t n)
{
    (void)n;
    return (uint64_t)o->w * (uint64_t)o->h * 3 / 2 * KEPT + (8 << 20);
}

const struct film_kind film_kind_webm = {webm_begin,  webm_write, webm_comment,
                                         webm_finish, webm_abort, webm_room};
