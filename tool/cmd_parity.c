/* zoetrope parity: run folders of reference vectors through our networks. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/dtype.h"
#include "base/machine.h"
#include "base/utf8.h"
#include "cmd.h"
#include "measure/parity.h"

static const char HELP[] =
    "usage: zoetrope parity DIR... [--type f32|bf16|int8] [--tol X] [--device D]\n\n"
    "Each DIR holds config.json, model.safetensors, inputs.safetensors and outputs.safetensors of "
    "a reference\n"
    "implementation. Every output is computed and compared: one line with its name and the "
    "relative L2 error.\n\n"
    "  --type T      type of weights and activations: f32, bf16, or int8, which is bf16 with the\n"
    "                blocks of a network in bytes (f32)\n"
    "  --tol X       largest error allowed (1e-5; gradients 1e-4, updates of Muon and all of "
    "bf16 2e-2,\n"
    "                of int8 3e-2)\n"
    "  --device D    cpu, cuda or cuda:N (cpu)\n\n"
    "exit status: 0 all agree, 1 an error above the tolerance, NaN or an output that was not "
    "computed,\n"
    "             3 a folder that cannot be read or is of a kind that is not supported\n";

static void print_line(void *user, const struct parity_line *l)
{
    (void)user;
    if (!l->computed)
        printf("%-56s not computed  FAILED\n", l->name);
    else if (isinf(l->error))
        printf("%-56s differs  FAILED\n", l->name);
    else
        printf("%-56s %.3e%s\n", l->name, l->error, l->ok ? "" : "  FAILED");
}

static int parse_option(struct parity_options *o, const char *name, const char *value)
{
    static const char *const with_value[] = {"--type", "--tol", "--device", NULL};
    int rc = cmd_check_option("parity", name, value, with_value);

    if (rc)
        return rc;
    if (!strcmp(name, "--type")) {
        int int8 = !strcmp(value, "int8");
        if (strcmp(value, "f32") && strcmp(value, "bf16") && !int8)
            return cmd_usage("parity", "--type is \"%s\", allowed are f32, bf16 and int8", value);
        o->type = strcmp(value, "f32") ? DT_BF16 : DT_F32;
        o->as = (struct weight_as){int8 ? stored_named("I8") : NULL, int8};
        return 0;
    }
    if (!strcmp(name, "--tol")) {
        if (parse_real(value, &o->tol) || !(o->tol > 0) || !isfinite(o->tol))
            return cmd_usage("parity", "--tol is \"%s\", it must be a number above 0", value);
        return 0;
    }
    struct err e = {0};
    return device_named(&o->device, value, &e) ? cmd_fail(&e) : 0;
}

static int run_folder(const char *dir, const struct parity_options *o, int many)
{
    struct err e = {0};
    double worst = 0;
    int rc;

    if (many)
        printf("%s\n", dir);
    rc = parity_run(dir, o, &worst, &e);
    fflush(stdout);
    if (!rc)
        printf("ok: largest error %.3e\n", worst);
    if (rc == ERR_IO) /* a folder that cannot be read is bad data to whoever compares */
        e.code = ERR_FORMAT;
    return rc ? cmd_fail(&e) : 0;
}

int cmd_parity(int argc, char **argv)
{
    struct parity_options o = {.type = DT_F32, .device = device_cpu(), .line = print_line};
    int n_dirs = 0, status = 0;

    for (int i = 1; i < argc; i++) {
        int rc;

        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            fputs(HELP, stdout);
            return 0;
        }
        if (argv[i][0] != '-') {
            argv[1 + n_dirs++] = argv[i]; /* folders move to the front */
            continue;
        }
        rc = parse_option(&o, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
        if (rc)
            return rc;
        i++;
    }
    if (!n_dirs)
        return cmd_usage("parity", "no folder of reference vectors is given");
    o.threads = threads_new(machine_threads());
    for (int i = 0; i < n_dirs; i++) {
        int rc = run_folder(argv[1 + i], &o, n_dirs > 1);

        status = rc > status ? rc : status;
    }
    threads_free(&o.threads);
    return status;
}
