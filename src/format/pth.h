/* pth.h - the tensors of a file that torch.save wrote: a zip archive with a pickle that names them.
 *
 * Nothing in it is ever run (pickle.h), and what reads the pickle is a child that can do nothing
 * else (sandbox.h). What the child says is checked again: every tensor lies inside its entry of the
 * archive. Entries must be stored, not packed, as torch.save writes them. */
#ifndef FORMAT_PTH_H
#define FORMAT_PTH_H

#include "base/err.h"

/* 1: the file begins as a zip archive. */
int pth_is(const char *path);
/* Write the tensors of `from` to `to` as safetensors: names as in the dict, types and numbers as
 * they are, rows one behind the other. ERR_IO, ERR_FORMAT; ERR_DEVICE without seccomp. */
NODISCARD int pth_convert(const char *from, const char *to, struct err *e);

/* The part that reads the archive and its pickle, for a test of it. */
struct buf;
NODISCARD int pth_list(int fd, const char *path, struct buf *out, struct err *e);

#endif
