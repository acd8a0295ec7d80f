#include "measure_first_frame.h"

#include <math.h>
#include <stdio.h>

#include "base/jsonw.h"

#define WITHIN_DB 1.0 /* of the codec: a picture that is kept */
static const char *const shape_names[FIRST_SHAPES] = {"landscape", "portrait"};

int first_world(const struct first_run *r, int i)
{
    return i % r->n_worlds;
}

int first_on_end(const struct first_run *r, int i)
{
    return i / r->n_worlds % FIRST_SHAPES;
}

static const char *world_name(const struct first_run *r, int world)
{
    return r->world[world].part[0].world->name;
}

int first_has(const struct first_run *r, enum score_column c)
{
    return r->args->column[c];
}

/* ---- one film ---- */

static void write_values(struct jsonw *j, const char *key, const double v[FIRST_MOMENTS])
{
    jsonw_array(j, key);
    for (int k = 0; k < FIRST_MOMENTS; k++)
        jsonw_real(j, NULL, v[k]);
    jsonw_end_array(j);
}

static void write_column(struct jsonw *j, enum score_column c, const struct first_frame *f)
{
    jsonw_object(j, score_column_name(c));
    if (c != SCORE_RENDERS) {
        jsonw_real(j, "first", f->first);
        write_values(j, "against_render", f->truth);
    }
    write_values(j, "against_first", f->own);
    jsonw_end_object(j);
}

void first_write_scene(const struct first_run *r, int i, struct jsonw *j)
{
    const struct first_scene *s = &r->scene[i];

    jsonw_object(j, NULL);
    jsonw_int(j, "film", i);
    jsonw_string(j, "world", world_name(r, first_world(r, i)));
    jsonw_string(j, "shape", shape_names[first_on_end(r, i)]);
    jsonw_bool(j, "refused", s->refused);
    jsonw_real(j, "codec_alone", s->codec_alone);
    for (int c = 0; c < SCORE_COLUMNS; c++)
        if (first_has(r, c))
            write_column(j, c, &s->of[c]);
    jsonw_end_object(j);
}

/* ---- figures ---- */

struct figures {
    int n, kept, refused;
    double codec_alone, difference, worst; /* difference: first frame of the model over the codec */
    struct first_frame of[SCORE_COLUMNS];  /* means */
};

/* world: -1 all. */
static struct figures tally(const struct first_run *r, int shape, int world)
{
    struct figures f = {.worst = FIRST_MOST_DB};

    for (int i = 0; i < r->n; i++)
        f.n += first_on_end(r, i) == shape && (world < 0 || first_world(r, i) == world);
    for (int i = 0; i < r->n; i++) {
        const struct first_scene *s = &r->scene[i];
        double difference = s->of[SCORE_MODEL].first - s->codec_alone;

        if (first_on_end(r, i) != shape || (world >= 0 && first_world(r, i) != world))
            continue;
        f.codec_alone += s->codec_alone / f.n;
        f.difference += difference / f.n;
        f.worst = fmin(f.worst, difference);
        f.kept += difference >= -WITHIN_DB;
        f.refused += s->refused;
        for (int c = 0; c < SCORE_COLUMNS; c++) {
            f.of[c].first += s->of[c].first / f.n;
            for (int k = 0; k < FIRST_MOMENTS; k++) {
                f.of[c].truth[k] += s->of[c].truth[k] / f.n;
                f.of[c].own[k] += s->of[c].own[k] / f.n;
            }
        }
    }
    return f;
}

static void print_first(const struct first_run *r, int shape, int world)
{
    struct figures f = tally(r, shape, world);
    char name[48];

    snprintf(name, sizeof name, "%s, %s", shape_names[shape],
             world < 0 ? "all" : world_name(r, world));
    if (!f.n)
        return;
    printf("%-20s %5d", name, f.n);
    if (first_has(r, SCORE_CODEC))
        printf("  %6.2f", f.codec_alone);
    if (first_has(r, SCORE_MODEL))
        printf("  %6.2f", f.of[SCORE_MODEL].first);
    if (first_has(r, SCORE_CODEC) && first_has(r, SCORE_MODEL))
        printf("  %+10.2f  %+6.2f  %9d/%d", f.difference, f.worst, f.kept, f.n);
    if (first_has(r, SCORE_MODEL))
        printf("  %7d", f.refused);
    putchar('\n');
}

static void print_later(const char *shape, const char *column, const double *truth,
                        const double *own)
{
    char name[48];

    snprintf(name, sizeof name, "%s, %s", shape, column);
    printf("%-24s", name);
    for (int k = 0; k < 2 * FIRST_MOMENTS; k++) {
        const double *v = k < FIRST_MOMENTS ? truth : own;

        if (v)
            printf("%s %6.2f", k == FIRST_MOMENTS ? "   |" : "", v[k % FIRST_MOMENTS]);
        else
            printf("%s      -", k == FIRST_MOMENTS ? "   |" : "");
    }
    putchar('\n');
}

void first_print(const struct first_run *r)
{
    printf("%d films of %d frames at %dx%d and %dx%d, each given the first picture of a scene;\n"
           "PSNR in dB, means over films, of each at most %g\n\n",
           r->n, r->frames, r->w, r->h, r->h, r->w, FIRST_MOST_DB);
    printf("%-20s films%s%s%s%s\n", "the first frame", first_has(r, SCORE_CODEC) ? "   codec" : "",
           first_has(r, SCORE_MODEL) ? "   model" : "",
           first_has(r, SCORE_CODEC) && first_has(r, SCORE_MODEL)
               ? "  difference   worst  within 1 dB"
               : "",
           first_has(r, SCORE_MODEL) ? "  refused" : "");
    for (int shape = 0; shape < FIRST_SHAPES; shape++)
        for (int world = r->n_worlds > 1 ? -1 : 0; world < r->n_worlds; world++)
            print_first(r, shape, world);
    printf("\nframes %d, %d, %d against     the render            |   the film's own first frame\n",
           first_frame_moment(0, r->frames), first_frame_moment(1, r->frames),
           first_frame_moment(2, r->frames));
    for (int shape = 0; shape < FIRST_SHAPES; shape++) {
        struct figures f = tally(r, shape, -1);

        for (int c = 0; f.n && c < SCORE_COLUMNS; c++)
            if (first_has(r, c))
                print_later(shape_names[shape], score_column_name(c),
                            c == SCORE_RENDERS ? NULL : f.of[c].truth, f.of[c].own);
        if (f.n) /* a film that shows the given picture to its end */
            print_later(shape_names[shape], "stands", f.of[SCORE_RENDERS].own, NULL);
    }
}

static void write_figures(const struct first_run *r, struct jsonw *j, const char *key, int shape,
                          int world)
{
    struct figures f = tally(r, shape, world);

    jsonw_object(j, key);
    jsonw_int(j, "films", f.n);
    if (first_has(r, SCORE_CODEC))
        jsonw_real(j, "codec_alone", f.codec_alone);
    if (first_has(r, SCORE_CODEC) && first_has(r, SCORE_MODEL)) {
        jsonw_real(j, "difference", f.difference);
        jsonw_real(j, "worst", f.worst);
        jsonw_int(j, "within_1_db", f.kept);
    }
    if (first_has(r, SCORE_MODEL))
        jsonw_int(j, "refused", f.refused);
    for (int c = 0; c < SCORE_COLUMNS; c++)
        if (first_has(r, c))
            write_column(j, c, &f.of[c]);
    for (int w = 0; world < 0 && w < r->n_worlds; w++)
        write_figures(r, j, world_name(r, w), shape, w);
    jsonw_end_object(j);
}

void first_print_json(const struct first_run *r)
{
    struct buf out = BUF_INIT;
    struct jsonw j;

    jsonw_init(&j, &out, 0);
    jsonw_object(&j, NULL);
    jsonw_int(&j, "films", r->n);
    jsonw_int(&j, "frames", r->frames);
    jsonw_array(&j, "moments");
    for (int k = 0; k < FIRST_MOMENTS; k++)
        jsonw_int(&j, NULL, first_frame_moment(k, r->frames));
    jsonw_end_array(&j);
    for (int shape = 0; shape < FIRST_SHAPES; shape++)
        write_figures(r, &j, shape_names[shape], shape, -1);
    jsonw_array(&j, "film");
    for (int i = 0; i < r->n; i++)
        first_write_scene(r, i, &j);
    jsonw_end_array(&j);
    jsonw_end_object(&j);
    puts(buf_str(&out));
    buf_release(&out);
}
