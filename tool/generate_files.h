/* generate_files.h - options of generate that name the files of a model, and those that other
 * programs spell in another way. */
#ifndef TOOL_GENERATE_FILES_H
#define TOOL_GENERATE_FILES_H

#include "model/loose.h"
#include "zoetrope.h"

struct files {
    struct loose loose;
    const char *width, *height;
    char *model;   /* the folder that was made, owned */
    char size[32]; /* of width and height */
};

/* Our name of an option that stable-diffusion.cpp spells so, by letter or in full; name itself when
 * there is none. */
const char *files_option(const char *name);
/* 1: the option names a file or a side of the picture, and f has it. */
int files_take(struct files *f, const char *name, const char *value);
/* Make the model and the size, NULL where no option asks for one; valid until files_release. The
 * errors of loose_model; ERR_USAGE for half a size. */
NODISCARD int files_settle(struct files *f, const char **model, const char **size, struct err *e);
/* A planned job without a name for its film: it is called after its seed. */
NODISCARD int files_name_film(zt_job *job, struct err *e);
void files_release(struct files *f);
void files_help(void);

#endif
