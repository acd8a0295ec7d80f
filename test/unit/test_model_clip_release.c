/* The picture encoder as the original release stores it: other names, and q, k and v as one. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "kern/device.h"
#include "model/clip_vision.h"
#include "model/part.h"
#include "model/recognise.h"
#include "model/store.h"
#include "ztest.h"

enum { MOST = 128 };

static const char *const names[][2] = {
    {"embeddings.class_embedding", "visual.cls_embedding"},
    {"embeddings.position_embedding.weight", "visual.pos_embedding"},
    {"embeddings.patch", "visual.patch"},
    {"pre_layrnorm", "visual.pre_norm"},
    {"post_layernorm", "visual.post_norm"},
    {"encoder.layers", "visual.transformer"},
    {"layer_norm", "norm"},
    {"self_attn.out_proj", "attn.proj"},
    {"mlp.fc1", "mlp.0"},
    {"mlp.fc2", "mlp.2"},
    {"self_attn.q_proj", "attn.to_qkv"},
};

static char *renamed(const char *name)
{
    char *out = xstrdup(name);

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *at = strstr(out, names[i][0]), *next;

        if (!at)
            continue;
        next = xasprintf("%.*s%s%s", (int)(at - out), out, names[i][1], at + strlen(names[i][0]));
        free(out);
        out = next;
    }
    return out;
}

static float *values(const struct st_file *f, const char *name, float *to)
{
    const struct st_tensor *t = st_find(f, name);
    struct err e = {0};

    CHECK(t != NULL);
    CHECK_INT(st_read(f, t, 0, t->n, to, DT_F32, &e), 0);
    return to + t->n;
}

/* q, k and v of a layer, where t is its q. */
static void put_one(const struct st_file *f, const struct st_tensor *t, struct st_out *o)
{
    int parts = strstr(t->name, ".q_proj.") ? 3 : 1;
    float *x = malloc(sizeof *x * (size_t)(3 * t->n)), *end = x;
    char *other = xstrdup(t->name);

    for (int i = 0; i < parts; i++) {
        if (parts > 1)
            strstr(other, "_proj.")[-1] = "qkv"[i];
        end = values(f, other, end);
    }
    *o = (struct st_out){.name = renamed(t->name), .type = DT_F32, .rank = t->rank, .data = x};
    memcpy(o->dim, t->dim, sizeof t->dim);
    o->dim[0] *= parts;
    free(other);
}

static void load(struct part *p, const char *path)
{
    char *dir = xstrdup(ztest_data("golden/clip-vision"));
    struct err e = {0};

    CHECK_INT(part_declare(p, dir, PART_IMAGE, &e), 0);
    CHECK_INT(store_load(part_weights(p), path, &store_clip_vision_names, device_cpu(), DT_F32, 0,
                         NULL, &e),
              0);
    free(dir);
}

TEST(clip_of_the_release_is_read)
{
    char *own = xstrdup(ztest_data("golden/clip-vision/model.safetensors"));
    char *path = path_join(ztest_tmp(), "clip-release.safetensors");
    struct st_out out[MOST] = {0};
    struct recognised r;
    struct part a, b;
    struct st_file *f;
    struct err e = {0};
    static const float ignored[1] = {1};
    int n = 0;

    CHECK_INT(st_open(&f, own, &e), 0);
    for (int i = 0; i < st_count(f); i++)
        if (!strstr(st_at(f, i)->name, ".k_proj.") && !strstr(st_at(f, i)->name, ".v_proj."))
            put_one(f, st_at(f, i), &out[n++]);
    st_close(&f);
    out[n++] = (struct st_out){.name = "log_scale", .type = DT_F32, .data = ignored};
    out[n++] = (struct st_out){
        .name = "textual.model.x", .type = DT_F32, .rank = 1, .dim = {1}, .data = ignored};
    out[n++] = (struct st_out){
        .name = "visual.head", .type = DT_F32, .rank = 1, .dim = {1}, .data = ignored};
    CHECK_INT(st_write(path, out, n, NULL, 0, &e), 0);
    CHECK_INT(st_open(&f, path, &e), 0);
    CHECK_INT(recognise(&r, f, &e), 0);
    CHECK_INT(r.role, PART_IMAGE);
    CHECK_CONTAINS(buf_str(&r.config), "\"image_size\": 12");
    CHECK_CONTAINS(buf_str(&r.config), "\"intermediate_size\": 20");
    CHECK_CONTAINS(buf_str(&r.config), "\"num_hidden_layers\": 3");
    recognised_release(&r);
    st_close(&f);
    load(&a, own);
    load(&b, path);
    for (int i = 0; i < part_weights(&a)->n; i++) {
        struct weight *x = part_weights(&a)->all[i], *y = part_weights(&b)->all[i];
        size_t bytes = sizeof(float) * (size_t)weight_count(x);
        float *u = malloc(bytes), *v = malloc(bytes);

        weight_read(x, u);
        weight_read(y, v);
        CHECK(!memcmp(u, v, bytes));
        free(u);
        free(v);
    }
    part_release(&a);
    part_release(&b);
    for (int i = 0; i < n - 3; i++) {
        free((void *)out[i].name);
        free((void *)out[i].data);
    }
    free(path);
    free(own);
}
