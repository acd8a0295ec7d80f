/* convert_file.h - one file of weights once more, in another format or type. */
#ifndef MODEL_CONVERT_FILE_H
#define MODEL_CONVERT_FILE_H

#include <signal.h>
#include <stdio.h>

#include "base/err.h"

/* Write the weights of `from` (a file, an index of shards or a folder with one; or a file that
 * torch.save wrote, pth.h) to `to`, which ends
 * in .safetensors or .gguf; names stay. Matrices get `type` ("f32", "bf16", "f16", into safetensors
 * "int8", into GGUF "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"); what has no whole blocks becomes BF16,
 * and vectors, tables and biases of attention F32. type NULL: as they are, where the format knows
 * them, else BF16. Scales and markers of quantised layers are computed with and left out;
 * tokenizers inside go with the file. Tensors pass through memory a piece at a time. overwrite 0: a
 * file that is there is ERR_IO. *stop nonzero ends it. log hears of progress,
 * NULL: nobody. ERR_IO, ERR_FORMAT, ERR_USAGE for a type that the format has not, ERR_CANCEL. */
NODISCARD int file_convert(const char *from, const char *to, const char *type, int overwrite,
                           const volatile sig_atomic_t *stop, FILE *log, struct err *e);
/* 1: to is the name of such a file. */
int file_convert_wanted(const char *to);

#endif
