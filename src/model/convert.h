/* convert.h - a model directory once more, with its weights stored in another type. */
#ifndef MODEL_CONVERT_H
#define MODEL_CONVERT_H

#include <signal.h>

#include "base/dtype.h"
#include "base/err.h"

/* Write the model in `from` to the folder `to`: matrices in type (F32, BF16 or I8, as store_save),
 * one file per network under our names, all other files as they are. Each network is loaded in F32,
 * one after the other. It is written beside `to` and renamed when it is whole; overwrite replaces a
 * model that is there, and nothing but a model. *stop nonzero ends it (stop may be NULL).
 * ERR_IO, ERR_FORMAT, ERR_FIT, ERR_CANCEL; ERR_USAGE when one folder lies within the other. */
NODISCARD int model_convert(const char *from, const char *to, enum dtype type, int overwrite,
                            const volatile sig_atomic_t *stop, struct err *e);

#endif
