#include "zoetrope.h"

const char *zt_version(void)
{
    return ZT_VERSION_TEXT;
}
