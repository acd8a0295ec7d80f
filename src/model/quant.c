#include "model/quant.h"

#include <stdlib.h>
#include <string.h>

#include "format/json.h"

enum { MARKER_BYTES = 4096 };

int quant_is_marker(const char *tensor)
{
    size_t n = strlen(tensor), tail = strlen(QUANT_MARKER);

    return n > tail && !strcmp(tensor + n - tail, QUANT_MARKER);
}

static int is_rotated(struct jval layer)
{
    return j_bool_or(layer, "convrot", 0);
}

/* What one layer says of itself. */
static void check_layer(struct jval layer, const char *name)
{
    struct jval inner = j_has(layer, "params") ? j_object(layer, "params") : layer;
    const char *format = j_string_or(layer, "format", "");

    if (!*format)
        format = j_string_or(inner, "format", "");
    if (strcmp(format, "int8_tensorwise"))
        j_fail(layer, NULL, "layer %.200s is stored as \"%.40s\"; int8_tensorwise can be read",
               name, format);
    else if (is_rotated(layer) || is_rotated(inner))
        j_fail(layer, NULL,
               "layer %.200s is stored as int8_tensorwise with convrot, which is not supported; "
               "without convrot it can be read",
               name);
}

static int check_header(const struct st_file *f, struct err *e)
{
    const char *text = st_meta(f, "_quantization_metadata"), *name;
    struct jdoc *doc;
    struct jval layers, layer;
    void *it = NULL;
    int rc;

    if (!text)
        return 0;
    rc = jdoc_parse(&doc, text, strlen(text), "_quantization_metadata", e);
    if (rc)
        return rc;
    layers = j_object(jdoc_root(doc), "layers");
    while (j_next(layers, &it, &name, &layer))
        check_layer(layer, name);
    rc = jdoc_status(doc, e);
    jdoc_close(&doc);
    return rc;
}

static int check_marker(const struct st_file *f, const struct st_tensor *t, struct err *e)
{
    char text[MARKER_BYTES];
    struct jdoc *doc;
    int rc;

    if (t->type != DT_U8 || t->n > MARKER_BYTES)
        return err_set(e, ERR_FORMAT, "tensor %s is not U8 text of at most %d bytes", t->name,
                       MARKER_BYTES);
    rc = st_read_all(f, t, text, DT_U8, e);
    if (!rc)
        rc = jdoc_parse(&doc, text, (size_t)t->n, t->name, e);
    if (rc)
        return rc;
    check_layer(jdoc_root(doc), t->name);
    rc = jdoc_status(doc, e);
    jdoc_close(&doc);
    return rc;
}

int quant_check(const struct st_file *f, struct err *e)
{
    int rc = check_header(f, e), shard = 0;

    for (int i = 0; !rc && i < st_count(f); i++)
        if (quant_is_marker(st_at(f, i)->name)) {
            rc = check_marker(f, st_at(f, i), e);
            shard = st_at(f, i)->shard;
        }
    return rc == ERR_FORMAT ? err_prefix(e, "%s", st_path(f, shard)) : rc;
}
