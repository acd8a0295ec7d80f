#include "train/reel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ahead.h"
#include "base/clock.h"
#include "base/file.h"
#include "train/recipe.h"

/* What waits to be written or encoded: some groups of latents, and enough for every thread to go on
 * while others are slow; but not more than so many bytes. */
enum { WAITING = 64, WAITING_PER_THREAD = 4 };
#define WAITING_BYTES ((size_t)512 << 20)

/* First bytes of the file; all of it must agree for the records to be ours. */
struct reel_head {
    char magic[8];
    uint64_t seed;
    int32_t width, height, frames;
    struct record_form record;
    int32_t unused;
    double fps;
    uint64_t worlds;
};

#define MAGIC "ZTREEL2"

struct record_form reel_record_form(const struct train_config *c)
{
    return (struct record_form){(int32_t)worlds_state_bytes(&c->clip.worlds),
                                1 + c->everyday_captions};
}

static struct reel_head head_of(const struct train_config *c)
{
    struct reel_head h = {.magic = MAGIC,
                          .seed = c->seed,
                          .width = c->clip.width,
                          .height = c->clip.height,
                          .frames = c->clip.frames,
                          .record = reel_record_form(c),
                          .fps = c->clip.fps,
                          .worlds = worlds_hash(&c->clip.worlds)};
    return h;
}

static size_t picture_pixels(const struct clip_shape *s)
{
    return (size_t)s->width * (size_t)s->height;
}

/* Of one clip, words and pictures. */
static size_t clip_bytes(const struct record_form *r, const struct clip_shape *s)
{
    return record_bytes(r) + picture_pixels(s) * (size_t)s->frames * 4;
}

uint64_t reel_bytes(const struct train_config *c)
{
    struct record_form form = reel_record_form(c);
    return sizeof(struct reel_head) + (uint64_t)c->reel_clips * clip_bytes(&form, &c->clip);
}

void reel_draw(struct clip *clip, struct world_scene *scene, uint64_t seed, uint64_t i,
               const struct clip_shape *shape)
{
    worlds_sample(&shape->worlds, scene, seed, i, (double)shape->width / shape->height);
    scene->world->render(scene->state, shape->width, shape->height, shape->frames, shape->fps,
                         clip);
}

struct render_job {
    struct clip *clip;
    struct world_scene *scene;
    uint64_t seed, first;
    const struct clip_shape *shape;
};

static void render_one(void *arg, int item, int worker)
{
    (void)worker;
    struct render_job *j = arg;
    reel_draw(&j->clip[item], &j->scene[item], j->seed, j->first + (uint64_t)item, j->shape);
}

void reel_render(struct clip *clip, struct world_scene *scene, uint64_t seed, uint64_t first, int n,
                 const struct clip_shape *shape, struct threads *th)
{
    struct render_job j = {clip, scene, seed, first, shape};
    threads_run(th, n, render_one, &j);
}

static int write_all(int fd, const char *path, const void *data, size_t bytes, struct err *e)
{
    for (const char *p = data; bytes;) {
        ssize_t n = write(fd, p, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set(e, ERR_IO, "%s: cannot write: %s", path,
                           n ? strerror(errno) : "no room");
        p += n;
        bytes -= (size_t)n;
    }
    return 0;
}

static int write_clip(int fd, const char *path, const struct clip *c, const uint8_t *record,
                      size_t bytes, struct err *e)
{
    size_t pixels = (size_t)c->w * (size_t)c->h * (size_t)c->n_frames;
    int rc = write_all(fd, path, record, bytes, e);
    if (!rc)
        rc = write_all(fd, path, c->rgb, pixels * 3, e);
    return rc ? rc : write_all(fd, path, c->ids, pixels, e);
}

static int check_head(const struct reel_head *have, const struct train_config *c, const char *path,
                      struct err *e)
{
    struct reel_head want = head_of(c);
    if (memcmp(have->magic, want.magic, sizeof(want.magic)))
        return err_set(
            e, ERR_FORMAT,
            "%s: not a reel of this version (%s); remove it, or train into another --out", path,
            MAGIC);
    if (memcmp(have, &want, sizeof(want)))
        return err_set(e, ERR_FORMAT,
                       "%s: the clips come from another config; train into another --out", path);
    return 0;
}

/* Records that are complete; the file is cut behind them. Negative on failure. */
static int open_for_append(int *fd, const char *path, const struct train_config *c, struct err *e)
{
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*fd < 0)
        return err_set(e, ERR_IO, "%s: cannot write: %s", path, strerror(errno));
    struct reel_head want = head_of(c), have = {0};
    off_t size = lseek(*fd, 0, SEEK_END), clip = (off_t)clip_bytes(&want.record, &c->clip);
    int64_t n = 0;
    int rc = 0;
    if (size >= (off_t)sizeof(want)) {
        if (pread(*fd, &have, sizeof(have), 0) != sizeof(have))
            return err_set(e, ERR_IO, "%s: cannot read: %s", path, strerror(errno));
        if ((rc = check_head(&have, c, path, e)))
            return rc;
        n = (size - (off_t)sizeof(want)) / clip;
    }
    off_t keep = n ? (off_t)sizeof(want) + n * clip : 0;
    if (ftruncate(*fd, keep) || lseek(*fd, 0, SEEK_END) < 0)
        return err_set(e, ERR_IO, "%s: cannot write: %s", path, strerror(errno));
    rc = keep ? 0 : write_all(*fd, path, &want, sizeof(want), e);
    return rc ? rc : n > c->reel_clips ? c->reel_clips : (int)n;
}

int reel_room(int threads, size_t bytes)
{
    size_t fit = WAITING_BYTES / bytes, want = WAITING_PER_THREAD * (size_t)threads;
    want = want > WAITING ? want : WAITING;
    return (int)(want < fit ? want : fit > 1 ? fit : 1);
}

struct rendered {
    struct world_scene scene;
    struct clip clip;
};

static void *make_clip(void *arg, int64_t i)
{
    const struct train_config *c = arg;
    struct rendered *d = xmalloc(sizeof *d);
    reel_draw(&d->clip, &d->scene, c->seed, (uint64_t)i, &c->clip);
    return d;
}

static void drop_clip(void *thing)
{
    struct rendered *d = thing;
    clip_release(&d->clip);
    free(d);
}

static int append(int fd, const char *path, int done, const struct train_config *c,
                  const struct run *run, struct err *e)
{
    struct record_form form = reel_record_form(c);
    int threads = threads_count(run->threads), from = done;
    struct ahead_config make = {.make = make_clip,
                                .drop = drop_clip,
                                .arg = (void *)c,
                                .first = done,
                                .end = c->reel_clips,
                                .threads = threads,
                                .room = reel_room(threads, clip_bytes(&form, &c->clip))};
    struct ahead *clips;
    double start = clock_s(), said = start;
    int rc = ahead_new(&clips, &make, e);
    uint8_t *record = xmalloc(record_bytes(&form));
    while (!rc && done < c->reel_clips) {
        if (run->stop && *run->stop) {
            rc = err_set(e, ERR_CANCEL, "reel: stopped after %d clips", done);
            break;
        }
        struct rendered *d = ahead_take(clips);
        record_write(record, &form, &d->scene, d->clip.n_objects, c->seed, (uint64_t)done);
        rc = write_clip(fd, path, &d->clip, record, record_bytes(&form), e);
        drop_clip(d);
        done++;
        if (clock_s() - said > 10 || done == c->reel_clips) {
            said = clock_s();
            run_log(run, "reel %d/%d  %.1f clips/s", done, c->reel_clips,
                    (done - from) / (said - start));
        }
    }
    ahead_free(&clips);
    free(record);
    return rc;
}

int reel_make(const struct train_config *c, const struct run *run, struct err *e)
{
    if (recipe_vae_done(c, run->dir))
        return 0;
    char *path = path_join(run->dir, "reel.bin");
    int fd, n = open_for_append(&fd, path, c, e);
    int rc = n < 0 ? n : append(fd, path, n, c, run, e);
    if (fd >= 0 && close(fd) && !rc)
        rc = err_set(e, ERR_IO, "%s: cannot write: %s", path, strerror(errno));
    free(path);
    return rc;
}

int reel_open(struct reel *r, const struct train_config *c, const char *dir, struct err *e)
{
    *r = (struct reel){.fd = -1,
                       .shape = c->clip,
                       .record = reel_record_form(c),
                       .n = c->reel_clips,
                       .path = path_join(dir, "reel.bin")};
    struct reel_head have = {0};
    r->fd = open(r->path, O_RDONLY | O_CLOEXEC);
    int rc = 0;
    if (r->fd < 0)
        rc = err_set(e, ERR_IO, "%s: cannot open: %s", r->path, strerror(errno));
    else if (pread(r->fd, &have, sizeof(have), 0) < 0)
        rc = err_set(e, ERR_IO, "%s: cannot read: %s", r->path, strerror(errno));
    else if (!(rc = check_head(&have, c, r->path, e)) &&
             lseek(r->fd, 0, SEEK_END) <
                 (off_t)(sizeof(have) + clip_bytes(&r->record, &r->shape) * (size_t)r->n))
        rc = err_set(e, ERR_FORMAT, "%s: holds fewer than %d clips", r->path, r->n);
    if (rc)
        reel_close(r);
    return rc;
}

void reel_close(struct reel *r)
{
    if (r->fd >= 0)
        close(r->fd);
    free(r->path);
    *r = (struct reel){.fd = -1};
}

static int read_at(const struct reel *r, void *dst, size_t bytes, size_t offset, struct err *e)
{
    ssize_t got = pread(r->fd, dst, bytes, (off_t)offset);
    if (got != (ssize_t)bytes)
        return err_set(e, ERR_IO, "%s: cannot read: %s", r->path,
                       got < 0 ? strerror(errno) : "file ended");
    return 0;
}

static size_t record_at(const struct reel *r, int i)
{
    ZT_ASSERT(i >= 0 && i < r->n);
    return sizeof(struct reel_head) + clip_bytes(&r->record, &r->shape) * (size_t)i;
}

int reel_read(const struct reel *r, int i, int first, int n, uint8_t *rgb, uint8_t *ids,
              struct err *e)
{
    ZT_ASSERT(first >= 0 && n >= 0 && first + n <= r->shape.frames);
    size_t px = picture_pixels(&r->shape), at = record_at(r, i) + record_bytes(&r->record);
    int rc = read_at(r, rgb, px * 3 * (size_t)n, at + px * 3 * (size_t)first, e);
    at += px * 3 * (size_t)r->shape.frames;
    return rc ? rc : read_at(r, ids, px * (size_t)n, at + px * (size_t)first, e);
}
