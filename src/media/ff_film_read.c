/* ff_film_read.c - the first video stream of a file. Only known containers and codecs, only local
 * files, one thread: what is opened may be hostile. */
#include <limits.h>
#include <stdlib.h>

#include <libavformat/avformat.h>

#include "media/ff_util.h"
#include "media/film_kind.h"

#define CONTAINERS "mp4,matroska,webm,avi,mpegts,ogg,gif"
#define CODECS "h264,hevc,vp8,vp9,av1,libdav1d,mpeg4,mjpeg,png,ffv1,gif,theora,rawvideo"

struct reader {
    AVFormatContext *fmt;
    AVCodecContext *dec;
    AVPacket *pkt;
    AVFrame *frame;
    int stream;
};

static void reader_release(struct reader *r)
{
    av_frame_free(&r->frame);
    av_packet_free(&r->pkt);
    avcodec_free_context(&r->dec);
    avformat_close_input(&r->fmt);
}

static int open_container(struct reader *r, const char *path, struct err *e)
{
    AVDictionary *options = NULL;
    char *url = ff_url(path);
    int rc;

    av_dict_set(&options, "format_whitelist", CONTAINERS, 0);
    av_dict_set(&options, "protocol_whitelist", "file", 0);
    av_dict_set(&options, "codec_whitelist", CODECS, 0);
    rc = avformat_open_input(&r->fmt, url, NULL, &options);
    av_dict_free(&options);
    free(url);
    if (rc < 0)
        return ff_error(e, ERR_FORMAT, path, "not a film that can be read", rc);
    if ((rc = avformat_find_stream_info(r->fmt, NULL)) < 0)
        return ff_error(e, ERR_FORMAT, path, "no streams", rc);
    r->stream = av_find_best_stream(r->fmt, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    if (r->stream < 0)
        return err_set(e, ERR_FORMAT, "%s: no pictures in it", path);
    return 0;
}

static int open_decoder(struct reader *r, const char *path, struct err *e)
{
    const AVCodecParameters *par = r->fmt->streams[r->stream]->codecpar;
    const AVCodec *codec = avcodec_find_decoder(par->codec_id);
    AVDictionary *options = NULL;
    int rc;

    if (!codec)
        return err_set(e, ERR_FORMAT, "%s: no decoder for %s", path,
                       avcodec_get_name(par->codec_id));
    r->dec = avcodec_alloc_context3(codec);
    r->pkt = av_packet_alloc();
    r->frame = av_frame_alloc();
    if (!r->dec || !r->pkt || !r->frame)
        panic("out of memory");
    if ((rc = avcodec_parameters_to_context(r->dec, par)) < 0)
        return ff_error(e, ERR_FORMAT, path, "decoder", rc);
    r->dec->thread_count = 1;
    r->dec->max_pixels = (int64_t)PICTURE_MAX_SIDE * PICTURE_MAX_SIDE / 4;
    r->dec->log_level_offset = FF_QUIET;
    av_dict_set(&options, "codec_whitelist", CODECS, 0);
    rc = avcodec_open2(r->dec, codec, &options);
    av_dict_free(&options);
    return rc < 0 ? ff_error(e, ERR_FORMAT, path, "decoder", rc) : 0;
}

static void read_facts(struct film *f, const struct reader *r)
{
    AVStream *st = r->fmt->streams[r->stream];
    AVRational rate = av_guess_frame_rate(r->fmt, st, NULL);
    const AVDictionaryEntry *comment = av_dict_get(r->fmt->metadata, "comment", NULL, 0);

    f->w = st->codecpar->width;
    f->h = st->codecpar->height;
    if (rate.num > 0 && rate.den > 0)
        f->fps_num = rate.num, f->fps_den = rate.den;
    if (comment)
        f->comment = xstrdup(comment->value);
}

/* All frames that the decoder has ready. 0: it wants more packets, 1: that was all. */
static int take_frames(struct film *f, struct reader *r, const char *path,
                       const struct film_caps *caps, struct err *e)
{
    while (f->n < caps->max_frames) {
        int rc = avcodec_receive_frame(r->dec, r->frame);
        uint8_t *rgb;

        if (rc == AVERROR(EAGAIN))
            return 0;
        if (rc < 0)
            return 1; /* the end, or broken from here on: the frames before it count */
        if (f->n == 0)
            f->w = r->frame->width, f->h = r->frame->height;
        if (r->frame->width != f->w || r->frame->height != f->h)
            return err_set(e, ERR_FORMAT, "%s: frame %d has %dx%d pixels, those before it %dx%d",
                           path, f->n, r->frame->width, r->frame->height, f->w, f->h);
        if ((rc = film_next_frame(f, caps, path, &rgb, e)) ||
            (rc = ff_frame_to_rgb(rgb, r->frame, path, e)))
            return rc;
        f->n++;
    }
    return 1;
}

static int read_frames(struct film *f, struct reader *r, const char *path,
                       const struct film_caps *caps, struct err *e)
{
    int rc = 0;

    while (!rc && av_read_frame(r->fmt, r->pkt) >= 0) {
        if (r->pkt->stream_index == r->stream) {
            /* A broken packet ends the film as the end of the file does. */
            if (avcodec_send_packet(r->dec, r->pkt) < 0) {
                av_packet_unref(r->pkt);
                break;
            }
            rc = take_frames(f, r, path, caps, e);
        }
        av_packet_unref(r->pkt);
    }
    if (!rc && avcodec_send_packet(r->dec, NULL) >= 0)
        rc = take_frames(f, r, path, caps, e);
    return rc < 0 ? rc : 0;
}

/* As the index says; a film that is still growing has none, so its packets are counted. An MP4 that
 * was cut without being coded anew holds frames that its edit list leaves out: nobody sees them. */
static int count_frames(struct reader *r)
{
    AVStream *s = r->fmt->streams[r->stream];
    int64_t n = s->nb_frames;

    if (n > 0 && !strncmp(r->fmt->iformat->name, "mov", 3))
        for (int i = n = 0; i < avformat_index_get_entries_count(s); i++)
            n += !(avformat_index_get_entry(s, i)->flags & AVINDEX_DISCARD_FRAME);
    if (n > 0)
        return n < INT_MAX ? (int)n : INT_MAX;
    if (!(r->pkt = av_packet_alloc()))
        panic("out of memory");
    for (n = 0; n < INT_MAX && av_read_frame(r->fmt, r->pkt) >= 0; av_packet_unref(r->pkt))
        n += r->pkt->stream_index == r->stream && !(r->pkt->flags & AV_PKT_FLAG_DISCARD);
    return (int)n;
}

int ff_film_read(struct film *f, const char *path, const struct film_caps *caps, struct err *e)
{
    struct reader r = {0};
    int rc = open_container(&r, path, e);

    if (!rc) {
        read_facts(f, &r);
        if (caps->max_frames == 0)
            f->n = count_frames(&r);
        else if (!(rc = open_decoder(&r, path, e)))
            rc = read_frames(f, &r, path, caps, e);
    }
    reader_release(&r);
    return rc;
}
