#include "media/ff_film_check.h"

#include <stdlib.h>
#include <string.h>

#include <libavformat/avformat.h>

#include "media/ff_util.h"

/* Where the next start code, 00 00 01, begins; end without one. */
static const uint8_t *start_code(const uint8_t *p, const uint8_t *end)
{
    for (; end - p > 2; p++)
        if (!p[0] && !p[1] && p[2] == 1)
            return p;
    return end;
}

/* The next unit of H.264 at *p, which is moved behind it; NULL at the end. Zeros at its end are of
 * the next start code. */
static const uint8_t *next_unit(const uint8_t **p, const uint8_t *end, int lengths, size_t *n)
{
    const uint8_t *unit;

    if (lengths) {
        if (end - *p < 4)
            return NULL;
        unit = *p + 4;
        *n = (size_t)(*p)[0] << 24 | (size_t)(*p)[1] << 16 | (size_t)(*p)[2] << 8 | (*p)[3];
        if (*n > (size_t)(end - unit))
            *n = (size_t)(end - unit);
        *p = unit + *n;
    } else {
        unit = start_code(*p, end);
        if (unit == end)
            return NULL;
        unit += 3;
        *p = start_code(unit, end);
        *n = (size_t)(*p - unit);
    }
    while (*n && !unit[*n - 1])
        --*n;
    return unit;
}

void film_sum_init(struct film_sum *s)
{
    sha256_init(&s->hash);
    s->n = 0;
}

void film_sum_add(struct film_sum *s, const AVPacket *pkt, AVRational time_base, AVRational frame,
                  int lengths)
{
    const uint8_t *p = pkt->data, *end = p + pkt->size, *unit;
    int64_t facts[2] = {av_rescale_q(pkt->pts, time_base, frame), pkt->flags & AV_PKT_FLAG_KEY};
    size_t n;

    while ((unit = next_unit(&p, end, lengths, &n)))
        sha256_add(&s->hash, unit, n);
    sha256_add(&s->hash, facts, sizeof facts);
    s->n++;
}

/* Size, colours, and the parameter sets without which nothing can be decoded. */
static int same_stream(const AVCodecParameters *par, const AVCodecContext *enc)
{
    const uint8_t *p = enc->extradata, *end = p + enc->extradata_size, *unit;
    size_t n;
    int same = par->width == enc->width && par->height == enc->height &&
               par->color_space == enc->colorspace && par->color_trc == enc->color_trc &&
               par->color_primaries == enc->color_primaries && par->color_range == enc->color_range;

    while (same && (unit = next_unit(&p, end, 0, &n))) {
        int type = n ? unit[0] & 31 : 0;
        if (type == 7 || type == 8)
            same = par->extradata && memmem(par->extradata, (size_t)par->extradata_size, unit, n);
    }
    return same;
}

static int same_comment(const AVDictionary *metadata, const char *comment)
{
    const AVDictionaryEntry *there = av_dict_get(metadata, "comment", NULL, 0);

    return !comment || (there && !strcmp(there->value, comment));
}

static int read_back(struct film_sum *s, AVFormatContext *in, AVRational frame)
{
    AVPacket *pkt = av_packet_alloc();
    int rc = pkt ? 0 : AVERROR(ENOMEM);

    film_sum_init(s);
    while (!rc && (rc = av_read_frame(in, pkt)) >= 0) {
        if (pkt->stream_index == 0)
            film_sum_add(s, pkt, in->streams[0]->time_base, frame, 1);
        av_packet_unref(pkt);
        rc = 0;
    }
    av_packet_free(&pkt);
    return rc == AVERROR_EOF ? 0 : rc;
}

int film_sum_check(struct film_sum *s, const char *path, const AVCodecContext *enc, int64_t n,
                   int audio, const char *comment, struct err *e)
{
    AVFormatContext *in = NULL;
    struct film_sum back;
    char *url = ff_url(path), was[65], is[65];
    int rc = avformat_open_input(&in, url, av_find_input_format("mp4"), NULL), same = 0;

    free(url);
    if (rc >= 0 && (rc = read_back(&back, in, enc->time_base)) >= 0) {
        sha256_hex(&s->hash, was);
        sha256_hex(&back.hash, is);
        same = s->n == n && back.n == n && !strcmp(was, is) &&
               in->nb_streams == (unsigned)(1 + audio) &&
               same_stream(in->streams[0]->codecpar, enc) && same_comment(in->metadata, comment);
    }
    avformat_close_input(&in);
    if (rc < 0)
        return ff_error(e, ERR_IO, path, "cannot read it back", rc);
    return same ? 0
                : err_set(e, ERR_IO,
                          "%s: read back, it is not the film that was written: memory or disk "
                          "gave out meanwhile",
                          path);
}
