#include "model/family.h"

#include <stddef.h>

#define BAD                                                                                                                                      \
    "色调艳丽，过曝，静态，细节模糊不清，字幕，风格，作品，画作，画面，静止，整体发灰，最差质量，" \
    "低质量，JPEG压缩残留，丑陋的，残缺的，多余的手指，画得不好的手部，画得不好的脸部，畸形的，"      \
    "毁容的，形态畸形的肢体，手指融合，静止不动的画面，杂乱的背景，三条腿，背景人很多，倒着走"

enum { ANY = -1 };

/* The first row that fits; ANY fits all. Sizes that are not among the released ones come last. */
/* clang-format off */
static const struct row {
    struct family_signs signs;
    struct family family;
} rows[] = {
    /* width, in, image, rows, experts, controls, own, small */
    {{1536, 16,  0,    0,   1,   0,   0, ANY}, {"Wan2.1 T2V 1.3B",     832,  480, 81,  16, 50, 5,   5,   5,  BAD}},
    {{5120, 16,  0,    0,   1,   0,   0, 1},   {"Wan2.1 T2V 14B",      832,  480, 81,  16, 50, 5,   5,   3,  BAD}},
    {{5120, 16,  0,    0,   1,   0,   0, ANY}, {"Wan2.1 T2V 14B",      1280, 720, 81,  16, 50, 5,   5,   5,  BAD}},
    {{5120, 36,  1280, 514, 1,   0,   0, ANY}, {"Wan2.1 FLF2V 14B",    1280, 720, 81,  16, 50, 5,   5,   16, "镜头切换，" BAD}},
    {{5120, 36,  1280, 0,   1,   0,   0, 1},   {"Wan2.1 I2V 14B 480P", 832,  480, 81,  16, 40, 5,   5,   3,  "镜头晃动，" BAD}},
    {{5120, 36,  1280, 0,   1,   0,   0, ANY}, {"Wan2.1 I2V 14B 720P", 1280, 720, 81,  16, 40, 5,   5,   5,  "镜头晃动，" BAD}},
    {{1536, 16,  0,    0,   1,   1,   0, ANY}, {"Wan2.1 VACE 1.3B",    832,  480, 81,  16, 50, 5,   5,   16, BAD}},
    {{5120, 16,  0,    0,   1,   1,   0, ANY}, {"Wan2.1 VACE 14B",     1280, 720, 81,  16, 50, 5,   5,   16, BAD}},
    {{5120, 16,  0,    0,   2,   0,   0, ANY}, {"Wan2.2 T2V A14B",     1280, 720, 81,  16, 40, 4,   3,   12, BAD}},
    {{5120, 36,  0,    0,   2,   0,   0, ANY}, {"Wan2.2 I2V A14B",     1280, 720, 81,  16, 40, 3.5, 3.5, 5,  BAD}},
    {{3072, 48,  0,    0,   1,   0,   1, ANY}, {"Wan2.2 TI2V 5B",      1280, 704, 121, 24, 50, 5,   5,   5,  BAD}},
    {{ANY,  ANY, ANY,  ANY, ANY, ANY, 1, ANY}, {"",                    832,  480, 121, 24, 50, 5,   5,   5,  BAD}},
    {{ANY,  ANY, ANY,  ANY, 2,   ANY, 0, ANY}, {"",                    832,  480, 81,  16, 40, 4,   3,   5,  BAD}},
    {{ANY,  ANY, ANY,  ANY, ANY, ANY, 0, ANY}, {"",                    832,  480, 81,  16, 50, 5,   5,   5,  BAD}},
};
/* clang-format on */

static int fits(int row, int value)
{
    return row == ANY || row == value;
}

const struct family *family_of(const struct family_signs *s)
{
    size_t i = 0;

    for (;; i++) {
        const struct family_signs *r = &rows[i].signs;

        if (fits(r->width, s->width) && fits(r->in_channels, s->in_channels) &&
            fits(r->image_dim, s->image_dim) && fits(r->image_rows, s->image_rows) &&
            fits(r->experts, s->experts) && fits(r->controls, s->controls) &&
            fits(r->own_times, s->own_times) && fits(r->small, s->small))
            return &rows[i].family;
    }
}
