#include "info_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/jsonw.h"
#include "base/utf8.h"
#include "cmd.h"
#include "format/gguf.h"
#include "model/recognise.h"

enum { MOST_TYPES = 64, MOST_TEXT = 200 };

int is_weight_file(const char *path)
{
    char head[16] = {0};
    FILE *f = !file_exists(path) || dir_exists(path) ? NULL : fopen(path, "rb");
    size_t n = f ? fread(head, 1, sizeof head - 1, f) : 0;

    if (f)
        fclose(f);
    if (ends_behind(path, ".safetensors") || ends_behind(path, ".safetensors.index.json"))
        return n > 0;
    return n >= 9 && (!memcmp(head, "GGUF", 4) || !memcmp(head, "PK\3\4", 4) || head[8] == '{');
}

struct sum {
    const char *type;
    uint64_t bytes;
};

static int by_bytes(const void *a, const void *b)
{
    const struct sum *x = a, *y = b;

    return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : strcmp(x->type, y->type);
}

/* Bytes by type, the most first. */
static int sum_types(const struct st_file *f, struct sum sum[MOST_TYPES])
{
    int n = 0;

    for (int i = 0; i < st_count(f); i++) {
        const struct st_tensor *t = st_at(f, i);
        int k = 0;

        while (k < n && strcmp(sum[k].type, t->type_name))
            k++;
        if (k == n && n < MOST_TYPES)
            sum[n++] = (struct sum){t->type_name, 0};
        if (k < n)
            sum[k].bytes += t->bytes;
    }
    qsort(sum, (size_t)n, sizeof *sum, by_bytes);
    return n;
}

/* A value of GGUF's in few words. */
static void value_text(const struct gguf_value *v, struct buf *out)
{
    const char *s;
    size_t at = 0, n;

    if (v->is_array)
        buf_printf(out, "list of %lld", (long long)v->n);
    else if (gguf_string(v, &at, &s, &n))
        buf_add(out, s, n < MOST_TEXT ? n : MOST_TEXT);
    else if (v->type == GGUF_F32 || v->type == GGUF_F64)
        buf_printf(out, "%g", gguf_real(v, 0));
    else
        buf_printf(out, "%lld", (long long)gguf_int(v, 0));
}

static void print_row(const char *key, const char *value)
{
    printf("%-12s ", key);
    cmd_put_text(stdout, value);
    putchar('\n');
}

static void show_text(const struct st_file *f, const struct recognised *r, const char *path)
{
    struct sum sum[MOST_TYPES];
    struct buf b = BUF_INIT;
    char size[32];

    print_row("path", path);
    print_row("format", gguf_count(f) ? "GGUF" : "safetensors");
    printf("%-12s %d\n", "tensors", st_count(f));
    for (int i = 0, n = sum_types(f, sum); i < n; i++) {
        format_bytes(size, sizeof size, (double)sum[i].bytes);
        buf_printf(&b, "%s%s %s", i ? ", " : "", sum[i].type, size);
    }
    print_row("weights", buf_str(&b));
    print_row("network", r->class ? r->class : r->kin ? r->kin : "not known");
    if (r->class)
        fputs(buf_str(&r->config), stdout);
    for (int i = 0; i < gguf_count(f); i++) {
        buf_clear(&b);
        value_text(gguf_at(f, i), &b);
        print_row(gguf_at(f, i)->key, buf_str(&b));
    }
    for (int i = 0; !gguf_count(f) && i < st_n_meta(f); i++) {
        const char *key, *value;

        st_meta_at(f, i, &key, &value);
        print_row(key, value);
    }
    buf_release(&b);
}

static void show_json(const struct st_file *f, const struct recognised *r, const char *path)
{
    struct sum sum[MOST_TYPES];
    struct buf b = BUF_INIT, text = BUF_INIT;
    struct jsonw w;
    int n = sum_types(f, sum);

    jsonw_init(&w, &b, 0);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "path", path);
    jsonw_string(&w, "format", gguf_count(f) ? "GGUF" : "safetensors");
    jsonw_int(&w, "tensors", st_count(f));
    jsonw_object(&w, "weight_bytes");
    for (int i = 0; i < n; i++)
        jsonw_int(&w, sum[i].type, (int64_t)sum[i].bytes);
    jsonw_end_object(&w);
    jsonw_string(&w, "network", r->class);
    if (r->class)
        jsonw_raw(&w, "config", buf_str(&r->config));
    jsonw_object(&w, "metadata");
    for (int i = 0; i < gguf_count(f); i++) {
        buf_clear(&text);
        value_text(gguf_at(f, i), &text);
        jsonw_string(&w, gguf_at(f, i)->key, buf_str(&text));
    }
    for (int i = 0; !gguf_count(f) && i < st_n_meta(f); i++) {
        const char *key, *value;

        st_meta_at(f, i, &key, &value);
        jsonw_string(&w, key, value);
    }
    jsonw_end_object(&w);
    jsonw_end_object(&w);
    puts(buf_str(&b));
    buf_release(&b);
    buf_release(&text);
}

int show_weight_file(const char *path, int json, struct err *e)
{
    struct recognised r;
    struct st_file *f;
    struct err why;
    int rc = st_open(&f, path, e);

    if (rc)
        return rc;
    if (recognise(&r, f, &why))
        r.class = NULL;
    (json ? show_json : show_text)(f, &r, path);
    recognised_release(&r);
    st_close(&f);
    return 0;
}
