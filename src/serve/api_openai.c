/* api_openai.c - /v1/videos in the form of OpenAI's API
 * (platform.openai.com/docs/api-reference/videos), and what that form lacks: cancel, the queue,
 * events. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "serve/api.h"
#include "serve/film_file.h"
#include "serve/http.h"
#include "serve/keys.h"
#include "serve/order.h"
#include "serve/pictures.h"
#include "serve/retain.h"
#include "serve/video_json.h"
#include "serve/worker.h"

static void reply_video(struct call *c, const struct job *j)
{
    struct buf base = BUF_INIT;

    call_base_url(c, &base);
    video_json(c->s, j, buf_str(&base), &c->out);
    call_reply_header(c, "Cache-Control", "no-store");
    buf_release(&base);
}

/* The job of the address, of this tenant. -1: the call has failed. */
static int job_of_call(struct call *c, struct job *j)
{
    int64_t id = call_id(c, 0, VIDEO_PREFIX);
    struct err e;
    int rc = id < 0 ? -1 : jobs_get(c->s->jobs, c->tenant, id, j, &e);

    if (id > 0 && rc < 0)
        call_fail_err(c, &e);
    else if (id > 0 && !rc)
        call_fail(c, FAULT_NO_SUCH, NULL, "no such video");
    return rc > 0 ? 0 : -1;
}

/* ---- create ---- */

/* input_reference: a file of a form, or {"image_url": ...}; last_frame is our own. */
static int read_pictures(struct call *c, struct jval body, struct order *o)
{
    static const char *const fields[] = {"input_reference", "last_frame"};
    static const char *const nested[] = {"input_reference[image_url]", "last_frame[image_url]"};
    struct order_picture *const to[] = {&o->first, &o->last};

    for (int i = 0; i < 2; i++) {
        struct jval v = j_get(body, fields[i]);
        const char *text = j_has(body, nested[i])  ? j_string(body, nested[i])
                           : j_type(v) == J_STRING ? j_string(body, fields[i])
                           : j_type(v) == J_OBJECT ? j_string(v, "image_url")
                                                   : "";

        if (j_has(body, fields[i]) && j_type(v) != J_STRING && j_type(v) != J_OBJECT) {
            call_fail(c, FAULT_VALUE, fields[i], "%s: a text, or an object with image_url",
                      fields[i]);
            return -1;
        }
        const struct buf *file = call_file(c, fields[i], 0);
        if (file && order_picture(c, fields[i], file, to[i]))
            return -1;
        if (*text && order_picture_text(c, fields[i], text, to[i]))
            return -1;
    }
    return 0;
}

/* A file under a name that means nothing here is nothing to pass over. */
static int check_files(struct call *c)
{
    static const char *const names[] = {"input_reference", "last_frame", "video", ORDER_MASK_FILES};

    for (int k = 0; k < CALL_UPLOADS && *c->upload[k].name; k++) {
        int known = 0;

        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            known |= !strcmp(c->upload[k].name, names[i]);
        if (!known) {
            call_fail(c, FAULT_VALUE, c->upload[k].name,
                      "%s: no file of this name is read; input_reference, last_frame, "
                      "static_mask, dynamic_masks[][mask] are",
                      c->upload[k].name);
            return -1;
        }
    }
    return 0;
}

/* Read the body over o; place it, or change the job `change`. */
static void order_of_body(struct call *c, struct order *o, int64_t change)
{
    struct jdoc *doc = call_json(c);
    struct buf brush = BUF_INIT;
    struct job j = {0};
    struct err e;
    int rc = doc && !check_files(c) ? order_check_masks(c, jdoc_root(doc)) : -1;

    if (!rc) {
        order_read(jdoc_root(doc), o);
        rc = read_pictures(c, jdoc_root(doc), o);
    }
    if (!rc && order_has_masks(c, jdoc_root(doc)))
        rc = order_read_masks(c, jdoc_root(doc), "input_reference", o, &brush);
    if (!rc && jdoc_status(doc, &e)) {
        call_fail_err(c, &e);
        rc = -1;
    }
    if (!rc)
        rc = change ? order_change(c, change, o) : order_place(c, o, &j);
    if (!rc && !change)
        reply_video(c, &j);
    job_release(&j);
    buf_release(&brush);
    jdoc_close(&doc);
}

static void create(struct call *c)
{
    struct order o;

    order_init(&o, "openai");
    order_of_body(c, &o, 0);
}

/* What a film would be and how long it takes, without a job: for those who are still typing. */
static void plan(struct call *c)
{
    struct buf params = BUF_INIT, facts = BUF_INIT;
    struct jdoc *doc = call_json(c);
    struct order o;
    struct err e;

    order_init(&o, "openai");
    if (doc) {
        order_read(jdoc_root(doc), &o);
        order_no_masks(jdoc_root(doc));
        if (jdoc_status(doc, &e))
            call_fail_err(c, &e);
        else if (!order_plan(c, &o, &params, &facts))
            video_plan_json(buf_str(&params), buf_str(&facts), &c->out);
    }
    buf_release(&params);
    buf_release(&facts);
    jdoc_close(&doc);
}

/* The same film with other words: size, seed and pictures stay, unless they are said again. */
static void remix(struct call *c)
{
    struct jdoc *params = NULL;
    struct order o;
    struct job j;

    if (job_of_call(c, &j))
        return;
    if (jdoc_parse(&params, j.params, strlen(j.params), "params", NULL)) {
        call_fail(c, FAULT_SERVER, NULL, "the video's parameters cannot be read");
    } else {
        order_of_job(&j, params, &o);
        o.parent = j.id;
        order_of_body(c, &o, 0);
    }
    jdoc_close(&params);
    job_release(&j);
}

/* ---- the queue ---- */

static int move(struct call *c, int64_t id)
{
    struct jdoc *doc = call_json(c);
    struct err e;
    int64_t place;
    int rc = 0;

    if (!doc)
        return -1;
    place = order_int(jdoc_root(doc), "queue_position", 0, 1000000, -1);
    if (jdoc_status(doc, &e)) {
        call_fail_err(c, &e);
        rc = -1;
    } else if (place >= 0) {
        rc = jobs_move(c->s->jobs, c->tenant, id, (int)place, &e);
        if (rc < 0)
            call_fail_err(c, &e);
        else if (!rc)
            call_fail(c, FAULT_CONFLICT, NULL, "the video does not wait any more");
        rc = rc > 0 ? 0 : -1;
    }
    jdoc_close(&doc);
    return rc;
}

/* Of a job that waits: other words, another place. */
static void change(struct call *c)
{
    struct jdoc *params = NULL;
    struct order o;
    struct job j;

    if (job_of_call(c, &j))
        return;
    if (j.state != JOB_QUEUED) {
        call_fail(c, FAULT_CONFLICT, NULL, "the video does not wait any more");
    } else if (jdoc_parse(&params, j.params, strlen(j.params), "params", NULL)) {
        call_fail(c, FAULT_SERVER, NULL, "the video's parameters cannot be read");
    } else {
        order_of_job(&j, params, &o);
        if (!move(c, j.id))
            order_of_body(c, &o, j.id);
    }
    jdoc_close(&params);
    if (c->status == 200) {
        job_release(&j);
        board_change(c->s->board, call_id(c, 0, VIDEO_PREFIX), c->tenant);
        order_queue_changed(c->s);
        if (!job_of_call(c, &j))
            reply_video(c, &j);
    }
    job_release(&j);
}

/* The film that an extension names: {"id": ...}, the field video[id] of a form, or its bytes, as
 * OpenAI's Python client can say it alone. -1: the call has failed. */
static int named_film(struct call *c, struct jval body, struct job *j)
{
    const struct buf *film = call_file(c, "video", 0);
    struct jval video = j_get(body, "video");
    struct sha256 h;
    struct err e;
    char sha[65];

    if (!film || !film->len) {
        const char *id = j_type(video) == J_OBJECT   ? j_string(video, "id")
                         : j_type(video) == J_STRING ? j_string(body, "video")
                                                     : j_string_or(body, "video[id]", "");
        snprintf(c->arg[0], sizeof c->arg[0], "%s", id);
        return job_of_call(c, j);
    }
    sha256_init(&h);
    sha256_add(&h, buf_str(film), film->len);
    sha256_hex(&h, sha);
    int rc = jobs_get_film(c->s->jobs, c->tenant, sha, j, &e);
    if (rc < 0)
        call_fail_err(c, &e);
    else if (!rc)
        call_fail(c, FAULT_MEDIA, "video", "video: only films that were made here go on");
    return rc > 0 ? 0 : -1;
}

static void extend(struct call *c)
{
    struct jdoc *doc = call_json(c), *params = NULL;
    struct order o;
    struct job j = {0};

    if (!doc)
        return;
    if (!named_film(c, jdoc_root(doc), &j)) {
        if (jdoc_parse(&params, j.params, strlen(j.params), "params", NULL)) {
            call_fail(c, FAULT_SERVER, NULL, "the video's parameters cannot be read");
        } else {
            order_of_job(&j, params, &o);
            o.last.name[0] = '\0';
            o.shots = NULL;
            if (o.pictures) {
                o.pictures = o.frames = 0;
                o.strength = -1;
            }
            if (!order_goes_on(c, &j, &o))
                order_of_body(c, &o, 0);
        }
    }
    job_release(&j);
    jdoc_close(&params);
    jdoc_close(&doc);
}

static void cancel(struct call *c)
{
    struct job j, after = {0};

    if (job_of_call(c, &j))
        return;
    if (!order_cancel(c, j.id, &after))
        reply_video(c, &after);
    job_release(&after);
    job_release(&j);
}

static void drop_files(struct server *s, const struct job *j)
{
    static const char *const endings[] = {"png", "last.png"};
    char name[48];

    film_file_drop(s, j->result);
    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%lld.%s", (long long)j->id, endings[i]);
        char *path = path_join(s->preview_dir, name);
        remove(path);
        free(path);
    }
}

static void erase(struct call *c)
{
    struct jsonw w;
    struct job j, after = {0};
    struct err e;

    if (job_of_call(c, &j))
        return;
    jobs_cancel(c->s->jobs, c->tenant, j.id, &after, &e);
    job_release(&after);
    if (jobs_delete(c->s->jobs, c->tenant, j.id, &e) < 0) {
        call_fail_err(c, &e);
    } else {
        worker_cancel(c->s->worker, j.id);
        drop_files(c->s, &j);
        work_forget(c->s, j.id);
        board_over(c->s->board, j.id);
        board_change(c->s->board, j.id, c->tenant);
        order_queue_changed(c->s);
        jsonw_init(&w, &c->out, 0);
        jsonw_object(&w, NULL);
        jsonw_string(&w, "id", c->arg[0]);
        jsonw_string(&w, "object", "video.deleted");
        jsonw_bool(&w, "deleted", 1);
        jsonw_end_object(&w);
    }
    job_release(&j);
}

/* ---- looking ---- */

static void retrieve(struct call *c)
{
    struct job j;

    if (job_of_call(c, &j))
        return;
    reply_video(c, &j);
    job_release(&j);
}

struct page {
    struct call *c;
    struct jsonw w;
    struct buf base;
    int64_t first, last;
    int n, most;
};

static void add_video(void *arg, struct job *j)
{
    struct page *p = arg;
    struct buf one = BUF_INIT;

    if (p->n++ >= p->most)
        return; /* only to know that there is more */
    p->first = p->first ? p->first : j->id;
    p->last = j->id;
    video_json(p->c->s, j, buf_str(&p->base), &one);
    jsonw_raw(&p->w, NULL, buf_str(&one));
    buf_release(&one);
}

static void write_end(struct page *p)
{
    char id[40];

    jsonw_end_array(&p->w);
    snprintf(id, sizeof id, VIDEO_PREFIX "%lld", (long long)p->first);
    jsonw_string(&p->w, "first_id", p->first ? id : NULL);
    snprintf(id, sizeof id, VIDEO_PREFIX "%lld", (long long)p->last);
    jsonw_string(&p->w, "last_id", p->last ? id : NULL);
    jsonw_bool(&p->w, "has_more", p->n > p->most);
    jsonw_end_object(&p->w);
}

static int read_page(struct call *c, struct jobs_list *l)
{
    struct buf b = BUF_INIT;
    const size_t prefix = sizeof VIDEO_PREFIX - 1;
    int64_t limit = 20;
    int ok = 1;

    if (call_query(c, "limit", &b))
        ok = !parse_int(buf_str(&b), &limit) && limit >= 1 && limit <= 100;
    if (ok && call_query(c, "after", &b))
        ok = !strncmp(buf_str(&b), VIDEO_PREFIX, prefix) &&
             !parse_int(buf_str(&b) + prefix, &l->after) && l->after > 0;
    if (ok && call_query(c, "order", &b)) {
        ok = !strcmp(buf_str(&b), "asc") || !strcmp(buf_str(&b), "desc");
        l->ascending = !strcmp(buf_str(&b), "asc");
    }
    buf_release(&b);
    l->limit = (int)limit + 1;
    if (!ok)
        call_fail(c, FAULT_VALUE, NULL,
                  "limit is 1 to 100, after the id of a video, order asc or desc");
    return ok ? 0 : -1;
}

static void list(struct call *c)
{
    struct jobs_list l = {.tenant = c->tenant};
    struct page p = {.c = c};
    struct err e;

    if (read_page(c, &l))
        return;
    p.most = l.limit - 1;
    call_base_url(c, &p.base);
    jsonw_init(&p.w, &c->out, 0);
    jsonw_object(&p.w, NULL);
    jsonw_string(&p.w, "object", "list");
    jsonw_array(&p.w, "data");
    if (jobs_each(c->s->jobs, &l, add_video, &p, &e) < 0)
        call_fail_err(c, &e);
    else
        write_end(&p);
    call_reply_header(c, "Cache-Control", "no-store");
    buf_release(&p.base);
}

static void reply_preview(struct call *c, int64_t id)
{
    char name[40];

    snprintf(name, sizeof name, "%lld.png", (long long)id);
    reply_file(c, c->s->preview_dir, name, "image/png", NULL);
}

static void content(struct call *c)
{
    struct buf variant = BUF_INIT;
    struct job j;

    if (job_of_call(c, &j))
        return;
    if (!call_query(c, "variant", &variant))
        buf_puts(&variant, "video");
    if (!strcmp(buf_str(&variant), "thumbnail"))
        reply_preview(c, j.id);
    else if (strcmp(buf_str(&variant), "video"))
        call_fail(c, FAULT_VALUE, "variant", "variant: video or thumbnail");
    else if (j.state != JOB_SUCCEEDED)
        call_fail(c, FAULT_NO_SUCH, NULL, "the video is not done: it is %s",
                  job_state_name(j.state));
    else if (retain_is_gone(c, &j))
        ;
    else if (job_pictures(&j))
        reply_picture(c, &j, 0);
    else
        reply_file(c, c->s->film_dir, j.result, "video/mp4", j.result_sha);
    buf_release(&variant);
    job_release(&j);
}

static void events_of_one(struct call *c)
{
    struct job j;

    if (job_of_call(c, &j))
        return;
    events_reply(http_events(c->s->http), c, j.id);
    job_release(&j);
}

static void events_of_all(struct call *c)
{
    events_reply(http_events(c->s->http), c, 0);
}

/* Of the API's newest calls: what the models here cannot do. */
static void no_edits(struct call *c)
{
    call_fail(c, FAULT_NO_SUCH, NULL,
              "films are not edited here; /v1/videos/ID/remix draws one anew with other words");
}

static void no_characters(struct call *c)
{
    call_fail(c, FAULT_NO_SUCH, NULL, "the models here know no characters taken from films");
}

const struct route api_openai[] = {
    {"POST", "/v1/videos", create, STYLE_OPENAI, ROUTE_MULTIPART | ROUTE_SLOW, BODY_PICTURES},
    {"POST", "/v1/videos/plan", plan, STYLE_OPENAI, ROUTE_SLOW, BODY_SMALL},
    {"POST", "/v1/videos/extensions", extend, STYLE_OPENAI, ROUTE_MULTIPART | ROUTE_SLOW,
     BODY_PICTURES},
    {"POST", "/v1/videos/edits", no_edits, STYLE_OPENAI, ROUTE_MULTIPART, BODY_PICTURES},
    {"POST", "/v1/videos/characters", no_characters, STYLE_OPENAI, ROUTE_MULTIPART, BODY_PICTURES},
    {"GET", "/v1/videos/characters/{}", no_characters, STYLE_OPENAI, 0, BODY_NONE},
    {"GET", "/v1/videos", list, STYLE_OPENAI, 0, BODY_NONE},
    {"GET", "/v1/videos/{}", retrieve, STYLE_OPENAI, 0, BODY_NONE},
    {"DELETE", "/v1/videos/{}", erase, STYLE_OPENAI, 0, BODY_SMALL},
    {"PATCH", "/v1/videos/{}", change, STYLE_OPENAI, ROUTE_SLOW, BODY_SMALL},
    {"GET", "/v1/videos/{}/content", content, STYLE_OPENAI, 0, BODY_NONE},
    {"POST", "/v1/videos/{}/remix", remix, STYLE_OPENAI, ROUTE_SLOW, BODY_SMALL},
    {"POST", "/v1/videos/{}/cancel", cancel, STYLE_OPENAI, 0, BODY_SMALL},
    {"GET", "/v1/videos/{}/events", events_of_one, STYLE_OPENAI, 0, BODY_NONE},
    {"GET", "/v1/events", events_of_all, STYLE_OPENAI, 0, BODY_NONE},
    {0},
};
