/* record.h - what a record of reel.bin or latents.bin says of its clip: which world it comes from,
 * its state there, and its words. Pictures or latents stand behind it.
 *
 * All records of a file have one shape, so record i is found without reading others. Caption 0 is
 * the canonical one; the others are what people would say, English and Chinese by turns.
 * Threads: pure. */
#ifndef TRAIN_RECORD_H
#define TRAIN_RECORD_H

#include "world/world.h"

enum { RECORD_MAX_CAPTIONS = 8, RECORD_CAPTION_BYTES = 768 };

struct record_form {
    int32_t state_bytes; /* the largest of the worlds */
    int32_t captions;    /* 1..RECORD_MAX_CAPTIONS */
};

struct clip_record {           /* borrowed from the bytes of the record */
    const struct world *world; /* NULL: a world that this program does not have */
    const void *state;
    int n_objects;
    const char *caption[RECORD_MAX_CAPTIONS]; /* UTF-8 */
};

/* A multiple of 8. */
size_t record_bytes(const struct record_form *s);
/* to: record_bytes, all set. What its everyday captions say follows from (seed, i). */
void record_write(uint8_t *to, const struct record_form *s, const struct world_scene *scene,
                  int n_objects, uint64_t seed, uint64_t i);
/* from: aligned to 8 bytes. */
struct clip_record record_read(const uint8_t *from, const struct record_form *s);

#endif
