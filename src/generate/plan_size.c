/* plan_size.c - in which size a film is drawn, which part of that it shows, and how large. */
#include <math.h>
#include <string.h>

#include "generate/plan_inner.h"
#include "media/sharpen.h"
#include "tensor/ops.h"

#define MAX_ASPECT 4.0   /* that a picture may ask for; what is longer is cut */
#define LIKE_OWN 0.1     /* logarithm: a shape so near to the model's is drawn as its own */
#define NEAR_SHAPE 0.05  /* logarithm: a film may be so far from the shape that is asked for */
#define MOST_WIDENED 1.5 /* times the model's width */
enum { SHOWN_SIDE = 256 };

/* Multiples of `unit` whose product is near that of the model's own sides. */
static void sides_of(const struct bundle_info *m, double aspect, int unit, int *w, int *h)
{
    double area = (double)m->width * m->height;

    *w = (int)fmax(1, floor(sqrt(area * aspect) / unit)) * unit;
    *h = (int)fmax(1, floor(sqrt(area / aspect) / unit)) * unit;
}

/* What the model draws in a shape: its own size, upright where that is meant, or sides of about the
 * same area. */
static void settle_sides(struct plan *p, double aspect, int unit)
{
    double own = (double)p->info.width / p->info.height;

    p->w = p->info.width;
    p->h = p->info.height;
    if (fabs(log(aspect / own)) <= LIKE_OWN)
        return;
    if (fabs(log(aspect * own)) < LIKE_OWN) {
        p->w = p->info.height;
        p->h = p->info.width;
    } else {
        sides_of(&p->info, aspect, unit, &p->w, &p->h);
    }
}

/* Of the film: what is asked for, else that of a given picture. A size that is a whole multiple of
 * what the picture's shape leads to comes from there (a recipe knows the size alone). */
static double settle_aspect(struct plan *p, const struct request *r, const struct picture *first,
                            int unit, int given)
{
    static const double aspects[] = {16.0 / 9, 1, 9.0 / 16, 4.0 / 3, 3.0 / 4, 21.0 / 9};
    double aspect = (double)p->info.width / p->info.height,
           by_size = given ? (double)p->film_w / p->film_h : 0;

    if (p->region.n)
        aspect = by_size = (double)p->source.w / p->source.h;
    if (first->rgb)
        aspect = fmin(fmax((double)first->w / first->h, 1 / MAX_ASPECT), MAX_ASPECT);
    if (r->value[OPT_ASPECT].set)
        return aspects[r->value[OPT_ASPECT].i];
    if (!given)
        return aspect;
    settle_sides(p, aspect, unit);
    return p->film_w % p->w || p->film_h != p->film_w / p->w * p->h ? by_size : aspect;
}

/* Both sides of `lines` px in the shape, even ones. */
static void sides_of_lines(int lines, double aspect, int *w, int *h)
{
    int other = (int)floor(lines * fmax(aspect, 1 / aspect) / 2 + 0.5) * 2;

    *w = aspect >= 1 ? other : lines;
    *h = aspect >= 1 ? lines : other;
}

/* Of "1080p" where no other shape is said: 1920x1080, though our model draws 7:4. A film of which a
 * part is drawn anew keeps its shape. */
static double shape_of_lines(const struct plan *p, double aspect)
{
    const double screen = aspect < 1 ? 9.0 / 16 : 16.0 / 9;

    return !p->region.n && fabs(log(aspect / screen)) <= NEAR_SHAPE ? screen : aspect;
}

/* A model that draws any size: what is asked for, rounded down to tokens as the reference does;
 * else the model's own area in the shape of the picture or that is asked for. */
static void settle_any_size(struct plan *p, const struct request *r, const struct picture *first,
                            int unit)
{
    const char *size = request_text(r, OPT_SIZE);
    int w, h;

    int any = *size && strcmp(size, "native"), lines;

    if (any && !parse_lines(size, &lines))
        sides_of_lines(lines, settle_aspect(p, r, first, unit, 0), &w, &h);
    else if (any)
        any = !parse_size(size, &w, &h);
    if (any) {
        p->w = w < unit ? unit : w / unit * unit;
        p->h = h < unit ? unit : h / unit * unit;
        if (p->w != w || p->h != h)
            plan_note(p, xasprintf("%dx%d are not multiples of %d px, %dx%d is drawn", w, h, unit,
                                   p->w, p->h));
    } else {
        sides_of(&p->info, settle_aspect(p, r, first, unit, 0), unit, &p->w, &p->h);
    }
    p->film_w = p->seen_w = p->w;
    p->film_h = p->seen_h = p->h;
    p->lh = p->h / p->codec.ks;
    p->lw = p->w / p->codec.ks;
}

/* May the film be the middle of what is drawn? Given pictures, films, what is around those and
 * masks are laid there; a reference is a picture of all that is drawn. */
static int may_be_middle(const struct plan *p, const struct request *r, const struct pictures *x)
{
    int pictures =
        x->first.rgb || x->last.rgb || p->before.n || p->behind.n || r->value[OPT_KEY_FRAME].set;

    return !x->reference.rgb && !(pictures && r->older[OLDER_PICTURE]) &&
           !(p->source.n && r->older[OLDER_FILM]) &&
           !((p->region.n || p->brush.w) && r->older[OLDER_MASKS]);
}

static int even(double side)
{
    return (int)fmax(2, floor(side / 2 + 0.5) * 2);
}

/* A network that saw one shape alone draws that height, and no fewer columns than it saw: of a film
 * on end the middle of it is shown. In a grid of another height it draws everything twice. */
static void draw_own_height(struct plan *p, int unit)
{
    double film = (double)p->film_w / p->film_h, own = (double)p->info.width / p->info.height;
    int wide = (int)(fmin(p->info.height * film, MOST_WIDENED * p->info.width) / unit) * unit;

    p->w = p->info.width > wide ? p->info.width : wide;
    p->h = p->info.height;
    p->seen_w = p->w;
    p->seen_h = p->h;
    if (fabs(log(film / own)) <= LIKE_OWN)
        return;
    if (p->h * film < p->w)
        p->seen_w = even(p->h * film);
    else
        p->seen_h = even(fmin(p->h, p->w / film));
}

/* Of the film where no size is said: so many times what is drawn in that shape. */
static void settle_film(struct plan *p, double aspect, int native, int exact)
{
    int side = p->w < p->h ? p->w : p->h, scale = native ? 1 : (SHOWN_SIDE + side - 1) / side;

    p->film_w = p->w * scale;
    p->film_h = p->h * scale;
    if (exact && fabs(log(aspect * p->h / p->w)) > NEAR_SHAPE)
        sides_of_lines(side * scale, aspect, &p->film_w, &p->film_h);
}

int plan_size_settle(struct plan *p, const struct request *r, const struct pictures *x,
                     struct err *e)
{
    const char *size = request_text(r, OPT_SIZE);
    int unit = p->codec.ks * p->dit.patch[1], given = 0, native = !strcmp(size, "native");
    int own_w = p->info.width, own_h = p->info.height, lines = 0;
    int own_height = p->info.own_height && !r->older[OLDER_HEIGHT] && may_be_middle(p, r, x);
    double aspect;

    if (p->info.diffusers) {
        settle_any_size(p, r, &x->first, unit);
        return 0;
    }
    if (own_w % unit || own_h % unit)
        return err_set(e, ERR_FORMAT, "model_index.json: %dx%d is not a multiple of %d px", own_w,
                       own_h, unit);
    if (*size && !native && parse_lines(size, &lines))
        given = !parse_size(size, &p->film_w, &p->film_h);
    else if (!native && !lines)
        given = plan_films_size(p);
    aspect = settle_aspect(p, r, &x->first, unit, given);
    settle_sides(p, aspect, unit);
    if (given && r->value[OPT_ASPECT].set && *size &&
        fabs(log(aspect * p->film_h / p->film_w)) > NEAR_SHAPE)
        plan_note(p, xasprintf("the size says %s, so aspect %s says only what is drawn", size,
                               request_text(r, OPT_ASPECT)));
    if (lines)
        sides_of_lines(lines, shape_of_lines(p, aspect), &p->film_w, &p->film_h);
    else if (!given)
        settle_film(p, aspect, native, own_height);
    p->seen_w = p->w;
    p->seen_h = p->h;
    p->camera_of_drawn = r->older[OLDER_CAMERA];
    if (own_height)
        draw_own_height(p, unit);
    p->lh = p->h / p->codec.ks;
    p->lw = p->w / p->codec.ks;
    return 0;
}

void plan_size_enlarge(struct plan *p, const struct request *r)
{
    double wanted = fmax((double)p->film_w / p->seen_w, (double)p->film_h / p->seen_h);
    int plain = (int)request_int(r, OPT_ENLARGE, 0);

    p->n_enlarge =
        upsampler_chain(p->model->upsampler, plain ? 0 : p->model->n_upsamplers, wanted, &p->scale);
    p->sharpen = request_real(r, OPT_SHARPEN, p->n_enlarge ? p->info.sharpen : 0);
}

size_t plan_sharpen_room(const struct plan *p)
{
    int scale = p->n_enlarge ? p->model->upsampler[0].scale : 1;

    return p->sharpen > 0 ? sharpen_room(p->seen_w * scale, p->seen_h * scale) : 0;
}

struct tensor *plan_seen(struct cx *cx, const struct plan *p, struct tensor *x)
{
    int64_t n = (int64_t)p->seen_h * p->seen_w;
    int top = (p->h - p->seen_h) / 2, left = (p->w - p->seen_w) / 2;

    if (p->seen_w == p->w && p->seen_h == p->h)
        return x;
    int32_t *from = arena_alloc(&cx->handles, sizeof *from * (size_t)n);
    for (int64_t i = 0; i < n; i++)
        from[i] = (int32_t)((i / p->seen_w + top) * p->w + i % p->seen_w + left);
    x = gather_rows(cx, reshape(cx, x, DIMS((int64_t)p->h * p->w, 3)), from, n);
    return reshape(cx, x, DIMS(1, p->seen_h, p->seen_w, 3));
}
