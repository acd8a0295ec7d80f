#include "base/machine.h"
#include "media/between_picture.h"

between_row *between_row_best(void)
{
    return machine_cpu_features() & CPU_AVX2 ? between_row_avx2 : between_row_c;
}
