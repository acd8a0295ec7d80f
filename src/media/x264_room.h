/* x264_room.h - memory of an H.264 encoder, by what x264 keeps of its frames.
 *
 * Sources: common/frame.c (planes and tables of a frame), common/macroblock.c and encoder/encoder.c
 * (how many frames) of x264, core 164. Pure, any thread. */
#ifndef MEDIA_X264_ROOM_H
#define MEDIA_X264_ROOM_H

#include <stdint.h>

enum {
    X264_LOOKAHEAD = 12, /* frames that it looks ahead with a rate control (rc-lookahead) */
    X264_BFRAMES = 3,    /* presets medium and veryfast */
    X264_REFERENCES = 3  /* medium; veryfast looks at one, but keeps as many for its B frames */
};

/* Most bytes of its frames for a film of w x h px and n frames. rgb: three full planes and no rate
 * control (lossless), or 4:2:0. */
uint64_t x264_room(int w, int h, int64_t n, int rgb);

#endif
