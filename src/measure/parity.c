#include "measure/parity.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "measure/parity_inner.h"
#include "model/part.h"

#define CONFIG_MAX_BYTES (16 << 20)

/* ---- kinds ---- */

struct kind {
    const char *name; /* of "kind" or "_class_name" */
    void (*run)(struct parity *p);
    int inputs, outputs; /* wants inputs.safetensors (2: where it is there), outputs.safetensors */
    double limit, bf16;  /* of the error in f32 and in bf16 */
};

/* clang-format off */
static const struct kind kinds[] = {
    {"gradients",                       parity_gradients, 1, 1, 1e-4, 5e-2},
    {"optimiser",                       parity_optimiser, 1, 1, 1e-5, 1e-5},
    {"randn",                           parity_randn,     0, 1, 1e-5, 1e-5},
    {"pipeline",                        parity_pipeline,  2, 1, 1e-3, 1e-1},
    {"tokenizer",                       parity_tokenizer, 0, 0, 0, 0},
    {"gguf",                            parity_gguf,      0, 1, 0, 0},
    {"comfy-quant",                     parity_comfy_quant, 0, 1, 1e-6, 5e-3},
    {"FlowMatchEulerDiscreteScheduler", parity_flow,      1, 1, 1e-5, 1e-5},
    {"UniPCMultistepScheduler",         parity_flow,      1, 1, 1e-5, 1e-5},
    {"DPMSolverMultistepScheduler",     parity_flow,      1, 1, 1e-5, 1e-5},
    {"FlowMatchHeunDiscreteScheduler",  parity_flow,      1, 1, 1e-5, 1e-5},
    {"FlowMatchLCMScheduler",           parity_flow,      1, 1, 1e-5, 1e-5},
    {"FlowUniPCMultistepScheduler",     parity_flow,      1, 1, 1e-5, 1e-5},
    {"FlowDPMSolverMultistepScheduler", parity_flow,      1, 1, 1e-5, 1e-5},
};
static const struct kind networks[N_PART_ROLES] = { /* of part_classes */
    [PART_TEXT] =     {"text encoder",  parity_text,      1, 1, 1e-5, 2e-2},
    [PART_DENOISER] = {"transformer",   parity_denoiser,  1, 1, 1e-5, 2e-2},
    [PART_IMAGE] =    {"image encoder", parity_image,     1, 1, 1e-5, 2e-2},
    [PART_CODEC] =    {"codec",         parity_codec,     1, 1, 1e-5, 2e-2},
    [PART_UPSAMPLER] = {"upsampler",     parity_upsampler, 1, 1, 1e-5, 2e-2},
};
/* clang-format on */
#define N_KINDS ((int)(sizeof kinds / sizeof *kinds))

static const struct kind with_lora = {"LoRA", parity_lora, 1, 1, 1e-5, 2e-2};

/* "kind" decides where it is there, because some folders name the class of their network as well.
 */
static const struct kind *find_kind(struct parity *p)
{
    struct jval root = parity_root(p);
    const char *class = j_string_or(root, "_class_name", ""),
               *name = j_string_or(root, "kind", class);
    const struct part_class *network = part_class_named(name);

    if (j_has(root, "lora"))
        return &with_lora;
    for (int i = 0; i < N_KINDS; i++)
        if (!strcmp(name, kinds[i].name))
            return &kinds[i];
    if (network && networks[network->role].run)
        return &networks[network->role];
    parity_fail(p, ERR_FORMAT, "%s/config.json: %s \"%s\" is not supported by this version", p->dir,
                j_has(root, "kind") ? "kind" : "_class_name", name);
    return NULL;
}

/* ---- helpers of the kinds ---- */

void parity_fail(struct parity *p, int code, const char *fmt, ...)
{
    va_list ap;
    char msg[sizeof p->err.msg];

    if (p->err.code)
        return;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    err_set(&p->err, code, "%s", msg);
}

struct jval parity_root(struct parity *p)
{
    return jdoc_root(p->config);
}

char *parity_path(const struct parity *p, const char *name)
{
    return path_join(p->dir, name);
}

static float *values(struct parity *p, struct st_file *f, const struct st_tensor *t)
{
    float *x = xmalloc(sizeof *x * (size_t)(t->n + 1));

    if (st_read_all(f, t, x, DT_F32, &p->err)) {
        free(x);
        return NULL;
    }
    return x;
}

float *parity_input_or(struct parity *p, const char *name, const struct st_tensor **t)
{
    *t = st_find(p->in, name);
    return *t ? values(p, p->in, *t) : NULL;
}

float *parity_input(struct parity *p, const char *name, const struct st_tensor **t)
{
    float *x = parity_input_or(p, name, t);

    if (!*t)
        parity_fail(p, ERR_FORMAT, "%s/inputs.safetensors: has no tensor \"%s\"", p->dir, name);
    return x;
}

float *parity_expected(struct parity *p, const char *name, int64_t *n)
{
    const struct st_tensor *t = st_find(p->out, name);

    *n = t ? t->n : 0;
    return t ? values(p, p->out, t) : NULL;
}

double parity_rel_l2(const float *a, const float *b, int64_t n)
{
    double diff = 0, norm = 0;

    for (int64_t i = 0; i < n; i++) {
        double d = (double)a[i] - b[i];

        diff += d * d;
        norm += (double)b[i] * b[i];
    }
    if (diff == 0)
        return 0;
    diff = sqrt(diff / norm);
    return isnan(diff) ? INFINITY : diff;
}

void parity_note(struct parity *p, const char *name, double error)
{
    struct parity_line l = {name, error, p->limit, 1, error <= p->limit};
    const struct st_tensor *t = p->out ? st_find(p->out, name) : NULL;

    for (int i = 0; t && i < st_count(p->out); i++)
        if (st_at(p->out, i) == t)
            p->seen[i] = 1;
    p->worst = error > p->worst ? error : p->worst;
    p->failed += !l.ok;
    if (p->o->line)
        p->o->line(p->o->user, &l);
}

void parity_check(struct parity *p, const char *name, const float *ours, int64_t n)
{
    int64_t n_want;
    float *want = parity_expected(p, name, &n_want);

    if (!want)
        return;
    parity_note(p, name, n == n_want ? parity_rel_l2(ours, want, n) : INFINITY);
    free(want);
}

struct tensor *parity_tensor(struct cx *cx, const struct st_tensor *t, float *data)
{
    return tensor_from(cx, DT_F32, t->rank, t->dim, data, DT_F32);
}

void parity_check_tensor(struct parity *p, struct cx *cx, const char *name, const struct tensor *x)
{
    float *host = xmalloc(sizeof *host * (size_t)tensor_count(x));

    tensor_read_f32(cx, x, host);
    parity_check(p, name, host, tensor_count(x));
    free(host);
}

/* ---- the run ---- */

static void open_tensors(struct parity *p, const char *name, struct st_file **f)
{
    char *path = parity_path(p, name);

    if (!p->err.code && st_open(f, path, &p->err))
        *f = NULL;
    free(path);
}

static void report_missing(struct parity *p)
{
    for (int i = 0; p->out && i < st_count(p->out); i++)
        if (!p->seen[i]) {
            struct parity_line l = {st_at(p->out, i)->name, INFINITY, p->limit, 0, 0};

            p->failed++;
            p->worst = INFINITY;
            if (p->o->line)
                p->o->line(p->o->user, &l);
        }
}

static int has_inputs(const struct parity *p)
{
    char *path = parity_path(p, "inputs.safetensors");
    int yes = file_exists(path);

    free(path);
    return yes;
}

static void run(struct parity *p)
{
    const struct kind *k = find_kind(p);

    if (!k)
        return;
    p->limit = p->o->tol > 0           ? p->o->tol
               : p->o->as.int8         ? 3e-2
               : p->o->type == DT_BF16 ? k->bf16
                                       : k->limit;
    if (k->inputs == 1 || (k->inputs && has_inputs(p)))
        open_tensors(p, "inputs.safetensors", &p->in);
    if (k->outputs)
        open_tensors(p, "outputs.safetensors", &p->out);
    if (p->err.code)
        return;
    p->seen = xcalloc(p->out ? (size_t)st_count(p->out) + 1 : 1, sizeof *p->seen);
    k->run(p);
    if (!p->err.code)
        jdoc_status(p->config, &p->err) ? (void)0 : report_missing(p);
}

static int read_config(struct parity *p, struct err *e)
{
    char *path = parity_path(p, "config.json");
    struct buf text = BUF_INIT;
    int rc = file_read(&text, path, CONFIG_MAX_BYTES, e);

    if (!rc && text.data) {
        json_without_python_numbers(text.data);
        rc = jdoc_parse(&p->config, text.data, text.len, path, e);
    } else if (!rc) {
        rc = err_set(e, ERR_FORMAT, "%s: is empty", path);
    }
    buf_release(&text);
    free(path);
    return rc;
}

int parity_run(const char *dir, const struct parity_options *o, double *worst, struct err *e)
{
    struct parity p = {.dir = dir, .o = o};
    int rc = read_config(&p, e);

    if (rc)
        return rc;
    run(&p);
    jdoc_close(&p.config);
    if (p.in)
        st_close(&p.in);
    if (p.out)
        st_close(&p.out);
    free(p.seen);
    if (worst)
        *worst = p.worst;
    if (p.err.code)
        return err_set(e, p.err.code, "%s", p.err.msg);
    if (p.failed)
        return err_set(e, ERR_CHECK, "%s: %d outputs differ or were not computed", dir, p.failed);
    return 0;
}
