/* reading.h - from the prompt as typed to the text that the model reads.
 *
 * A model whose text is canonical knows the captions of the worlds that it was trained on only:
 * prompts in everyday words are read by the world that they are about (world_meant) and said again
 * in its words, with what they leave open drawn from the seed. Other models get the prompt as it
 * is. Pure, any thread. */
#ifndef GENERATE_READING_H
#define GENERATE_READING_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Appends the model's text to out, and to unknown the words that mean nothing to it, separated by
 * ", ". worlds: which the model knows (world_bit), 0 when its text is plain. seen: what a picture
 * says of what the prompt leaves open, before the seed does (world.h), "" before it was looked at;
 * NULL: there is none. Returns one line for the user, owned by the caller, where nothing was
 * stated, something is drawn as what is like it, or not all was looked at; else NULL. */
NODISCARD char *reading_prompt(const char *prompt, unsigned worlds, uint64_t seed, const char *seen,
                               struct buf *out, struct buf *unknown);
/* Of a set of worlds those that a prompt can be about: one, where it names nothing of any and a
 * picture told which. */
unsigned reading_worlds(const char *prompt, unsigned worlds, const char *seen);
/* World i of those that the prompt leaves open, as words for `seen`, appended. 0: there are no
 * more, or it says which. */
int reading_open_world(const char *prompt, unsigned worlds, int i, struct buf *out);
/* Thing i of those that the prompt leaves open and a picture may show, as `open` of world.h. */
int reading_open(const char *prompt, unsigned worlds, int i, struct buf *out);
/* Way i in which what is OPEN_ANYWHERE may be seen, as `way` of world.h. */
int reading_way(const char *prompt, unsigned worlds, int i, struct buf *out);
/* What films of a prompt, read so, show: words for `seen` of other prompts, appended to out. */
void reading_shown(const char *prompt, unsigned worlds, uint64_t seed, const char *seen,
                   struct buf *out);
/* 1: the prompt, and what is seen beside it, can be together: the text, appended to out. */
int reading_seen(const char *prompt, unsigned worlds, uint64_t seed, const char *seen,
                 struct buf *out);
/* The same for what shall not be seen: only what it states, nothing is drawn. */
void reading_negative(const char *prompt, unsigned worlds, struct buf *out, struct buf *unknown);

/* 1: the prompt states something that a model of these worlds can draw; of plain text always. */
int reading_states(const char *prompt, unsigned worlds);
/* Is the prompt read by a world, and does that have the word? */
int reading_meant(const char *prompt, unsigned worlds);
int reading_knows(const char *prompt, unsigned worlds, const char *word);
/* Put another camera into a text that a world said. 0: it speaks of none. */
int reading_camera(struct buf *text, const char *word);

#endif
