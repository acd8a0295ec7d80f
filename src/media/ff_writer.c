#include "media/ff_writer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavutil/opt.h>

#include "media/ff_util.h"
#include "media/film_kind.h"
#include "media/yuv.h"

void ff_writer_init(struct ff_writer *w, const char *path, const char *part, int apart)
{
    w->path = xstrdup(path);
    w->part = xstrdup(part);
    w->hold = -1;
    w->apart = apart;
    w->pkt = av_packet_alloc();
    for (int i = 0; i < FF_FRAMES; i++)
        if (!w->pkt || !(w->frame[i] = av_frame_alloc()))
            panic("out of memory");
}

int ff_writer_together(struct ff_writer *w, struct err *e)
{
    struct err own;

    return relay_end(&w->relay, e ? e : &own);
}

void ff_writer_release(struct ff_writer *w)
{
    (void)ff_writer_together(w, NULL);
    if (w->fmt) {
        avio_closep(&w->fmt->pb);
        avformat_free_context(w->fmt);
    }
    ff_audio_free(&w->audio);
    avcodec_free_context(&w->enc);
    for (int i = 0; i < FF_FRAMES; i++)
        av_frame_free(&w->frame[i]);
    av_packet_free(&w->pkt);
    if (w->hold >= 0)
        close(w->hold);
    free(w->path);
    free(w->part);
    free(w->comment);
}

void ff_writer_encoder(struct ff_writer *w, const AVCodec *codec, const struct film_options *o)
{
    if (!(w->enc = avcodec_alloc_context3(codec)))
        panic("out of memory");
    w->enc->width = o->w;
    w->enc->height = o->h;
    w->enc->time_base = (AVRational){o->fps_den, o->fps_num};
    w->enc->framerate = (AVRational){o->fps_num, o->fps_den};
    w->enc->gop_size = 2 * o->fps_num / o->fps_den + 1; /* players seek to key frames */
    w->enc->thread_count = 1;
    w->enc->flags |= AV_CODEC_FLAG_BITEXACT | AV_CODEC_FLAG_GLOBAL_HEADER;
    w->enc->log_level_offset = FF_QUIET;
    w->enc->pix_fmt = AV_PIX_FMT_YUV420P;
    w->enc->colorspace = AVCOL_SPC_BT709;
    w->enc->color_range = AVCOL_RANGE_MPEG;
    w->enc->color_primaries = AVCOL_PRI_BT709;
    w->enc->color_trc = AVCOL_TRC_BT709;
}

int ff_writer_open(struct ff_writer *w, const char *what, ff_option *options, size_t n,
                   struct err *e)
{
    int rc = 0;

    /* Not by a dictionary: FFmpeg goes on without what it could not copy of one. */
    for (size_t i = 0; rc >= 0 && i < n; i++)
        rc = av_opt_set(w->enc->priv_data, options[i][0], options[i][1], 0);
    if (rc >= 0)
        rc = avcodec_open2(w->enc, w->enc->codec, NULL);
    return rc < 0 ? ff_error(e, ERR_IO, w->path, what, rc) : 0;
}

int ff_writer_hold(struct ff_writer *w, struct err *e)
{
    w->hold = film_hold_part(w->part, e);
    return w->hold < 0 ? w->hold : 0;
}

void ff_writer_frame(struct ff_writer *w)
{
    for (int i = 0; i < (w->apart ? FF_FRAMES : 1); i++) {
        AVFrame *f = w->frame[i];

        f->width = w->enc->width;
        f->height = w->enc->height;
        f->format = w->enc->pix_fmt;
        f->colorspace = w->enc->colorspace;
        f->color_range = w->enc->color_range;
        if (av_frame_get_buffer(f, 0) < 0)
            panic("out of memory");
    }
}

int ff_open_muxer(AVFormatContext **out, const char *format, const char *path,
                  const AVCodecParameters *par, AVRational time_base, AVRational rate,
                  const AVDictionary *metadata, struct ff_audio *audio, ff_option *options,
                  size_t n, struct err *e)
{
    AVFormatContext *fmt = NULL;
    char *url = ff_url(path);
    AVStream *st;
    int rc = avformat_alloc_output_context2(&fmt, NULL, format, url);

    if (rc < 0 || !(st = avformat_new_stream(fmt, NULL)))
        panic("out of memory");
    if ((rc = avcodec_parameters_copy(st->codecpar, par)) >= 0)
        rc = avio_open(&fmt->pb, url, AVIO_FLAG_WRITE);
    free(url);
    if (rc >= 0) {
        st->codecpar->codec_tag = 0;
        st->time_base = time_base;
        st->avg_frame_rate = rate;
        if (audio)
            ff_audio_stream(audio, fmt);
        fmt->flags |= AVFMT_FLAG_BITEXACT | AVFMT_FLAG_FLUSH_PACKETS;
        rc = av_dict_copy(&fmt->metadata, metadata, 0);
    }
    for (size_t i = 0; rc >= 0 && i < n; i++)
        rc = av_opt_set(fmt->priv_data, options[i][0], options[i][1], 0);
    if (rc >= 0)
        rc = avformat_write_header(fmt, NULL);
    if (rc < 0) {
        avio_closep(&fmt->pb);
        avformat_free_context(fmt);
        return ff_error(e, ERR_IO, path, "cannot write", rc);
    }
    *out = fmt;
    return 0;
}

int ff_writer_open_part(struct ff_writer *w, const char *format, const char *comment,
                        ff_option *options, size_t n, struct err *e)
{
    AVCodecParameters *par = avcodec_parameters_alloc();
    AVDictionary *metadata = NULL;
    int rc;

    if (!par || avcodec_parameters_from_context(par, w->enc) < 0)
        panic("out of memory");
    if (comment && ff_put_words(&metadata, comment) < 0)
        panic("out of memory: a comment of %zu bytes", strlen(comment));
    rc = ff_open_muxer(&w->fmt, format, w->part, par, w->enc->time_base, w->enc->framerate,
                       metadata, w->audio, options, n, e);
    av_dict_free(&metadata);
    avcodec_parameters_free(&par);
    return rc;
}

/* frame NULL: drain the encoder. */
static int encode(struct ff_writer *w, AVFrame *frame, struct err *e)
{
    int rc = avcodec_send_frame(w->enc, frame);

    while (rc >= 0) {
        rc = avcodec_receive_packet(w->enc, w->pkt);
        if (rc == AVERROR(EAGAIN) || rc == AVERROR_EOF)
            return 0;
        if (rc < 0)
            break;
        w->pkt->duration = 1;
        if (w->sum)
            film_sum_add(w->sum, w->pkt, w->enc->time_base, w->enc->time_base, 0);
        rc = w->audio ? ff_audio_write(w->audio, w->fmt,
                                       (double)w->pkt->pts * av_q2d(w->enc->time_base), 0, e)
                      : 0;
        if (rc)
            return rc;
        av_packet_rescale_ts(w->pkt, w->enc->time_base, w->fmt->streams[0]->time_base);
        if ((rc = av_write_frame(w->fmt, w->pkt)) >= 0)
            rc = w->fmt->pb->error;
        av_packet_unref(w->pkt);
    }
    return ff_error(e, ERR_IO, w->part, "cannot write", rc);
}

static void fill(AVFrame *f, const uint8_t *rgb)
{
    if (av_frame_make_writable(f) < 0)
        panic("out of memory");
    if (f->format == AV_PIX_FMT_RGB24) {
        for (int y = 0; y < f->height; y++)
            memcpy(f->data[0] + (size_t)y * f->linesize[0], rgb + (size_t)y * f->width * 3,
                   (size_t)f->width * 3);
    } else {
        struct yuv_planes dst = {{f->data[0], f->data[1], f->data[2]},
                                 {f->linesize[0], f->linesize[1], f->linesize[2]}};

        yuv_from_rgb(&dst, rgb, f->width, f->height, &(struct yuv_layout){.matrix = YUV_BT709});
    }
}

static int take_passed(void *arg, void *thing, struct err *e)
{
    return encode(arg, *(AVFrame **)thing, e);
}

int ff_writer_take(struct ff_writer *w, const uint8_t *rgb, struct err *e)
{
    AVFrame *f = w->frame[w->apart ? w->n % FF_FRAMES : 0], **passed = NULL;

    if (w->apart && !w->relay && relay_new(&w->relay, FF_FRAMES, sizeof f, take_passed, w, e))
        return e->code;
    if (w->apart && !(passed = relay_room(w->relay)))
        return ff_writer_together(w, e);
    fill(f, rgb);
    f->pts = w->n++;
    if (!passed)
        return encode(w, f, e);
    *passed = f;
    relay_pass(w->relay);
    return 0;
}

int ff_writer_close(struct ff_writer *w, struct err *e)
{
    int failed = ff_writer_together(w, e), rc = encode(w, NULL, failed ? NULL : e), end;

    rc = failed ? failed : rc;

    if (!rc && w->audio)
        rc = ff_audio_write(w->audio, w->fmt, (double)w->n * av_q2d(w->enc->time_base), 1, e);
    if (!rc && (end = av_write_trailer(w->fmt)) < 0)
        rc = ff_error(e, ERR_IO, w->part, "cannot write", end);
    end = avio_closep(&w->fmt->pb);
    return !rc && end < 0 ? ff_error(e, ERR_IO, w->part, "cannot write", end) : rc;
}
