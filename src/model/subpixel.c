#include "model/subpixel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "format/json.h"

#define CONFIG_MAX_BYTES (1 << 20)

/* ---- configuration ---- */

static void read_fields(void *config, struct jval o)
{
    struct subpixel_config *c = config;

    c->scale = (int)j_int(o, "scale", 2, 8);
    c->width = (int)j_int(o, "width", 1, 1024);
    c->blocks = (int)j_int(o, "blocks", 0, SUBPIXEL_BLOCKS);
    if (c->scale & (c->scale - 1))
        j_fail(o, "scale", "is %d; 2, 4 and 8 are possible", c->scale);
}

int subpixel_config_read(struct subpixel_config *c, const char *path, struct err *e)
{
    memset(c, 0, sizeof *c);
    return jdoc_take(path, CONFIG_MAX_BYTES, read_fields, c, e);
}

void subpixel_config_write(const struct subpixel_config *c, struct buf *out)
{
    struct jsonw w;

    jsonw_init(&w, out, 2);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "_class_name", "SubpixelUpsampler");
    jsonw_int(&w, "scale", c->scale);
    jsonw_int(&w, "width", c->width);
    jsonw_int(&w, "blocks", c->blocks);
    jsonw_end_object(&w);
    buf_putc(out, '\n');
}

/* ---- weights ---- */

int subpixel_init(struct subpixel *m, const struct subpixel_config *c, struct err *e)
{
    char name[64];
    int n = c->width;

    memset(m, 0, sizeof *m);
    if (c->blocks > SUBPIXEL_BLOCKS || c->scale > 8 || c->scale < 2 || c->scale & (c->scale - 1))
        return err_set(e, ERR_FORMAT, "upsampler: %d blocks at scale %d; %d at most, at 2, 4 or 8",
                       c->blocks, c->scale, SUBPIXEL_BLOCKS);
    m->config = *c;
    weight_set_init(&m->weights);
    m->head = conv_declare(&m->weights, "head", 3, n, 3, 1, INIT_LINEAR, 1);
    for (int i = 0; i < c->blocks; i++) {
        snprintf(name, sizeof name, "blocks.%d.conv1", i);
        m->block[i].conv1 = conv_declare(&m->weights, name, n, n, 3, 1, INIT_LINEAR, 1.4);
        snprintf(name, sizeof name, "blocks.%d.conv2", i);
        m->block[i].conv2 = conv_declare(&m->weights, name, n, n, 3, 1, INIT_LINEAR, 0.3);
    }
    m->tail =
        conv_declare(&m->weights, "tail", n, (int64_t)3 * c->scale * c->scale, 3, 1, INIT_ZERO, 0);
    return 0;
}

void subpixel_release(struct subpixel *m)
{
    if (m->head.w)
        weight_set_release(&m->weights);
    memset(m, 0, sizeof *m);
}

/* ---- forward ---- */

static struct tensor *block_forward(struct cx *cx, const struct subpixel_block *b, struct tensor *x)
{
    struct scope s;
    struct tensor *h;

    scope_begin(cx, &s);
    h = act(cx, conv2d(cx, x, &b->conv1, 1), ACT_RELU);
    h = add(cx, conv2d(cx, h, &b->conv2, 1), x);
    return scope_end(cx, &s, h);
}

struct tensor *subpixel_forward(struct cx *cx, const struct subpixel *m, struct tensor *x)
{
    enum dtype type = cx->type;
    struct tensor *small = keep(cx, x), *h;
    struct scope s;

    if (x->rank != 4 || x->dim[3] != 3)
        BUG("subpixel_forward: frames of %lld colours", (long long)tensor_last(x));
    scope_begin(cx, &s);
    cx->type = m->head.w->type;
    h = conv2d(cx, cast(cx, x, cx->type), &m->head, 1);
    for (int i = 0; i < m->config.blocks; i++)
        h = block_forward(cx, &m->block[i], h);
    h = conv2d(cx, h, &m->tail, 1);
    cx->type = type;
    return scope_end(cx, &s, pixel_shuffle_onto(cx, h, m->config.scale, small));
}

/* ---- as a part ---- */

static int scale_of(const void *net)
{
    return ((const struct subpixel *)net)->config.scale;
}

static struct tensor *enlarge(struct cx *cx, const void *net, struct tensor *x)
{
    return subpixel_forward(cx, net, x);
}

PART_METHODS(subpixel)
static const char *const class_names[] = {"SubpixelUpsampler", NULL};
static const struct upsampler_class upsampler = {scale_of, enlarge};
const struct part_class subpixel_part = {.role = PART_UPSAMPLER,
                                         .names = class_names,
                                         .library = "zoetrope",
                                         .file = "diffusion_pytorch_model.safetensors",
                                         .tensors = &store_subpixel_names,
                                         PART_METHODS_OF(subpixel),
                                         .upsampler = &upsampler};
