/* zoetrope convert: a model directory once more, its weights stored in another type. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cmd.h"
#include "model/convert.h"
#include "zoetrope.h"

static const char HELP[] =
    "zoetrope convert [MODEL] -o DIR [--weights int8|bf16|f32] [-y]\n\n"
    "Writes a model (a name or a folder; without one, the default model) to DIR with its matrices\n"
    "stored in another type; all other files are copied. Whatever they are stored in, weights are\n"
    "computed with in bf16 or f32: a model of bytes loads and draws as fast as any other.\n\n"
    "  -o DIR          where to; DIR appears when it is whole\n"
    "  --weights TYPE  int8: bytes and one scale per row, half the size of bf16 (default);\n"
    "                  bf16: two bytes; f32: four\n"
    "  -y              overwrite a model in DIR\n\n"
    "examples: zoetrope convert runs/physics-m/model -o small\n"
    "          zoetrope convert small --weights bf16 -o wide -y\n";

struct args {
    const char *model, *out;
    enum dtype type;
    int overwrite;
};

static int parse_type(struct args *a, const char *value)
{
    static const struct {
        const char *name;
        enum dtype type;
    } types[] = {{"int8", DT_I8}, {"bf16", DT_BF16}, {"f32", DT_F32}};

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(value, types[i].name)) {
            a->type = types[i].type;
            return 0;
        }
    return cmd_usage("convert", "--weights \"%s\" is not allowed: int8, bf16, f32", value);
}

static int parse(struct args *a, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *s = argv[i];
        int weights = !strcmp(s, "--weights");

        if (!strcmp(s, "-y")) {
            a->overwrite = 1;
        } else if (weights || !strcmp(s, "-o")) {
            if (++i == argc)
                return cmd_usage("convert", "%s wants a value", s);
            if (!weights)
                a->out = argv[i];
            else if (parse_type(a, argv[i]))
                return EXIT_USAGE;
        } else if (s[0] == '-') {
            return cmd_usage("convert", "no option %s", s);
        } else if (a->model) {
            return cmd_usage("convert", "\"%s\": one model at a time", s);
        } else {
            a->model = s;
        }
    }
    if (!a->out || !*a->out)
        return cmd_usage("convert", "-o DIR says where the model goes");
    return 0;
}

static void say_size(const char *what, const zt_model *m)
{
    char size[32];

    format_bytes(size, sizeof size, strtod(zt_model_get(m, "weight_bytes"), NULL));
    cmd_put_text(stdout, what);
    printf(": %s of weights (%s)\n", size, zt_model_get(m, "weights"));
}

int cmd_convert(int argc, char **argv)
{
    struct args a = {.type = DT_I8};
    struct err e = {0};
    zt_model *from, *to;

    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        fputs(HELP, stdout);
        return EXIT_OK;
    }
    if (parse(&a, argc, argv))
        return EXIT_USAGE;
    e.code = zt_model_open(&from, a.model, e.msg, sizeof e.msg);
    if (e.code)
        return cmd_fail(&e);
    cmd_catch_signals();
    const char *path = zt_model_get(from, "path");
    int rc = model_convert(path, a.out, a.type, a.overwrite, &cmd_stop, &e);
    if (!rc) {
        say_size(path, from);
        e.code = rc = zt_model_open(&to, a.out, e.msg, sizeof e.msg);
    }
    if (!rc) {
        say_size(a.out, to);
        zt_model_free(&to);
    }
    zt_model_free(&from);
    return rc ? cmd_fail(&e) : EXIT_OK;
}
