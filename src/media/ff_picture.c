/* ff_picture.c - PNG, JPEG and WebP by FFmpeg's codecs, without its demuxers. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>

#include "media/ff_util.h"
#include "media/film_kind.h"

enum { MAX_PIXELS = 1 << 26 }; /* a small file cannot ask for more than 192 MiB */

static enum AVCodecID codec_of(const uint8_t *d, size_t n)
{
    if (n >= 8 && !memcmp(d, "\x89PNG\r\n\x1a\n", 8))
        return AV_CODEC_ID_PNG;
    if (n >= 3 && !memcmp(d, "\xff\xd8\xff", 3))
        return AV_CODEC_ID_MJPEG;
    if (n >= 12 && !memcmp(d, "RIFF", 4) && !memcmp(d + 8, "WEBP", 4))
        return AV_CODEC_ID_WEBP;
    return AV_CODEC_ID_NONE;
}

static int decode(AVFrame *frame, AVCodecContext *dec, AVPacket *pkt, const void *data,
                  size_t bytes)
{
    int rc = av_new_packet(pkt, (int)bytes); /* with the padding that decoders read into */

    if (rc < 0)
        return rc;
    memcpy(pkt->data, data, bytes);
    dec->thread_count = 1;
    dec->max_pixels = MAX_PIXELS;
    dec->log_level_offset = FF_QUIET;
    dec->err_recognition = AV_EF_EXPLODE | AV_EF_CRCCHECK;
    if (avcodec_open2(dec, NULL, NULL) < 0)
        return AVERROR(ENOMEM); /* the picture has not been seen yet; zlib's word is another */
    if ((rc = avcodec_send_packet(dec, pkt)) < 0)
        return rc;
    avcodec_send_packet(dec, NULL); /* no more packets: nothing is held back */
    return avcodec_receive_frame(dec, frame);
}

int ff_picture_decode(struct picture *p, const char *name, const void *data, size_t bytes,
                      struct err *e)
{
    enum AVCodecID id = codec_of(data, bytes);
    const AVCodec *codec = avcodec_find_decoder(id);
    AVCodecContext *dec;
    AVPacket *pkt;
    AVFrame *frame;
    int rc;

    if (id == AV_CODEC_ID_NONE)
        return err_set(e, ERR_FORMAT, "%s: not a picture; PNG, JPEG, WebP and PPM (P6) are read",
                       name);
    if (!codec)
        return err_set(e, ERR_IO, "%s: this FFmpeg has no decoder for %s", name,
                       avcodec_get_name(id));
    dec = avcodec_alloc_context3(codec);
    pkt = av_packet_alloc();
    frame = av_frame_alloc();
    if (!dec || !pkt || !frame)
        panic("out of memory");
    rc = decode(frame, dec, pkt, data, bytes);
    if (rc < 0) {
        rc = ff_error(e, ERR_FORMAT, name, "broken or too large picture", rc);
    } else if (frame->width > PICTURE_MAX_SIDE || frame->height > PICTURE_MAX_SIDE) {
        rc = err_set(e, ERR_FORMAT, "%s: %dx%d pixels; each side must be 1 to %d", name,
                     frame->width, frame->height, PICTURE_MAX_SIDE);
    } else {
        rc = picture_try(p, frame->width, frame->height, name, e);
        if (!rc)
            rc = ff_frame_to_rgb(p->rgb, frame, name, e);
        if (rc)
            picture_release(p);
    }
    av_frame_free(&frame);
    av_packet_free(&pkt);
    avcodec_free_context(&dec);
    return rc;
}

/* How the kinds are written, by their endings. */
static const struct written {
    const char *ending, *encoder;
    enum AVPixelFormat format;
    int quality; /* FFmpeg's scale of the encoder; 0: none */
} written[] = {
    {"png", "png", AV_PIX_FMT_RGB24, 0},
    {"jpg", "mjpeg", AV_PIX_FMT_YUVJ444P, 2},
    {"jpeg", "mjpeg", AV_PIX_FMT_YUVJ444P, 2},
    {"webp", "libwebp", AV_PIX_FMT_BGRA, 90},
};

static void put_rows(uint8_t *to, int stride, const struct picture *p)
{
    for (int y = 0; y < p->h; y++)
        memcpy(to + (ptrdiff_t)y * stride, p->rgb + (size_t)y * (size_t)p->w * 3, (size_t)p->w * 3);
}

static int put_pixels(AVFrame *frame, const struct picture *p)
{
    uint8_t *plane[4];
    int stride[4], rc;
    struct SwsContext *sws;

    if (frame->format == AV_PIX_FMT_RGB24) {
        put_rows(frame->data[0], frame->linesize[0], p);
        return 0;
    }
    /* The name of the format with full range is one that swscale scolds about. */
    int jpeg = frame->format == AV_PIX_FMT_YUVJ444P;

    sws = sws_getContext(
        p->w, p->h, AV_PIX_FMT_RGB24, p->w, p->h, jpeg ? AV_PIX_FMT_YUV444P : frame->format,
        SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INP | SWS_BITEXACT, NULL, NULL, NULL);
    /* Not from p->rgb itself: swscale reads past the end of the last row. */
    rc = sws ? av_image_alloc(plane, stride, p->w, p->h, AV_PIX_FMT_RGB24, 64) : AVERROR(ENOMEM);
    if (rc < 0) {
        sws_freeContext(sws);
        return rc;
    }
    put_rows(plane[0], stride[0], p);
    if (jpeg)
        sws_setColorspaceDetails(sws, sws_getCoefficients(SWS_CS_DEFAULT), 1,
                                 sws_getCoefficients(SWS_CS_ITU601), 1, 0, 1 << 16, 1 << 16);
    rc = sws_scale(sws, (const uint8_t *const *)plane, stride, 0, p->h, frame->data,
                   frame->linesize);
    av_freep(&plane[0]);
    sws_freeContext(sws);
    return rc < 0 ? rc : 0;
}

/* quick: a PNG in a fifth of the time and a third larger. */
static int encode(AVPacket *pkt, AVCodecContext *enc, AVFrame *frame, const struct written *how,
                  const struct picture *p, int quick)
{
    int rc;

    enc->width = frame->width = p->w;
    enc->height = frame->height = p->h;
    enc->pix_fmt = frame->format = how->format;
    enc->time_base = (AVRational){1, 1};
    enc->thread_count = 1;
    enc->flags |= AV_CODEC_FLAG_BITEXACT;
    enc->log_level_offset = FF_QUIET;
    av_opt_set(enc->priv_data, "pred", quick ? "up" : "mixed", 0);
    if (quick)
        enc->compression_level = 1;
    if (how->quality) {
        enc->flags |= AV_CODEC_FLAG_QSCALE;
        enc->global_quality = frame->quality = how->quality * FF_QP2LAMBDA;
    }
    if ((rc = avcodec_open2(enc, NULL, NULL)) < 0 || (rc = av_frame_get_buffer(frame, 0)) < 0 ||
        (rc = put_pixels(frame, p)) < 0)
        return rc;
    frame->pts = 0;
    if ((rc = avcodec_send_frame(enc, frame)) < 0 || (rc = avcodec_send_frame(enc, NULL)) < 0)
        return rc;
    return avcodec_receive_packet(enc, pkt);
}

int ff_picture_encode(const struct picture *p, const char *ending, int quick, void **data,
                      size_t *bytes, struct err *e)
{
    const struct written *how = written;

    while (how < written + sizeof written / sizeof *written - 1 && strcasecmp(how->ending, ending))
        how++;
    const AVCodec *codec = avcodec_find_encoder_by_name(how->encoder);
    AVCodecContext *enc = codec ? avcodec_alloc_context3(codec) : NULL;
    AVPacket *pkt = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    int rc;

    if (!pkt || !frame || (codec && !enc))
        panic("out of memory");
    rc = enc ? encode(pkt, enc, frame, how, p, quick) : AVERROR_ENCODER_NOT_FOUND;
    if (rc < 0) {
        rc = ff_error(e, ERR_IO, how->ending, "cannot encode", rc);
    } else {
        *bytes = (size_t)pkt->size;
        *data = xmalloc(*bytes);
        memcpy(*data, pkt->data, *bytes);
    }
    av_frame_free(&frame);
    av_packet_free(&pkt);
    avcodec_free_context(&enc);
    return rc;
}

int ff_present(void)
{
    return 1;
}
