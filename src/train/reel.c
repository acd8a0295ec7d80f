#include "train/reel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"

enum { AT_ONCE = 16 };

/* First bytes of the file; all of it must agree for the records to be ours. */
struct reel_head {
    char magic[8];
    uint64_t seed;
    int32_t width, height, frames, facts_bytes;
    double fps;
    uint64_t mix;
    uint8_t unused[16];
};

static struct reel_head head_of(const struct train_config *c)
{
    struct reel_head h = {.magic = "ZTREEL1",
                          .seed = c->seed,
                          .width = c->clip.width,
                          .height = c->clip.height,
                          .frames = c->clip.frames,
                          .facts_bytes = (int32_t)sizeof(struct facts),
                          .fps = c->clip.fps,
                          .mix = clip_shape_mix_hash(&c->clip)};
    return h;
}

static size_t picture_pixels(const struct clip_shape *s)
{
    return (size_t)s->width * (size_t)s->height;
}

static size_t record_bytes(const struct clip_shape *s)
{
    return sizeof(struct facts) + picture_pixels(s) * (size_t)s->frames * 4;
}

void reel_scene(struct scene *s, uint64_t seed, uint64_t i, const struct clip_shape *shape)
{
    struct rng r;
    rng_init(&r, seed, i);
    scene_sample(s, rng_u64(&r), &shape->mix, (double)shape->width / shape->height);
}

struct render_job {
    struct clip *clip;
    struct scene *scene;
    uint64_t seed, first;
    const struct clip_shape *shape;
};

static void render_one(void *arg, int item, int worker)
{
    (void)worker;
    struct render_job *j = arg;
    reel_scene(&j->scene[item], j->seed, j->first + (uint64_t)item, j->shape);
    clip_render(&j->scene[item], j->shape->width, j->shape->height, j->shape->frames, j->shape->fps,
                &j->clip[item]);
}

void reel_render(struct clip *clip, struct scene *scene, uint64_t seed, uint64_t first, int n,
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

static int write_clip(int fd, const char *path, const struct clip *c, const struct facts *f,
                      struct err *e)
{
    size_t pixels = (size_t)c->w * (size_t)c->h * (size_t)c->n_frames;
    int r = write_all(fd, path, f, sizeof(*f), e);
    if (!r)
        r = write_all(fd, path, c->rgb, pixels * 3, e);
    return r ? r : write_all(fd, path, c->ids, pixels, e);
}

/* Records that are complete; the file is cut behind them. Negative on failure. */
static int open_for_append(int *fd, const char *path, const struct train_config *c, struct err *e)
{
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*fd < 0)
        return err_set(e, ERR_IO, "%s: cannot write: %s", path, strerror(errno));
    struct reel_head want = head_of(c), have = {0};
    off_t size = lseek(*fd, 0, SEEK_END);
    int64_t n = 0;
    if (size >= (off_t)sizeof(want)) {
        if (pread(*fd, &have, sizeof(have), 0) != sizeof(have) ||
            memcmp(&have, &want, sizeof(want)))
            return err_set(e, ERR_FORMAT,
                           "%s: the clips come from another config; train into another --out",
                           path);
        n = (size - (off_t)sizeof(want)) / (off_t)record_bytes(&c->clip);
    }
    off_t keep = n ? (off_t)sizeof(want) + n * (off_t)record_bytes(&c->clip) : 0;
    if (ftruncate(*fd, keep) || lseek(*fd, 0, SEEK_END) < 0)
        return err_set(e, ERR_IO, "%s: cannot write: %s", path, strerror(errno));
    int r = keep ? 0 : write_all(*fd, path, &want, sizeof(want), e);
    return r ? r : n > c->reel_clips ? c->reel_clips : (int)n;
}

static int append(int fd, const char *path, int done, const struct train_config *c,
                  const struct run *run, struct err *e)
{
    struct clip clip[AT_ONCE];
    struct scene scene[AT_ONCE];
    double start = clock_s(), said = start;
    int r = 0, from = done;
    while (!r && done < c->reel_clips) {
        if (run->stop && *run->stop)
            return err_set(e, ERR_CANCEL, "reel: stopped after %d clips", done);
        int n = c->reel_clips - done < AT_ONCE ? c->reel_clips - done : AT_ONCE;
        reel_render(clip, scene, c->seed, (uint64_t)done, n, &c->clip, run->threads);
        for (int i = 0; i < n; i++) {
            if (!r)
                r = write_clip(fd, path, &clip[i], &scene[i].facts, e);
            clip_release(&clip[i]);
        }
        done += n;
        if (clock_s() - said > 10 || done == c->reel_clips) {
            said = clock_s();
            run_log(run, "reel %d/%d  %.1f clips/s", done, c->reel_clips,
                    (done - from) / (said - start));
        }
    }
    return r;
}

int reel_make(const struct train_config *c, const struct run *run, struct err *e)
{
    char *path = path_join(run->dir, "reel.bin");
    int fd, n = open_for_append(&fd, path, c, e);
    int r = n < 0 ? n : append(fd, path, n, c, run, e);
    if (fd >= 0 && close(fd) && !r)
        r = err_set(e, ERR_IO, "%s: cannot write: %s", path, strerror(errno));
    free(path);
    return r;
}

int reel_open(struct reel *r, const struct train_config *c, const char *dir, struct err *e)
{
    *r = (struct reel){
        .fd = -1, .shape = c->clip, .n = c->reel_clips, .path = path_join(dir, "reel.bin")};
    struct reel_head want = head_of(c), have;
    r->fd = open(r->path, O_RDONLY | O_CLOEXEC);
    int code = 0;
    if (r->fd < 0)
        code = err_set(e, ERR_IO, "%s: cannot open: %s", r->path, strerror(errno));
    else if (pread(r->fd, &have, sizeof(have), 0) != sizeof(have) ||
             memcmp(&have, &want, sizeof(want)) ||
             lseek(r->fd, 0, SEEK_END) <
                 (off_t)(sizeof(want) + record_bytes(&c->clip) * (size_t)r->n))
        code = err_set(e, ERR_FORMAT, "%s: not the %d clips of this config", r->path, r->n);
    if (code)
        reel_close(r);
    return code;
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
    return sizeof(struct reel_head) + record_bytes(&r->shape) * (size_t)i;
}

int reel_facts(const struct reel *r, int i, struct facts *f, struct err *e)
{
    return read_at(r, f, sizeof(*f), record_at(r, i), e);
}

int reel_read(const struct reel *r, int i, int first, int n, uint8_t *rgb, uint8_t *ids,
              struct err *e)
{
    ZT_ASSERT(first >= 0 && n >= 0 && first + n <= r->shape.frames);
    size_t px = picture_pixels(&r->shape), at = record_at(r, i) + sizeof(struct facts);
    int code = read_at(r, rgb, px * 3 * (size_t)n, at + px * 3 * (size_t)first, e);
    at += px * 3 * (size_t)r->shape.frames;
    return code ? code : read_at(r, ids, px * (size_t)n, at + px * (size_t)first, e);
}
