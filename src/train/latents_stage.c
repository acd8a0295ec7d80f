#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "train/latents.h"
#include "train/reel.h"
#include "train/stages.h"

enum { AT_ONCE = 16 };

/* Training clips are other clips than those the codec learned from. */
#define LATENT_CLIPS (1ull << 32)

struct encoder {
    const struct train_config *c;
    const struct run *run;
    struct cx cx;
    struct tiny_vae m;
    struct latents_head head;
    size_t record, z_at, share_at;
    uint8_t *bytes; /* one record */
    int fd;
    char *path;
};

static void flip(uint8_t *p, int w, int h, int n, int channels)
{
    for (int64_t row = 0; row < (int64_t)h * n; row++) {
        uint8_t *a = p + row * w * channels, *b = a + (w - 1) * channels;
        for (; a < b; a += channels, b -= channels)
            for (int k = 0; k < channels; k++) {
                uint8_t t = a[k];
                a[k] = b[k];
                b[k] = t;
            }
    }
}

/* Share of each token's pixels, over the frames of its group, that belong to an object. */
static void token_shares(const struct encoder *s, const struct clip *c, uint8_t *share)
{
    int kt = s->m.kt, side = s->m.ks * s->head.patch;
    for (int t = 0; t < s->head.t; t++)
        for (int y = 0; y < c->h / side; y++)
            for (int x = 0; x < c->w / side; x++) {
                int first = t ? kt * (t - 1) + 1 : 0, last = kt * t, hit = 0;
                for (int f = first; f <= last; f++)
                    for (int v = y * side; v < (y + 1) * side; v++)
                        for (int u = x * side; u < (x + 1) * side; u++) {
                            int id = c->ids[((size_t)f * (size_t)c->h + (size_t)v) * (size_t)c->w +
                                            (size_t)u];
                            hit += id > 0 && id <= c->n_objects;
                        }
                int all = (last - first + 1) * side * side;
                *share++ = (uint8_t)((hit * 255 + all - 1) / all);
            }
}

static int encode(struct encoder *s, const struct clip *c, const struct facts *f, struct err *e)
{
    struct cx *cx = &s->cx;
    size_t n = (size_t)c->w * (size_t)c->h * (size_t)c->n_frames * 3;
    float *values = xmalloc(sizeof *values * n);
    for (size_t i = 0; i < n; i++)
        values[i] = (float)c->rgb[i] / 255;
    struct tensor *x = tensor_from(cx, DT_F32, DIMS(c->n_frames, c->h, c->w, 3), values, DT_F32);
    struct tensor *z = tiny_vae_encode(cx, &s->m, x);
    size_t count = (size_t)s->head.t * (size_t)s->head.h * (size_t)s->head.w * (size_t)s->head.c;
    ZT_ASSERT((size_t)tensor_count(z) == count && count <= n);
    tensor_read_f32(cx, z, values);
    memset(s->bytes, 0, s->record);
    memcpy(s->bytes, f, sizeof(*f));
    dtype_convert(s->bytes + s->z_at, DT_BF16, values, DT_F32, count);
    free(values);
    token_shares(s, c, s->bytes + s->share_at);
    cx_step_end(cx);
    if (cx->err.code)
        return err_set(e, cx->err.code, "latents: %s", cx->err.msg);
    for (size_t done = 0; done < s->record;) {
        ssize_t got = write(s->fd, s->bytes + done, s->record - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_set(e, ERR_IO, "%s: cannot write: %s", s->path,
                           got ? strerror(errno) : "no room");
        done += (size_t)got;
    }
    return 0;
}

static int encode_views(struct encoder *s, struct clip *c, struct scene *scene, struct err *e)
{
    struct facts f = scene->facts;
    int r = encode(s, c, &f, e);
    if (r || !s->c->mirror)
        return r;
    flip(c->rgb, c->w, c->h, c->n_frames, 3);
    flip(c->ids, c->w, c->h, c->n_frames, 1);
    facts_mirror(&f);
    return encode(s, c, &f, e);
}

/* Whole records of whole clips that are there; negative on failure. */
static int open_for_append(struct encoder *s, struct err *e)
{
    s->fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (s->fd < 0)
        return err_set(e, ERR_IO, "%s: cannot write: %s", s->path, strerror(errno));
    off_t size = lseek(s->fd, 0, SEEK_END), head = (off_t)sizeof(s->head);
    size_t clip = s->record * (s->c->mirror ? 2 : 1);
    struct latents_head have;
    if (size >= head && pread(s->fd, &have, sizeof(have), 0) == head &&
        !memcmp(&have, &s->head, sizeof(have))) {
        int64_t n = (size - head) / (int64_t)clip;
        n = n < s->c->latent_clips ? n : s->c->latent_clips;
        if (ftruncate(s->fd, head + n * (int64_t)clip) || lseek(s->fd, 0, SEEK_END) < 0)
            return err_set(e, ERR_IO, "%s: cannot write: %s", s->path, strerror(errno));
        return (int)n;
    }
    if (size > 0 && !s->run->resume)
        return err_set(e, ERR_FORMAT, "%s: the latents come from another config or codec", s->path);
    if (ftruncate(s->fd, 0) || lseek(s->fd, 0, SEEK_SET) ||
        write(s->fd, &s->head, sizeof(s->head)) != head)
        return err_set(e, ERR_IO, "%s: cannot write: %s", s->path, strerror(errno));
    return 0;
}

static int encode_all(struct encoder *s, int done, struct err *e)
{
    const struct train_config *c = s->c;
    struct clip clip[AT_ONCE];
    struct scene scene[AT_ONCE];
    double start = clock_s(), said = start;
    int r = 0, from = done;
    while (!r && done < c->latent_clips) {
        if (s->run->stop && *s->run->stop)
            return err_set(e, ERR_CANCEL, "latents: stopped after %d clips", done);
        int n = c->latent_clips - done < AT_ONCE ? c->latent_clips - done : AT_ONCE;
        reel_render(clip, scene, c->seed, LATENT_CLIPS + (uint64_t)done, n, &c->clip,
                    s->run->threads);
        for (int i = 0; i < n; i++) {
            if (!r)
                r = encode_views(s, &clip[i], &scene[i], e);
            clip_release(&clip[i]);
        }
        done += n;
        if (clock_s() - said > 10 || done == c->latent_clips) {
            said = clock_s();
            double rate = (done - from) / (said - start);
            run_log(s->run, "latents %d/%d clips  %.1f clips/s  %.0f s left", done, c->latent_clips,
                    rate, (c->latent_clips - done) / rate);
        }
    }
    return r;
}

/* Statistics over every place of every record, channel by channel. */
static int measure(struct encoder *s, struct err *e)
{
    const struct latents_head *h = &s->head;
    size_t places = (size_t)h->t * (size_t)h->h * (size_t)h->w, c = (size_t)h->c;
    int n = s->c->latent_clips * (s->c->mirror ? 2 : 1);
    double sum[BUNDLE_MAX_CHANNELS] = {0}, squares[BUNDLE_MAX_CHANNELS] = {0};
    bf16 *z = xmalloc(sizeof(bf16) * places * c);
    int r = 0;
    for (int i = 0; i < n && !r; i++) {
        off_t at = (off_t)(sizeof(*h) + s->record * (size_t)i + s->z_at);
        if (pread(s->fd, z, sizeof(bf16) * places * c, at) != (ssize_t)(sizeof(bf16) * places * c))
            r = err_set(e, ERR_IO, "%s: cannot read record %d", s->path, i);
        for (size_t j = 0; j < places * c && !r; j++) {
            double x = bf16_to_f32(z[j]);
            sum[j % c] += x;
            squares[j % c] += x * x;
        }
    }
    free(z);
    double total = (double)places * n, variance = 0;
    for (size_t k = 0; k < c; k++) {
        sum[k] /= total;
        squares[k] = fmax(squares[k] / total - sum[k] * sum[k], 1e-8);
        variance += squares[k] / (double)c;
    }
    for (size_t k = 0; k < c;
         k++) /* a shared scale keeps what half whitening left of the order of channels */
        squares[k] = sqrt(s->c->shared_std ? variance : squares[k]);
    return r ? r : latents_write_stats(s->run->dir, sum, squares, (int)c, e);
}

int latents_stage(const struct train_config *c, const struct run *run, struct err *e)
{
    struct encoder s = {.c = c, .run = run, .fd = -1, .path = path_join(run->dir, "latents.bin")};
    char *vae = path_join(run->dir, "vae");
    cx_init(&s.cx, run->device, c->type, run->threads);
    int r = latents_head_of(&s.head, c, run->dir, e);
    int loaded = !r && !(r = bundle_load_tiny_vae(&s.m, vae, run->device, c->type, 0, e));
    if (!r) {
        s.record = latents_record(&s.head, &s.z_at, &s.share_at);
        s.bytes = xmalloc(s.record);
        int done = open_for_append(&s, e);
        r = done < 0 ? done : encode_all(&s, done, e);
        char *stats = path_join(run->dir, "latents.json");
        if (!r && (done < c->latent_clips || !file_exists(stats)))
            r = measure(&s, e);
        free(stats);
    }
    if (s.fd >= 0 && close(s.fd) && !r)
        r = err_set(e, ERR_IO, "%s: cannot write: %s", s.path, strerror(errno));
    if (loaded)
        tiny_vae_release(&s.m);
    cx_release(&s.cx);
    free(s.bytes);
    free(s.path);
    free(vae);
    return r;
}
