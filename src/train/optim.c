#include "train/optim.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct optim_config optim_config_default = {
    .lr = 1e-3,
    .beta1 = 0.9,
    .beta2 = 0.95,
    .eps = 1e-8,
    .decay = 0.01,
    .muon_lr = 0.02,
    .momentum = 0.95,
    .muon_decay = 0,
    .use_muon = 1,
    .nesterov = 1,
    .ns_steps = 5,
    .clip = 1,
    .ema = 0.998,
};

enum { MUON_ELEMENTS = 1 << 25 }; /* of a stack, unless one matrix has more */

static int64_t matrix_rows(const struct weight *w)
{
    return w->dim[0];
}

/* n zeros on the device of w. */
static float *state(const struct weight *w, int64_t n, struct err *e)
{
    size_t bytes = sizeof(float) * (size_t)n;
    float *x = device_take(w->device, bytes);
    if (x)
        device_zero(w->device, x, bytes);
    else
        device_no_room(w->device, e, "the optimiser's state of %s", w->name);
    return x;
}

static void copy_state(const struct weight *w, float *to, const float *from, int64_t n)
{
    struct kcx alone = {.device = w->device};
    struct k_add copy = {
        .n = n, .a_type = DT_F32, .y_type = DT_F32, .alpha = 1, .a = from, .y = to};
    w->device->kernels->add(&alone, &copy);
}

static int slot_init(struct optim_slot *s, const char *set, struct weight *w,
                     const struct optim_config *c, struct err *e)
{
    s->set = set;
    s->w = w;
    s->n = weight_count(w);
    s->muon = c->use_muon && w->matrix && w->muon;
    s->decay = s->muon ? c->muon_decay : w->matrix ? c->decay : 0;
    s->rate = 1;
    if (!(s->m = state(w, s->n, e)))
        return e->code;
    if (!s->muon && !(s->v = state(w, s->n, e)))
        return e->code;
    if (c->ema > 0) {
        if (!(s->ema = state(w, s->n, e)))
            return e->code;
        copy_state(w, s->ema, w->master, s->n);
    }
    return 0;
}

/* What the host reads after a step. */
static size_t tally_bytes(const struct optim *o)
{
    return 2 * (size_t)o->n * sizeof *o->tally;
}

static double *scale_of(const struct optim *o)
{
    return &o->tally[2 * o->n].sum;
}

static struct device *device_of(const struct optim *o)
{
    return o->slot[0].w->device;
}

int optim_init(struct optim *o, const struct optim_config *config, const struct optim_set *sets,
               int n_sets, struct err *e)
{
    *o = (struct optim){.config = *config};
    int total = 0, rc = 0;
    for (int i = 0; i < n_sets; i++)
        total += sets[i].weights->n;
    o->slot = xcalloc((size_t)total + 1, sizeof(*o->slot));
    for (int i = 0; i < n_sets && !rc; i++) {
        for (int j = 0; j < sets[i].weights->n && !rc; j++) {
            struct weight *w = sets[i].weights->all[j];
            if (!w->frozen)
                rc = slot_init(&o->slot[o->n++], sets[i].name, w, config, e);
        }
    }
    if (rc || !o->n)
        return rc;
    o->tally = device_take(device_of(o), tally_bytes(o) + sizeof *o->tally);
    return o->tally ? 0 : device_no_room(device_of(o), e, "the optimiser");
}

void optim_release(struct optim *o)
{
    for (int i = 0; i < o->n; i++) {
        struct optim_slot *s = &o->slot[i];
        float *part[] = {s->m, s->v, s->ema};
        for (int k = 0; k < 3; k++)
            if (part[k])
                device_give(s->w->device, part[k], sizeof(float) * (size_t)s->n);
    }
    if (o->tally)
        device_give(device_of(o), o->tally, tally_bytes(o) + sizeof *o->tally);
    if (o->update)
        device_give(device_of(o), o->update, o->update_bytes);
    free(o->slot);
    *o = (struct optim){0};
}

static void tally(const struct kernels *k, struct kcx *kc, const float *x, int64_t n,
                  struct k_tally *out)
{
    struct k_sum_squares q = {.n = n, .type = DT_F32, .x = x, .out = out};
    k->sum_squares(kc, &q);
}

static void measure_gradients(struct optim *o, const struct kernels *k, struct kcx *kc)
{
    struct k_clip c = {.n = o->n, .most = o->config.clip, .part = o->tally, .scale = scale_of(o)};
    for (int i = 0; i < o->n; i++)
        tally(k, kc, o->slot[i].w->grad, o->slot[i].n, &o->tally[i]);
    k->clip(kc, &c);
}

static int check_finite(const struct optim *o, const struct k_tally *t, const char *what,
                        struct err *e)
{
    for (int i = 0; i < o->n; i++) {
        const struct optim_slot *s = &o->slot[i];
        if (t[i].first_bad >= 0)
            return err_set(e, ERR_DEVICE, "step %lld: %s %s%s%s is not finite (element %.0f)",
                           (long long)o->step + 1, what, s->set, *s->set ? "." : "", s->w->name,
                           t[i].first_bad);
    }
    return 0;
}

/* Waits for the step, and looks at what it did. */
static int look_back(struct optim *o, struct err *e)
{
    struct k_tally *t = xmalloc(tally_bytes(o));
    double total = 0;
    device_get(device_of(o), t, o->tally, tally_bytes(o));
    for (int i = 0; i < o->n; i++)
        total += t[i].sum;
    o->grad_norm = sqrt(total);
    int rc = check_finite(o, t, "gradient of", e);
    if (!rc)
        rc = check_finite(o, t + o->n, "weight", e);
    free(t);
    return rc;
}

struct job {
    struct optim *o;
    const struct kernels *k;
    double rate;
};

static void adamw_slot(const struct job *j, struct kcx *kc, struct optim_slot *s)
{
    const struct optim_config *c = &j->o->config;
    double t = (double)(j->o->step + 1);
    struct k_adamw a = {.n = s->n,
                        .lr = c->lr * j->rate * s->rate,
                        .beta1 = c->beta1,
                        .beta2 = c->beta2,
                        .eps = c->eps,
                        .decay = s->decay,
                        .c1 = 1 - pow(c->beta1, t),
                        .c2 = 1 - pow(c->beta2, t),
                        .g_scale = scale_of(j->o),
                        .p = s->w->master,
                        .m = s->m,
                        .v = s->v,
                        .g = s->w->grad};
    j->k->adamw(kc, &a);
}

static struct k_momentum momentum_of(const struct job *j, const struct optim_slot *s, float *u)
{
    const struct optim_config *c = &j->o->config;
    return (struct k_momentum){.n = s->n,
                               .mu = c->momentum,
                               .g_scale = scale_of(j->o),
                               .lerp = 1,
                               .nesterov = c->nesterov,
                               .buf = s->m,
                               .u = u,
                               .g = s->w->grad};
}

/* w = (1 - rate decay) w - rate sqrt(max(1, rows/cols)) u */
static struct k_add update_of(const struct job *j, const struct optim_slot *s, const float *u)
{
    double lr = j->o->config.muon_lr * j->rate * s->rate;
    int64_t rows = matrix_rows(s->w), cols = s->n / rows;
    double tall = rows > cols ? sqrt((double)rows / (double)cols) : 1;
    return (struct k_add){.n = s->n,
                          .a_type = DT_F32,
                          .b_type = DT_F32,
                          .y_type = DT_F32,
                          .alpha = 1 - lr * s->decay,
                          .beta = -lr * tall,
                          .a = s->w->master,
                          .b = u,
                          .y = s->w->master};
}

static int same_size(const struct optim_slot *a, const struct optim_slot *b)
{
    return a->muon && b->muon && a->n == b->n && matrix_rows(a->w) == matrix_rows(b->w);
}

/* Slots of the size of slot `first` that stand behind it and it, at most `most`; their numbers. */
static int stack_of(const struct optim *o, const char *done, int first, int most, int *list)
{
    int n = 0;
    for (int i = first; i < o->n && n < most; i++)
        if (!done[i] && same_size(&o->slot[i], &o->slot[first]))
            list[n++] = i;
    return n;
}

static int most_at_once(const struct optim_slot *s)
{
    return s->n < MUON_ELEMENTS ? (int)(MUON_ELEMENTS / s->n) : 1;
}

/* Of the updates of a stack; the work of Muon lies behind them. */
static size_t stack_bytes(int64_t n, int64_t size)
{
    return (sizeof(float) * (size_t)(n * size) + 63) & ~(size_t)63;
}

/* Room for the largest stack, taken once. */
static int update_room(struct optim *o, int *list, struct err *e)
{
    size_t most = 0;
    if (o->update)
        return 0;
    char *done = xcalloc((size_t)o->n + 1, 1);
    for (int i = 0; i < o->n; i++) {
        const struct optim_slot *s = &o->slot[i];
        int64_t rows = matrix_rows(s->w);
        int n = s->muon ? stack_of(o, done, i, most_at_once(s), list) : 0;
        size_t bytes = n ? stack_bytes(n, s->n) + muon_work_bytes(n, rows, s->n / rows) : 0;
        most = bytes > most ? bytes : most;
    }
    free(done);
    if (!most)
        return 0;
    o->update_bytes = most;
    o->update = device_take(device_of(o), o->update_bytes);
    return o->update ? 0 : device_no_room(device_of(o), e, "Muon");
}

static void muon_stack(const struct job *j, struct kcx *kc, const int *list, int n)
{
    struct optim *o = j->o;
    const struct optim_slot *first = &o->slot[list[0]];
    int64_t rows = matrix_rows(first->w);
    for (int i = 0; i < n; i++) {
        struct k_momentum m = momentum_of(j, &o->slot[list[i]], o->update + i * first->n);
        j->k->momentum(kc, &m);
    }
    muon_orthogonalise(j->k, kc, o->update, n, rows, first->n / rows, o->config.ns_steps,
                       (char *)o->update + stack_bytes(n, first->n));
    for (int i = 0; i < n; i++) {
        struct k_add a = update_of(j, &o->slot[list[i]], o->update + i * first->n);
        j->k->add(kc, &a);
    }
}

/* Matrices of one shape are orthogonalised together: alone most are too small to be fast. */
static int muon_all(const struct job *j, struct kcx *kc, struct err *e)
{
    struct optim *o = j->o;
    char *done = xcalloc((size_t)o->n + 1, 1);
    int *list = xmalloc(sizeof(int) * ((size_t)o->n + 1)), rc = update_room(o, list, e);
    for (int i = 0; i < o->n && !rc; i++) {
        if (!o->slot[i].muon || done[i])
            continue;
        int n = stack_of(o, done, i, most_at_once(&o->slot[i]), list);
        for (int k = 0; k < n; k++)
            done[list[k]] = 1;
        muon_stack(j, kc, list, n);
    }
    free(list);
    free(done);
    return rc;
}

int optim_step(struct optim *o, const struct kernels *k, struct kcx *kc, double rate, struct err *e)
{
    double t = (double)(o->step + 1);
    struct job j = {.o = o, .k = k, .rate = rate};
    if (o->n)
        measure_gradients(o, k, kc);
    int rc = muon_all(&j, kc, e);
    if (rc)
        return rc;
    /* An average over few steps forgets the random start sooner. */
    double decay = fmin(o->config.ema, (1 + t) / (10 + t));
    for (int i = 0; i < o->n; i++) {
        struct optim_slot *s = &o->slot[i];
        struct k_ema a = {.n = s->n, .decay = decay, .avg = s->ema, .p = s->w->master};
        if (!s->muon)
            adamw_slot(&j, kc, s);
        tally(k, kc, s->w->master, s->n, &o->tally[o->n + i]);
        weight_publish(s->w, kc);
        if (s->ema)
            k->ema(kc, &a);
    }
    if (o->n && (rc = look_back(o, e)))
        return rc;
    o->step++;
    return 0;
}

void optim_swap_ema(struct optim *o)
{
    for (int i = 0; i < o->n; i++) {
        struct optim_slot *s = &o->slot[i];
        if (!s->ema)
            continue;
        size_t bytes = sizeof(float) * (size_t)s->n;
        float *values = xmalloc(bytes);
        weight_read(s->w, values);
        copy_state(s->w, s->w->master, s->ema, s->n);
        device_put(s->w->device, s->ema, values, bytes);
        weight_publish(s->w, NULL);
        free(values);
    }
}
