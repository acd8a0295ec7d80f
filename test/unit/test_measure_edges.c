/* Widths of edges, on pictures whose blur is known. */
#include <math.h>
#include <string.h>

#include "measure/edges.h"
#include "ztest.h"

enum { W = 64, H = 48 };

/* A bright half, its border at a column or row, blurred by a Gaussian; sigma 0: a jump. */
static void half(uint8_t *rgb, double sigma, int upright, double low, double high)
{
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            double d = upright ? x - 29.5 : y - 21.5;
            double share = sigma > 0 ? 0.5 * (1 + erf(d / (sigma * sqrt(2)))) : d > 0;

            memset(rgb + (y * W + x) * 3, (int)(low + (high - low) * share + 0.5), 3);
        }
}

static double ratio(double sigma, int upright, double low, double high)
{
    static uint8_t truth[W * H * 3], rgb[W * H * 3];
    struct edge_widths s = {0};

    half(truth, 0, upright, 20, 200);
    half(rgb, sigma, upright, low, high);
    edge_widths_add(&s, rgb, truth, W, H);
    CHECK(s.n > 0 && s.true_sum == s.n);
    return edge_widths_ratio(&s);
}

TEST(edges_are_as_wide_as_their_blur)
{
    for (int upright = 0; upright < 2; upright++) {
        CHECK_BELOW(fabs(ratio(0, upright, 20, 200) - 1), 1e-9);
        for (double sigma = 1; sigma <= 2.5; sigma += 0.5) {
            /* the range over the slope, which is that over one px at the middle */
            double step = erf(0.5 / (sigma * sqrt(2)));

            /* exact but for the rounding to bytes, whatever the contrast is */
            CHECK_BELOW(fabs(ratio(sigma, upright, 20, 200) * step - 1), 1 / (180 * step));
            CHECK_BELOW(fabs(ratio(sigma, upright, 60, 140) * step - 1), 1 / (80 * step));
        }
    }
}

/* An edge 3 px aside is as sharp as the true one where it is, and wide where that one is. */
TEST(own_edges_are_measured_where_they_are)
{
    static uint8_t truth[W * H * 3], rgb[W * H * 3];
    struct edge_widths s = {0};

    half(truth, 0, 1, 20, 200);
    half(rgb, 0, 1, 20, 200);
    memmove(rgb + 9, rgb, sizeof rgb - 9);
    edge_widths_add(&s, rgb, truth, W, H);
    CHECK(edge_widths_own(&s) == 1 && edge_widths_ratio(&s) > 10);
    half(rgb, 1, 1, 20, 200);
    s = (struct edge_widths){0};
    edge_widths_add(&s, rgb, truth, W, H);
    CHECK_BELOW(fabs(edge_widths_own(&s) * erf(0.5 / sqrt(2)) - 1), 0.02);
}

TEST(a_flat_picture_has_no_edges)
{
    static uint8_t flat[W * H * 3], rgb[W * H * 3];
    struct edge_widths s = {0};

    half(rgb, 0, 1, 0, 255); /* edges of the picture alone do not count */
    edge_widths_add(&s, rgb, flat, W, H);
    CHECK(s.n == 0 && edge_widths_ratio(&s) == 0 && edge_widths_own(&s) == 0);
}
