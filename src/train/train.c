#include "train/train.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "train/reel.h"
#include "train/stages.h"

void stage_hash(char out[65], const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text;
    if (vasprintf(&text, fmt, args) < 0)
        panic("out of memory");
    va_end(args);
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, text, strlen(text));
    sha256_hex(&h, out);
    free(text);
}

static char *marker(const struct run *run, const char *folder)
{
    return xasprintf("%s/%s/done", run->dir, folder);
}

int stage_done(const struct run *run, const char *folder)
{
    char *path = marker(run, folder);
    int done = file_exists(path);
    free(path);
    return done;
}

int stage_finish(const struct run *run, const char *folder, struct err *e)
{
    char *path = marker(run, folder);
    int r = file_write(path, "complete\n", 9, e);
    free(path);
    return r;
}

struct stage {
    const char *name;
    int (*run)(const struct train_config *c, const struct run *run, struct err *e);
};

static const struct stage STAGES[] = {
    {"reel", reel_make},        {"vae", vae_stage},       {"latents", latents_stage},
    {"transformer", dit_stage}, {"bundle", bundle_stage},
};

int train_run(const struct train_config *c, const struct run *run, struct err *e)
{
    char *reel = path_join(run->dir, "reel.bin");
    int r = 0;
    if (!run->resume && file_exists(reel))
        r = err_set(e, ERR_IO,
                    "%s holds a run already: go on with --resume auto, or choose another --out",
                    run->dir);
    free(reel);
    if (!r)
        r = dir_make(run->dir, e);
    for (size_t i = 0; i < sizeof(STAGES) / sizeof(STAGES[0]) && !r; i++) {
        run_log(run, "== %s", STAGES[i].name);
        r = STAGES[i].run(c, run, e);
    }
    return r;
}
