/* zoetrope train: runs the stages of a config, or goes on with a run that was cut. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/machine.h"
#include "base/utf8.h"
#include "cmd.h"
#include "train/train.h"

static const char HELP[] =
    "zoetrope train CONFIG.json [--out DIR] [--until STAGE] [--device D] [--threads N]\n"
    "               [--resume auto]\n\n"
    "Trains codec, text encoder and transformer as the config says and leaves a model in "
    "DIR/model. A config with \"from\": \"MODEL\" learns on from a finished model, whose codec "
    "and\n"
    "upsamplers stay what they are (configs/worlds-m-more.json).\n"
    "Each stage goes on where it was cut: after Ctrl-C or a crash, repeat the command with\n"
    "--resume auto, and the loss curve is the same to the last bit.\n\n"
    "  --out DIR       where everything goes (default: runs/NAME of CONFIG without .json)\n"
    "  --until STAGE   stop behind reel, vae, upsamplers, latents, transformer or bundle "
    "(default:\n"
    "                  bundle, the last)\n"
    "  --device D      cpu, cuda or cuda:N (default: cpu)\n"
    "  --threads N     threads to compute with (default: all this process may use)\n"
    "  --resume auto   go on with what DIR holds; begin when it holds nothing. The config must ask "
    "for\n"
    "                  what the run was begun with (DIR/recipe.txt); it may ask for more steps\n\n"
    "DIR/curve-STAGE.jsonl and .svg show the loss, DIR/strip-STEP.png what the network draws.\n"
    "example: zoetrope train configs/tiny.json --out runs/tiny\n";

struct train_args {
    const char *config, *out, *until, *device;
    int threads, resume;
};

static int parse(struct train_args *a, int argc, char **argv)
{
    static const char *const with_value[] = {"--out",     "--until",  "--device",
                                             "--threads", "--resume", NULL};

    for (int i = 1; i < argc; i++) {
        const char *s = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        int64_t n = 0;
        if (s[0] != '-') {
            if (a->config)
                return cmd_usage("train", "\"%s\": one config at a time", s);
            a->config = s;
            continue;
        }
        int rc = cmd_check_option("train", s, value, with_value);
        if (rc)
            return rc;
        if (!strcmp(s, "--out")) {
            a->out = value;
        } else if (!strcmp(s, "--until")) {
            if (!train_has_stage(value))
                return cmd_usage("train",
                                 "--until takes reel, vae, upsamplers, latents, transformer or "
                                 "bundle, not \"%s\"",
                                 value);
            a->until = value;
        } else if (!strcmp(s, "--device")) {
            a->device = value;
        } else if (!strcmp(s, "--threads")) {
            if (parse_int(value, &n) || n < 1 || n > 1024)
                return cmd_usage("train", "--threads takes 1 to 1024, not \"%s\"", value);
            a->threads = (int)n;
        } else {
            if (strcmp(value, "auto"))
                return cmd_usage("train", "--resume takes \"auto\", not \"%s\"", value);
            a->resume = 1;
        }
        i++;
    }
    return a->config ? 0 : cmd_usage("train", "a config is needed");
}

static char *default_out(const char *config)
{
    const char *base = path_base(config), *dot = strrchr(base, '.');
    return xasprintf("runs/%.*s", (int)(dot ? dot - base : (long)strlen(base)), base);
}

int cmd_train(int argc, char **argv)
{
    struct train_args a = {.device = "cpu", .threads = machine_threads()};
    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        fputs(HELP, stdout);
        return EXIT_OK;
    }
    int rc = parse(&a, argc, argv);
    if (rc)
        return rc;
    struct err e = {0};
    struct train_config c;
    struct device *device;
    if (device_named(&device, a.device, &e) || train_config_read(&c, a.config, &e))
        return cmd_fail(&e);
    char *out = a.out ? xstrdup(a.out) : default_out(a.config);
    cmd_catch_signals();
    struct run run = {.dir = out,
                      .log = stderr,
                      .stop = &cmd_stop,
                      .checkpoint_s = c.checkpoint_minutes * 60,
                      .until = a.until,
                      .resume = a.resume,
                      .device = device,
                      .threads = threads_new(a.threads)};
    rc = train_run(&c, &run, &e) ? cmd_fail(&e) : EXIT_OK;
    threads_free(&run.threads);
    free(out);
    return rc;
}
