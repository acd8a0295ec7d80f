/* api_kling.c - Kling's API of the first generation: /v1/videos/text2video and its like. */
#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "serve/api.h"
#include "serve/kling.h"
#include "serve/pictures.h"

static const char *const MODES[] = {"std", "pro", "4k", NULL};
static const char *const ASPECTS[] = {"16:9", "9:16", "1:1", NULL};
static const char *const OFF[] = {"off", NULL};

#define PICTURES_PATH "/v1/images/generations"

/* What this API calls the kind of a film: the part of the path behind /v1/videos/. */
static void api_of_call(const struct call *c, char api[64])
{
    static const char prefix[] = "/v1/videos/", pictures[] = PICTURES_PATH;
    const char *kind = c->path + sizeof prefix - 1;

    if (!strncmp(c->path, pictures, sizeof pictures - 1))
        kind = "images";
    snprintf(api, 64, "kling1/%.*s", (int)strcspn(kind, "/"), kind);
}

/* ---- fields ---- */

static int refuse_unknown_arts(struct call *c, struct jval body)
{
    static const char *const arts[] = {"element_list", "voice_list", "video_list"};

    for (size_t i = 0; i < sizeof arts / sizeof *arts; i++)
        if (j_has(body, arts[i]) &&
            (j_type(j_get(body, arts[i])) != J_ARRAY || j_len(j_get(body, arts[i])) > 0)) {
            call_fail(c, FAULT_VALUE, arts[i], "%s: the models here do not know it", arts[i]);
            return -1;
        }
    return 0;
}

/* Of films and pictures. */
static int read_asked(struct call *c, struct jval body, struct kling *k)
{
    k->o.model = j_has(body, "model_name") ? j_string(body, "model_name")
                                           : j_string_or(body, "model", k->o.model);
    k->o.prompt = j_has(body, "prompt") ? j_string(body, "prompt") : NULL;
    k->o.negative = j_has(body, "negative_prompt") ? j_string(body, "negative_prompt") : NULL;
    k->o.seed = order_int(body, "seed", 0, INT64_C(1) << SEED_MOST_BITS, -1);
    k->o.steps = (int)order_int(body, "steps", 1, 1000, 0);
    k->o.size = j_has(body, "size") ? j_string(body, "size") : NULL;
    return refuse_unknown_arts(c, body) || kling_read_options(c, body, k) ? -1 : 0;
}

static int check_read(struct call *c, struct jval body)
{
    struct err e;

    if (!jdoc_status(body.doc, &e))
        return 0;
    call_fail(c, FAULT_VALUE, NULL, "%s", e.msg);
    return -1;
}

static int read_film(struct call *c, struct jval body, struct kling *k)
{
    const char *sound;

    k->cfg = order_real(body, "cfg_scale", 0, 1, -1);
    if (read_asked(c, body, k) || kling_choice(c, body, "mode", MODES, &k->mode, "std") ||
        kling_choice(c, body, "sound", OFF, &sound, "off") || kling_read_duration(c, body, k) ||
        kling_read_shots(c, body, k) || kling_read_camera(c, body, k))
        return -1;
    return check_read(c, body);
}

/* Reads with `more`, places. */
static void create(struct call *c, int (*more)(struct call *c, struct jval body, struct kling *k))
{
    struct jdoc *doc = call_json(c);
    struct kling k;
    char api[64];

    if (!doc)
        return;
    api_of_call(c, api);
    kling_init(&k, api);
    if (!read_film(c, jdoc_root(doc), &k) && !more(c, jdoc_root(doc), &k))
        kling_place(c, &k, KLING_1);
    kling_release(&k);
    jdoc_close(&doc);
}

static int read_aspect(struct call *c, struct jval body, struct kling *k)
{
    return kling_choice(c, body, "aspect_ratio", ASPECTS, &k->aspect, "16:9");
}

static void text2video(struct call *c)
{
    create(c, read_aspect);
}

static int read_images(struct call *c, struct jval body, struct kling *k)
{
    const char *first = j_string_or(body, "image", ""), *last = j_string_or(body, "image_tail", "");

    if (order_check_masks(c, body))
        return -1;
    if (!*first && !*last) {
        call_fail(c, FAULT_VALUE, "image", "image: at least one of image and image_tail is needed");
        return -1;
    }
    if (*last && j_has(body, "camera_control")) {
        call_fail(c, FAULT_VALUE, "camera_control",
                  "camera_control: image_tail and camera_control exclude each other");
        return -1;
    }
    if ((*first && order_picture_text(c, "image", first, &k->o.first)) ||
        (*last && order_picture_text(c, "image_tail", last, &k->o.last)))
        return -1;
    if (!order_has_masks(c, body))
        return 0;
    if (*k->o.last.name || k->o.camera) {
        call_fail(c, FAULT_VALUE, "dynamic_masks",
                  "dynamic_masks: image_tail, camera_control and masks exclude each other");
        return -1;
    }
    return order_read_masks(c, body, "image", &k->o, &k->brush);
}

static void image2video(struct call *c)
{
    create(c, read_images);
}

/* first_frame and end_frame alone: pictures to be referred to are another art. */
static int read_omni(struct call *c, struct jval body, struct kling *k)
{
    static const char *const types[] = {"first_frame", "end_frame", NULL};
    struct jval list = j_get(body, "image_list");
    const char *type;

    if (j_has(body, "image_list") && j_type(list) != J_ARRAY) {
        call_fail(c, FAULT_VALUE, "image_list", "image_list: an array of objects");
        return -1;
    }
    for (int i = 0; i < j_len(list); i++) {
        struct jval v = j_at_object(list, i);
        struct order_picture *to;

        if (kling_choice(c, v, "type", types, &type, ""))
            return -1;
        if (!*type) {
            call_fail(
                c, FAULT_VALUE, "image_list",
                "image_list: the models here know pictures of type first_frame and end_frame");
            return -1;
        }
        to = !strcmp(type, "first_frame") ? &k->o.first : &k->o.last;
        if (order_picture_text(c, "image_list", j_string(v, "image_url"), to))
            return -1;
    }
    return read_aspect(c, body, k);
}

static void omni_video(struct call *c)
{
    create(c, read_omni);
}

static int read_parent(struct call *c, struct jval body, struct kling *k)
{
    const char *id = j_string_or(body, "video_id", "");
    struct job parent = {0};
    int rc = *id ? kling_job(c, id, &parent) : 0;

    if (!rc)
        call_fail(c, FAULT_VALUE, "video_id", "video_id: there is no such video");
    rc = rc > 0 ? order_goes_on(c, &parent, &k->o) : -1;
    job_release(&parent);
    return rc;
}

static void video_extend(struct call *c)
{
    create(c, read_parent);
}

/* ---- pictures ---- */

/* About 1024 x 1024 pixels of this shape, or four times as many, in whole tokens. */
static void picture_size(const char *aspect, int k2, char size[32])
{
    int w = 1, h = 1;

    sscanf(aspect, "%d:%d", &w, &h);
    double side = k2 ? 2048 : 1024, shape = sqrt((double)w / h);
    snprintf(size, 32, "%dx%d", (int)(side * shape / 16 + 0.5) * 16,
             (int)(side / shape / 16 + 0.5) * 16);
}

/* image: what the pictures are drawn anew from, the more it is kept the less. */
static int read_source(struct call *c, struct jval body, struct kling *k)
{
    const char *image = j_string_or(body, "image", "");
    double fidelity = order_real(body, "image_fidelity", 0, 1, 0.5);

    if (*j_string_or(body, "image_reference", "")) {
        call_fail(c, FAULT_VALUE, "image_reference",
                  "image_reference: the models here take no subject or face from a picture; an "
                  "image alone is drawn anew");
        return -1;
    }
    if (!*image)
        return 0;
    k->o.strength = 1 - fidelity;
    return order_picture_text(c, "image", image, &k->o.first);
}

static int read_pictures(struct call *c, struct jval body, struct kling *k)
{
    static const char *const sizes[] = {"1k", "2k", NULL};
    static const char *const shapes[] = {"16:9", "9:16", "1:1",  "4:3", "3:4",
                                         "3:2",  "2:3",  "21:9", NULL};
    const char *size;

    k->o.pictures = (int)order_int(body, "n", 1, PICTURES_MOST, 1);
    k->o.frames = 1;
    if (read_asked(c, body, k) || kling_choice(c, body, "resolution", sizes, &size, "1k") ||
        kling_choice(c, body, "aspect_ratio", shapes, &k->aspect, "16:9") ||
        read_source(c, body, k))
        return -1;
    if (!k->o.size) {
        picture_size(k->aspect, *size == '2', k->o.size_text);
        k->o.size = k->o.size_text;
    }
    return check_read(c, body);
}

/* The path is also OpenAI's, whose clients wait for the pictures in the answer and would take a
 * task for an answer without pictures. They say who they are. */
static void pictures(struct call *c)
{
    struct jdoc *doc;
    struct kling k;
    char api[64];

    if (call_header(c, "X-Stainless-Lang")) {
        c->style = STYLE_OPENAI;
        call_fail(c, FAULT_NO_SUCH, NULL,
                  "pictures are tasks here, in the form of Kling's API; /v1/videos makes films");
        return;
    }
    doc = call_json(c);
    if (!doc)
        return;
    api_of_call(c, api);
    kling_init(&k, api);
    if (!read_pictures(c, jdoc_root(doc), &k))
        kling_place(c, &k, KLING_1);
    kling_release(&k);
    jdoc_close(&doc);
}

/* ---- looking ---- */

/* The job that the address names; -1: the call has failed. */
static int job_of_call(struct call *c, struct job *j)
{
    int rc = kling_job(c, c->arg[0], j);

    if (!rc)
        call_fail(c, FAULT_TASK, NULL, "Task not found");
    return rc > 0 ? 0 : -1;
}

static void reply_task(struct call *c, const struct job *j)
{
    struct buf base = BUF_INIT;
    struct jsonw w;

    call_base_url(c, &base);
    kling_begin(c, &w);
    kling_task(&w, "data", c->s, j, buf_str(&base), KLING_1);
    kling_end(&w);
    buf_release(&base);
}

static void query(struct call *c)
{
    struct job j;

    if (job_of_call(c, &j))
        return;
    reply_task(c, &j);
    job_release(&j);
}

static void cancel(struct call *c)
{
    struct job j, after = {0};

    if (job_of_call(c, &j))
        return;
    if (!order_cancel(c, j.id, &after))
        reply_task(c, &after);
    job_release(&after);
    job_release(&j);
}

struct page {
    struct call *c;
    struct jsonw *w;
    const char *base;
};

static void add_task(void *arg, struct job *j)
{
    struct page *p = arg;

    kling_task(p->w, NULL, p->c->s, j, p->base, KLING_1);
}

static int number_of_query(struct call *c, const char *name, int64_t most, int64_t *out)
{
    struct buf b = BUF_INIT;
    int rc = 0;

    if (call_query(c, name, &b) && (parse_int(buf_str(&b), out) || *out < 1 || *out > most)) {
        call_fail(c, FAULT_VALUE, name, "%s: 1 to %lld is allowed", name, (long long)most);
        rc = -1;
    }
    buf_release(&b);
    return rc;
}

/* Some clients ask the list for one task, by the client's own name for it. */
static int list_of_one(struct call *c)
{
    struct buf name = BUF_INIT;
    int one = call_query(c, "external_task_id", &name) && name.len;

    if (one) {
        snprintf(c->arg[0], sizeof c->arg[0], "%s", buf_str(&name));
        query(c);
    }
    buf_release(&name);
    return one;
}

static void list(struct call *c)
{
    enum { PAGES = 1000, SIZE = 500 };
    struct jobs_list l = {.tenant = c->tenant};
    struct buf base = BUF_INIT;
    int64_t page = 1, size = 30;
    struct jsonw w;
    struct page p = {c, &w, NULL};
    struct err e;
    char api[64];

    if (list_of_one(c))
        return;
    if (number_of_query(c, "pageNum", PAGES, &page) || number_of_query(c, "pageSize", SIZE, &size))
        return;
    api_of_call(c, api);
    l.api = api;
    l.limit = (int)size;
    l.offset = (int)((page - 1) * size);
    call_base_url(c, &base);
    p.base = buf_str(&base);
    kling_begin(c, &w);
    jsonw_array(&w, "data");
    if (jobs_each(c->s->jobs, &l, add_task, &p, &e) < 0) {
        call_fail_err(c, &e);
    } else {
        jsonw_end_array(&w);
        kling_end(&w);
    }
    buf_release(&base);
}

/* What an account has used up: there are no packs here, so none of them. Some clients ask it first,
 * to see whether their key is good. */
static void costs(struct call *c)
{
    struct jsonw w;

    kling_begin(c, &w);
    jsonw_object(&w, "data");
    jsonw_int(&w, "code", 0);
    jsonw_string(&w, "msg", "SUCCEED");
    jsonw_array(&w, "resource_pack_subscribe_infos");
    jsonw_end_array(&w);
    jsonw_end_object(&w);
    kling_end(&w);
}

static void not_here(struct call *c)
{
    call_fail(c, FAULT_NO_SUCH, NULL, "this product is not served here");
}

/* Its pictures are subjects that a film shows, in whatever place; the models here know pictures
 * that a film begins and ends with. */
static void no_subjects(struct call *c)
{
    call_fail(c, FAULT_NO_SUCH, NULL,
              "the models here take no subjects from pictures; image2video has the first and the "
              "last frame of a film (image, image_tail)");
}

/* clang-format off */
#define KIND(path, create) \
    {"POST", path, create, STYLE_KLING, ROUTE_SLOW, BODY_PICTURES}, \
    {"GET", path, list, STYLE_KLING, 0, BODY_NONE}, \
    {"GET", path "/{}", query, STYLE_KLING, 0, BODY_NONE}, \
    {"POST", path "/{}/cancel", cancel, STYLE_KLING, 0, BODY_SMALL}
#define WITHOUT(path, why) \
    {"POST", path, why, STYLE_KLING, 0, BODY_PICTURES}, \
    {"GET", path, why, STYLE_KLING, 0, BODY_NONE}, \
    {"GET", path "/{}", why, STYLE_KLING, 0, BODY_NONE}
#define MISSING(path) WITHOUT(path, not_here)

const struct route api_kling[] = {
    KIND("/v1/videos/text2video", text2video),
    KIND("/v1/videos/image2video", image2video),
    KIND("/v1/videos/omni-video", omni_video),
    KIND("/v1/videos/video-extend", video_extend),
    KIND(PICTURES_PATH, pictures),
    {"GET", "/account/costs", costs, STYLE_KLING, 0, BODY_NONE},
    WITHOUT("/v1/videos/multi-image2video", no_subjects),
    MISSING("/v1/videos/motion-control"),
    MISSING("/v1/videos/multi-elements"),
    MISSING("/v1/videos/multi-elements/init-selection"),
    MISSING("/v1/videos/multi-elements/add-selection"),
    MISSING("/v1/videos/multi-elements/delete-selection"),
    MISSING("/v1/videos/multi-elements/clear-selection"),
    MISSING("/v1/videos/multi-elements/preview-selection"),
    MISSING("/v1/videos/lip-sync"),
    MISSING("/v1/videos/identify-face"),
    MISSING("/v1/videos/advanced-lip-sync"),
    MISSING("/v1/videos/avatar/image2video"),
    MISSING("/v1/videos/effects"),
    MISSING("/v1/videos/image-recognize"),
    MISSING("/v1/images/omni-image"),
    WITHOUT("/v1/images/multi-image2image", no_subjects),
    MISSING("/v1/images/editing/expand"),
    MISSING("/v1/images/kolors-virtual-try-on"),
    MISSING("/v1/audio/text-to-audio"),
    MISSING("/v1/audio/video-to-audio"),
    MISSING("/v1/audio/tts"),
    MISSING("/v1/general/custom-voices"),
    MISSING("/v1/general/presets-voices"),
    MISSING("/v1/general/delete-voices"),
    MISSING("/v1/general/advanced-custom-elements"),
    MISSING("/v1/general/advanced-presets-elements"),
    MISSING("/v1/general/delete-elements"),
    MISSING("/v1/general/ai-multi-shot"),
    {0},
};
/* clang-format on */
