/* zoetrope doctor: what a folder holds of a model, whether it is whole, what it will need. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "base/file.h"
#include "base/machine.h"
#include "base/progress.h"
#include "cmd.h"
#include "doctor_say.h"
#include "media/film.h"
#include "model/hub.h"
#include "model/loose_inner.h"

static const char HELP[] =
    "zoetrope doctor [MODEL | DIR | FILE...] [--deep] [--quick] [--json]\n\n"
    "Says which model a folder holds, what is missing, damaged or there for nothing, how much "
    "memory\n"
    "and time a film takes here, and the command that draws one. A folder is a model directory "
    "(of\n"
    "zoetrope or diffusers), ComfyUI's tree, the files of a release, or a model in the cache of "
    "the\n"
    "hub; files may be parts of one model, or one alone. Nothing is changed.\n\n"
    "  --deep    read all weights and look for values that are not finite\n"
    "  --quick   compare no SHA-256 (where the folder knows any) and run no block of the network\n"
    "  --json    as one JSON object\n\n"
    "exit status: 0 it can be drawn with (a lone file: it is whole), 3 it cannot, 6 it does not "
    "fit\n"
    "into memory\n\n"
    "examples: zoetrope doctor\n"
    "          zoetrope doctor Wan2.1-T2V-1.3B-Diffusers --deep\n"
    "          zoetrope doctor ComfyUI/models\n"
    "          zoetrope doctor wan2.1_t2v.gguf umt5.gguf wan_2.1_vae.safetensors\n";

enum { MOST_NAMED = 64 };

struct args {
    const char *path[MOST_NAMED];
    int n, deep, quick, json;
};

static int parse(struct args *a, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--deep"))
            a->deep = 1;
        else if (!strcmp(argv[i], "--quick"))
            a->quick = 1;
        else if (!strcmp(argv[i], "--json"))
            a->json = 1;
        else if (argv[i][0] == '-')
            return cmd_usage("doctor", "no option %s", argv[i]);
        else if (a->n == MOST_NAMED)
            return cmd_usage("doctor", "more than %d files", MOST_NAMED);
        else
            a->path[a->n++] = argv[i];
    }
    return 0;
}

/* ---- what was named ---- */

/* The folder of a name that is no path: of the hub's cache, or one that models have. */
static char *named(const char *name, struct err *e)
{
    char *dir = name ? hub_find(name) : NULL;

    if (!dir && model_find(&dir, name, e))
        dir = NULL;
    return dir;
}

static int look(struct doctor *d, const struct args *a, struct err *e)
{
    int is_path = a->n && (file_exists(a->path[0]) || dir_exists(a->path[0]));
    char *dir = a->n > 1 || is_path ? NULL : named(a->n ? a->path[0] : NULL, e);
    const char *path = dir;
    int rc;

    d->asked = a->n ? a->path[0] : dir;
    if (!dir && !is_path && a->n < 2)
        return e->code;
    rc = checkup_look(&d->look, dir ? &path : a->path, dir ? 1 : a->n, e);
    if (!a->n && !rc)
        d->asked = d->look.dir;
    free(dir);
    return rc;
}

/* ---- reading all of it ---- */

static void tell(void *user, int64_t done, int64_t total)
{
    struct progress *bar = user;

    bar->total = (long)(total >> 20);
    progress_step(bar, (long)(done >> 20), NULL);
}

static int read_all(struct doctor *d, const struct args *a, struct err *e)
{
    struct progress bar;
    struct checkup_watch watch = {tell, &bar, &cmd_stop};
    int rc = 0;

    cmd_catch_signals();
    if (!a->quick && checkup_hash_bytes(&d->look)) {
        d->hashed_bytes = checkup_hash_bytes(&d->look);
        progress_start(&bar, stderr, "SHA-256, MiB", 0);
        rc = checkup_hash(&d->look, &watch, e);
        fputs(bar.tty ? "\r\033[K" : "", stderr);
    }
    if (!rc && a->deep) {
        progress_start(&bar, stderr, "values, MiB", 0);
        rc = checkup_values(&d->look, &watch, e);
        fputs(bar.tty ? "\r\033[K" : "", stderr);
        d->values = !rc;
    }
    return rc;
}

/* ---- what it needs ---- */

/* A grey picture of the model's size, for models that draw from one. The caller removes and frees
 * it. */
static char *grey_picture(int w, int h)
{
    const char *tmp = getenv("TMPDIR");
    char *path = xasprintf("%s/zoetrope-XXXXXX.ppm", tmp && *tmp ? tmp : "/tmp");
    int fd = mkstemps(path, 4);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "wb");

    if (!f) {
        free(path);
        return NULL;
    }
    fprintf(f, "P6 %d %d 255\n", w, h);
    for (int i = 0; i < 3 * w * h; i++)
        putc(128, f);
    fclose(f);
    return path;
}

static int wants_picture(const struct bundle *b)
{
    const struct denoiser_config *k = &b->denoiser[0].config;

    return k->in_channels > k->out_channels;
}

static int set(struct request *r, const char *name, const char *value, struct err *e)
{
    return value ? request_set(r, name, value, e) : 0;
}

static void plan(struct doctor *d, const struct bundle *b)
{
    char *picture = wants_picture(b) ? grey_picture(b->info.width, b->info.height) : NULL;
    int both = b->denoiser[0].config.image_rows > 0;
    struct request r;
    struct err *e = &d->plan_err;

    request_init(&r);
    int rc = set(&r, "prompt", "a red ball rolls from left to right", e);
    if (!rc)
        rc = set(&r, "first-frame", picture, e);
    if (!rc)
        rc = set(&r, "last-frame", both ? picture : NULL, e);
    if (!rc)
        rc = plan_make(&d->plan, d->look.model, &r, NULL, e);
    d->planned = !rc;
    request_release(&r);
    if (picture)
        unlink(picture);
    free(picture);
}

static void measure(struct doctor *d, const struct bundle *b)
{
    const struct denoiser_config *k = &b->denoiser[0].config;
    const struct codec_config *c = &b->codec.config;
    struct latent_shape shape = {.c = k->out_channels,
                                 .t = codec_latents(c, b->info.frames),
                                 .h = b->info.height / c->ks,
                                 .w = b->info.width / c->ks,
                                 .pt = k->patch[0],
                                 .ph = k->patch[1],
                                 .pw = k->patch[2]};
    struct threads *th = threads_new(machine_threads());
    struct err e;

    d->measured = !step_measure(&d->speed, b, &shape, b->info.guidance != 1 ? 2 : 1,
                                STEP_SPEED_FLOPS, th, &e);
    threads_free(&th);
}

static void forecast(struct doctor *d, const struct args *a)
{
    struct bundle *b;
    struct err e = {0};

    d->memory_bytes = machine_memory_bytes();
    if (!d->look.model || bundle_declare(&b, d->look.model, &e))
        return;
    plan(d, b);
    if (!a->quick)
        measure(d, b);
    bundle_free(&b);
}

/* ---- the command ---- */

/* As a shell reads it back. */
static void quote(struct buf *b, const char *s)
{
    if (*s && !s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                           "._/+-:@%=,")]) {
        buf_puts(b, s);
        return;
    }
    buf_putc(b, '\'');
    for (; *s; s++)
        if (*s == '\'')
            buf_puts(b, "'\\''");
        else
            buf_putc(b, *s);
    buf_putc(b, '\'');
}

static void add_files(struct buf *b, const struct checkup *c)
{
    static const struct {
        const char *part, *option;
    } rows[] = {{"text encoder", " --t5xxl "},
                {"vae", " --vae "},
                {"picture encoder", " --clip_vision "},
                {"transformer of low noise", " --diffusion-model "}};

    for (int i = 0; i < c->n; i++) {
        const struct checked_file *f = &c->file[i];
        const char *option = NULL;

        for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
            option = !strcmp(f->part, rows[k].part) ? rows[k].option : option;
        if (!strcmp(f->part, "transformer"))
            option =
                found_noise(f->path) > 0 ? " --high-noise-diffusion-model " : " --diffusion-model ";
        if (!option || f->state != CHECKED_USED)
            continue;
        buf_puts(b, option);
        quote(b, f->path);
    }
}

static char *command(const struct doctor *d, const struct args *a)
{
    struct buf b = BUF_INIT;
    int pictures = 0;

    if (!d->look.model)
        return NULL;
    if (d->planned)
        pictures = d->plan.dit.in_channels > d->plan.dit.out_channels;
    buf_puts(&b, "zoetrope generate -p 'a red ball rolls from left to right'");
    if (pictures)
        buf_puts(&b, " --first-frame PICTURE.png");
    if (pictures && d->plan.dit.image_rows)
        buf_puts(&b, " --last-frame PICTURE.png");
    if (d->look.kind == CHECKUP_PARTS) {
        add_files(&b, &d->look);
    } else if (a->n) {
        buf_puts(&b, d->look.kind == CHECKUP_LOOSE ? " --models " : " -m ");
        quote(&b, d->look.kind == CHECKUP_LOOSE ? d->look.dir : a->path[0]);
    }
    return buf_take(&b);
}

int cmd_doctor(int argc, char **argv)
{
    struct args a = {0};
    struct doctor d = {0};
    struct err e = {0};

    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        fputs(HELP, stdout);
        return EXIT_OK;
    }
    film_quiet();
    if (parse(&a, argc, argv))
        return EXIT_USAGE;
    int rc = look(&d, &a, &e);
    if (!rc)
        rc = read_all(&d, &a, &e);
    if (!rc) {
        forecast(&d, &a);
        d.command = command(&d, &a);
        d.status = d.look.n_wrong ? -ERR_FORMAT : -d.plan_err.code;
        (a.json ? doctor_json : doctor_say)(&d);
    }
    free(d.command);
    plan_release(&d.plan);
    checkup_release(&d.look);
    return rc ? cmd_fail(&e) : d.status;
}
