/* ff_film_write.c - H.264 in mp4: fragments while it grows, one index in front when it is done.
 *
 * One encoder thread and FFmpeg's bit-exact flags: the same frames give the same bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pthread.h>

#include "media/ff_film_check.h"
#include "media/ff_util.h"
#include "media/ff_writer.h"
#include "media/film_kind.h"
#include "media/x264_room.h"

struct mp4 {
    struct ff_writer w;
    AVRational rate;        /* frames per second */
    struct film_sum sum;    /* of what the encoder made of them */
    struct ff_audio *audio; /* owned: of the film, not of the part file; NULL: none */
};

static void mp4_free(struct mp4 *m)
{
    ff_audio_free(&m->audio);
    ff_writer_release(&m->w);
    free(m);
}

static void set_colours(AVCodecContext *enc, int lossless)
{
    enc->chroma_sample_location = lossless ? AVCHROMA_LOC_UNSPECIFIED : AVCHROMA_LOC_LEFT;
    if (lossless) {
        enc->pix_fmt = AV_PIX_FMT_RGB24;
        enc->colorspace = AVCOL_SPC_RGB;
        enc->color_range = AVCOL_RANGE_JPEG;
    }
}

/* Flat colours are what people compare: finer chroma, for a few per cent more bytes. And the same
 * bytes on every CPU: x264's AVX-512 rate control depends on memory that nobody has set. */
#define SAME_BYTES "cpu-independent=1"
#define FINER_CHROMA SAME_BYTES ":chroma-qp-offset=-8"
/* Psychovisual decisions, which this preset has not, make it finer of themselves. */
#define FINER_CHROMA_FAST SAME_BYTES ":chroma-qp-offset=-9"

/* Half the work for a large picture, where a film's time goes into encoding: at the same crf as
 * many bytes and 0.2 to 0.3 dB less, at 54 dB and more. */
static int wants_fast(const struct film_options *o)
{
    enum { LARGE_PX = 1280 * 720 };

    return !o->lossless && o->w * o->h >= LARGE_PX;
}

static int open_encoder(struct mp4 *m, const struct film_options *o, struct err *e)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(o->lossless ? "libx264rgb" : "libx264");
    char crf[16], ahead[16];

    if (!codec)
        return err_set(e, ERR_IO,
                       "%s: this FFmpeg has no x264 encoder; write .y4m and encode it elsewhere",
                       m->w.path);
    ff_writer_encoder(&m->w, codec, o);
    m->rate = m->w.enc->framerate;
    set_colours(m->w.enc, o->lossless);
    snprintf(crf, sizeof crf, "%d", o->crf);
    snprintf(ahead, sizeof ahead, "%d", X264_LOOKAHEAD);
    ff_option options[] = {
        {"preset", wants_fast(o) ? "veryfast" : "medium"},
        {o->lossless ? "qp" : "crf", o->lossless ? "0" : crf},
        /* A short look ahead keeps the part file close behind the frames. */
        {"rc-lookahead", ahead},
        {"x264-params", o->lossless     ? SAME_BYTES
                        : wants_fast(o) ? FINER_CHROMA_FAST
                                        : FINER_CHROMA},
    };
    return ff_writer_open(&m->w, "H.264 encoder", options, sizeof options / sizeof *options, e);
}

static void put_comment(AVDictionary **metadata, const char *comment)
{
    if (ff_put_words(metadata, comment) < 0)
        panic("out of memory: a comment of %zu bytes", strlen(comment));
}

#define WITH_TAGS                                                                                  \
    {                                                                                              \
        "movflags", "+use_metadata_tags"                                                           \
    }

static int open_part(struct mp4 *m, const struct film_options *o, struct err *e)
{
    /* delay_moov: the edit list can say that B frames begin late, so that the film begins at 0. */
    ff_option options[] = {{"movflags", "frag_every_frame+delay_moov+default_base_moof"},
                           WITH_TAGS};

    return ff_writer_open_part(&m->w, "mp4", o->comment, options, 2, e);
}

static void mp4_init(struct mp4 *m, const char *path, const char *part, int apart)
{
    ff_writer_init(&m->w, path, part, apart);
    film_sum_init(&m->sum);
    m->w.sum = &m->sum;
}

static int mp4_begin(void **state, const char *path, const struct film_options *o, struct err *e)
{
    struct mp4 *m = xcalloc(1, sizeof *m);
    char *part = film_part_name(path);
    int rc;

    mp4_init(m, path, part, o->apart);
    free(part);
    rc = open_encoder(m, o, e);
    if (!rc && o->audio)
        rc = ff_audio_open(&m->audio, o->audio, "mp4", e);
    if (rc || (rc = ff_writer_hold(&m->w, e)) || (rc = open_part(m, o, e))) {
        mp4_free(m);
        return rc;
    }
    ff_writer_frame(&m->w);
    *state = m;
    return 0;
}

static int mp4_write(void *state, const uint8_t *rgb, struct err *e)
{
    return ff_writer_take(&((struct mp4 *)state)->w, rgb, e);
}

static int mp4_comment(void *state, const char *comment, struct err *e)
{
    struct ff_writer *w = &((struct mp4 *)state)->w;
    int rc = ff_writer_together(w, e);

    if (rc)
        return rc;
    free(w->comment);
    w->comment = xstrdup(comment);
    put_comment(&w->fmt->metadata, comment); /* no frame yet: the part has it too */
    return 0;
}

/* What the encoder says of the film stays; its memory is not needed for the second pass. */
static void close_encoder(struct ff_writer *m)
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

static int close_part(struct mp4 *m, struct err *e)
{
    int rc = ff_writer_close(&m->w, e);

    close_encoder(&m->w);
    return rc;
}

static int copy_packets(const struct mp4 *m, AVFormatContext *out, AVFormatContext *in)
{
    AVPacket *pkt = m->w.pkt;
    int rc;

    while ((rc = av_read_frame(in, pkt)) >= 0) {
        if (m->audio &&
            ff_audio_write(m->audio, out, (double)pkt->dts * av_q2d(in->streams[0]->time_base), 0,
                           NULL))
            return AVERROR_EXTERNAL;
        av_packet_rescale_ts(pkt, in->streams[0]->time_base, out->streams[0]->time_base);
        pkt->pos = -1;
        if ((rc = av_interleaved_write_frame(out, pkt)) < 0)
            return rc;
        if (out->pb->error)
            return out->pb->error;
    }
    if (m->audio && ff_audio_write(m->audio, out, (double)m->w.n / av_q2d(m->rate), 1, NULL))
        return AVERROR_EXTERNAL;
    return rc == AVERROR_EOF ? av_write_trailer(out) : rc;
}

/* Room for the index in front: the boxes of one H.264 track and the comment, and at most 37 bytes
 * for a frame in stsz, ctts, stsc, co64, stss and sdtp. Writing it there in the first place spares
 * the second pass (and the notice of it) that "faststart" makes. */
static char *index_room(const struct mp4 *m, const AVDictionary *metadata)
{
    const AVDictionaryEntry *comment = av_dict_get(metadata, "comment", NULL, 0);

    return xasprintf("%lld", 4096 + 40 * (long long)m->w.n +
                                 (long long)(comment ? strlen(comment->value) : 0));
}

/* The part file's packets into `to`, index in front. */
static int remux(struct mp4 *m, const char *to, struct err *e)
{
    static const char *const of_part[] = {"major_brand", "minor_version", "compatible_brands"};
    AVFormatContext *in = NULL, *out = NULL;
    char *url = ff_url(m->w.part), *room;
    int rc = avformat_open_input(&in, url, av_find_input_format("mp4"), NULL), end;

    free(url);
    if (rc < 0)
        return ff_error(e, ERR_IO, m->w.part, "cannot read it back", rc);
    for (size_t i = 0; i < sizeof of_part / sizeof *of_part; i++)
        av_dict_set(&in->metadata, of_part[i], NULL, 0);
    if (m->w.comment)
        put_comment(&in->metadata, m->w.comment);
    room = index_room(m, in->metadata);
    /* Nobody knows how many packets of sound will come: with them the index moves to the front. */
    ff_option options[] = {
        {"moov_size", m->audio ? "0" : room},
        {"movflags", m->audio ? "+use_metadata_tags+faststart" : "+use_metadata_tags"}};
    rc = ff_open_muxer(&out, "mp4", to, in->streams[0]->codecpar, in->streams[0]->time_base,
                       m->rate, in->metadata, m->audio, options, 2, e);
    if (!rc) {
        end = copy_packets(m, out, in);
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
    char *tmp = xasprintf("%s.tmp.%ld", m->w.path, (long)getpid());
    int rc = m->w.n ? 0 : err_set(e, ERR_IO, "%s: not one frame was written", m->w.path);

    if (!rc && !(rc = close_part(m, e)) && !(rc = remux(m, tmp, e)) &&
        !(rc = film_sum_check(&m->sum, tmp, m->w.enc, m->w.n, m->audio != NULL, m->w.comment, e)) &&
        !(rc = film_place(tmp, m->w.path, e)))
        unlink(m->w.part);
    else
        unlink(tmp);
    free(tmp);
    mp4_free(m);
    return rc;
}

static void mp4_abort(void *state)
{
    struct mp4 *m = state;

    if (m->w.n)
        (void)close_part(m, NULL); /* what cannot be written now is lost; the rest plays */
    else
        unlink(m->w.part);
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

    mp4_init(m, "/dev/null", "/dev/null", 0);
    int rc = open_encoder(m, &o, &e);
    if (!rc)
        rc = open_part(m, &o, &e);
    if (!rc)
        ff_writer_frame(&m->w);
    for (int i = 0; !rc && i < FRAMES; i++)
        rc = mp4_write(m, black, &e);
    if (!rc)
        (void)close_part(m, &e); /* what is wrong with it is said when the film is opened */
    mp4_free(m);
}

static uint64_t code_bytes;

static void measure_code(void)
{
    code_bytes = film_code_bytes(write_away);
}

/* Code and tables of the libraries, which are resident from the first film on and measured once;
 * pictures as they are given to the encoder; what that keeps. */
static uint64_t mp4_room(const struct film_options *o, int64_t n)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    uint64_t pixels = (uint64_t)o->w * (uint64_t)o->h;

    pthread_once(&once, measure_code);
    return code_bytes + (o->apart ? FF_FRAMES : 1) * (o->lossless ? 3 * pixels : pixels * 3 / 2) +
           x264_room(o->w, o->h, n, o->lossless);
}

const struct film_kind film_kind_mp4 = {mp4_begin,  mp4_write, mp4_comment,
                                        mp4_finish, mp4_abort, mp4_room};
