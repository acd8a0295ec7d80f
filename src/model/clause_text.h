/* clause_text.h - our own text encoder: words that know their clause.
 *
 * A canonical caption is clauses with a separator between them, one thing in each. A word's row is
 * the sum of three learned rows: of the word, of its clause (0.., counted by the separators before
 * it) and of its place in the clause; the last of either stands for all that are further. The sum
 * goes to the transformer as it is: blocks of attention add to it through gates that begin at zero,
 * so that who has which colour need not be found by attention first. Queries and keys have a norm,
 * which bounds the logits whatever an optimiser does to the matrices.
 *
 * Prompts stand as rows one after the other, nothing is padded, none sees another.
 * Thread-safety: reading only, any number of contexts. */
#ifndef MODEL_CLAUSE_TEXT_H
#define MODEL_CLAUSE_TEXT_H

#include "base/buf.h"
#include "model/part.h"

struct clause_text_config {                 /* keys of config.json where no other is said */
    int vocab;                              /* vocab_size */
    int d_model, d_kv, d_ff, layers, heads; /* num_layers, num_heads */
    int clauses, places;                    /* num_clauses, num_places: rows of the tables */
    int separator; /* separator_token_id; -1: all of a prompt is one clause */
    double eps;    /* layer_norm_epsilon */
};

struct clause_text_block {
    struct linear_w q, k, v, o;
    struct weight *norm1, *norm2;   /* [d_model] */
    struct weight *norm_q, *norm_k; /* [heads*d_kv] */
    struct weight *gate1, *gate2;   /* [1, d_model] */
    struct linear_w up, down;
};
struct clause_text {
    struct clause_text_config config;
    struct weight_set weights;
    struct weight *word, *clause, *place; /* [vocab | clauses | places, d_model] */
    struct clause_text_block *blocks;
    struct weight *norm;
};

/* Two layers of width 256. vocab and separator are those of the tokenizer. */
void clause_text_config_default(struct clause_text_config *c);
NODISCARD int clause_text_config_read(struct clause_text_config *c, const char *path,
                                      struct err *e);
void clause_text_config_write(const struct clause_text_config *c, struct buf *out);

NODISCARD int clause_text_init(struct clause_text *m, const struct clause_text_config *c,
                               struct err *e);
void clause_text_release(struct clause_text *m);

/* Clause and place of every row, [rows] each, as the tables are asked for them. */
void clause_text_roles(const struct clause_text_config *c, const int32_t *ids,
                       const struct seq *seq, int32_t *clause, int32_t *place);
/* text_rows. tap sees embedding, N.q and N.k (queries and keys as they are multiplied), hidden. */
struct tensor *clause_text_forward(struct cx *cx, const struct clause_text *m, const int32_t *ids,
                                   const struct seq *seq, const struct tap *tap);
extern const struct part_class clause_text_part;

#endif
