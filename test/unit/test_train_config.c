/* Configs of training runs: those that are kept, and what is refused by name. */
#include <stdlib.h>

#include "base/file.h"
#include "train/config.h"
#include "ztest.h"

static int read_text(struct train_config *c, const char *text, struct err *e)
{
    char *path = path_join(ztest_tmp(), "config.json");

    CHECK_INT(file_write(path, text, strlen(text), e), 0);
    int rc = train_config_read(c, path, e);
    free(path);
    return rc;
}

#define RUN(clip)                                                                                  \
    "{\"zoetrope\": 1, \"reel_clips\": 1, \"latent_clips\": 40, \"clip\": " clip                   \
    ", \"dit\": {\"phases\": [{\"steps\": 1, \"windows\": 1, \"frames\": 5}]}}"

TEST(train_config_of_every_kept_run_is_read)
{
    static const char *const names[] = {"physics-s",        "physics-m",   "worlds-m",
                                        "worlds-m-decoder", "roles-trial", "tiny"};
    struct train_config c;
    struct err e;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[4096];

        snprintf(path, sizeof path, "%s/../configs/%s.json", ztest_data(""), names[i]);
        if (train_config_read(&c, path, &e))
            ztest_fail(__FILE__, __LINE__, "%s", e.msg);
        CHECK_STR(c.name, names[i]);
    }
}

TEST(train_config_type_of_stored_weights)
{
    static const char run[] = "{\"zoetrope\": 1, \"reel_clips\": 1, \"latent_clips\": 40, \"dit\": "
                              "{\"phases\": [{\"steps\": 1, \"windows\": 1, \"frames\": 5}]}, "
                              "\"model\": {\"steps\": 9%s}}";
    struct train_config c;
    struct err e;
    char text[512];

    snprintf(text, sizeof text, run, "");
    CHECK_INT(read_text(&c, text, &e), 0);
    CHECK_INT(c.model.weights, DT_BF16);
    snprintf(text, sizeof text, run, ", \"weights\": \"int8\"");
    CHECK_INT(read_text(&c, text, &e), 0);
    CHECK_INT(c.model.weights, DT_I8);
    snprintf(text, sizeof text, run, ", \"weights\": \"int4\"");
    CHECK_INT(read_text(&c, text, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "weights");
}

/* Nothing goes on, nothing is recycled. */
TEST(train_config_recycle_wants_windows_that_go_on)
{
    static const char run[] =
        "{\"zoetrope\": 1, \"reel_clips\": 1, \"latent_clips\": 40, \"dit\": {\"p_extend\": %g, "
        "\"phases\": [{\"steps\": 1, \"windows\": 1, \"frames\": 5, \"recycle\": 0.5}]}}";
    struct train_config c;
    struct err e;
    char text[512];

    snprintf(text, sizeof text, run, 0.2);
    CHECK_INT(read_text(&c, text, &e), 0);
    CHECK(c.dit.phase[0].recycle == 0.5);
    snprintf(text, sizeof text, run, 0.0);
    CHECK_INT(read_text(&c, text, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "recycle");
    CHECK_CONTAINS(e.msg, "dit.p_extend is 0");
}

TEST(train_config_events)
{
    struct train_config c;
    struct err e;

    CHECK_INT(read_text(&c, RUN("{\"frames\": 9}"), &e), 0);
    CHECK_INT(worlds_hash(&c.clip.worlds), 0);
    CHECK_INT(read_text(&c, RUN("{\"events\": {\"moves\": 3, \"hits\": 1}}"), &e), 0);
    const struct world_mix *mix = (const void *)c.clip.worlds.part[0].mix;
    CHECK(mix->event[EVENT_MOVE] == 3 && mix->event[EVENT_COLLIDE] == 1 &&
          mix->event[EVENT_DROP] == 0);
    CHECK(worlds_hash(&c.clip.worlds) != 0); /* files of other clips are not taken for these */
    CHECK_INT(read_text(&c, RUN("{\"events\": {\"hits\": 0}}"), &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "nothing would happen");
    CHECK_INT(read_text(&c, RUN("{\"events\": {\"hitz\": 1}}"), &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "hitz");
    CHECK_INT(read_text(&c, RUN("{\"events\": {\"hits\": -1}}"), &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "hits");
}

/* Each world reads its own object. "events" beside the sizes means those of physics, as before. */
TEST(train_config_worlds)
{
    static const struct {
        const char *clip, *says;
    } wrong[] = {
        {"{\"worlds\": {\"phisics\": {}}}", "physics"},
        {"{\"worlds\": {\"physics\": {\"event\": {}}}}", "events"},
        {"{\"worlds\": {\"physics\": {\"share\": 0, \"event\": {}}}}", "events"},
        {"{\"worlds\": {\"physics\": {\"share\": -1}}}", "share"},
        {"{\"worlds\": {\"physics\": {\"share\": 0}}}", "no world a share"},
        {"{\"worlds\": {}}", "no world a share"},
        {"{\"worlds\": {\"physics\": {\"events\": {\"hitz\": 1}}}}", "hits"},
        {"{\"worlds\": {\"physics\": {}}, \"events\": {\"hits\": 1}}", "events"},
        {"{\"world\": {\"physics\": {}}}", "worlds"},
    };
    struct train_config a, b;
    struct err e;

    CHECK_INT(read_text(&a, RUN("{\"worlds\": {\"physics\": {\"share\": 0.4}}}"), &e), 0);
    CHECK(worlds_hash(&a.clip.worlds) == 0);
    CHECK_INT(read_text(&a, RUN("{\"events\": {\"hits\": 2}}"), &e), 0);
    CHECK_INT(read_text(&b, RUN("{\"worlds\": {\"physics\": {\"events\": {\"hits\": 2}}}}"), &e),
              0);
    CHECK(worlds_hash(&a.clip.worlds) == worlds_hash(&b.clip.worlds));
    CHECK(worlds_hash(&a.clip.worlds) == 0x8e1eb28d12928f7fu); /* that of files made before */
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[512];

        snprintf(text, sizeof text, RUN("%s"), wrong[i].clip);
        CHECK_INT(read_text(&a, text, &e), ERR_FORMAT);
        CHECK_CONTAINS(e.msg, wrong[i].says);
    }
    CHECK_INT(read_text(&a, RUN("{}, \"everyday_captions\": 3"), &e), 0);
    CHECK_INT(a.everyday_captions, 3);
    CHECK_INT(read_text(&a, RUN("{}, \"everyday_captions\": 8"), &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "everyday_captions");
}

TEST(train_config_growth)
{
    struct train_config c;
    struct err e;

    CHECK_INT(read_text(&c, RUN("{\"frames\": 9}"), &e), 0);
    CHECK(c.latent_growth == 0);
    CHECK_INT(read_text(&c, RUN("{\"frames\": 9}, \"latent_growth\": 2.5"), &e), 0);
    CHECK(c.latent_growth == 2.5);
    CHECK_INT(read_text(&c, RUN("{\"frames\": 9}, \"latent_growth\": -1"), &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "latent_growth");
}

/* What cannot be trained, or would make a model that cannot be read or cannot draw, is refused when
 * it is read: the message names the field. */
TEST(train_config_is_checked_completely)
{
    static const struct {
        const char *clip, *rest, *says;
    } wrong[] = {
        {"{}", ", \"model\": {\"sampler\": \"ddim\"}", "model.sampler"},
        {"{}", ", \"model\": {\"sampler\": \"eulr\"}", "euler"},
        {"{}", ", \"vae\": {\"patch_size\": 32}", "vae.patch_size"},
        {"{}", ", \"vae\": {\"train\": \"encoder\"}", "vae.train"},
        {"{}", ", \"vae\": {\"train\": \"decoder\"}", "init"},
        {"{}", ", \"upsamplers\": [{\"sharp\": -1}]", "sharp"},
        {"{}", ", \"upsamplers\": [{\"critic\": 0}]", "critic"},
        {"{}", ", \"upsamplers\": [{\"critic_rate\": 0}]", "critic_rate"},
        {"{}", ", \"upsamplers\": [{\"init\": 1}]", "init"},
        {"{}", ", \"upsamplers\": [{\"sharpness\": 1}]", "sharp"},
        {"{\"width\": 64}",
         ", \"vae\": {\"channels\": 64, \"patch_size\": 1, \"space_down\": [1, 1], \"space_up\": "
         "[1, 1]}",
         "channels"},
    };
    static const struct {
        const char *dit, *says;
    } net[] = {
        {"\"head_dim\": 4", "dit.head_dim"},
        {"\"head_dim\": 7", "dit.head_dim"},
        {"\"freq_dim\": 31", "dit.freq_dim"},
        {"\"held_out\": 79", "latent_clips"},
        {"\"p_everyday\": 0.1", "p_everyday"},
        {"\"phases\": [{\"steps\": 1, \"windows\": 1, \"mix\": [[5, 0], [9, 0]]}]",
         "phases[0].mix"},
    };
    struct train_config c;
    struct err e;
    char text[1024];

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(text, sizeof text, RUN("%s"), wrong[i].clip);
        snprintf(text + strlen(text) - 1, sizeof text - strlen(text), "%s}", wrong[i].rest);
        if (read_text(&c, text, &e) != ERR_FORMAT || !strstr(e.msg, wrong[i].says))
            ztest_fail(__FILE__, __LINE__, "%s: %s", text, e.msg);
    }
    for (size_t i = 0; i < sizeof net / sizeof *net; i++) {
        const char *phases = strstr(net[i].dit, "phases")
                                 ? ""
                                 : ", \"phases\": [{\"steps\": 1, \"windows\": 1, \"frames\": 5}]";
        snprintf(text, sizeof text,
                 "{\"zoetrope\": 1, \"reel_clips\": 1, \"latent_clips\": 40, \"dit\": {%s%s}}",
                 net[i].dit, phases);
        CHECK_INT(read_text(&c, text, &e), ERR_FORMAT);
        if (!strstr(e.msg, net[i].says))
            ztest_fail(__FILE__, __LINE__, "%s: %s", text, e.msg);
    }
}

/* The least and the most that a network of a config may be is what a model directory may hold. */
TEST(train_config_networks_can_be_read_back)
{
    static const char *const edges[] = {
        "\"vae\": {\"channels\": 1, \"encoder_width\": 1, \"decoder_width\": [1, 1, 1],"
        " \"encoder_blocks\": [0, 0], \"decoder_blocks\": [0, 0]},"
        " \"text\": {\"d_model\": 8, \"d_kv\": 2, \"d_ff\": 8, \"layers\": 1, \"heads\": 1},"
        " \"dit\": {\"heads\": 1, \"head_dim\": 6, \"ffn_dim\": 8, \"layers\": 1, \"freq_dim\": 2,",
        "\"clip\": {\"width\": 512, \"height\": 256}, \"vae\": {\"channels\": 64, \"patch_size\": "
        "16,"
        " \"encoder_width\": 1024, \"decoder_width\": [1024, 1024, 1024],"
        " \"encoder_blocks\": [6, 6], \"decoder_blocks\": [6, 6]},"
        " \"text\": {\"d_model\": 4096, \"d_kv\": 512, \"d_ff\": 16384, \"layers\": 48,"
        " \"heads\": 128}, \"dit\": {\"heads\": 128, \"head_dim\": 512, \"ffn_dim\": 65536,"
        " \"layers\": 64, \"freq_dim\": 4096,",
    };

    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        char text[2048], *path = path_join(ztest_tmp(), "net.json");
        struct buf out = BUF_INIT;
        struct train_config c;
        struct tiny_vae_config vae;
        struct clause_text_config words;
        struct wan_config wan;
        struct err e;

        snprintf(text, sizeof text,
                 "{\"zoetrope\": 1, \"reel_clips\": 1, \"latent_clips\": 40, %s"
                 " \"phases\": [{\"steps\": 1, \"windows\": 1, \"frames\": 5}]}}",
                 edges[i]);
        if (read_text(&c, text, &e))
            ztest_fail(__FILE__, __LINE__, "%s", e.msg);
        tiny_vae_config_write(&c.vae.net, &out);
        CHECK(!file_write(path, out.data, out.len, &e) && !tiny_vae_config_read(&vae, path, &e));
        buf_clear(&out);
        c.dit.text.vocab = 4;
        c.dit.text.separator = 3;
        clause_text_config_write(&c.dit.text, &out);
        CHECK(!file_write(path, out.data, out.len, &e) &&
              !clause_text_config_read(&words, path, &e));
        buf_clear(&out);
        wan_config_write(&c.dit.net, &out);
        CHECK(!file_write(path, out.data, out.len, &e) && !wan_config_read(&wan, path, &e));
        CHECK_INT(wan.head_dim, c.dit.net.head_dim);
        buf_release(&out);
        free(path);
    }
}
