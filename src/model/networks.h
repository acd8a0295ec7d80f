/* networks.h - the networks that this version has. */
#ifndef MODEL_NETWORKS_H
#define MODEL_NETWORKS_H

#include "model/clause_text.h"
#include "model/clip_vision.h"
#include "model/subpixel.h"
#include "model/tiny_vae.h"
#include "model/umt5.h"
#include "model/wan.h"
#include "model/wan_vae.h"

/* The rows of part_classes (part.h). The first of each role is meant where a config names no class.
 */
#define PART_CLASSES                                                                               \
    &umt5_part, &clause_text_part, &wan_part, &tiny_vae_part, &clip_vision_part, &subpixel_part,   \
        &wan_vae_part

/* Networks whose structs the caller owns, as in training: DIR/config.json + weights (values and
 * type as store_save), and the reverse: init, allocate and load. m is released again on failure. */
NODISCARD int bundle_save_wan(const struct wan *m, const char *dir, enum dtype type,
                              float *const *values, struct err *e);
NODISCARD int bundle_save_umt5(const struct umt5 *m, const char *dir, enum dtype type,
                               float *const *values, struct err *e);
NODISCARD int bundle_save_clause_text(const struct clause_text *m, const char *dir, enum dtype type,
                                      float *const *values, struct err *e);
NODISCARD int bundle_save_subpixel(const struct subpixel *m, const char *dir, enum dtype type,
                                   float *const *values, struct err *e);
NODISCARD int bundle_save_tiny_vae(const struct tiny_vae *m, const char *dir, enum dtype type,
                                   float *const *values, struct err *e);
NODISCARD int bundle_load_wan(struct wan *m, const char *dir, struct device *device,
                              enum dtype type, int training, struct err *e);
NODISCARD int bundle_load_umt5(struct umt5 *m, const char *dir, struct device *device,
                               enum dtype type, int training, struct err *e);
NODISCARD int bundle_load_clause_text(struct clause_text *m, const char *dir, struct device *device,
                                      enum dtype type, int training, struct err *e);
NODISCARD int bundle_load_subpixel(struct subpixel *m, const char *dir, struct device *device,
                                   enum dtype type, int training, struct err *e);
NODISCARD int bundle_load_tiny_vae(struct tiny_vae *m, const char *dir, struct device *device,
                                   enum dtype type, int training, struct err *e);

#endif
