/* quant.h - what a weight file says of how its layers were quantised (ComfyUI's convention).
 *
 * Names, types and shapes do not tell: I8 with NAME.weight_scale is byte * scale, or the same after
 * each run of inputs was rotated (ConvRot). Markers do: a tensor LAYER.comfy_quant (U8, JSON text
 * {"format": "int8_tensorwise", ...}), or "_quantization_metadata" in the header of the file,
 * {"layers": {LAYER: {"format": ...}}}. Fields may stand in an object "params" inside. A file that
 * holds a tensor "scaled_fp8" has LAYER.scale_weight beside the 8-bit floats of LAYER.weight. */
#ifndef MODEL_QUANT_H
#define MODEL_QUANT_H

#include "base/err.h"
#include "format/safetensors.h"
#include "kern/stored.h"

#define QUANT_MARKER ".comfy_quant" /* behind the name of a layer */

enum quant_way { QUANT_PLAIN, QUANT_MXFP8, QUANT_NVFP4, QUANT_W4A4 };
struct quant_layer {
    char *name;
    enum quant_way way; /* not plain: packed as quant_block_rows knows it */
    int group;          /* inputs that are rotated together; 0: none */
};
struct quant {
    struct quant_layer *layer; /* by name */
    int n, cap;
};

/* Tensors that say how others are stored, or belong to a way of computing that is not ours: scales
 * of activations. */
int quant_is_marker(const char *tensor);
/* The weight whose scale a tensor is, by its name (LAYER.weight_scale or LAYER.scale_weight),
 * written to out; 0: it is none. */
int quant_scaled(const char *tensor, char *out, size_t size);
/* All markers of f. ERR_FORMAT names the file and the first layer that is stored in a way that is
 * not computed; ERR_IO. q is empty then. */
NODISCARD int quant_read(struct quant *q, const struct st_file *f, struct err *e);
void quant_release(struct quant *q);
/* How the values of t are to be unpacked (scales apart); NULL: in no way that is known. */
const struct stored_form *quant_form(const struct quant *q, const struct st_tensor *t);
/* The layer of t when it is not plain, else NULL. */
const struct quant_layer *quant_packed(const struct quant *q, const struct st_tensor *t);
/* Shape and scales of such a layer are those of a weight [rows,n]; what is padded may be larger. */
NODISCARD int quant_block_check(const struct quant_layer *l, const struct st_file *f,
                                const struct st_tensor *t, const struct st_tensor *scale,
                                int64_t rows, int64_t n, struct err *e);
/* Its rows first..first+rows-1 as [rows,n], scaled. */
NODISCARD int quant_block_rows(const struct quant_layer *l, const struct st_file *f,
                               const struct st_tensor *t, const struct st_tensor *scale,
                               int64_t first, int64_t rows, int64_t n, float *out, struct err *e);

#endif
