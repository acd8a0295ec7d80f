/* Parity of transformers: their velocity and its gradients. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/parity_inner.h"
#include "model/lora.h"

struct dit_case {
    struct parity *p;
    struct part part;
    struct denoiser m;
    /* latent, timesteps, text; of those that take them pictures, control video and its scales */
    const struct st_tensor *xt, *tt, *et, *it, *ct, *st;
    float *x, *time, *text, *image, *control, *scale;
    struct tensor *xin, *textin;
    double *times;
    int32_t *time_index;
    int64_t *text_start, *image_start;
    double *scales;
    struct token_grid *grid;
    struct denoiser_batch b;
    int64_t per_sample; /* rows */
};

static void dit_case_release(struct dit_case *c)
{
    free(c->x);
    free(c->time);
    free(c->text);
    free(c->image);
    free(c->control);
    free(c->scale);
    free(c->scales);
    free(c->times);
    free(c->time_index);
    free(c->text_start);
    free(c->image_start);
    free(c->grid);
    part_release(&c->part);
}

/* Shapes of the inputs fit each other and the network. */
static int dit_inputs_ok(struct dit_case *c)
{
    const struct denoiser_config *k = &c->m.config;
    const int64_t *x = c->xt->dim, *e = c->et->dim;
    int ok = c->xt->rank == 5 && c->et->rank == 3 && x[0] > 0 && x[1] == k->in_channels &&
             e[0] == x[0] && e[1] > 0 && e[2] == k->text_dim[0] &&
             (c->tt->rank == 1 || c->tt->rank == 2) && c->tt->dim[0] == x[0];

    for (int i = 0; ok && i < 3; i++)
        ok = x[2 + i] > 0 && x[2 + i] % k->patch[i] == 0;
    if (ok) {
        c->per_sample = x[2] / k->patch[0] * (x[3] / k->patch[1]) * (x[4] / k->patch[2]);
        ok = c->tt->rank == 1 || c->tt->dim[1] == c->per_sample;
    }
    if (!ok)
        parity_fail(c->p, ERR_FORMAT,
                    "%s/inputs.safetensors: hidden_states, timestep or encoder_hidden_states do "
                    "not have the "
                    "shapes that config.json asks for",
                    c->p->dir);
    return ok;
}

static void wrong_shape(struct dit_case *c, const char *name)
{
    parity_fail(c->p, ERR_FORMAT,
                "%s/inputs.safetensors: %s does not have the shape that "
                "config.json asks for",
                c->p->dir, name);
}

/* Rows of pictures: of all of one sample side by side. */
static void dit_case_image(struct dit_case *c)
{
    const struct denoiser_config *k = &c->m.config;
    int64_t n = c->xt->dim[0], rows;

    c->image = parity_input(c->p, "encoder_hidden_states_image", &c->it);
    if (!c->image)
        return;
    rows = c->it->rank == 3 ? c->it->dim[0] * c->it->dim[1] : 0;
    if (!rows || rows % n || c->it->dim[2] != k->image_dim ||
        (k->image_rows && rows != n * k->image_rows)) {
        wrong_shape(c, "encoder_hidden_states_image");
        return;
    }
    c->image_start = xcalloc((size_t)n + 1, sizeof *c->image_start);
    for (int64_t i = 0; i < n; i++)
        c->image_start[i + 1] = (i + 1) * (rows / n);
    c->b.image.seq = (struct seq){(int)n, c->image_start};
}

static void dit_case_control(struct dit_case *c)
{
    const struct denoiser_config *k = &c->m.config;
    int ok;

    c->control = parity_input(c->p, "control_hidden_states", &c->ct);
    c->scale = parity_input_or(c->p, "control_hidden_states_scale", &c->st);
    if (!c->control)
        return;
    ok = c->ct->rank == 5 && c->ct->dim[1] == k->control_channels;
    for (int i = 0; ok && i < 5; i++)
        ok = i == 1 || c->ct->dim[i] == c->xt->dim[i];
    if (!ok)
        wrong_shape(c, "control_hidden_states");
    else if (c->scale && c->st->n != k->n_controls)
        wrong_shape(c, "control_hidden_states_scale");
    else if (c->scale) {
        c->scales = xcalloc((size_t)k->n_controls, sizeof *c->scales);
        for (int i = 0; i < k->n_controls; i++)
            c->scales[i] = c->scale[i];
        c->b.control_scale = c->scales;
    }
}

/* Distinct timesteps and which row has which. */
static void dit_case_times(struct dit_case *c)
{
    int64_t B = c->xt->dim[0], rows = B * c->per_sample;

    c->times = xcalloc((size_t)c->tt->n, sizeof *c->times);
    c->time_index = xcalloc((size_t)rows, sizeof *c->time_index);
    for (int64_t r = 0; r < rows; r++) {
        double t = c->time[c->tt->rank == 1 ? r / c->per_sample : r];
        int k = 0;

        while (k < c->b.n_times && c->times[k] != t)
            k++;
        if (k == c->b.n_times)
            c->times[c->b.n_times++] = t;
        c->time_index[r] = k;
    }
}

static int dit_case_open(struct dit_case *c)
{
    struct parity *p = c->p;

    c->m = part_denoiser(&c->part);
    c->x = parity_input(p, "hidden_states", &c->xt);
    c->time = parity_input(p, "timestep", &c->tt);
    c->text = parity_input(p, "encoder_hidden_states", &c->et);
    if (p->err.code || !dit_inputs_ok(c))
        return -1;
    if (c->m.config.image_dim)
        dit_case_image(c);
    if (c->m.config.n_controls)
        dit_case_control(c);
    if (c->p->err.code)
        return -1;
    dit_case_times(c);
    c->b.n = (int)c->xt->dim[0];
    c->grid = xcalloc((size_t)c->b.n, sizeof *c->grid);
    c->text_start = xcalloc((size_t)c->b.n + 1, sizeof *c->text_start);
    for (int i = 0; i < c->b.n; i++) {
        const int *ps = c->m.config.patch;

        c->grid[i] = (struct token_grid){(int)c->xt->dim[2] / ps[0], (int)c->xt->dim[3] / ps[1],
                                         (int)c->xt->dim[4] / ps[2]};
        c->text_start[i + 1] = c->text_start[i] + c->et->dim[1];
    }
    c->b.grid = c->grid;
    c->b.times = c->times;
    c->b.time_index = c->time_index;
    c->b.text[0].seq = (struct seq){c->b.n, c->text_start};
    return 0;
}

/* rows [B*T,D] of the network -> [B,D,T] of a Conv3d. */
static void check_patches(struct dit_case *c, struct cx *cx, const char *name,
                          const struct tensor *x)
{
    int64_t n = tensor_count(x), D = tensor_last(x), T = c->per_sample;
    float *rows = xmalloc(sizeof *rows * (size_t)n), *out = xmalloc(sizeof *out * (size_t)n);

    tensor_read_f32(cx, x, rows);
    for (int64_t r = 0; r < n / D; r++)
        for (int64_t d = 0; d < D; d++)
            out[(r / T * D + d) * T + r % T] = rows[r * D + d];
    parity_check(c->p, name, out, n);
    free(rows);
    free(out);
}

/* One entry per distinct timestep -> one per given timestep. */
static void check_times(struct dit_case *c, struct cx *cx, const char *name, const struct tensor *x)
{
    int64_t n = c->tt->n, D = tensor_last(x), step = c->tt->rank == 1 ? c->per_sample : 1;
    float *entry = xmalloc(sizeof *entry * (size_t)tensor_count(x)),
          *out = xmalloc(sizeof *out * (size_t)(n * D));

    tensor_read_f32(cx, x, entry);
    for (int64_t i = 0; i < n; i++)
        memcpy(out + i * D, entry + c->time_index[i * step] * D, sizeof *out * (size_t)D);
    parity_check(c->p, name, out, n * D);
    free(entry);
    free(out);
}

static void see_dit(void *user, struct cx *cx, const char *name, struct tensor *x)
{
    struct dit_case *c = user;

    if (cx->err.code)
        return;
    if (!strcmp(name, "patch_embedding"))
        check_patches(c, cx, name, x);
    else if (!strcmp(name, "condition_embedder.time_proj"))
        check_times(c, cx, name, x);
    else
        parity_check_tensor(c->p, cx, name, x);
}

/* [B,C,t,h,w] -> rows of patches. */
static struct tensor *patches(struct dit_case *c, struct cx *cx, struct tensor *x)
{
    const int *ps = c->m.config.patch;

    return patchify(cx, permute(cx, x, (const int[]){0, 2, 3, 4, 1}), ps[0], ps[1], ps[2]);
}

/* -> [B,C,t,h,w] as diffusers gives it. */
static struct tensor *run_dit(struct dit_case *c, struct cx *cx, int training)
{
    const int *ps = c->m.config.patch;
    struct tensor *y;

    c->xin = parity_tensor(cx, c->xt, c->x);
    c->textin = parity_tensor(cx, c->et, c->text);
    c->xin->needs_grad = c->textin->needs_grad = training != 0;
    c->b.rows = patches(c, cx, c->xin);
    if (c->control)
        c->b.control = patches(c, cx, parity_tensor(cx, c->ct, c->control));
    if (c->image)
        c->b.image.rows = reshape(cx, parity_tensor(cx, c->it, c->image),
                                  DIMS(c->it->dim[0] * c->it->dim[1], c->it->dim[2]));
    c->b.text[0].rows = reshape(cx, c->textin, DIMS(c->et->dim[0] * c->et->dim[1], c->et->dim[2]));
    c->b.remat = training == 2;
    y = denoiser_velocity(cx, &c->m, &c->b);
    y = unpatchify(cx, y, c->b.n, c->grid[0].t, c->grid[0].h, c->grid[0].w, ps[0], ps[1], ps[2]);
    return permute(cx, y, (const int[]){0, 4, 1, 2, 3});
}

static void dit_gradients(struct dit_case *c, struct cx *cx)
{
    weight_zero_grads(c->m.weights);
    tape_begin(cx);
    parity_loss(c->p, cx, run_dit(c, cx, 2));
    if (c->xin->grad && c->textin->grad && !c->p->err.code) {
        parity_check_tensor(c->p, cx, "grad.hidden_states", c->xin->grad);
        parity_check_tensor(c->p, cx, "grad.encoder_hidden_states", c->textin->grad);
    }
    tape_end(cx);
    parity_check_weight_grads(c->p, c->m.weights);
}

/* The file that the case names, at its strength. */
static void add_lora(struct dit_case *c)
{
    struct jval root = parity_root(c->p);
    char *path = parity_path(c->p, j_string(root, "lora"));
    struct lora_use use = {
        .strength = j_real_or(root, "strength", -100, 100, 1), .to = 1, .expert = 1};

    if (!c->p->err.code)
        (void)!lora_apply(&c->part, path, &use, NULL, &c->p->err);
    free(path);
}

/* training: gradients instead of the result. */
static void run(struct parity *p, int training)
{
    struct dit_case c = {.p = p};
    struct tap tap = {see_dit, &c};
    struct cx cx;

    if (!parity_load(p, &c.part, PART_DENOISER, training) && !dit_case_open(&c)) {
        cx_init(&cx, p->o->device, p->o->type, p->o->threads);
        if (training) {
            dit_gradients(&c, &cx);
        } else {
            c.b.tap = &tap;
            parity_check_tensor(p, &cx, "sample", run_dit(&c, &cx, 0));
        }
        parity_check_network(p, &cx);
        cx_release(&cx);
    }
    dit_case_release(&c);
}

void parity_denoiser(struct parity *p)
{
    run(p, 0);
}

void parity_denoiser_gradients(struct parity *p)
{
    run(p, 1);
}

/* Without the file, then with it. */
void parity_lora(struct parity *p)
{
    static const char *const names[] = {"sample_without_lora", "sample"};
    struct dit_case c = {.p = p};
    struct cx cx;
    int rc = parity_load(p, &c.part, PART_DENOISER, 0);

    if (!rc)
        rc = dit_case_open(&c);
    for (int i = 0; !rc && !p->err.code && i < 2; i++) {
        if (i)
            add_lora(&c);
        cx_init(&cx, p->o->device, p->o->type, p->o->threads);
        if (!p->err.code)
            parity_check_tensor(p, &cx, names[i], run_dit(&c, &cx, 0));
        parity_check_network(p, &cx);
        cx_release(&cx);
    }
    dit_case_release(&c);
}
