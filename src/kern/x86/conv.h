/* conv.h - convolutions of each level, for the table. */
#ifndef KERN_X86_CONV_H
#define KERN_X86_CONV_H

#include "kern/kern.h"
#include "kern/x86/mm.h"
#include "kern/x86/winograd.h"

/* Pixels first.. of a packed frame (kern/packed.h) of so many pixels. */
struct packing {
    void (*put)(void *frame, int64_t pixels, int64_t channels, int64_t first, int64_t n,
                const bf16 *x);
    void (*get)(bf16 *to, const void *frame, int64_t pixels, int64_t channels, int64_t first,
                int64_t n);
};
extern const struct packing packing_avx2, packing_avx512;
void packed_put_avx2(void *frame, int64_t pixels, int64_t channels, int64_t first, int64_t n,
                     const bf16 *x);

/* What a level computes with; dot NULL: bf16 is widened. */
struct conv_set {
    const struct mm *f32, *dot, *int8;
    const struct winograd *winograd;
    const struct packing *packing;
    void (*sum_rows)(struct kcx *kc, struct k_sum_rows *a);
};

/* conv3d.c */
void conv3d_forward(struct kcx *kc, const struct k_conv3d *a, const struct conv_set *set);
/* conv3d_tiles.c: whether tiles of 3x3 convolutions serve, and they themselves */
int conv_tiles_fit(const struct k_conv2d *f, const struct conv_set *set);
void conv2d_tiles_forward(struct kcx *kc, const struct k_conv2d *f, const struct conv_set *set);
void conv3d_tiles_forward(struct kcx *kc, const struct k_conv3d *a, const struct conv_set *set);
/* conv3d_bytes.c */
void conv3d_bytes_forward(struct kcx *kc, const struct k_conv3d *a, const struct mm *mm);

void conv_overlay_avx2(struct kernels *k);
void conv_overlay_avx512(struct kernels *k);
void conv_overlay_avx512vnni(struct kernels *k);
void conv_overlay_avx512bf16(struct kernels *k);
void conv_overlay_amx(struct kernels *k);

#endif
