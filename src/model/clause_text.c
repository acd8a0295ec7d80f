#include "model/clause_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "format/json.h"

#define CONFIG_MAX_BYTES (1 << 20)

/* ---- config ---- */

void clause_text_config_default(struct clause_text_config *c)
{
    *c = (struct clause_text_config){
        .vocab = 4096,
        .d_model = 256,
        .d_kv = 64,
        .d_ff = 512,
        .layers = 2,
        .heads = 4,
        .clauses = 8,
        .places = 32,
        .separator = -1,
        .eps = 1e-6,
    };
}

static void read_fields(void *config, struct jval o)
{
    struct clause_text_config *c = config;

    c->vocab = (int)j_int(o, "vocab_size", 4, 1 << 24);
    c->d_model = (int)j_int(o, "d_model", 1, 65536);
    c->d_kv = (int)j_int(o, "d_kv", 1, 1024);
    c->d_ff = (int)j_int(o, "d_ff", 1, 262144);
    c->layers = (int)j_int(o, "num_layers", 0, 512);
    c->heads = (int)j_int(o, "num_heads", 1, 1024);
    c->clauses = (int)j_int(o, "num_clauses", 1, 4096);
    c->places = (int)j_int(o, "num_places", 1, 65536);
    c->separator = (int)j_int(o, "separator_token_id", -1, c->vocab - 1);
    c->eps = j_real_or(o, "layer_norm_epsilon", 0, 1, 1e-6);
}

int clause_text_config_read(struct clause_text_config *c, const char *path, struct err *e)
{
    memset(c, 0, sizeof *c);
    return jdoc_take(path, CONFIG_MAX_BYTES, read_fields, c, e);
}

void clause_text_config_write(const struct clause_text_config *c, struct buf *out)
{
    struct jsonw w;

    jsonw_init(&w, out, 2);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "_class_name", "ClauseTextModel");
    jsonw_int(&w, "vocab_size", c->vocab);
    jsonw_int(&w, "d_model", c->d_model);
    jsonw_int(&w, "d_kv", c->d_kv);
    jsonw_int(&w, "d_ff", c->d_ff);
    jsonw_int(&w, "num_layers", c->layers);
    jsonw_int(&w, "num_heads", c->heads);
    jsonw_int(&w, "num_clauses", c->clauses);
    jsonw_int(&w, "num_places", c->places);
    jsonw_int(&w, "separator_token_id", c->separator);
    jsonw_real(&w, "layer_norm_epsilon", c->eps);
    jsonw_end_object(&w);
    buf_putc(out, '\n');
}

/* ---- weights ---- */

static struct linear_w matrix(struct weight_set *s, const char *name, int64_t in, int64_t out)
{
    struct linear_w w = linear_declare(s, name, in, out, 0, INIT_LINEAR, 1);

    w.w->muon = 1;
    return w;
}

static void declare_block(struct clause_text *m, int i)
{
    const struct clause_text_config *c = &m->config;
    struct weight_set *s = &m->weights;
    struct clause_text_block *b = &m->blocks[i];
    int64_t inner = (int64_t)c->heads * c->d_kv;
    char n[64];

#define NAME(part) (snprintf(n, sizeof n, "blocks.%d.%s", i, part), n)
#define VECTOR(part, init, size) weight_declare(s, NAME(part), 0, init, 0, DIMS(size))
    b->norm1 = VECTOR("norm1.weight", INIT_ONE, c->d_model);
    b->q = matrix(s, NAME("attn.to_q"), c->d_model, inner);
    b->k = matrix(s, NAME("attn.to_k"), c->d_model, inner);
    b->v = matrix(s, NAME("attn.to_v"), c->d_model, inner);
    b->o = matrix(s, NAME("attn.to_out"), inner, c->d_model);
    b->norm_q = VECTOR("attn.norm_q.weight", INIT_ONE, inner);
    b->norm_k = VECTOR("attn.norm_k.weight", INIT_ONE, inner);
    b->gate1 = weight_declare(s, NAME("attn.gate"), 0, INIT_ZERO, 0, DIMS(1, c->d_model));
    b->norm2 = VECTOR("norm2.weight", INIT_ONE, c->d_model);
    b->up = matrix(s, NAME("ffn.up"), c->d_model, c->d_ff);
    b->down = matrix(s, NAME("ffn.down"), c->d_ff, c->d_model);
    b->gate2 = weight_declare(s, NAME("ffn.gate"), 0, INIT_ZERO, 0, DIMS(1, c->d_model));
#undef VECTOR
#undef NAME
}

static struct weight *table(struct weight_set *s, const char *name, int64_t rows, int64_t cols)
{
    return weight_declare(s, name, 0, INIT_NORMAL, 1, DIMS(rows, cols));
}

int clause_text_init(struct clause_text *m, const struct clause_text_config *c, struct err *e)
{
    memset(m, 0, sizeof *m);
    if (c->heads < 1 || c->vocab < 4 || c->clauses < 1 || c->places < 1)
        return err_set(e, ERR_FORMAT,
                       "text encoder: num_heads (%d), num_clauses (%d) and num_places (%d) must be "
                       "at least 1, vocab_size (%d) at least 4",
                       c->heads, c->clauses, c->places, c->vocab);
    m->config = *c;
    m->blocks = xcalloc((size_t)c->layers + 1, sizeof *m->blocks);
    weight_set_init(&m->weights);
    m->word =
        weight_declare(&m->weights, "word.weight", 1, INIT_NORMAL, 1, DIMS(c->vocab, c->d_model));
    m->clause = table(&m->weights, "clause.weight", c->clauses, c->d_model);
    m->place = table(&m->weights, "place.weight", c->places, c->d_model);
    for (int i = 0; i < c->layers; i++) {
        m->weights.group = 1 + i;
        declare_block(m, i);
    }
    m->weights.group = 0;
    m->norm = weight_declare(&m->weights, "norm.weight", 0, INIT_ONE, 0, DIMS(c->d_model));
    /* It costs nothing beside the transformer, and all that the picture hangs on is in its rows. */
    for (int i = 0; i < m->weights.n; i++)
        m->weights.all[i]->wide = 1;
    return 0;
}

void clause_text_release(struct clause_text *m)
{
    if (m->blocks)
        weight_set_release(&m->weights);
    free(m->blocks);
    memset(m, 0, sizeof *m);
}

/* ---- forward ---- */

void clause_text_roles(const struct clause_text_config *c, const int32_t *ids,
                       const struct seq *seq, int32_t *clause, int32_t *place)
{
    for (int s = 0; s < seq->n; s++) {
        int at = 0, in = 0;

        for (int64_t r = seq->start[s]; r < seq->start[s + 1]; r++) {
            if (ids[r] == c->separator) {
                at += at < c->clauses - 1;
                in = 0; /* it is the first of the clause that it opens */
            }
            clause[r] = at;
            place[r] = in;
            in += in < c->places - 1;
        }
    }
}

/* x + gate * h; gate [1,D] for all rows. */
static struct tensor *gated(struct cx *cx, struct tensor *x, struct tensor *h, struct weight *gate)
{
    return add_gated(cx, x, h, (struct mod){.table = weight_tensor(cx, gate)});
}

static struct tensor *block(struct cx *cx, const struct clause_text *m, int i,
                            const struct seq *seq, struct tensor *x, const struct tap *tap)
{
    const struct clause_text_block *b = &m->blocks[i];
    double eps = m->config.eps;
    struct attn_args args = {.heads = m->config.heads, .seq = seq};
    struct tensor *h, *q, *k, *v;
    struct scope s;

    weights_enter(cx, &m->weights, 1 + i);
    scope_begin(cx, &s);
    h = rms_norm(cx, keep(cx, x), b->norm1, eps);
    q = rms_norm(cx, linear(cx, h, &b->q), b->norm_q, eps);
    k = rms_norm(cx, linear(cx, h, &b->k), b->norm_k, eps);
    v = linear(cx, h, &b->v);
    tap_see(tap, cx, q, "%d.q", i);
    tap_see(tap, cx, k, "%d.k", i);
    x = gated(cx, x, linear(cx, attention(cx, q, k, v, &args), &b->o), b->gate1);
    h = mlp_gelu(cx, rms_norm(cx, keep(cx, x), b->norm2, eps), &b->up, &b->down);
    return scope_end(cx, &s, gated(cx, x, h, b->gate2));
}

static struct tensor *forward(struct cx *cx, const struct clause_text *m, const int32_t *ids,
                              const struct seq *seq, const struct tap *tap)
{
    int64_t rows = seq->start[seq->n];
    int32_t *clause = arena_alloc(&cx->handles, sizeof *clause * (size_t)rows);
    int32_t *place = arena_alloc(&cx->handles, sizeof *place * (size_t)rows);
    struct tensor *x;

    for (int64_t r = 0; r < rows; r++)
        if (ids[r] < 0 || ids[r] >= m->config.vocab)
            BUG("clause_text: token %d of row %lld, vocabulary has %d", ids[r], (long long)r,
                m->config.vocab);
    clause_text_roles(&m->config, ids, seq, clause, place);
    x = embed(cx, m->word, ids, rows, cx->wide);
    x = add(cx, x, embed(cx, m->clause, clause, rows, cx->wide));
    x = add(cx, x, embed(cx, m->place, place, rows, cx->wide));
    tap_see(tap, cx, x, "embedding");
    for (int i = 0; i < m->config.layers; i++)
        x = block(cx, m, i, seq, x, tap);
    x = rms_norm(cx, x, m->norm, m->config.eps);
    tap_see(tap, cx, x, "hidden");
    return x;
}

struct tensor *clause_text_forward(struct cx *cx, const struct clause_text *m, const int32_t *ids,
                                   const struct seq *seq, const struct tap *tap)
{
    enum dtype type = cx->type;
    struct tensor *x;

    cx->type = cx->wide;
    x = forward(cx, m, ids, seq, tap);
    cx->type = type;
    return x;
}

/* ---- as a part ---- */

static struct text_config text_config_of(const void *net)
{
    const struct clause_text_config *c = &((const struct clause_text *)net)->config;

    return (struct text_config){.vocab = c->vocab, .dim = c->d_model};
}

static struct tensor *rows(struct cx *cx, const void *net, const int32_t *ids,
                           const struct seq *seq, const struct tap *tap)
{
    return clause_text_forward(cx, net, ids, seq, tap);
}

PART_METHODS(clause_text)
static const char *const class_names[] = {"ClauseTextModel", NULL};
static const struct text_class text = {text_config_of, rows};
const struct part_class clause_text_part = {.role = PART_TEXT,
                                            .names = class_names,
                                            .library = "zoetrope",
                                            .file = "model.safetensors",
                                            .tensors = &store_clause_text_names,
                                            PART_METHODS_OF(clause_text),
                                            .text = &text};
