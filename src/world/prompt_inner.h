/* prompt_inner.h - a prompt on its way from text to facts: words (prompt_words.c), what they mean
 * beside each other (prompt_context.c), surroundings (prompt_scenery.c), nouns with their
 * adjectives (prompt_nouns.c), verbs (prompt_verbs.c), then who does what (prompt.c). */
#ifndef WORLD_PROMPT_INNER_H
#define WORLD_PROMPT_INNER_H

#include "world/lexicon.h"
#include "world/prompt.h"

/* Each word has a character of its own, so there is room for the words of all that is looked at. */
enum { READING_MAX_WORDS = PROMPT_READ_MAX, PROMPT_MAX_MENTIONS = 24, PROMPT_MAX_WAYS = 24 };
/* Beyond the tags of the lexicon. */
enum { TOKEN_UNKNOWN = -1, TOKEN_COMMA = -2, TOKEN_STOP = -3, TOKEN_NONE = -4, TOKEN_NUMBER = -5 };

/* Rows of the synonyms may carry a second meaning above the value. */
enum {
    PROMPT_HINT_SHIFT = 8,
    PROMPT_ECHO = 15,
    PROMPT_NEAR = 14,
    PROMPT_CAN = 1,
    PROMPT_PAST = 1,
    PROMPT_UP_TO = 2,
    PROMPT_FROM = 3,
    PROMPT_OVER = 4 /* what is struck falls over */
};

struct token {
    int tag, value;
    int hint; /* shape: its colour when none is said, or PROMPT_ECHO, _NEAR; floor: the nearest
                 colour */
    enum lang lang;
    int at, bytes; /* place in the text */
    int ing, many; /* English, ends in -ing, in -s */
    int used;      /* explained by a rule: not looked at again */
    int refused;   /* understood, but the world has no such thing */
    int near;      /* the same, but a thing that is like it is drawn: that of tag and value */
};

/* A noun of the prompt; several may mean one object. */
struct mention {
    int token;
    struct object_facts facts;
    int fresh;  /* "a", "another": not one of those before, if that can be */
    int count;  /* 2 for "two balls" */
    int still;  /* said to stand */
    int beside; /* goal or neighbour of another: does not act */
    int tint;   /* its colour when none is said */
    int echo;   /* "one": has the shape of another */
    int object; /* after nouns_merge; -1: one too many */
};

/* A hint at the direction of movement, and how much it weighs against others of its clause. */
enum { FAINT = 1, WEAK, WORD, SOURCE, VIEWER, GOAL };

struct way {
    int direction, strength, token;
};

struct reading {
    int n, n_mentions, n_ways, n_objects;
    int goal;    /* mention that something moves to, or -1 */
    int patient; /* mention that is struck whoever strikes it, or -1 */
    struct token t[READING_MAX_WORDS];
    struct mention mention[PROMPT_MAX_MENTIONS];
    struct way way[PROMPT_MAX_WAYS];
    struct object_facts object[WORLD_MAX_OBJECTS];
    int floor, light, camera;
};

extern const struct lexicon_entry prompt_synonyms[];
extern const int prompt_n_synonyms;
extern const char prompt_script_pairs[]; /* as in lexicon_words.h */

void prompt_words(const char *text, struct reading *r);
void prompt_context(struct reading *r); /* words that mean something else beside others; "no" */
void prompt_scenery(struct reading *r);
void prompt_nouns(struct reading *r); /* mentions with colour, size, material */
void prompt_sides(struct reading *r); /* left, right, front, back: places of mentions, and ways */
void prompt_merge(struct reading *r); /* mentions -> objects */
void prompt_verbs(struct reading *r); /* which of the doubtful verbs are hits */

/* Tag of token i; TOKEN_NONE outside the prompt. */
int token_tag(const struct reading *r, int i);
/* Next word before (step -1) or after (+1) i that says something; separators count. */
int token_near(const struct reading *r, int i, int step);
int token_is_separator(const struct reading *r, int i);
/* The noun that the words after i lead to over adjectives only: its mention, or -1; noun_ahead also
 * looks past articles. */
int noun_next(const struct reading *r, int i);
int skip_adjectives(const struct reading *r, int i); /* the first word after i that is none */
int is_adjective(int tag);
int noun_ahead(const struct reading *r, int i);
/* Last mention before token i, first after it: index or -1. */
int mention_before(const struct reading *r, int i);
int mention_after(const struct reading *r, int i);

#endif
