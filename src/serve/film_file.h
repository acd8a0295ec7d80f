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
/* Remove it if no job has it any more. NULL is no film. */
void film_file_drop(struct server *s, const char *name);
/* What is kept of a film that is not to be gone on with. */
void work_forget(struct server *s, int64_t id);
/* At the start: what is half done or unknown goes. */
void film_files_sweep(struct server *s);

#endif
