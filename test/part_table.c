/* The table of networks that the test program links in place of src/model/part_table.c: two more
 * rows, for networks that stand in test/unit/test_model_part.c and test_part_denoiser.c. */
#include "model/networks.h"

extern const struct part_class short_vae_part, plain_dit_part;

const struct part_class *const part_classes[] = {PART_CLASSES, &short_vae_part, &plain_dit_part,
                                                 NULL};
