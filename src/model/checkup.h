/* checkup.h - what a folder, or a few files, hold of a model, and what is wrong with it.
 *
 * Read are names, sizes and heads of files; on request all bytes (their SHA-256 where the folder
 * itself knows it) or all values. Nothing here draws. What the folder may be: a model directory of
 * ours or of diffusers, loose files (loose.h), a model in the hub's cache. */
#ifndef MODEL_CHECKUP_H
#define MODEL_CHECKUP_H

#include <signal.h>
#include <stdint.h>

#include "model/bundle.h"

enum checkup_kind {
    CHECKUP_NOTHING,   /* no model is known by it */
    CHECKUP_OURS,      /* a model directory of ours */
    CHECKUP_DIFFUSERS, /* one of diffusers */
    CHECKUP_LOOSE,     /* loose files in a folder */
    CHECKUP_PARTS,     /* files that were named */
};

enum checked_state { CHECKED_UNUSED, CHECKED_USED, CHECKED_BAD };

struct checked_file {
    char *path;          /* below the folder, or as it was named; owned */
    char *full;          /* owned */
    const char *part;    /* "transformer", "text encoder", ...; "" when it is none. Static */
    const char *network; /* class of the network in it, "" without. Static */
    int64_t bytes;       /* -1: a link to nothing */
    enum checked_state state;
    int weights;     /* it holds tensors that are read */
    char *say;       /* what is wrong, or why it is not read; NULL: nothing. Owned */
    char sha256[65]; /* that it must have; "": nothing says it */
    int hashed;      /* it has been compared */
};

struct checkup {
    char *dir; /* that was looked into; "" for files. Owned */
    enum checkup_kind kind;
    struct checked_file *file; /* weights, configs, tokenizers, and what lies there for nothing */
    int n;
    int64_t unused_bytes;
    char **wrong; /* why no film can be drawn with it, a line each */
    int n_wrong;
    char *model;             /* the folder that the program opens; NULL: there is none. Owned */
    struct bundle_info info; /* of it */
};

/* path: n files, or one folder. What is wrong with a model stands in c. ERR_IO: there is no such
 * file or folder; ERR_FORMAT: more than MOST files. c is to be given to checkup_release in either
 * way. */
NODISCARD int checkup_look(struct checkup *c, const char *const *path, int n, struct err *e);
void checkup_release(struct checkup *c);

/* Called with bytes that were read, of all that will be. */
struct checkup_watch {
    void (*step)(void *user, int64_t done, int64_t total); /* may be NULL */
    void *user;
    const volatile sig_atomic_t *stop; /* may be NULL */
};
int64_t checkup_hash_bytes(const struct checkup *c); /* that checkup_hash will read */
/* Compare the files whose SHA-256 the folder knows: by the names of the hub's blobs, by what its
 * client left in .cache, by SHA256SUMS. ERR_CANCEL, ERR_IO. */
NODISCARD int checkup_hash(struct checkup *c, const struct checkup_watch *w, struct err *e);
/* Look at every value of the weights that the model reads: NaN and infinities. ERR_CANCEL, ERR_IO.
 */
NODISCARD int checkup_values(struct checkup *c, const struct checkup_watch *w, struct err *e);

#endif
