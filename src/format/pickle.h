/* pickle.h - the tensors that a pickle of PyTorch names, without running it.
 *
 * Only the opcodes that name tensors are known, and of what they may call only the functions that
 * rebuild tensors and ordered dicts, which are not called but written down. Everything else is
 * refused by its name. Hostile input expected. Reference: Python's pickletools,
 * torch/serialization.py, torch/_utils.py. Private to this folder. */
#ifndef FORMAT_PICKLE_H
#define FORMAT_PICKLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { PICKLE_RANK = 8 };

struct pickle_tensor {
    const char *name; /* UTF-8; as all texts of the arena */
    const char *type; /* as safetensors names it; static */
    int bits;
    const char *key; /* of its storage */
    int64_t storage; /* numbers in it; bytes when untyped */
    int untyped;
    int64_t first; /* in numbers */
    int rank;
    int64_t dim[PICKLE_RANK], stride[PICKLE_RANK]; /* in numbers */
};
struct pickle_list {
    struct pickle_tensor *tensor; /* owned */
    int n;
};

/* The tensors of the dict that the pickle is; of nested dicts the only one with tensors
 * ("state_dict", "model"), names joined by points below it. ERR_FORMAT; path names the file. */
NODISCARD int pickle_read(struct pickle_list *out, struct arena *arena, const unsigned char *p,
                          size_t n, const char *path, struct err *e);

#endif
