/* stored_grid.h - tables of stored_iq.c. Private to this folder. */
#ifndef KERN_STORED_GRID_H
#define KERN_STORED_GRID_H

#include <stdint.h>

extern const uint16_t iq2_xxs_grid[256], iq2_xs_grid[512], iq2_s_grid[1024]; /* 8 values each */
extern const uint16_t iq1_grid[2048];
extern const uint16_t iq3_xxs_grid[256], iq3_s_grid[512]; /* 4 values each */

#endif
