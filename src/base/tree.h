/* tree.h - folders with all that is in them. */
#ifndef BASE_TREE_H
#define BASE_TREE_H

#include "base/err.h"

enum { TREE_DEPTH = 16 };

/* Copy the files and folders in `from` into the folder `to` (made when missing), except names that
 * begin with a dot and those that skip (may be NULL) returns nonzero for; path is relative to
 * `from`. Links are followed and become what they lead to. ERR_IO; ERR_FORMAT for what is neither
 * file nor folder, and for folders nested beyond TREE_DEPTH. */
NODISCARD int tree_copy(const char *from, const char *to, int (*skip)(const char *path),
                        struct err *e);
/* Remove the folder and all in it; links are removed, not followed. */
NODISCARD int tree_remove(const char *path, struct err *e);
/* 1: a folder without any name in it. */
int dir_is_empty(const char *path);
/* 1: inner is outer or lies in it, links resolved; inner need not be there yet. */
int path_is_within(const char *inner, const char *outer);

#endif
