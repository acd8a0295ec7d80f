/* velocity_give.c - which frames and places of a window are given. */
#include <stdlib.h>

#include "generate/stagger.h"

/* Tokens of a region that are held clean have a timestep too, where their frame has none. */
static void give_places(struct velocity *v, const uint8_t *place)
{
    const struct latent_shape *s = &v->ask.shape;
    int64_t n = latent_tokens(s);
    int drawn = v->n_times, clean = given_time(v->times, &v->n_times, 0);

    for (int64_t i = 0; i < 2 * n; i++)
        if (v->time_index[i] == drawn)
            v->time_index[i] =
                (int32_t)(place[latent_place_of(s, i % n, 0)] == REGION_CLEAN ? clean : v->n_times);
}

int velocity_leaves_out(const struct velocity *v, double sigma)
{
    return v->past.frames && sigma > v->ask.past_above;
}

void velocity_give(struct velocity *v, const struct given *list, int n, const uint8_t *place)
{
    const struct latent_shape *s = &v->ask.shape;
    int64_t frame = latent_tokens(s) / (s->t / s->pt),
            *entry = xcalloc((size_t)s->t, sizeof *entry);

    ZT_ASSERT(n <= s->t);
    v->n_times = 0;
    for (int i = 0; i < n; i++)
        entry[list[i].frame / s->pt] = 1 + given_time(v->times, &v->n_times, list[i].level);
    for (int64_t i = 0; i < 2 * latent_tokens(s); i++) {
        int64_t own = entry[i / frame % (s->t / s->pt)];

        v->time_index[i] = (int32_t)(own ? own - 1 : v->n_times);
    }
    if (place)
        give_places(v, place);
    v->n_times++;
    free(entry);
    velocity_forget(v); /* other timesteps are other shapes */
    past_give(&v->past, list, n);
    stagger_give(v, list, n);
}
