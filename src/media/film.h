/* film.h - films written frame by frame, and read back as RGB.
 *
 * Written kinds, told by the name: NAME.mp4 (H.264, needs FFmpeg's libraries), NAME.y4m and "-"
 * (y4m on stdout), NAME.webm (VP9, needs FFmpeg with libvpx), NAME.gif, a folder of PNG pictures
 * (NAME/ or a folder that exists; needs FFmpeg), and of one frame NAME.png, .jpg, .webp or .ppm.
 * mp4, webm and y4m are 4:2:0, BT.709, limited range. The same frames and settings give the same
 * bytes. A webm or gif has the recipe that was known with its first frame.
 *
 * An mp4 grows as NAME.part.mp4, in fragments, so that it plays at any moment, also after a crash;
 * film_finish moves its packets into NAME with the index in front. Names are never left half
 * written: until film_finish returns 0 an older NAME is untouched. The recipe stands in the comment
 * tag of an mp4; it lies beside a NAME.y4m as NAME.y4m.json, and in a folder as recipe.json.
 *
 * A sound track that is given is copied into mp4 and WebM where they hold such sound, else encoded
 * as AAC or Opus; it ends with the film, or before it. The part file of an mp4 has none yet.
 *
 * Two writers of one NAME at the same time would mix their films: the later one is refused.
 *
 * Thread-safety: one thread at a time per writer; different writers are independent. */
#ifndef MEDIA_FILM_H
#define MEDIA_FILM_H

#include <stdint.h>

#include "base/err.h"

enum { FILM_MAX_SIDE = 8192, FILM_MAX_COMMENT_BYTES = 1 << 20 };

struct film_options {
    int w, h;             /* pixels, 2..FILM_MAX_SIDE; even for mp4 */
    int fps_num, fps_den; /* frames per second as a ratio, both >= 1 */
    int crf;              /* 0..51, 18 looks lossless; ignored by y4m and PNG */
    int lossless;         /* mp4: RGB pixels survive exactly (H.264 High 4:4:4, few players) */
    int n_frames;         /* that will come; 0: not known yet */
    int apart;            /* mp4 and webm are encoded on a thread of their own, to the same bytes */
    int overwrite;        /* an existing file is ERR_IO without it */
    int own_part;         /* what stands under the name of its part is of this film too */
    const char *comment;  /* the recipe; NULL: none */
    const char *audio;    /* a file whose sound goes beside the pictures; NULL: none */
};

/* 24 -> 24/1, 29.97 -> 30000/1001, else thousandths. fps in 1..240. */
void film_fps_ratio(double fps, int *num, int *den);
/* "24", "29.97" or "30000/1001" -> the rate that a film of it has, to the last bit. 0, or -1: no
 * rate of 1..240, or a fraction that is none of film_fps_ratio's. */
NODISCARD int film_fps_parse(const char *text, double *fps);
/* The ending of films that this build can write best: "mp4", or "y4m" without FFmpeg. */
const char *film_default_ending(void);
/* Does this name want a film of one frame, a picture? */
int film_is_picture(const char *path);
/* For programs, not for libraries: no messages of FFmpeg's own on stderr, in the whole process. */
void film_quiet(void);

/* What film_open would refuse, found before any work is done and without touching a file: name,
 * options, a film that exists, a folder that is missing or read-only, a name too long for the names
 * that lie beside it meanwhile, a build without FFmpeg. */
NODISCARD int film_check(const char *path, const struct film_options *o, struct err *e);

/* Most bytes that writing n frames to path takes while it is open, pictures of the caller not
 * counted; the first call may touch the libraries, whose code and tables count too. 0 for a name
 * that film_check refuses. Any thread. */
uint64_t film_memory(const char *path, const struct film_options *o, int64_t n);

struct film_writer;
/* 0: *out is the caller's, to be given to film_finish or film_abort. ERR_USAGE: an option or the
 * name's ending; ERR_IO: the folder is missing, the file exists, or FFmpeg is not in this build. */
NODISCARD int film_open(struct film_writer **out, const char *path, const struct film_options *o,
                        struct err *e);
/* rgb [h][w][3], tightly packed; borrowed for the call. After an error only film_abort is left. */
NODISCARD int film_write(struct film_writer *f, const uint8_t *rgb, struct err *e);
/* Another comment instead of that of the options: what is known only when all frames are there. A
 * part file has it when it comes before the first frame. */
NODISCARD int film_comment(struct film_writer *f, const char *comment, struct err *e);
/* Writes what is buffered and gives the film its name. Frees *f and nulls it, in any case. */
NODISCARD int film_finish(struct film_writer **f, struct err *e);
/* Stops early. What was written stays where it is: NAME.part.mp4, NAME.part.y4m, the folder;
 * without a frame nothing stays. */
void film_abort(struct film_writer **f);
/* Takes away what is left under the name of a part of this film, unless somebody writes it. */
void film_drop_part(const char *path);

struct film;
/* What a reader may cost. Zero fields mean the default. */
struct film_caps {
    int max_frames;    /* the first so many frames; default 100,000 */
    int64_t max_bytes; /* of RGB; default 4 GiB. More is ERR_FORMAT */
    /* Not NULL: each frame [h][w][3] is lent to it, in order, and none is kept: long films are read
     * in the memory of one frame, which is all that counts. */
    void (*take)(void *user, const uint8_t *rgb);
    void *user;
};

struct film {
    int w, h, n;          /* pixels, frames */
    int fps_num, fps_den; /* 0/1 when the file does not say */
    uint8_t *rgb;         /* [n][h][w][3], owned; NULL after film_probe, and where `take` had all */
    char *comment;        /* owned; NULL when there is none */
};

/* Reads mp4 (and what else FFmpeg's demuxers know as a film), y4m, PNG folders, single pictures.
 * ERR_IO: cannot be read, or not in this build. ERR_FORMAT: broken or beyond the caps. A film that
 * ends in the middle of a frame gives the frames before it. */
NODISCARD int film_read(struct film *f, const char *path, const struct film_caps *caps,
                        struct err *e);
/* Size, rate, number of frames and comment only. */
NODISCARD int film_probe(struct film *f, const char *path, struct err *e);
void film_release(struct film *f);

#endif
