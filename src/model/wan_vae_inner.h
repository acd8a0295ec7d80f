/* wan_vae_inner.h - the networks of wan_vae_net.c as a codec calls them (codec.h). */
#ifndef MODEL_WAN_VAE_INNER_H
#define MODEL_WAN_VAE_INNER_H

#include "model/wan_vae.h"

struct tensor *wan_vae_encode(struct cx *cx, const void *net, struct tensor *video);
struct tensor *wan_vae_moments(struct cx *cx, const void *net, struct tensor *video);
struct tensor *wan_vae_decode(struct cx *cx, const void *net, struct codec_stream *s,
                              struct tensor *z, struct tensor *next);

#endif
