/* film_kind.h - inside media: one struct per kind of file, and what FFmpeg's side
 * offers. ff_none.c answers for all ff_ functions in a build without FFmpeg. */
#ifndef MEDIA_FILM_KIND_H
#define MEDIA_FILM_KIND_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/file.h"
#include "media/film.h"
#include "media/picture.h"

struct film_kind {
    /* Each returns 0 or sets e. begin stores its state in *state; finish and abort free it. */
    int (*begin)(void **state, const char *path, const struct film_options *o, struct err *e);
    int (*write)(void *state, const uint8_t *rgb, struct err *e);
    int (*comment)(void *state, const char *comment, struct err *e);
    int (*finish)(void *state, struct err *e);
    void (*abort)(void *state);
    uint64_t (*room)(const struct film_options *o, int64_t n); /* film_memory */
};

extern const struct film_kind film_kind_y4m, film_kind_png, film_kind_mp4, film_kind_webm,
    film_kind_gif, film_kind_picture;

int y4m_read(struct film *f, const char *path, const struct film_caps *caps, struct err *e);
/* ERR_IO when a film in this folder would replace or remove a file, unless it may. */
int png_dir_check(const char *path, int overwrite, struct err *e);
int png_dir_read(struct film *f, const char *path, const struct film_caps *caps, struct err *e);

/* The label {"Label": ...} that a comment (a recipe) holds, the caller's; NULL: none. */
char *label_of_comment(const char *comment);
/* The PNG, JPEG or WebP in `file`, of picture p, with this label inside; others stay as they are.
 */
void picture_label(struct buf *file, const struct picture *p, const char *label);

/* caps->max_frames 0 here: header only. Caps are filled in by film.c. */
int ff_film_read(struct film *f, const char *path, const struct film_caps *caps, struct err *e);
int ff_picture_decode(struct picture *p, const char *name, const void *data, size_t bytes,
                      struct err *e);
/* ending: png, jpg, jpeg or webp. *data is the caller's to free. */
int ff_picture_encode(const struct picture *p, const char *ending, int quick, void **data,
                      size_t *bytes, struct err *e);
/* Is there a track for films of this ending in the file? */
int ff_audio_check(const char *path, const char *ending, struct err *e);
int ff_present(void);

/* Resident bytes that `use` leaves behind when it runs for the first time: code and tables of
 * libraries. */
uint64_t film_code_bytes(void (*use)(void));

/* NAME.part.EXT for NAME.EXT. The caller frees. */
char *film_part_name(const char *path);
/* Hold the part file for this writer alone, made when it is not there; the lock goes with the
 * number that is returned, also when the process dies. ERR_IO: somebody else is writing it. */
int film_hold_part(const char *part, struct err *e);
/* The bytes of `from` reach the disk before it has the name `to`. */
NODISCARD int film_place(const char *from, const char *to, struct err *e);
/* The recipe in the file `path`, the caller's; NULL when there is none. */
char *film_read_recipe(const char *path);
/* Room for one more frame in f->rgb (grows by doubling), at *rgb. ERR_FORMAT beyond the caps,
 * ERR_FIT without memory. */
NODISCARD int film_next_frame(struct film *f, const struct film_caps *caps, const char *path,
                              uint8_t **rgb, struct err *e);

#endif
