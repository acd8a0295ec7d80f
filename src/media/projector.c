#include "media/projector.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"

enum { RING = 512 };
enum { ANSWERED = -1, AWAITED = -2 }; /* instead of a frame's number */
#define MOST_LATE_S 0.25
#define SPARE_S 0.15 /* between what is drawn and what is shown */
/* A film can be cut every half second or so. The nearest cut, not the next one: of frames that come
 * too late for it the first are passed over. Where that would be seen too late, the cut before. */
#define CUTS_S 0.5
#define SOON_S 0.7

struct projector {
    pthread_mutex_t lock;
    pthread_cond_t moved; /* a frame was shown or came, or something was wished */
    uint8_t *frame[RING]; /* owned: number i at i % RING */
    int next, end;        /* to be shown; behind the last one that is there */
    size_t frame_bytes;
    double fps;
    void (*interrupt)(void *user);
    void *user;
    int closed;
    char *prompt, *camera;         /* wished and not taken yet */
    char *prompt_now, *camera_now; /* lent to the turn */
    int wishes, taken, seen;       /* numbers of the latest */
    double wished_s, asked_s;      /* when the first was made that waits; that was taken */
    int answer;                    /* first frame that shows it */
    double began_s;                /* when the window was begun; 0: its first frame has come */
    double draw_s;                 /* until the first frame of a window */
    double when, seen_s;           /* of the frame before: its time, and when it was shown */
    int waited;                    /* the next one was not there when it was asked for */
    struct projector_figures figures;
};

struct projector *projector_new(int w, int h, double fps, void (*interrupt)(void *user), void *user)
{
    struct projector *r = xcalloc(1, sizeof *r);

    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->moved, NULL);
    r->frame_bytes = (size_t)w * (size_t)h * 3;
    r->fps = fps;
    r->interrupt = interrupt;
    r->user = user;
    r->answer = ANSWERED;
    return r;
}

void projector_free(struct projector **projector)
{
    struct projector *r = *projector;

    if (!r)
        return;
    for (int i = 0; i < RING; i++)
        free(r->frame[i]);
    free(r->prompt), free(r->camera), free(r->prompt_now), free(r->camera_now);
    pthread_cond_destroy(&r->moved);
    pthread_mutex_destroy(&r->lock);
    free(r);
    *projector = NULL;
}

/* ---- who draws ---- */

static int is_wished(const struct projector *r)
{
    return r->prompt || r->camera;
}

/* The first frame of a window: how long it took, and what it shows. */
static void note_first(struct projector *r, int index)
{
    r->draw_s = clock_s() - r->began_s;
    r->began_s = 0;
    if (r->answer != AWAITED)
        return;
    r->answer = index;
    if (is_wished(r)) /* meanwhile */
        r->interrupt(r->user);
}

int projector_put(struct projector *r, int index, const uint8_t *rgb)
{
    int closed;

    pthread_mutex_lock(&r->lock);
    if (r->began_s > 0)
        note_first(r, index);
    while (!r->closed && index - r->next >= RING - 1)
        pthread_cond_wait(&r->moved, &r->lock);
    for (int i = index; i < r->end; i++) { /* taken back */
        free(r->frame[i % RING]);
        r->frame[i % RING] = NULL;
    }
    r->end = index;
    if (index >= r->next && !r->closed) {
        r->frame[index % RING] = xmalloc(r->frame_bytes);
        memcpy(r->frame[index % RING], rgb, r->frame_bytes);
        r->end = index + 1;
    }
    if (r->end < r->next)
        r->end = r->next;
    closed = r->closed;
    pthread_cond_broadcast(&r->moved);
    pthread_mutex_unlock(&r->lock);
    return closed;
}

static void take_wish(struct projector *r, int *keep, const char **prompt, const char **camera)
{
    double left = SOON_S - (clock_s() - r->wished_s) - r->draw_s;
    double behind = fmin(fmax(left, 0), CUTS_S / 2) - CUTS_S; /* from when it is drawn */
    int reached = r->next + (int)floor((r->draw_s + behind) * r->fps);

    free(r->prompt_now);
    free(r->camera_now);
    r->prompt_now = r->prompt;
    r->camera_now = r->camera;
    r->prompt = r->camera = NULL;
    if (r->prompt_now)
        *prompt = r->prompt_now;
    if (r->camera_now)
        *camera = r->camera_now;
    r->taken = r->wishes;
    r->asked_s = r->wished_s;
    r->answer = AWAITED;
    reached = reached > 0 ? reached : 0;
    if (*keep > reached)
        *keep = reached;
}

/* Drawing waits until what is there lasts just long enough for the next window. */
int projector_turn(struct projector *r, int *keep, const char **prompt, const char **camera)
{
    int closed;

    pthread_mutex_lock(&r->lock);
    while (!r->closed && !is_wished(r) &&
           (r->end - r->next) / r->fps > 1.5 * r->draw_s + 2 * SPARE_S)
        pthread_cond_wait(&r->moved, &r->lock);
    if (is_wished(r))
        take_wish(r, keep, prompt, camera);
    r->began_s = clock_s();
    closed = r->closed;
    pthread_mutex_unlock(&r->lock);
    return closed;
}

/* ---- who shows ---- */

static void note_answer(struct projector *r)
{
    struct projector_figures *f = &r->figures;

    f->last_answer_s = clock_s() - fmax(r->asked_s, f->first_s);
    f->slowest_answer_s = fmax(f->slowest_answer_s, f->last_answer_s);
    f->answers++;
    r->seen = r->taken;
    r->answer = ANSWERED;
}

/* One frame after the other; what was not drawn in time is not made up for. */
static double time_of_next(struct projector *r)
{
    double now = clock_s();

    r->when = r->figures.shown ? r->when + 1 / r->fps : now;
    if (!r->figures.shown)
        r->figures.first_s = now;
    r->figures.late += r->waited && r->when < now;
    r->waited = 0;
    if (r->when < now - MOST_LATE_S)
        r->when = now;
    now = fmax(now, r->when);
    if (r->figures.shown)
        r->figures.longest_gap_s = fmax(r->figures.longest_gap_s, now - r->seen_s);
    r->seen_s = now;
    return r->when;
}

static struct timespec in_so_long(double s)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += (time_t)s;
    t.tv_nsec += (long)((s - floor(s)) * 1e9);
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

int projector_next(struct projector *r, double most_s, struct projector_frame *out)
{
    const struct timespec until = in_so_long(most_s);
    int over = 0, found;

    pthread_mutex_lock(&r->lock);
    while (r->next >= r->end && !r->closed && !over) {
        r->waited = 1;
        over = pthread_cond_timedwait(&r->moved, &r->lock, &until) != 0;
    }
    found = r->next < r->end;
    if (found) {
        uint8_t **at = &r->frame[r->next % RING];

        if (r->answer >= 0 && r->next >= r->answer)
            note_answer(r);
        *out = (struct projector_frame){*at, time_of_next(r), r->seen};
        *at = NULL;
        r->next++;
        r->figures.shown++;
    }
    pthread_cond_broadcast(&r->moved);
    pthread_mutex_unlock(&r->lock);
    return found;
}

/* ---- any thread ---- */

static void replace(char **text, const char *by)
{
    if (!by)
        return;
    free(*text);
    *text = xstrdup(by);
}

int projector_wish(struct projector *r, const char *prompt, const char *camera)
{
    int number;

    pthread_mutex_lock(&r->lock);
    if (!is_wished(r)) /* who wishes again is answered no sooner */
        r->wished_s = clock_s();
    replace(&r->prompt, prompt);
    replace(&r->camera, camera);
    number = ++r->wishes;
    if (r->answer != AWAITED)
        r->interrupt(r->user);
    pthread_cond_broadcast(&r->moved);
    pthread_mutex_unlock(&r->lock);
    return number;
}

void projector_close(struct projector *r)
{
    pthread_mutex_lock(&r->lock);
    r->closed = 1;
    r->interrupt(r->user);
    pthread_cond_broadcast(&r->moved);
    pthread_mutex_unlock(&r->lock);
}

int projector_is_closed(struct projector *r)
{
    pthread_mutex_lock(&r->lock);
    int closed = r->closed;
    pthread_mutex_unlock(&r->lock);
    return closed;
}

struct projector_figures projector_figures(struct projector *r)
{
    pthread_mutex_lock(&r->lock);
    struct projector_figures f = r->figures;
    pthread_mutex_unlock(&r->lock);
    return f;
}
