#include <string.h>

#include "base/buf.h"
#include "base/jsonw.h"
#include "measure/score.h"

struct column_means {
    double flicker, speed, seconds;
    struct codec_error error;
    struct seam seam;
};

static void means_of(const struct score *s, enum score_column c, struct column_means *m)
{
    double n = 0;

    memset(m, 0, sizeof *m);
    for (int i = 0; i < s->n; i++) {
        const struct score_row *r = &s->row[c][i];

        if (!r->done)
            continue;
        n++;
        m->flicker += r->sight.flicker;
        m->speed += r->sight.speed;
        m->seconds += r->seconds;
        m->seam.border += r->seam.border;
        m->seam.n_border += r->seam.n_border;
        m->seam.inside += r->seam.inside;
        m->seam.n_inside += r->seam.n_inside;
        m->error.sum += r->error.sum;
        m->error.n += r->error.n;
        m->error.mover_sum += r->error.mover_sum;
        m->error.mover_n += r->error.mover_n;
    }
    n = n ? n : 1;
    m->flicker /= n;
    m->speed /= n;
    m->seconds /= n;
}

static void print_tally(FILE *out, const char *name, const struct tally *t)
{
    double k = t->films > 0 ? 100 / t->films : 0;

    fprintf(out, "%-10s %7.0f %8.1f %% %8.1f %% %8.1f %% %8.1f %%\n", name, t->films, k * t->color,
            k * t->shape, k * t->direction, k * t->all);
}

/* Rows of one column that share a fact. kind: 0 colour, 1 shape, 2 direction, 3 language. */
static void print_parts(const struct score *s, enum score_column c, int kind, FILE *out)
{
    static const int counts[] = {COLOR_COUNT, SHAPE_DOMINOES, DIRECTION_COUNT, 3};
    static const char *const titles[] = {"by colour", "by shape", "by direction", "by language"};
    static const char *const languages[] = {"", "English", "Chinese"};

    fprintf(out, "  %-13s", titles[kind]);
    for (int v = 1; v < counts[kind]; v++) {
        struct tally t = {0};
        char name[64], *word;

        for (int i = 0; i < s->n; i++) {
            const struct wish *w = &s->wishes->item[i];
            int fact[] = {w->color, w->shape, w->direction, 1 + ((w->text[0] & 0x80) != 0)};

            if (s->row[c][i].done && fact[kind] == v)
                tally_add(&t, w, &s->row[c][i].sight);
        }
        wish_name(name, sizeof name, kind == 0 ? v : 0, kind == 1 ? v : 0, kind == 2 ? v : 0);
        word = name + 2 * kind; /* the others are "? " */
        word[strcspn(word, " ")] = 0;
        if (t.films > 0)
            fprintf(out, " %s %.0f %%", kind == 3 ? languages[v] : word, 100 * t.all / t.films);
    }
    fputc('\n', out);
}

void score_print(const struct score *s, FILE *out)
{
    struct tally t;
    struct column_means m;

    fprintf(out, "%-10s %7s %10s %10s %10s %10s\n", "column", "films", "colour", "shape",
            "direction", "all three");
    for (int c = 0; c < SCORE_COLUMNS; c++) {
        score_tally(s, c, &t);
        if (t.films > 0)
            print_tally(out, score_column_name(c), &t);
    }
    score_tally(s, SCORE_MODEL, &t);
    if (t.films > 1) {
        double films = t.films;

        score_shuffled(s, SCORE_MODEL, &t);
        t.color *= films / t.films;
        t.shape *= films / t.films;
        t.direction *= films / t.films;
        t.all *= films / t.films;
        t.films = films;
        print_tally(out, "shuffled", &t);
        fputs("\nthe model, all three right:\n", out);
        for (int kind = 0; kind < 4; kind++)
            print_parts(s, SCORE_MODEL, kind, out);
    }
    fputc('\n', out);
    for (int c = 0; c < SCORE_COLUMNS; c++) {
        score_tally(s, c, &t);
        means_of(s, c, &m);
        if (t.films == 0)
            continue;
        fprintf(out, "%-10s floor flicker %.4f, mover %.3f widths a second, seam %.3f",
                score_column_name(c), m.flicker, m.speed, seam_ratio(&m.seam));
        if (m.error.n > 0)
            fprintf(out, ", PSNR %.2f dB, inside movers %.2f dB",
                    codec_psnr(m.error.sum, m.error.n),
                    codec_psnr(m.error.mover_sum, m.error.mover_n));
        if (m.seconds > 0)
            fprintf(out, ", %.2f s a film", m.seconds);
        fputc('\n', out);
    }
}

static void json_tally(struct jsonw *j, const char *name, const struct tally *t)
{
    double n = t->films > 0 ? t->films : 1;

    jsonw_object(j, name);
    jsonw_real(j, "films", t->films);
    jsonw_real(j, "color", t->color / n);
    jsonw_real(j, "shape", t->shape / n);
    jsonw_real(j, "direction", t->direction / n);
    jsonw_real(j, "all", t->all / n);
}

void score_json(const struct score *s, struct buf *out)
{
    struct jsonw j;
    struct tally t;
    struct column_means m;

    jsonw_init(&j, out, 0);
    jsonw_object(&j, NULL);
    for (int c = 0; c < SCORE_COLUMNS; c++) {
        score_tally(s, c, &t);
        if (t.films == 0)
            continue;
        means_of(s, c, &m);
        json_tally(&j, score_column_name(c), &t);
        jsonw_real(&j, "flicker", m.flicker);
        jsonw_real(&j, "speed", m.speed);
        jsonw_real(&j, "seam", seam_ratio(&m.seam));
        if (m.error.n > 0) {
            jsonw_real(&j, "psnr", codec_psnr(m.error.sum, m.error.n));
            jsonw_real(&j, "psnr_movers", codec_psnr(m.error.mover_sum, m.error.mover_n));
        }
        if (m.seconds > 0)
            jsonw_real(&j, "seconds_per_film", m.seconds);
        jsonw_end_object(&j);
    }
    score_tally(s, SCORE_MODEL, &t);
    if (t.films > 1) {
        score_shuffled(s, SCORE_MODEL, &t);
        json_tally(&j, "shuffled", &t);
        jsonw_end_object(&j);
    }
    jsonw_end_object(&j);
    buf_putc(out, '\n');
}
