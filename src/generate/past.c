#include "generate/past.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "generate/plan_inner.h"

enum { SAMPLES = 2 };

int past_settle(struct plan *p, const struct request *r, struct err *e)
{
    const char *why = NULL;
    double of_model = p->steps < p->info.steps ? 1 : p->info.past_above;

    if (!p->dit.past_blocks)
        why = "this transformer keeps no keys and values";
    else if (p->dit.in_channels > p->dit.out_channels)
        why = "this model reads pictures beside the latent";
    else if (!p->info.own_times)
        why = "given frames have no timestep of their own in this model";
    else if (p->cut)
        why = "it goes with no cache, which guesses from evaluations of all rows";
    else if (p->region.n)
        why = "it goes with no mask and no outpaint";
    p->past_above = request_real(r, OPT_PAST_ABOVE, why ? 1 : of_model);
    if (!(p->past_above < 1) || !why)
        return 0;
    if (!r->value[OPT_PAST_ABOVE].from_recipe)
        return err_set(e, ERR_USAGE, "past-above: %s; 1 is allowed", why);
    plan_note(p, xasprintf("past-above: %s; the recipe's %g is left out", why, p->past_above));
    p->past_above = 1;
    return 0;
}

static int64_t rows_of(const struct latent_shape *s, int frames)
{
    return latent_tokens(s) / (s->t / s->pt) * frames;
}

size_t past_bytes(const struct denoiser_config *c, enum dtype type, const struct latent_shape *s,
                  int frames)
{
    return SAMPLES * denoiser_past_bytes(c, type, rows_of(s, frames));
}

int past_init(struct past *p, struct cx *cx, const struct denoiser_config *c,
              const struct latent_shape *s, int frames, struct err *e)
{
    int rc = 0;

    *p = (struct past){.most = frames, .pt = s->pt, .bytes = past_bytes(c, cx->type, s, frames)};
    if (!frames)
        return 0;
    device_enter(cx->device);
    p->memory = device_take(cx->device, p->bytes);
    if (!p->memory)
        rc = device_no_room(cx->device, e, "keys and values of given frames");
    device_leave(cx->device);
    return rc;
}

void past_give(struct past *p, const struct given *list, int n)
{
    int frames = 0;

    for (const struct given *g; (g = given_at(list, n, frames)) && g->level == 0;)
        frames++;
    frames /= p->pt ? p->pt : 1;
    p->frames = frames < p->most ? frames : p->most;
    p->known = 0;
}

void past_release(struct past *p, struct cx *cx)
{
    if (p->memory) {
        device_enter(cx->device);
        device_give(cx->device, p->memory, p->bytes);
        device_leave(cx->device);
    }
    *p = (struct past){0};
}

static unsigned bits(int first, int n)
{
    return ((1u << n) - 1) << first;
}

const struct denoiser_past *past_of(const struct past *p, struct cx *cx, int expert, int first,
                                    int n)
{
    struct denoiser_past *call;
    unsigned wanted = bits(first, n);

    if (!p->acts)
        return NULL;
    call = arena_alloc(&cx->handles, sizeof *call);
    call->frames = p->frames;
    call->known = p->expert == expert && (p->known & wanted) == wanted;
    call->memory = (char *)p->memory + (size_t)first * (p->bytes / SAMPLES);
    return call;
}

const int32_t *past_times(struct cx *cx, const struct latent_shape *s, const int32_t *index, int n,
                          int64_t left)
{
    int64_t rows = latent_tokens(s) - left;
    size_t bytes = (size_t)rows * sizeof *index;
    int32_t *out = arena_alloc(&cx->handles, (size_t)n * bytes);

    for (int i = 0; i < n; i++)
        memcpy(out + i * rows, index + left, bytes);
    return out;
}

void past_read(struct cx *cx, const struct tensor *y, const struct latent_shape *s, int n,
               float *out)
{
    size_t frame = (size_t)s->h * (size_t)s->w, all = frame * (size_t)s->t,
           said = frame * (size_t)y->dim[2];
    float *some;

    if (said == all) {
        tensor_read_f32(cx, y, out);
        return;
    }
    some = xmalloc((size_t)tensor_count(y) * sizeof *some);
    tensor_read_f32(cx, y, some);
    for (size_t i = 0; i < (size_t)(n * s->c); i++)
        memcpy(out + (i + 1) * all - said, some + i * said, said * sizeof *some);
    free(some);
}

void past_learn(struct past *p, int expert, int first, int n)
{
    p->known = (p->expert == expert ? p->known : 0) | bits(first, n);
    p->expert = expert;
}
