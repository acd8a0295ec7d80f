#include "serve/scene.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "media/picture.h"
#include "media/projector.h"
#include "serve/sign.h"
#include "serve/stream.h"
#include "serve/worker.h"

#define LOOK_S 0.25 /* between two looks at whether it is to end */

enum status { NONE, STARTING, PLAYING, ENDED };
/* How it ends, in the order of the table of words. */
enum why { ON, STOPPED, UNWATCHED, YIELDED, SERVER_ENDS, FAILED };

struct scene {
    struct server *s;
    struct stream *stream;
    pthread_mutex_t lock; /* guards what follows */
    enum status status;
    enum why why;
    int64_t id;
    const char *tenant;             /* as keys have it */
    char *params, *facts, *failure; /* owned: JSON as of a job; why it failed */
    int wish, seen;                 /* numbers: the latest, and that of the picture shown last */
    int pictures;                   /* shown so far */
    double answer_s;                /* from the last wish that was seen to its first picture; 0 */
    double films_wait_since;        /* clock_s; 0: no film waits */
    struct projector *projector;    /* while it is drawn */
    struct picture last;            /* of the thread that shows */
};

struct scene *scene_new(struct server *s)
{
    struct scene *sc = xcalloc(1, sizeof *sc);

    sc->s = s;
    sc->stream = stream_new();
    pthread_mutex_init(&sc->lock, NULL);
    return sc;
}

void scene_stop(struct scene *sc)
{
    stream_end(sc->stream);
}

void scene_free(struct scene **scene)
{
    struct scene *sc = *scene;

    if (!sc)
        return;
    stream_free(&sc->stream);
    pthread_mutex_destroy(&sc->lock);
    free(sc->params), free(sc->facts), free(sc->failure);
    free(sc);
    *scene = NULL;
}

static void replace(char **text, const char *by)
{
    free(*text);
    *text = xstrdup(by);
}

/* Who watches events is told. */
static void tell(struct scene *sc)
{
    pthread_mutex_lock(&sc->lock);
    const char *tenant = sc->tenant;
    pthread_mutex_unlock(&sc->lock);
    board_change(sc->s->board, SCENE_CHANGE, tenant);
}

/* ---- calls ---- */

static int is_on(const struct scene *sc)
{
    return sc->status == STARTING || sc->status == PLAYING;
}

/* Those that are drawn by others are no concern of ours. */
static int film_waits(struct server *s)
{
    int64_t id;

    return jobs_queue(s->jobs, &id, 1) > 0;
}

static int try_begin(struct scene *sc, const char *tenant, const char *params, const char *facts)
{
    int64_t now = jobs_now_ms() * 1000;

    if (is_on(sc))
        return -1;
    sc->status = STARTING;
    sc->why = ON;
    sc->id = now > sc->id ? now : sc->id + 1;
    sc->tenant = tenant;
    replace(&sc->params, params);
    replace(&sc->facts, facts);
    sc->wish = sc->seen = sc->pictures = 0;
    sc->answer_s = sc->films_wait_since = 0;
    stream_begin(sc->stream);
    return 0;
}

int scene_begin(struct call *c, const struct order *o, const struct buf *params,
                const struct buf *facts)
{
    struct scene *sc = c->s->scene;
    int rc = -1;

    (void)o;
    if (!c->s->o.workers) {
        call_fail(c, FAULT_BUSY, NULL, "nothing is drawn here (--workers 0)");
    } else if (worker_is_drawing(c->s->worker) || film_waits(c->s)) {
        call_fail(c, FAULT_CONFLICT, NULL,
                  "films are being drawn or wait; a live scene begins when there are none");
    } else {
        pthread_mutex_lock(&sc->lock);
        rc = try_begin(sc, c->tenant, buf_str(params), buf_str(facts));
        pthread_mutex_unlock(&sc->lock);
        if (rc)
            call_fail(c, FAULT_CONFLICT, NULL,
                      "a live scene is on already; there is one at a time");
        else
            worker_wake(c->s->worker);
    }
    if (!rc)
        tell(sc);
    return rc;
}

int scene_check(struct call *c)
{
    struct scene *sc = c->s->scene;
    int64_t id = call_id(c, 0, SCENE_PREFIX);
    int ok;

    if (id < 0)
        return -1;
    pthread_mutex_lock(&sc->lock);
    ok = sc->status != NONE && sc->id == id &&
         ((c->tenant && !strcmp(c->tenant, sc->tenant)) || call_is_signed(c));
    pthread_mutex_unlock(&sc->lock);
    if (!ok)
        call_fail(c, FAULT_NO_SUCH, NULL, "no such live scene (any more)");
    return ok ? 0 : -1;
}

int scene_order(struct call *c, struct jdoc **params, struct order *o)
{
    struct scene *sc = c->s->scene;
    struct job j = {.model = "default", .facts = "{}"};
    int rc, on;

    pthread_mutex_lock(&sc->lock);
    on = is_on(sc);
    j.params = sc->params;
    rc = jdoc_parse(params, j.params, strlen(j.params), "params", NULL);
    pthread_mutex_unlock(&sc->lock);
    if (rc || !on) {
        call_fail(c, FAULT_CONFLICT, NULL, "the live scene has ended");
        return -1;
    }
    order_of_job(&j, *params, o);
    return 0;
}

int scene_change(struct call *c, const struct order *o, const struct buf *params,
                 const struct buf *facts)
{
    const char *camera = o->camera && *o->camera ? o->camera : "none";
    struct scene *sc = c->s->scene;
    int on;

    pthread_mutex_lock(&sc->lock);
    on = is_on(sc);
    if (on) {
        replace(&sc->params, buf_str(params));
        replace(&sc->facts, buf_str(facts));
        sc->wish = sc->projector ? projector_wish(sc->projector, o->prompt, camera) : 1;
    }
    pthread_mutex_unlock(&sc->lock);
    if (!on)
        call_fail(c, FAULT_CONFLICT, NULL, "the live scene has ended");
    else
        tell(sc);
    return on ? 0 : -1;
}

static void end(struct scene *sc, enum why why)
{
    pthread_mutex_lock(&sc->lock);
    if (is_on(sc) && sc->why == ON) {
        sc->why = why;
        if (sc->projector)
            projector_close(sc->projector);
    }
    pthread_mutex_unlock(&sc->lock);
}

void scene_end(struct scene *sc, int server_ends)
{
    end(sc, server_ends ? SERVER_ENDS : STOPPED);
}

int scene_watch(struct call *c)
{
    return stream_reply(c->s->scene->stream, c);
}

/* ---- the object ---- */

static void write_said(struct jsonw *w, const struct scene *sc)
{
    static const char *const texts[] = {"canonical_prompt", "unknown_words", "note"};
    static const char *const numbers[] = {"width", "height", "fps", "seed", "steps"};
    struct jdoc *params = NULL, *facts = NULL;

    if (!jdoc_parse(&params, sc->params, strlen(sc->params), "params", NULL) &&
        !jdoc_parse(&facts, sc->facts, strlen(sc->facts), "facts", NULL)) {
        struct jval p = jdoc_root(params), f = jdoc_root(facts);

        jsonw_string(w, "prompt", j_string(p, "prompt"));
        jsonw_string(w, "camera", j_has(p, "camera") ? j_string(p, "camera") : NULL);
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            jsonw_string(w, texts[i], j_has(f, texts[i]) ? j_string(f, texts[i]) : NULL);
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
            jsonw_real(w, numbers[i], j_real_or(f, numbers[i], 0, 1e17, 0));
    }
    jdoc_close(&params);
    jdoc_close(&facts);
}

static void write_end(struct jsonw *w, const struct scene *sc)
{
    static const char *const words[][2] = {[STOPPED] = {"stopped", "it was ended"},
                                           [UNWATCHED] = {"unwatched", "nobody watched"},
                                           [YIELDED] = {"films_wait", "films were waiting"},
                                           [SERVER_ENDS] = {"server_ends", "the server ended"},
                                           [FAILED] = {"failed", ""}};

    if (sc->status != ENDED) {
        jsonw_null(w, "ended");
        return;
    }
    jsonw_object(w, "ended");
    jsonw_string(w, "code", words[sc->why][0]);
    jsonw_string(w, "message", sc->why == FAILED ? sc->failure : words[sc->why][1]);
    jsonw_end_object(w);
}

static double left_s(const struct scene *sc)
{
    double since = sc->films_wait_since > 0 ? sc->films_wait_since : clock_s();
    double left = since + sc->s->o.live_yield_s - clock_s();

    return left > 0 ? left : 0;
}

double scene_left_s(struct scene *sc)
{
    pthread_mutex_lock(&sc->lock);
    double left = is_on(sc) ? left_s(sc) : -1;
    pthread_mutex_unlock(&sc->lock);
    return left;
}

static void write_scene(struct jsonw *w, const struct scene *sc, const char *url)
{
    static const char *const names[] = {"", "starting", "playing", "ended"};
    char id[40];

    snprintf(id, sizeof id, SCENE_PREFIX "%lld", (long long)sc->id);
    jsonw_object(w, NULL);
    jsonw_string(w, "id", id);
    jsonw_string(w, "object", "live");
    jsonw_string(w, "status", names[sc->status]);
    jsonw_int(w, "created_at", sc->id / 1000000);
    write_said(w, sc);
    jsonw_int(w, "wish", sc->wish);
    jsonw_int(w, "seen", sc->seen);
    jsonw_int(w, "pictures", sc->pictures);
    jsonw_int(w, "watchers", is_on(sc) ? stream_watchers(sc->stream) : 0);
    if (sc->answer_s > 0)
        jsonw_real(w, "answer", (double)(int)(sc->answer_s * 1000) / 1000);
    else
        jsonw_null(w, "answer");
    if (is_on(sc) && sc->films_wait_since > 0)
        jsonw_int(w, "yields_in", (int64_t)ceil(left_s(sc)));
    else
        jsonw_null(w, "yields_in");
    write_end(w, sc);
    jsonw_string(w, "frames_url", url);
    jsonw_end_object(w);
}

void scene_json(struct scene *sc, const char *tenant, const char *base, struct buf *out)
{
    enum { DAY_S = 24 * 60 * 60 };
    struct buf url = BUF_INIT;
    struct jsonw w;
    char path[80];

    pthread_mutex_lock(&sc->lock);
    if (sc->status != NONE && tenant && !strcmp(tenant, sc->tenant)) {
        snprintf(path, sizeof path, "/v1/live/" SCENE_PREFIX "%lld/frames", (long long)sc->id);
        buf_printf(&url, "%s%s", base, path);
        sign_path(&url, jobs_secret(sc->s->jobs), path, sc->id / 1000000 + DAY_S);
        jsonw_init(&w, out, 0);
        write_scene(&w, sc, buf_str(&url));
    }
    pthread_mutex_unlock(&sc->lock);
    buf_release(&url);
}

/* ---- showing ---- */

static void look(struct scene *sc, double *alone_since)
{
    double now = clock_s();
    int wait = film_waits(sc->s), news;

    if (stream_watchers(sc->stream))
        *alone_since = now;
    pthread_mutex_lock(&sc->lock);
    news = wait != (sc->films_wait_since > 0);
    if (!wait)
        sc->films_wait_since = 0;
    else if (sc->films_wait_since == 0)
        sc->films_wait_since = now;
    double waited = wait ? now - sc->films_wait_since : -1;
    pthread_mutex_unlock(&sc->lock);
    if (news)
        tell(sc);
    if (waited >= sc->s->o.live_yield_s)
        end(sc, YIELDED);
    else if (now - *alone_since > sc->s->o.live_alone_s)
        end(sc, UNWATCHED);
}

/* A picture that is as the one before needs no sending. */
static int show(struct scene *sc, const struct projector_frame *f, int number, struct err *e)
{
    struct picture *last = &sc->last;
    size_t bytes = (size_t)last->w * (size_t)last->h * 3;
    struct buf jpeg = BUF_INIT;
    char headers[80];
    int rc = 0, same = number && sc->seen == f->wish && !memcmp(last->rgb, f->rgb, bytes);

    if (!same) {
        memcpy(last->rgb, f->rgb, bytes);
        rc = picture_encode(last, "jpg", &jpeg, e);
    }
    if (!rc && !same) {
        double answer = projector_figures(sc->projector).last_answer_s;

        snprintf(headers, sizeof headers, "X-Frame: %d\r\nX-Wish: %d\r\n", number, f->wish);
        stream_show(sc->stream, &jpeg, headers);
        int news = !number || sc->seen != f->wish;
        pthread_mutex_lock(&sc->lock);
        sc->status = PLAYING;
        sc->pictures++;
        sc->answer_s = answer;
        sc->seen = f->wish;
        pthread_mutex_unlock(&sc->lock);
        if (news)
            tell(sc);
    }
    buf_release(&jpeg);
    return rc;
}

static void wait_until(double when)
{
    double left = when - clock_s();
    struct timespec t = {(time_t)left, (long)((left - (double)(time_t)left) * 1e9)};

    if (left > 0)
        nanosleep(&t, NULL);
}

static void fail(struct scene *sc, const struct err *e)
{
    server_log(sc->s, "live-failed", "why", e->msg);
    pthread_mutex_lock(&sc->lock);
    replace(&sc->failure, server_says(sc->s, e));
    pthread_mutex_unlock(&sc->lock);
    end(sc, FAILED);
}

static void *show_main(void *arg)
{
    struct scene *sc = arg;
    double alone_since = clock_s(), looked = 0;
    struct projector_frame f;
    struct err e;

    for (int number = 0; !projector_is_closed(sc->projector);) {
        if (clock_s() - looked > LOOK_S) {
            looked = clock_s();
            look(sc, &alone_since);
        }
        if (!projector_next(sc->projector, LOOK_S, &f))
            continue;
        wait_until(f.when);
        if (show(sc, &f, number++, &e))
            fail(sc, &e);
        free(f.rgb);
    }
    return NULL;
}

/* ---- drawing ---- */

int scene_waits(struct scene *sc)
{
    pthread_mutex_lock(&sc->lock);
    int waits = sc->status == STARTING;
    pthread_mutex_unlock(&sc->lock);
    return waits;
}

static int on_frame(void *projector, int index, int n_frames, const uint8_t *rgb, int w, int h)
{
    (void)n_frames, (void)w, (void)h;
    return projector_put(projector, index, rgb);
}

static int on_turn(void *projector, int *keep, const char **prompt, const char **camera)
{
    return projector_turn(projector, keep, prompt, camera);
}

static void interrupt(void *job)
{
    zt_job_turn(job);
}

/* The job as it was ordered last, in bytes, which are drawn in half the time. */
static int plan(struct scene *sc, zt_job *job, struct err *e)
{
    pthread_mutex_lock(&sc->lock);
    int rc = e->code = zt_job_set_json(job, sc->params, e->msg, sizeof e->msg);
    pthread_mutex_unlock(&sc->lock);
    if (!rc)
        rc = e->code = zt_job_set(job, "type", "int8", e->msg, sizeof e->msg);
    return rc ? rc : (e->code = zt_job_plan(job, e->msg, sizeof e->msg));
}

/* From now on wishes reach it; one that came before is its first. */
static void join(struct scene *sc, struct projector *p)
{
    struct jdoc *doc;

    pthread_mutex_lock(&sc->lock);
    sc->projector = p;
    if (sc->wish && !jdoc_parse(&doc, sc->params, strlen(sc->params), "params", NULL)) {
        struct jval v = jdoc_root(doc);

        sc->wish = projector_wish(p, j_string(v, "prompt"), j_string_or(v, "camera", "none"));
        jdoc_close(&doc);
    }
    if (sc->why != ON)
        projector_close(p);
    pthread_mutex_unlock(&sc->lock);
}

static int play(struct scene *sc, zt_job *job, struct err *e)
{
    struct projector *p;
    pthread_t thread;
    int rc = plan(sc, job, e);

    if (rc)
        return rc;
    picture_init(&sc->last, atoi(zt_job_get(job, "width")), atoi(zt_job_get(job, "height")));
    p = projector_new(sc->last.w, sc->last.h, atof(zt_job_get(job, "fps")), interrupt, job);
    zt_job_on_frame(job, on_frame, p);
    join(sc, p);
    if (pthread_create(&thread, NULL, show_main, sc))
        panic("no thread that shows a live scene");
    rc = e->code = zt_job_live(job, on_turn, p, e->msg, sizeof e->msg);
    if (rc && projector_is_closed(p)) /* it was asked for */
        rc = 0;
    projector_close(p);
    pthread_join(thread, NULL);
    pthread_mutex_lock(&sc->lock);
    sc->projector = NULL;
    pthread_mutex_unlock(&sc->lock);
    projector_free(&p);
    picture_release(&sc->last);
    return rc;
}

void scene_draw(struct scene *sc, zt_model *model, const struct err *why)
{
    struct err e = {0};
    zt_job *job;
    int rc;

    server_log(sc->s, "live-began", "tenant", sc->tenant);
    zt_job_new(&job, model);
    rc = model ? play(sc, job, &e) : why->code;
    if (rc)
        fail(sc, model ? &e : why);
    zt_job_free(&job);
    pthread_mutex_lock(&sc->lock);
    sc->status = ENDED;
    pthread_mutex_unlock(&sc->lock);
    stream_end(sc->stream);
    tell(sc);
    server_log(sc->s, "live-ended", "tenant", sc->tenant);
}
