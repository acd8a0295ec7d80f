/* Models from a hub: a server that speaks the two APIs, and what it may do wrong. */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/tree.h"
#include "fixture.h"
#include "http_server.h"
#include "model/bundle.h"
#include "model/pull_inner.h"
#include "ztest.h"

enum { MOST_HUB = 32 };

/* What the hub has; large files lie on another server, as they do. */
struct hub {
    const char *path[MOST_HUB];
    int n;
    struct http_server *server, *store;
    const char *odd;    /* a file more in the list, with this name */
    const char *wrong;  /* the list has another SHA-256 for it */
    int64_t said_bytes; /* of odd */
    int cut;            /* the next so many answers of the store end in the middle */
    int changed;        /* If-Range does not fit any more */
    int pages;          /* the list comes in two */
    /* what was seen */
    int asked_store, ranges;
    char token[128], store_token[128], range[64];
};

static int is_large(const char *path)
{
    return strstr(path, ".safetensors") != NULL;
}

static void read_own(const char *path, struct buf *b)
{
    char *full = path_join(fixture_dir(), path);
    struct err e;

    CHECK_INT(file_read(b, full, 1 << 26, &e), 0);
    free(full);
}

static void hash_own(const char *path, char hex[65])
{
    struct buf b = BUF_INIT;
    struct sha256 h;

    read_own(path, &b);
    sha256_init(&h);
    sha256_add(&h, b.data, b.len);
    sha256_hex(&h, hex);
    buf_release(&b);
}

static void list_entry(const struct hub *h, const char *path, int modelscope, struct buf *out)
{
    struct buf b = BUF_INIT;
    char hex[65];

    read_own(path, &b);
    hash_own(path, hex);
    if (h->wrong && !strcmp(path, h->wrong))
        memset(hex, '0', 64);
    if (modelscope)
        buf_printf(out, "{\"Type\": \"blob\", \"Path\": \"%s\", \"Size\": %zu, \"Sha256\": \"%s\"}",
                   path, b.len, hex);
    else if (is_large(path))
        buf_printf(out,
                   "{\"type\": \"file\", \"path\": \"%s\", \"size\": %zu, \"oid\": \"x\", "
                   "\"lfs\": {\"oid\": \"%s\", \"size\": %zu, \"pointerSize\": 134}}",
                   path, b.len, hex, b.len);
    else
        buf_printf(out, "{\"type\": \"file\", \"path\": \"%s\", \"size\": %zu, \"oid\": \"x\"}",
                   path, b.len);
    buf_release(&b);
}

static void list(const struct hub *h, int modelscope, int first, int last, struct buf *reply,
                 const char *fields)
{
    struct buf b = BUF_INIT;

    buf_puts(&b, modelscope ? "{\"Code\": 200, \"Data\": {\"Files\": [" : "[");
    if (!modelscope)
        buf_puts(&b, "{\"type\": \"directory\", \"path\": \"vae\", \"oid\": \"x\", \"size\": 0},"
                     "{\"type\": \"file\", \"path\": \".gitattributes\", \"oid\": \"x\", "
                     "\"size\": 9},");
    if (h->odd)
        buf_printf(&b,
                   "{\"type\": \"file\", \"path\": \"%s\", \"oid\": \"x\", \"size\": %" PRId64 "},",
                   h->odd, h->said_bytes);
    for (int i = first; i < last; i++) {
        list_entry(h, h->path[i], modelscope, &b);
        buf_puts(&b, i + 1 < last ? "," : "");
    }
    buf_puts(&b, modelscope ? "]}}" : "]");
    http_reply(reply, 200, fields, b.data, b.len);
    buf_release(&b);
}

static void give(const char *path, struct buf *reply)
{
    struct buf b = BUF_INIT;

    read_own(path, &b);
    http_reply(reply, 200, "ETag: W/\"small\"\r\n", b.data, b.len);
    buf_release(&b);
}

static void answer_hub(void *user, const struct http_asked *q, struct buf *reply)
{
    static const char resolve[] = "/org/name/resolve/c0ffee/";
    static const char scope[] = "/api/v1/models/org/name/repo?Revision=master&FilePath=";
    struct hub *h = user;
    char field[700];

    snprintf(h->token, sizeof h->token, "%s", http_asked_field(q, "Authorization"));
    if (!strcmp(q->path, "/api/models/org/name/revision/main"))
        http_reply(reply, 200, "", "{\"sha\": \"c0ffee\"}", 17);
    else if (!strcmp(q->path, "/api/models/org/name/tree/c0ffee?recursive=true") && h->pages)
        list(h, 0, 0, h->n / 2, reply,
             "Link: <https://hub.example/api/models/org/name/tree/c0ffee?cursor=2>; "
             "rel=\"next\"\r\n");
    else if (!strcmp(q->path, "/api/models/org/name/tree/c0ffee?cursor=2"))
        list(h, 0, h->n / 2, h->n, reply, "");
    else if (!strcmp(q->path, "/api/models/org/name/tree/c0ffee?recursive=true"))
        list(h, 0, 0, h->n, reply, "");
    else if (!strcmp(q->path, "/api/v1/models/org/name/repo/files?Recursive=true&Revision=master"))
        list(h, 1, 0, h->n, reply, "");
    else if (!strncmp(q->path, scope, strlen(scope)))
        give(q->path + strlen(scope), reply);
    else if (!strncmp(q->path, resolve, strlen(resolve)) && is_large(q->path)) {
        snprintf(field, sizeof field, "Location: %s\r\n",
                 http_server_url(h->store, q->path + strlen(resolve) - 1));
        http_reply(reply, 302, field, "", 0);
    } else if (!strncmp(q->path, resolve, strlen(resolve)))
        give(q->path + strlen(resolve), reply);
    else if (strstr(q->path, "gated"))
        http_reply(reply, 401, "", "", 0);
    else
        http_reply(reply, 404, "", "", 0);
}

static void answer_store(void *user, const struct http_asked *q, struct buf *reply)
{
    struct hub *h = user;
    struct buf b = BUF_INIT;
    const char *range = http_asked_field(q, "Range");
    size_t from = 0;
    int part = !strncmp(range, "bytes=", 6);

    if (part)
        from = (size_t)strtoul(range + 6, NULL, 10);
    snprintf(h->range, sizeof h->range, "%s", range);
    snprintf(h->store_token, sizeof h->store_token, "%s", http_asked_field(q, "Authorization"));
    part &= !strcmp(http_asked_field(q, "If-Range"), "\"strong\"") && !h->changed;
    from = part ? from : 0;
    h->asked_store++;
    h->ranges += part;
    read_own(q->path + 1, &b);
    buf_printf(reply, "HTTP/1.1 %d x\r\nContent-Length: %zu\r\nETag: \"strong\"\r\n",
               part ? 206 : 200, b.len - from);
    if (part)
        buf_printf(reply, "Content-Range: bytes %zu-%zu/%zu\r\n", from, b.len - 1, b.len);
    buf_puts(reply, "\r\n");
    buf_add(reply, b.data + from, h->cut ? (b.len - from) / 2 : b.len - from);
    h->cut -= h->cut > 0;
    buf_release(&b);
}

static void hub_open(struct hub *h)
{
    static const char *const paths[] = {
        "model_index.json",         "tokenizer/tokenizer.json",
        "text_encoder/config.json", "text_encoder/model.safetensors",
        "transformer/config.json",  "transformer/diffusion_pytorch_model.safetensors",
        "vae/config.json",          "vae/diffusion_pytorch_model.safetensors"};

    if (!net_present())
        ztest_skip("libcurl is not in this build");
    fixture_dir();
    *h = (struct hub){.n = sizeof paths / sizeof *paths};
    memcpy(h->path, paths, sizeof paths);
    h->store = http_server_new(answer_store, h);
    h->server = http_server_new(answer_hub, h);
}

static void hub_close(struct hub *h)
{
    http_server_free(&h->server);
    http_server_free(&h->store);
}

/* Into a folder that is not there; its path is the caller's. */
static char *target(const char *name)
{
    char *to = path_join(ztest_tmp(), name), *stage = xasprintf("%s.pull", to);

    if (dir_exists(to))
        CHECK_INT(tree_remove(to, NULL), 0);
    if (dir_exists(stage))
        CHECK_INT(tree_remove(stage, NULL), 0);
    free(stage);
    return to;
}

static struct pull_request request(const struct hub *h, const char *to)
{
    return (struct pull_request){
        .base = http_server_url(h->server, ""), .name = "org/name", .to = to};
}

static void is_the_model(const char *to)
{
    struct bundle *b;
    struct err e = {0};

    CHECK_INT(bundle_open(&b, to, device_cpu(), DT_F32, NULL, &e), 0);
    bundle_free(&b);
}

TEST(pull_fetches_a_model)
{
    char *to = target("pulled"), *sums = path_join(to, "SHA256SUMS"), hex[65];
    struct buf b = BUF_INIT;
    struct err e = {0};
    struct hub h;

    hub_open(&h);
    struct pull_request r = request(&h, to);
    r.token = "t0ken";
    h.pages = 1;
    CHECK_INT(pull_run(&r, &e), 0);
    is_the_model(to);
    CHECK_STR(h.token, "Bearer t0ken");
    CHECK_STR(h.store_token, ""); /* the store is another place */
    CHECK_INT(h.asked_store, 3);
    hash_own("vae/diffusion_pytorch_model.safetensors", hex);
    CHECK_INT(file_read(&b, sums, 1 << 16, &e), 0);
    CHECK_CONTAINS(buf_str(&b), hex);
    CHECK_CONTAINS(buf_str(&b), "  vae/diffusion_pytorch_model.safetensors\n");
    CHECK_INT(pull_run(&r, &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "is there already");
    char *stage = xasprintf("%s.pull", to);
    CHECK(!dir_exists(stage));
    free(stage);
    buf_release(&b);
    free(sums);
    free(to);
    hub_close(&h);
}

TEST(pull_of_modelscope)
{
    char *to = target("scope");
    struct err e = {0};
    struct hub h;

    hub_open(&h);
    struct pull_request r = request(&h, to);
    r.hub = HUB_MODELSCOPE;
    CHECK_INT(pull_run(&r, &e), 0);
    is_the_model(to);
    free(to);
    hub_close(&h);
}

TEST(pull_goes_on_after_a_broken_connection)
{
    char *to = target("broken");
    struct err e = {0};
    struct hub h;

    hub_open(&h);
    struct pull_request r = request(&h, to);
    h.cut = 1;
    CHECK_INT(pull_run(&r, &e), 0);
    CHECK_INT(h.asked_store, 4);
    CHECK_INT(h.ranges, 1); /* the rest alone */
    is_the_model(to);
    free(to);
    hub_close(&h);
}

TEST(pull_begins_again_where_the_file_has_changed)
{
    char *to = target("changed");
    struct err e = {0};
    struct hub h;

    hub_open(&h);
    struct pull_request r = request(&h, to);
    h.cut = h.changed = 1;
    CHECK_INT(pull_run(&r, &e), 0);
    CHECK_INT(h.asked_store, 4);
    CHECK_INT(h.ranges, 0);
    is_the_model(to);
    free(to);
    hub_close(&h);
}

/* Ctrl-C while a large file comes, some of which is on the disk already. */
static void stop_in_large(void *user, const char *path, int64_t done, int64_t total)
{
    (void)done;
    (void)total;
    if (is_large(path))
        *(volatile sig_atomic_t *)user = 1;
}

TEST(pull_that_was_stopped_is_no_model_and_goes_on)
{
    char *to = target("stopped"), *stage = xasprintf("%s.pull", to), hex[65];
    volatile sig_atomic_t stop = 0;
    struct err e = {0};
    struct hub h;

    hub_open(&h);
    struct pull_request r = request(&h, to);
    r.stop = r.user = (void *)&stop;
    r.step = stop_in_large;
    h.cut = 1;
    CHECK_INT(pull_run(&r, &e), ERR_CANCEL);
    CHECK(!dir_exists(to) && dir_exists(stage));
    char *half = path_join(stage, "text_encoder/model.safetensors.part");
    CHECK(file_exists(half));
    char *name = path_join(stage, "text_encoder/model.safetensors");
    CHECK(!file_exists(name));
    char *index = path_join(stage, "model_index.json"), *first = xasprintf("%s.part", index);
    CHECK(!file_exists(index) && file_exists(first)); /* came already, but it is no model's yet */
    free(first);
    free(index);
    r.name = "org/other"; /* not into the parts of another */
    stop = 0;
    CHECK_INT(pull_run(&r, &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "of another model");
    r.name = "org/name";
    r.stop = r.user = NULL;
    r.step = NULL;
    h.ranges = 0;
    CHECK_INT(pull_run(&r, &e), 0);
    CHECK_INT(h.ranges, 1);
    is_the_model(to);
    hash_own("text_encoder/model.safetensors", hex);
    free(name);
    free(half);
    free(stage);
    free(to);
    hub_close(&h);
}

TEST(pull_throws_away_what_has_another_hash)
{
    char *to = target("hash"), *stage = xasprintf("%s.pull", to);
    struct err e = {0};
    struct hub h;

    hub_open(&h);
    struct pull_request r = request(&h, to);
    h.wrong = "transformer/diffusion_pytorch_model.safetensors";
    CHECK_INT(pull_run(&r, &e), ERR_CHECK);
    CHECK_CONTAINS(e.msg, "its SHA-256 is");
    CHECK(!dir_exists(to));
    char *part = xasprintf("%s/%s.part", stage, h.wrong), *whole = path_join(stage, h.wrong);
    CHECK(!file_exists(part) && !file_exists(whole));
    free(whole);
    free(part);
    free(stage);
    free(to);
    hub_close(&h);
}

static void refused(struct hub *h, const struct pull_request *r, int code, const char *why)
{
    char *stage = xasprintf("%s.pull", r->to);
    struct err e = {0};

    CHECK_INT(pull_run(r, &e), code);
    CHECK_CONTAINS(e.msg, why);
    CHECK(!dir_exists(r->to) && !dir_exists(stage)); /* nothing is left behind */
    CHECK_INT(h->asked_store, 0);
    free(stage);
}

TEST(pull_believes_no_names_and_no_sizes)
{
    static const char *const names[] = {"../up", "/etc/passwd", "a//b", "a/../b",
                                        "a/./b", "a\\\\b",      "a/",   "C:x"};
    char *to = target("names");
    struct hub h;

    hub_open(&h);
    struct pull_request r = request(&h, to);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        h.odd = names[i];
        refused(&h, &r, ERR_FORMAT, "no plain path");
    }
    h.odd = "transformer/config.json";
    refused(&h, &r, ERR_FORMAT, "twice");
    h.odd = "model_index.json2";
    h.said_bytes = INT64_C(1) << 60;
    refused(&h, &r, ERR_FORMAT, "size");
    h.said_bytes = INT64_C(1) << 42; /* wanted, and no disk has it */
    r.all = 1;
    refused(&h, &r, ERR_IO, "are still to come, the disk has");
    free(to);
    hub_close(&h);
}

TEST(pull_says_what_a_user_can_do)
{
    char *to = target("says");
    struct hub h;

    hub_open(&h);
    struct pull_request r = request(&h, to);
    r.name = "org/gated";
    refused(&h, &r, ERR_USAGE, "HF_TOKEN");
    r.name = "org/nothing";
    refused(&h, &r, ERR_USAGE, "404");
    r.name = "name";
    refused(&h, &r, ERR_USAGE, "ORG/NAME");
    r.name = "../name";
    refused(&h, &r, ERR_USAGE, "ORG/NAME");
    r.name = "org/name";
    r.files = "*.gguf";
    refused(&h, &r, ERR_USAGE, "no file is named like *.gguf");
    r.files = NULL;
    r.base = "http://192.0.2.1";
    refused(&h, &r, ERR_USAGE, "http is allowed to this machine alone");
    free(to);
    hub_close(&h);
}

static void token_is(enum pull_hub hub, const char *base, const char *want)
{
    struct buf b = BUF_INIT;

    pull_token(&b, hub, base);
    CHECK_STR(buf_str(&b), want);
    buf_release(&b);
}

TEST(pull_keeps_the_token_for_its_hub)
{
    char *file = path_join(ztest_tmp(), "token");
    struct err e = {0};

    CHECK_INT(file_write(file, "from-file\n", 10, &e), 0);
    unsetenv("HF_ENDPOINT");
    unsetenv("HF_TOKEN");
    setenv("HF_TOKEN_PATH", file, 1);
    token_is(HUB_HUGGINGFACE, "https://huggingface.co", "from-file");
    setenv("HF_TOKEN", "t0ken", 1);
    token_is(HUB_HUGGINGFACE, "https://huggingface.co/", "t0ken");
    token_is(HUB_HUGGINGFACE, "https://mirror.example", "");
    token_is(HUB_HUGGINGFACE, "https://huggingface.co.example", "");
    token_is(HUB_MODELSCOPE, "https://huggingface.co", "");
    setenv("HF_ENDPOINT", "https://mirror.example", 1);
    CHECK_STR(pull_endpoint(HUB_HUGGINGFACE), "https://mirror.example");
    token_is(HUB_HUGGINGFACE, "https://mirror.example", "t0ken");
    token_is(HUB_HUGGINGFACE, "https://huggingface.co", "");
    unsetenv("HF_ENDPOINT");
    unsetenv("HF_TOKEN");
    unsetenv("HF_TOKEN_PATH");
    free(file);
}

/* Which of these names would be taken, as a text with spaces. */
static void chosen(const char *const *path, int n, const char *files, const char *want)
{
    struct buf got = BUF_INIT;
    struct pull_list l = {0};
    struct pull_request r = {.name = "org/name", .files = files};
    struct err e = {0};

    l.file = xcalloc((size_t)n, sizeof *l.file);
    for (l.n = 0; l.n < n; l.n++)
        l.file[l.n].path = xstrdup(path[l.n]);
    if (pull_choose(&l, &r, &e))
        buf_puts(&got, e.msg);
    for (int i = 0; !e.code && i < n; i++)
        if (l.file[i].wanted)
            buf_printf(&got, "%s ", l.file[i].path);
    if (e.code)
        CHECK_CONTAINS(buf_str(&got), want);
    else
        CHECK_STR(buf_str(&got), want);
    pull_list_release(&l);
    buf_release(&got);
}

#define CHOSEN(files, want, ...)                                                                   \
    chosen((const char *const[]){__VA_ARGS__},                                                     \
           sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), files, want)

TEST(pull_chooses_what_is_read)
{
    CHOSEN(NULL,
           "model_index.json transformer/config.json "
           "transformer/diffusion_pytorch_model-00001-of-00002.safetensors "
           "transformer/diffusion_pytorch_model-00002-of-00002.safetensors "
           "transformer/diffusion_pytorch_model.safetensors.index.json "
           "tokenizer/tokenizer.json ",
           "README.md", "model_index.json", "transformer/config.json",
           "transformer/diffusion_pytorch_model-00001-of-00002.safetensors",
           "transformer/diffusion_pytorch_model-00002-of-00002.safetensors",
           "transformer/diffusion_pytorch_model.safetensors.index.json",
           "transformer/diffusion_pytorch_model.fp16.safetensors",
           "transformer/diffusion_pytorch_model-00001-of-00002.bin", "tokenizer/tokenizer.json",
           "tokenizer/spiece.model", "assets/film.mp4");
    CHOSEN(NULL, "in vae there is no single .safetensors", "model_index.json", "vae/config.json",
           "vae/diffusion_pytorch_model.bin");
    CHOSEN(NULL,
           "Wan2.1_VAE.pth diffusion_pytorch_model.safetensors google/umt5-xxl/tokenizer.json "
           "models_t5_umt5-xxl-enc-bf16.pth LICENSE.txt ",
           "Wan2.1_VAE.pth", "config.json", "diffusion_pytorch_model.safetensors",
           "google/umt5-xxl/tokenizer.json", "google/umt5-xxl/spiece.model",
           "models_t5_umt5-xxl-enc-bf16.pth", "examples/a.png", "LICENSE.txt");
    CHOSEN(NULL, "2 files of weights (wan-Q4_K_M.gguf, wan-Q8_0.gguf); --files", "wan-Q4_K_M.gguf",
           "wan-Q8_0.gguf");
    CHOSEN("*Q8_0.gguf", "wan-Q8_0.gguf ", "wan-Q4_K_M.gguf", "wan-Q8_0.gguf");
    CHOSEN("vae/*,*.json", "a.json vae/b ", "a.json", "vae/b", "c");
}
