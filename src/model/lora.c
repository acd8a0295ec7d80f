#include "model/lora.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/json.h"
#include "model/store_inner.h"

#define SECOND "transformer_2."

enum kind { DOWN, UP, ALPHA, DIFF, DIFF_BIAS, N_KINDS };

/* clang-format off */
static const struct {
    const char *end;
    int kind; /* -1: not computed */
} endings[] = {
    {".lora_A.weight", DOWN},    {".lora_A.default.weight", DOWN}, {".lora_down.weight", DOWN},
    {".lora.down.weight", DOWN}, {".lora_A", DOWN},                {"_lora.down.weight", DOWN},
    {".lora_B.weight", UP},      {".lora_B.default.weight", UP},   {".lora_up.weight", UP},
    {".lora.up.weight", UP},     {".lora_B", UP},                  {"_lora.up.weight", UP},
    {".alpha", ALPHA},           {".diff", DIFF},                  {".diff_b", DIFF_BIAS},
    {".lora_B.bias", DIFF_BIAS}, {".dora_scale", -1},              {".lora_magnitude_vector", -1},
    {".lora_mid.weight", -1},    {".hada_w1_a", -1},               {".lokr_w1", -1},
    {".lokr_w1_a", -1},          {".lokr_w2", -1},                 {".oft_blocks", -1},
    {".reshape_weight", -1},     {".w_norm", -1},                  {".b_norm", -1},
};
static const char *const fronts[] = { /* beside those of store_prefixes */
    "base_model.model.", "pipe.dit.", "lora_unet_", "lycoris_", "unet.", NULL};
/* Parts of names in which an underscore is no point. */
static const char *const words[] = {
    "self_attn", "cross_attn", "norm_k_img", "norm_q", "norm_k", "k_img", "v_img", "time_embedding", "text_embedding",
    "time_projection", "img_emb", "patch_embedding", "vace_blocks", "before_proj", "after_proj", "emb_pos",
    "vace_patch_embedding", "to_q", "to_k", "to_v", "to_out", "add_k_proj", "add_v_proj", "condition_embedder",
    "time_embedder", "text_embedder", "image_embedder", "linear_1", "linear_2", "time_proj", "proj_out", "proj_in",
    "norm_added_k", NULL};
/* clang-format on */
enum { N_ENDINGS = sizeof endings / sizeof *endings };

struct layer {
    struct weight *w, *bias;
    const struct st_tensor *of[N_KINDS];
    double scale; /* without strength */
};
struct job {
    const struct st_file *f;
    const struct part *part;
    struct weight_set *set;
    struct layer *layer;
    int n;
    struct jdoc *doc; /* of the metadata, NULL without */
    struct lora_report *report;
};

/* ---- names ---- */

static int ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n > m && !strcmp(s + n - m, end);
}

/* "blocks_0_self_attn_q" -> "blocks.0.self_attn.q". */
static void with_points(char *name)
{
    for (char *s = name; *s;) {
        size_t n = strcspn(s, "_");

        for (const char *const *w = words; *w; w++) {
            size_t len = strlen(*w);

            if (!strncmp(s, *w, len) && (s[len] == '_' || !s[len]) && len > n)
                n = len;
        }
        s += n;
        if (*s)
            *s++ = '.';
    }
}

/* The name of the layer, of `len` bytes, without what stands before it; of kohya's with points. */
static void plain_name(const char *tensor, size_t len, char *out, size_t size)
{
    int again = 1;

    snprintf(out, size, "%.*s", (int)len, tensor);
    while (again) {
        again = 0;
        for (const char *const *p = fronts; *p; p++)
            if (!strncmp(out, *p, strlen(*p))) {
                memmove(out, out + strlen(*p), strlen(out + strlen(*p)) + 1);
                again = 1;
            }
    }
    if (!strchr(out, '.'))
        with_points(out);
}

/* The weight of a layer: NAME.weight, or NAME of a table. */
static struct weight *find_layer(const struct job *j, const char *name, const char *end)
{
    char full[ST_MAX_NAME + 16];

    snprintf(full, sizeof full, "%s%s", name, end);
    return store_find_weight(j->set, full, j->part->is->tensors);
}

static struct layer *layer_of(struct job *j, struct weight *w)
{
    for (int i = 0; i < j->n; i++)
        if (j->layer[i].w == w)
            return &j->layer[i];
    j->layer[j->n] = (struct layer){.w = w, .scale = 1};
    return &j->layer[j->n++];
}

static void not_ours(struct job *j, const char *name)
{
    if (!j->report->unmatched++)
        snprintf(j->report->first, sizeof j->report->first, "%.127s", name);
}

static int take_tensor(struct job *j, const struct st_tensor *t, int expert, struct err *e)
{
    char name[ST_MAX_NAME + 1];
    int k = 0, second = strncmp(t->name, SECOND, strlen(SECOND)) == 0;
    struct weight *w;
    struct layer *l;

    while (k < N_ENDINGS && !ends_with(t->name, endings[k].end))
        k++;
    if (k == N_ENDINGS || second != (expert == 2)) {
        not_ours(j, t->name);
        return 0;
    }
    if (endings[k].kind < 0)
        return err_set(e, ERR_FORMAT,
                       "%s: tensor %s: \"%s\" is a way that is not computed; lora_A and lora_B, "
                       "lora_down and lora_up, alpha, diff and diff_b are",
                       st_path(j->f, t->shard), t->name, endings[k].end + 1);
    size_t skip = second ? strlen(SECOND) : 0;
    plain_name(t->name + skip, strlen(t->name) - strlen(endings[k].end) - skip, name, sizeof name);
    w = find_layer(j, name, ".weight");
    w = w || endings[k].kind != DIFF ? w : find_layer(j, name, "");
    if (!w) {
        not_ours(j, t->name);
        return 0;
    }
    l = layer_of(j, w);
    l->bias = find_layer(j, name, ".bias");
    if (l->of[endings[k].kind])
        return err_set(e, ERR_FORMAT, "%s: tensors %s and %s are both of %s",
                       st_path(j->f, t->shard), l->of[endings[k].kind]->name, t->name, w->name);
    l->of[endings[k].kind] = t;
    return 0;
}

/* ---- shapes and scales ---- */

static int wrong_shape(const struct job *j, const struct st_tensor *t, const struct weight *w,
                       struct err *e)
{
    return err_set(e, ERR_FORMAT,
                   "%s: tensor %s is [%lld,%lld], which does not fit %s of [%lld,%lld]: it is of "
                   "another model",
                   st_path(j->f, t->shard), t->name, (long long)(t->rank ? t->dim[0] : 1),
                   (long long)(t->rank && t->dim[0] ? t->n / t->dim[0] : t->n), w->name,
                   (long long)w->dim[0], (long long)store_row(w));
}

static int check_layer(const struct job *j, const struct layer *l, struct err *e)
{
    const struct st_tensor *down = l->of[DOWN], *up = l->of[UP];
    int64_t out = l->w->dim[0], in = store_row(l->w), rank;

    if (!down != !up)
        return err_set(e, ERR_FORMAT,
                       "%s: tensor %s is one of a pair of which the other is missing",
                       st_path(j->f, 0), (down ? down : up)->name);
    if (down) {
        rank = down->rank ? down->dim[0] : 0;
        if (rank < 1 || down->n != rank * in || l->w->conv || !l->w->matrix)
            return wrong_shape(j, down, l->w, e);
        if (up->n != out * rank || up->dim[0] != out)
            return wrong_shape(j, up, l->w, e);
    }
    if (l->of[ALPHA] && l->of[ALPHA]->n != 1)
        return wrong_shape(j, l->of[ALPHA], l->w, e);
    if (l->of[DIFF] && l->of[DIFF]->n != out * in)
        return wrong_shape(j, l->of[DIFF], l->w, e);
    if (l->of[DIFF_BIAS] && (!l->bias || l->of[DIFF_BIAS]->n != out))
        return wrong_shape(j, l->of[DIFF_BIAS], l->w, e);
    return 0;
}

/* "transformer.r" and others of lora_adapter_metadata, by layer where the patterns name one. */
static double metadata_scale(const struct job *j, const struct layer *l, int64_t rank)
{
    struct jval root = jdoc_root(j->doc), alphas;
    char name[ST_MAX_NAME + 1];
    double alpha;

    if (!j_has(root, "transformer.lora_alpha"))
        return 1;
    snprintf(name, sizeof name, "%.*s", (int)(strlen(l->w->name) - strlen(".weight")), l->w->name);
    alpha = j_real(root, "transformer.lora_alpha", -1e9, 1e9);
    if (j_has(root, "transformer.alpha_pattern")) {
        alphas = j_object(root, "transformer.alpha_pattern");
        alpha = j_real_or(alphas, name, -1e9, 1e9, alpha);
    }
    return alpha /
           (j_bool_or(root, "transformer.use_rslora", 0) ? sqrt((double)rank) : (double)rank);
}

static int set_scale(const struct job *j, struct layer *l, struct err *e)
{
    float alpha;
    int rc = 0;

    if (!l->of[DOWN])
        return 0;
    if (l->of[ALPHA]) {
        rc = st_read_all(j->f, l->of[ALPHA], &alpha, DT_F32, e);
        l->scale = (double)alpha / (double)l->of[DOWN]->dim[0];
    } else if (j->doc) {
        l->scale = metadata_scale(j, l, l->of[DOWN]->dim[0]);
        rc = jdoc_status(j->doc, e);
    }
    return rc;
}

/* ---- the whole ---- */

static float *values(const struct job *j, const struct st_tensor *t, double scale, struct err *e)
{
    float *x = xmalloc(sizeof *x * (size_t)(t->n + 1));

    if (store_values(j->f, t, 0, t->n, x, e)) {
        free(x);
        return NULL;
    }
    for (int64_t i = 0; i < t->n; i++)
        x[i] = (float)(x[i] * scale);
    if (store_count_bad(x, t->n)) {
        err_set(e, ERR_FORMAT, "%s: tensor %s holds a value that is not finite",
                st_path(j->f, t->shard), t->name);
        free(x);
        return NULL;
    }
    return x;
}

static int add_difference(const struct job *j, const struct st_tensor *t, struct weight *w,
                          double strength, struct err *e)
{
    float *x = t ? values(j, t, strength, e) : NULL;
    int rc = !t ? 0 : x ? weight_add(w, x, e) : e->code;

    free(x);
    return rc;
}

static int apply_layer(const struct job *j, const struct layer *l, double strength, struct err *e)
{
    float *a = l->of[DOWN] ? values(j, l->of[DOWN], 1, e) : NULL,
          *b = a ? values(j, l->of[UP], l->scale * strength, e) : NULL;
    int rc = l->of[DOWN] && !b ? e->code : 0;

    if (b)
        rc = weight_add_lora(l->w, l->of[DOWN]->dim[0], a, b, e);
    free(a);
    free(b);
    if (!rc)
        rc = add_difference(j, l->of[DIFF], l->w, strength, e);
    return rc ? rc : add_difference(j, l->of[DIFF_BIAS], l->bias, strength, e);
}

static int nothing(const struct job *j, const char *path, struct err *e)
{
    return err_set(e, ERR_FORMAT,
                   "%s: none of its %d tensors is of a layer of this transformer (the first is %s)",
                   path, st_count(j->f), j->report->unmatched ? j->report->first : "none");
}

static int take_all(struct job *j, const char *path, int expert, struct err *e)
{
    const char *text = st_meta(j->f, "lora_adapter_metadata");
    int rc = text ? jdoc_parse(&j->doc, text, strlen(text), "lora_adapter_metadata", e) : 0;

    for (int i = 0; !rc && i < st_count(j->f); i++)
        rc = take_tensor(j, st_at(j->f, i), expert, e);
    if (!rc && !j->n)
        rc = nothing(j, path, e);
    for (int i = 0; !rc && i < j->n; i++)
        rc = check_layer(j, &j->layer[i], e);
    for (int i = 0; !rc && i < j->n; i++)
        rc = set_scale(j, &j->layer[i], e);
    return rc;
}

static int any_second(const struct st_file *f)
{
    for (int i = 0; i < st_count(f); i++)
        if (!strncmp(st_at(f, i)->name, SECOND, strlen(SECOND)))
            return 1;
    return 0;
}

static int run(const struct part *p, const char *path, double strength, int expert, int apply,
               struct lora_report *report, struct err *e)
{
    struct lora_report own = {0};
    struct job j = {.part = p, .set = part_weights(p), .report = report ? report : &own};
    struct st_file *f = NULL;
    int rc = st_open(&f, path, e);

    if (rc)
        return rc;
    *j.report = (struct lora_report){0};
    j.f = f;
    j.layer = xcalloc((size_t)st_count(f) + 1, sizeof *j.layer);
    rc = take_all(&j, path, expert == 2 && any_second(f) ? 2 : 1, e);
    for (int i = 0; !rc && apply && i < j.n; i++)
        rc = apply_layer(&j, &j.layer[i], strength, e);
    j.report->matched = j.n;
    if (j.doc)
        jdoc_close(&j.doc);
    free(j.layer);
    st_close(&f);
    return rc;
}

int lora_apply(const struct part *p, const char *path, double strength, int expert,
               struct lora_report *report, struct err *e)
{
    return run(p, path, strength, expert, 1, report, e);
}

int lora_check(const struct part *p, const char *path, double strength, int expert,
               struct lora_report *report, struct err *e)
{
    return run(p, path, strength, expert, 0, report, e);
}
