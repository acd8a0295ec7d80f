/* quant.h - what a weight file says of how its layers were quantised (ComfyUI's convention).
 *
 * Names, types and shapes do not tell: I8 with NAME.weight_scale is byte * scale, or the same after
 * each run of inputs was rotated (ConvRot). Markers do: a tensor LAYER.comfy_quant (U8, JSON text
 * {"format": "int8_tensorwise", ...}), or "_quantization_metadata" in the header of the file,
 * {"layers": {LAYER: {"format": ...}}}. Fields may stand in an object "params" inside. */
#ifndef MODEL_QUANT_H
#define MODEL_QUANT_H

#include "base/err.h"
#include "format/safetensors.h"

#define QUANT_MARKER ".comfy_quant" /* behind the name of a layer */

int quant_is_marker(const char *tensor);
/* Every marker of f says plain int8. ERR_FORMAT names the file and the first layer that is stored
 * in another way; ERR_IO. */
NODISCARD int quant_check(const struct st_file *f, struct err *e);

#endif
