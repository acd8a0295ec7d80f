/* cudnn.h - cuDNN's graph interface: what its users in this folder share.
 *
 * A graph of a few operations becomes a plan, once per shape. Of the engines that the heuristic
 * offers the first is taken that can be built, fits the workspace that its user allows and has
 * none of the notes that kern.h forbids: sums in no fixed order or in less than f32, inputs rounded
 * on the way, products by transforms; for f32 also tensor cores, which round to TF32. So the way
 * taken depends on shape, machine and version, never on data; where there is none, the caller goes
 * on without.
 *
 * While a graph is built a refusal of cuDNN is remembered and all that follows does nothing. */
#ifndef KERN_CUDA_CUDNN_H
#define KERN_CUDA_CUDNN_H

#include <cudnn_graph.h>

#include "kern/cuda/gpu.h"

typedef cudnnBackendDescriptor_t node;

/* 16-byte aligned memory, memory aligned to its elements, a value on the host, nowhere. */
enum place { MEMORY, LOOSE_MEMORY, VALUE, VIRTUAL };

struct cudnn;
struct cudnn_plan {
    node plan;
    int64_t workspace_bytes;
};

/* cuDNN of this GPU, opened at the first call; NULL: 9.13 or newer is not here. */
struct cudnn *cudnn_of(struct gpu *g);
/* cuDNN for the GPU that this text describes (CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION) and that
 * need not be here: plans are built and cannot be run. NULL: as above. */
struct cudnn *cudnn_without_device(const char *json);

/* The plan of build(c, shape), kept by both and all bytes of shape; f32: see above. NULL: none. */
typedef void cudnn_builder(struct cudnn *c, const void *shape);
const struct cudnn_plan *cudnn_find(struct cudnn *c, cudnn_builder *build, const void *shape,
                                    size_t bytes, int f32, int64_t most_workspace_bytes);

/* For builders. Nodes live as long as the plan; the uid of what is VIRTUAL is not looked at. */
node cudnn_make(struct cudnn *c, cudnnBackendDescriptorType_t type);
void cudnn_set(struct cudnn *c, node d, cudnnBackendAttributeName_t name,
               cudnnBackendAttributeType_t type, int64_t n, const void *values);
void cudnn_join(struct cudnn *c, node d, cudnnBackendAttributeName_t name, node part);
void cudnn_finish(struct cudnn *c, node d);
node cudnn_tensor(struct cudnn *c, int64_t uid, enum place place, cudnnDataType_t type,
                  const int64_t dim[4], const int64_t stride[4]);
void cudnn_operation(struct cudnn *c, node op); /* finished, and part of the graph */
/* y = mode(x, b) in f32, b NULL where there is one operand */
void cudnn_pointwise(struct cudnn *c, cudnnPointwiseMode_t mode, node x, node b, node y);

/* Queues a plan of cudnn_of(g); values are read during the call. NULL, or what went wrong. */
const char *cudnn_run(struct gpu *g, const struct cudnn_plan *p, int64_t n, const int64_t *uid,
                      void *const *pointer);

#endif
