#include "generate/shortcut.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

#define ALWAYS 0.2 /* of the steps, at the beginning */
enum { AT_LEAST = 2, MODULATIONS = 6 };

/* Latent k of those that are kept of sample i. */
static float *latent_of(const struct shortcut *s, int i, int k)
{
    return s->latent + s->count * (size_t)(i * s->is->arrays + k);
}

/* Latent k of those that are kept of no sample. */
static float *beside(const struct shortcut *s, int k)
{
    return s->latent + s->count * (size_t)(2 * s->is->arrays + k);
}

static double mean_abs(const float *a, const float *b, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += fabs((double)a[i] - (b ? (double)b[i] : 0));
    return sum / (double)n;
}

/* ---- easy ---- */

enum { EASY_V, EASY_ARRAYS };
enum { EASY_X, EASY_BEFORE, EASY_BESIDE };

static double easy_change(struct shortcut *s, const float *x)
{
    double change = NAN;

    if (s->known > 1)
        change = s->rate * mean_abs(x, beside(s, EASY_BEFORE), s->count) /
                 mean_abs(latent_of(s, 0, EASY_V), NULL, s->count);
    memcpy(beside(s, EASY_BEFORE), x, s->count * sizeof *x);
    return change;
}

static void easy_learn(struct shortcut *s, const float *x, const float *v)
{
    if (s->known)
        s->rate = mean_abs(v, latent_of(s, 0, EASY_V), s->count) /
                  mean_abs(x, beside(s, EASY_X), s->count);
    memcpy(beside(s, EASY_X), x, s->count * sizeof *x);
    for (int i = 0; i < s->n; i++)
        memcpy(latent_of(s, i, EASY_V), v + s->count * (size_t)i, s->count * sizeof *v);
}

static void easy_guess(const struct shortcut *s, const float *x, float *v)
{
    const float *before = beside(s, EASY_X);

    for (int i = 0; i < s->n; i++, v += s->count)
        for (size_t k = 0; k < s->count; k++)
            v[k] = x[k] + (latent_of(s, i, EASY_V)[k] - before[k]);
}

/* ---- mag ---- */

static double mag_change(struct shortcut *s, const float *x)
{
    (void)x;
    if (s->known < 2)
        return NAN;
    return fabs(1 - pow(s->rate, s->row + 1));
}

/* What the blocks add now is what they added. */
static void take_fresh(struct shortcut *s)
{
    float *t = s->added;

    s->added = s->fresh;
    s->fresh = t;
}

/* By how much rows of the sample with the prompt got longer, in one step. */
static void mag_learn(struct shortcut *s, const float *x, const float *v)
{
    double sum = 0;

    (void)x;
    (void)v;
    for (size_t r = 0; s->known && r < s->rows; r++) {
        double now = 0, then = 0;

        for (size_t k = 0; k < s->width; k++) {
            double a = s->fresh[r * s->width + k], b = s->added[r * s->width + k];
            now += a * a;
            then += b * b;
        }
        sum += sqrt(now) / (sqrt(then) + 1e-8);
    }
    if (s->known)
        s->rate = pow(sum / (double)s->rows, 1.0 / (s->step - s->last));
    take_fresh(s);
}

/* ---- taylor ---- */

enum { TAYLOR_0, TAYLOR_1, TAYLOR_2, TAYLOR_ARRAYS };

static double taylor_change(struct shortcut *s, const float *x)
{
    double off = s->step - s->last;

    (void)x;
    if (s->known < 3)
        return NAN;
    return mean_abs(latent_of(s, 0, TAYLOR_2), NULL, s->count) * off * off / 2 /
           mean_abs(latent_of(s, 0, TAYLOR_0), NULL, s->count);
}

static void taylor_learn(struct shortcut *s, const float *x, const float *v)
{
    float delta = (float)(s->step - s->last);

    (void)x;
    for (int i = 0; i < s->n; i++, v += s->count) {
        float *f[] = {latent_of(s, i, TAYLOR_0), latent_of(s, i, TAYLOR_1),
                      latent_of(s, i, TAYLOR_2)};

        for (size_t k = 0; k < s->count; k++) {
            float first = s->known ? (v[k] - f[0][k]) / delta : 0,
                  second = s->known > 1 ? (first - f[1][k]) / delta : 0;

            f[0][k] = v[k];
            f[1][k] = first;
            f[2][k] = second;
        }
    }
}

static void taylor_guess(const struct shortcut *s, const float *x, float *v)
{
    float off = (float)(s->step - s->last);

    (void)x;
    for (int i = 0; i < s->n; i++, v += s->count)
        for (size_t k = 0; k < s->count; k++)
            v[k] = latent_of(s, i, TAYLOR_0)[k] + latent_of(s, i, TAYLOR_1)[k] * off;
}

/* ---- tea ---- */

static double tea_change(struct shortcut *s, const float *x)
{
    double far = 0, size = 0, by, sum = 0;
    float *t = s->before;

    (void)x;
    for (size_t i = 0; i < s->n_time; i++) {
        far += fabs((double)s->time[i] - (double)s->before[i]);
        size += fabs((double)s->before[i]);
    }
    s->before = s->time;
    s->time = t;
    by = s->timed ? far / size : NAN;
    s->timed = 1;
    for (int i = 0; i < 5; i++)
        sum = sum * by + s->fit[i];
    return sum;
}

static void tea_learn(struct shortcut *s, const float *x, const float *v)
{
    (void)x;
    (void)v;
    take_fresh(s);
}

/* ---- the table ---- */

/* clang-format off */
static const struct shortcut_class ways[] = {
    {"easy", "easycache", 0.05, 0, 1, 0, EASY_ARRAYS, EASY_BESIDE, 0, 0, 1, easy_change, easy_learn, easy_guess},
    {"mag", "magcache", 0.06, 3, 1, 1, 0, 0, 0, 0, 1, mag_change, mag_learn, NULL},
    {"taylor", "taylorseer", 0.05, 4, 0, 0, TAYLOR_ARRAYS, 0, 0, 0, 1, taylor_change, taylor_learn, taylor_guess},
    {"tea", "teacache", -1, 0, 1, 1, 0, 0, 1, 1, 1, tea_change, tea_learn, NULL},
    {"tea-retain", "teacache-retain", -1, 0, 1, 1, 0, 0, 2, 5, 0, tea_change, tea_learn, NULL},
};
/* clang-format on */

int shortcut_parse(const char *text, const struct shortcut_class **is, double *threshold)
{
    size_t n = strcspn(text, ":");

    *is = NULL;
    *threshold = 0;
    if (!strcmp(text, "off"))
        return 0;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if ((strlen(ways[i].name) == n && !strncmp(text, ways[i].name, n)) ||
            (strlen(ways[i].other) == n && !strncmp(text, ways[i].other, n)))
            *is = &ways[i];
    if (!*is)
        return -1;
    *threshold = (*is)->threshold;
    if (!text[n])
        return 0;
    return parse_real(text + n + 1, threshold) || !(*threshold >= 0 && *threshold <= 10) ? -1 : 0;
}

double shortcut_bytes(const struct shortcut_class *is, double count, double rows, double width)
{
    return sizeof(float) *
           (count * (2 * is->arrays + is->beside) + (is->blocks ? 4 * rows * width : 0) +
            (is->time ? 2 * MODULATIONS * width : 0));
}

int shortcut_init(struct shortcut *s, const struct shortcut_class *is, double threshold,
                  size_t count, size_t rows, size_t width, struct err *e)
{
    size_t latents = (size_t)(2 * is->arrays + is->beside);

    *s = (struct shortcut){
        .is = is, .threshold = threshold, .count = count, .rows = rows, .width = width};
    if (latents && !(s->latent = try_malloc(latents * count * sizeof(float), e, "latents")))
        return ERR_FIT;
    if (!is->blocks)
        return 0;
    s->n_time = is->time ? width * (is->time == 2 ? MODULATIONS : 1) : 0;
    if (is->time) {
        s->time = xcalloc(s->n_time, sizeof *s->time);
        s->before = xcalloc(s->n_time, sizeof *s->before);
    }
    s->added = try_malloc(2 * rows * width * sizeof(float), e, "what blocks added");
    s->fresh = try_malloc(2 * rows * width * sizeof(float), e, "what blocks add");
    return s->added && s->fresh ? 0 : ERR_FIT;
}

void shortcut_release(struct shortcut *s)
{
    free(s->latent);
    free(s->time);
    free(s->before);
    free(s->added);
    free(s->fresh);
    *s = (struct shortcut){0};
}

/* ---- one evaluation ---- */

static void forget(struct shortcut *s)
{
    s->known = s->row = s->timed = 0;
    s->sum = 0;
}

void shortcut_step(struct shortcut *s, int i, int n)
{
    if (i == 0)
        forget(s);
    s->step = i;
    s->steps = n;
    s->reuse = 0;
}

/* At the beginning what is drawn is decided, and the last one is what is seen. */
static int must_be_made(const struct shortcut *s)
{
    int first = (int)(ALWAYS * s->steps + 0.5);

    first = s->is->first ? s->is->first : first < AT_LEAST ? AT_LEAST : first;
    return s->step < first || !s->known || (s->is->last && s->step == s->steps - 1);
}

int shortcut_skips(struct shortcut *s, int expert, int samples, const float *x)
{
    double change;
    int most = s->is->most;

    if (expert != s->expert || samples > s->known_n)
        forget(s);
    s->expert = expert;
    s->n = samples;
    s->evaluations++;
    change = s->is->change(s, x);
    s->sum = s->is->sums ? s->sum + change : change;
    if (!must_be_made(s) && s->sum < s->threshold && (!most || s->row < most)) {
        s->row++;
        s->skipped++;
        s->reuse = s->is->blocks;
        return 1;
    }
    s->row = 0;
    s->sum = 0;
    return 0;
}

int shortcut_guess(const struct shortcut *s, const float *x, float *v)
{
    if (!s->is->guess)
        return 0;
    s->is->guess(s, x, v);
    return 1;
}

void shortcut_learn(struct shortcut *s, const float *x, const float *v)
{
    s->is->learn(s, x, v);
    s->known++;
    s->known_n = s->n;
    s->last = s->step;
}
