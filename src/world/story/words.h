/* words.h - what people call the things of stories, in English and Chinese: the thesaurus behind
 * the reader (prompt.h).
 *
 * English forms are base forms (text_same_word knows the endings), Chinese ones simplified. Words
 * without a row here are looked up among those of physics: colours, articles, small words.
 * Threads: constant data. */
#ifndef STORY_WORDS_H
#define STORY_WORDS_H

#include <stdint.h>

#include "world/lexicon.h"
#include "world/story/facts.h"

enum story_role {
    STORY_FACT,     /* says its facts */
    STORY_HINT,     /* means them where nothing says otherwise */
    STORY_DRESS,    /* clothes or fur: their colour is the subject's; facts are hints */
    STORY_COAT,     /* clothes whose colour counts where no dress has one; facts are hints */
    STORY_SUIT,     /* a coat that makes whoever wears it what its fact says */
    STORY_THING,    /* a noun that says nothing; colours beside it are its own */
    STORY_SKIP,     /* understood, says nothing */
    STORY_REFUSE,   /* understood, but this world has no such thing: named as unknown */
    STORY_AT,       /* "on", "beside": a noun follows */
    STORY_IT,       /* "she", 她 */
    STORY_SOMEBODY, /* a person of no kind */
    STORY_WAVE,     /* of the sea or with the hand: the words around it say */
    STORY_SURF,     /* what waves of the sea do */
    STORY_INSIDE,   /* "in", "aboard": a spaceship behind it is a place */
    STORY_INNER,    /* "corridor", 里: a spaceship before it is a place */
    STORY_CAMERA,   /* the noun */
    /* Verbs of the camera: a side, "in" or "out" in their clause decides. */
    STORY_DO_PAN,
    STORY_DO_SWEEP, /* a pan where the camera is named */
    STORY_DO_TILT,
    STORY_DO_DOLLY,
    STORY_DO_ZOOM,
    STORY_DO_ORBIT,
    STORY_DO_CIRCLE, /* an orbit where the camera is named */
    STORY_DO_ROLL,   /* a roll where the camera is named */
    STORY_DO_MOVE,   /* and a movement */
    STORY_GO_LEFT,
    STORY_GO_RIGHT,
    STORY_GO_UP,
    STORY_GO_DOWN,
    STORY_GO_IN,
    STORY_GO_OUT,
    STORY_ROLE_COUNT /* roles of the reader alone may follow */
};

enum { STORY_ROW_FACTS = 3 };

struct story_row {
    enum story_role role;
    struct {
        int slot, value; /* value 0: none */
    } fact[STORY_ROW_FACTS];
    const char *form[LANG_COUNT]; /* separated by '|' */
};

/* Row i; NULL behind the last. */
const struct story_row *story_row(int i);
/* A character of the traditional script made simplified, and the reverse: those that the words of
 * physics (lexicon_normal, lexicon_traditional) do not need. */
uint32_t story_simplified(uint32_t cp);
uint32_t story_traditional(uint32_t cp);

#endif
