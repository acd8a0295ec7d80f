/* recipe.c - what a film was made with, so that it can be made again: no paths, hosts or dates. */
#include <string.h>

#include "api/job.h"
#include "base/jsonw.h"

static void write_settings(struct jsonw *w, const struct plan *p, const struct request *r)
{
    struct buf size = BUF_INIT;

    buf_printf(&size, "%dx%d", p->film_w, p->film_h);
    jsonw_string(w, "prompt", request_text(r, OPT_PROMPT));
    if (*request_text(r, OPT_NEGATIVE))
        jsonw_string(w, "negative", request_text(r, OPT_NEGATIVE));
    jsonw_int(w, "seed", (int64_t)p->seed);
    jsonw_string(w, "size", buf_str(&size));
    if (r->value[OPT_ASPECT].set)
        jsonw_string(w, "aspect", request_text(r, OPT_ASPECT));
    if (r->value[OPT_SECONDS].set)
        jsonw_real(w, "seconds", r->value[OPT_SECONDS].r);
    else
        jsonw_int(w, "frames", p->n_frames);
    jsonw_real(w, "fps", p->fps);
    jsonw_int(w, "steps", p->steps);
    jsonw_string(w, "sampler", p->sampler);
    jsonw_real(w, "shift", p->shift);
    jsonw_real(w, "guidance", p->guidance.scale);
    jsonw_real(w, "guidance_from", p->guidance.from);
    jsonw_real(w, "guidance_to", p->guidance.to);
    jsonw_string(w, "type", p->type == DT_BF16 ? "bf16" : "f32");
    jsonw_int(w, "crf", request_int(r, OPT_CRF, 18));
    jsonw_bool(w, "lossless", request_flag(r, OPT_LOSSLESS));
    buf_release(&size);
}

int recipe_write(const struct zt_job *job, const char *latent_hash, struct buf *out, struct err *e)
{
    const char *hash;
    int rc = model_hash(job->model, &hash, e);
    const struct plan *p = &job->plan;
    struct jsonw w;

    jsonw_init(&w, out, 0);
    jsonw_object(&w, NULL);
    jsonw_int(&w, "zoetrope", RECIPE_VERSION);
    write_settings(&w, p, &job->request);
    jsonw_string(&w, "noise", "torch-cpu/1");
    if (p->first_frame)
        jsonw_string(&w, "first_frame_hash", p->first_frame_hash);
    jsonw_string(&w, "model", job->model->info.name);
    jsonw_string(&w, "model_release", job->model->info.release);
    jsonw_string(&w, "model_hash", hash);
    if (latent_hash && *latent_hash)
        jsonw_string(&w, "latent_hash", latent_hash);
    jsonw_string(&w, "version", zt_version());
    jsonw_end_object(&w);
    return rc;
}
