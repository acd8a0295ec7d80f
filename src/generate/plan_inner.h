/* plan_inner.h - what the files that make a plan (plan.h) tell each other. */
#ifndef GENERATE_PLAN_INNER_H
#define GENERATE_PLAN_INNER_H

#include "generate/plan.h"

/* plan_picture.c: the pictures of a request, and what a plan keeps of them. ERR_USAGE also for
 * pictures that the model takes none of, or wants. */
struct pictures {
    struct picture first, last, reference; /* owned; empty where none is given */
};
NODISCARD int plan_pictures_load(struct pictures *x, const struct plan *p, const struct request *r,
                                 struct err *e);
void plan_pictures_release(struct pictures *x);
/* A picture of pw x ph, so that it covers what the film shows of to [p->h][p->w][3]; `whole`: it
 * is stretched to that, and none of it is cut off. */
void plan_cover(const struct plan *p, uint8_t *to, const uint8_t *rgb, int pw, int ph, int whole);
/* A picture as [h][w][3], the caller's. */
uint8_t *plan_fit_picture(const struct plan *p, const struct picture *x, int stretch);
/* The film begins with that picture [h][w][3], or goes on from it, and its details are carried. */
NODISCARD int plan_begin_with(struct plan *p, const uint8_t *rgb, int w, int h, struct err *e);
NODISCARD int plan_pictures_settle(struct plan *p, const struct pictures *x,
                                   const struct request *r, struct err *e);
/* plan_size.c: the size that is drawn, the part of it that is seen, the size of the film, when
 * films and pictures are there; then by which networks it is enlarged. ERR_FORMAT: the model's own
 * size. */
NODISCARD int plan_size_settle(struct plan *p, const struct request *r, const struct pictures *x,
                               struct err *e);
void plan_size_enlarge(struct plan *p, const struct request *r);
/* plan_control.c: what steers a model that reads a control video; after the pictures. ERR_USAGE
 * also for a model that reads none. */
NODISCARD int plan_control_settle(struct plan *p, const struct pictures *x, const struct request *r,
                                  struct err *e);
/* plan_words.c: 1: something is said; what is read of it, when seed and windows are settled; what
 * the text encoders read of that. */
int plan_words_any(const struct plan *p, const struct request *r);
void plan_words_settle(struct plan *p, const struct request *r);
NODISCARD int plan_words_tokens(struct plan *p, struct err *e);
/* plan_look.c: what was seen in the pictures of a film that this one repeats or goes on from. */
void plan_look_known(struct plan *p, const struct request *r);
/* 1: a picture or a film that is given says what is seen; also before it is loaded. */
int plan_is_shown(const struct plan *p, const struct request *r);
int plan_may_look(const struct plan *p); /* 1: unless all is said */
/* How many texts a look tries, about; 0: nobody looks. */
int plan_look_texts(const struct plan *p, const struct request *r);
/* plan_shots.c: the list of shots: what it says; where they lie, when the rate is known; what they
 * show, when the seed is; tokens of text encoder k, and which shot has most. */
NODISCARD int plan_shots_settle(struct plan *p, const struct request *r, struct err *e);
void plan_shots_lay(struct plan *p);
void plan_shots_read(struct plan *p, struct buf *all, struct buf *unknown);
int plan_shots_tokens(struct plan *p, const struct tokenizer *t, int k);
void plan_shots_release(struct plan *p);
/* plan_camera.c: a camera in the words of the model, in the text that was read of a prompt, and
 * what is to be blended into its tokens; a note where no words say it. */
struct camera_words plan_camera_say(struct plan *p, const struct camera *asked, const char *typed,
                                    struct buf *text);
void plan_camera_tokens(struct words *w, const struct tokenizer *t,
                        const struct camera_words *blend, const char *text);
/* plan_keys.c: films before and behind, at once; keys, when the film is laid. ERR_USAGE also for
 * what the model was not made for. */
NODISCARD int plan_films_load(struct plan *p, const struct request *r, struct err *e);
/* Of a film that is gone on from, or led to, the frame next to what is drawn: [h][w][3] to rgb. */
void plan_next_frame(const struct plan *p, uint8_t *rgb);
/* plan_region.c: 1: a part of the film of --from is asked for. The region, when that film is there;
 * it is widened then. ERR_USAGE also for what does not go with it. The size of the film, when it is
 * settled, has to keep its shape. */
int plan_wants_region(const struct request *r);
NODISCARD int plan_region_settle(struct plan *p, const struct request *r, struct err *e);
NODISCARD int plan_region_check(const struct plan *p, struct err *e);
/* The rate of these films; 1: the film has their size. */
double plan_films_rate(const struct plan *p, double otherwise);
/* Frames at the rate of this film that show f, a film before or behind. */
int plan_given_frames(const struct plan *p, const struct film *f);
int plan_films_size(struct plan *p);
NODISCARD int plan_keys_settle(struct plan *p, const struct request *r, struct err *e);
void plan_keys_release(struct plan *p);
/* plan_draft.c: a draft is smaller, when the size is settled, and has fewer steps. */
void plan_draft_size(struct plan *p, const struct request *r);
void plan_draft_steps(struct plan *p);
void plan_note(struct plan *p, char *text); /* a warning more (NULL: none); takes it over */

/* forecast_speed.c: operations per second of a product like those of the transformer, on the
 * plan's device, at most a minute old. */
NODISCARD int plan_speed(const struct plan *p, double *speed, struct err *e);

#endif
