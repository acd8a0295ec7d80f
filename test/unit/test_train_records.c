/* Training records: what is read back is what was drawn, files of another version are refused. */
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "train/dit_task.h"
#include "train/latents_write.h"
#include "train/prompts.h"
#include "train/reel.h"
#include "train/train.h"
#include "ztest.h"

static void read_tiny(struct train_config *c)
{
    char *config = path_join(ztest_data(".."), "configs/tiny.json");
    struct err e;

    if (train_config_read(c, config, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    free(config);
}

static struct latents_head head_for(const struct train_config *c, const struct tiny_vae *m)
{
    return (struct latents_head){.t = (c->clip.frames - 1) / m->kt + 1,
                                 .h = c->clip.height / m->ks,
                                 .w = c->clip.width / m->ks,
                                 .c = c->vae.net.latent_channels,
                                 .patch = 2,
                                 .mirror = c->mirror,
                                 .record = reel_record_form(c)};
}

/* What the tokens of a view say of each object agrees with the clip, counted in another way. */
static void tokens_agree(const struct latent_clip *g, const struct latents_head *h,
                         const struct tiny_vae *m, const struct clip *c, int view, int flipped)
{
    int tw = h->w / h->patch, th = h->h / h->patch, side = m->ks * h->patch, shown = 0;

    for (int i = 0; i < h->t * th * tw; i++) {
        int t = i / (th * tw), y = i / tw % th, x = i % tw, count[256] = {0}, any = 0, all = 0;
        size_t at = (size_t)(view * h->t * th * tw + i);

        for (int f = 0; f < c->n_frames; f++) {
            for (int p = 0; p < c->w * c->h; p++) {
                int u = flipped ? c->w - 1 - p % c->w : p % c->w, id = c->ids[f * c->w * c->h + p];

                if ((f + m->kt - 1) / m->kt != t || p / c->w / side != y || u / side != x)
                    continue;
                all++;
                any += id > 0 && id <= c->n_objects;
                count[id]++;
            }
        }
        CHECK_INT(g->share[at], (any * 255 + all - 1) / all);
        CHECK((g->object[at] > 0) == (any > 0));
        for (int o = 1; o <= c->n_objects; o++)
            CHECK(!any || count[g->object[at]] >= count[o]);
        shown += any > 0;
    }
    CHECK(shown > 0);
}

TEST(train_records_of_a_clip)
{
    struct train_config c;
    struct tiny_vae m;
    struct err e;

    read_tiny(&c);
    c.everyday_captions = 2;
    CHECK_INT(tiny_vae_init(&m, &c.vae.net, &e), 0);
    struct latents_head h = head_for(&c, &m);
    for (int i = 0; i < 10; i++) {
        struct latent_clip *g = latent_clip_render(&(struct latent_source){&c, &h, &m}, i / 2);
        int view = i % 2;
        struct clip_record r =
            record_read(g->record + record_bytes(&h.record) * (size_t)view, &h.record);
        struct world_scene scene;
        struct clip clip;
        struct buf text = BUF_INIT;

        reel_draw(&clip, &scene, c.seed, LATENT_CLIPS + (uint64_t)(i / 2), &c.clip);
        if (view)
            scene.world->mirror(scene.state);
        CHECK(r.world == scene.world && r.n_objects == clip.n_objects);
        CHECK(!memcmp(r.state, scene.state, r.world->state_bytes));
        scene.world->caption(scene.state, &text);
        CHECK_STR(r.caption[0], buf_str(&text));
        tokens_agree(g, &h, &m, &clip, view, view);
        clip_release(&clip);
        buf_release(&text);
        latent_clip_free(&g);
    }
    tiny_vae_release(&m);
}

/* The prompt of a window is now and then an everyday caption; nothing else that is drawn changes.
 */
TEST(train_windows_with_everyday_captions)
{
    enum { N = 400 };
    struct dit_recipe r = {.s_std = 1, .p_image = 0.2, .p_no_text = 0.1, .p_everyday = 0.25};
    struct dit_phase phase = {.windows = N, .n_mix = 1, .frames = {9}, .weight = {1}};
    static struct dit_window one[N], many[N];
    int everyday = 0, seen[4] = {0};

    dit_draw_windows(one, N, &r, &phase, &(struct dit_pool){7, 1, 11, 4}, 3, 5);
    dit_draw_windows(many, N, &r, &phase, &(struct dit_pool){7, 4, 11, 4}, 3, 5);
    for (int i = 0; i < N; i++) {
        CHECK(one[i].caption == 0 && many[i].caption >= 0 && many[i].caption < 4);
        CHECK(one[i].record == many[i].record && one[i].s == many[i].s &&
              one[i].n_given == many[i].n_given && one[i].no_text == many[i].no_text);
        everyday += many[i].caption > 0;
        seen[many[i].caption]++;
    }
    CHECK_BELOW(abs(everyday - N / 4), 40);
    CHECK(seen[1] && seen[2] && seen[3]);
}

/* Bit t: frame t is given, clean. */
static uint64_t given_frames(const struct dit_window *w)
{
    uint64_t bits = 0;

    for (int i = 0; i < w->n_given; i++) {
        CHECK(w->given[i].level == 0 && !(bits >> w->given[i].frame & 1));
        bits |= 1ull << w->given[i].frame;
    }
    return bits;
}

/* Windows that go on lie inside their record and have something left to invent; the others begin
 * with the clip. */
TEST(train_windows_with_given_frames)
{
    enum { N = 1000, FRAMES = 11 };
    struct dit_recipe r = {.s_std = 1, .p_image = 0.1, .p_extend = 0.3, .p_ends = 0.2};
    struct dit_phase phase = {.windows = N, .n_mix = 2, .frames = {1, 41}, .weight = {0.3, 0.7}};
    static struct dit_window w[N];
    int first = 0, ends = 0, context[5] = {0}, later = 0, whole = 0;

    dit_draw_windows(w, N, &r, &phase, &(struct dit_pool){7, 1, FRAMES, 4}, 3, 5);
    for (int i = 0; i < N; i++) {
        uint64_t given = given_frames(&w[i]);
        int n = w[i].n_given;

        CHECK(w[i].first >= 0 && w[i].t >= 1 && w[i].first + w[i].t <= FRAMES);
        CHECK(given < 1ull << w[i].t && n < w[i].t);
        if (n == 2 && given != 3) {
            CHECK(given == (1 | 1ull << (w[i].t - 1)) && w[i].first == 0);
            ends++;
        } else if (n >= 2) {
            CHECK(n <= 4 && given == (1ull << n) - 1);
            context[n]++;
            later += w[i].first > 0;
        } else {
            CHECK(w[i].first == 0 && given <= 1);
            first += n;
        }
        whole += w[i].t == FRAMES;
    }
    CHECK_BELOW(abs(context[2] + context[3] + context[4] - N * 3 / 10), 60);
    CHECK(context[2] && context[3] && context[4] && later > 100 && whole > 300);
    CHECK_BELOW(abs(ends - N * 14 / 100), 40); /* windows of one frame have no two ends */
    CHECK(first > 20);
}

/* Half of those that go on, by a draw that changes nothing else. */
TEST(train_windows_with_recycled_frames)
{
    enum { N = 1000 };
    struct dit_recipe r = {.s_std = 1, .p_image = 0.1, .p_extend = 0.4, .p_ends = 0.2};
    struct dit_phase phase = {.windows = N, .n_mix = 1, .frames = {41}, .weight = {1}};
    static struct dit_window plain[N], w[N];
    int goes_on = 0, recycled = 0;

    dit_draw_windows(plain, N, &r, &phase, &(struct dit_pool){7, 1, 11, 4}, 3, 5);
    phase.recycle = 0.5;
    dit_draw_windows(w, N, &r, &phase, &(struct dit_pool){7, 1, 11, 4}, 3, 5);
    for (int i = 0; i < N; i++) {
        CHECK(plain[i].recycled == 0 && w[i].context == plain[i].context);
        CHECK(w[i].record == plain[i].record && w[i].t == plain[i].t && w[i].s == plain[i].s &&
              w[i].first == plain[i].first && w[i].n_given == plain[i].n_given);
        CHECK(w[i].context == (w[i].n_given >= 2 && w[i].given[1].frame == 1 ? w[i].n_given : 0));
        CHECK(w[i].recycled == 0 || (w[i].context && w[i].recycled > 0 && w[i].recycled < 1));
        goes_on += w[i].context > 0;
        recycled += w[i].recycled > 0;
    }
    CHECK_BELOW(abs(goes_on - N * 4 / 10), 60);
    CHECK_BELOW(abs(2 * recycled - goes_on), 80);
}

/* A file with the mark of the version before. */
static void old_file(const char *dir, const char *name, const char *mark)
{
    char *path = path_join(dir, name);
    uint8_t bytes[4096] = {0};
    struct err e;

    memcpy(bytes, mark, strlen(mark));
    CHECK_INT(file_write(path, bytes, sizeof bytes, &e), 0);
    free(path);
}

TEST(train_files_of_an_older_version_are_refused)
{
    char *dir = path_join(ztest_tmp(), "old-run");
    struct train_config c;
    struct err e;
    struct run run = {.dir = dir, .resume = 1, .device = device_cpu()};
    struct latents_head h = {.magic = "ZTLAT02", .t = 1, .h = 2, .w = 2, .c = 1, .patch = 2};
    struct latents l;

    read_tiny(&c);
    CHECK_INT(dir_make(dir, &e), 0);
    old_file(dir, "reel.bin", "ZTREEL1");
    CHECK_INT(train_run(&c, &run, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "reel.bin");
    CHECK_CONTAINS(e.msg, "version");
    CHECK_INT(file_size(path_join(dir, "reel.bin")), 4096); /* nothing was done to it */
    old_file(dir, "latents.bin", "ZTLAT01");
    CHECK_INT(latents_open(&l, &h, 1, 1, dir, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "latents.bin");
    CHECK_CONTAINS(e.msg, "version");
    latents_close(&l);
    free(dir);
}
