/* phrases.h - what is spoken of each fact in everyday captions. Threads: constant data. */
#ifndef STORY_PHRASES_H
#define STORY_PHRASES_H

#include "world/lexicon.h"
#include "world/story/facts.h"

/* What a list of phrases is for. */
enum story_phrase {
    STORY_SAY_WHO,   /* the subject; {c} in it is its colour */
    STORY_SAY_PLAIN, /* the subject without a colour */
    STORY_SAY_DOES,  /* the action: "walks" */
    STORY_SAY_DOING, /* English: "walking" */
    STORY_SAY_WHERE, /* the place: "on the moon" */
    STORY_SAY_SCENE, /* the place with nobody in it, as a sentence */
    STORY_SAY_PROP,  /* the prop, when the action has not said it */
    STORY_SAY_TIME,
    STORY_SAY_WEATHER,
    STORY_SAY_STYLE,
    STORY_SAY_SHOT,
    STORY_SAY_SHOT_OF, /* before the sentence: "a close-up of" */
    STORY_SAY_CAMERA,
    STORY_SAY_NOISE, /* boilerplate of quality; value 0 */
    STORY_SAY_COUNT
};

/* Phrases separated by '|'. One that begins with "@word " is for clips in which that canonical word
 * holds. NULL when there are none. */
const char *story_phrases(enum story_phrase what, int value, enum lang lang);

#endif
