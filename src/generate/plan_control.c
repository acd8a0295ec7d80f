/* plan_control.c - what steers a model that reads a control video (VACE): a film, a mask of what is
 * to be drawn, pictures that begin or end it, a picture of what is meant. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "generate/plan_inner.h"
#include "media/film.h"
#include "media/resize.h"

static int drawn_frames(const struct plan *p)
{
    return codec_frames(&p->codec, p->t);
}

static size_t pixels_of(const struct plan *p)
{
    return (size_t)p->w * (size_t)p->h;
}

/* A frame of any size, covering that of the film. */
static void put_frame(const struct plan *p, uint8_t *to, const uint8_t *rgb, int w, int h)
{
    uint8_t *fit = resize_bytes_cover(p->w, p->h, rgb, w, h, RESIZE_LANCZOS);

    memcpy(to, fit, pixels_of(p) * 3);
    free(fit);
}

/* A film of the request, in memory or by its name; f->rgb is NULL when none is given. */
static int open_film(struct film *f, const struct request *r, enum option_id id,
                     const struct film *given, int most, int *borrowed, struct err *e)
{
    *f = (struct film){0};
    *borrowed = given != NULL;
    if (given)
        *f = *given;
    else if (r->value[id].set)
        return film_read(f, request_text(r, id), &(struct film_caps){.max_frames = most}, e);
    return 0;
}

static void note_length(struct plan *p, const struct film *f, const char *name)
{
    int n = drawn_frames(p);

    if (f->n < p->n_frames)
        plan_note(p, xasprintf("the %s has %d frames, the film %d: what follows is free", name,
                               f->n, p->n_frames));
    else if (f->n > n)
        plan_note(p, xasprintf("of the %s the first %d frames are used", name, n));
}

/* The film of --from, of which a region is drawn anew. */
static void take_source(struct plan *p)
{
    int n = drawn_frames(p), most = plan_source_frames(p);

    for (int i = 0; i < n && i < most; i++) {
        plan_source_frame(p, i, p->control.rgb + (size_t)i * pixels_of(p) * 3);
        region_scale(&p->region, plan_source_index(p, i, p->info.frame_rate), p->w, p->h,
                     p->control.drawn + (size_t)i * pixels_of(p));
        p->control.known[i] = 1;
    }
}

/* Frames that are known are kept or, without a mask, read as a drawing of what is wanted. */
static int take_film(struct plan *p, const struct request *r, struct err *e)
{
    struct film f;
    int borrowed, n = drawn_frames(p);
    int rc = open_film(&f, r, OPT_CONTROL, r->film[0], n + 1, &borrowed, e);

    if (!rc && f.rgb)
        note_length(p, &f, "control");
    for (int i = 0; !rc && f.rgb && i < n && i < f.n; i++) {
        put_frame(p, p->control.rgb + (size_t)i * pixels_of(p) * 3,
                  f.rgb + (size_t)i * (size_t)f.w * (size_t)f.h * 3, f.w, f.h);
        p->control.known[i] = 1;
    }
    if (!borrowed)
        film_release(&f);
    return rc;
}

/* A single picture is the mask of all frames. */
static int take_mask(struct plan *p, const struct request *r, struct err *e)
{
    struct film f;
    int borrowed, n = drawn_frames(p);
    uint8_t *frame = xmalloc(pixels_of(p) * 3);
    int rc = open_film(&f, r, OPT_MASK, r->film[1], n + 1, &borrowed, e);

    if (!rc && f.rgb && f.n > 1)
        note_length(p, &f, "mask");
    for (int i = 0; !rc && f.rgb && i < n && (i < f.n || f.n == 1); i++) {
        size_t from = f.n == 1 ? 0 : (size_t)i;
        uint8_t *to = p->control.drawn + (size_t)i * pixels_of(p);

        put_frame(p, frame, f.rgb + from * (size_t)f.w * (size_t)f.h * 3, f.w, f.h);
        for (size_t k = 0; k < pixels_of(p); k++)
            to[k] = frame[3 * k] >= REGION_WHITE;
    }
    if (!borrowed)
        film_release(&f);
    free(frame);
    return rc;
}

static void keep_picture(struct plan *p, const struct given_picture *x, int frame)
{
    size_t n = pixels_of(p);

    if (!x->rgb)
        return;
    memcpy(p->control.rgb + (size_t)frame * n * 3, x->rgb, n * 3);
    memset(p->control.drawn + (size_t)frame * n, 0, n);
    p->control.known[frame] = 1;
}

/* Value at (y, x) of a picture that is read between its pixels. */
static float between(const struct picture *pic, double y, double x, int c)
{
    int y0 = (int)y, x0 = (int)x;
    int y1 = y0 + 1 < pic->h ? y0 + 1 : y0, x1 = x0 + 1 < pic->w ? x0 + 1 : x0;
    double fy = y - y0, fx = x - x0;
#define AT(row, column) pic->rgb[((size_t)(row) * (size_t)pic->w + (size_t)(column)) * 3 + c]
    double top = AT(y0, x0) * (1 - fx) + AT(y0, x1) * fx;
    double low = AT(y1, x0) * (1 - fx) + AT(y1, x1) * fx;
#undef AT

    return (float)((top * (1 - fy) + low * fy) / 255);
}

/* Whole, on white, in the middle. x has whole latent places. */
static void put_reference(struct plan *p, const struct picture *x)
{
    double scale = fmin((double)p->h / x->h, (double)p->w / x->w);
    int w = (int)(x->w * scale), h = (int)(x->h * scale), top, left;
    float *to = xmalloc(pixels_of(p) * 3 * sizeof *to);

    w = w < 1 ? 1 : w;
    h = h < 1 ? 1 : h;
    top = (p->h - h) / 2;
    left = (p->w - w) / 2;
    for (size_t i = 0; i < pixels_of(p) * 3; i++)
        to[i] = 1;
    for (int y = 0; y < h; y++)
        for (int u = 0; u < w; u++)
            for (int c = 0; c < 3; c++)
                to[((size_t)(y + top) * (size_t)p->w + (size_t)(u + left)) * 3 + (size_t)c] =
                    between(x, fmax(0, (y + 0.5) * x->h / h - 0.5),
                            fmax(0, (u + 0.5) * x->w / w - 0.5), c);
    p->control.reference = to;
    p->ahead = 1;
}

/* The reference takes a picture to whole latent places first. */
static void take_reference(struct plan *p, const struct picture *x)
{
    int ks = p->codec.ks, w = x->w < ks ? x->w : x->w - x->w % ks,
        h = x->h < ks ? x->h : x->h - x->h % ks;
    struct picture whole = {w, h, resize_bytes(w, h, x->rgb, x->w, x->h, RESIZE_LANCZOS)};

    put_reference(p, &whole);
    picture_release(&whole);
}

/* The reference is drawn as a frame before the film, which would be carried and dragged along. */
static void note_reference(struct plan *p)
{
    int moves = camera_moves(&p->camera);

    for (int i = 0; i < p->n_shots; i++)
        moves |= camera_moves(&p->shot[i].camera);
    if (moves)
        plan_note(p, xstrdup("camera: with a reference it is said in words alone, the noise does "
                             "not go along"));
    if (p->brush.w)
        plan_note(p, xstrdup("brush: with a reference nothing is dragged; leave one of them out"));
}

static void take_hash(struct plan *p)
{
    size_t n = pixels_of(p) * (size_t)drawn_frames(p);
    struct sha256 h;

    sha256_init(&h);
    sha256_add(&h, p->control.rgb, n * 3);
    sha256_add(&h, p->control.drawn, n);
    if (p->control.reference)
        sha256_add(&h, p->control.reference, pixels_of(p) * 3 * sizeof(float));
    sha256_hex(&h, p->control.hash);
}

static int check_use(const struct plan *p, const struct request *r, const struct pictures *x,
                     struct err *e)
{
    int mask = r->value[OPT_MASK].set || r->film[1], film = r->value[OPT_CONTROL].set || r->film[0];

    if ((film || x->reference.rgb) && !p->dit.n_controls)
        return err_set(e, ERR_USAGE, "%s: \"%s\" is no model that takes one (VACE does)",
                       film ? "control" : "reference",
                       *p->info.family ? p->info.family : p->info.name);
    if (mask && !film && !p->first.rgb && !p->source.n)
        return err_set(e, ERR_USAGE, "mask: says what is drawn anew in a control, give one");
    return 0;
}

/* Recipes have both of every film, so only what is not as unsaid was meant. */
static void note_idle(struct plan *p, const struct request *r)
{
    if (!r->value[OPT_FROM].set && request_real(r, OPT_STRENGTH, 0.6) != 0.6)
        plan_note(p, xstrdup("strength is of the film that is drawn anew (from); none is given"));
    if (!p->dit.n_controls && p->control.scale != 1)
        plan_note(
            p, xasprintf("control-scale is of VACE models; \"%s\" takes no control", p->info.name));
}

int plan_control_settle(struct plan *p, const struct pictures *x, const struct request *r,
                        struct err *e)
{
    size_t n = pixels_of(p) * (size_t)drawn_frames(p);
    int rc = check_use(p, r, x, e);

    p->control.scale = request_real(r, OPT_CONTROL_SCALE, 1);
    note_idle(p, r);
    if (rc || !p->dit.n_controls)
        return rc;
    p->control.rgb = malloc(n * 3);
    p->control.drawn = malloc(n);
    if (!p->control.rgb || !p->control.drawn)
        return err_set(e, ERR_FIT, "no memory for %d frames of %dx%d", drawn_frames(p), p->w, p->h);
    memset(p->control.rgb, 0, n * 3);
    memset(p->control.drawn, 1, n);
    p->control.known = xcalloc((size_t)drawn_frames(p), 1);
    if (p->source.n)
        take_source(p);
    else
        rc = take_film(p, r, e);
    if (!rc && !p->source.n)
        rc = take_mask(p, r, e);
    if (rc)
        return rc;
    keep_picture(p, &p->first, 0);
    keep_picture(p, &p->last, drawn_frames(p) - 1);
    if (x->reference.rgb) {
        take_reference(p, &x->reference);
        note_reference(p);
    }
    take_hash(p);
    return *r->control_hash && strcmp(r->control_hash, p->control.hash)
               ? err_set(e, ERR_USAGE,
                         "control: it, mask, reference and pictures are not those that this recipe "
                         "was made with; give them again")
               : 0;
}
