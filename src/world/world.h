/* world.h - the worlds that clips come from. A world is a row: a name and functions over a state of
 * its own, which nobody else looks into. Training, measures and the command know rows alone; a new
 * world is one row in world.c.
 *
 * A state is plain data without pointers, all of it set (padding is zero), so it may be copied,
 * compared and kept in files. Threads: rows are constant, their functions pure. */
#ifndef WORLD_WORLD_H
#define WORLD_WORLD_H

#include <stddef.h>
#include <stdint.h>

#include "format/json.h"
#include "world/clip.h"
#include "world/lexicon.h"

struct buf;
struct jsonw;
struct rng;

enum { WORLD_STATE_BYTES = 2048, WORLD_MIX_BYTES = 512, WORLDS_MAX = 4 };

/* Captions that differ from the true one in what a reader of words without order cannot tell, and
 * in what it can: two things with each other's colours and shapes; one thing in a colour that no
 * other has. */
enum world_lie { LIE_EXCHANGED, LIE_WRONG, N_LIES };

/* What a prompt says of a thing that a picture may show: it leaves it open and the seed decides; it
 * leaves it open and means what is usual, as clear weather; it leaves open what something looks
 * like that may be anywhere in the picture (`way`); it states it. */
enum world_open { OPEN_END, OPEN_DRAWN, OPEN_USUAL, OPEN_ANYWHERE, OPEN_STATED };

struct world {
    const char *name;
    size_t state_bytes; /* at most WORLD_STATE_BYTES */
    size_t mix_bytes;   /* of how often what happens; at most WORLD_MIX_BYTES, no padding */
    /* Fields of its object in a config, NULL at the end, and how they are read into a mix. A field
     * that is missing means the default, so an empty object is the default mix. Errors stick to the
     * document. */
    const char *const *mix_fields;
    void (*mix_read)(void *mix, struct jval v);

    /* A scene by mix; all of it follows from the seed. aspect: w/h, 0 for 16:9. */
    void (*sample)(void *state, uint64_t seed, const void *mix, double aspect);
    /* The same scene with left and right exchanged, in pictures and in words. */
    void (*mirror)(void *state);
    /* The canonical caption: every fact once, in a fixed order. Appended to out. */
    void (*caption)(const void *state, struct buf *out);
    /* A caption like the canonical one that is false for this scene (enum world_lie), appended to
     * out. 0: this scene has no such caption, nothing was appended. NULL: no scene has. */
    int (*lie)(const void *state, int lie, struct buf *out);
    /* What people would say, all or part of it. Appended to out. */
    void (*everyday)(const void *state, enum lang lang, struct rng *r, struct buf *out);
    /* Pictures at times frame / fps; *c is the caller's, to be given to clip_release. */
    void (*render)(const void *state, int w, int h, int n_frames, double fps, struct clip *c);
    /* What was drawn, and where it was at every frame: one JSON object, the value of `key`. */
    void (*truth)(struct jsonw *w, const char *key, const void *state, const struct clip *c);
    /* A scene in which what `text` says holds, the rest drawn from the seed. Words that this world
     * does not know are appended to `unknown` (may be NULL), with ", " between. NULL: this world
     * reads no prompts. */
    void (*read)(void *state, const char *text, uint64_t seed, double aspect, struct buf *unknown);
    /* What a picture may say beside a prompt. Thing i of it, the most telling first: its values,
     * "time=day time=sunset", appended where the prompt leaves it open; OPEN_END behind the last.
     * NULL: pictures say nothing. */
    int (*open)(const char *text, int i, struct buf *out);
    /* Way i in which something may stand in a picture that is not the beginning of what the text
     * says, as a word for `seen` that goes before the text, appended. 0: there are no more. NULL
     * where nothing is OPEN_ANYWHERE. */
    int (*way)(int i, struct buf *out);
    /* As `read`, but what `seen` says in such words is so before the seed is asked, unless the text
     * says it. 0: some of that gave way to the rest. NULL as `open`. */
    int (*read_seen)(void *state, const char *text, uint64_t seed, const char *seen);
    /* All that pictures of the scene show, in such words, appended. NULL as `open`. */
    void (*shown)(const void *state, struct buf *out);
    /* How much of a prompt it understands, things counting most: to be compared with other worlds.
     * NULL: it reads no prompts. */
    int (*score)(const char *text);
    /* The canonical words of what a prompt states, with nothing drawn, and unknown as in `read`.
     * Appended, with " " between. NULL as `read`. */
    void (*stated)(const char *text, struct buf *out, struct buf *unknown);
    /* Of its words those that are drawn as something else, the nearest that there is: "pink as
     * red", as they are typed, appended with ", " between. NULL as `read`. */
    void (*near)(const char *text, struct buf *out);
    /* Scenes that show everything it has, one after the other: number i of n_families, with the
     * name of what is special about it. */
    int n_families;
    const char *(*family)(void *state, int i, uint64_t seed, double aspect);
    /* What its reader understands of one language (enum lang), for who is to write a prompt:
     * words and phrases, with ", " between, appended. */
    void (*known)(int lang, struct buf *out);
    /* Every word that a tokenizer should know whole, as world_vocabulary gives them. */
    char **(*vocabulary)(int *n);
};

const struct world *world_at(int i);               /* NULL behind the last */
const struct world *world_named(const char *name); /* NULL: there is none */
/* Of the name: what files keep. */
uint64_t world_id(const struct world *w);
const struct world *world_of_id(uint64_t id); /* NULL: there is none */

/* Sets of worlds: bit i stands for world_at(i). */
unsigned world_bit(const struct world *w);
/* Which of a set of worlds a prompt is about: the one that understands most of it, the first of two
 * that understand as much. NULL: none of them reads prompts. */
const struct world *world_meant(const char *text, unsigned set);
/* 1: it names something of that world. "make it move" does not: beside a picture that is no reason
 * for any world. */
int world_is_said(const char *text, unsigned set);
/* Append one more to words with ", " between, as `read` does, if it is new. */
void world_add_word(struct buf *list, const char *word);
/* The same of the first forms of a row of a lexicon, which are the commonest; NULL: none. */
void world_add_forms(struct buf *list, const char *forms);

/* A scene of any world. */
struct world_scene {
    const struct world *world;
    _Alignas(16) unsigned char state[WORLD_STATE_BYTES];
};

/* Which worlds clips come from, how often, and by which mix. In the order of the rows. */
struct worlds {
    int n;
    struct world_part {
        const struct world *world;
        double share;
        _Alignas(16) unsigned char mix[WORLD_MIX_BYTES];
    } part[WORLDS_MAX];
};

/* Physics alone, by its default mix. */
void worlds_default(struct worlds *w);
/* "worlds": {"physics": {"share": 0.4, ...}, ...} of the group `clip` of a config, or the fields of
 * physics beside the sizes, or nothing: worlds_default. Errors stick to the document. */
void worlds_read(struct worlds *w, struct jval clip);
/* Scene of clip i of a seed: the world is drawn from them too. */
void worlds_sample(const struct worlds *w, struct world_scene *s, uint64_t seed, uint64_t i,
                   double aspect);
/* For the heads of files: clips of equal hash, seed, number and size are equal. 0: the default. */
uint64_t worlds_hash(const struct worlds *w);
size_t worlds_state_bytes(const struct worlds *w); /* the largest */
/* The words of all of them, each once. Free with world_vocabulary_free. */
char **worlds_vocabulary(const struct worlds *w, int *n);

#endif
