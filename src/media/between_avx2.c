#include <string.h>

#include "media/between_picture.h"

#define BETWEEN_ROW between_row_avx2
#include "media/between_picture.inc"
