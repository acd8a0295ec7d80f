/* api_kling2.c - Kling's API 2.0: the model in the path, settings and options, /tasks. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "serve/api.h"
#include "serve/kling.h"

enum { PROMPT_MOST = 3072, TASKS = 500 };

static const char *const RESOLUTIONS[] = {"720p", "1080p", "4k", NULL};
static const char *const ASPECTS[] = {"16:9", "9:16", "1:1", NULL};
static const char *const OFF[] = {"off", NULL};

/* ---- a new task ---- */

static int check_object(struct call *c, struct jval body, const char *field)
{
    if (!j_has(body, field) || j_type(j_get(body, field)) == J_OBJECT)
        return 0;
    call_fail(c, FAULT_VALUE, field, "%s: an object", field);
    return -1;
}

static int read_settings(struct call *c, struct jval body, struct kling *k)
{
    struct jval settings = j_get(body, "settings"), options = j_get(body, "options");
    const char *audio;
    struct err e;

    k->o.model = c->arg[0];
    if (check_object(c, body, "settings") || check_object(c, body, "options") ||
        kling_choice(c, settings, "resolution", RESOLUTIONS, &k->mode, "720p") ||
        kling_choice(c, settings, "aspect_ratio", ASPECTS, &k->aspect, NULL) ||
        kling_choice(c, settings, "audio", OFF, &audio, "off") ||
        kling_read_duration(c, settings.v ? settings : body, k) ||
        kling_read_options(c, options, k))
        return -1;
    k->o.seed = order_int(settings, "seed", 0, INT64_C(1) << SEED_MOST_BITS, -1);
    k->o.steps = (int)order_int(settings, "steps", 1, 1000, 0);
    k->o.size = j_has(settings, "size") ? j_string(settings, "size") : NULL;
    k->o.negative = j_has(body, "negative_prompt") ? j_string(body, "negative_prompt") : NULL;
    if (!jdoc_status(body.doc, &e))
        return 0;
    call_fail(c, FAULT_VALUE, NULL, "%s", e.msg);
    return -1;
}

static int read_prompt(struct call *c, struct jval body, struct kling *k)
{
    (void)c;
    k->o.prompt = j_string_or(body, "prompt", NULL);
    return 0;
}

static int read_content(struct call *c, struct jval v, struct kling *k)
{
    static const char *const types[] = {"prompt", "first_frame", "last_frame", NULL};
    const char *type;

    if (j_type(v) != J_OBJECT || !j_has(v, "type")) {
        call_fail(c, FAULT_VALUE, "contents", "contents: objects with a type");
        return -1;
    }
    if (kling_choice(c, v, "type", types, &type, ""))
        return -1;
    if (!strcmp(type, "prompt")) {
        k->o.prompt = j_string(v, "text");
        return 0;
    }
    return order_picture_text(c, "contents", j_string(v, "url"),
                              !strcmp(type, "first_frame") ? &k->o.first : &k->o.last);
}

static int read_contents(struct call *c, struct jval body, struct kling *k)
{
    struct jval list = j_get(body, "contents");
    int n = j_len(list);

    if (j_type(list) != J_ARRAY || n < 1 || n > 16) {
        call_fail(c, FAULT_VALUE, "contents", "contents: an array of 1 to 16 objects");
        return -1;
    }
    for (int i = 0; i < n; i++)
        if (read_content(c, j_at(list, i), k))
            return -1;
    if (*k->o.last.name && !*k->o.first.name) {
        call_fail(c, FAULT_VALUE, "contents", "contents: last_frame needs a first_frame");
        return -1;
    }
    return 0;
}

static int read_first(struct call *c, struct jval body, struct kling *k)
{
    if (read_contents(c, body, k))
        return -1;
    if (*k->o.first.name)
        return 0;
    call_fail(c, FAULT_VALUE, "contents", "contents: a first_frame is needed");
    return -1;
}

static void create(struct call *c, const char *api,
                   int (*what)(struct call *c, struct jval body, struct kling *k))
{
    struct jdoc *doc = call_json(c);
    struct kling k;
    struct err e;

    if (!doc)
        return;
    kling_init(&k, api);
    if (!read_settings(c, jdoc_root(doc), &k) && !what(c, jdoc_root(doc), &k)) {
        if (jdoc_status(doc, &e))
            call_fail(c, FAULT_VALUE, NULL, "%s", e.msg);
        else
            kling_place(c, &k, KLING_2);
    }
    kling_release(&k);
    jdoc_close(&doc);
}

static void text_to_video(struct call *c)
{
    create(c, "kling2/text-to-video", read_prompt);
}

static void image_to_video(struct call *c)
{
    create(c, "kling2/image-to-video", read_first);
}

static void omni_video(struct call *c)
{
    create(c, "kling2/omni-video", read_contents);
}

/* ---- tasks ---- */

struct tasks {
    struct call *c;
    struct jsonw w;
    struct buf base;
    int n, most;
    int64_t last;
};

static void add_task(void *arg, struct job *j)
{
    struct tasks *t = arg;

    if (t->n++ >= t->most)
        return;
    t->last = j->id;
    kling_task(&t->w, NULL, t->c->s, j, buf_str(&t->base), KLING_2);
}

/* "a,b,c": of those that are there; the others are left out. */
static int add_named(struct tasks *t, char *names)
{
    char *rest = names, *name;
    int n = 0;

    while ((name = strsep(&rest, ","))) {
        struct job j = {0};
        int rc = *name ? kling_job(t->c, name, &j) : 0;

        if (rc > 0)
            add_task(t, &j);
        job_release(&j);
        if (rc < 0)
            return -1;
        if (++n > TASKS)
            break;
    }
    return 0;
}

static void get_tasks(struct call *c)
{
    struct tasks t = {.c = c, .most = TASKS};
    struct buf ids = BUF_INIT, names = BUF_INIT;
    int by_id = call_query(c, "task_ids", &ids) != NULL;
    int by_name = call_query(c, "external_task_ids", &names) != NULL;

    if (by_id == by_name) {
        call_fail(c, FAULT_VALUE, NULL, "one of task_ids and external_task_ids is needed");
    } else {
        char *list = buf_take(by_id ? &ids : &names);

        call_base_url(c, &t.base);
        kling_begin(c, &t.w);
        jsonw_array(&t.w, "data");
        if (!list || !add_named(&t, list)) {
            jsonw_end_array(&t.w);
            kling_end(&t.w);
        }
        free(list);
        buf_release(&t.base);
    }
    buf_release(&ids);
    buf_release(&names);
}

static int read_states(struct call *c, struct jval values, struct jobs_list *l)
{
    for (int k = 0; k < j_len(values); k++) {
        const char *want = j_at_string(values, k);
        for (int s = JOB_QUEUED; s <= JOB_CANCELLED; s++)
            if (!strcmp(want, kling_status((enum job_state)s, KLING_2)))
                l->states |= 1u << s;
    }
    if (l->states)
        return 0;
    call_fail(c, FAULT_VALUE, "filters",
              "filters: status is submitted, processing, succeeded or failed");
    return -1;
}

/* filters: [{"key": "status", "values": [...]}, {"key": "product_type", "values": [one]}] */
static int read_filters(struct call *c, struct jval body, struct jobs_list *l, char api[64])
{
    static const char *const keys[] = {"status", "product_type", NULL};
    struct jval filters = j_get(body, "filters");

    if (j_has(body, "filters") && j_type(filters) != J_ARRAY) {
        call_fail(c, FAULT_VALUE, "filters", "filters: an array of objects");
        return -1;
    }
    for (int i = 0; i < j_len(filters); i++) {
        struct jval f = j_at_object(filters, i), values = j_get(f, "values");
        const char *key;

        if (kling_choice(c, f, "key", keys, &key, ""))
            return -1;
        if (!*key) {
            call_fail(c, FAULT_VALUE, "filters", "filters: each has a key and values");
            return -1;
        }
        if (!strcmp(key, "status") && read_states(c, values, l))
            return -1;
        if (strcmp(key, "product_type"))
            continue;
        if (j_len(values) != 1) {
            call_fail(c, FAULT_VALUE, "filters", "filters: one product_type at a time is known");
            return -1;
        }
        snprintf(api, 64, "kling2/%s", j_at_string(values, 0));
        l->api = api;
    }
    return 0;
}

static int read_search(struct call *c, struct jval body, struct jobs_list *l, char api[64])
{
    const int64_t far = INT64_C(1) << 52;
    const char *cursor = j_string_or(body, "cursor", "");
    struct err e;

    l->from_ms = order_int(body, "start_time", 0, far, 0);
    l->until_ms = order_int(body, "end_time", 0, far, 0);
    l->limit = (int)order_int(body, "limit", 1, TASKS, 100);
    if (*cursor && (parse_int(cursor, &l->after) || l->after < 1))
        j_fail(body, "cursor", "not one that was given here");
    if (read_filters(c, body, l, api))
        return -1;
    if (!jdoc_status(body.doc, &e))
        return 0;
    call_fail(c, FAULT_VALUE, NULL, "%s", e.msg);
    return -1;
}

static void search_tasks(struct call *c)
{
    struct jobs_list l = {.tenant = c->tenant};
    struct tasks t = {.c = c};
    struct jdoc *doc = call_json(c);
    char cursor[32] = "", api[64];
    struct err e;

    if (!doc)
        return;
    if (!read_search(c, jdoc_root(doc), &l, api)) {
        t.most = l.limit++;
        call_base_url(c, &t.base);
        kling_begin(c, &t.w);
        jsonw_object(&t.w, "data");
        jsonw_array(&t.w, "result");
        if (jobs_each(c->s->jobs, &l, add_task, &t, &e) < 0) {
            call_fail_err(c, &e);
        } else {
            int more = t.n > t.most;

            jsonw_end_array(&t.w);
            jsonw_int(&t.w, "count", more ? t.most : t.n);
            if (more)
                snprintf(cursor, sizeof cursor, "%lld", (long long)t.last);
            jsonw_string(&t.w, "next_cursor", cursor);
            jsonw_bool(&t.w, "has_more", more);
            jsonw_end_object(&t.w);
            kling_end(&t.w);
        }
        buf_release(&t.base);
    }
    jdoc_close(&doc);
}

static void cancel(struct call *c)
{
    struct tasks t = {.c = c, .most = 1};
    struct job j = {0}, after = {0};
    int rc = kling_job(c, c->arg[0], &j);

    if (!rc)
        call_fail(c, FAULT_TASK, NULL, "Task not found");
    if (rc > 0 && !order_cancel(c, j.id, &after)) {
        call_base_url(c, &t.base);
        kling_begin(c, &t.w);
        kling_task(&t.w, "data", c->s, &after, buf_str(&t.base), KLING_2);
        kling_end(&t.w);
        buf_release(&t.base);
    }
    job_release(&after);
    job_release(&j);
}

static void not_here(struct call *c)
{
    call_fail(c, FAULT_NO_SUCH, NULL, "this product is not served here");
}

const struct route api_kling2[] = {
    {"POST", "/text-to-video/{}", text_to_video, STYLE_KLING, ROUTE_SLOW, BODY_SMALL},
    {"POST", "/image-to-video/{}", image_to_video, STYLE_KLING, ROUTE_SLOW, BODY_PICTURES},
    {"POST", "/omni-video/{}", omni_video, STYLE_KLING, ROUTE_SLOW, BODY_PICTURES},
    {"POST", "/motion-control/{}", not_here, STYLE_KLING, 0, BODY_PICTURES},
    {"GET", "/tasks", get_tasks, STYLE_KLING, 0, BODY_NONE},
    {"POST", "/tasks", search_tasks, STYLE_KLING, 0, BODY_SMALL},
    {"POST", "/tasks/{}/cancel", cancel, STYLE_KLING, 0, BODY_SMALL},
    {0},
};
