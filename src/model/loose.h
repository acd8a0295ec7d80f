/* loose.h - a model whose parts are loose files: single files for ComfyUI, GGUF, the folders of the
 * original release.
 *
 * What the rest of the program knows is a model directory (bundle.h). So one is made in the user's
 * cache: a config from the tensors of each file (recognise.h), a link to the file itself, the
 * tokenizer that lies in the text encoder. It is the same for the same files and is made once. */
#ifndef MODEL_LOOSE_H
#define MODEL_LOOSE_H

#include "base/err.h"

enum loose_part {
    LOOSE_DENOISER,  /* of all noise levels, or of the low ones */
    LOOSE_DENOISER2, /* of the high ones */
    LOOSE_TEXT,
    LOOSE_CODEC,
    LOOSE_IMAGE,
    N_LOOSE_PARTS
};

struct loose {
    const char *file[N_LOOSE_PARTS]; /* a file, an index or a folder with one; NULL: not given. With
                                      * tree also a name in it */
    const char *tokenizer; /* a file or a folder; NULL: the one in the text encoder, or beside it */
    const char *tree;      /* where what is not given is looked for: ComfyUI's folder of models
                            * (diffusion_models, unet, text_encoders, clip, vae, clip_vision), or the
                            * folder of a release; NULL: nowhere */
};

/* 1: dir holds loose files of a model, as tree above. */
int loose_is_tree(const char *dir);
/* The folder of the model; the caller frees *dir. ERR_FORMAT: a file is no network that is known,
 * of another role than it is given for, or a part is missing or there more than once; ERR_IO. *dir
 * is NULL on failure. */
NODISCARD int loose_model(char **dir, const struct loose *l, struct err *e);

#endif
