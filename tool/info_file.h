/* info_file.h - what a file of weights holds. */
#ifndef TOOL_INFO_FILE_H
#define TOOL_INFO_FILE_H

#include "base/err.h"

/* 1: path is a weight file by its first bytes, or an index of shards by its name. */
int is_weight_file(const char *path);
/* Print it, as text or as one JSON object. ERR_IO, ERR_FORMAT. */
NODISCARD int show_weight_file(const char *path, int json, struct err *e);

#endif
