/* api.h - what the files behind include/zoetrope.h share. */
#ifndef API_API_H
#define API_API_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/err.h"
#include "model/bundle.h"
#include "zoetrope.h"

struct zt_model {
    char *dir; /* absolute or as given */
    struct bundle_info info;
    char text[10][40]; /* width, height, frames, frame_rate, guidance, shown_rate, stagger, sharpen,
                          fade, guidance_to_given as text */
    char worlds[64];   /* names with ", " between; "" when the text is plain */
    char parameters[24];
    char weights[160], weight_bytes[24]; /* how they are stored */
    pthread_mutex_t lock;                /* guards loaded */
    struct loaded *loaded;

    pthread_mutex_t hash_lock; /* guards all below but stop_hash */
    char hash[65];             /* "" until it is known */
    struct err hash_err;       /* why it cannot be known */
    pthread_t hasher;
    int hashing; /* the thread is to be joined */
    atomic_int stop_hash;
};

/* The networks on one device in one type, from when a job first wanted them. */
struct loaded {
    struct bundle *bundle;
    struct device *device;
    enum dtype type;
    struct weight_as as;
    char *lora; /* as asked for; owned */
    struct loaded *next;
};

/* Copy e's message into the caller's buffer and return its code. */
int api_fail(const struct err *e, char *error, size_t size);
/* x as the shortest text that reads back, whatever the locale. */
void api_real(char *out, size_t size, double x);
/* The networks of m for computing on a device in type, changed by the files of lora ("": none);
 * they stay loaded. Any thread. */
NODISCARD int model_networks(struct zt_model *m, struct device *device, enum dtype type,
                             const char *lora, const struct bundle_budget *budget,
                             const struct bundle **out, struct err *e);
/* The hash is made by a thread of its own from now on, if it is not known. */
void model_hash_begin(struct zt_model *m);
/* The hash, as soon as it is there. ERR_IO, ERR_FORMAT. Valid until zt_model_free. Any thread. */
NODISCARD int model_hash(struct zt_model *m, const char **hash, struct err *e);
/* The folder of the model `name` (NULL: the default); the caller frees. ERR_FORMAT lists where it
 * was looked for. */
NODISCARD int model_find(char **dir, const char *name, struct err *e);
/* The same for a name that may be ORG/NAME or a folder in the cache of Hugging Face's hub, or a
 * folder of loose files (loose.h). *dir is NULL when it is none of them. ERR_IO, ERR_FORMAT. */
NODISCARD int model_of_files(char **dir, const char *name, struct err *e);

#endif
