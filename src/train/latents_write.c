#include "train/latents_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ahead.h"
#include "base/file.h"
#include "train/reel.h"

/* On a device that is told what to do, one call for many views costs little more than for one; the
 * CPU would only leave its caches. */
enum { AT_ONCE_ON_DEVICE = 8 };

static size_t view_pixels(const struct train_config *c)
{
    return (size_t)c->clip.width * (size_t)c->clip.height * (size_t)c->clip.frames;
}

static size_t view_tokens(const struct latents_head *h)
{
    return (size_t)h->t * (size_t)(h->h / h->patch) * (size_t)(h->w / h->patch);
}

/* Rows of w cells of so many bytes, left and right exchanged. */
static void flip(uint8_t *to, const uint8_t *from, size_t rows, size_t w, size_t bytes)
{
    for (size_t row = 0; row < rows; row++, from += w * bytes)
        for (size_t x = 0; x < w; x++, to += bytes)
            memcpy(to, from + (w - 1 - x) * bytes, bytes);
}

/* Pixels of token (y,x), over frames first..last, by object; those behind the last one count as
 * none. */
static void count_objects(const struct clip *c, int first, int last, int y, int x, int side,
                          int count[256])
{
    memset(count, 0, 256 * sizeof *count);
    for (int f = first; f <= last; f++)
        for (int v = y * side; v < (y + 1) * side; v++) {
            const uint8_t *row = c->ids + ((size_t)f * (size_t)c->h + (size_t)v) * (size_t)c->w;
            for (int u = x * side; u < (x + 1) * side; u++)
                count[row[u] <= c->n_objects ? row[u] : 0]++;
        }
}

/* Share of each token's pixels, over the frames of its group, that belong to an object, and to
 * which of them most do. */
static void token_shares(const struct latent_source *s, const struct clip *c, uint8_t *share,
                         uint8_t *object)
{
    int kt = s->vae->kt, side = s->vae->ks * s->head->patch;
    for (int t = 0; t < s->head->t; t++)
        for (int y = 0; y < c->h / side; y++)
            for (int x = 0; x < c->w / side; x++) {
                int first = t ? kt * (t - 1) + 1 : 0, last = kt * t;
                int all = (last - first + 1) * side * side, count[256], most = 0;
                count_objects(c, first, last, y, x, side, count);
                for (int o = 1; o < 256; o++)
                    if (count[o] > (most ? count[most] : 0))
                        most = o;
                *share++ = (uint8_t)(((all - count[0]) * 255 + all - 1) / all);
                *object++ = (uint8_t)most;
            }
}

struct latent_clip *latent_clip_render(const struct latent_source *s, int64_t i)
{
    const struct train_config *c = s->config;
    const struct record_form *form = &s->head->record;
    size_t tokens = view_tokens(s->head), w = (size_t)(s->head->w / s->head->patch);
    struct latent_clip *l = xcalloc(1, sizeof *l);
    struct world_scene scene;
    struct clip clip;
    uint64_t number = LATENT_CLIPS + (uint64_t)i;

    l->views = c->mirror ? 2 : 1;
    l->record = xmalloc(record_bytes(form) * (size_t)l->views);
    l->share = xmalloc(tokens * (size_t)l->views);
    l->object = xmalloc(tokens * (size_t)l->views);
    reel_draw(&clip, &scene, c->seed, number, &c->clip);
    record_write(l->record, form, &scene, clip.n_objects, c->seed, number);
    token_shares(s, &clip, l->share, l->object);
    if (l->views == 2) {
        scene.world->mirror(scene.state);
        record_write(l->record + record_bytes(form), form, &scene, clip.n_objects, c->seed, number);
        flip(l->share + tokens, l->share, tokens / w, w, 1);
        flip(l->object + tokens, l->object, tokens / w, w, 1);
    }
    l->rgb = clip.rgb;
    clip.rgb = NULL;
    clip_release(&clip);
    return l;
}

void latent_clip_free(struct latent_clip **c)
{
    if (!*c)
        return;
    free((*c)->rgb);
    free((*c)->record);
    free((*c)->share);
    free((*c)->object);
    free(*c);
    *c = NULL;
}

static void *make_clip(void *arg, int64_t i)
{
    return latent_clip_render(arg, i);
}

static void drop_clip(void *thing)
{
    struct latent_clip *c = thing;
    latent_clip_free(&c);
}

int latent_clips_ahead(struct ahead **a, const struct latent_source *s, int first, int end,
                       int threads, struct err *e)
{
    struct ahead_config c = {.make = make_clip,
                             .drop = drop_clip,
                             .arg = (void *)s,
                             .first = first,
                             .end = end,
                             .threads = threads,
                             .room = reel_room(threads, view_pixels(s->config) * 3)};
    return ahead_new(a, &c, e);
}

int latent_group_size(int first, int clips)
{
    return clips - first < LATENT_GROUP ? clips - first : LATENT_GROUP;
}

static int cannot_write(const struct latents_writer *w, const char *why, struct err *e)
{
    return err_set(e, ERR_IO, "%s: cannot write: %s", w->path, why);
}

static int write_all(struct latents_writer *w, const void *data, size_t bytes, struct err *e)
{
    for (const char *p = data; bytes;) {
        ssize_t n = write(w->fd, p, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return cannot_write(w, n ? strerror(errno) : "no room", e);
        p += n;
        bytes -= (size_t)n;
    }
    return 0;
}

/* Leave the clips in the file that are whole groups of this run. */
static int keep_groups(struct latents_writer *w, const struct run *run, int clips, struct err *e)
{
    off_t size = lseek(w->fd, 0, SEEK_END), head = (off_t)sizeof(w->head);
    off_t clip = (off_t)w->at.bytes * (w->config->mirror ? 2 : 1);
    struct latents_head have;
    int read = size >= head && pread(w->fd, &have, sizeof(have), 0) == head;
    int other = read ? latents_check(&have, &w->head, w->path, e) : 0;
    if (read && !other) {
        int64_t n = (size - head) / clip;
        w->clips = n < clips ? (int)(n - n % LATENT_GROUP) : clips;
        if (ftruncate(w->fd, head + w->clips * clip) || lseek(w->fd, 0, SEEK_END) < 0)
            return cannot_write(w, strerror(errno), e);
        return 0;
    }
    if (other && (!run->resume || memcmp(have.magic, w->head.magic, sizeof(have.magic))))
        return other;
    if (ftruncate(w->fd, 0) || lseek(w->fd, 0, SEEK_SET))
        return cannot_write(w, strerror(errno), e);
    return write_all(w, &w->head, sizeof(w->head), e);
}

static size_t padded_frames(const struct latents_writer *w)
{
    return (size_t)w->head.t * (size_t)w->vae->kt;
}

int latents_writer_open(struct latents_writer *w, const struct train_config *c,
                        const struct run *run, struct cx *cx, const struct tiny_vae *vae, int clips,
                        struct err *e)
{
    *w = (struct latents_writer){.config = c,
                                 .cx = cx,
                                 .vae = vae,
                                 .threads = run->threads,
                                 .fd = -1,
                                 .at_once = cx->device->host ? 1 : AT_ONCE_ON_DEVICE,
                                 .path = path_join(run->dir, "latents.bin")};
    int rc = latents_head_of(&w->head, c, run->dir, e);
    if (rc)
        return rc;
    const struct latents_head *h = &w->head;
    w->source = (struct latent_source){c, h, vae};
    size_t n = (size_t)w->at_once, frame = (size_t)c->clip.width * (size_t)c->clip.height * 3;
    w->at = latents_layout(h);
    w->video = xmalloc(sizeof(float) * frame * padded_frames(w) * n);
    w->z = xmalloc(sizeof(float) * (size_t)h->t * (size_t)h->h * (size_t)h->w * (size_t)h->c * n);
    w->bytes = xmalloc(w->at.bytes * n);
    w->fd = open(w->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (w->fd < 0)
        return cannot_write(w, strerror(errno), e);
    return keep_groups(w, run, clips, e);
}

int latents_writer_close(struct latents_writer *w, int rc, struct err *e)
{
    if (w->fd >= 0 && close(w->fd) && !rc)
        rc = cannot_write(w, strerror(errno), e);
    free(w->path);
    free(w->video);
    free(w->z);
    free(w->bytes);
    *w = (struct latents_writer){.fd = -1};
    return rc;
}

struct view_job {
    struct latents_writer *w;
    struct latent_clip *const *clip;
    int first; /* view */
};

/* Frames of one view as numbers, with the first or last of them repeated as tiny_vae_encode does.
 */
static void fill_video(void *arg, int item, int worker)
{
    const struct view_job *j = arg;
    const struct train_config *c = j->w->config;
    size_t width = (size_t)c->clip.width, frame = width * (size_t)c->clip.height * 3;
    size_t frames = (size_t)c->clip.frames, all = padded_frames(j->w), pad = all - frames;
    size_t front = j->w->vae->config.pad_start ? pad : 0;
    int view = j->first + item, views = j->clip[0]->views;
    const uint8_t *rgb = j->clip[view / views]->rgb;
    float *to = j->w->video + frame * all * (size_t)item, *at = to + frame * front;
    (void)worker;
    for (size_t row = 0; row < (size_t)c->clip.height * frames; row++, rgb += width * 3)
        for (size_t x = 0; x < width; x++, at += 3) {
            const uint8_t *p = rgb + (view % views ? width - 1 - x : x) * 3;
            for (int k = 0; k < 3; k++)
                at[k] = (float)p[k] / 255;
        }
    for (size_t i = 0; i < front; i++)
        memcpy(to + frame * i, to + frame * front, sizeof(float) * frame);
    for (size_t i = front + frames; i < all; i++)
        memcpy(to + frame * i, to + frame * (front + frames - 1), sizeof(float) * frame);
}

/* Views first..first+n-1 of a group. */
static int add_views(struct latents_writer *w, struct latent_clip *const *clip, int first, int n,
                     struct err *e)
{
    const struct latents_head *h = &w->head;
    const struct clip_shape *s = &w->config->clip;
    struct cx *cx = w->cx;
    struct view_job j = {w, clip, first};
    threads_run(w->threads, n, fill_video, &j);
    struct tensor *x = tensor_from(
        cx, DT_F32, DIMS(n, (int64_t)padded_frames(w), s->height, s->width, 3), w->video, DT_F32);
    struct tensor *z = tiny_vae_encode_clips(cx, w->vae, x);
    size_t each = (size_t)h->t * (size_t)h->h * (size_t)h->w * (size_t)h->c;
    ZT_ASSERT((size_t)tensor_count(z) == each * (size_t)n);
    tensor_read_f32(cx, z, w->z);
    cx_step_end(cx);
    if (cx->err.code)
        return err_set(e, cx->err.code, "latents: %s", cx->err.msg);
    memset(w->bytes, 0, w->at.bytes * (size_t)n);
    size_t record = record_bytes(&h->record), tokens = view_tokens(h);
    for (int i = 0; i < n; i++) {
        uint8_t *to = w->bytes + w->at.bytes * (size_t)i;
        const struct latent_clip *c = clip[(first + i) / clip[0]->views];
        size_t view = (size_t)((first + i) % c->views);
        memcpy(to, c->record + record * view, record);
        dtype_convert(to + w->at.z, DT_BF16, w->z + each * (size_t)i, DT_F32, each);
        memcpy(to + w->at.share, c->share + tokens * view, tokens);
        memcpy(to + w->at.object, c->object + tokens * view, tokens);
    }
    return write_all(w, w->bytes, w->at.bytes * (size_t)n, e);
}

int latents_writer_add(struct latents_writer *w, struct latent_clip *const *clip, int n,
                       struct err *e)
{
    int rc = 0, views = n * clip[0]->views;
    for (int i = 0; i < views && !rc; i += w->at_once)
        rc = add_views(w, clip, i, views - i < w->at_once ? views - i : w->at_once, e);
    if (!rc)
        w->clips += n;
    return rc;
}
