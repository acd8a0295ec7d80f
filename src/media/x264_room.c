#include "media/x264_room.h"

#include "base/machine.h"

enum {
    ALIGN = 64, /* of rows */
    PAD = ALIGN + 32 /* px beside a row, left and right together */,
    PAD_ROWS = 64 /* above and below together; half for chroma */
};

struct sizes {
    uint64_t stride, rows, blocks; /* of the luma plane; macroblocks */
};

static uint64_t whole(uint64_t x, uint64_t of)
{
    return (x + of - 1) / of * of;
}

static struct sizes sizes_of(int w, int h)
{
    uint64_t across = whole((uint64_t)w, 16), down = whole((uint64_t)h, 16);

    return (struct sizes){whole(across + PAD, ALIGN), down, across / 16 * (down / 16)};
}

/* Chroma planes of 4:2:0 lie side by side, as wide as luma. */
static uint64_t chroma(const struct sizes *s)
{
    return s->stride * (s->rows / 2 + PAD_ROWS / 2);
}

/* A frame that waits: its planes, four small ones of half the size for the look ahead, and for each
 * block there a vector and its cost to every neighbour of a group on both sides, costs of each pair
 * of distances, what depends on it, and two changes of its quantiser with their inverse. */
static uint64_t waiting(const struct sizes *s, int w, int rgb)
{
    enum { DISTANCES = (X264_BFRAMES + 2) * (X264_BFRAMES + 2) };
    uint64_t luma = s->stride * (s->rows + PAD_ROWS);
    uint64_t small = whole(whole((uint64_t)w, 16) / 2 + PAD, ALIGN) * (s->rows / 2 + PAD_ROWS);
    uint64_t block = 2 * (X264_BFRAMES + 1) * (4 + 4) + 2 * DISTANCES + 2 + (4 + 4 + 2);

    return (rgb ? 3 * luma : luma + chroma(s)) + 4 * small + s->blocks * block;
}

/* A frame that was coded: luma also between the pixels in three ways; type, partition, and on both
 * sides the vectors of 16 parts, of the whole and the references of 4. */
static uint64_t coded(const struct sizes *s, int rgb)
{
    uint64_t luma = 4 * s->stride * (s->rows + PAD_ROWS);
    uint64_t block = 1 + 1 + 2 * (16 * 4 + 4) + 4;

    return (rgb ? 3 * luma : luma + chroma(s)) + s->blocks * block;
}

/* Blocks of nearly a huge page and more are made of such, but for an end of less than that
 * (x264_malloc of common/base.c). */
static uint64_t taken(uint64_t bytes)
{
    uint64_t page = machine_huge_page_bytes(), huge = (bytes + page / 8) / page * page;

    return huge > bytes ? huge : bytes;
}

uint64_t x264_room(int w, int h, int64_t n, int rgb)
{
    /* Tables of the picture that is coded: quantisers, coefficients that are not zero, modes,
     * vectors and their differences for all references. */
    enum { TABLES = 2 * (48 + 8 + 16) + 4 * 2 * (X264_REFERENCES + 16) };
    struct sizes s = sizes_of(w, h);
    int64_t wait = rgb ? X264_BFRAMES + 1 : X264_LOOKAHEAD + 1 + X264_BFRAMES;
    int64_t keep = X264_REFERENCES + (rgb ? 1 : 2); /* the one in work; a B frame as reference */

    wait = n < wait ? n : wait;
    keep = n < keep ? n : keep;
    return (uint64_t)wait * taken(waiting(&s, w, rgb)) + (uint64_t)keep * taken(coded(&s, rgb)) +
           s.blocks * TABLES;
}
