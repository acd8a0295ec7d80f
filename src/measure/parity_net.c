/* Parity of the networks: forward passes and gradients. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "measure/parity_inner.h"
#include "model/part.h"

int parity_load(struct parity *p, struct part *net, enum part_role role, int training)
{
    enum dtype type = p->o->type;
    char *file = parity_path(p, "model.safetensors"), *packed = parity_path(p, "model.gguf");
    int rc = part_declare(net, p->dir, role, &p->err);

    if (!file_exists(file) && file_exists(packed)) {
        free(file);
        file = packed;
        packed = NULL;
    }
    if (!rc)
        part_weights(net)->as = p->o->as;
    if (!rc)
        rc = part_load(net, file, p->o->device, training ? type : part_job_type(net, type),
                       training, NULL, &p->err);
    if (rc)
        part_release(net);
    free(file);
    free(packed);
    return rc;
}

void parity_check_network(struct parity *p, const struct cx *cx)
{
    if (cx->err.code)
        parity_fail(p, cx->err.code, "%s: %s", p->dir, cx->err.msg);
}

void parity_check_weight_grads(struct parity *p, const struct weight_set *s)
{
    for (int i = 0; i < s->n; i++) {
        char name[256];

        snprintf(name, sizeof name, "grad.%s", s->all[i]->name);
        float *grad = xmalloc(sizeof *grad * (size_t)weight_count(s->all[i]));
        weight_read_grad(s->all[i], grad);
        parity_check(p, name, grad, weight_count(s->all[i]));
        free(grad);
    }
}

void parity_loss(struct parity *p, struct cx *cx, struct tensor *pred)
{
    const struct st_tensor *t;
    float *target = parity_input(p, "target", &t), loss;

    if (target && t->n == tensor_count(pred)) {
        struct tensor *l =
            loss_l2(cx, pred, tensor_from(cx, DT_F32, pred->rank, pred->dim, target, DT_F32), NULL,
                    1.0 / (double)tensor_rows(pred));

        loss = (float)scalar_value(cx, l);
        backward(cx, l, 1);
        parity_check(p, "loss", &loss, 1);
    } else {
        parity_fail(p, ERR_FORMAT,
                    "%s/inputs.safetensors: target does not have the shape of the result", p->dir);
    }
    free(target);
}

/* ---- text encoder ---- */

struct text_case {
    struct parity *p;
    struct part part;
    struct text_model m;
    int64_t B, L, rows;
    int32_t *ids;
    int64_t *start, *place; /* place[row] = b*L + l */
};

/* Rows of the tokens that the mask keeps; the padded ones are simply not there. */
static int text_case_open(struct text_case *c)
{
    const struct st_tensor *it, *mt;

    c->m = part_text(&c->part);
    float *ids = parity_input(c->p, "input_ids", &it),
          *mask = parity_input_or(c->p, "attention_mask", &mt);
    int ok = ids && it->rank == 2 && (!mt || mt->n == it->n);

    c->B = ok ? it->dim[0] : 0;
    c->L = ok ? it->dim[1] : 0;
    c->ids = xcalloc((size_t)(c->B * c->L + 1), sizeof *c->ids);
    c->place = xcalloc((size_t)(c->B * c->L + 1), sizeof *c->place);
    c->start = xcalloc((size_t)c->B + 1, sizeof *c->start);
    for (int64_t b = 0; ok && b < c->B; b++) {
        for (int64_t l = 0; l < c->L; l++) {
            int64_t at = b * c->L + l;

            if (mask && mask[at] == 0)
                continue;
            ok &= l == c->rows - c->start[b] && ids[at] >= 0 && ids[at] < (float)c->m.config.vocab;
            c->place[c->rows] = at;
            c->ids[c->rows++] = ok ? (int32_t)ids[at] : 0;
        }
        c->start[b + 1] = c->rows;
    }
    if (!ok)
        parity_fail(c->p, ERR_FORMAT,
                    "%s/inputs.safetensors: input_ids must be [B,L] below vocab_size, "
                    "attention_mask ones before zeros",
                    c->p->dir);
    free(ids);
    free(mask);
    return ok ? 0 : -1;
}

static void see_text(void *user, struct cx *cx, const char *name, struct tensor *x)
{
    struct text_case *c = user;
    int64_t D = tensor_last(x), n = c->B * c->L * D;
    float *rows = xmalloc(sizeof *rows * (size_t)tensor_count(x)),
          *out = xcalloc((size_t)n, sizeof *out);

    tensor_read_f32(cx, x, rows);
    for (int64_t r = 0; r < c->rows; r++)
        memcpy(out + c->place[r] * D, rows + r * D, sizeof *out * (size_t)D);
    parity_check(c->p, name, out, n);
    free(rows);
    free(out);
}

static void text_forward(struct text_case *c, struct cx *cx)
{
    struct tap tap = {see_text, c};
    struct seq seq = {(int)c->B, c->start};

    see_text(c, cx, "last_hidden_state", text_rows(cx, &c->m, c->ids, &seq, &tap));
}

static void text_gradients(struct text_case *c, struct cx *cx)
{
    struct seq seq = {(int)c->B, c->start};

    weight_zero_grads(c->m.weights);
    tape_begin(cx);
    parity_loss(c->p, cx, text_rows(cx, &c->m, c->ids, &seq, NULL));
    tape_end(cx);
    parity_check_weight_grads(c->p, c->m.weights);
}

static void text_case_run(struct parity *p, int training)
{
    struct text_case c = {.p = p};
    struct cx cx;

    if (!parity_load(p, &c.part, PART_TEXT, training) && !text_case_open(&c)) {
        cx_init(&cx, p->o->device, p->o->type, p->o->threads);
        if (training)
            text_gradients(&c, &cx);
        else
            text_forward(&c, &cx);
        parity_check_network(p, &cx);
        cx_release(&cx);
    }
    free(c.ids);
    free(c.start);
    free(c.place);
    part_release(&c.part);
}

void parity_text(struct parity *p)
{
    text_case_run(p, 0);
}

/* ---- picture encoder ---- */

static void see_image(void *user, struct cx *cx, const char *name, struct tensor *x)
{
    parity_check_tensor(user, cx, name, x);
}

void parity_image(struct parity *p)
{
    struct tap tap = {see_image, p};
    const struct st_tensor *t;
    struct image_model m;
    struct part part;
    struct cx cx;
    float *x;

    if (parity_load(p, &part, PART_IMAGE, 0))
        return;
    m = part_image(&part);
    x = parity_input(p, "pixel_values", &t);
    if (x && (t->rank != 4 || t->dim[0] < 1 || t->dim[1] != 3 || t->dim[2] != m.config.side ||
              t->dim[3] != m.config.side)) {
        parity_fail(p, ERR_FORMAT, "%s/inputs.safetensors: pixel_values must be [n,3,%d,%d]",
                    p->dir, m.config.side, m.config.side);
    } else if (x) {
        cx_init(&cx, p->o->device, p->o->type, p->o->threads);
        struct tensor *y = permute(&cx, parity_tensor(&cx, t, x), (const int[]){0, 2, 3, 1});

        y = image_rows(&cx, &m, y, m.config.layers, &tap);
        parity_check_tensor(p, &cx, "last_hidden_state", y);
        parity_check_network(p, &cx);
        cx_release(&cx);
    }
    free(x);
    part_release(&part);
}

void parity_gradients(struct parity *p)
{
    const char *name = j_string(parity_root(p), "_class_name");
    const struct part_class *class = part_class_named(name);

    if (class && class->role == PART_DENOISER)
        parity_denoiser_gradients(p);
    else if (class && class->role == PART_TEXT)
        text_case_run(p, 1);
    else
        parity_fail(p, ERR_FORMAT,
                    "%s/config.json: gradients of \"%s\" are not supported by this version", p->dir,
                    name);
}

/* ---- upsampler ---- */

void parity_upsampler(struct parity *p)
{
    const struct st_tensor *t;
    float *x = parity_input(p, "frames", &t);
    struct upsampler m;
    struct part part;
    struct cx cx;

    if (!x || parity_load(p, &part, PART_UPSAMPLER, 0)) {
        free(x);
        return;
    }
    m = part_upsampler(&part);
    cx_init(&cx, p->o->device, p->o->type, p->o->threads);
    if (t->rank != 4 || t->dim[1] != 3) {
        parity_fail(p, ERR_FORMAT, "%s/inputs.safetensors: frames must be [frames,3,H,W]", p->dir);
    } else {
        struct tensor *y = permute(&cx, parity_tensor(&cx, t, x), (const int[]){0, 2, 3, 1});

        y = permute(&cx, upsampler_enlarge(&cx, &m, y), (const int[]){0, 3, 1, 2});
        parity_check_tensor(p, &cx, "enlarged", y);
        parity_check_network(p, &cx);
    }
    cx_release(&cx);
    free(x);
    part_release(&part);
}
