#include "media/between_picture.h"

between_row *between_row_best(void)
{
    return between_row_c;
}
