#include "live_player.h"

#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "cmd.h"
#include "media/film.h"
#include "media/projector.h"
#include "terminal.h"

enum { MOST_LINE = 2000 };

struct player {
    zt_job *job;
    pthread_t thread;
    struct projector *projector;
    int w, h, failed;
    double fps, stop_s;
    struct film_writer *pipe; /* NULL: the terminal */
    struct terminal_place place;
    uint8_t *last; /* owned: that it shows */
    struct termios was;
    int raw, no_input;
    int news;        /* 1: the line below the picture is another one now */
    struct buf line; /* that is being typed */
    pthread_mutex_t lock;
    char *note; /* owned, guarded: stands on that line until something is typed; NULL */
    struct err e;
};

/* ---- what is said ---- */

/* A terminal that shows pictures is written to by one thread, and its cursor stays where it is: a
 * note stands on the line below the picture. Elsewhere it is a line of stderr. */
static void say(struct player *p, const char *kind, const char *text)
{
    if (p->pipe || !isatty(STDERR_FILENO)) {
        fputs(kind, stderr);
        cmd_put_text(stderr, text);
        fputc('\n', stderr);
    }
    pthread_mutex_lock(&p->lock);
    free(p->note);
    p->note = xasprintf("%s%s", kind, text);
    pthread_mutex_unlock(&p->lock);
}

static void unsay(struct player *p)
{
    pthread_mutex_lock(&p->lock);
    free(p->note);
    p->note = NULL;
    pthread_mutex_unlock(&p->lock);
}

/* ---- what is typed ---- */

/* What no option would take is refused here, and the film goes on. */
static int allowed(struct player *p, const char *option, const char *text)
{
    char error[512];
    zt_job *job;
    int rc;

    zt_job_new(&job, NULL);
    rc = zt_job_set(job, option, text, error, sizeof error);
    zt_job_free(&job);
    if (rc)
        say(p, "zoetrope: ", error);
    return !rc;
}

static void wish(struct player *p, const char *prompt, const char *camera)
{
    if (allowed(p, camera ? "camera" : "prompt", camera ? camera : prompt))
        (void)projector_wish(p->projector, prompt, camera);
}

static void take_line(struct player *p)
{
    const char *text = buf_str(&p->line) + strspn(buf_str(&p->line), " \t");

    if (!strncmp(text, "camera:", 7))
        wish(p, NULL, text + 7 + strspn(text + 7, " "));
    else if (*text && utf8_valid(text, strlen(text), NULL))
        wish(p, text, NULL);
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

    unsay(p);
    p->news = 1;
    for (size_t i = 0; i < sizeof keys / sizeof *keys && !p->line.len; i++) {
        size_t k = strlen(keys[i].key);

        if (n >= k && !memcmp(s, keys[i].key, k)) {
            wish(p, NULL, keys[i].camera);
            return k;
        }
    }
    if (*s == '\n' || *s == '\r')
        take_line(p);
    else if (*s == 127 && p->line.len)
        p->line.data[--p->line.len] = 0;
    else if (*s == 'q' && !p->line.len && p->raw)
        projector_close(p->projector);
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
    } while (left > 0 && !projector_is_closed(p->projector));
}

/* ---- showing ---- */

/* What fits of text into so many columns: its beginning, or its end. Two for each character that
 * is not ASCII, which may be that wide. */
static const char *fitting(char *text, int columns, int end)
{
    int used = 0;
    size_t n = strlen(text), k = end ? n : 0;

    while (end ? k > 0 : k < n) {
        size_t at = end ? k - 1 : k;
        int first = ((unsigned char)text[at] & 0xc0) != 0x80,
            wide = (unsigned char)text[at] >= 0x80;

        if (first && (used += 1 + wide) > columns)
            break;
        k = end ? at : at + 1;
    }
    while (end && k < n && ((unsigned char)text[k] & 0xc0) == 0x80)
        k++; /* of a character that did not fit */
    if (end)
        return text + k;
    text[k] = 0;
    return text;
}

/* The line below the picture, which does not wrap: the next picture is put above it. */
static void put_line(struct player *p)
{
    int columns = p->place.term.columns - 1;
    char *text;

    pthread_mutex_lock(&p->lock);
    int note = p->note != NULL;
    text = xstrdup(note ? p->note : buf_str(&p->line));
    pthread_mutex_unlock(&p->lock);
    if (!note)
        fputs("> ", stdout);
    cmd_put_text(stdout, fitting(text, note ? columns : columns - 2, !note));
    free(text);
}

/* The same picture again, or one whose time is over, costs a terminal more than it shows. */
static void put(struct player *p, uint8_t *rgb, int late)
{
    struct picture picture = {.w = p->w, .h = p->h, .rgb = rgb};
    size_t bytes = (size_t)p->w * (size_t)p->h * 3;

    if (p->pipe) {
        p->failed = film_write(p->pipe, rgb, &p->e);
        return;
    }
    if (late || (p->place.again && !p->news && !memcmp(p->last, rgb, bytes)))
        return;
    p->news = 0;
    memcpy(p->last, rgb, bytes);
    terminal_show(&p->place, &picture);
    printf("\033[K");
    put_line(p);
    fflush(stdout);
}

static void *show(void *player)
{
    struct player *p = player;
    struct projector_frame f;

    for (int shown = 0; !projector_is_closed(p->projector) && !p->failed;) {
        if (cmd_stop || (p->stop_s > 0 && shown >= p->stop_s * p->fps))
            break;
        if (!projector_next(p->projector, 20e-3, &f)) {
            wait_until(p, clock_s() + 1e-3); /* something may be typed meanwhile */
            continue;
        }
        wait_until(p, f.when);
        put(p, f.rgb, clock_s() > f.when + 1 / p->fps);
        free(f.rgb);
        shown++;
    }
    projector_close(p->projector);
    return NULL;
}

/* ---- drawing ---- */

int player_frame(void *player, int index, int n_frames, const uint8_t *rgb, int w, int h)
{
    (void)n_frames, (void)w, (void)h;
    return projector_put(((struct player *)player)->projector, index, rgb);
}

int player_turn(void *player, int *keep, const char **prompt, const char **camera)
{
    struct player *p = player;
    const char *note = zt_job_get(p->job, "run_note");

    if (note)
        say(p, "note: ", note);
    return projector_turn(p->projector, keep, prompt, camera);
}

static void interrupt(void *job)
{
    zt_job_turn(job);
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

static void release(struct player **player)
{
    struct player *p = *player;

    projector_free(&p->projector);
    pthread_mutex_destroy(&p->lock);
    buf_release(&p->line);
    free(p->note);
    free(p->last);
    free(p);
    *player = NULL;
}

int player_new(struct player **out, zt_job *job, int pipe, double stop_s, struct err *e)
{
    struct player *p = xcalloc(1, sizeof *p);
    int rc;

    p->job = job;
    pthread_mutex_init(&p->lock, NULL);
    p->w = (int)strtol(zt_job_get(job, "width"), NULL, 10);
    p->h = (int)strtol(zt_job_get(job, "height"), NULL, 10);
    p->fps = strtod(zt_job_get(job, "fps"), NULL);
    p->stop_s = stop_s;
    p->last = xmalloc((size_t)p->w * (size_t)p->h * 3);
    p->projector = projector_new(p->w, p->h, p->fps, interrupt, job);
    rc = pipe ? open_pipe(p, e) : open_terminal(p, e);
    if (!rc && pthread_create(&p->thread, NULL, show, p))
        rc = err_set(e, ERR_FIT, "live: no thread to show with");
    if (rc)
        release(&p);
    *out = p;
    return rc;
}

static void say_end(const struct player *p)
{
    const struct projector_figures f = projector_figures(p->projector);
    double seconds = f.shown ? clock_s() - f.first_s : 0;

    fprintf(stderr, "%s%d frames in %.1f s, %.1f per second, %d late, %.0f ms between two at most",
            p->pipe ? "" : "\n", f.shown, seconds, seconds > 0 ? f.shown / seconds : 0, f.late,
            f.longest_gap_s * 1e3);
    if (f.answers)
        fprintf(stderr, "; %d wish%s, the slowest was seen after %.2f s", f.answers,
                f.answers == 1 ? "" : "es", f.slowest_answer_s);
    fputc('\n', stderr);
}

int player_end(struct player **player, struct err *e)
{
    struct player *p = *player;
    int rc;

    projector_close(p->projector);
    pthread_join(p->thread, NULL);
    if (p->raw)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &p->was);
    say_end(p);
    rc = p->failed;
    if (rc)
        *e = p->e;
    if (p->pipe && rc)
        film_abort(&p->pipe);
    else if (p->pipe)
        rc = film_finish(&p->pipe, e);
    release(player);
    return rc;
}
