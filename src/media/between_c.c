#include <string.h>

#include "media/between_picture.h"

#define BETWEEN_ROW between_row_c
#include "media/between_picture.inc"
