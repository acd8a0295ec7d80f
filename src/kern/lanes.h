/* lanes.h - types of sixteen numbers, known to all instruction sets. */
#ifndef KERN_LANES_H
#define KERN_LANES_H

#include <stdint.h>

enum { LANES = 16 };

typedef float v16 __attribute__((vector_size(64)));
typedef int32_t i16 __attribute__((vector_size(64)));
typedef uint32_t u16 __attribute__((vector_size(64)));

#define PER_LANE for (int i = 0; i < LANES; i++)

#endif
