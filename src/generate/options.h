/* options.h - THE option table of a film: command line, config file, recipe in the film, library.
 *
 * One row says all about an option: name, kind, range, what it is when unsaid, help. Values come as
 * strings or as JSON {"zoetrope": 1, "prompt": ..., ...}; both ways make the same checks.
 * Threads: a struct request belongs to one thread; the table is constant. */
#ifndef GENERATE_OPTIONS_H
#define GENERATE_OPTIONS_H

#include <stdint.h>

#include "base/err.h"

#define RECIPE_VERSION 1 /* of the JSON form; newer ones are refused */

enum option_kind {
    OPTION_TEXT,
    OPTION_INT,
    OPTION_BYTES,
    OPTION_REAL,
    OPTION_FLAG,
    OPTION_PATH,
    OPTION_CHOICE
};

enum option_id {
    OPT_PROMPT,
    OPT_NEGATIVE,
    OPT_EXPAND,
    OPT_EXPAND_MODEL,
    OPT_SIZE,
    OPT_ASPECT,
    OPT_ENLARGE,
    OPT_SECONDS,
    OPT_FRAMES,
    OPT_FPS,
    OPT_INTERPOLATE,
    OPT_SHOTS,
    OPT_CAMERA,
    OPT_MOTION,
    OPT_BRUSH,
    OPT_STEPS,
    OPT_DRAFT,
    OPT_GUIDANCE,
    OPT_GUIDANCE_2,
    OPT_GUIDANCE_FROM,
    OPT_GUIDANCE_TO,
    OPT_GUIDANCE_GIVEN,
    OPT_SAMPLER,
    OPT_SHIFT,
    OPT_STAGGER,
    OPT_SHARPEN,
    OPT_FADE,
    OPT_CACHE,
    OPT_CACHE_CHECK,
    OPT_SEED,
    OPT_TYPE,
    OPT_DEVICE,
    OPT_VRAM,
    OPT_RAM,
    OPT_THREADS,
    OPT_MODEL,
    OPT_LORA,
    OPT_FIRST_FRAME,
    OPT_FORCE_PICTURE,
    OPT_PICTURE_DETAIL,
    OPT_LAST_FRAME,
    OPT_KEY_FRAME,
    OPT_LOOP,
    OPT_EXTEND,
    OPT_LEAD_TO,
    OPT_FROM,
    OPT_STRENGTH,
    OPT_OUTPAINT,
    OPT_REFERENCE,
    OPT_CONTROL,
    OPT_MASK,
    OPT_CONTROL_SCALE,
    OPT_OUTPUT,
    OPT_OVERWRITE,
    OPT_CRF,
    OPT_LOSSLESS,
    OPT_LABEL,
    OPT_AUDIO,
    OPT_NO_METADATA,
    OPT_JOB,
    N_OPTIONS
};

struct option {
    const char *name;
    char letter; /* of the command line; 0: none */
    enum option_kind kind;
    int recipe;                 /* 1: decides the film, so it is part of the recipe */
    double lo, hi;              /* of numbers */
    const char *const *choices; /* of choices, NULL-terminated; else NULL */
    const char *range, *fallback, *help;
    int file; /* 1: of the file alone, a plan stays what it is */
};
extern const struct option options[N_OPTIONS];

struct picture;
struct film;
/* What a recipe says since films are drawn in another way; one that does not say it is drawn as it
 * was. */
enum request_older {
    OLDER_HEIGHT,  /* a model has no height of its own */
    OLDER_PICTURE, /* a given picture does not lie in the middle of what such a model draws */
    OLDER_FILM,    /* nor does a film that is changed */
    OLDER_MASKS,   /* nor do masks, or a film that is widened */
    OLDER_CAMERA,  /* words of a camera are as far as in all that is drawn, not in what is seen */
    OLDER_PAST,    /* a window sees a quarter of the one before, not a fifth */
    OLDER_BORDER,  /* beside a film that is widened all of a place is drawn from nothing */
    N_OLDER
};
extern const char *const request_older_key[N_OLDER];

/* What was asked for. A value that was not set is that of the row's fallback, or is settled by the
 * plan. */
#define REQUEST_SEEN "picture_words" /* no option: looking again may see something else */
struct request {
    struct value {
        int set, from_recipe;
        char *text; /* as given; owned; NULL: not set */
        int64_t i;  /* of integers, flags, and the index of a choice */
        double r;   /* of reals and integers */
    } value[N_OPTIONS];
    /* From a recipe: what the film was made with. Empty when unknown. */
    char model_hash[65], model_release[32], latent_hash[65], first_frame_hash[65],
        last_frame_hash[65], control_hash[65], lora_hash[65], keys_hash[65], sound[8],
        picture_words[256];
    int looked;         /* 1: picture_words are those of a job that goes on */
    int older[N_OLDER]; /* 1: the film is drawn as it was before */
    /* In memory instead of files; borrowed, or NULL. */
    const struct picture *picture[3]; /* first, last, reference */
    const struct film *film[2];       /* control, mask */
    int64_t
        text_kept_from; /* weights of a text encoder whose answers are kept; 0: TEXT_KEPT_FROM */
    int stretch;        /* pictures of any shape are stretched to the film, as the reference does */
};

/* Row of the name, "-" and "_" being the same; NULL: there is none. */
const struct option *option_named(const char *name);

void request_init(struct request *r);
void request_release(struct request *r);
/* Into one that holds nothing. What is borrowed is borrowed by both. */
void request_copy(struct request *out, const struct request *r);
/* "-" and "_" in names are the same. ERR_USAGE names the option, the value and what is allowed. */
NODISCARD int request_set(struct request *r, const char *name, const char *value, struct err *e);
/* Set what the JSON text says; `source` stands for it in messages. ERR_FORMAT: no such JSON, a
 * newer version, an unknown field; ERR_USAGE: a value out of range. */
NODISCARD int request_set_json(struct request *r, const char *json, size_t len, const char *source,
                               struct err *e);
/* The same for a recipe out of a film, which anyone may have made: only what decides a film, and
 * the name of a model. Whatever is wrong with it is ERR_FORMAT. */
NODISCARD int request_set_recipe(struct request *r, const char *json, size_t len,
                                 const char *source, struct err *e);

/* What was seen in its pictures, when a job goes on. */
void request_set_seen(struct request *r, const char *words);
/* 1: key is one of request_older_key, and the film is drawn as it was before. */
int request_set_older(struct request *r, const char *key);
const char *request_text(const struct request *r, enum option_id id); /* never NULL */
int64_t request_int(const struct request *r, enum option_id id, int64_t unset);
double request_real(const struct request *r, enum option_id id, double unset);
int request_flag(const struct request *r, enum option_id id);

/* "448x256" -> w, h. 0, or -1. */
int parse_size(const char *s, int *w, int *h);
/* "720p", as people name sizes, or Kling's "std", "pro", "4k": px of the shorter side. 0, or -1. */
int parse_lines(const char *s, int *lines);

#endif
