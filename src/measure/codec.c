#include "measure/codec.h"

#include <math.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/file.h"
#include "model/bundle.h"

int codec_open(struct codec *c, const char *dir, struct threads *threads, struct err *e)
{
    char *path = path_join(dir, "vae");
    int rc = bundle_load_tiny_vae(&c->vae, path, device_cpu(), DT_F32, 0, e);

    if (!rc)
        cx_init(&c->cx, device_cpu(), DT_F32, threads);
    free(path);
    return rc;
}

void codec_close(struct codec *c)
{
    cx_release(&c->cx);
    tiny_vae_release(&c->vae);
}

int codec_pass(struct codec *c, const uint8_t *rgb, int w, int h, int n, uint8_t *out,
               struct err *e)
{
    const struct tiny_vae *m = &c->vae;
    size_t count = (size_t)n * (size_t)w * (size_t)h * 3;
    struct tensor *x;
    float *pixels;
    int rc;

    if (w % m->ks || h % m->ks || (n - 1) % m->kt)
        return err_set(
            e, ERR_USAGE,
            "the codec cannot take %d frames of %dx%d: sides must be multiples of %d px, "
            "frames one more than a multiple of %d",
            n, w, h, m->ks, m->kt);
    pixels = xmalloc(count * sizeof *pixels);
    for (size_t i = 0; i < count; i++)
        pixels[i] = (float)rgb[i] / 255;
    x = tensor_from(&c->cx, DT_F32, DIMS(n, h, w, 3), pixels, DT_F32);
    x = tiny_vae_decode(&c->cx, m, tiny_vae_encode(&c->cx, m, x));
    rc = c->cx.err.code;
    if (rc)
        *e = c->cx.err;
    else if (tensor_count(x) != (int64_t)count)
        BUG("%d frames of %dx%d came back as %lld values", n, w, h, (long long)tensor_count(x));
    else
        tensor_read_f32(&c->cx, x, pixels);
    for (size_t i = 0; !rc && i < count; i++)
        out[i] = (uint8_t)(fminf(fmaxf(pixels[i], 0), 1) * 255 + 0.5f);
    cx_step_end(&c->cx);
    free(pixels);
    return rc;
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
