#include "base/utf8.h"
#include "model/lora_inner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/json.h"
#include "model/store_inner.h"

#define SECOND "transformer_2."

enum { DIFF_TABLE = -2 };

/* clang-format off */
static const struct {
    const char *end;
    int kind; /* -1: not computed; DIFF_TABLE: DIFF of the layer's modulation (LightX2V) */
} endings[] = {
    {".lora_A.weight", DOWN},    {".lora_A.default.weight", DOWN}, {".lora_down.weight", DOWN},
    {".lora.down.weight", DOWN}, {".lora_A", DOWN},                {"_lora.down.weight", DOWN},
    {".lora_B.weight", UP},      {".lora_B.default.weight", UP},   {".lora_up.weight", UP},
    {".lora.up.weight", UP},     {".lora_B", UP},                  {"_lora.up.weight", UP},
    {".alpha", ALPHA},           {".diff", DIFF},                  {".diff_b", DIFF_BIAS},
    {".lora_B.bias", DIFF_BIAS}, {".w_norm", DIFF},                {".b_norm", DIFF_BIAS},
    {".hada_w1_a", HADA_1A},     {".hada_w1_b", HADA_1B},          {".hada_w2_a", HADA_2A},
    {".hada_w2_b", HADA_2B},     {".lokr_w1", KRON_1},             {".lokr_w1_a", KRON_1A},
    {".lokr_w1_b", KRON_1B},     {".lokr_w2", KRON_2},             {".lokr_w2_a", KRON_2A},
    {".lokr_w2_b", KRON_2B},     {".dora_scale", DORA},            {".lora_magnitude_vector", DORA},
    {".lora_magnitude_vector.weight", DORA}, {".lora_magnitude_vector.default.weight", DORA},
    {".lora_mid.weight", -1},    {".hada_t1", -1},                 {".hada_t2", -1},
    {".lokr_t2", -1},            {".oft_blocks", -1},              {".oft_diag", -1},
    {".reshape_weight", -1},     {".a1.weight", -1},               {".on_input", -1},
    {".diff_m", DIFF_TABLE},     {".set_weight", -1},
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

/* ---- names ---- */

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
static struct weight *find_layer(const struct lora_job *j, const char *name, const char *end)
{
    char full[ST_MAX_NAME + 16];

    snprintf(full, sizeof full, "%s%s", name, end);
    return store_find_weight(j->set, full, j->part->is->tensors);
}

static struct lora_layer *layer_of(struct lora_job *j, struct weight *w)
{
    for (int i = 0; i < j->n; i++)
        if (j->layer[i].w == w)
            return &j->layer[i];
    j->layer[j->n] = (struct lora_layer){.w = w, .scale = 1};
    return &j->layer[j->n++];
}

static void not_ours(struct lora_job *j, const char *name)
{
    enum { NAMED = 3 };
    char *to = j->report->names;
    size_t n = strlen(to), size = sizeof j->report->names;

    if (j->report->unmatched++ < NAMED)
        snprintf(to + n, size - n, "%s%.127s", n ? ", " : "", name);
    else if (j->report->unmatched == NAMED + 1)
        snprintf(to + n, size - n, ", ...");
}

static int take_tensor(struct lora_job *j, const struct st_tensor *t, int expert, struct err *e)
{
    char name[ST_MAX_NAME + 1];
    int k = 0, kind, table, second = strncmp(t->name, SECOND, strlen(SECOND)) == 0;
    struct weight *w;
    struct lora_layer *l;

    while (k < N_ENDINGS && !ends_behind(t->name, endings[k].end))
        k++;
    if (k == N_ENDINGS || second != (expert == 2)) {
        not_ours(j, t->name);
        return 0;
    }
    kind = endings[k].kind;
    table = kind == DIFF_TABLE;
    kind = table ? DIFF : kind;
    if (kind < 0)
        return err_set(
            e, ERR_FORMAT,
            "%s: tensor %s: \"%s\" is a way that is not computed; lora_A and lora_B, "
            "lora_down and lora_up, hada_w1 and hada_w2, lokr_w1 and lokr_w2, dora_scale, "
            "alpha, diff, diff_b and diff_m are",
            st_path(j->f, t->shard), t->name, endings[k].end + 1);
    size_t skip = second ? strlen(SECOND) : 0;
    plain_name(t->name + skip, strlen(t->name) - strlen(endings[k].end) - skip, name, sizeof name);
    w = find_layer(j, name, ".weight");
    w = w || kind != DIFF ? w : find_layer(j, name, table ? ".modulation" : "");
    if (!w) {
        not_ours(j, t->name);
        return 0;
    }
    l = layer_of(j, w);
    l->bias = find_layer(j, name, ".bias");
    if (l->of[kind])
        return err_set(e, ERR_FORMAT, "%s: tensors %s and %s are both of %s",
                       st_path(j->f, t->shard), l->of[kind]->name, t->name, w->name);
    l->of[kind] = t;
    return 0;
}

/* ---- the whole ---- */

static int nothing(const struct lora_job *j, const char *path, struct err *e)
{
    return err_set(e, ERR_FORMAT,
                   "%s: none of its %d tensors is of a layer of this transformer (%s)", path,
                   st_count(j->f), j->report->unmatched ? j->report->names : "none");
}

static int take_all(struct lora_job *j, const char *path, int expert, struct err *e)
{
    const char *text = st_meta(j->f, "lora_adapter_metadata");
    int rc = text ? jdoc_parse(&j->doc, text, strlen(text), "lora_adapter_metadata", e) : 0;

    for (int i = 0; !rc && i < st_count(j->f); i++)
        rc = take_tensor(j, st_at(j->f, i), expert, e);
    if (!rc && !j->n)
        rc = nothing(j, path, e);
    for (int i = 0; !rc && i < j->n; i++)
        rc = lora_layer_check(j, &j->layer[i], e);
    return rc;
}

static int any_second(const struct st_file *f)
{
    for (int i = 0; i < st_count(f); i++)
        if (!strncmp(st_at(f, i)->name, SECOND, strlen(SECOND)))
            return 1;
    return 0;
}

static int run(const struct part *p, const char *path, const struct lora_use *use, int apply,
               struct lora_report *report, struct err *e)
{
    struct lora_report own = {0};
    struct lora_job j = {
        .part = p, .set = part_weights(p), .use = use, .report = report ? report : &own};
    struct st_file *f = NULL;
    int rc = st_open(&f, path, e);

    if (rc)
        return rc;
    *j.report = (struct lora_report){0};
    j.f = f;
    j.layer = xcalloc((size_t)st_count(f) + 1, sizeof *j.layer);
    rc = take_all(&j, path, use->expert == 2 && any_second(f) ? 2 : 1, e);
    for (int i = 0; !rc && apply && i < j.n; i++)
        rc = lora_layer_apply(&j, &j.layer[i], e);
    j.report->matched = j.n;
    j.report->tensors = st_count(f);
    if (j.doc)
        jdoc_close(&j.doc);
    free(j.layer);
    st_close(&f);
    return rc;
}

int lora_apply(const struct part *p, const char *path, const struct lora_use *use,
               struct lora_report *report, struct err *e)
{
    return run(p, path, use, 1, report, e);
}

int lora_check(const struct part *p, const char *path, const struct lora_use *use,
               struct lora_report *report, struct err *e)
{
    return run(p, path, use, 0, report, e);
}
