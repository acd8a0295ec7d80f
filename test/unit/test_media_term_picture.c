/* Pictures as codes for terminals, read back by what the three protocols say of them. libsixel's
 * sixel2png and pyte read the same (doc/DECISIONS.md). */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "media/term_picture.h"
#include "ztest.h"

enum { W = 96, H = 48 };

static struct picture ramp(void)
{
    struct picture p;

    picture_init(&p, W, H);
    for (int i = 0; i < W * H; i++) {
        p.rgb[3 * i] = (uint8_t)(i % W * 255 / (W - 1));
        p.rgb[3 * i + 1] = (uint8_t)(i / W * 255 / (H - 1));
        p.rgb[3 * i + 2] = 64;
    }
    return p;
}

static struct term term_of(enum term_way way)
{
    return (struct term){
        .way = way, .columns = 49, .rows = 40, .cell_w = 4, .cell_h = 8, .true_colour = 1};
}

static double apart(const uint8_t *a, const uint8_t *b)
{
    double most = 0;

    for (int i = 0; i < 3; i++)
        most = fmax(most, abs(a[i] - b[i]));
    return most;
}

TEST(term_picture_kitty_holds_the_picture)
{
    struct picture p = ramp();
    struct term t = term_of(TERM_KITTY);
    struct buf out = BUF_INIT, text = BUF_INIT, back = BUF_INIT;

    term_picture(&t, &p, 0, &out);
    CHECK_CONTAINS(buf_str(&out), "\033_Ga=T,q=2,f=24,i=20741,p=1,C=1,s=96,v=48,c=48,r=12,m=1;");
    for (const char *s = buf_str(&out); (s = strstr(s, "\033_G"));) {
        const char *from = strchr(s, ';') + 1, *to = strchr(from, '\033');

        CHECK(to - from <= 4096);
        buf_add(&text, from, (size_t)(to - from));
        s = to;
    }
    CHECK(!base64_decode(&back, buf_str(&text), text.len, 0));
    CHECK_INT(back.len, W * H * 3);
    CHECK(!memcmp(back.data, p.rgb, back.len));
    buf_release(&out), buf_release(&text), buf_release(&back);
    picture_release(&p);
}

TEST(term_picture_blocks_have_the_colours_of_their_places)
{
    struct picture p = ramp();
    struct term t = term_of(TERM_BLOCKS);
    struct buf out = BUF_INIT;
    int c[2][3] = {{0}}, x = 0, y = 0;

    CHECK_INT(term_picture_lines(&t, W, H), 12);
    term_picture(&t, &p, 1, &out);
    CHECK(!strncmp(buf_str(&out), "\r\033[12A", 6));
    for (const char *s = buf_str(&out) + 6; *s; s++) {
        int ground, v[3], n = 0;

        if (sscanf(s, "\033[%d;2;%d;%d;%dm%n", &ground, &v[0], &v[1], &v[2], &n) == 4 && n) {
            memcpy(c[ground == 48], v, sizeof v);
        } else if ((unsigned char)*s == 0xe2) {
            for (int k = 0; k < 2; k++) {
                uint8_t got[3] = {(uint8_t)c[k][0], (uint8_t)c[k][1], (uint8_t)c[k][2]};

                CHECK_BELOW(apart(got, p.rgb + 3 * ((2 * (2 * y + k)) * W + 2 * x)), 6);
            }
            x++;
        } else if (*s == '\n') {
            CHECK_INT(x, 48);
            x = 0;
            y++;
        }
    }
    CHECK_INT(y, 12);
    buf_release(&out);
    picture_release(&p);
}

/* A reader of sixels as the VT340's manual has them; 255: nothing was drawn there. */
static void read_sixels(const char *s, int w, int h, uint8_t *index)
{
    int x = 0, y = 0, run = 1, colour = 0, n;

    memset(index, 255, (size_t)w * (size_t)h);
    for (; *s != '\033'; s += n) {
        int v[4];

        n = 1;
        if (*s == '$' || *s == '-') {
            x = 0;
            y += *s == '-' ? 6 : 0;
        } else if (*s == '!') {
            CHECK(sscanf(s, "!%d%n", &run, &n) == 1);
        } else if (*s == '#') {
            int m = 0;

            CHECK(sscanf(s, "#%d%n", &colour, &n) == 1);
            if (sscanf(s, "#%d;2;%d;%d;%d%n", &colour, v, v + 1, v + 2, &m) == 4)
                n = m;
        } else {
            for (; run > 0; run--, x++)
                for (int k = 0; k < 6; k++)
                    if ((*s - '?') >> k & 1) {
                        CHECK(x < w && y + k < h);
                        index[(y + k) * w + x] = (uint8_t)colour;
                    }
            run = 1;
        }
    }
}

TEST(term_picture_sixels_cover_it_in_nearby_colours)
{
    struct picture p = ramp();
    struct term t = term_of(TERM_SIXEL);
    struct buf out = BUF_INIT;
    enum { SW = 48 * 4, SH = 12 * 8 };
    static uint8_t index[SW * SH];

    term_picture(&t, &p, 0, &out);
    const char *s = strstr(buf_str(&out), "\"1;1;192;96");
    CHECK(s != NULL);
    read_sixels(s + 11, SW, SH, index);
    for (int y = 0; y < SH; y += 4)
        for (int x = 0; x < SW; x += 4) {
            double sum[3] = {0};
            uint8_t mean[3];

            for (int k = 0; k < 16; k++) {
                int i = index[(y + k / 4) * SW + x + k % 4];

                CHECK(i < 216);
                sum[0] += i / 36 * 51;
                sum[1] += i / 6 % 6 * 51;
                sum[2] += i % 6 * 51;
            }
            for (int k = 0; k < 3; k++)
                mean[k] = (uint8_t)(sum[k] / 16);
            CHECK_BELOW(apart(mean, p.rgb + 3 * ((y / 2) * W + x / 2)), 20);
        }
    buf_release(&out);
    picture_release(&p);
}
