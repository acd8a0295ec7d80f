/* pickle_inner.h - the values of pickle.c, and who names them. Private to this folder. */
#ifndef FORMAT_PICKLE_INNER_H
#define FORMAT_PICKLE_INNER_H

#include "format/pickle.h"

enum {
    MOST_LOOKS = 1 << 26,
    MOST_VALUES = 1 << 22,
    MOST_DEPTH = 8,
    MOST_TEXT = 4096,
    MOST_TENSORS = 400000
};

enum kind { NOTHING, FLAG, NUMBER, REAL, TEXT, NAME, LIST, DICT, STORAGE, TENSOR, MARK };

struct named; /* pickle.c */
struct value {
    enum kind kind;
    int64_t number;            /* FLAG, NUMBER; of STORAGE its length */
    const char *text;          /* TEXT; of STORAGE its key */
    const struct named *named; /* NAME, and the type of STORAGE */
    int *item, n, cap;         /* LIST (tuples too); DICT: keys and values in turn */
    struct pickle_tensor *tensor;
};

struct machine {
    const unsigned char *p;
    size_t n, i;
    struct arena *arena;
    struct value *value;
    int n_values, cap_values;
    int *stack, n_stack, cap_stack;
    int *memo;
    int cap_memo;
    int looks; /* at values of dicts, which may hold each other many times */
    const char *path;
    struct err *e;
};

int pickle_damaged(struct machine *m, const char *what);
/* The tensors of the dict at the top of the stack, appended to out. */
NODISCARD int pickle_names(struct machine *m, struct pickle_list *out);

#endif
