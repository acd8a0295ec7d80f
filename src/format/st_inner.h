/* st_inner.h - what the parts of the safetensors reader share. Private to this folder. */
#ifndef FORMAT_ST_INNER_H
#define FORMAT_ST_INNER_H

#include <stdint.h>
#include <time.h>

#include "format/gguf.h"

struct st_shard {
    char *path;
    int fd;
    uint64_t bytes;           /* of the file when it was opened */
    struct timespec modified; /* then */
    char *header;             /* owns all names and metadata */
    void *map;                /* all of it, once st_data was asked; NULL before */
};

struct st_file {
    char *index; /* path, NULL without one */
    struct st_shard *shard;
    int n_shards;
    struct st_tensor *tensor; /* of all shards; never NULL */
    int n, cap;
    struct st_pair *meta; /* never NULL */
    int n_meta, cap_meta;
    struct gguf_value *value; /* of a GGUF file */
    int n_values;
};

/* Parse text[0..n) (text[n] is writable), the header of shard number `shard` whose data begins at
 * byte 8 + n of `file_bytes`. Unescapes in place; adds tensors and metadata that point into text.
 */
NODISCARD int st_parse_header(struct st_file *f, char *text, size_t n, uint64_t file_bytes,
                              int shard, const char *path, struct err *e);
/* The same for the head of a GGUF file, text[0..n) being its beginning, which is changed. 0: *more,
 * and nothing is added: the head goes on behind n. */
NODISCARD int gguf_parse_header(struct st_file *f, unsigned char *text, size_t n,
                                uint64_t file_bytes, int shard, int *more, const char *path,
                                struct err *e);
/* Room for one more tensor. */
struct st_tensor *st_add_tensor(struct st_file *f);
void st_add_meta(struct st_file *f, const char *key, const char *value);
/* Bytes at..at+bytes-1 of a tensor. */
NODISCARD int st_pread(const struct st_file *f, const struct st_tensor *t, size_t at, size_t bytes,
                       void *dst, struct err *e);
/* ERR_IO when size or time of the shard are not those of st_open any more. */
NODISCARD int st_unchanged(const struct st_file *f, int shard, struct err *e);
/* What a file of another kind is, by its first bytes; NULL when they say nothing. */
const char *st_sniff(const unsigned char *head, size_t n);
/* A name from a file, fit for a message: cut to 80 bytes, no control characters. */
const char *st_show(const char *name, char out[96]);

/* The file to open in a folder, the caller's. NULL with e set when there is none or no way to
 * choose. */
char *st_find_in_dir(const char *dir, struct err *e);

#endif
