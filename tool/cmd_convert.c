/* zoetrope convert: a model directory or a file of weights once more, stored in another type. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "cmd.h"
#include "model/convert.h"
#include "model/convert_file.h"
#include "zoetrope.h"

static const char HELP[] =
    "zoetrope convert [MODEL] -o DIR [--type int8|bf16|f32] [-y]\n"
    "zoetrope convert FILE -o FILE.safetensors [--type f32|bf16|f16|int8] [-y]\n"
    "zoetrope convert FILE -o FILE.gguf [--type f32|bf16|f16|q8_0|q5_1|q5_0|q4_1|q4_0] [-y]\n\n"
    "Writes a model (a name or a folder; without one, the default model) to DIR with its matrices\n"
    "stored in another type; all other files are copied. Whatever they are stored in, weights are\n"
    "computed with in bf16 or f32: a model of bytes loads and draws as fast as any other.\n"
    "Or writes one file of weights (safetensors, GGUF, shards by their index, or what torch.save\n"
    "wrote, in which nothing is run) as another.\n\n"
    "  -o DIR, FILE    where to; it appears when it is whole\n"
    "  --type TYPE     of matrices. A model: int8 (bytes and one scale per row, half the size of\n"
    "                  bf16; default), bf16, f32. A file: as it is, where the format has that\n"
    "  --weights TYPE  the same\n"
    "  -y              overwrite a model in DIR, or FILE\n\n"
    "examples: zoetrope convert runs/physics-m/model -o small\n"
    "          zoetrope convert small --type bf16 -o wide -y\n"
    "          zoetrope convert umt5_xxl.safetensors --type q8_0 -o umt5_xxl.gguf\n"
    "          zoetrope convert Wan2.1_VAE.pth -o Wan2.1_VAE.safetensors\n";

struct args {
    const char *model, *out, *type;
    int overwrite;
};

static int model_type(const char *value, enum dtype *type)
{
    static const struct {
        const char *name;
        enum dtype type;
    } types[] = {{"int8", DT_I8}, {"bf16", DT_BF16}, {"f32", DT_F32}};

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(value, types[i].name)) {
            *type = types[i].type;
            return 0;
        }
    return cmd_usage("convert", "--type \"%s\" is not allowed for a model: int8, bf16, f32", value);
}

static int parse(struct args *a, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *s = argv[i];
        int type = !strcmp(s, "--weights") || !strcmp(s, "--type");

        if (!strcmp(s, "-y")) {
            a->overwrite = 1;
        } else if (type || !strcmp(s, "-o")) {
            if (++i == argc)
                return cmd_usage("convert", "%s wants a value", s);
            *(type ? &a->type : &a->out) = argv[i];
        } else if (s[0] == '-') {
            return cmd_usage("convert", "no option %s", s);
        } else if (a->model) {
            return cmd_usage("convert", "\"%s\": one model at a time", s);
        } else {
            a->model = s;
        }
    }
    if (!a->out || !*a->out)
        return cmd_usage("convert", "-o says where the model goes");
    return 0;
}

static void say_size(const char *what, const zt_model *m)
{
    char size[32];

    format_bytes(size, sizeof size, strtod(zt_model_get(m, "weight_bytes"), NULL));
    cmd_put_text(stdout, what);
    printf(": %s of weights (%s)\n", size, zt_model_get(m, "weights"));
}

static int convert_file(const struct args *a)
{
    char size[32];
    struct err e = {0};

    if (!a->model)
        return cmd_usage("convert", "-o %s is one file: name the one to convert", a->out);
    cmd_catch_signals();
    if (file_convert(a->model, a->out, a->type, a->overwrite, &cmd_stop, stderr, &e))
        return cmd_fail(&e);
    format_bytes(size, sizeof size, (double)file_size(a->out));
    cmd_put_text(stdout, a->out);
    printf(": %s\n", size);
    return EXIT_OK;
}

static int convert_model(const struct args *a)
{
    enum dtype type = DT_I8;
    struct err e = {0};
    zt_model *from, *to;

    if (a->model && file_exists(a->model))
        return cmd_usage("convert",
                         "-o \"%s\": what becomes of a file ends in .safetensors or .gguf", a->out);
    if (a->type && model_type(a->type, &type))
        return EXIT_USAGE;
    e.code = zt_model_open(&from, a->model, e.msg, sizeof e.msg);
    if (e.code)
        return cmd_fail(&e);
    cmd_catch_signals();
    const char *path = zt_model_get(from, "path");
    int rc = model_convert(path, a->out, type, a->overwrite, &cmd_stop, &e);
    if (!rc) {
        say_size(path, from);
        e.code = rc = zt_model_open(&to, a->out, e.msg, sizeof e.msg);
    }
    if (!rc) {
        say_size(a->out, to);
        zt_model_free(&to);
    }
    zt_model_free(&from);
    return rc ? cmd_fail(&e) : EXIT_OK;
}

int cmd_convert(int argc, char **argv)
{
    struct args a = {0};

    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        fputs(HELP, stdout);
        return EXIT_OK;
    }
    if (parse(&a, argc, argv))
        return EXIT_USAGE;
    return file_convert_wanted(a.out) ? convert_file(&a) : convert_model(&a);
}
