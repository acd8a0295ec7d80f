/* The OpenAPI document says more than which addresses there are: that each field it names is read,
 * and that nothing is answered which it does not name. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "fixture.h"
#include "format/json.h"
#include "serving.h"
#include "ztest.h"

/* A request that is well but for the field that is put behind it. */
static const struct {
    const char *schema, *fields;
} WHOLE[] = {
    {"NewVideo", "\"prompt\":\"a ball\""},
    {"NewPlan", "\"prompt\":\"a ball\""},
    {"NewLive", "\"prompt\":\"a ball\""},
    {"Extension", NULL}, /* looks for the film first */
    {"KlingText", "\"prompt\":\"a ball\""},
    {"KlingImage", "\"prompt\":\"a ball\""},
    {"KlingOmni", "\"prompt\":\"a ball\""},
    {"KlingExtend", "\"prompt\":\"a ball\""},
    {"KlingPictures", "\"prompt\":\"a ball\""},
    {"Kling2Text", "\"prompt\":\"a ball\""},
    {"Kling2Contents", "\"unheard_of\":1"}, /* its contents are looked at last */
    {"Kling2Search", "\"limit\":1"},
};

static const char *fields_of(const char *schema)
{
    for (size_t i = 0; i < sizeof WHOLE / sizeof *WHOLE; i++)
        if (!strcmp(schema, WHOLE[i].schema))
            return WHOLE[i].fields;
    ztest_fail(__FILE__, __LINE__, "no request of %s is known here", schema);
    return NULL;
}

/* The server must say what is wrong with field = value, by this name. */
static void refused(const struct serving *s, const char *path, const char *whole, const char *name,
                    const char *field, const char *value)
{
    struct buf body = BUF_INIT;
    struct answer a = {0};
    char put[64];

    snprintf(put, sizeof put, "\"%s\":", field);
    const char *at = strstr(whole, put);
    size_t before = at ? (size_t)(at - whole) : strlen(whole);
    const char *after = at ? at + strcspn(at, ",") : "";
    buf_printf(&body, "{%.*s%s%s%s%s}", (int)before, whole, at ? "" : ",", put, value, after);
    serving_call(s, "POST", path, NULL, buf_str(&body), &a);
    if (a.status < 400 || a.status >= 500 || !strstr(buf_str(&a.body), name))
        ztest_fail(__FILE__, __LINE__, "%s %s: status %d: %s", path, buf_str(&body), a.status,
                   buf_str(&a.body));
    answer_release(&a);
    buf_release(&body);
}

static void try_field(const struct serving *s, const char *path, const char *whole,
                      const char *field, struct jval schema)
{
    char number[40];

    struct jval of, in = j_get(schema, "properties");
    const char *name;
    void *it = NULL;

    if (!strcmp(field, "queue_position"))
        return; /* of PATCH alone */
    if (!strcmp(field, "shot_type") || !strcmp(field, "multi_prompt"))
        whole = "\"prompt\":\"a ball\",\"multi_shot\":true";
    while (j_next(in, &it, &name, &of)) {
        snprintf(number, sizeof number, "{\"%s\":[]}", name);
        refused(s, path, whole, name, field, number);
    }
    refused(s, path, whole, field, field, j_has(schema, "items") ? "7" : "[]");
    if (j_has(schema, "enum"))
        refused(s, path, whole, field, field, "\"none of them\"");
    if (j_has(schema, "maximum")) {
        snprintf(number, sizeof number, "%.17g", 2 * j_real(schema, "maximum", -1e300, 1e300) + 1);
        refused(s, path, whole, field, field, number);
    }
    if (j_has(schema, "minimum")) {
        snprintf(number, sizeof number, "%.17g", j_real(schema, "minimum", -1e300, 1e300) - 1);
        refused(s, path, whole, field, field, number);
    }
}

static const char *name_of_ref(struct jval v)
{
    const char *ref = j_string_or(v, "$ref", "");

    return *ref ? strrchr(ref, '/') + 1 : "";
}

static struct jval open_document(const struct serving *s, struct jdoc **d)
{
    struct answer doc = {0};

    serving_call(s, "GET", "/openapi.json", NULL, NULL, &doc);
    CHECK(!jdoc_parse(d, buf_str(&doc.body), doc.body.len, "openapi", NULL));
    answer_release(&doc);
    return jdoc_root(*d);
}

TEST(serve_openapi_fields_are_read)
{
    struct serving s;
    struct jdoc *d;
    void *it = NULL, *of = NULL;
    const char *path, *field;
    struct jval v, schema;
    int n = 0;

    serving_options(&s, "openapi-fields");
    serving_start(&s);
    struct jval root = open_document(&s, &d), paths = j_object(root, "paths");
    struct jval schemas = j_object(j_object(root, "components"), "schemas");
    while (j_next(paths, &it, &path, &v)) {
        struct jval body = j_get(j_get(v, "post"), "requestBody");
        const char *name =
            name_of_ref(j_get(j_get(j_get(body, "content"), "application/json"), "schema"));
        char asked[100];

        if (!*name || strstr(path, "{id}"))
            continue;
        snprintf(asked, sizeof asked, "%.*s%s", (int)strcspn(path, "{"), path,
                 strchr(path, '{') ? "kling-3.0" : "");
        of = NULL;
        while (fields_of(name) &&
               j_next(j_object(j_object(schemas, name), "properties"), &of, &field, &schema)) {
            try_field(&s, asked, fields_of(name), field, schema);
            n++;
        }
    }
    CHECK(n > 100);
    CHECK(!jdoc_status(d, NULL));
    jdoc_close(&d);
    serving_stop(&s, 0);
}

/* All that is said, down to its leaves, is in the schema. */
static void in_schema(struct jval said, struct jval schema, struct jval schemas, const char *where)
{
    const char *name, *ref = name_of_ref(schema);
    struct jval v;
    void *it = NULL;
    char below[200];

    if (*ref)
        schema = j_object(schemas, ref);
    for (int i = 0; j_type(said) == J_ARRAY && i < j_len(said); i++) {
        snprintf(below, sizeof below, "%s[]", where);
        in_schema(j_at(said, i), j_object(schema, "items"), schemas, below);
    }
    while (j_type(said) == J_OBJECT && j_next(said, &it, &name, &v)) {
        struct jval of = j_get(j_get(schema, "properties"), name);

        snprintf(below, sizeof below, "%s.%s", where, name);
        if (!of.v)
            ztest_fail(__FILE__, __LINE__, "%s is not in the document", below);
        in_schema(v, of, schemas, below);
    }
}

/* What method path answers, held against the schema of that name. */
static void answers_as(const struct serving *s, const char *method, const char *path,
                       const char *json, struct jval schemas, const char *schema)
{
    struct answer a = {0};
    struct jdoc *said;

    serving_call(s, method, path, NULL, json, &a);
    if (a.status != 200)
        ztest_fail(__FILE__, __LINE__, "%s: status %d: %s", path, a.status, buf_str(&a.body));
    CHECK(!jdoc_parse(&said, buf_str(&a.body), a.body.len, path, NULL));
    in_schema(jdoc_root(said), j_object(schemas, schema), schemas, schema);
    jdoc_close(&said);
    answer_release(&a);
}

#define QUICK "\"prompt\":\"a red ball\",\"size\":\"48x32\",\"steps\":1"

TEST(serve_openapi_names_all_that_is_answered)
{
    static const struct {
        const char *path, *json, *answer;
    } made[] = {{"/v1/videos/text2video",
                 "{" QUICK ",\"duration\":3,\"external_task_id\":\"mine\"}", "KlingTask"},
                {"/v1/images/generations", "{" QUICK ",\"n\":2}", "KlingTask"},
                {"/text-to-video/kling-3.0",
                 "{\"prompt\":\"a ball\",\"settings\":{\"size\":\"48x32\",\"steps\":1,"
                 "\"duration\":3}}",
                 "Kling2Task"},
                {"/v1/videos", "{" QUICK ",\"frames\":5}", "Video"}};
    struct serving s;
    struct answer a = {0};
    struct jdoc *d;

    fixture_need_media();
    serving_options(&s, "openapi-answers");
    serving_start(&s);
    struct jval schemas = j_object(j_object(open_document(&s, &d), "components"), "schemas");
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        answers_as(&s, "POST", made[i].path, made[i].json, schemas, made[i].answer);
    char *last = serving_film(&s, "{" QUICK ",\"frames\":5}");
    serving_wait(&s, last, &a); /* all that came before it are done */
    answer_release(&a);
    answers_as(&s, "GET", "/v1/videos/text2video/mine", NULL, schemas, "KlingTask");
    answers_as(&s, "GET", "/v1/videos/text2video", NULL, schemas, "KlingTaskList");
    answers_as(&s, "GET", "/v1/images/generations", NULL, schemas, "KlingTaskList");
    answers_as(&s, "GET", "/v1/videos/text2video?external_task_id=mine", NULL, schemas,
               "KlingTask");
    answers_as(&s, "GET", "/account/costs?start_time=1&end_time=2", NULL, schemas, "KlingCosts");
    answers_as(&s, "GET", "/tasks?external_task_ids=mine", NULL, schemas, "Kling2List");
    answers_as(&s, "POST", "/tasks", "{}", schemas, "Kling2Page");
    answers_as(&s, "GET", "/v1/videos", NULL, schemas, "VideoList");
    answers_as(&s, "POST", "/v1/videos/plan", "{\"prompt\":\"a ball\"}", schemas, "Plan");
    answers_as(&s, "GET", "/v1/live", NULL, schemas, "LiveList");
    answers_as(&s, "POST", "/v1/live", "{\"prompt\":\"a ball\",\"frames\":9}", schemas, "Live");
    answers_as(&s, "GET", "/v1/live", NULL, schemas, "LiveList");
    answers_as(&s, "GET", "/v1/models/sora-2", NULL, schemas, "Model");
    CHECK(!jdoc_status(d, NULL));
    jdoc_close(&d);
    free(last);
    serving_stop(&s, 0);
}
