/* measure_press.h - the table of measure --press: seven axes by six prompts, landscape and on end,
 * each figure beside that of renders of the same words. */
#ifndef TOOL_MEASURE_PRESS_H
#define TOOL_MEASURE_PRESS_H

#include "base/buf.h"
#include "base/jsonw.h"
#include "measure/axes.h"
#include "measure/score.h"
#include "measure/story_wish.h"
#include "world/story/sample.h"

struct press {
    struct press_cell {
        double sum, n;
    } cell[2][STORY_FAMILY_MIXED][SCORE_COLUMNS][N_AXES]; /* 0: landscape, 1: on end */
};

/* A film of one of the six. */
void press_add(struct press *p, const struct story_wish *w, enum score_column c,
               const struct axes *a);
/* Of columns that are wanted; the film's figures with those of renders in brackets. */
void press_say(const struct press *p, const int column[SCORE_COLUMNS], struct buf *out);
/* "axes": {"landscape": {"cliff": {"words": {"renders": .., "model": ..}, ..}, ..}, ..} in an open
 * object. */
void press_json(const struct press *p, const int column[SCORE_COLUMNS], struct jsonw *j);

#endif
