/* reader.h - pictures of strangers, decoded where nothing can be lost.
 *
 * A process with one thread is begun before the server has any. It begins the one that reads, now
 * and whenever that has gone: which starts a child for each picture (sandbox.h), that may read,
 * take memory up to a limit, and answer. Threads: any; they take turns. */
#ifndef SERVE_READER_H
#define SERVE_READER_H

#include "base/buf.h"
#include "base/err.h"
#include "media/picture.h"

struct reader;
/* From a process of one thread. ERR_IO. */
NODISCARD int reader_new(struct reader **out, struct err *e);
void reader_free(struct reader **r); /* and the process ends */
/* ERR_FORMAT: it is no picture, or its reader was ended. ERR_DEVICE: the process that reads has
 * gone twice over this picture or cannot be begun, or this system has no seccomp. */
NODISCARD int reader_decode(struct reader *r, const struct buf *file, struct picture *out,
                            struct err *e);

#endif
