#include "model/quant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "format/json.h"

enum { MARKER_BYTES = 4096, MAX_GROUP = 4096 };

int quant_is_marker(const char *tensor)
{
    return ends_behind(tensor, QUANT_MARKER) || ends_behind(tensor, ".scale_input") ||
           ends_behind(tensor, ".input_scale") || ends_behind(tensor, ".weight_scale_2") ||
           ends_behind(tensor, ".scaled_fp8") || !strcmp(tensor, "scaled_fp8");
}

int quant_scaled(const char *tensor, char *out, size_t size)
{
    static const char *const rows[][2] = {{".scale_weight", ".weight"}, {"_scale", ""}};

    for (int i = 0; i < 2; i++)
        if (ends_behind(tensor, rows[i][0])) {
            int n = (int)(strlen(tensor) - strlen(rows[i][0]));

            return snprintf(out, size, "%.*s%s", n, tensor, rows[i][1]) < (int)size;
        }
    return 0;
}

/* ---- what layers say ---- */

static void add_layer(struct quant *q, const char *name, size_t len, enum quant_way way, int group)
{
    if (q->n == q->cap) {
        q->cap = q->cap ? 2 * q->cap : 64;
        q->layer = xrealloc(q->layer, (size_t)q->cap * sizeof *q->layer);
    }
    q->layer[q->n++] = (struct quant_layer){xstrndup(name, len), way, group};
}

static const struct stored_form *rotated(int group)
{
    char name[24];

    snprintf(name, sizeof name, "I8_ROT%d", group);
    return stored_named(name);
}

static const struct {
    const char *format;
    enum quant_way way;
    int turned; /* 1: may be rotated, 2: is */
} formats[] = {
    {"int8_tensorwise", QUANT_PLAIN, 1}, {"float8_e4m3fn", QUANT_PLAIN, 0},
    {"float8_e5m2", QUANT_PLAIN, 0},     {"mxfp8", QUANT_MXFP8, 0},
    {"nvfp4", QUANT_NVFP4, 0},           {"convrot_w4a4", QUANT_W4A4, 2},
};
enum { N_FORMATS = sizeof formats / sizeof *formats };

/* What one layer says of itself. */
static void take_layer(struct quant *q, struct jval layer, const char *name, size_t len)
{
    struct jval inner = j_has(layer, "params") ? j_object(layer, "params") : layer;
    const char *format = j_string_or(layer, "format", "");
    int turned = j_bool_or(layer, "convrot", 0) || j_bool_or(inner, "convrot", 0);
    struct jval of = j_has(layer, "convrot_groupsize") ? layer : inner;
    int group = (int)j_int_or(of, "convrot_groupsize", 1, MAX_GROUP, 256), i = 0;
    int shown = (int)(len < 200 ? len : 200);

    if (!*format)
        format = j_string_or(inner, "format", "");
    while (i < N_FORMATS && strcmp(format, formats[i].format))
        i++;
    if (i < N_FORMATS)
        turned |= formats[i].turned == 2;
    if (i == N_FORMATS)
        j_fail(layer, NULL,
               "layer %.*s is stored as \"%.40s\"; int8_tensorwise, float8_e4m3fn, float8_e5m2, "
               "mxfp8, nvfp4 and convrot_w4a4 can be read",
               shown, name, format);
    else if (turned && (!formats[i].turned || !rotated(group)))
        j_fail(layer, NULL,
               "layer %.*s is stored as %s with convrot in groups of %d; int8_tensorwise and "
               "convrot_w4a4 in groups of 16, 64 or 256 can be read",
               shown, name, format, group);
    else
        add_layer(q, name, len, formats[i].way, turned ? group : 0);
}

static void take_header(void *arg, struct jval root)
{
    struct jval layers = j_object(root, "layers"), layer;
    const char *name;
    void *it = NULL;

    while (j_next(layers, &it, &name, &layer))
        take_layer(arg, layer, name, strlen(name));
}

static int read_header(struct quant *q, const struct st_file *f, struct err *e)
{
    const char *name = "_quantization_metadata", *text = st_meta(f, name);

    return text ? jdoc_take_text(text, strlen(text), name, take_header, q, e) : 0;
}

struct marker {
    struct quant *q;
    const char *tensor;
};

static void take_marker(void *arg, struct jval root)
{
    const struct marker *m = arg;

    take_layer(m->q, root, m->tensor, strlen(m->tensor) - strlen(QUANT_MARKER));
}

static int read_marker(struct quant *q, const struct st_file *f, const struct st_tensor *t,
                       struct err *e)
{
    struct marker m = {q, t->name};
    char text[MARKER_BYTES];

    if (t->type != DT_U8 || t->n > MARKER_BYTES)
        return err_set(e, ERR_FORMAT, "tensor %s is not U8 text of at most %d bytes", t->name,
                       MARKER_BYTES);
    int rc = st_read_all(f, t, text, DT_U8, e);
    return rc ? rc : jdoc_take_text(text, (size_t)t->n, t->name, take_marker, &m, e);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct quant_layer *)a)->name, ((const struct quant_layer *)b)->name);
}

int quant_read(struct quant *q, const struct st_file *f, struct err *e)
{
    int rc, shard = 0;

    *q = (struct quant){0};
    rc = read_header(q, f, e);
    for (int i = 0; !rc && i < st_count(f); i++)
        if (ends_behind(st_at(f, i)->name, QUANT_MARKER)) {
            rc = read_marker(q, f, st_at(f, i), e);
            shard = st_at(f, i)->shard;
        }
    if (q->n)
        qsort(q->layer, (size_t)q->n, sizeof *q->layer, by_name);
    if (rc)
        quant_release(q);
    return rc == ERR_FORMAT ? err_prefix(e, "%s", st_path(f, shard)) : rc;
}

void quant_release(struct quant *q)
{
    for (int i = 0; i < q->n; i++)
        free(q->layer[i].name);
    free(q->layer);
    *q = (struct quant){0};
}

/* The header may leave out the prefix that all tensors of the file have. */
static const struct quant_layer *find_layer(const struct quant *q, const char *tensor)
{
    size_t n = strlen(tensor);
    char *name;
    const struct quant_layer *found = NULL;

    if (!q->n || !ends_behind(tensor, ".weight"))
        return NULL;
    name = xstrndup(tensor, n - strlen(".weight"));
    for (const char *at = name; at && !found; at = strchr(at, '.')) {
        struct quant_layer want = {.name = (char *)(*at == '.' ? ++at : at)};

        found = bsearch(&want, q->layer, (size_t)q->n, sizeof want, by_name);
    }
    free(name);
    return found;
}

const struct stored_form *quant_form(const struct quant *q, const struct st_tensor *t)
{
    const struct quant_layer *l = find_layer(q, t->name);

    return l && l->way == QUANT_PLAIN && l->group && t->type == DT_I8 ? rotated(l->group)
                                                                      : stored_named(t->type_name);
}

const struct quant_layer *quant_packed(const struct quant *q, const struct st_tensor *t)
{
    const struct quant_layer *l = find_layer(q, t->name);

    return l && l->way != QUANT_PLAIN ? l : NULL;
}
