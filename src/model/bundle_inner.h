/* bundle_inner.h - what the parts of a bundle share. Private to this folder. */
#ifndef MODEL_BUNDLE_INNER_H
#define MODEL_BUNDLE_INNER_H

#include "format/json.h"
#include "model/bundle.h"

/* 1: a part that every model has, or that the one in dir has. */
int bundle_wants(const char *dir, enum bundle_place place);
/* Folder of the tokenizer of text encoder k. */
const char *bundle_tokenizer_folder(int k);
/* 1: root is the model_index.json of a pipeline of diffusers that is known; the fields are taken.
 */
int diffusers_index(struct bundle_info *info, struct jval root);
/* The rest of info, from the configs of the networks and of the scheduler in dir. ERR_IO,
 * ERR_FORMAT. */
NODISCARD int diffusers_settle(struct bundle_info *info, const char *dir, struct err *e);
/* Sizes that must be equal between the networks are. The forecast runs networks before their
 * weights are read; what does not fit must not get there. ERR_FORMAT. */
NODISCARD int bundle_check_fit(const struct bundle *b, struct err *e);
/* Of the two experts neither is missing, and neither says that it is the other. ERR_FORMAT. */
NODISCARD int bundle_check_experts(const char *dir, struct err *e);
/* Both experts, loaded, are not one and the same. ERR_FORMAT. */
NODISCARD int bundle_check_twins(const struct bundle *b, struct err *e);

#endif
