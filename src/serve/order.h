/* order.h - what a client wants, whatever the API, and how it becomes a job of the store. */
#ifndef SERVE_ORDER_H
#define SERVE_ORDER_H

#include "serve/call.h"

enum { PROMPT_CHARACTERS = 2500, SEED_MOST_BITS = 53 };

/* A picture in the folder of pictures; name "": none. */
struct order_picture {
    char name[80];
    int w, h; /* pixels, where it has just come; else 0 */
};

/* Unset: NULL, 0, or negative where it says so. Strings are borrowed. */
struct order {
    const char *api;   /* "openai", "kling1/text2video", ... */
    const char *model; /* as the client called it; never NULL */
    const char *prompt, *negative, *size, *aspect;
    char size_text[32];
    const char *brush;  /* a file, or JSON itself */
    const char *camera; /* words for the library */
    const char *shots;  /* JSON for the library; the prompt may be missing then */
    double seconds, fps;
    double guidance, motion; /* negative: unset */
    double strength;         /* of pictures that are drawn anew from `first`; negative: unset */
    int steps, frames, draft;
    int pictures; /* so many instead of a film; 0: a film */
    int64_t seed; /* negative: unset */
    struct order_picture first, last;
    const char *idem_key, *external_id, *callback;
    int64_t parent;
};
void order_init(struct order *o, const char *api);

/* What the fields of a body in OpenAI's form say, over what o has already; pictures are read by
 * others. What is wrong is kept by the body's document. */
void order_read(struct jval body, struct order *o);
/* Integers and reals of a body, that may come as decimal text. def: where there is none. */
int64_t order_int(struct jval body, const char *key, int64_t lo, int64_t hi, int64_t def);
double order_real(struct jval body, const char *key, double lo, double hi, double def);

/* Keep a picture that a client gave as what a file holds. -1: the call has failed. field: for the
 * message. */
NODISCARD int order_picture(struct call *c, const char *field, const struct buf *file,
                            struct order_picture *to);
/* The same of text: base64, a data: address, or an address of another machine. */
NODISCARD int order_picture_text(struct call *c, const char *field, const char *text,
                                 struct order_picture *to);
/* order_masks.c: static_mask and dynamic_masks, the motion brush: what they are; whether there is
 * any; and all of it, for the first picture of o, which has come in the field `image`. o borrows
 * file. -1: the call has failed. */
NODISCARD int order_check_masks(struct call *c, struct jval body);
int order_has_masks(const struct call *c, struct jval body);
#define ORDER_MASK_FILES "static_mask", "dynamic_masks[][mask]" /* of a form */
void order_no_masks(struct jval body); /* where no picture is read: kept by the document as wrong */
NODISCARD int order_read_masks(struct call *c, struct jval body, const char *image, struct order *o,
                               struct buf *file);
/* The end of a film that is done, as the first frame of o: it goes on from there. */
NODISCARD int order_goes_on(struct call *c, const struct job *parent, struct order *o);
/* At most so many characters, no control characters, not white space alone. -1: the call has
 * failed, naming the place. */
NODISCARD int order_check_text(struct call *c, const char *field, const char *text, int most);
/* Check it, settle what it leaves open and read its prompt, without weights: its JSON for the
 * library, and what the plan settled. -1: the call has failed. */
NODISCARD int order_plan(struct call *c, struct order *o, struct buf *params, struct buf *facts);
/* May this tenant have one more? -1: the call has failed. */
NODISCARD int order_check_room(struct call *c);
/* Check, plan, store, and wake the worker. 0: *out, to be released; -1: the call has failed. */
NODISCARD int order_place(struct call *c, struct order *o, struct job *out);
/* The same for a job that waits: its parameters become those of o. */
NODISCARD int order_change(struct call *c, int64_t id, struct order *o);
/* What the first picture is to the library: the frame that a film begins with, or what pictures are
 * drawn anew from. */
const char *order_first_option(int pictures);
/* Cancel a job that waits or runs. 0: *out is how it is now; -1: the call has failed. */
NODISCARD int order_cancel(struct call *c, int64_t id, struct job *out);
/* Places of the queue are others now: who watches is told of all that wait. */
void order_queue_changed(struct server *s);
/* What the job was ordered with, its strings in doc. */
void order_of_job(const struct job *j, struct jdoc *params, struct order *o);

/* Is it a name of a model here? Fails the call where it is none. */
NODISCARD int order_model(struct call *c, const char *name);

#endif
