/* Models that are no directories of ours: the cache of Hugging Face's hub, ComfyUI's folders, the
 * folders of a release. */
#include <stdlib.h>

#include "api/api.h"
#include "base/file.h"
#include "model/hub.h"
#include "model/loose.h"

int model_of_files(char **dir, const char *name, struct err *e)
{
    char *folder = dir_exists(name) ? hub_snapshot(name) : hub_find(name);
    const char *at = folder ? folder : name;
    int rc = 0;

    *dir = NULL;
    if (bundle_is_there(at))
        *dir = xstrdup(at);
    else if (dir_exists(at) && loose_is_tree(at))
        rc = loose_model(dir, &(struct loose){.tree = at}, e);
    free(folder);
    return rc;
}
