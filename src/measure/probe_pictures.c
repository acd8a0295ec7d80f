#include "measure/probe_pictures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/progress.h"
#include "base/rng.h"
#include "measure/probe_find.h"
#include "media/resize.h"
#include "world/story/render.h"
#include "world/story/sample.h"

enum { AT_ONCE = 32, CODEC_ONE_IN = 4 };
#define LATENT_NOISE 0.3 /* at most, in parts of a latent's spread: as wrong as those of films */
#define LONGEST_S 5.0    /* a clip's quarter second begins before that */

/* Clip i of a probe: who is in it, how it is looked at, and its frames. */
struct take {
    struct story story;
    int w, h, stride;      /* of the frames that are looked at */
    double start_s, noise; /* noise < 0: not through the codec */
    uint64_t key;
    struct clip clip;
    struct probe_pictures *to;
    int at;
};

struct takes {
    const struct probe_recipe *recipe;
    struct probe_pictures *to;
    struct take take[AT_ONCE];
    int first;
};

static int to_squares(int length, int square)
{
    return length / square * square;
}

static void draw(struct take *t, const struct probe_recipe *r, int i)
{
    static const double family[STORY_FAMILY_COUNT] = {1, 1, 1, 1, 1, 1, 6};
    struct story_mix mix = story_mix_default;
    struct rng g;

    rng_init(&g, r->seed ^ 0x7069637475726573, (uint64_t)i);
    /* What is usual together must not answer for each other: half are mixtures. */
    memcpy(mix.family, family, sizeof family);
    t->w = r->w;
    t->h = r->h;
    switch (rng_below(&g, 5)) {
    case 0:
        t->w = r->h;
        t->h = r->w;
        break;
    case 1:
        t->w = t->h = to_squares((int)sqrt((double)r->w * r->h), 32);
        break;
    default:
        break;
    }
    story_sample(&t->story, rng_u64(&g), &mix, (double)t->w / t->h);
    t->start_s = rng_range(&g, 0, LONGEST_S);
    t->noise = i % CODEC_ONE_IN ? -1 : rng_range(&g, 0, LATENT_NOISE);
    t->key = r->seed + (uint64_t)i;
    t->at = i;
}

/* Those that go through the codec are films, the others only the frames that are looked at. */
static void render(void *arg, int item, int worker)
{
    struct takes *all = arg;
    struct take *t = &all->take[item];
    int stride = probe_stride(all->recipe->fps);

    (void)worker;
    draw(t, all->recipe, all->first + item);
    t->stride = t->noise < 0 ? 1 : stride;
    story_render_from(&t->story, t->w, t->h, t->start_s, (PROBE_STACK - 1) * t->stride + 1,
                      all->recipe->fps * t->stride / stride, &t->clip);
}

static int through_codec(struct take *t, struct round_trip *c, struct err *e)
{
    const struct codec_config *k = &c->codec.config;
    size_t bytes = (size_t)t->w * (size_t)t->h * 3;
    int have = t->clip.n_frames, n = codec_frames(k, codec_latents(k, have));
    uint8_t *film = xmalloc(bytes * (size_t)n);

    for (int f = 0; f < n; f++) /* the last one again, where the codec wants more */
        memcpy(film + bytes * (size_t)f, t->clip.rgb + bytes * (size_t)(f < have ? f : have - 1),
               bytes);
    int rc = round_trip_noisy(c, film, t->w, t->h, n, t->noise, t->key, film, e);
    memcpy(t->clip.rgb, film, bytes * (size_t)have);
    free(film);
    return rc;
}

/* Where nobody is, the second look is at anything. */
static void anywhere(const struct take *t, float *x, float *y, float *side)
{
    struct rng g;

    rng_init(&g, t->key, 0x616e79);
    *side = (float)rng_range(&g, PROBE_LEAST_SIDE, t->w > t->h ? t->h : t->w);
    *x = (float)rng_range(&g, 0, (double)t->w - (double)*side);
    *y = (float)rng_range(&g, 0, (double)t->h - (double)*side);
}

/* 0..1: share of the subject in each cell. */
static void map_of(const struct take *t, int frame, float *map)
{
    const uint8_t *ids = t->clip.ids + (size_t)frame * (size_t)t->w * (size_t)t->h;

    for (int v = 0; v < PROBE_MAP; v++) {
        for (int u = 0; u < PROBE_MAP; u++) {
            int x0 = u * t->w / PROBE_MAP, x1 = (u + 1) * t->w / PROBE_MAP, is = 0, n = 0;
            int y0 = v * t->h / PROBE_MAP, y1 = (v + 1) * t->h / PROBE_MAP;

            for (int y = y0; y < (y1 > y0 ? y1 : y0 + 1); y++)
                for (int x = x0; x < (x1 > x0 ? x1 : x0 + 1); x++, n++)
                    is += ids[y * t->w + x] == 1;
            map[v * PROBE_MAP + u] = (float)is / (float)n;
        }
    }
}

/* Boxes are those of maps, since they are so when a film is looked at. */
static void note_frames(const struct take *t)
{
    struct probe_box box[PROBE_STACK];
    float map[PROBE_MAP_CELLS], x, y, side, more;
    size_t bytes = (size_t)t->w * (size_t)t->h * 3;

    for (int k = 0; k < PROBE_STACK; k++) {
        map_of(t, k * t->stride, map);
        box[k] = probe_box_of(map, t->w, t->h);
        for (int i = 0; k == PROBE_STACK / 2 && i < PROBE_MAP_CELLS; i++)
            t->to->map[(size_t)t->at * PROBE_MAP_CELLS + (size_t)i] = (uint8_t)(255 * map[i]);
    }
    if (!probe_square(box, PROBE_STACK, &x, &y, &side))
        anywhere(t, &x, &y, &side);
    more = side * (PROBE_ROOM - PROBE_NEAR_SIDE) / PROBE_NEAR_SIDE;
    for (int k = 0; k < PROBE_STACK; k++)
        probe_cut(t->to->near + (size_t)(t->at * PROBE_STACK + k) * PROBE_ROOM_BYTES, PROBE_ROOM,
                  t->clip.rgb + bytes * (size_t)(k * t->stride), t->w, t->h, x - more / 2,
                  y - more / 2, side + more);
}

static void note(void *arg, int item, int worker)
{
    struct takes *all = arg;
    struct take *t = &all->take[item];
    size_t px = (size_t)t->w * (size_t)t->h, middle = (size_t)(PROBE_STACK / 2 * t->stride);

    (void)worker;
    t->to = all->to;
    resize_rgb(t->to->whole + (size_t)t->at * PROBE_WHOLE_BYTES, PROBE_SIDE, PROBE_SIDE,
               t->clip.rgb + px * 3 * middle, t->w, t->h, RESIZE_AREA, NULL);
    note_frames(t);
    t->to->facts[t->at] = t->story.facts;
    clip_release(&t->clip);
}

int probe_pictures_make(struct probe_pictures *p, const struct probe_recipe *r,
                        struct round_trip *codec, struct threads *threads, FILE *log,
                        volatile sig_atomic_t *stop, struct err *e)
{
    struct takes *all = xcalloc(1, sizeof *all);
    struct progress bar;
    int rc = 0;

    all->recipe = r;
    all->to = p;
    p->whole = xmalloc((size_t)r->clips * PROBE_WHOLE_BYTES);
    p->map = xmalloc((size_t)r->clips * PROBE_MAP_CELLS);
    p->near = xmalloc((size_t)r->clips * PROBE_STACK * PROBE_ROOM_BYTES);
    p->facts = xcalloc((size_t)r->clips, sizeof *p->facts);
    if (log)
        progress_start(&bar, log, "pictures", r->clips);
    while (!rc && p->n < r->clips) {
        int n = r->clips - p->n < AT_ONCE ? r->clips - p->n : AT_ONCE;

        all->first = p->n;
        threads_run(threads, n, render, all);
        for (int i = 0; i < n && !rc; i++)
            if (all->take[i].noise >= 0)
                rc = through_codec(&all->take[i], codec, e);
        threads_run(threads, n, note, all);
        p->n += n;
        if (!rc && stop && *stop)
            rc = err_set(e, ERR_CANCEL, "interrupted");
        if (log)
            progress_step(&bar, p->n, NULL);
    }
    if (log)
        progress_end(&bar, NULL);
    free(all);
    return rc;
}

void probe_pictures_release(struct probe_pictures *p)
{
    free(p->whole);
    free(p->map);
    free(p->near);
    free(p->facts);
    memset(p, 0, sizeof *p);
}
