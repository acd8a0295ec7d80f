/* loose_inner.h - what the files of loose.h share. */
#ifndef MODEL_LOOSE_INNER_H
#define MODEL_LOOSE_INNER_H

#include "model/loose.h"
#include "model/recognise.h"

struct found {
    char *path; /* owned */
    struct recognised is;
};
struct found_list {
    struct found *all;
    int n;
    struct err kin; /* of the first model made of Wan that is not read, what is said of it */
};

/* The networks among the files of a tree, in a fixed order; to be released, after an error too.
 * ERR_FORMAT: too many files. */
NODISCARD int found_in(struct found_list *found, const char *tree, struct err *e);
void found_release(struct found_list *found);
/* The file with this name in the tree, NULL without one; the caller frees. */
char *found_named(const char *tree, const char *name);
/* A file of PyTorch in the tree, which is not read; the caller frees. */
char *found_pickle(const char *tree);
/* By its name or that of its folder: 1 of the high noise levels, -1 of the low ones, 0 neither. */
int found_noise(const char *path);

#endif
