/* tea.h - the polynomials of TeaCache for the released models: how far an evaluation is from the
 * one before, as a function of how far what the network makes of the timestep is. Numbers and
 * thresholds: TeaCache4Wan2.1 of ali-vilab/TeaCache (teacache_generate.py and its README, the
 * faster ones of its tables), commit 7c10efc. Pure. */
#ifndef GENERATE_TEA_H
#define GENERATE_TEA_H

#include "base/buf.h"

struct tea_fit {
    const char *family;  /* as family.h says it */
    double threshold[2]; /* plain, with retained steps */
    double fit[2][5];    /* highest power first */
};

/* NULL: none was fitted to that model. */
const struct tea_fit *tea_fit_of(const char *family);
/* Their names, with commas, appended. */
void tea_families(struct buf *out);

#endif
