/* safetensors.h - read-only view of the weights of one network, and writing of one file.
 * Source: the format description of huggingface/safetensors, with all its checks and a few more.
 * A GGUF file is opened by the same functions; what else it says is in gguf.h.
 *
 * Only the headers are in memory. Data is read into memory of the caller with pread, so that a file
 * which is cut or overwritten meanwhile is an error and never a signal; or it is mapped on request.
 * Thread-safety: after st_open returns, any number of threads may read; st_data is for one. */
#ifndef FORMAT_SAFETENSORS_H
#define FORMAT_SAFETENSORS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/dtype.h"
#include "base/err.h"

enum {
    ST_MAX_RANK = 8,
    ST_MAX_NAME = 1000,        /* bytes of a tensor name */
    ST_MAX_HEADER = 100000000, /* bytes, as the reference */
    ST_MAX_TENSORS = 400000,   /* of one file */
    ST_MAX_SHARDS = 512
};

struct st_file;

struct st_tensor {         /* all borrowed: valid until st_close */
    const char *name;      /* UTF-8 without NUL */
    enum dtype type;       /* DT_OTHER: no numbers of ours; type_name says how they are packed */
    const char *type_name; /* as the file writes it; static */
    int rank;
    int64_t dim[ST_MAX_RANK]; /* in elements, outermost first */
    int64_t n;                /* product of dim; 1 for rank 0, 0 for an empty tensor */
    size_t bytes;             /* exactly n elements */
    int shard;                /* which file; st_path names it */
    uint64_t offset;          /* in that file, from its first byte */
};

/* `path` is a .safetensors or GGUF file, an index (.json) of sharded files, or a folder that holds
 * one of them. All headers are checked: each tensor lies inside its file, none overlap, no holes,
 * sizes match types and shapes, no name twice; shards are plain files of the folder (or links into
 * the blobs of a hub cache), and hold exactly the tensors that the index says. An index that is a
 * link to an absolute path is the index there. 0: *out is the caller's, to be given to st_close.
 * Negative ERR_IO or ERR_FORMAT: *out is NULL and e->msg names the file and the first bad tensor.
 * Never aborts on file contents. */
NODISCARD int st_open(struct st_file **out, const char *path, struct err *e);
void st_close(struct st_file **f);

int st_count(const struct st_file *f);
const struct st_tensor *st_at(const struct st_file *f, int i);              /* sorted by name */
const struct st_tensor *st_find(const struct st_file *f, const char *name); /* NULL without it */
const char *st_path(const struct st_file *f, int shard);
const char *st_index(const struct st_file *f); /* of shards; NULL: it is one file */
/* Value of a metadata key (of the first shard that has it), NULL without it. */
const char *st_meta(const struct st_file *f, const char *key);
int st_n_meta(const struct st_file *f);
void st_meta_at(const struct st_file *f, int i, const char **key, const char **value);

/* Elements first..first+n-1 of t (row-major) into dst as `type`; integers convert by value.
 * ERR_IO: reading failed or the file changed while loading; dst then holds anything. ERR_FORMAT: t
 * is DT_OTHER. */
NODISCARD int st_read(const struct st_file *f, const struct st_tensor *t, int64_t first, int64_t n,
                      void *dst, enum dtype type, struct err *e);
/* The whole tensor. */
NODISCARD int st_read_all(const struct st_file *f, const struct st_tensor *t, void *dst,
                          enum dtype type, struct err *e);
/* Bytes at..at+bytes-1 of t as they lie in the file. ERR_IO as st_read. */
NODISCARD int st_read_bytes(const struct st_file *f, const struct st_tensor *t, size_t at,
                            size_t bytes, void *dst, struct err *e);
/* The data of t where the file is mapped: read only, valid until st_close, aligned as it lies in
 * the file. Whoever cuts the file before that kills who reads (SIGBUS). NULL: it cannot be mapped.
 */
const void *st_data(struct st_file *f, const struct st_tensor *t, struct err *e);
/* ERR_IO: a file is not what it was at st_open. */
NODISCARD int st_same(const struct st_file *f, struct err *e);
/* SHA-256 over names, types, shapes and data in order of name: the same weights in other shards, or
 * with other metadata, have the same hash. */
/* ERR_CANCEL once *stop is set (NULL: never). */
NODISCARD int st_hash(const struct st_file *f, const atomic_int *stop, char hex[65], struct err *e);
/* One line for each file that tells it from all others, and from itself when it is written to
 * again; appended to out. 0: the last change is too young to be told from the next one. */
int st_identity(const struct st_file *f, struct buf *out);

/* Writing: data is taken by pointer and never copied; a name twice or a bad shape is a BUG. The
 * bytes depend on the arguments alone, not on their order. Written beside PATH and renamed. */
struct st_out {
    const char *name;
    enum dtype type;
    int rank;
    int64_t dim[ST_MAX_RANK];
    const void *data;
};
struct st_pair {
    const char *key, *value;
};
NODISCARD int st_write(const char *path, const struct st_out *tensor, int n,
                       const struct st_pair *meta, int n_meta, struct err *e);

#endif
