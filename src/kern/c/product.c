/* product.c - tiles of 64 x 64 are shared among threads; each is computed whole by one of them. */
#include "kern/c/product.h"

#include <string.h>

enum { TILE = 64, K_BLOCK = 256, MR = 4 };

typedef float v_f32 __attribute__((vector_size(16)));
typedef double v_f64 __attribute__((vector_size(16)));

#define W float
#define V v_f32
#define WIDE DT_F32
#define NAME(x) x##_f32
#include "kern/c/product.inc"
#undef W
#undef V
#undef WIDE
#undef NAME
#define W double
#define V v_f64
#define WIDE DT_F64
#define NAME(x) x##_f64
#include "kern/c/product.inc"
#undef W
#undef V
#undef WIDE
#undef NAME

void read_run(const void *src, enum dtype type, int64_t first, int64_t n, enum dtype wide,
              void *out)
{
    if (wide == DT_F64) {
        load(out, src, type, first, n);
    } else if (type == DT_F32) {
        memcpy(out, (const float *)src + first, (size_t)n * sizeof(float));
    } else {
        const bf16 *h = (const bf16 *)src + first;
        float *f = out;

        for (int64_t i = 0; i < n; i++)
            f[i] = bf16_to_f32(h[i]);
    }
}

void line_plain(const struct side *s, int64_t line, int64_t first, int64_t n, enum dtype wide,
                void *out)
{
    read_run(s->data, s->type, line * s->ld + first, n, wide, out);
}

static void product_range(struct kcx *kc, void *arg, int64_t begin, int64_t end, int worker)
{
    const struct product *p = arg;
    int64_t across = (p->n + TILE - 1) / TILE;

    for (int64_t t = begin; t < end; t++) {
        int64_t row = t / across * TILE, col = t % across * TILE;

        if (p->wide == DT_F64)
            tile_f64(kc, p, row, col, worker);
        else
            tile_f32(kc, p, row, col, worker);
    }
}

void product(struct kcx *kc, const struct product *p)
{
    int64_t down = (p->m + TILE - 1) / TILE, across = (p->n + TILE - 1) / TILE;

    (void)kcx_reserve(kc, down * across,
                      p->wide == DT_F64 ? sizeof(struct pack_f64) : sizeof(struct pack_f32), 0);
    split(kc, down * across, 1, product_range, (void *)p);
}
