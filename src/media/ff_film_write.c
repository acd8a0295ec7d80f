/* ff_film_write.c - H.264 in mp4: fragments while it grows, one index in front when it is done.
 *
 * One encoder thread and FFmpeg's bit-exact flags: the same frames give the same bytes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pthread.h>

#include <libavformat/avformat.h>
#include <libavutil/opt.h>

#include "base/machine.h"
#include "media/ff_film_check.h"
#include "media/ff_util.h"
#include "media/film_kind.h"
#include "media/x264_room.h"
#include "media/yuv.h"

struct mp4 {
    char *path, *part;
    AVFormatContext *fmt;
    AVCodecContext *enc;
    AVFrame *frame;
    AVPacket *pkt;
    AVRational rate;     /* frames per second */
    char *comment;       /* owned; NULL: that of the part file */
    int64_t n;           /* frames taken */
    struct film_sum sum; /* of what the encoder made of them */
    int lossless;
    int hold; /* the lock of the part file; below 0: none */
};

static void mp4_free(struct mp4 *m)
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

static void set_colours(AVCodecContext *enc, int lossless)
{
    enc->pix_fmt = lossless ? AV_PIX_FMT_RGB24 : AV_PIX_FMT_YUV420P;
    enc->colorspace = lossless ? AVCOL_SPC_RGB : AVCOL_SPC_BT709;
    enc->color_range = lossless ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    enc->color_primaries = AVCOL_PRI_BT709;
    enc->color_trc = AVCOL_TRC_BT709;
    enc->chroma_sample_location = lossless ? AVCHROMA_LOC_UNSPECIFIED : AVCHROMA_LOC_LEFT;
}

static int open_encoder(struct mp4 *m, const struct film_options *o, struct err *e)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(o->lossless ? "libx264rgb" : "libx264");
    char crf[16], ahead[16];
    int rc;

    if (!codec)
        return err_set(e, ERR_IO,
                       "%s: this FFmpeg has no x264 encoder; write .y4m and encode it elsewhere",
                       m->path);
    if (!(m->enc = avcodec_alloc_context3(codec)))
        panic("out of memory");
    m->enc->width = o->w;
    m->enc->height = o->h;
    m->enc->time_base = (AVRational){o->fps_den, o->fps_num};
    m->rate = m->enc->framerate = (AVRational){o->fps_num, o->fps_den};
    m->enc->gop_size = 2 * o->fps_num / o->fps_den + 1; /* players seek to key frames */
    m->enc->thread_count = 1;
    m->enc->flags |= AV_CODEC_FLAG_BITEXACT | AV_CODEC_FLAG_GLOBAL_HEADER;
    m->enc->log_level_offset = FF_QUIET;
    set_colours(m->enc, o->lossless);
    snprintf(crf, sizeof crf, "%d", o->crf);
    snprintf(ahead, sizeof ahead, "%d", X264_LOOKAHEAD);
    const char *const options[][2] = {
        {"preset", "medium"},
        {o->lossless ? "qp" : "crf", o->lossless ? "0" : crf},
        /* A short look ahead keeps the part file close behind the frames. */
        {"rc-lookahead", ahead},
        /* Flat colours are what people compare: finer chroma, for a few per cent more bytes. And
         * the same bytes on every CPU: x264's AVX-512 rate control depends on memory that nobody
         * has set. */
        {"x264-params",
         o->lossless ? "cpu-independent=1" : "cpu-independent=1:chroma-qp-offset=-8"},
    };
    /* Not by a dictionary: FFmpeg goes on without what it could not copy of one. */
    rc = 0;
    for (size_t i = 0; rc >= 0 && i < sizeof options / sizeof *options; i++)
        rc = av_opt_set(m->enc->priv_data, options[i][0], options[i][1], 0);
    if (rc >= 0)
        rc = avcodec_open2(m->enc, codec, NULL);
    return rc < 0 ? ff_error(e, ERR_IO, m->path, "H.264 encoder", rc) : 0;
}

static void put_comment(AVDictionary **metadata, const char *comment)
{
    if (ff_put_words(metadata, comment) < 0)
        panic("out of memory: a comment of %zu bytes", strlen(comment));
}

/* An output context with one stream like par and one muxer option; the header is written. */
static int open_muxer(AVFormatContext **out, const char *path, const AVCodecParameters *par,
                      AVRational time_base, AVRational rate, const AVDictionary *metadata,
                      const char *option, const char *value, struct err *e)
{
    AVFormatContext *fmt = NULL;
    char *url = ff_url(path);
    AVStream *st;
    int rc = avformat_alloc_output_context2(&fmt, NULL, "mp4", url);

    if (rc < 0 || !(st = avformat_new_stream(fmt, NULL)))
        panic("out of memory");
    if ((rc = avcodec_parameters_copy(st->codecpar, par)) >= 0)
        rc = avio_open(&fmt->pb, url, AVIO_FLAG_WRITE);
    free(url);
    if (rc >= 0) {
        st->codecpar->codec_tag = 0;
        st->time_base = time_base;
        st->avg_frame_rate = rate;
        fmt->flags |= AVFMT_FLAG_BITEXACT | AVFMT_FLAG_FLUSH_PACKETS;
        if ((rc = av_dict_copy(&fmt->metadata, metadata, 0)) >= 0 &&
            (rc = av_opt_set(fmt->priv_data, option, value, 0)) >= 0 &&
            (rc = av_opt_set(fmt->priv_data, "movflags", "+use_metadata_tags", 0)) >= 0)
            rc = avformat_write_header(fmt, NULL);
    }
    if (rc < 0) {
        avio_closep(&fmt->pb);
        avformat_free_context(fmt);
        return ff_error(e, ERR_IO, path, "cannot write", rc);
    }
    *out = fmt;
    return 0;
}

static int open_part(struct mp4 *m, const struct film_options *o, struct err *e)
{
    AVCodecParameters *par = avcodec_parameters_alloc();
    AVDictionary *metadata = NULL;
    int rc;

    if (!par || avcodec_parameters_from_context(par, m->enc) < 0)
        panic("out of memory");
    if (o->comment)
        put_comment(&metadata, o->comment);
    /* delay_moov: the edit list can say that B frames begin late, so that the film begins at 0. */
    rc = open_muxer(&m->fmt, m->part, par, m->enc->time_base, m->enc->framerate, metadata,
                    "movflags", "frag_every_frame+delay_moov+default_base_moof", e);
    av_dict_free(&metadata);
    avcodec_parameters_free(&par);
    return rc;
}

static void mp4_init(struct mp4 *m, const char *path, const char *part)
{
    m->path = xstrdup(path);
    m->part = xstrdup(part);
    m->hold = -1;
    film_sum_init(&m->sum);
    m->frame = av_frame_alloc();
    m->pkt = av_packet_alloc();
    if (!m->frame || !m->pkt)
        panic("out of memory");
}

static void frame_init(struct mp4 *m, const struct film_options *o)
{
    m->lossless = o->lossless;
    m->frame->width = o->w;
    m->frame->height = o->h;
    m->frame->format = m->enc->pix_fmt;
    m->frame->colorspace = m->enc->colorspace;
    m->frame->color_range = m->enc->color_range;
    if (av_frame_get_buffer(m->frame, 0) < 0)
        panic("out of memory");
}

static int mp4_begin(void **state, const char *path, const struct film_options *o, struct err *e)
{
    struct mp4 *m = xcalloc(1, sizeof *m);
    char *part = film_part_name(path);
    int rc;

    mp4_init(m, path, part);
    free(part);
    rc = open_encoder(m, o, e);
    if (!rc && (m->hold = film_hold_part(m->part, e)) < 0)
        rc = m->hold;
    if (rc || (rc = open_part(m, o, e))) {
        mp4_free(m);
        return rc;
    }
    frame_init(m, o);
    *state = m;
    return 0;
}

/* frame NULL: drain the encoder. */
static int encode(struct mp4 *m, AVFrame *frame, struct err *e)
{
    int rc = avcodec_send_frame(m->enc, frame);

    while (rc >= 0) {
        rc = avcodec_receive_packet(m->enc, m->pkt);
        if (rc == AVERROR(EAGAIN) || rc == AVERROR_EOF)
            return 0;
        if (rc < 0)
            break;
        m->pkt->duration = 1;
        film_sum_add(&m->sum, m->pkt, m->enc->time_base, m->enc->time_base, 0);
        av_packet_rescale_ts(m->pkt, m->enc->time_base, m->fmt->streams[0]->time_base);
        if ((rc = av_write_frame(m->fmt, m->pkt)) >= 0)
            rc = m->fmt->pb->error;
        av_packet_unref(m->pkt);
    }
    return ff_error(e, ERR_IO, m->part, "cannot write", rc);
}

static int mp4_write(void *state, const uint8_t *rgb, struct err *e)
{
    struct mp4 *m = state;
    AVFrame *f = m->frame;

    if (av_frame_make_writable(f) < 0)
        panic("out of memory");
    if (m->lossless) {
        for (int y = 0; y < f->height; y++)
            memcpy(f->data[0] + (size_t)y * f->linesize[0], rgb + (size_t)y * f->width * 3,
                   (size_t)f->width * 3);
    } else {
        struct yuv_planes dst = {{f->data[0], f->data[1], f->data[2]},
                                 {f->linesize[0], f->linesize[1], f->linesize[2]}};

        yuv_from_rgb(&dst, rgb, f->width, f->height, &(struct yuv_layout){.matrix = YUV_BT709});
    }
    f->pts = m->n++;
    return encode(m, f, e);
}

static int mp4_comment(void *state, const char *comment, struct err *e)
{
    struct mp4 *m = state;

    (void)e;
    free(m->comment);
    m->comment = xstrdup(comment);
    put_comment(&m->fmt->metadata, comment); /* no frame yet: the part has it too */
    return 0;
}

/* What the encoder says of the film stays; its memory is not needed for the second pass. */
static void close_encoder(struct mp4 *m)
{
    AVCodecParameters *par = avcodec_parameters_alloc();
    AVCodecContext *said = avcodec_alloc_context3(NULL);

    if (!par || !said || avcodec_parameters_from_context(par, m->enc) < 0 ||
        avcodec_parameters_to_context(said, par) < 0)
        panic("out of memory");
    said->time_base = m->enc->time_base;
    avcodec_parameters_free(&par);
    avcodec_free_context(&m->enc);
    m->enc = said;
}

/* Everything that was given becomes part of the part file, and the file is closed. */
static int close_part(struct mp4 *m, struct err *e)
{
    int rc = encode(m, NULL, e), end;

    if (!rc && (end = av_write_trailer(m->fmt)) < 0)
        rc = ff_error(e, ERR_IO, m->part, "cannot write", end);
    end = avio_closep(&m->fmt->pb);
    if (!rc && end < 0)
        rc = ff_error(e, ERR_IO, m->part, "cannot write", end);
    close_encoder(m);
    return rc;
}

static int copy_packets(AVFormatContext *out, AVFormatContext *in, AVPacket *pkt)
{
    int rc;

    while ((rc = av_read_frame(in, pkt)) >= 0) {
        av_packet_rescale_ts(pkt, in->streams[0]->time_base, out->streams[0]->time_base);
        pkt->pos = -1;
        if ((rc = av_interleaved_write_frame(out, pkt)) < 0)
            return rc;
        if (out->pb->error)
            return out->pb->error;
    }
    return rc == AVERROR_EOF ? av_write_trailer(out) : rc;
}

/* Room for the index in front: the boxes of one H.264 track and the comment, and at most 37 bytes
 * for a frame in stsz, ctts, stsc, co64, stss and sdtp. Writing it there in the first place spares
 * the second pass (and the notice of it) that "faststart" makes. */
static char *index_room(const struct mp4 *m, const AVDictionary *metadata)
{
    const AVDictionaryEntry *comment = av_dict_get(metadata, "comment", NULL, 0);

    return xasprintf("%lld", 4096 + 40 * (long long)m->n +
                                 (long long)(comment ? strlen(comment->value) : 0));
}

/* The part file's packets into `to`, index in front. */
static int remux(struct mp4 *m, const char *to, struct err *e)
{
    static const char *const of_part[] = {"major_brand", "minor_version", "compatible_brands"};
    AVFormatContext *in = NULL, *out = NULL;
    char *url = ff_url(m->part), *room;
    int rc = avformat_open_input(&in, url, av_find_input_format("mp4"), NULL), end;

    free(url);
    if (rc < 0)
        return ff_error(e, ERR_IO, m->part, "cannot read it back", rc);
    for (size_t i = 0; i < sizeof of_part / sizeof *of_part; i++)
        av_dict_set(&in->metadata, of_part[i], NULL, 0);
    if (m->comment)
        put_comment(&in->metadata, m->comment);
    room = index_room(m, in->metadata);
    rc = open_muxer(&out, to, in->streams[0]->codecpar, in->streams[0]->time_base, m->rate,
                    in->metadata, "moov_size", room, e);
    if (!rc) {
        end = copy_packets(out, in, m->pkt);
        rc = avio_closep(&out->pb);
        end = end < 0 ? end : rc;
        rc = end < 0 ? ff_error(e, ERR_IO, to, "cannot write", end) : 0;
        avformat_free_context(out);
    }
    avformat_close_input(&in);
    free(room);
    return rc;
}

static int mp4_finish(void *state, struct err *e)
{
    struct mp4 *m = state;
    char *tmp = xasprintf("%s.tmp.%ld", m->path, (long)getpid());
    int rc = m->n ? 0 : err_set(e, ERR_IO, "%s: not one frame was written", m->path);

    if (!rc && !(rc = close_part(m, e)) && !(rc = remux(m, tmp, e)) &&
        !(rc = film_sum_check(&m->sum, tmp, m->enc, m->n, m->comment, e)) &&
        !(rc = film_place(tmp, m->path, e)))
        unlink(m->part);
    else
        unlink(tmp);
    free(tmp);
    mp4_free(m);
    return rc;
}

static void mp4_abort(void *state)
{
    struct mp4 *m = state;

    if (m->n)
        (void)close_part(m, NULL); /* what cannot be written now is lost; the rest plays */
    else
        unlink(m->part);
    mp4_free(m);
}

/* ---- how much it takes ---- */

/* A small film to nowhere. */
static void write_away(void)
{
    enum { SIDE = 64, FRAMES = 2 * X264_LOOKAHEAD };
    static const uint8_t black[SIDE * SIDE * 3];
    const struct film_options o = {.w = SIDE, .h = SIDE, .fps_num = 16, .fps_den = 1, .crf = 18};
    struct mp4 *m = xcalloc(1, sizeof *m);
    struct err e;

    mp4_init(m, "/dev/null", "/dev/null");
    int rc = open_encoder(m, &o, &e);
    if (!rc)
        rc = open_part(m, &o, &e);
    if (!rc)
        frame_init(m, &o);
    for (int i = 0; !rc && i < FRAMES; i++)
        rc = mp4_write(m, black, &e);
    if (!rc)
        (void)close_part(m, &e); /* what is wrong with it is said when the film is opened */
    mp4_free(m);
}

static uint64_t code_bytes;

static void measure_code(void)
{
    machine_trim_heap();
    uint64_t before = machine_rss_bytes();

    write_away();
    machine_trim_heap();
    uint64_t after = machine_rss_bytes();
    code_bytes = after > before ? after - before : 0;
}

/* Code and tables of the libraries, which are resident from the first film on and measured once;
 * a picture as it is given to the encoder; what that keeps. */
static uint64_t mp4_room(const struct film_options *o, int64_t n)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    uint64_t pixels = (uint64_t)o->w * (uint64_t)o->h;

    pthread_once(&once, measure_code);
    return code_bytes + (o->lossless ? 3 * pixels : pixels * 3 / 2) +
           x264_room(o->w, o->h, n, o->lossless);
}

const struct film_kind film_kind_mp4 = {mp4_begin,  mp4_write, mp4_comment,
                                        mp4_finish, mp4_abort, mp4_room};
