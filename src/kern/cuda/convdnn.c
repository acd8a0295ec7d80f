/* convdnn.c - one convolution per graph, and what belongs to it.
 *
 * Tensors are named [image, channel, row, column] with the strides of channels last; a weight
 * [cout,kh,kw,cin] is the same with cout as images. Forward adds its bias before it rounds. cuDNN
 * gives a gradient of bf16 weights in f32 only behind an operation, so there the old gradient is
 * added in the graph; in f32 by a pass of our own. Either way it goes through scratch: that a
 * kernel may write what it reads is promised nowhere. */
#include "kern/cuda/convdnn.h"

#include "kern/cuda/cudnn.h"
#include "kern/cuda/gemm.h"

enum { MOST_WORKSPACE = 128 << 20 /* as gathered columns take */ };
enum { UID_X = 1, UID_WEIGHT, UID_Y, UID_OTHER /* bias, old gradient */ };

/* y stands for dy, x for dx, the weight for dw. */
struct shape {
    int64_t bf16, bias, n, h, w, cin, oh, ow, cout, kh, kw;
    int64_t stride[2], before[2], after[2]; /* rows, columns */
};

static cudnnDataType_t type_of(const struct shape *s)
{
    return s->bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}

static node image(struct cudnn *c, int64_t uid, enum place place, cudnnDataType_t type, int64_t n,
                  int64_t channels, int64_t h, int64_t w)
{
    return cudnn_tensor(c, uid, place, type, (int64_t[]){n, channels, h, w},
                        (int64_t[]){channels * h * w, 1, channels * w, channels});
}

static node x_of(struct cudnn *c, const struct shape *s)
{
    return image(c, UID_X, MEMORY, type_of(s), s->n, s->cin, s->h, s->w);
}

static node y_of(struct cudnn *c, const struct shape *s)
{
    return image(c, UID_Y, MEMORY, type_of(s), s->n, s->cout, s->oh, s->ow);
}

static node weight_of(struct cudnn *c, int64_t uid, enum place place, cudnnDataType_t type,
                      const struct shape *s)
{
    return image(c, uid, place, type, s->cout, s->cin, s->kh, s->kw);
}

static node convolution(struct cudnn *c, const struct shape *s)
{
    node d = cudnn_make(c, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    cudnnDataType_t f32 = CUDNN_DATA_FLOAT;
    cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    const int64_t two = 2, dense[] = {1, 1};

    cudnn_set(c, d, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &two);
    cudnn_set(c, d, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &f32);
    cudnn_set(c, d, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    cudnn_set(c, d, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, s->before);
    cudnn_set(c, d, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, s->after);
    cudnn_set(c, d, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, dense);
    cudnn_set(c, d, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, s->stride);
    cudnn_finish(c, d);
    return d;
}

static void scales(struct cudnn *c, node op, cudnnBackendAttributeName_t alpha,
                   cudnnBackendAttributeName_t beta)
{
    const float one = 1, zero = 0;

    cudnn_set(c, op, alpha, CUDNN_TYPE_FLOAT, 1, &one);
    cudnn_set(c, op, beta, CUDNN_TYPE_FLOAT, 1, &zero);
}

static void forward(struct cudnn *c, const void *shape)
{
    const struct shape *s = shape;
    node y = y_of(c, s), sum = y;
    node op = cudnn_make(c, CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);

    if (s->bias)
        sum = image(c, 0, VIRTUAL, CUDNN_DATA_FLOAT, s->n, s->cout, s->oh, s->ow);
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, convolution(c, s));
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, x_of(c, s));
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
               weight_of(c, UID_WEIGHT, MEMORY, type_of(s), s));
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, sum);
    scales(c, op, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
           CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA);
    cudnn_operation(c, op);
    if (s->bias)
        cudnn_pointwise(c, CUDNN_POINTWISE_ADD, sum,
                        image(c, UID_OTHER, MEMORY, CUDNN_DATA_FLOAT, 1, s->cout, 1, 1), y);
}

static void backward_x(struct cudnn *c, const void *shape)
{
    const struct shape *s = shape;
    node op = cudnn_make(c, CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR);

    cudnn_join(c, op, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, convolution(c, s));
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
               weight_of(c, UID_WEIGHT, MEMORY, type_of(s), s));
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, y_of(c, s));
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, x_of(c, s));
    scales(c, op, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
           CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA);
    cudnn_operation(c, op);
}

static void backward_weight(struct cudnn *c, const void *shape)
{
    const struct shape *s = shape;
    node op = cudnn_make(c, CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR);
    node dw = weight_of(c, UID_WEIGHT, MEMORY, CUDNN_DATA_FLOAT, s), sum = dw;

    if (s->bf16)
        sum = weight_of(c, 0, VIRTUAL, CUDNN_DATA_FLOAT, s);
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, convolution(c, s));
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, x_of(c, s));
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, y_of(c, s));
    cudnn_join(c, op, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, sum);
    scales(c, op, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
           CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA);
    cudnn_operation(c, op);
    if (s->bf16)
        cudnn_pointwise(c, CUDNN_POINTWISE_ADD, sum,
                        weight_of(c, UID_OTHER, MEMORY, CUDNN_DATA_FLOAT, s), dw);
}

/* ---- calls ---- */

const struct cudnn_plan *convdnn_plan(struct cudnn *c, enum convdnn_way way,
                                      const struct k_conv2d *f)
{
    static cudnn_builder *const build[] = {forward, backward_x, backward_weight};
    struct shape s = {
        .bf16 = f->type == DT_BF16,
        .bias = way == CONVDNN_Y && f->bias,
        .n = f->n,
        .h = f->h,
        .w = f->w,
        .cin = f->cin,
        .oh = (f->h + f->pad_top + f->pad_bottom - f->kh) / f->stride + 1,
        .ow = (f->w + f->pad_left + f->pad_right - f->kw) / f->stride + 1,
        .cout = f->cout,
        .kh = f->kh,
        .kw = f->kw,
        .stride = {f->stride, f->stride},
        .before = {f->pad_top, f->pad_left},
        .after = {f->pad_bottom, f->pad_right},
    };

    if (s.n == 0 || s.oh <= 0 || s.ow <= 0)
        return NULL;
    return cudnn_find(c, build[way], &s, sizeof s, !s.bf16, MOST_WORKSPACE);
}

/* NULL: no plan, or pointers that it was not made for. */
static const struct cudnn_plan *plan_for(struct gpu *g, enum convdnn_way way,
                                         const struct k_conv2d *f, int n, void *const *pointer)
{
    for (int i = 0; i < n; i++)
        if ((uintptr_t)pointer[i] % 16)
            return NULL;
    return cudnn_of(g) ? convdnn_plan(g->cudnn, way, f) : NULL;
}

static void run(struct gpu *g, const struct cudnn_plan *plan, const struct k_conv2d *f, int n,
                void *const *pointer)
{
    static const int64_t uid[] = {UID_X, UID_WEIGHT, UID_Y, UID_OTHER};
    const char *why = cudnn_run(g, plan, n, uid, pointer);

    if (why)
        gpu_fail(g, "convolution by cuDNN: %s (%lld of %lldx%lldx%lld, %lldx%dx%d, stride %d)", why,
                 (long long)f->n, (long long)f->h, (long long)f->w, (long long)f->cin,
                 (long long)f->cout, f->kh, f->kw, f->stride);
}

static int go(struct kcx *kc, enum convdnn_way way, const struct k_conv2d *f, int n,
              void *const *pointer)
{
    struct gpu *g = gpu_of(kc);
    const struct cudnn_plan *plan;

    if (gpu_failed(g))
        return 1;
    plan = plan_for(g, way, f, n, pointer);
    if (plan)
        run(g, plan, f, n, pointer);
    return plan != NULL;
}

int convdnn(struct kcx *kc, const struct k_conv2d *f)
{
    return go(kc, CONVDNN_Y, f, f->bias ? 4 : 3,
              (void *[]){(void *)f->x, (void *)f->weight, f->y, (void *)f->bias});
}

int convdnn_dx(struct kcx *kc, const struct k_conv2d_dx *a)
{
    return go(kc, CONVDNN_DX, &a->f, 3, (void *[]){a->dx, (void *)a->f.weight, (void *)a->dy});
}

int convdnn_dw(struct kcx *kc, const struct k_conv2d_dw *a)
{
    struct gpu *g = gpu_of(kc);
    int64_t all = a->f.cout * a->f.kh * a->f.kw * a->f.cin;
    int in_graph = a->f.type == DT_BF16, n = in_graph ? 4 : 3;
    void *pointer[] = {(void *)a->f.x, NULL, (void *)a->dy, a->dw};
    struct k_add add = {.n = all,
                        .a_type = DT_F32,
                        .b_type = DT_F32,
                        .y_type = DT_F32,
                        .alpha = 1,
                        .beta = 1,
                        .b = in_graph ? NULL : a->dw,
                        .y = a->dw};
    const struct cudnn_plan *plan;

    if (gpu_failed(g))
        return 1;
    plan = plan_for(g, CONVDNN_DW, &a->f, n, pointer);
    if (!plan)
        return 0;
    add.a = pointer[1] = gpu_scratch(g, SLOT_WEIGHT, (size_t)all * sizeof(float));
    if (!add.a)
        return 1;
    run(g, plan, &a->f, n, pointer);
    add_cuda(kc, &add);
    return 1;
}
