/* tokenizer_inner.h - what the files of the tokenizer share. */
#ifndef MODEL_TOKENIZER_INNER_H
#define MODEL_TOKENIZER_INNER_H

#include <stdatomic.h>

#include "model/normalise.h"
#include "model/tokenizer.h"

enum {
    TOK_MAX_PIECES = 1 << 22,
    TOK_MAX_PIECE = 4096,    /* bytes */
    TOK_MAX_FILE = 128 << 20 /* bytes */
};

enum piece_type {
    PIECE_NORMAL = 1,
    PIECE_UNKNOWN,
    PIECE_CONTROL,
    PIECE_USER,
    PIECE_UNUSED,
    PIECE_BYTE
};

struct piece {
    char *text; /* owned; "" for an id that stands for nothing */
    int len;
    double score;
    enum piece_type type;
};

struct added { /* matched in the text before anything else */
    int id;
    int left, right; /* swallows white space beside it */
};

struct tokenizer {
    atomic_int shared;   /* by so many beside the first */
    struct piece *piece; /* [n] */
    int n, cap;
    int n_vocab; /* the first of them belong to the model */
    int *sorted; /* [n_sorted] ids of the pieces that text may hold, by bytes */
    int n_sorted;
    int unknown, end;
    int byte_of[256], byte_fallback;
    double unknown_score, longest_score; /* score of an unknown character; highest of all */

    int is_json;
    struct normaliser norm;
    struct added *added;
    int n_added;
    int *before, *after; /* special tokens around the text */
    int n_before, n_after;
    int split_space; /* words are split at white space */
    int metaspace, prepend,
        split; /* Metaspace: there, prepend (0 never, 1 always, 2 first), split */
    int dummy_prefix, extra_spaces,
        escape; /* SentencePiece: prefix, keep extra spaces, space as U+2581 */
};

struct tokenizer *tokenizer_new(void);
/* The same once more, to be freed by each. */
struct tokenizer *tokenizer_share(struct tokenizer *t);
/* Appends; text of len bytes is copied. */
struct piece *tokenizer_add_piece(struct tokenizer *t, const char *text, size_t len, double score,
                                  enum piece_type type);
/* After all pieces are there: sort, find bytes, check for pieces twice. path names the file in
 * messages. */
NODISCARD int tokenizer_finish(struct tokenizer *t, const char *path, struct err *e);
/* id of the piece, -1 without it */
int tokenizer_find(const struct tokenizer *t, const char *text, size_t len);

NODISCARD int tokenizer_read_json(struct tokenizer *t, const char *path, struct err *e);
NODISCARD int tokenizer_read_spiece(struct tokenizer *t, const char *path, struct err *e);
NODISCARD int tokenizer_read_gguf(struct tokenizer *t, const char *path, struct err *e);
/* From the bytes of a spiece.model; path names them in messages. */
NODISCARD int tokenizer_take_spiece(struct tokenizer *t, const char *bytes, size_t n,
                                    const char *path, struct err *e);

/* Numbers of the fields of a spiece.model (sentencepiece_model.proto) that matter. */
enum { SPIECE_PIECES = 1, SPIECE_TRAINER = 2, SPIECE_NORMALIZER = 3 };
enum { SPIECE_TEXT = 1, SPIECE_SCORE = 2, SPIECE_TYPE = 3 };
enum { SPIECE_MODEL_TYPE = 3, SPIECE_SUFFIX = 24, SPIECE_BYTES = 35, SPIECE_EOS = 42 };
enum { SPIECE_MAP = 2, SPIECE_DUMMY = 3, SPIECE_EXTRA = 4, SPIECE_ESCAPE = 5 };
#define SPIECE_UNIGRAM 1

/* Best segmentation of one normalised word, appended to ids. */
struct ids {
    int32_t *id;
    int n, cap;
};
void ids_add(struct ids *l, int32_t id);
void tokenizer_segment(const struct tokenizer *t, const char *s, size_t n, struct ids *out);

#endif
