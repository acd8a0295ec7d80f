/* lexicon.h - the words of the world: what each fact is called in English and Chinese, and the
 * small words that a reader of sentences needs (verbs, "from", "towards", "beside").
 *
 * Chinese is listed in simplified characters; lexicon_normal and lexicon_traditional map single
 * code points between the two. Threads: constant data. */
#ifndef WORLD_LEXICON_H
#define WORLD_LEXICON_H

#include <stdint.h>

#include "world/facts.h"

struct buf;

enum lang { LANG_EN, LANG_ZH, LANG_COUNT };

/* Tags 0 .. SLOT_COUNT-1 are the slots of facts.h; these follow. */
enum {
    TAG_LEFT = SLOT_COUNT, /* sides: a place, a source or a goal, as the words around them say */
    TAG_RIGHT,
    TAG_MIDDLE,
    TAG_FRONT,
    TAG_BACK,
    TAG_FROM,
    TAG_TO,
    TAG_AWAY,   /* "away", "far from" */
    TAG_VIEWER, /* us, the viewer */
    TAG_AT,     /* "on", "in", "at" */
    TAG_BESIDE, /* "past", "next to": the noun that belongs to it does not act */
    TAG_GO,     /* verb of motion; value: the speed it implies */
    TAG_COME,   /* Chinese directional complement 来: towards us unless said otherwise */
    TAG_LEAVE,  /* and 去 */
    TAG_ENTER,  /* a side named after it is where the way begins */
    TAG_EXIT,   /* a side named after it is where the way ends */
    TAG_HIT,
    TAG_FALL,
    TAG_BOUNCE,
    TAG_BY,    /* mark of the passive: "by", 被 */
    TAG_BA,    /* 把: what follows is struck */
    TAG_STILL, /* "standing", "motionless" */
    TAG_RAMP,
    TAG_WALL,
    TAG_FLOOR, /* the nouns */
    TAG_LIGHT,
    TAG_CAMERA,
    TAG_PAN,
    TAG_HOLD, /* "fixed", of the camera */
    TAG_ZOOM,
    TAG_IS,
    TAG_AND,
    TAG_ONE,   /* "a", 一个: something new */
    TAG_THE,   /* "the", 那个: something known */
    TAG_OTHER, /* "another" */
    TAG_TWO,
    TAG_IT,     /* "it", "which" */
    TAG_CLAUSE, /* "while", "then": something else begins */
    TAG_SKIP,   /* says nothing */
    TAG_REFUSE, /* known to mean something that this world cannot do */
    /* Of the reader alone: prompt_synonyms.c has their words. */
    TAG_NOT,   /* "no", "without": what follows is not there, or does not happen */
    TAG_PUSH,  /* a hit when there is a second thing to push, else a way to move */
    TAG_TIP,   /* "falls over": what somebody else does to it */
    TAG_LIKE,  /* "shaped like": the noun after it is the one before */
    TAG_SCENE, /* a place this world does not have; its colours are not those of a thing */
    TAG_COUNT
};

struct lexicon_entry {
    int tag, value;
    /* Surface forms, separated by '|'. Forms after a '/' are understood but never spoken. */
    const char *form[LANG_COUNT];
};

const struct lexicon_entry *lexicon(int *n);
/* Next form of a list: *at walks it (start with the list), *len is the form's length in bytes.
 * NULL at the end. *spoken tells whether it stands before the '/'. spoken may be NULL. */
const char *lexicon_next(const char **at, int *len, int *spoken);

/* One code point made simplified, half width and lower case. */
uint32_t lexicon_normal(uint32_t cp);
/* The traditional form of a simplified character; cp itself when there is none. */
uint32_t lexicon_traditional(uint32_t cp);
/* A whole text in the other script, by a function like lexicon_traditional. b: valid UTF-8. */
void lexicon_make_traditional(struct buf *b, uint32_t (*traditional)(uint32_t cp));

/* Everything the tokenizer should know whole: canonical words, English words, Chinese forms and
 * each of their characters in both scripts, punctuation. Each once, in a fixed order; *n of them.
 * The strings and the array belong to the caller: free with world_vocabulary_free. */
char **world_vocabulary(int *n);
void world_vocabulary_free(char ***words, int n);

#endif
