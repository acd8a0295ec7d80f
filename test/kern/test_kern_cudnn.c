/* test_kern_cudnn.c - cuDNN makes plans for an H100: whether it takes the graphs of convolutions
 * and attention, and has an engine that keeps what kern.h promises. Where there is one it is asked
 * as the program asks it. Elsewhere a text describes it; then cuDNN has the engines that are in the
 * library, while others it compiles, and needs a driver to load them. */
#include "kern/cuda/convdnn.h"
#include "kern/cuda/cudnn.h"
#include "kern/cuda/sdpa.h"
#include "ztest.h"

/* An H100, by its data sheet and NVIDIA's tables. */
static const char h100[] =
    "{\"maxGridSize\":[2147483647,65535,65535],\"maxBlockSize\":[1024,1024,64],"
    "\"regsPerBlock\":65536,\"multiProcessorCount\":132,\"warpSize\":32,"
    "\"maxSharedMemoryPerBlock\":49152,\"maxSharedMemoryPerBlockOptin\":232448,"
    "\"reservedSharedMemoryPerBlock\":1024,\"maxRegistersPerSM\":65536,\"maxCtasPerSM\":32,"
    "\"maxThreadsPerBlock\":1024,\"maxThreadsPerSM\":2048,\"pciDeviceId\":0,\"isTccDriver\":0,"
    "\"supportCoopLaunch\":1,\"totalGlobalMem\":85017755648,\"smClockRateKHz\":1980000,"
    "\"memClockRateKHz\":2619000,\"l2CacheSize\":52428800,\"cudaDeviceId\":0,\"deviceVer\":900,"
    "\"driverVer\":13000,\"deviceName\":\"NVIDIA H100 80GB HBM3\"}";

/* NULL: none is here. */
static struct gpu *hopper(void)
{
    struct device *d;
    struct gpu *g;

    if (device_named(&d, "cuda", NULL) < 0)
        return NULL;
    g = (struct gpu *)d;
    return g->capability == 90 ? g : NULL;
}

static struct cudnn *open_or_skip(void)
{
    static struct cudnn *c;
    struct gpu *g = hopper();

    if (!c && !(c = g ? cudnn_of(g) : cudnn_without_device(h100)))
        ztest_skip("cuDNN 9.13 or newer is not here");
    return c;
}

static void need_driver(void)
{
    if (!hopper())
        ztest_skip("a driver that loads code for an H100 is needed, and no H100 is here");
}

/* n h w cin cout k stride, padding before, after */
static const int64_t shapes[][9] = {
    {8, 16, 28, 64, 64, 3, 1, 1, 1},   /* a block of the tiny autoencoder */
    {8, 32, 56, 64, 64, 3, 2, 1, 1},   /* its encoder goes to half the size */
    {8, 16, 28, 16, 256, 3, 1, 1, 1},  /* its decoder begins */
    {2, 64, 96, 96, 192, 3, 2, 0, 1},  /* Wan's, padded behind alone */
    {2, 30, 52, 384, 384, 3, 1, 1, 1}, /* and in its middle */
};

static struct k_conv2d conv(const int64_t s[9], enum dtype type, int bias)
{
    return (struct k_conv2d){.n = s[0],
                             .h = s[1],
                             .w = s[2],
                             .cin = s[3],
                             .cout = s[4],
                             .kh = (int)s[5],
                             .kw = (int)s[5],
                             .stride = (int)s[6],
                             .pad_top = (int)s[7],
                             .pad_left = (int)s[7],
                             .pad_bottom = (int)s[8],
                             .pad_right = (int)s[8],
                             .type = type,
                             .bias = bias ? shapes : NULL};
}

static void wanted(enum convdnn_way way, enum dtype type, int bias)
{
    struct cudnn *c = open_or_skip();

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct k_conv2d f = conv(shapes[i], type, bias);

        if (!convdnn_plan(c, way, &f))
            ztest_fail(__FILE__, __LINE__, "no plan for shape %zu in %s", i, dtype_name(type));
    }
}

TEST(cudnn_plans_convolutions)
{
    wanted(CONVDNN_Y, DT_BF16, 0);
    wanted(CONVDNN_DX, DT_BF16, 0);
}

TEST(cudnn_plans_convolutions_in_f32)
{
    wanted(CONVDNN_Y, DT_F32, 0);
    wanted(CONVDNN_Y, DT_F32, 1);
    wanted(CONVDNN_DX, DT_F32, 0);
    wanted(CONVDNN_DW, DT_F32, 0);
}

TEST(cudnn_compiles_convolutions)
{
    need_driver();
    wanted(CONVDNN_Y, DT_BF16, 1);
    wanted(CONVDNN_DW, DT_BF16, 0);
}

TEST(cudnn_compiles_attention)
{
    static const int64_t two[] = {0, 1540, 3080};
    struct cudnn *c = open_or_skip();

    need_driver();
    for (int dim = 64; dim <= 128; dim += 64) {
        struct k_attention a = {.n_seq = 2,
                                .heads = 4,
                                .kv_heads = 4,
                                .head_dim = dim,
                                .q_start = two,
                                .k_start = two,
                                .ldq = 12 * dim,
                                .ldk = 12 * dim,
                                .ldv = 12 * dim,
                                .type = DT_BF16,
                                .lse = (void *)two};

        CHECK(sdpa_forward_plan(c, &a, 0, 2));
        CHECK(sdpa_backward_plan(c, &a, 0, 2));
    }
}
