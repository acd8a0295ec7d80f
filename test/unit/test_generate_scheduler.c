/* What a scheduler_config.json may say, and what is refused by its name. */
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
