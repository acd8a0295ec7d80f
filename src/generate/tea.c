#include "generate/tea.h"

#include <stddef.h>
#include <string.h>

/* clang-format off */
static const struct tea_fit fits[] = {
    {"Wan2.1 T2V 1.3B", {0.08, 0.10},
     {{2.39676752e+03, -1.31110545e+03, 2.01331979e+02, -8.29855975e+00, 1.37887774e-01},
      {-5.21862437e+04, 9.23041404e+03, -5.28275948e+02, 1.36987616e+01, -4.99875664e-02}}},
    {"Wan2.1 T2V 14B", {0.20, 0.20},
     {{-5784.54975374, 5449.50911966, -1811.16591783, 256.27178429, -13.02252404},
      {-3.03318725e+05, 4.90537029e+04, -2.65530556e+03, 5.87365115e+01, -3.15583525e-01}}},
    {"Wan2.1 I2V 14B 480P", {0.26, 0.30},
     {{-3.02331670e+02, 2.23948934e+02, -5.25463970e+01, 5.87348440e+00, -2.01973289e-01},
      {2.57151496e+05, -3.54229917e+04, 1.40286849e+03, -1.35890334e+01, 1.32517977e-01}}},
    {"Wan2.1 I2V 14B 720P", {0.30, 0.30},
     {{-114.36346466, 65.26524496, -18.82220707, 4.91518089, -0.23412683},
      {8.10705460e+03, 2.13393892e+03, -3.72934672e+02, 1.66203073e+01, -4.17769401e-02}}},
};
/* clang-format on */
void tea_families(struct buf *out)
{
    for (size_t i = 0; i < sizeof fits / sizeof *fits; i++)
        buf_printf(out, "%s%s", i ? ", " : "", fits[i].family);
}

const struct tea_fit *tea_fit_of(const char *family)
{
    for (size_t i = 0; i < sizeof fits / sizeof *fits; i++)
        if (family && !strcmp(fits[i].family, family))
            return &fits[i];
    return NULL;
}
