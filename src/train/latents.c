#include "train/latents.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/jsonw.h"
#include "format/json.h"
#include "format/safetensors.h"
#include "train/reel.h"

static size_t round_up(size_t n)
{
    return (n + 63) / 64 * 64;
}

#define MAGIC "ZTLAT02"

struct latents_layout latents_layout(const struct latents_head *h)
{
    size_t places = (size_t)h->t * (size_t)h->h * (size_t)h->w;
    size_t tokens = round_up(places / (size_t)(h->patch * h->patch));
    struct latents_layout l = {.z = round_up(record_bytes(&h->record))};
    l.share = l.z + round_up(places * (size_t)h->c * sizeof(bf16));
    l.object = l.share + tokens;
    l.bytes = l.object + tokens;
    return l;
}

int latents_check(const struct latents_head *have, const struct latents_head *want,
                  const char *path, struct err *e)
{
    if (memcmp(have->magic, want->magic, sizeof(want->magic)))
        return err_set(
            e, ERR_FORMAT,
            "%s: not latents of this version (%s); remove the file, or train into another --out",
            path, MAGIC);
    if (memcmp(have, want, sizeof(*want)))
        return err_set(e, ERR_FORMAT, "%s: the latents come from another config or codec", path);
    return 0;
}

int latents_head_sizes(struct latents_head *h, const struct train_config *c, struct err *e)
{
    struct tiny_vae m;
    int rc = tiny_vae_init(&m, &c->vae.net, e);
    if (rc)
        return rc;
    *h = (struct latents_head){.magic = MAGIC,
                               .seed = c->seed,
                               .t = (c->clip.frames - 1) / m.kt + 1,
                               .h = c->clip.height / m.ks,
                               .w = c->clip.width / m.ks,
                               .c = c->vae.net.latent_channels,
                               .patch = c->dit.net.patch_size[1],
                               .mirror = c->mirror,
                               .record = reel_record_form(c),
                               .worlds = worlds_hash(&c->clip.worlds)};
    tiny_vae_release(&m);
    return 0;
}

int latents_head_of(struct latents_head *h, const struct train_config *c, const char *dir,
                    struct err *e)
{
    int rc = latents_head_sizes(h, c, e);
    if (rc)
        return rc;
    char *path = path_join(dir, "vae");
    struct st_file *f;
    if (!(rc = st_open(&f, path, e))) {
        rc = st_hash(f, NULL, h->vae, e);
        st_close(&f);
    }
    free(path);
    return rc;
}

/* Pages behind the end of the file are never touched before records stand there. */
static int map(struct latents *l, int room, const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    size_t record = latents_layout(&l->head).bytes;
    size_t want = sizeof(l->head) + record * (size_t)l->n;
    size_t all = sizeof(l->head) + record * (size_t)room;
    int rc = 0;
    if (lseek(fd, 0, SEEK_END) < (off_t)want)
        rc = err_set(e, ERR_FORMAT, "%s: should be at least %zu bytes long for %d records", path,
                     want, l->n);
    else if ((l->bytes = mmap(NULL, all, PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED)
        rc = err_set(e, ERR_IO, "%s: cannot map: %s", path, strerror(errno));
    close(fd);
    if (rc) {
        l->bytes = NULL;
        return rc;
    }
    l->mapped = all;
    return latents_check((const struct latents_head *)l->bytes, &l->head, path, e);
}

int latents_open(struct latents *l, const struct latents_head *want, int n, int room,
                 const char *dir, struct err *e)
{
    *l = (struct latents){.n = n, .head = *want};
    char *path = path_join(dir, "latents.bin");
    int rc = map(l, room, path, e);
    free(path);
    if (!rc)
        rc = latents_read_stats(l->mean, l->std, want->c, dir, e);
    if (rc)
        latents_close(l);
    return rc;
}

void latents_close(struct latents *l)
{
    if (l->bytes)
        munmap((void *)l->bytes, l->mapped);
    *l = (struct latents){0};
}

struct latent_view latents_get(const struct latents *l, int i)
{
    ZT_ASSERT(i >= 0 && i < l->n);
    struct latents_layout at = latents_layout(&l->head);
    const uint8_t *p = l->bytes + sizeof(l->head) + at.bytes * (size_t)i;
    return (struct latent_view){record_read(p, &l->head.record), (const bf16 *)(p + at.z),
                                p + at.share, p + at.object};
}

int latents_write_stats(const char *dir, const double *mean, const double *std, int c,
                        struct err *e)
{
    struct buf out = BUF_INIT;
    struct jsonw w;
    jsonw_init(&w, &out, 2);
    jsonw_object(&w, NULL);
    jsonw_array(&w, "mean");
    for (int i = 0; i < c; i++)
        jsonw_real(&w, NULL, (float)mean[i]);
    jsonw_end_array(&w);
    jsonw_array(&w, "std");
    for (int i = 0; i < c; i++)
        jsonw_real(&w, NULL, (float)std[i]);
    jsonw_end_array(&w);
    jsonw_end_object(&w);
    char *path = path_join(dir, "latents.json");
    int rc = file_write(path, buf_str(&out), out.len, e);
    free(path);
    buf_release(&out);
    return rc;
}

int latents_read_stats(float *mean, float *std, int c, const char *dir, struct err *e)
{
    char *path = path_join(dir, "latents.json");
    struct jdoc *doc;
    double m[BUNDLE_MAX_CHANNELS], s[BUNDLE_MAX_CHANNELS];
    int rc = jdoc_read(&doc, path, 1 << 20, e);
    free(path);
    if (rc)
        return rc;
    j_reals(jdoc_root(doc), "mean", m, c, c, -1e6, 1e6);
    j_reals(jdoc_root(doc), "std", s, c, c, 1e-6, 1e6);
    rc = jdoc_status(doc, e);
    jdoc_close(&doc);
    for (int i = 0; i < c && !rc; i++) {
        mean[i] = (float)m[i];
        std[i] = (float)s[i];
    }
    return rc;
}
