/* prompt_inner.h - a prompt on its way from text to facts: words (prompt_words.c), the camera
 * (prompt_camera.c), what the rest means beside each other (prompt.c). */
#ifndef STORY_PROMPT_INNER_H
#define STORY_PROMPT_INNER_H

#include "world/prompt_inner.h"
#include "world/story/prompt.h"
#include "world/story/words.h"

/* Roles that words of physics, signs and unknown words have. */
enum {
    STORY_COLOR = STORY_ROLE_COUNT, /* value: the colour */
    STORY_NOT,
    STORY_AND,
    STORY_ARTICLE,
    STORY_HOLD, /* "static", "fixed": of the camera */
    STORY_COMMA,
    STORY_STOP,
    STORY_UNKNOWN
};

struct story_token {
    int role;
    const struct story_row *row; /* NULL: not of the thesaurus */
    int value;
    enum lang lang;
    int at, bytes; /* place in the text */
    int led;       /* English, begins with a preposition: no noun for the words before it */
    int dropped;   /* explained, or said not to be there: states nothing */
    int refused;   /* understood, but cannot be shown: named */
    int near;      /* a colour that is drawn as another, its value */
};

struct story_reading {
    int n;
    struct story_token t[READING_MAX_WORDS];
    int camera, either_side;
};

void story_prompt_words(const char *text, struct story_reading *r);
void story_prompt_camera(struct story_reading *r);

/* Role of token i; STORY_STOP outside the prompt. */
int story_role(const struct story_reading *r, int i);
/* Next token before (step -1) or after (+1) i that is no article and not skipped. */
int story_near(const struct story_reading *r, int i, int step);
int story_is_separator(int role);
/* The value that token i gives a slot: 0 none. */
int story_token_fact(const struct story_token *t, int slot);

#endif
