/* doctor_say.h - what `zoetrope doctor` found, for people or as JSON. */
#ifndef TOOL_DOCTOR_SAY_H
#define TOOL_DOCTOR_SAY_H

#include "generate/plan.h"
#include "generate/step_speed.h"
#include "model/checkup.h"

struct doctor {
    const char *asked; /* as it was named */
    struct checkup look;
    int values;           /* they were looked at */
    int64_t hashed_bytes; /* that were compared */
    int planned;          /* plan is that of a film without settings */
    struct plan plan;
    struct err plan_err; /* why there is none; code 0: nothing was planned */
    int measured;
    struct step_speed speed;
    uint64_t memory_bytes; /* of the machine, free */
    char *command;         /* to draw with it; NULL: there is none. Owned */
    int status;            /* of the program */
};

void doctor_say(const struct doctor *d);
void doctor_json(const struct doctor *d);

#endif
