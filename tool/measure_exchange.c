#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/jsonw.h"
#include "base/progress.h"
#include "cmd.h"
#include "measure/codec.h"
#include "measure_run.h"
#include "world/world.h"
#include "zoetrope.h"

enum { PAIRS = 16, PAIRS_MAX = 1000, TRIES = 100000 };
#define SAME_DB 30.0 /* nearer films than this show the same things in the same places */

struct pair {
    char *text[2]; /* the caption, and with its two things exchanged */
    double psnr;
};

/* Scene number i of the first world that can exchange, by its default mix. */
static int draw_pair(struct pair *p, uint64_t i)
{
    struct worlds w;
    struct world_scene s;
    struct buf text[2] = {BUF_INIT, BUF_INIT};
    int found;

    worlds_default(&w);
    worlds_sample(&w, &s, 0x65786368, i, 0);
    found = s.world->lie && s.world->lie(s.state, LIE_EXCHANGED, &text[1]);
    if (found)
        s.world->caption(s.state, &text[0]);
    for (int k = 0; k < 2; k++) {
        if (found)
            p->text[k] = xstrdup(buf_str(&text[k]));
        buf_release(&text[k]);
    }
    return found;
}

static double film_psnr(const struct caught *a, const struct caught *b)
{
    size_t n = (size_t)a->n * (size_t)a->w * (size_t)a->h * 3;
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += ((double)a->rgb[i] - b->rgb[i]) * ((double)a->rgb[i] - b->rgb[i]);
    return codec_psnr(sum, (double)n);
}

static int run_pair(const struct measure_args *a, zt_model *m, struct pair *p, int seed,
                    struct err *e)
{
    struct caught c[2] = {{0}, {0}};
    int rc = 0;

    for (int k = 0; k < 2 && !rc; k++)
        rc = measure_generate(a, m, p->text[k], seed, &c[k], e);
    if (!rc)
        p->psnr = film_psnr(&c[0], &c[1]);
    free(c[0].rgb);
    free(c[1].rgb);
    return rc;
}

static int by_psnr(const void *a, const void *b)
{
    double x = ((const struct pair *)a)->psnr, y = ((const struct pair *)b)->psnr;

    return (x > y) - (x < y);
}

static void print(struct pair *p, int n, int json)
{
    struct buf out = BUF_INIT;
    struct jsonw j;
    int differ = 0;

    qsort(p, (size_t)n, sizeof *p, by_psnr);
    for (int i = 0; i < n; i++)
        differ += p[i].psnr < SAME_DB;
    if (!json) {
        printf("exchanged: the films of %d of %d pairs differ (below %.0f dB); nearest %.1f, "
               "median %.1f, farthest %.1f dB\n",
               differ, n, SAME_DB, p[n - 1].psnr, p[n / 2].psnr, p[0].psnr);
        return;
    }
    jsonw_init(&j, &out, 0);
    jsonw_object(&j, NULL);
    jsonw_int(&j, "pairs", n);
    jsonw_int(&j, "differ", differ);
    jsonw_real(&j, "median_psnr", p[n / 2].psnr);
    jsonw_real(&j, "nearest_psnr", p[n - 1].psnr);
    jsonw_end_object(&j);
    puts(buf_str(&out));
    buf_release(&out);
}

int measure_exchange(const struct measure_args *a, struct err *e)
{
    int want = a->count ? (int)a->count : PAIRS, n = 0, rc;
    struct pair *p;
    struct progress bar;
    zt_model *m = NULL;

    *e = (struct err){0};
    if (want > PAIRS_MAX)
        return err_set(e, ERR_USAGE, "--count is %d, --exchange takes 1 to %d", want, PAIRS_MAX);
    cmd_catch_signals();
    if ((rc = e->code = zt_model_open(&m, a->model, e->msg, sizeof e->msg)))
        return rc;
    p = xcalloc((size_t)want, sizeof *p);
    progress_start(&bar, stderr, "exchange", want);
    for (uint64_t i = 0; i < TRIES && n < want && !rc; i++) {
        if (!draw_pair(&p[n], i))
            continue;
        rc = run_pair(a, m, &p[n], n, e);
        n++;
        progress_step(&bar, n, "");
    }
    progress_end(&bar, NULL);
    if (!rc)
        print(p, n, a->json);
    for (int i = 0; i < n; i++) {
        free(p[i].text[0]);
        free(p[i].text[1]);
    }
    free(p);
    zt_model_free(&m);
    return rc;
}
