/* plan_camera.c - what of a camera the words of a model can say. */
#include <string.h>

#include "generate/plan_inner.h"
#include "generate/reading.h"

void plan_camera_say(struct plan *p, const struct camera *c, const char *typed, struct buf *text)
{
    struct buf said = BUF_INIT;

    if (!camera_asked(c))
        return;
    camera_say(c, &said);
    if (!reading_camera(text, typed, p->info.worlds, c))
        plan_note(p, xasprintf("camera: the model has no word for \"%s\" in this scene, its camera "
                               "stands still",
                               buf_str(&said)));
    buf_release(&said);
}
