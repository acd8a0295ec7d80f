/* mm_avx2.c - f32 products with AVX2: 6 x 16 tiles, 12 accumulators. */
#include "kern/x86/mm.h"
#include "kern/x86/vec_avx2.h"
#include "kern/x86/vec_math.inc"

#define MM_NR 2
#include "kern/x86/mm_f32.inc"

const struct mm mm_f32_avx2 = {.type = DT_F32,
                               .group = MM_GROUP,
                               .unit = 1,
                               .rows = MM_MR,
                               .cut = 512,
                               .strip_row = 4,
                               .block = mm_block,
                               .pack_rows = mm_pack_rows,
                               .pack_cols = mm_pack_cols,
                               .pack_turned = mm_pack_turned,
                               .peak = mm_peak};
