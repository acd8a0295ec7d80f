/* What a scheduler_config.json may say, and what is refused by its name. */
#include <stdio.h>
#include <string.h>

#include "format/json.h"
#include "generate/scheduler.h"
#include "ztest.h"

/* What is said to `text`; "" when it is taken. */
static const char *answer(const char *text, struct sampler_config *c)
{
    static const char *const beside[] = {NULL};
    static struct err e;
    struct jdoc *doc;

    *c = (struct sampler_config){0};
    e = (struct err){0};
    CHECK_INT(jdoc_parse(&doc, text, strlen(text), "s.json", &e), 0);
    scheduler_read(c, jdoc_root(doc), beside);
    CHECK_INT(jdoc_status(doc, &e), e.code);
    jdoc_close(&doc);
    return e.msg;
}

TEST(scheduler_class_is_one_of_the_table)
{
    struct sampler_config c;

    CHECK_STR(answer("{\"_class_name\": \"FlowMatchEulerDiscreteScheduler\", \"shift\": 3}", &c),
              "");
    CHECK_STR(c.name, "euler");
    CHECK(c.shift == 3);
    CHECK_CONTAINS(answer("{\"_class_name\": \"EulerDiscreteScheduler\"}", &c),
                   "FlowMatchHeunDiscreteScheduler");
    CHECK_CONTAINS(answer("{\"shift\": 3}", &c), "field _class_name");
}

/* What another table of levels, or noise at every step, would follow from is refused by its name.
 */
TEST(scheduler_refuses_what_is_not_computed)
{
    static const char *const rows[][2] = {
        {"FlowMatchEulerDiscreteScheduler", "use_karras_sigmas"},
        {"FlowMatchEulerDiscreteScheduler", "use_exponential_sigmas"},
        {"FlowMatchEulerDiscreteScheduler", "use_beta_sigmas"},
        {"FlowMatchEulerDiscreteScheduler", "stochastic_sampling"},
        {"FlowMatchEulerDiscreteScheduler", "invert_sigmas"},
        {"UniPCMultistepScheduler", "use_karras_sigmas"},
        {"UniPCMultistepScheduler", "use_exponential_sigmas"},
        {"UniPCMultistepScheduler", "use_beta_sigmas"},
        {"UniPCMultistepScheduler", "thresholding"},
        {"DPMSolverMultistepScheduler", "use_exponential_sigmas"},
        {"DPMSolverMultistepScheduler", "use_lu_lambdas"}};
    static const char *const unknown[] = {"DEISMultistepScheduler", "SASolverScheduler"};
    struct sampler_config c;
    char text[256];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *flow = rows[i][0][0] == 'F' ? ""
                                                : ", \"prediction_type\": \"flow_prediction\", "
                                                  "\"use_flow_sigmas\": true";

        snprintf(text, sizeof text, "{\"_class_name\": \"%s\"%s, \"%s\": false}", rows[i][0], flow,
                 rows[i][1]);
        CHECK_STR(answer(text, &c), "");
        snprintf(text, sizeof text, "{\"_class_name\": \"%s\"%s, \"%s\": true}", rows[i][0], flow,
                 rows[i][1]);
        CHECK_CONTAINS(answer(text, &c), rows[i][1]);
    }
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof text, "{\"_class_name\": \"%s\"}", unknown[i]);
        CHECK_CONTAINS(answer(text, &c), unknown[i]);
    }
}
