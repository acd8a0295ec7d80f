/* hostile.c - files that are good, cut, bent, or made to be wrong, and what opens them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "faults.h"
#include "format/safetensors.h"
#include "generate/options.h"
#include "media/film.h"
#include "media/picture.h"
#include "model/bundle.h"
#include "model/tokenizer.h"
#include "train/config.h"

/* ---- what opens them; each returns what a caller is told ---- */

static int open_weights(const char *path, struct err *e)
{
    struct st_file *f;
    char hex[65];
    int rc = st_open(&f, path, e);

    if (!rc)
        rc = st_hash(f, NULL, hex, e);
    st_close(&f);
    return rc;
}

static int open_tokenizer(const char *path, struct err *e)
{
    struct tokenizer *t;
    int rc = tokenizer_open(&t, path, e);

    tokenizer_free(&t);
    return rc;
}

static int open_picture(const char *path, struct err *e)
{
    struct picture p;
    int rc = picture_load(&p, path, e);

    if (!rc)
        picture_release(&p);
    return rc;
}

static int open_film(const char *path, struct err *e)
{
    struct film_caps caps = {.max_frames = 4, .max_bytes = 1 << 22};
    struct film f;
    int rc = film_read(&f, path, &caps, e);

    if (!rc)
        film_release(&f);
    return rc;
}

static int open_config(const char *path, struct err *e)
{
    struct train_config c;

    return train_config_read(&c, path, e);
}

static int open_index(const char *path, struct err *e)
{
    struct bundle_info info;

    char *dir = path_dir(path);
    int rc = bundle_info_read(&info, dir, e);

    free(dir);
    return rc;
}

static int open_recipe(const char *path, struct err *e)
{
    struct request r;
    struct buf b = BUF_INIT;
    int rc = file_read(&b, path, 1 << 20, e);

    request_init(&r);
    if (!rc)
        rc = request_set_recipe(&r, buf_str(&b), b.len, path, e);
    request_release(&r);
    buf_release(&b);
    return rc;
}

static const struct {
    const char *name;
    int (*open)(const char *path, struct err *e);
} openers[] = {{"weights", open_weights}, {"tokenizer", open_tokenizer}, {"picture", open_picture},
               {"film", open_film},       {"config", open_config},       {"index", open_index},
               {"recipe", open_recipe}};

/* Once before it counts, so that what libraries keep for good is there. What is not given back
 * afterwards is lost. */
static int run_opener(const struct scenario *s)
{
    struct alloc_log *log = alloc_arm(NULL);
    struct err e = {0};
    char kind[32];
    size_t i = 0;

    sscanf(s->name, "open_%31[a-z]", kind);
    while (strcmp(openers[i].name, kind))
        i++;
    (void)!openers[i].open(s->arg, &e);
    memset(&e, 0, sizeof e);
    size_t before = alloc_held();
    alloc_arm(log);
    int rc = openers[i].open(s->arg, &e);
    alloc_arm(NULL);
    size_t after = alloc_held();
    if (rc)
        fprintf(stderr, "zoetrope: %s\n", e.msg);
    if (after != before) {
        fprintf(stderr, "%zu bytes are not given back\n", after - before);
        return 97;
    }
    return -rc;
}

/* ---- the files ---- */

struct maker {
    struct scenario *list;
    int n, room;
    const char *dir;
};

/* The file `name` of an opener's kind; takes the bytes as they are. */
static void put(struct maker *m, const char *kind, const char *name, const void *data, size_t bytes)
{
    char *folder = xasprintf("%s/hostile/%d", m->dir, m->n), *path = path_join(folder, name);
    struct err e;

    if (dir_make(folder, &e) || file_write(path, data, bytes, &e))
        panic("%s", e.msg);
    free(folder);
    if (m->n < m->room)
        m->list[m->n] =
            (struct scenario){.name = xasprintf("open_%s_%d_%s", kind, m->n, name),
                              .run = run_opener,
                              .arg = path,
                              .thin = 12,
                              .outside = !strcmp(kind, "picture") || !strcmp(kind, "film")};
    m->n += m->n < m->room;
}

/* A good file, the first half of it, and one with a byte bent. */
static void put_three(struct maker *m, const char *kind, const char *name, const void *data,
                      size_t bytes)
{
    char *bent = xmalloc(bytes + 1);

    memcpy(bent, data, bytes);
    bent[bytes / 3] ^= 0x55;
    put(m, kind, name, data, bytes);
    put(m, kind, name, data, bytes / 2);
    put(m, kind, name, bent, bytes);
    free(bent);
}

static void put_file(struct maker *m, const char *kind, const char *path)
{
    struct buf b = BUF_INIT;
    struct err e;

    if (file_read(&b, path, 1 << 26, &e))
        panic("%s", e.msg);
    put_three(m, kind, path_base(path), b.data, b.len);
    buf_release(&b);
}

static void put_texts(struct maker *m, const char *kind, const char *name, const char *const *text)
{
    for (; *text; text++)
        put(m, kind, name, *text, strlen(*text));
}

static void put_weights(struct maker *m)
{
    static const char *const header[] = {
        "",
        "{}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,9]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999,99999999999],\"data_offsets\":[0,8]}}",
        "{\"__metadata__\":{\"format\":\"pt\"},\"a\":{\"dtype\":\"F33\",\"shape\":[2],"
        "\"data_offsets\":[0,8]}}",
        NULL};

    for (int i = 0; header[i]; i++) {
        struct buf b = BUF_INIT;
        uint64_t n = strlen(header[i]);

        buf_add(&b, &n, sizeof n);
        buf_puts(&b, header[i]);
        buf_add(&b, "12345678", 8);
        put(m, "weights", "made.safetensors", b.data, b.len);
        buf_release(&b);
    }
}

#define VOCAB                                                                                      \
    "{\"model\": {\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"<unk>\", 0], [\"a\", -1]]}"

int hostile_scenarios(struct scenario *list, int n, const char *dir)
{
    static const char *const tokenizers[] = {
        VOCAB "}", VOCAB ", \"added_tokens\": [{\"id\": 1000000000, \"content\": \"x\"}]}",
        VOCAB ", \"normalizer\": {\"type\": \"Precompiled\", \"precompiled_charsmap\": \"AAAA\"}}",
        VOCAB ", \"normalizer\": {\"type\": \"Execute\"}}", NULL};
    static const char *const pictures[] = {"P6\n99999 99999\n255\nx", "P6\n4 4\n255\nshort",
                                           "P6\n2 1\n255\nabcdef", NULL};
    static const char *const films[] = {"YUV4MPEG2 W2 H2 F25:1 C444\nFRAME\n123456789012",
                                        "YUV4MPEG2 W99999 H99999\nFRAME\n", NULL};
    static const char *const recipes[] = {
        "{\"zoetrope\": 1, \"prompt\": \"a ball\", \"seed\": 7, \"steps\": 4}",
        "{\"zoetrope\": 1, \"prompt\": \"a ball\", \"output\": \"/etc/passwd\"}",
        "{\"zoetrope\": 1, \"promt\": \"a ball\"}", "[[[[[[1, 2", NULL};
    struct maker m = {list, 0, n, dir};
    char *folder = path_join(dir, "hostile"), *png = path_join(folder, "noise.png");
    struct picture p;
    struct err e;

    if (dir_make(folder, &e))
        panic("%s", e.msg);
    put_weights(&m);
    put_file(&m, "weights", "test/golden/wan-ti2v-token-time/inputs.safetensors");
    put_texts(&m, "tokenizer", "made.json", tokenizers);
    put_file(&m, "tokenizer", "test/golden/tokenizer-unk/spiece.model");
    put_file(&m, "tokenizer", "test/fuzz/corpus/tokenizer/small.json");
    put_file(&m, "tokenizer", "test/fuzz/corpus/tokenizer/small.model");
    put_texts(&m, "picture", "made.ppm", pictures);
    put_texts(&m, "film", "made.y4m", films);
    picture_init(&p, 37, 21);
    for (int i = 0; i < 37 * 21 * 3; i++)
        p.rgb[i] = (uint8_t)(i * i);
    if (!picture_save(&p, png, &e)) /* where FFmpeg is */
        put_file(&m, "picture", png);
    picture_release(&p);
    put_texts(&m, "recipe", "made.json", recipes);
    put_file(&m, "config", "test/faults/train.json");
    put_file(&m, "index", xasprintf("%s/model_index.json", faults_model));
    free(png);
    free(folder);
    return m.n;
}
