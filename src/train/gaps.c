#include "train/gaps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 8, RIGHT = 0, EMPTY = 1 + N_LIES, KINDS };

const double gap_level[GAP_LEVELS] = {0.97, 0.9, 0.8, 0.6};

/* Captions of one kind for windows from..from+n of the call. */
static void windows(struct dit_window *w, const struct gaps_call *c, int from, int n, double s,
                    int kind)
{
    for (int j = 0; j < n; j++)
        w[j] = (struct dit_window){.record = c->record[from + j],
                                   .t = c->t,
                                   .s = s,
                                   .no_text = kind == EMPTY,
                                   .caption = kind == EMPTY ? 0 : kind};
}

/* Mean squared error of the velocity over the objects' tokens of each window; v [frames,h,w,C] as
 * the target of b is. */
static void errors_of(double *error, const struct dit_batch *b, const struct latents *l,
                      const float *v)
{
    const struct latents_head *h = &l->head;
    int wide = h->w / h->patch;
    size_t at = 0;
    for (int i = 0; i < b->n; i++) {
        const uint8_t *share = latents_get(l, b->window[i].record).share;
        double sum = 0, n = 0;
        /* the rows of its frames, one below another */
        for (int y = 0; y < b->grid[i].t * h->h; y++)
            for (int x = 0; x < h->w; x++, at += (size_t)h->c)
                if (share[y / h->patch * wide + x / h->patch]) {
                    for (size_t k = at; k < at + (size_t)h->c; k++)
                        sum += ((double)v[k] - b->target[k]) * ((double)v[k] - b->target[k]);
                    n += h->c;
                }
        error[i] = sum / fmax(n, 1);
    }
}

static void chunk_errors(double *error, struct cx *cx, const struct denoiser *m,
                         const struct text_model *text, const struct gaps_call *c, int from, int n,
                         double s, int kind)
{
    struct dit_window w[CHUNK];
    struct dit_batch b;
    windows(w, c, from, n, s, kind);
    /* the same noise for every caption */
    dit_batch_make(&b, w, n, c->recipe, c->latents, c->lies, c->seed, -1 - from, NULL);
    float *got = dit_velocity_values(cx, m, text, &b);
    errors_of(error, &b, c->latents, got);
    free(got);
    dit_batch_release(&b);
}

static int has_lie(const struct prompts *p, int record, int lie)
{
    const int64_t *start = p->start + (int64_t)(record - p->first) * p->each + 1 + lie;
    return start[1] - start[0] > p->n_empty;
}

int gaps_pick(int *record, int most, const struct prompts *lies, int n)
{
    int found = 0;
    for (int least = N_LIES; least > 0 && !found; least = least > 1 ? 1 : 0)
        for (int i = lies->first; i < lies->first + n && found < most; i++) {
            int has = 0;
            for (int k = 0; k < N_LIES; k++)
                has += has_lie(lies, i, k);
            if (has >= least)
                record[found++] = i;
        }
    return found;
}

static void add_window(struct gap *to, const struct gaps_call *c, int record,
                       double error[KINDS][CHUNK], int j)
{
    double right = error[RIGHT][j];
    to->right += right;
    to->empty += error[EMPTY][j] - right;
    for (int k = 0; k < N_LIES; k++)
        if (has_lie(c->lies, record, k))
            to->lie[k] += error[1 + k][j] - right;
    to->better += has_lie(c->lies, record, LIE_EXCHANGED) && error[1 + LIE_EXCHANGED][j] > right;
}

int gaps_measure(struct gaps *g, struct cx *cx, const struct denoiser *m,
                 const struct text_model *text, const struct gaps_call *c, struct err *e)
{
    *g = (struct gaps){0};
    for (int i = 0; i < c->n; i++)
        for (int k = 0; k < N_LIES; k++)
            g->n[k] += has_lie(c->lies, c->record[i], k);
    for (int level = 0; level < GAP_LEVELS; level++) {
        struct gap *at = &g->at[level];
        for (int i = 0; i < c->n; i += CHUNK) {
            double error[KINDS][CHUNK];
            int n = c->n - i < CHUNK ? c->n - i : CHUNK;
            for (int kind = 0; kind < KINDS; kind++)
                chunk_errors(error[kind], cx, m, text, c, i, n, gap_level[level], kind);
            for (int j = 0; j < n; j++)
                add_window(at, c, c->record[i + j], error, j);
        }
        at->right /= c->n;
        at->empty /= c->n;
        for (int k = 0; k < N_LIES; k++)
            at->lie[k] /= fmax(g->n[k], 1);
        at->better /= fmax(g->n[LIE_EXCHANGED], 1);
    }
    return cx->err.code ? err_set(e, cx->err.code, "dit: %s", cx->err.msg) : 0;
}

static void field(struct jsonw *row, const char *name, int level, double value)
{
    char key[32];
    snprintf(key, sizeof key, "%s_%.0f", name, 100 * gap_level[level]);
    jsonw_real(row, key, value);
}

void gaps_write(const struct gaps *g, struct jsonw *row)
{
    for (int i = 0; i < GAP_LEVELS; i++) {
        field(row, "right", i, g->at[i].right);
        field(row, "exchanged", i, g->at[i].lie[LIE_EXCHANGED]);
        field(row, "wrong", i, g->at[i].lie[LIE_WRONG]);
        field(row, "empty", i, g->at[i].empty);
        field(row, "better", i, g->at[i].better);
    }
}

int gaps_judge(const struct gaps *g, double ratio, int64_t step, struct err *e)
{
    const struct gap *at = &g->at[GAP_JUDGED];
    double exchanged = at->lie[LIE_EXCHANGED], wrong = at->lie[LIE_WRONG];
    if (!g->n[LIE_EXCHANGED] || !g->n[LIE_WRONG] || (wrong > 0 && exchanged >= ratio * wrong))
        return 0;
    return err_set(e, ERR_CHECK,
                   "dit: step %lld: at s = %g the caption with two objects exchanged adds %.4f to "
                   "the error inside the objects, one wrong colour %.4f; dit.gap_ratio wants %g of "
                   "that by step dit.gap_steps: the words are read as a bag",
                   (long long)step, gap_level[GAP_JUDGED], exchanged, wrong, ratio);
}

/* ---- attention logits ---- */

struct logits {
    const struct clause_text *m;
    const struct seq *seq;
    float *q;
    double worst;
};

static double std_of(const struct logits *l, const float *k)
{
    const struct clause_text_config *c = &l->m->config;
    int64_t ld = (int64_t)c->heads * c->d_kv;
    double sum = 0, squares = 0, n = 0;
    for (int s = 0; s < l->seq->n; s++)
        for (int64_t i = l->seq->start[s]; i < l->seq->start[s + 1]; i++)
            for (int64_t j = l->seq->start[s]; j < l->seq->start[s + 1]; j++)
                for (int h = 0; h < c->heads; h++, n++) {
                    double x = 0;
                    for (int64_t d = (int64_t)h * c->d_kv; d < (int64_t)(h + 1) * c->d_kv; d++)
                        x += (double)l->q[i * ld + d] * k[j * ld + d];
                    x /= sqrt(c->d_kv);
                    sum += x;
                    squares += x * x;
                }
    return sqrt(fmax(squares / n - sum / n * (sum / n), 0));
}

static void see(void *user, struct cx *cx, const char *name, struct tensor *value)
{
    struct logits *l = user;
    size_t count = (size_t)tensor_count(value), len = strlen(name);
    int is_q = len > 2 && !strcmp(name + len - 2, ".q"),
        is_k = len > 2 && !strcmp(name + len - 2, ".k");
    if (!is_q && !is_k)
        return;
    float *x = xmalloc(sizeof *x * count);
    tensor_read_f32(cx, value, x);
    if (is_q) {
        free(l->q);
        l->q = x;
        return;
    }
    double std = std_of(l, x);
    l->worst = std > l->worst ? std : l->worst;
    free(x);
}

double gaps_logit_std(struct cx *cx, const struct clause_text *m, const struct prompts *lies, int n)
{
    int64_t *start = xcalloc((size_t)n + 1, sizeof *start), room = lies->start[lies->n];
    int32_t *ids = xmalloc(sizeof *ids * (size_t)(room + 1));
    for (int i = 0; i < n; i++) {
        const int64_t *at = lies->start + (int64_t)i * lies->each;
        memcpy(ids + start[i], lies->ids + at[0], sizeof *ids * (size_t)(at[1] - at[0]));
        start[i + 1] = start[i] + at[1] - at[0];
    }
    struct seq seq = {n, start};
    struct logits l = {.m = m, .seq = &seq};
    struct tap tap = {see, &l};
    clause_text_forward(cx, m, ids, &seq, &tap);
    cx_step_end(cx);
    free(l.q);
    free(ids);
    free(start);
    return l.worst;
}
