/* Tests link a table of their own, with networks that only they have. */
#include "model/networks.h"

const struct part_class *const part_classes[] = {PART_CLASSES, NULL};
