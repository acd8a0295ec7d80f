#include "measure/codec.h"

#include <math.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/file.h"
#include "base/rng.h"

int round_trip_open(struct round_trip *c, const char *dir, struct threads *threads, struct err *e)
{
    char *path = path_join(dir, "vae");
    int rc = part_declare(&c->part, path, PART_CODEC, e);

    if (!rc)
        rc = part_load(&c->part, path, device_cpu(), DT_F32, 0, NULL, e);
    if (!rc) {
        c->codec = part_codec(&c->part);
        cx_init(&c->cx, device_cpu(), DT_F32, threads);
    } else {
        part_release(&c->part);
    }
    free(path);
    return rc;
}

void round_trip_close(struct round_trip *c)
{
    cx_release(&c->cx);
    part_release(&c->part);
}

static void add_noise(const struct codec_config *k, float *z, size_t n, double noise, uint64_t key)
{
    float *draw = xmalloc(sizeof *draw * n);

    rng_fill_normal(draw, n, key, 0, 0);
    for (size_t i = 0; i < n; i++)
        z[i] += draw[i] * (float)noise * (k->std ? k->std[i % (size_t)k->channels] : 1);
    free(draw);
}

/* pixels [n,h,w,3] become what the codec makes of them. */
static int pass(struct round_trip *c, float *pixels, int w, int h, int n, double noise,
                uint64_t key, struct err *e)
{
    const struct codec_config *k = &c->codec.config;
    int t = codec_latents(k, n), lh = h / k->ks, lw = w / k->ks;
    size_t n_z = (size_t)t * (size_t)lh * (size_t)lw * (size_t)k->channels;
    float *z = xmalloc(sizeof *z * n_z);
    struct tensor *x = tensor_from(&c->cx, DT_F32, DIMS(n, h, w, 3), pixels, DT_F32);

    tensor_read_f32(&c->cx, codec_encode(&c->cx, &c->codec, x), z);
    cx_step_end(&c->cx);
    if (noise > 0)
        add_noise(k, z, n_z, noise, key);
    int rc = codec_decode(&c->cx, &c->codec, z, t, lh, lw, pixels, e);
    free(z);
    return rc;
}

int round_trip_noisy(struct round_trip *c, const uint8_t *rgb, int w, int h, int n, double noise,
                     uint64_t key, uint8_t *out, struct err *e)
{
    const struct codec_config *k = &c->codec.config;
    size_t count = (size_t)n * (size_t)w * (size_t)h * 3;
    float *pixels;
    int rc;

    if (w % k->ks || h % k->ks || codec_frames(k, codec_latents(k, n)) != n)
        return err_set(
            e, ERR_USAGE,
            "the codec cannot take %d frames of %dx%d: sides must be multiples of %d px, "
            "frames %d more than a multiple of %d",
            n, w, h, k->ks, k->first, k->kt);
    pixels = xmalloc(count * sizeof *pixels);
    for (size_t i = 0; i < count; i++)
        pixels[i] = (float)rgb[i] / 255;
    rc = pass(c, pixels, w, h, n, noise, key, e);
    for (size_t i = 0; !rc && i < count; i++)
        out[i] = (uint8_t)(fminf(fmaxf(pixels[i], 0), 1) * 255 + 0.5f);
    free(pixels);
    return rc;
}

int round_trip_film(struct round_trip *c, const uint8_t *rgb, int w, int h, int n, uint8_t *out,
                    struct err *e)
{
    return round_trip_noisy(c, rgb, w, h, n, 0, 0, out, e);
}

void codec_error_add(struct codec_error *s, const uint8_t *a, const uint8_t *b, const uint8_t *ids,
                     size_t n_px)
{
    for (size_t i = 0; i < n_px; i++) {
        double sum = 0;

        for (size_t k = 3 * i; k < 3 * i + 3; k++)
            sum += ((double)a[k] - b[k]) * ((double)a[k] - b[k]);
        s->sum += sum;
        s->n += 3;
        if (ids[i] == 1) {
            s->mover_sum += sum;
            s->mover_n += 3;
        }
    }
}

double codec_psnr(double sum, double n)
{
    if (n == 0)
        return 0;
    return sum == 0 ? 99 : 10 * log10(255.0 * 255.0 * n / sum);
}
