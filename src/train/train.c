#include "train/train.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "train/from.h"
#include "train/recipe.h"
#include "train/reel.h"
#include "train/room.h"
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

struct stage {
    const char *name;
    int (*run)(const struct train_config *c, const struct run *run, struct err *e);
};

static const struct stage STAGES[] = {
    {"from", from_stage},           {"reel", reel_make},        {"vae", vae_stage},
    {"upsamplers", upsample_stage}, {"latents", latents_stage}, {"transformer", dit_stage},
    {"bundle", bundle_stage},
};

int train_has_stage(const char *name)
{
    for (size_t i = 0; i < sizeof(STAGES) / sizeof(STAGES[0]); i++)
        if (!strcmp(name, STAGES[i].name))
            return 1;
    return 0;
}

/* Two runs that write into one folder would mix their files: the second is refused. File systems
 * without locks are written as before. Returns what is to be closed at the end. */
static int hold_folder(const char *dir, struct err *e)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_IO, "%s: cannot open: %s", dir, strerror(errno));
    if (!flock(fd, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK)
        return fd;
    close(fd);
    return err_set(e, ERR_IO, "%s: is being written already, by another training", dir);
}

static int run_stages(const struct train_config *c, const struct run *run, struct err *e)
{
    char *reel = path_join(run->dir, "reel.bin"), *recipe = path_join(run->dir, "recipe.txt");
    int rc = 0;
    if (!run->resume && (file_exists(reel) || file_exists(recipe)))
        rc = err_set(e, ERR_IO,
                     "%s holds a run already: go on with --resume auto, or choose another --out",
                     run->dir);
    free(reel);
    free(recipe);
    if (!rc)
        rc = recipe_check(c, run->dir, e);
    if (!rc)
        rc = room_check(c, run, e);
    for (size_t i = 0; i < sizeof(STAGES) / sizeof(STAGES[0]) && !rc; i++) {
        run_log(run, "== %s", STAGES[i].name);
        rc = STAGES[i].run(c, run, e);
        if (run->until && !strcmp(run->until, STAGES[i].name))
            break;
    }
    return rc;
}

int train_run(const struct train_config *c, const struct run *run, struct err *e)
{
    int rc = dir_make(run->dir, e);
    if (rc)
        return rc;
    int lock = hold_folder(run->dir, e);
    if (lock < 0)
        return lock;
    rc = run_stages(c, run, e);
    close(lock);
    return rc;
}
