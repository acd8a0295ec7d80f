#include "train/vae_dead.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct vae_dead_layer *layer_of(struct vae_dead *d, const char *name, int64_t channels)
{
    int i = 0;
    while (i < d->n && strcmp(d->layer[i].name, name))
        i++;
    if (i == VAE_DEAD_LAYERS)
        BUG("vae_dead: %s is one layer too many", name);
    struct vae_dead_layer *l = &d->layer[i];
    if (i == d->n) {
        d->n++;
        snprintf(l->name, sizeof l->name, "%s", name);
        l->channels = channels;
        l->fires = xcalloc((size_t)channels, sizeof *l->fires);
    }
    ZT_ASSERT(l->channels == channels);
    return l;
}

static void see(void *user, struct cx *cx, const char *name, struct tensor *value)
{
    int64_t places = tensor_rows(value), channels = tensor_last(value);
    struct vae_dead_layer *l = layer_of(user, name, channels);
    float *x = xmalloc(sizeof *x * (size_t)(places * channels));
    tensor_read_f32(cx, value, x);
    for (int64_t p = 0; p < places; p++)
        for (int64_t c = 0; c < channels; c++)
            l->fires[c] += x[p * channels + c] > 0;
    l->places += places;
    free(x);
}

struct tap vae_dead_tap(struct vae_dead *d)
{
    return (struct tap){see, d};
}

double vae_dead_share(const struct vae_dead *d, int i)
{
    const struct vae_dead_layer *l = &d->layer[i];
    int64_t dead = 0;
    for (int64_t c = 0; c < l->channels; c++)
        dead += (double)l->fires[c] < VAE_DEAD_FIRES * (double)l->places;
    return (double)dead / (double)l->channels;
}

int vae_dead_worst(const struct vae_dead *d)
{
    int worst = d->n ? 0 : -1;
    for (int i = 1; i < d->n; i++)
        if (vae_dead_share(d, i) > vae_dead_share(d, worst))
            worst = i;
    return worst;
}

void vae_dead_release(struct vae_dead *d)
{
    for (int i = 0; i < d->n; i++)
        free(d->layer[i].fires);
    *d = (struct vae_dead){0};
}
