/* quant_block.c - layers of comfy-kitchen whose numbers and scales are packed in ways of their own:
 * MXFP8, NVFP4 and ConvRot's W4A4. They are unpacked as they are loaded. */
#include <math.h>
#include <stdlib.h>

#include "model/quant.h"
#include "model/store_inner.h"

enum { TILE_ROWS = 128, TILE_BLOCKS = 4, TILE = TILE_ROWS * TILE_BLOCKS };

/* Values that share a scale; of w4a4 the whole row has one. */
static int block_of(const struct quant_layer *l)
{
    return l->way == QUANT_MXFP8 ? 32 : 16;
}

/* Scales lie in tiles of 128 rows and 4 blocks, whole tiles row by row; within one, rows 0, 32, 64
 * and 96 are neighbours. */
static size_t scale_at(int64_t row, int64_t block, int64_t tiles_across)
{
    int64_t tile = row / TILE_ROWS * tiles_across + block / TILE_BLOCKS;

    return (size_t)(tile * TILE + row % 32 * 16 + row / 32 % 4 * 4 + block % TILE_BLOCKS);
}

static int64_t whole(int64_t n, int64_t step)
{
    return (n + step - 1) / step;
}

int quant_block_check(const struct quant_layer *l, const struct st_file *f,
                      const struct st_tensor *t, const struct st_tensor *scale, int64_t rows,
                      int64_t n, struct err *e)
{
    int half = l->way != QUANT_MXFP8, block = block_of(l);
    int64_t across = t->rank == 2 ? t->dim[1] * (1 + half) : 0;
    int64_t scales = l->way == QUANT_W4A4
                         ? rows
                         : whole(rows, TILE_ROWS) * whole(whole(n, block), TILE_BLOCKS) * TILE;
    const char *type = l->way == QUANT_MXFP8 ? "F8_E4M3" : l->way == QUANT_NVFP4 ? "U8" : "I8";
    const char *scale_type = l->way == QUANT_MXFP8   ? "F8_E8M0"
                             : l->way == QUANT_NVFP4 ? "F8_E4M3"
                                                     : "F32";

    if (strcmp(t->type_name, type) || across < n || across >= n + 32 || t->dim[0] < rows ||
        t->dim[0] >= rows + 32 || (l->way == QUANT_W4A4 && across % l->group))
        return err_set(e, ERR_FORMAT,
                       "%s: tensor \"%s\" is %s of [%lld,%lld], its marker and the config want %s "
                       "for [%lld,%lld]",
                       st_path(f, t->shard), t->name, t->type_name,
                       (long long)(t->rank ? t->dim[0] : 0), (long long)(across / (1 + half)), type,
                       (long long)rows, (long long)n);
    if (!scale || strcmp(scale->type_name, scale_type) || scale->n < scales)
        return err_set(e, ERR_FORMAT,
                       "%s: tensor \"%s\": its scales must be %lld of %s in \"%s_scale\"",
                       st_path(f, t->shard), t->name, (long long)scales, scale_type, t->name);
    return 0;
}

/* E2M1. */
static const float fp4[16] = {0,     0.5f,  1,  1.5f,  2,  3,  4,  6,
                              -0.0f, -0.5f, -1, -1.5f, -2, -3, -4, -6};

static int signed4(int nibble)
{
    return nibble - (nibble & 8 ? 16 : 0);
}

/* The numbers of one row, without scales. */
static void row_numbers(const struct quant_layer *l, const uint8_t *p, int64_t n, float *x)
{
    if (l->way == QUANT_MXFP8) {
        stored_named("F8_E4M3")->unpack(x, p, n);
        return;
    }
    for (int64_t i = 0; i < n; i++) /* NVFP4 has the first of two in the upper half */
        if (l->way == QUANT_NVFP4)
            x[i] = fp4[i % 2 ? p[i / 2] & 15 : p[i / 2] >> 4];
        else
            x[i] = (float)signed4(i % 2 ? p[i / 2] >> 4 : p[i / 2] & 15);
}

static float scale_value(const struct quant_layer *l, uint8_t byte)
{
    float x;

    if (l->way == QUANT_MXFP8)
        return byte == 255 ? NAN : ldexpf(1, byte - 127);
    stored_named("F8_E4M3")->unpack(&x, &byte, 1);
    return x;
}

/* LAYER.weight_scale_2: one more scale for all of NVFP4. */
static int second_scale(const struct st_file *f, const struct st_tensor *t, float *out,
                        struct err *e)
{
    char *name = xasprintf("%s_scale_2", t->name);
    const struct st_tensor *s = st_find(f, name);

    free(name);
    if (!s || s->n != 1)
        return err_set(e, ERR_FORMAT,
                       "%s: tensor \"%s\": \"%s_scale_2\" of one number must be there",
                       st_path(f, t->shard), t->name, t->name);
    return st_read_all(f, s, out, DT_F32, e);
}

static void turn_back(const struct quant_layer *l, float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i += l->group)
        stored_turn(x + i, l->group);
}

int quant_block_rows(const struct quant_layer *l, const struct st_file *f,
                     const struct st_tensor *t, const struct st_tensor *scale, int64_t first,
                     int64_t rows, int64_t n, float *out, struct err *e)
{
    size_t row_bytes = t->bytes / (size_t)t->dim[0];
    int64_t across = l->way == QUANT_MXFP8 ? t->dim[1] : 2 * t->dim[1];
    int64_t tiles = whole(whole(n, block_of(l)), TILE_BLOCKS);
    uint8_t *raw = xmalloc(row_bytes), *scales = xmalloc(scale->bytes + 1);
    float *x = xmalloc(sizeof *x * (size_t)across), all = 1;
    int rc = st_read_bytes(f, scale, 0, scale->bytes, scales, e);

    if (!rc && l->way == QUANT_NVFP4)
        rc = second_scale(f, t, &all, e);
    for (int64_t r = first; !rc && r < first + rows; r++, out += n) {
        rc = st_read_bytes(f, t, (size_t)r * row_bytes, row_bytes, raw, e);
        row_numbers(l, raw, across, x);
        if (l->way == QUANT_W4A4) {
            memcpy(&all, scales + (size_t)r * sizeof all, sizeof all);
            turn_back(l, x, across);
        }
        for (int64_t i = 0; i < n; i++) {
            float s = l->way == QUANT_W4A4
                          ? 1
                          : scale_value(l, scales[scale_at(r, i / block_of(l), tiles)]);

            out[i] = x[i] * (s * all);
        }
    }
    free(raw);
    free(scales);
    free(x);
    return rc;
}
