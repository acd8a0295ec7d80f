/* conv3d.cu - one frame of a causal convolution as a product whose lines are gathered into scratch,
 * chunk by chunk: y[R, cout] = frames[R at S] w[cout, S, cin]^T, with S = (tap, ky, kx). */
#include "kern/cuda/gemm.h"
#include "kern/cuda/launch.h"
#include "kern/packed.h"

static const int64_t CHUNK_BYTES = PIECE(128 << 20, 10000);

struct frames {
    const void *frame[CONV3D_TAPS];
    int64_t h, w, ow, channels;
    int kh, kw, up, top, left, packed; /* packed: so many taps */
};

/* dst[line - first, tap, place, channel]: one thread moves a channel. */
template <typename T>
__global__ static void gather_frames(T *dst, frames v, int kt, int64_t first, unsigned n)
{
    unsigned t = blockIdx.x * (unsigned)BLOCK + threadIdx.x, c = t % (unsigned)v.channels;
    unsigned places = (unsigned)(v.kh * v.kw), at = t / (unsigned)v.channels;
    int place = (int)(at % places), tap = (int)(at / places % (unsigned)kt);
    int64_t line = first + at / places / (unsigned)kt;
    int64_t y = line / v.ow + place / v.kw - v.top, x = line % v.ow + place % v.kw - v.left;
    const T *frame = (const T *)v.frame[tap];

    if (t >= n)
        return;
    if (!frame || y < 0 || x < 0 || y >= v.h * v.up || x >= v.w * v.up)
        dst[t] = 0;
    else if (tap < v.packed)
        from_f32(dst + t, to_f32(packed_get(v.frame[tap], v.h * v.w, v.channels,
                                            y / v.up * v.w + x / v.up, c)));
    else
        dst[t] = frame[(y / v.up * v.w + x / v.up) * v.channels + c];
}

/* One thread packs a pixel. */
__global__ static void pack_frame(void *now, const bf16 *x, int64_t channels, unsigned n)
{
    unsigned i = blockIdx.x * (unsigned)BLOCK + threadIdx.x;

    if (i < n)
        packed_put(now, n, channels, i, x + i * channels);
}

void conv3d_cuda(struct kcx *kc, struct k_conv3d *a)
{
    const struct k_conv2d *f = &a->f;
    int64_t oh = f->h * a->up + f->pad_top + f->pad_bottom - f->kh + 1;
    int64_t ow = f->w * a->up + f->pad_left + f->pad_right - f->kw + 1;
    int64_t k = (int64_t)a->kt * f->kh * f->kw * f->cin, rows = oh * ow;
    int64_t step = CHUNK_BYTES / (k * (int64_t)dtype_bytes(f->type));
    frames v = {{a->frame[0], a->frame[1], a->frame[2]},
                f->h,
                f->w,
                ow,
                f->cin,
                f->kh,
                f->kw,
                a->up,
                f->pad_top,
                f->pad_left,
                a->packed ? a->kt - 1 : 0};

    if (a->bytes.scale)
        BUG("conv3d: bytes on a GPU");
    step = step > 0 ? step : 1;
    for (int64_t r = 0; r < rows; r += step) {
        int64_t m = at_most(step, rows - r), all = m * k;
        void *columns = cuda_scratch(kc, SLOT_COLUMNS, (size_t)all * dtype_bytes(f->type));
        struct k_matmul p = {};

        if (!columns)
            return;
        BY_TYPE(f->type, T, {
            LAUNCH(kc, gather_frames<T>, pieces(all, BLOCK), BLOCK, (T *)columns, v, a->kt, r,
                   (unsigned)all);
        });
        p.m = m;
        p.n = f->cout;
        p.k = p.lda = p.ldb = k;
        p.ldc = f->cout;
        p.a_type = p.b_type = f->type;
        p.c_type = a->y_type;
        p.a = columns;
        p.b = f->weight;
        p.bias = f->bias;
        p.c = moved(f->y, a->y_type, r * f->cout);
        p.add = a->add;
        matmul_nt_cuda(kc, &p);
    }
    if (a->packed)
        LAUNCH(kc, pack_frame, pieces(f->h * f->w, BLOCK), BLOCK, a->now,
               (const bf16 *)a->frame[a->kt - 1], f->cin, (unsigned)(f->h * f->w));
}
