/* kling.h - the API of Kling, both generations: one table of jobs, two ways to write them.
 *
 * Names, types, ranges and codes are those of its public documentation (September 2026). Unknown
 * fields are ignored; what the models here cannot do is refused by name, code 1201, and products
 * that are not here at all with code 1203. Ours beside its fields: seed, steps, progress, eta,
 * queue_position, preview_url, and POST .../{id}/cancel. */
#ifndef SERVE_KLING_H
#define SERVE_KLING_H

#include "serve/order.h"

enum kling_form { KLING_1, KLING_2 };

/* What a request says apart from the order itself. Texts made here are owned. */
struct kling {
    struct order o;
    struct buf camera, brush, shots;
    const char *aspect, *mode; /* "16:9", "std" or "720p"; NULL: unset */
    double cfg;                /* 0..1, negative: unset */
    int seconds_sum;           /* of the shots */
};
void kling_init(struct kling *k, const char *api);
void kling_release(struct kling *k);

/* The shape of the film in pixels from aspect (or that of the first picture) and mode, and guidance
 * from cfg, whose 0.5 is what the model is made for. */
void kling_settle(struct call *c, struct kling *k);
/* multi_shot, shot_type, multi_prompt; camera_control. -1: the call has failed. */
NODISCARD int kling_read_shots(struct call *c, struct jval body, struct kling *k);
NODISCARD int kling_read_camera(struct call *c, struct jval body, struct kling *k);
/* One of the texts; -1 and the call has failed. def: where there is none. */
NODISCARD int kling_choice(struct call *c, struct jval body, const char *field,
                           const char *const *names, const char **out, const char *def);
/* duration: seconds as text or number. */
NODISCARD int kling_read_duration(struct call *c, struct jval body, struct kling *k);
/* callback_url, external_task_id: of the body, or of its options. */
NODISCARD int kling_read_options(struct call *c, struct jval options, struct kling *k);
/* Settle, place, answer as one of the two forms. */
void kling_place(struct call *c, struct kling *k, enum kling_form form);

/* {"code": 0, "message": "SUCCEED", "request_id": ..., "data": , to be ended by kling_end. */
void kling_begin(struct call *c, struct jsonw *w);
void kling_end(struct jsonw *w);
/* A job in data, or an element of it. key as of jsonw. */
void kling_task(struct jsonw *w, const char *key, struct server *s, const struct job *j,
                const char *base, enum kling_form form);
const char *kling_status(enum job_state s, enum kling_form form);
/* The job that the text names, by number or by external_task_id. 1, 0: there is none (the call has
 * not failed), or -1: it has. */
int kling_job(struct call *c, const char *text, struct job *j);

#endif
