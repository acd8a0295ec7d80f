#include "live_player.h"

#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "cmd.h"
#include "media/film.h"
#include "terminal.h"

enum { RING = 512, MOST_LINE = 2000 };
#define MOST_LATE_S 0.25
#define SPARE_S 0.15 /* between what is drawn and what is shown */

struct player {
    zt_job *job;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t moved; /* a frame was shown or came, or something was typed */
    uint8_t *frame[RING]; /* owned: number i at i % RING */
    int next, end;        /* to be shown; behind the last one that is there */
    int w, h, failed;
    atomic_int closed; /* nothing more is shown */
    double fps, stop_s;
    struct film_writer *pipe; /* NULL: the terminal */
    struct terminal_place place;
    uint8_t *last; /* owned: that it shows */
    struct termios was;
    int raw, no_input;
    struct buf line;               /* that is being typed */
    char *prompt, *camera;         /* typed and not taken yet */
    char *prompt_now, *camera_now; /* lent to the turn */
    double asked_s, began_s;       /* when that was typed; when the window was begun */
    double ask_s;                  /* of the words that the next window has; 0: of none */
    int answer;                    /* first frame that has them; -1: none is awaited */
    double draw_s;                 /* until the first frame of a window */
    double slowest_s, first_s;     /* of an answer; when the first frame was shown */
    int shown, late, answers;
    struct err e;
};

/* ---- what is typed ---- */

/* What no option would take is refused here, and the film goes on. */
static int allowed(const char *option, const char *text)
{
    char error[512];
    zt_job *job;
    int rc;

    zt_job_new(&job, NULL);
    rc = zt_job_set(job, option, text, error, sizeof error);
    zt_job_free(&job);
    if (rc)
        fprintf(stderr, "zoetrope: %s\n", error);
    return !rc;
}

static void wish(struct player *p, char **to, const char *text)
{
    if (!allowed(to == &p->camera ? "camera" : "prompt", text))
        return;
    pthread_mutex_lock(&p->lock);
    free(*to);
    *to = xstrdup(text);
    p->asked_s = fmax(clock_s(), p->first_s);
    zt_job_turn(p->job);
    pthread_cond_broadcast(&p->moved);
    pthread_mutex_unlock(&p->lock);
}

static void take_line(struct player *p)
{
    const char *text = buf_str(&p->line) + strspn(buf_str(&p->line), " \t");

    if (!strncmp(text, "camera:", 7))
        wish(p, &p->camera, text + 7 + strspn(text + 7, " "));
    else if (*text && utf8_valid(text, strlen(text), NULL))
        wish(p, &p->prompt, text);
    buf_clear(&p->line);
}

/* A key of the terminal, which may be several bytes; returns how many. */
static size_t take_key(struct player *p, const char *s, size_t n)
{
    static const struct {
        const char *key, *camera;
    } keys[] = {{"\033[A", "tilt up"},  {"\033[B", "tilt down"}, {"\033[C", "pan right"},
                {"\033[D", "pan left"}, {"+", "zoom in"},        {"-", "zoom out"},
                {"0", "none"}};

    for (size_t i = 0; i < sizeof keys / sizeof *keys && !p->line.len; i++) {
        size_t k = strlen(keys[i].key);

        if (n >= k && !memcmp(s, keys[i].key, k)) {
            wish(p, &p->camera, keys[i].camera);
            return k;
        }
    }
    if (*s == '\n' || *s == '\r')
        take_line(p);
    else if (*s == 127 && p->line.len)
        p->line.data[--p->line.len] = 0;
    else if (*s == 'q' && !p->line.len && p->raw)
        p->closed = 1;
    else if ((unsigned char)*s >= ' ' && p->line.len < MOST_LINE)
        buf_putc(&p->line, *s);
    return 1;
}

static void read_input(struct player *p)
{
    char text[256];
    ssize_t n = read(STDIN_FILENO, text, sizeof text);

    if (n <= 0)
        p->no_input = 1;
    for (ssize_t i = 0; i < n;)
        i += (ssize_t)take_key(p, text + i, (size_t)(n - i));
}

/* Until that time; what is typed is read also when that is over. */
static void wait_until(struct player *p, double when)
{
    double left;

    do {
        struct pollfd f = {.fd = p->no_input ? -1 : STDIN_FILENO, .events = POLLIN};

        left = when - clock_s();
        if (poll(&f, 1, left > 0 ? (int)ceil(left * 1000) : 0) > 0)
            read_input(p);
    } while (left > 0 && !p->closed);
}

/* ---- showing ---- */

/* The same picture again, or one whose time is over, costs a terminal more than it shows. */
static void put(struct player *p, uint8_t *rgb, int late)
{
    struct picture picture = {.w = p->w, .h = p->h, .rgb = rgb};
    size_t bytes = (size_t)p->w * (size_t)p->h * 3;

    if (p->pipe) {
        p->failed = film_write(p->pipe, rgb, &p->e);
        return;
    }
    if (late || (p->place.again && !memcmp(p->last, rgb, bytes)))
        return;
    memcpy(p->last, rgb, bytes);
    terminal_show(&p->place, &picture);
    printf("\033[K> ");
    cmd_put_text(stdout, buf_str(&p->line));
    fflush(stdout);
}

/* The next frame, for whoever frees it; NULL: there will be none. */
static uint8_t *next_frame(struct player *p)
{
    uint8_t *rgb = NULL;
    int waited = 0;

    pthread_mutex_lock(&p->lock);
    while (p->next >= p->end && !p->closed) {
        struct timespec t;

        waited = 1;
        clock_gettime(CLOCK_REALTIME, &t);
        t.tv_nsec += 20 * 1000 * 1000;
        t.tv_sec += t.tv_nsec / 1000000000;
        t.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&p->moved, &p->lock, &t);
        pthread_mutex_unlock(&p->lock);
        wait_until(p, clock_s() + 1e-3); /* something may be typed meanwhile */
        pthread_mutex_lock(&p->lock);
        if (cmd_stop)
            p->closed = 1;
    }
    if (p->next < p->end) {
        rgb = p->frame[p->next % RING];
        p->frame[p->next % RING] = NULL;
        p->late += waited && p->shown > 0;
        if (p->answer >= 0 && p->next >= p->answer) {
            p->slowest_s = fmax(p->slowest_s, clock_s() - p->ask_s);
            p->answers++;
            p->answer = -1;
        }
        p->next++;
    }
    pthread_cond_broadcast(&p->moved);
    pthread_mutex_unlock(&p->lock);
    return rgb;
}

static void *show(void *player)
{
    struct player *p = player;
    double when = 0;

    while (!p->closed && !p->failed) {
        uint8_t *rgb = next_frame(p);

        if (!rgb)
            break;
        if (!p->shown)
            when = p->first_s = clock_s();
        if (when < clock_s() - MOST_LATE_S) /* what was not drawn in time is not made up for */
            when = clock_s();
        wait_until(p, when);
        put(p, rgb, clock_s() > when + 1 / p->fps);
        free(rgb);
        when += 1 / p->fps;
        p->shown++;
        if (cmd_stop || (p->stop_s > 0 && p->shown >= p->stop_s * p->fps))
            p->closed = 1;
    }
    pthread_mutex_lock(&p->lock);
    p->closed = 1;
    zt_job_turn(p->job);
    pthread_cond_broadcast(&p->moved);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* ---- drawing ---- */

int player_frame(void *player, int index, int n_frames, const uint8_t *rgb, int w, int h)
{
    struct player *p = player;
    size_t bytes = (size_t)w * (size_t)h * 3;
    int closed;

    (void)n_frames;
    pthread_mutex_lock(&p->lock);
    if (p->began_s > 0) {
        p->draw_s = clock_s() - p->began_s;
        p->began_s = 0;
        if (p->ask_s > 0 && p->answer == -2)
            p->answer = index;
    }
    while (!p->closed && index - p->next >= RING - 1)
        pthread_cond_wait(&p->moved, &p->lock);
    for (int i = index; i < p->end; i++) { /* taken back */
        free(p->frame[i % RING]);
        p->frame[i % RING] = NULL;
    }
    p->end = index;
    if (index >= p->next && !p->closed) {
        p->frame[index % RING] = xmalloc(bytes);
        memcpy(p->frame[index % RING], rgb, bytes);
        p->end = index + 1;
    }
    if (p->end < p->next)
        p->end = p->next;
    closed = p->closed;
    pthread_cond_broadcast(&p->moved);
    pthread_mutex_unlock(&p->lock);
    return closed;
}

/* Drawing waits until what is there lasts just long enough for the next window. */
int player_turn(void *player, int *keep, const char **prompt, const char **camera)
{
    struct player *p = player;
    int closed;

    pthread_mutex_lock(&p->lock);
    while (!p->closed && !p->prompt && !p->camera &&
           (p->end - p->next) / p->fps > 1.5 * p->draw_s + 2 * SPARE_S)
        pthread_cond_wait(&p->moved, &p->lock);
    if (p->prompt || p->camera) {
        free(p->prompt_now);
        free(p->camera_now);
        *prompt = p->prompt_now = p->prompt;
        *camera = p->camera_now = p->camera;
        p->prompt = p->camera = NULL;
        p->ask_s = p->asked_s;
        p->answer = -2; /* that of the next frame that comes */
        if (*keep > p->next + (int)((p->draw_s + SPARE_S) * p->fps))
            *keep = p->next + (int)((p->draw_s + SPARE_S) * p->fps);
    }
    p->began_s = clock_s();
    closed = p->closed;
    pthread_mutex_unlock(&p->lock);
    return closed;
}

/* ---- beginning and end ---- */

static int open_pipe(struct player *p, struct err *e)
{
    struct film_options o = {.w = p->w, .h = p->h};

    film_fps_ratio(p->fps, &o.fps_num, &o.fps_den);
    return film_open(&p->pipe, "-", &o, e);
}

static int open_terminal(struct player *p, struct err *e)
{
    terminal_find(&p->place.term, stdout, TERM_NONE);
    p->place.out = stdout;
    if (p->place.term.way == TERM_NONE)
        return err_set(e, ERR_USAGE,
                       "live: stdout is no terminal that shows pictures; -o - writes y4m");
    if (isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &p->was)) {
        struct termios raw = p->was;

        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        p->raw = !tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    return 0;
}

int player_new(struct player **out, zt_job *job, int pipe, double stop_s, struct err *e)
{
    struct player *p = xcalloc(1, sizeof *p);
    int rc;

    p->job = job;
    p->w = (int)strtol(zt_job_get(job, "width"), NULL, 10);
    p->h = (int)strtol(zt_job_get(job, "height"), NULL, 10);
    p->fps = strtod(zt_job_get(job, "fps"), NULL);
    p->stop_s = stop_s;
    p->answer = -1;
    p->last = xmalloc((size_t)p->w * (size_t)p->h * 3);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->moved, NULL);
    rc = pipe ? open_pipe(p, e) : open_terminal(p, e);
    if (!rc && pthread_create(&p->thread, NULL, show, p))
        rc = err_set(e, ERR_FIT, "live: no thread to show with");
    if (rc) {
        free(p->last);
        free(p);
    }
    *out = rc ? NULL : p;
    return rc;
}

static void say_end(const struct player *p, double seconds)
{
    fprintf(stderr, "%s%d frames in %.1f s, %.1f per second, %d late", p->pipe ? "" : "\n",
            p->shown, seconds, seconds > 0 ? p->shown / seconds : 0, p->late);
    if (p->answers)
        fprintf(stderr, "; %d wishes, the slowest was seen after %.2f s", p->answers, p->slowest_s);
    fputc('\n', stderr);
}

int player_end(struct player **player, struct err *e)
{
    struct player *p = *player;
    int rc;

    pthread_mutex_lock(&p->lock);
    p->closed = 1;
    pthread_cond_broadcast(&p->moved);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    if (p->raw)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &p->was);
    say_end(p, clock_s() - p->first_s);
    rc = p->failed;
    if (rc)
        *e = p->e;
    if (p->pipe && rc)
        film_abort(&p->pipe);
    else if (p->pipe)
        rc = film_finish(&p->pipe, e);
    for (int i = 0; i < RING; i++)
        free(p->frame[i]);
    free(p->last);
    free(p->prompt);
    free(p->camera);
    free(p->prompt_now);
    free(p->camera_now);
    buf_release(&p->line);
    free(p);
    *player = NULL;
    return rc;
}
