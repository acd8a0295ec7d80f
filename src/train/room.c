#include "train/room.h"

#include <stdlib.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/machine.h"
#include "train/dit_task.h"
#include "train/growth.h"
#include "train/latents.h"
#include "train/recipe.h"
#include "train/reel.h"
#include "train/vae_begin.h"

enum { WORDS = 32 }; /* of a prompt; they count little */
#define GB 1e9

/* Values, and masters in f32 beside them; of what learns also gradients, one moment or two, and
 * averages. */
static uint64_t state_bytes(const struct weight_set *s, const struct optim_config *o)
{
    uint64_t bytes = 0;
    for (int i = 0; i < s->n; i++) {
        const struct weight *w = s->all[i];
        uint64_t wide = 1;
        if (!w->frozen)
            wide += 2 + !(o->use_muon && w->muon) + (o->ema > 0);
        bytes += (uint64_t)weight_count(w) *
                 (wide * sizeof(float) + (w->type == DT_F32 ? 0 : dtype_bytes(w->type)));
    }
    return bytes;
}

/* A dry weight has no gradient, which ops would take for one that is not learned. Kernels that
 * compute nothing never look at this place. */
static void mark_learned(struct weight_set *s, void *place)
{
    for (int i = 0; i < s->n; i++)
        s->all[i]->grad = s->all[i]->frozen ? NULL : place;
}

/* The windows of an average step as a batch without values. */
struct dry_batch {
    struct denoiser_batch call;
    struct token_grid *grid;
    double *times;
    int32_t *time_index;
    int64_t *text_start;
    int64_t rows;
};

static void dry_batch_init(struct dry_batch *b, const struct dit_phase *p,
                           const struct token_grid *clip, int kt)
{
    int n = 0;
    double sum = 0;
    *b = (struct dry_batch){0};
    b->grid = xcalloc((size_t)p->windows, sizeof(*b->grid));
    b->times = xcalloc((size_t)p->windows, sizeof(*b->times));
    b->text_start = xcalloc((size_t)p->windows + 1, sizeof(*b->text_start));
    for (int i = 0; i < p->n_mix; i++)
        sum += p->weight[i];
    for (int i = 0; i < p->n_mix; i++)
        for (int k = 0; k < (int)(p->windows * p->weight[i] / sum); k++) {
            b->grid[n++] = (struct token_grid){(p->frames[i] - 1) / kt + 1, clip->h, clip->w};
            b->rows += (int64_t)b->grid[n - 1].t * clip->h * clip->w;
            b->text_start[n] = (int64_t)WORDS * n;
        }
    b->time_index = xcalloc((size_t)b->rows + 1, sizeof(*b->time_index));
    b->call = (struct denoiser_batch){.n = n,
                                      .grid = b->grid,
                                      .n_times = n,
                                      .times = b->times,
                                      .time_index = b->time_index,
                                      .text = {{NULL, {n, b->text_start}}}};
}

static void dry_batch_release(struct dry_batch *b)
{
    free(b->grid);
    free(b->times);
    free(b->time_index);
    free(b->text_start);
}

/* Tensors of a step of a phase, and its batch. */
static struct room phase_room(const struct train_config *c, const struct wan *m,
                              const struct dit_phase *p, const struct token_grid *clip, int kt)
{
    const struct wan_config *n = &m->config;
    struct dry_batch b;
    struct cx cx;
    int64_t cols = (int64_t)n->in_channels * n->patch_size[1] * n->patch_size[2];
    dry_batch_init(&b, p, clip, kt);
    cx_init(&cx, device_null(), c->type, NULL);
    if (b.call.n) {
        tape_begin(&cx);
        b.call.remat = c->dit.remat;
        b.call.rows = tensor_new(&cx, cx.wide, DIMS(b.rows, cols));
        b.call.text[0].rows =
            tensor_new(&cx, cx.type, DIMS((int64_t)WORDS * b.call.n, n->text_dim));
        struct tensor *v = wan_forward(&cx, m, &b.call);
        struct tensor *target = tensor_new(&cx, cx.wide, DIMS(b.rows, cols));
        backward(&cx, loss_l2(&cx, v, target, NULL, 1.0 / (double)b.rows), 1);
        tape_end(&cx);
        cx_step_end(&cx);
    }
    struct room room = {cx_peak_bytes(&cx), (uint64_t)(b.rows * cols) * 2 * sizeof(float)};
    cx_release(&cx);
    dry_batch_release(&b);
    return room;
}

struct room room_dit(const struct train_config *c)
{
    struct tiny_vae vae;
    struct wan m;
    struct err e = {0};
    struct room most = {0};
    if (tiny_vae_init(&vae, &c->vae.net, &e) || wan_init(&m, &c->dit.net, &e) ||
        weight_set_allocate(&m.weights, device_null(), c->type, 1, &e))
        BUG("%s", e.msg); /* the config was checked */
    mark_learned(&m.weights, &m);
    int side = vae.ks * m.config.patch_size[1];
    struct token_grid clip = {0, c->clip.height / side, c->clip.width / side};
    for (int i = 0; i < c->dit.n_phases; i++) {
        struct room room = phase_room(c, &m, &c->dit.phase[i], &clip, vae.kt);
        most = room.device > most.device ? room : most;
    }
    most.device += state_bytes(&m.weights, &c->dit.optim);
    mark_learned(&m.weights, NULL);
    wan_release(&m);
    tiny_vae_release(&vae);
    return most;
}

struct room room_vae(const struct train_config *c)
{
    struct tiny_vae m;
    struct vae_batch b;
    struct err e = {0};
    struct cx cx;
    if (tiny_vae_init(&m, &c->vae.net, &e))
        BUG("%s", e.msg);
    vae_freeze(&m, &c->vae);
    if (weight_set_allocate(&m.weights, device_null(), c->type, 1, &e))
        BUG("%s", e.msg);
    mark_learned(&m.weights, &m);
    vae_batch_sizes(&b, &m, &c->clip, c->vae.batch, c->vae.groups);
    cx_init(&cx, device_null(), c->type, NULL);
    tape_begin(&cx);
    backward(&cx, vae_loss(&cx, &m, &b, &c->vae), 1);
    tape_end(&cx);
    cx_step_end(&cx);
    uint64_t pixels = (uint64_t)b.n * (uint64_t)b.t * (uint64_t)b.h * (uint64_t)b.w;
    struct room room = {cx_peak_bytes(&cx) + state_bytes(&m.weights, &c->vae.optim),
                        pixels * 4 * sizeof(float)};
    cx_release(&cx);
    mark_learned(&m.weights, NULL);
    tiny_vae_release(&m);
    return room;
}

static uint64_t missing(const char *dir, const char *name, uint64_t bytes)
{
    char *path = path_join(dir, name);
    int64_t have = file_size(path);
    free(path);
    return have < 0 ? bytes : (uint64_t)have < bytes ? bytes - (uint64_t)have : 0;
}

uint64_t room_disk_bytes(const struct train_config *c, const char *dir)
{
    struct latents_head h;
    struct err e = {0};
    if (latents_head_sizes(&h, c, &e))
        BUG("%s", e.msg);
    uint64_t records = (uint64_t)growth_final(c) * (c->mirror ? 2 : 1);
    uint64_t latents = missing(dir, "latents.bin", records * latents_layout(&h).bytes);
    return latents +
           (*c->from || recipe_vae_done(c, dir) ? 0 : missing(dir, "reel.bin", reel_bytes(c)));
}

static int check_memory(const struct room *is, const char *of, const char *less,
                        const struct run *run, struct err *e)
{
    struct device *d = run->device;
    uint64_t host = machine_memory_bytes(), room = d->room ? d->room(d) : host;
    uint64_t bytes = is->device + (d->room ? 0 : is->host);
    if (bytes > room)
        return err_set(e, ERR_FIT, "training the %s takes %.2f GB of memory, %s has %.2f: %s", of,
                       (double)bytes / GB, d->name, (double)room / GB, less);
    if (is->host > host)
        return err_set(e, ERR_FIT, "a batch of the %s takes %.2f GB, this machine has %.2f: %s", of,
                       (double)is->host / GB, (double)host / GB, less);
    return 0;
}

int room_check(const struct train_config *c, const struct run *run, struct err *e)
{
    struct statvfs disk;
    uint64_t bytes = room_disk_bytes(c, run->dir);
    if (!statvfs(run->dir, &disk) && bytes > (uint64_t)disk.f_bavail * disk.f_frsize) {
        char needs[32], has[32];
        format_bytes(needs, sizeof needs, (double)bytes);
        format_bytes(has, sizeof has, (double)disk.f_bavail * (double)disk.f_frsize);
        return err_set(e, ERR_IO,
                       "%s: clips and latents take %s more, %s are free on this disk: fewer "
                       "reel_clips or latent_clips, less latent_growth",
                       run->dir, needs, has);
    }
    struct room vae = {0}, dit = {0};
    if (!*c->from && !recipe_vae_done(c, run->dir))
        vae = room_vae(c);
    if (!recipe_dit_done(c, run->dir))
        dit = room_dit(c);
    int rc = check_memory(&vae, "codec", "a smaller vae.batch or vae.groups", run, e);
    return rc ? rc
              : check_memory(&dit, "transformer",
                             "fewer windows, or dit.remat, or a smaller network", run, e);
}
