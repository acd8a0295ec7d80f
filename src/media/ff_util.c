/* ff_util.c - error texts and colour conversion for FFmpeg's frames. */
#include "media/ff_util.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include "media/film.h"
#include "media/film_kind.h"
#include "media/yuv.h"

int ff_error(struct err *e, int code, const char *path, const char *what, int averror)
{
    char words[AV_ERROR_MAX_STRING_SIZE] = "";

    av_strerror(averror, words, sizeof words);
    if (averror == AVERROR(ENOMEM))
        code = ERR_FIT;
    return err_set(e, code, "%s: %s: %s", path, what, words);
}

int ff_put_words(AVDictionary **metadata, const char *comment)
{
    char *label = label_of_comment(comment);
    int rc = av_dict_set(metadata, "comment", comment, 0);

    if (rc >= 0 && label)
        rc = av_dict_set(metadata, "AIGC", label, 0);
    free(label);
    return rc;
}

void film_quiet(void)
{
    av_log_set_level(AV_LOG_QUIET);
}

char *ff_url(const char *path)
{
    return xasprintf("file:%s", path);
}

/* The yuvj formats are the plain ones with full range, and swscale scolds about their names. */
static enum AVPixelFormat plain_format(enum AVPixelFormat f, int *full_range)
{
    static const enum AVPixelFormat pairs[][2] = {
        {AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUV420P}, {AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUV422P},
        {AV_PIX_FMT_YUVJ444P, AV_PIX_FMT_YUV444P}, {AV_PIX_FMT_YUVJ440P, AV_PIX_FMT_YUV440P},
        {AV_PIX_FMT_YUVJ411P, AV_PIX_FMT_YUV411P},
    };

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (pairs[i][0] == f) {
            *full_range = 1;
            return pairs[i][1];
        }
    return f;
}

/* 1 and *l set when yuv.c can convert this frame itself. */
static int own_layout(struct yuv_layout *l, const AVFrame *f, enum AVPixelFormat format, int full)
{
    int spc = f->colorspace;

    *l = (struct yuv_layout){.full_range = full,
                             .centred = f->chroma_location == AVCHROMA_LOC_CENTER};
    if (format == AV_PIX_FMT_YUV420P)
        l->chroma = YUV_420;
    else if (format == AV_PIX_FMT_YUV444P)
        l->chroma = YUV_444;
    else
        return 0;
    if (spc == AVCOL_SPC_BT709 || (spc == AVCOL_SPC_UNSPECIFIED && f->height >= 720))
        l->matrix = YUV_BT709;
    else if (spc == AVCOL_SPC_BT470BG || spc == AVCOL_SPC_SMPTE170M || spc == AVCOL_SPC_UNSPECIFIED)
        l->matrix = YUV_BT601;
    else
        return 0;
    return 1;
}

/* A row of a picture that swscale made: 3 bytes a pixel, or 4 with alpha to be laid on white, in
 * sRGB as browsers do it. */
static void take_row(uint8_t *rgb, const uint8_t *row, int w, int alpha)
{
    if (!alpha) {
        memcpy(rgb, row, (size_t)w * 3);
        return;
    }
    for (int x = 0; x < w; x++, row += 4)
        for (int c = 0; c < 3; c++)
            *rgb++ = (uint8_t)((row[c] * row[3] + 255 * (255 - row[3]) + 127) / 255);
}

static int by_swscale(uint8_t *rgb, const AVFrame *f, enum AVPixelFormat format, int full,
                      const char *path, struct err *e)
{
    int alpha = (av_pix_fmt_desc_get(format)->flags & AV_PIX_FMT_FLAG_ALPHA) != 0;
    enum AVPixelFormat to = alpha ? AV_PIX_FMT_RGBA : AV_PIX_FMT_RGB24;
    int w = f->width, h = f->height, stride[4], rc;
    int spc = f->colorspace == AVCOL_SPC_UNSPECIFIED ? SWS_CS_ITU601 : f->colorspace;
    uint8_t *plane[4];
    struct SwsContext *sws = sws_getContext(
        w, h, format, w, h, to, SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_BITEXACT,
        NULL, NULL, NULL);

    if (!sws && sws_isSupportedInput(format))
        return ff_error(e, ERR_FIT, path, "colour conversion", AVERROR(ENOMEM));
    if (!sws)
        return err_set(e, ERR_FORMAT, "%s: pixel format %s cannot be converted", path,
                       av_get_pix_fmt_name(format));
    /* Not through rgb itself: swscale may write past the end of short rows. */
    rc = av_image_alloc(plane, stride, w, h, to, 64);
    if (rc >= 0) {
        sws_setColorspaceDetails(sws, sws_getCoefficients(spc), full,
                                 sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16, 1 << 16);
        rc = sws_scale(sws, (const uint8_t *const *)f->data, f->linesize, 0, h, plane, stride);
        for (int y = 0; y < h; y++)
            take_row(rgb + (size_t)y * w * 3, plane[0] + (size_t)y * stride[0], w, alpha);
        av_freep(&plane[0]);
    }
    sws_freeContext(sws);
    return rc < 0 ? ff_error(e, ERR_FORMAT, path, "colour conversion", rc) : 0;
}

int ff_frame_to_rgb(uint8_t *rgb, const AVFrame *f, const char *path, struct err *e)
{
    int full = f->color_range == AVCOL_RANGE_JPEG;
    enum AVPixelFormat format = plain_format(f->format, &full);
    struct yuv_layout layout;

    if (own_layout(&layout, f, format, full)) {
        struct yuv_planes src = {{f->data[0], f->data[1], f->data[2]},
                                 {f->linesize[0], f->linesize[1], f->linesize[2]}};

        yuv_to_rgb(rgb, &src, &layout, f->width, f->height);
        return 0;
    }
    return by_swscale(rgb, f, format, full, path, e);
}
