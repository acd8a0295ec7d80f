/* Memory and operations by a dry run of the same networks (forecast_dry.h), and where weights may
 * lie beside that; time from the operations and a short measurement. */
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/machine.h"
#include "generate/forecast_dry.h"
#include "generate/plan_inner.h"

enum {
    SCRATCH_BYTES = 640 << 20, /* of the kernels of a GPU */
    CODE_BYTES = 2 << 20,      /* of the program that a run reads, which are not forecast */
    MAX_TOKENS = 1 << 22       /* beyond this even a dry run takes long */
};
/* Small matrices and everything between them reach this part of a large matrix product. */
#define SHARE_OF_SPEED 0.5

static uint64_t base;

static void measure_base(void)
{
    machine_trim_heap(); /* what is free there will be taken again */
    base = machine_rss_bytes();
}

uint64_t plan_base_bytes(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, measure_base);
    return base;
}

/* ---- lengths and limits ---- */

static int stopped(const atomic_int *stop)
{
    return stop && atomic_load(stop);
}

static int tokens_of(const struct plan *p, int t)
{
    double n =
        (double)(t / p->dit.patch[0]) * (p->lh / p->dit.patch[1]) * (p->lw / p->dit.patch[2]);

    return n > MAX_TOKENS ? MAX_TOKENS + 1 : (int)n;
}

/* At least this much for t latent frames: the stream of the transformer and what it is made of. */
static double least_bytes(const struct plan *p, int t)
{
    return (double)tokens_of(p, t) * 2 * p->dit.width * 16;
}

/* The longest t that fits, by halving; 0: not even one frame. */
static int longest(const struct plan *p, double memory, const atomic_int *stop)
{
    int good = 0, bad = p->window;

    while (bad - good > 1 && !stopped(stop)) {
        int t = good + (bad - good) / 2;
        if (t <= p->dit.most_positions && tokens_of(p, t) <= MAX_TOKENS &&
            least_bytes(p, t) <= memory && plan_cost(p, t).host <= memory)
            good = t;
        else
            bad = t;
    }
    return good;
}

/* That nothing fits, and what would be needed for one picture: as it is printed, rounded up. */
static int refuse_all(const struct plan *p, const char *needs, const char *has, double fixed,
                      struct err *e)
{
    char least[40] = "more than can be computed at once";

    if (tokens_of(p, 1) <= MAX_TOKENS) {
        double bytes = fixed + plan_cost(p, 1).host, unit = 1;

        while (unit * 1024 <= bytes)
            unit *= 1024;
        format_bytes(least, sizeof least, bytes + unit / (bytes / unit < 99 ? 20 : 2));
    }
    return err_set(e, ERR_FIT,
                   "%d frames need %s of memory, there are %s; not even one picture fits: it needs "
                   "%s",
                   p->n_frames, needs, has, least);
}

/* fixed: of the memory, what weights and the process take. */
static int refuse(const struct plan *p, double need, double memory, double fixed,
                  const atomic_int *stop, struct err *e)
{
    char needs[32] = "more", has[32];
    int t = longest(p, memory - fixed, stop);

    if (stopped(stop))
        return err_set(e, ERR_CANCEL, "stopped");
    if (need > 0)
        format_bytes(needs, sizeof needs, need);
    format_bytes(has, sizeof has, memory);
    if (!t)
        return refuse_all(p, needs, has, fixed, e);
    int frames = codec_frames(&p->codec, t);
    return err_set(
        e, ERR_FIT,
        "%d frames at once do not fit: they need %s of memory and this model's positions "
        "for %d; there are %s and %d. %d frames (%.4g seconds) would fit",
        codec_frames(&p->codec, p->window), needs, p->window, has, p->dit.most_positions, frames,
        frames / p->info.frame_rate);
}

/* Which part of the weights may lie on a device of its own memory, beside the tensors and the
 * scratch of its kernels. */
static int share_device(struct plan *p, double tensors, const struct store_room of[N_PLACES],
                        struct err *e)
{
    double room = (double)p->device->room(p->device), scratch = fmin(SCRATCH_BYTES, room / 4);
    double left = room - tensors - scratch, all = (double)p->weight_bytes;
    char need[32], has[32];

    if (left <= 0) {
        format_bytes(need, sizeof need, tensors + scratch);
        format_bytes(has, sizeof has, room);
        return err_set(e, ERR_FIT,
                       "%d frames need %s of the memory of %s beside the weights, %s "
                       "are free",
                       p->n_frames, need, p->device->name, has);
    }
    for (int i = 0; i < N_PLACES && all > left; i++)
        if (i != PLACE_CODEC) /* small, and it does not come and go by parts */
            p->budget.bytes[i] = (uint64_t)(left * (double)of[i].own / all);
    p->device_bytes = (uint64_t)(tensors + scratch + fmin(all, left));
    return 0;
}

/* The weights of place i can be read from their file block by block: what must lie in memory then,
 * under such a limit. 0: they cannot. */
static double paged_bytes(const struct plan *p, int i, const struct store_room of[N_PLACES],
                          uint64_t limit)
{
    uint64_t bytes = 0;

    if (!plan_has_own_memory(p) && of[i].mapped)
        bytes = weight_set_resident(part_weights(&p->model->part[i]), limit);
    return bytes == UINT64_MAX ? 0 : fmin((double)bytes, (double)of[i].mapped);
}

/* What the host is at. */
enum phase { READING, STEPS, SHOWING };

static int reads_early(int place)
{
    return place == PLACE_TEXT || place == PLACE_TEXT2 || place == PLACE_IMAGE;
}

/* Is what is mapped of place i in memory by then? The decoder's pages come when it begins. */
static int is_touched(const struct plan *p, int i, enum phase phase)
{
    int pictures = p->first.rgb || p->n_keys || p->source.n || plan_reads_whole_film(p);

    if (phase != STEPS || !plan_shows_at_rest(p))
        return phase != READING || reads_early(i);
    return i == PLACE_CODEC ? pictures : i != PLACE_UPSAMPLER && i != PLACE_UPSAMPLER2;
}

/* Large encoders are used once, each of their blocks: its pages are let go behind it. */
static void let_encoders_go(struct plan *p, const struct store_room of[N_PLACES])
{
    for (int i = 0; i < N_PLACES; i++)
        if (reads_early(i) && paged_bytes(p, i, of, 0) > 0 &&
            weight_set_count(part_weights(&p->model->part[i])) >= p->text_kept_from)
            p->budget.bytes[i] = 1; /* the least that goes */
}

/* Weights on the host: copies, and mapped pages; of a device those that wait for their turn. Where
 * they come and go by blocks, each network lets its pages go when the next one's turn has come.
 * While pictures and words are read mapped pages of other networks were hardly touched. */
static double host_weights(const struct plan *p, const struct store_room of[N_PLACES],
                           enum phase phase)
{
    double sum = 0, paged = 0;

    for (int i = 0; i < N_PLACES; i++) {
        double own = (double)of[i].own, budget = (double)p->budget.bytes[i];

        if (plan_has_own_memory(p))
            own = budget > 0 && own > budget ? own - budget : 0;
        if (plan_has_own_memory(p) || budget == 0)
            own += is_touched(p, i, phase) ? (double)of[i].mapped : 0;
        else if (phase == READING ||
                 (!reads_early(i) && (phase == STEPS || !plan_shows_at_rest(p))))
            paged = fmax(paged, paged_bytes(p, i, of, p->budget.bytes[i]));
        sum += own;
    }
    return sum + paged;
}

/* All that the host holds at the busiest moment, beside the process as it is. */
static double host_peak(const struct plan *p, const struct store_room of[N_PLACES],
                        const struct cost *c)
{
    double drawn =
        fmax(host_weights(p, of, STEPS) + c->steps, host_weights(p, of, SHOWING) + c->host);

    return fmax(drawn, host_weights(p, of, READING) + c->early);
}

/* Weights that do not fit beside the rest are read from their files block by block, as those of
 * large encoders are in any case. *rest: bytes of the process without them; returns the least that
 * the largest network of the former needs. */
static double least_paged(const struct plan *p, const struct store_room of[N_PLACES], double *rest)
{
    double most = 0;

    *rest = (double)plan_base_bytes() + CODE_BYTES;
    for (int i = 0; i < N_PLACES; i++) {
        double least = p->budget.bytes[i] ? 0 : paged_bytes(p, i, of, 0);
        int comes = p->budget.bytes[i] || least > 0;

        *rest += (double)of[i].own + (comes ? 0 : (double)of[i].mapped);
        most = fmax(most, least);
    }
    return most;
}

static void share_host(struct plan *p, const struct store_room of[N_PLACES], uint64_t limit)
{
    char kept[32], all[32];
    double total = 0, stays = 0;

    for (int i = 0; i < N_PLACES; i++) {
        if (p->budget.bytes[i] || paged_bytes(p, i, of, 0) <= 0)
            continue;
        p->budget.bytes[i] = limit;
        total += (double)of[i].mapped;
        stays = fmax(stays, paged_bytes(p, i, of, limit));
    }
    format_bytes(kept, sizeof kept, stays);
    format_bytes(all, sizeof all, total);
    if (!p->paged)
        plan_note(p, xasprintf("%s of weights do not fit into the memory that may be used: they "
                               "are read from their files again in every step, but for %s at most; "
                               "the seconds of the forecast know nothing of that",
                               all, kept));
    p->paged = 1;
}

/* Seconds of pictures between drawn ones: movement of a pair on small ones, then their own px. */
static double interpolate_s(const struct plan *p)
{
    enum { SMALL_PX = 40000 };
    double px = (double)p->film_w * p->film_h;

    if (!p->interpolate)
        return 0;
    return (p->n_frames * fmin(px, SMALL_PX) * 1.2e-6 + p->n_film * px * 60e-9) / p->threads;
}

/* Which weights come and go, so that the film fits into that memory. ERR_FIT: it does not. c: what
 * it costs, where it is not too large to know (small). */
static int fit_host(struct plan *p, const struct store_room of[N_PLACES], const struct cost *c,
                    int small, uint64_t memory, const atomic_int *stop, struct err *e)
{
    double fixed, rest, least, need, have = (double)memory;

    memset(p->budget.bytes, 0, sizeof p->budget.bytes);
    let_encoders_go(p, of);
    fixed = (double)plan_base_bytes() + host_weights(p, of, SHOWING);
    need = (double)plan_base_bytes() + host_peak(p, of, c);
    least = least_paged(p, of, &rest);
    if (small && need <= have)
        return 0;
    if (small && least > 0 && rest + least + c->steps <= have) {
        share_host(p, of, (uint64_t)(have - rest - c->steps));
        need = (double)plan_base_bytes() + host_peak(p, of, c);
        if (need <= have)
            return 0;
    }
    fixed = least > 0 ? fmin(fixed, rest + least) : fixed;
    return refuse(p, small ? fmax(need, fixed + c->host) : 0, have, fixed, stop, e);
}

int plan_forecast(struct plan *p, uint64_t memory, const atomic_int *stop, struct err *e)
{
    struct store_room of[N_PLACES];
    struct cost c = {0};
    double speed = 1;
    int t = p->window, rc = bundle_survey(p->model, p->device, p->type, &p->budget.as, of, e);

    if (rc)
        return rc;
    if (p->text_kept)
        of[PLACE_TEXT] = of[PLACE_TEXT2] = (struct store_room){0};
    of[PLACE_DENOISER].own += (uint64_t)p->lora_values * dtype_bytes(p->type);
    p->most_bytes = memory;
    p->weight_bytes = 0;
    for (int i = 0; i < N_PLACES; i++)
        p->weight_bytes += of[i].own + of[i].mapped;
    int small = t <= p->dit.most_positions && tokens_of(p, t) <= MAX_TOKENS &&
                least_bytes(p, t) <= (double)memory;
    if (small)
        c = plan_cost(p, t);
    rc = fit_host(p, of, &c, small, memory, stop, e);
    if (!rc && p->device->room)
        rc = share_device(p, c.device, of, e);
    if (!rc)
        rc = plan_speed(p, &speed, e);
    if (!rc) {
        p->memory_bytes = (uint64_t)((double)plan_base_bytes() + host_peak(p, of, &c));
        p->flops = c.flops;
        p->forecast_drawing_s = c.drawing_flops / (speed * SHARE_OF_SPEED) +
                                (double)p->n_film * p->film_w * p->film_h * 60e-9 +
                                interpolate_s(p);
        p->forecast_s =
            (c.flops - c.drawing_flops) / (speed * SHARE_OF_SPEED) + p->forecast_drawing_s;
    }
    return rc;
}
