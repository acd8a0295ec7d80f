#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ahead.h"
#include "base/clock.h"
#include "base/file.h"
#include "model/networks.h"
#include "train/growth.h"
#include "train/latents_write.h"
#include "train/stages.h"

/* Whole groups: with growth the file may hold a few clips that are drawn from later. */
static int encode_all(struct latents_writer *w, const struct run *run, int final, struct err *e)
{
    const struct train_config *c = w->config;
    struct ahead *clips;
    double start = clock_s(), said = start;
    int from = w->clips;
    int wanted = (c->latent_clips + LATENT_GROUP - 1) / LATENT_GROUP * LATENT_GROUP;
    wanted = wanted < final ? wanted : final;
    int rc = latent_clips_ahead(&clips, &w->source, from, wanted, threads_count(run->threads), e);
    while (!rc && w->clips < wanted) {
        if (run->stop && *run->stop) {
            rc = err_set(e, ERR_CANCEL, "latents: stopped after %d clips", w->clips);
            break;
        }
        struct latent_clip *group[LATENT_GROUP];
        int n = latent_group_size(w->clips, final);
        for (int i = 0; i < n; i++)
            group[i] = ahead_take(clips);
        rc = latents_writer_add(w, group, n, e);
        for (int i = 0; i < n; i++)
            latent_clip_free(&group[i]);
        if (clock_s() - said > 10 || w->clips == wanted) {
            said = clock_s();
            double rate = (w->clips - from) / (said - start);
            run_log(run, "latents %d/%d clips  %.1f clips/s  %.0f s left", w->clips, wanted, rate,
                    (wanted - w->clips) / rate);
        }
    }
    ahead_free(&clips);
    return rc;
}

/* Statistics over every place of every record that is there before the transformer trains, channel
 * by channel. */
static int measure(const struct latents_writer *w, const char *dir, struct err *e)
{
    const struct latents_head *h = &w->head;
    size_t places = (size_t)h->t * (size_t)h->h * (size_t)h->w, c = (size_t)h->c;
    int n = w->config->latent_clips * (w->config->mirror ? 2 : 1);
    double sum[BUNDLE_MAX_CHANNELS] = {0}, squares[BUNDLE_MAX_CHANNELS] = {0};
    bf16 *z = xmalloc(sizeof(bf16) * places * c);
    int rc = 0;
    for (int i = 0; i < n && !rc; i++) {
        off_t at = (off_t)(sizeof(*h) + w->at.bytes * (size_t)i + w->at.z);
        if (pread(w->fd, z, sizeof(bf16) * places * c, at) != (ssize_t)(sizeof(bf16) * places * c))
            rc = err_set(e, ERR_IO, "%s: cannot read record %d", w->path, i);
        for (size_t j = 0; j < places * c && !rc; j++) {
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
        squares[k] = sqrt(w->config->shared_std ? variance : squares[k]);
    return rc ? rc : latents_write_stats(dir, sum, squares, (int)c, e);
}

int latents_stage(const struct train_config *c, const struct run *run, struct err *e)
{
    struct cx cx;
    struct tiny_vae m;
    char *vae = path_join(run->dir, "vae"), *stats = path_join(run->dir, "latents.json");
    cx_init(&cx, run->device, c->type, run->threads);
    int rc = bundle_load_tiny_vae(&m, vae, run->device, c->type, 0, e), loaded = !rc;
    if (!rc) {
        struct latents_writer w;
        int final = growth_final(c);
        rc = latents_writer_open(&w, c, run, &cx, &m, final, e);
        int done = w.clips;
        if (!rc)
            rc = encode_all(&w, run, final, e);
        if (!rc && !*c->from && (done < c->latent_clips || !file_exists(stats)))
            rc = measure(&w, run->dir, e);
        rc = latents_writer_close(&w, rc, e);
    }
    if (loaded)
        tiny_vae_release(&m);
    cx_release(&cx);
    free(stats);
    free(vae);
    return rc;
}
