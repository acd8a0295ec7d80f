/* zoetrope pull: the files of a model from a hub. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/progress.h"
#include "cmd.h"
#include "model/pull.h"
#include "net/net.h"

static const char HELP[] =
    "zoetrope pull ORG/NAME [--from HUB] [--to DIR] [--revision R] [--files PATTERN] [--all] "
    "[--list]\n\n"
    "Fetches the files of a model that zoetrope reads: of a model directory its configs, tokenizer "
    "and\n"
    "one form of its weights, of a release the transformer, the tokenizer and the .pth files that\n"
    "zoetrope convert reads. Sizes and SHA-256 are compared with what the hub says. DIR appears "
    "when all\n"
    "is whole; until then the files are in DIR.pull, and the same command goes on where it "
    "ended.\n\n"
    "  --from HUB       huggingface (default), modelscope, or the address of a mirror: "
    "https://...\n"
    "  --to DIR         where to (default: NAME in this folder)\n"
    "  --revision R     branch, tag or commit (default: main, of ModelScope master)\n"
    "  --files PATTERN  files by patterns of a shell with commas between, instead of the choice "
    "above\n"
    "  --all            every file\n"
    "  --list           only show what there is and what would be taken (*)\n\n"
    "environment: HF_ENDPOINT, MODELSCOPE_ENDPOINT  addresses of the hubs\n"
    "             HF_TOKEN, or the token file of the hub's client: for models that are not for "
    "all;\n"
    "             it is sent to the hub of HF_ENDPOINT and to nobody else\n\n"
    "examples: zoetrope pull Wan-AI/Wan2.1-T2V-1.3B-Diffusers\n"
    "          zoetrope pull Wan-AI/Wan2.1-T2V-1.3B-Diffusers --from modelscope --to models/wan\n"
    "          zoetrope pull city96/Wan2.1-T2V-14B-gguf --files '*Q4_K_M.gguf'\n";

struct args {
    const char *name, *from, *to, *revision, *files;
    int all, list;
};

static int parse(struct args *a, int argc, char **argv)
{
    const struct {
        const char *name;
        const char **value;
    } options[] = {{"--from", &a->from},
                   {"--to", &a->to},
                   {"--revision", &a->revision},
                   {"--files", &a->files}};

    for (int i = 1; i < argc; i++) {
        const char **value = NULL;

        for (size_t k = 0; k < sizeof options / sizeof *options; k++)
            value = !strcmp(argv[i], options[k].name) ? options[k].value : value;
        if (value) {
            if (++i == argc || !*argv[i])
                return cmd_usage("pull", "%s wants a value", argv[i - 1]);
            *value = argv[i];
        } else if (!strcmp(argv[i], "--all")) {
            a->all = 1;
        } else if (!strcmp(argv[i], "--list")) {
            a->list = 1;
        } else if (argv[i][0] == '-') {
            return cmd_usage("pull", "no option %s", argv[i]);
        } else if (a->name) {
            return cmd_usage("pull", "\"%s\": one model at a time", argv[i]);
        } else {
            a->name = argv[i];
        }
    }
    return a->name ? 0 : cmd_usage("pull", "a model is needed: ORG/NAME");
}

/* The address of the hub without a slash at its end; the caller frees. NULL: it is none. */
static char *hub_of(struct pull_request *r, const char *from)
{
    const char *base = pull_endpoint(HUB_HUGGINGFACE);
    char *own;

    r->hub = HUB_HUGGINGFACE;
    if (from && !strcmp(from, "modelscope")) {
        r->hub = HUB_MODELSCOPE;
        base = pull_endpoint(HUB_MODELSCOPE);
    } else if (from && strcmp(from, "huggingface")) {
        base = from;
        r->hub = strstr(from, "modelscope") ? HUB_MODELSCOPE : HUB_HUGGINGFACE;
    }
    if (strncmp(base, "https://", 8) && strncmp(base, "http://", 7))
        return NULL;
    own = xstrdup(base);
    for (size_t n = strlen(own); n && own[n - 1] == '/'; n--)
        own[n - 1] = '\0';
    return own;
}

static void step(void *user, const char *path, int64_t done, int64_t total)
{
    struct progress *bar = user;

    bar->total = (long)(total >> 20);
    progress_step(bar, (long)(done >> 20), path);
}

static int show_list(const struct pull_request *r)
{
    struct pull_list l = {0};
    struct err e = {0}, why = {0};
    char size[32];
    int rc = pull_look(&l, r, &e);

    if (rc == ERR_USAGE && l.n) { /* the files are what helps to choose */
        why = e;
        rc = 0;
    }
    for (int i = 0; !rc && i < l.n; i++) {
        format_bytes(size, sizeof size, (double)l.file[i].bytes);
        printf("%s %10s  ", l.file[i].wanted ? "*" : " ", size);
        cmd_put_text(stdout, l.file[i].path);
        putchar('\n');
    }
    if (!rc) {
        format_bytes(size, sizeof size, (double)l.wanted_bytes);
        printf("%s would be taken\n", size);
    }
    pull_list_release(&l);
    if (why.code)
        return cmd_fail(&why);
    return rc ? cmd_fail(&e) : EXIT_OK;
}

static int pull(struct pull_request *r)
{
    struct progress bar;
    struct err e = {0};

    progress_start(&bar, stderr, "MiB", 0);
    r->step = step;
    r->user = &bar;
    int rc = pull_run(r, &e);
    if (bar.tty)
        fputs("\r\033[K", stderr);
    if (rc) {
        char *stage = xasprintf("%s.pull", r->to);
        int status = cmd_fail(&e);

        if (dir_exists(stage)) {
            fputs("zoetrope: what has come is in ", stderr);
            cmd_put_text(stderr, stage);
            fputs("; the same command goes on from there\n", stderr);
        }
        free(stage);
        return status;
    }
    cmd_put_text(stdout, r->to);
    fputs(": whole. zoetrope doctor ", stdout);
    cmd_put_text(stdout, r->to);
    puts(" says what it is and what it needs");
    return EXIT_OK;
}

int cmd_pull(int argc, char **argv)
{
    struct args a = {0};
    struct pull_request r = {0};
    struct buf token = BUF_INIT;

    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        fputs(HELP, stdout);
        return EXIT_OK;
    }
    if (parse(&a, argc, argv))
        return EXIT_USAGE;
    char *base = hub_of(&r, a.from), *to = xstrdup(a.to ? a.to : path_base(a.name));
    if (!base) {
        free(to);
        return cmd_usage("pull",
                         "--from \"%s\" is not allowed: huggingface, modelscope or https://...",
                         a.from ? a.from : pull_endpoint(HUB_HUGGINGFACE));
    }
    for (size_t n = strlen(to); n > 1 && to[n - 1] == '/'; n--)
        to[n - 1] = '\0';
    r.base = base;
    r.name = a.name;
    r.to = to;
    r.revision = a.revision;
    r.all = a.all;
    r.files = a.files;
    r.stop = &cmd_stop;
    pull_token(&token, r.hub, r.base);
    r.token = buf_str(&token);
    cmd_catch_signals();
    int status = a.list ? show_list(&r) : pull(&r);
    buf_release(&token);
    free(base);
    free(to);
    return status;
}
