/* film_file.h - finished films, each under the SHA-256 of its bytes.
 *
 * A film is put down whole: its bytes reach the disk, then it gets its name, then the name reaches
 * the disk, then a row of the store says it. What no row says is removed when the server starts. */
#ifndef SERVE_FILM_FILE_H
#define SERVE_FILM_FILE_H

#include "serve/server.h"

struct film_file {
    char name[80], sha[65];
    int64_t bytes;
};
/* Move the finished file at path into the folder of films. ERR_IO, ERR_FIT: the disk is full. */
NODISCARD int film_file_keep(struct server *s, const char *path, struct film_file *out,
                             struct err *e);
/* The job's film is kept, given to the servers that share the store, and said. waits: until a
 * store that is away is back. 1: done, 0: the job is another's by now, or an error. */
int film_file_hand_in(struct server *s, const struct job *j, const char *path, int waits,
                      struct err *e);
/* A file that another server has made is fetched when it is not here. 0 also when nobody has it;
 * negative: the store does not say. waits: until a store that is away is back. */
int film_file_fetch(struct server *s, const char *dir, const char *name, int waits);
/* Copies of what no job names, some time after they came. */
void film_files_stale(struct server *s);
/* Remove it if no job has it any more. NULL is no film. */
void film_file_drop(struct server *s, const char *name);
/* What is kept of a film that is not to be gone on with. */
void work_forget(struct server *s, int64_t id);
/* At the start: what is half done or unknown goes. */
void film_files_sweep(struct server *s);

#endif
