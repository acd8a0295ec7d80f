/* fuzz_picture.c - what this project parses itself of pictures and films: PPM and y4m. FFmpeg's
 * formats are left to FFmpeg's own fuzzing: the first bytes always name one of these two. */
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "media/film.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct film_caps caps = {.max_frames = 4, .max_bytes = 1 << 22};
    struct film film;
    struct err e;
    char path[64];
    int fd = memfd_create("fuzz", 0), y4m = size && data[0] & 1;
    const char *magic = y4m ? "YUV4MPEG2 " : "P6\n";

    if (fd < 0)
        return 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (dprintf(fd, "%s", magic) > 0 && write(fd, data, size) == (ssize_t)size) {
        int rc = film_read(&film, path, &caps, &e);

        if (!rc && (film.n < 1 || film.n > 4 || film.w < 1 || !film.rgb))
            BUG("a film of %d frames of %d pixels", film.n, film.w);
        if (!rc)
            film_release(&film);
        if (film_probe(&film, path, &e) == 0)
            film_release(&film);
    }
    close(fd);
    return 0;
}
