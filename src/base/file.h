/* file.h - whole files, paths, and writing so that nothing half-written is ever seen. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Append the file to out; more than max_bytes is ERR_FORMAT, anything else ERR_IO. "-" is stdin. */
NODISCARD int file_read(struct buf *out, const char *path, size_t max_bytes, struct err *e);
/* For files of a model, which may come from anywhere: a pipe or a device among them, which would
 * wait or never end, is ERR_FORMAT. */
NODISCARD int file_read_regular(struct buf *out, const char *path, size_t max_bytes, struct err *e);
enum { FILE_TMP_BYTES = 12 }; /* that a name with .tmp.PID has more */
/* Write PATH.tmp.PID, fsync, rename. On failure the old file is untouched. */
NODISCARD int file_write(const char *path, const void *data, size_t bytes, struct err *e);
/* The same without fsync, for what is soon written over: readers find it whole, a power cut may
 * leave nothing of it. */
NODISCARD int file_write_passing(const char *path, const void *data, size_t bytes, struct err *e);

/* The same in pieces, for files too large to build in memory. After a successful begin, end must be
 * called: ok != 0 puts the file in place, ok == 0 removes what was written. */
struct file_replace {
    char *path, *tmp;
    int fd; /* of the temporary file, to be written in order */
};
NODISCARD int file_replace_begin(struct file_replace *r, const char *path, struct err *e);
NODISCARD int file_replace_add(struct file_replace *r, const void *data, size_t bytes,
                               struct err *e);
int file_replace_end(struct file_replace *r, int ok, struct err *e);

NODISCARD int dir_make(const char *path, struct err *e); /* with parents; existing is fine */
int file_exists(const char *path);
int dir_exists(const char *path);
int64_t file_size(const char *path);                /* -1 when there is none */
char *path_join(const char *dir, const char *name); /* the caller frees */
const char *path_base(const char *path);            /* part after the last slash */
const char *path_ext(const char *path);             /* "mp4" of a/b.mp4, "" without one */
char *path_dir(const char *path);                   /* the caller frees */

#endif
