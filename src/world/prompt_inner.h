/* prompt_inner.h - a prompt on its way from text to facts: words (prompt_words.c), surroundings
 * (prompt_scenery.c), nouns with their adjectives (prompt_nouns.c), then who does what (prompt.c).
 */
#ifndef WORLD_PROMPT_INNER_H
#define WORLD_PROMPT_INNER_H

#include "world/lexicon.h"

enum { PROMPT_MAX_TOKENS = 400, PROMPT_MAX_MENTIONS = 24, PROMPT_MAX_WAYS = 24 };
/* Beyond the tags of the lexicon. */
enum { TOKEN_UNKNOWN = -1, TOKEN_COMMA = -2, TOKEN_STOP = -3, TOKEN_NONE = -4 };

struct token {
    int tag, value;
    enum lang lang;
    int at, bytes; /* place in the text */
    int ing;       /* English, ends in -ing */
    int used;      /* explained by a rule: not looked at again */
    int refused;   /* understood, but the world has no such thing */
};

/* A noun of the prompt; several may mean one object. */
struct mention {
    int token;
    struct object_facts facts;
    int fresh;  /* "a", "another": not one of those before, if that can be */
    int count;  /* 2 for "two balls" */
    int still;  /* said to stand */
    int beside; /* goal or neighbour of another: does not act */
    int object; /* after nouns_merge; -1: one too many */
};

/* A hint at the direction of movement. */
struct way {
    int direction, strength, token;
};

struct reading {
    int n, n_mentions, n_ways, n_objects;
    struct token t[PROMPT_MAX_TOKENS];
    struct mention mention[PROMPT_MAX_MENTIONS];
    struct way way[PROMPT_MAX_WAYS];
    struct object_facts object[WORLD_MAX_OBJECTS];
    int floor, light, camera;
};

void prompt_words(const char *text, struct reading *r);
void prompt_scenery(struct reading *r);
void prompt_nouns(struct reading *r); /* mentions with colour, size, material */
void prompt_sides(struct reading *r); /* left, right, front, back: places of mentions, and ways */
void prompt_merge(struct reading *r); /* mentions -> objects */

/* Tag of token i; TOKEN_NONE outside the prompt. */
int token_tag(const struct reading *r, int i);
/* Next word before (step -1) or after (+1) i that says something; separators count. */
int token_near(const struct reading *r, int i, int step);
int token_is_separator(const struct reading *r, int i);
/* The noun that the words after i lead to over adjectives only: its mention, or -1; noun_ahead also
 * looks past articles. */
int noun_next(const struct reading *r, int i);
int noun_ahead(const struct reading *r, int i);
/* Last mention before token i, first after it: index or -1. */
int mention_before(const struct reading *r, int i);
int mention_after(const struct reading *r, int i);

#endif
