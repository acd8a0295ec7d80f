/* recognise.h - which network a weight file holds, by its tensors alone.
 *
 * Files as people have them carry no config: the original releases, single files for ComfyUI, GGUF.
 * Names (of diffusers or transformers, of the release, of llama.cpp; behind any prefix of
 * store_prefixes) say which network it is, shapes say its sizes, and what no shape can say is what
 * all released networks of that class have in common (a head of Wan is 128 wide). */
#ifndef MODEL_RECOGNISE_H
#define MODEL_RECOGNISE_H

#include "base/buf.h"
#include "format/safetensors.h"
#include "model/part.h"

struct recognised {
    enum part_role role;
    const char *class; /* "_class_name", static */
    struct buf config; /* config.json as diffusers and transformers write it; owned */
    int channels;      /* of the latent: what a transformer draws, what a vae takes */
    int in_channels;   /* of a transformer, with those that it is told */
    const char *kin;   /* static: the model made of Wan that it is and that is not read; or NULL */
};

/* ERR_FORMAT: no network that is known; the message names the first tensors and what is known, or
 * which model made of Wan it is (S2V, Animate, ...) that is not read. r is empty then, but for kin.
 */
NODISCARD int recognise(struct recognised *r, const struct st_file *f, struct err *e);
/* What is said of a file that is kin, without its name; the caller frees. */
char *recognised_refusal(const struct recognised *r);
void recognised_release(struct recognised *r);

#endif
