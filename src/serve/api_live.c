/* api_live.c - /v1/live: a scene without end that is watched while it is drawn (scene.h). */
#include <stdlib.h>
#include <string.h>

#include "serve/api.h"
#include "serve/scene.h"

static void write_scene(struct call *c, struct buf *out)
{
    struct buf base = BUF_INIT;

    call_base_url(c, &base);
    scene_json(c->s->scene, c->tenant, buf_str(&base), out);
    buf_release(&base);
}

static void reply_scene(struct call *c)
{
    write_scene(c, &c->out);
    call_reply_header(c, "Cache-Control", "no-store");
    if (!c->out.len)
        call_fail(c, FAULT_NO_SUCH, NULL, "no such live scene (any more)");
}

/* Short windows obey soon; few steps are drawn in time. */
static void live_defaults(const struct call *c, struct order *o)
{
    enum { WINDOW = 17 };
    const char *frames = zt_model_get(c->s->model, "frames");
    int most = frames ? atoi(frames) : WINDOW;

    order_init(o, "live");
    o->frames = most < WINDOW ? most : WINDOW;
    o->steps = 4;
    o->fps = 24;
    o->size = "native";
}

/* What the body says over o, read, planned, and given to run. */
static void order_scene(struct call *c, struct order *o, struct jdoc *body,
                        int (*run)(struct call *c, const struct order *o, const struct buf *params,
                                   const struct buf *facts))
{
    struct buf params = BUF_INIT, facts = BUF_INIT;
    struct err e;

    order_read(jdoc_root(body), o);
    order_no_masks(jdoc_root(body));
    if (jdoc_status(body, &e))
        call_fail_err(c, &e);
    else if (!order_plan(c, o, &params, &facts) && !run(c, o, &params, &facts))
        reply_scene(c);
    buf_release(&params);
    buf_release(&facts);
}

static void begin(struct call *c)
{
    struct jdoc *doc = call_json(c);
    struct order o;

    if (doc && j_has(jdoc_root(doc), "seconds"))
        j_fail(jdoc_root(doc), "seconds", "a live scene has no end");
    live_defaults(c, &o);
    if (doc && !order_check_room(c))
        order_scene(c, &o, doc, scene_begin);
    jdoc_close(&doc);
}

/* Of a scene that is on, its words and its camera alone may be others. */
static void check_wish(struct jval body)
{
    static const char *const fixed[] = {"model",   "negative_prompt", "size", "aspect_ratio",
                                        "seconds", "frames",          "fps",  "steps",
                                        "motion",  "guidance",        "seed"};

    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (j_has(body, fixed[i]))
            j_fail(body, fixed[i], "stays as it is while the scene is on");
    if (!j_has(body, "prompt") && !j_has(body, "camera"))
        j_fail(body, "prompt", "prompt or camera is wanted");
}

static void change(struct call *c)
{
    struct jdoc *doc = call_json(c), *params = NULL;
    struct order o;

    if (doc && !scene_check(c) && !scene_order(c, &params, &o)) {
        check_wish(jdoc_root(doc));
        order_scene(c, &o, doc, scene_change);
    }
    jdoc_close(&params);
    jdoc_close(&doc);
}

static void list(struct call *c)
{
    struct buf scene = BUF_INIT;
    struct jsonw w;

    write_scene(c, &scene);
    jsonw_init(&w, &c->out, 0);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "object", "list");
    jsonw_array(&w, "data");
    if (scene.len)
        jsonw_raw(&w, NULL, buf_str(&scene));
    jsonw_end_array(&w);
    jsonw_end_object(&w);
    call_reply_header(c, "Cache-Control", "no-store");
    buf_release(&scene);
}

static void retrieve(struct call *c)
{
    if (!scene_check(c))
        reply_scene(c);
}

static void erase(struct call *c)
{
    if (scene_check(c))
        return;
    scene_end(c->s->scene, 0);
    reply_scene(c);
}

static void frames(struct call *c)
{
    if (!scene_check(c))
        (void)!scene_watch(c);
}

const struct route api_live[] = {
    {"POST", "/v1/live", begin, STYLE_OPENAI, ROUTE_SLOW, BODY_SMALL},
    {"GET", "/v1/live", list, STYLE_OPENAI, 0, BODY_NONE},
    {"GET", "/v1/live/{}", retrieve, STYLE_OPENAI, 0, BODY_NONE},
    {"POST", "/v1/live/{}", change, STYLE_OPENAI, ROUTE_SLOW, BODY_SMALL},
    {"DELETE", "/v1/live/{}", erase, STYLE_OPENAI, 0, BODY_SMALL},
    {"GET", "/v1/live/{}/frames", frames, STYLE_OPENAI, ROUTE_SIGNED, BODY_NONE},
    {0},
};
