#include "media/ff_audio.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/audio_fifo.h>
#include <libswresample/swresample.h>

#include "media/ff_util.h"
#include "media/film_kind.h"

enum { RATE = 48000, BITS = 160000 };

/* What each kind of film holds, and what other sound becomes. */
static const struct holds {
    const char *format, *encoder;
    enum AVCodecID copied[5]; /* AV_CODEC_ID_NONE at the end */
} kinds[] = {
    {"mp4",
     "aac",
     {AV_CODEC_ID_AAC, AV_CODEC_ID_MP3, AV_CODEC_ID_AC3, AV_CODEC_ID_ALAC, AV_CODEC_ID_NONE}},
    {"webm", "libopus", {AV_CODEC_ID_OPUS, AV_CODEC_ID_VORBIS, AV_CODEC_ID_NONE}},
};

struct ff_audio {
    char *path, *said; /* said: in messages */
    AVFormatContext *in;
    AVStream *from;            /* of in */
    int to;                    /* stream of the film */
    AVCodecContext *dec, *enc; /* enc NULL: packets are copied */
    SwrContext *swr;
    AVAudioFifo *waiting; /* samples for the encoder */
    AVFrame *frame;
    AVPacket *pkt;
    int64_t samples; /* given to the encoder */
    int held, ended; /* pkt waits for its time; the file is at its end */
};

static int is_copied(const struct holds *k, const AVCodecParameters *par)
{
    if (par->codec_id == AV_CODEC_ID_AAC && !par->extradata_size)
        return 0; /* a stream of ADTS has its facts in every packet */
    for (int i = 0; k->copied[i] != AV_CODEC_ID_NONE; i++)
        if (k->copied[i] == par->codec_id)
            return 1;
    return 0;
}

static int open_decoder(struct ff_audio *a, struct err *e)
{
    const AVCodec *codec = avcodec_find_decoder(a->from->codecpar->codec_id);
    int rc;

    if (!codec)
        return err_set(e, ERR_FORMAT, "%s: sound of an unknown kind", a->said);
    if (!(a->dec = avcodec_alloc_context3(codec)))
        panic("out of memory");
    a->dec->log_level_offset = FF_QUIET;
    a->dec->pkt_timebase = a->from->time_base;
    if ((rc = avcodec_parameters_to_context(a->dec, a->from->codecpar)) >= 0)
        rc = avcodec_open2(a->dec, codec, NULL);
    return rc < 0 ? ff_error(e, ERR_FORMAT, a->said, "its sound", rc) : 0;
}

static int open_encoder(struct ff_audio *a, const struct holds *k, struct err *e)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(k->encoder);
    int rc;

    if (!codec)
        return err_set(e, ERR_IO, "%s: this FFmpeg has no encoder %s", a->said, k->encoder);
    if (!(a->enc = avcodec_alloc_context3(codec)))
        panic("out of memory");
    a->enc->log_level_offset = FF_QUIET;
    a->enc->sample_fmt = codec->sample_fmts[0];
    a->enc->sample_rate = RATE;
    a->enc->bit_rate = BITS;
    a->enc->time_base = (AVRational){1, RATE};
    a->enc->flags |= AV_CODEC_FLAG_BITEXACT | AV_CODEC_FLAG_GLOBAL_HEADER;
    av_channel_layout_default(&a->enc->ch_layout, a->dec->ch_layout.nb_channels == 1 ? 1 : 2);
    if (a->dec->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&a->dec->ch_layout, a->dec->ch_layout.nb_channels);
    rc = avcodec_open2(a->enc, codec, NULL);
    if (rc >= 0)
        rc = swr_alloc_set_opts2(&a->swr, &a->enc->ch_layout, a->enc->sample_fmt, RATE,
                                 &a->dec->ch_layout, a->dec->sample_fmt, a->dec->sample_rate, 0,
                                 NULL);
    if (rc >= 0)
        rc = swr_init(a->swr);
    if (rc >= 0 && !(a->waiting = av_audio_fifo_alloc(a->enc->sample_fmt,
                                                      a->enc->ch_layout.nb_channels, RATE)))
        rc = AVERROR(ENOMEM);
    return rc < 0 ? ff_error(e, ERR_FORMAT, a->said, "its sound", rc) : 0;
}

/* The next packet of the track in a->pkt; 0: the file is at its end. */
static int next_packet(struct ff_audio *a)
{
    while (!a->held && !a->ended) {
        if (av_read_frame(a->in, a->pkt) < 0)
            a->ended = 1; /* also of a file that was cut: what there is sounds */
        else if (a->pkt->stream_index == a->from->index)
            a->held = 1;
        else
            av_packet_unref(a->pkt);
    }
    return a->held;
}

static int open_file(struct ff_audio *a, struct err *e)
{
    char *url = ff_url(a->path);
    int rc = avformat_open_input(&a->in, url, NULL, NULL);

    free(url);
    if (rc >= 0)
        rc = avformat_find_stream_info(a->in, NULL);
    if (rc < 0)
        return ff_error(e, rc == AVERROR_INVALIDDATA ? ERR_FORMAT : ERR_IO, a->said,
                        "cannot be read as sound", rc);
    rc = av_find_best_stream(a->in, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0);
    if (rc < 0)
        return err_set(e, ERR_FORMAT, "%s: there is no sound in it", a->said);
    a->from = a->in->streams[rc];
    return 0;
}

/* Sound comes out of the first packets, or it is none. */
static int try_it(struct ff_audio *a, struct err *e)
{
    int rc = AVERROR_INVALIDDATA;

    for (int i = 0; i < 16 && rc < 0 && next_packet(a); i++) {
        rc = avcodec_send_packet(a->dec, a->pkt);
        av_packet_unref(a->pkt);
        a->held = 0;
        if (rc >= 0)
            rc = avcodec_receive_frame(a->dec, a->frame);
    }
    av_frame_unref(a->frame);
    if (rc < 0)
        return ff_error(e, ERR_FORMAT, a->said, "its sound cannot be decoded", rc);
    avcodec_flush_buffers(a->dec);
    a->ended = 0;
    avformat_close_input(&a->in); /* streams of MP3 and ADTS cannot go back */
    return open_file(a, e);
}

int ff_audio_open(struct ff_audio **out, const char *path, const char *format, struct err *e)
{
    struct ff_audio *a = xcalloc(1, sizeof *a);
    const struct holds *k = kinds;

    while (strcmp(k->format, format))
        k++;
    a->path = xstrdup(path);
    a->said = xasprintf("audio: %s", path);
    a->frame = av_frame_alloc();
    a->pkt = av_packet_alloc();
    if (!a->frame || !a->pkt)
        panic("out of memory");
    int rc = open_file(a, e);
    if (!rc)
        rc = open_decoder(a, e);
    if (!rc)
        rc = try_it(a, e);
    if (!rc && !is_copied(k, a->from->codecpar))
        rc = open_encoder(a, k, e);
    if (rc)
        ff_audio_free(&a);
    *out = a;
    return rc;
}

void ff_audio_free(struct ff_audio **audio)
{
    struct ff_audio *a = *audio;

    if (!a)
        return;
    avformat_close_input(&a->in);
    avcodec_free_context(&a->dec);
    avcodec_free_context(&a->enc);
    swr_free(&a->swr);
    if (a->waiting)
        av_audio_fifo_free(a->waiting);
    av_frame_free(&a->frame);
    av_packet_free(&a->pkt);
    free(a->path);
    free(a->said);
    free(a);
    *audio = NULL;
}

void ff_audio_stream(struct ff_audio *a, AVFormatContext *out)
{
    AVStream *st = avformat_new_stream(out, NULL);
    int rc = !st      ? -1
             : a->enc ? avcodec_parameters_from_context(st->codecpar, a->enc)
                      : avcodec_parameters_copy(st->codecpar, a->from->codecpar);

    if (rc < 0)
        panic("out of memory");
    st->codecpar->codec_tag = 0;
    st->time_base = a->enc ? a->enc->time_base : a->from->time_base;
    a->to = st->index;
}

static int put(struct ff_audio *a, AVFormatContext *out, AVRational from)
{
    av_packet_rescale_ts(a->pkt, from, out->streams[a->to]->time_base);
    a->pkt->stream_index = a->to;
    a->pkt->pos = -1;
    a->held = 0;
    int rc = av_write_frame(out, a->pkt);
    av_packet_unref(a->pkt);
    return rc < 0 ? rc : out->pb->error;
}

static int64_t begin_of(const AVStream *s)
{
    return s->start_time == AV_NOPTS_VALUE ? 0 : s->start_time;
}

/* Packets as they are; times count from the first one. */
static int copy_until(struct ff_audio *a, AVFormatContext *out, double until)
{
    int64_t begin = begin_of(a->from);
    int rc = 0;

    while (rc >= 0 && next_packet(a)) {
        if (a->pkt->pts == AV_NOPTS_VALUE)
            a->pkt->pts = a->pkt->dts;
        if ((double)(a->pkt->pts - begin) * av_q2d(a->from->time_base) >= until)
            return 0;
        a->pkt->pts -= begin;
        a->pkt->dts = a->pkt->pts;
        rc = put(a, out, a->from->time_base);
    }
    return rc;
}

/* What the decoder has, as the encoder wants it, into the queue. */
static int take_decoded(struct ff_audio *a)
{
    int rc;

    while ((rc = avcodec_receive_frame(a->dec, a->frame)) >= 0) {
        int room = swr_get_out_samples(a->swr, a->frame->nb_samples), n;
        uint8_t *planes[8] = {0};

        if (av_samples_alloc(planes, NULL, a->enc->ch_layout.nb_channels, room + 1,
                             a->enc->sample_fmt, 0) < 0)
            return AVERROR(ENOMEM);
        n = swr_convert(a->swr, planes, room + 1, (const uint8_t **)a->frame->extended_data,
                        a->frame->nb_samples);
        if (n > 0)
            n = av_audio_fifo_write(a->waiting, (void **)planes, n);
        av_freep(&planes[0]);
        av_frame_unref(a->frame);
        if (n < 0)
            return n;
    }
    return rc == AVERROR(EAGAIN) || rc == AVERROR_EOF ? 0 : rc;
}

/* Packets that cannot be decoded are left out, as players do. */
static int decode_some(struct ff_audio *a)
{
    int more = next_packet(a), rc = avcodec_send_packet(a->dec, more ? a->pkt : NULL);

    av_packet_unref(a->pkt);
    a->held = 0;
    return rc == AVERROR(ENOMEM) ? rc : take_decoded(a);
}

/* frame NULL: what the encoder still has. */
static int encode(struct ff_audio *a, AVFormatContext *out, AVFrame *frame)
{
    int rc = avcodec_send_frame(a->enc, frame);

    while (rc >= 0 && (rc = avcodec_receive_packet(a->enc, a->pkt)) >= 0)
        rc = put(a, out, a->enc->time_base);
    return rc == AVERROR(EAGAIN) || rc == AVERROR_EOF ? 0 : rc;
}

static int encode_next(struct ff_audio *a, AVFormatContext *out, int n)
{
    AVFrame *f = a->frame;
    int rc;

    f->nb_samples = n;
    f->format = a->enc->sample_fmt;
    f->sample_rate = RATE;
    f->pts = a->samples;
    if ((rc = av_channel_layout_copy(&f->ch_layout, &a->enc->ch_layout)) >= 0 &&
        (rc = av_frame_get_buffer(f, 0)) >= 0 &&
        (rc = av_audio_fifo_read(a->waiting, (void **)f->data, n)) >= 0)
        rc = encode(a, out, f);
    a->samples += n;
    av_frame_unref(f);
    return rc;
}

static int encode_until(struct ff_audio *a, AVFormatContext *out, double until, int last)
{
    int64_t end = (int64_t)floor(until * RATE + 0.5);
    int rc = 0;

    while (rc >= 0 && a->samples < end) {
        int n = a->enc->frame_size;

        while (rc >= 0 && av_audio_fifo_size(a->waiting) < n && !a->ended)
            rc = decode_some(a);
        if (n > av_audio_fifo_size(a->waiting))
            n = av_audio_fifo_size(a->waiting);
        if (a->samples + n > end && !last)
            break; /* more of the film may come; the last piece ends with it */
        if (a->samples + n > end)
            n = (int)(end - a->samples);
        if (rc < 0 || !n)
            break;
        rc = encode_next(a, out, n);
    }
    return rc >= 0 && last ? encode(a, out, NULL) : rc;
}

int ff_audio_write(struct ff_audio *a, AVFormatContext *out, double until, int last, struct err *e)
{
    int rc = a->enc ? encode_until(a, out, until, last) : copy_until(a, out, until);

    return rc < 0 ? ff_error(e, ERR_IO, a->said, "its sound cannot be written", rc) : 0;
}

int ff_audio_check(const char *path, const char *ending, struct err *e)
{
    struct ff_audio *a;
    int rc = ff_audio_open(&a, path, ending, e);

    ff_audio_free(&a);
    return rc;
}
