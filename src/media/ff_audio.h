/* ff_audio.h - inside media: a sound track that somebody gives, beside the pictures of a film.
 *
 * Its packets are copied where the kind of film holds such a codec (mp4: AAC, MP3, AC-3, ALAC;
 * WebM: Opus, Vorbis), else decoded and encoded as AAC or Opus. It ends with the film or before it:
 * silence is never written. Thread-safety: a track belongs to its film. */
#ifndef MEDIA_FF_AUDIO_H
#define MEDIA_FF_AUDIO_H

#include <libavformat/avformat.h>

#include "base/err.h"

struct ff_audio;
/* The best track of the file for films of `format` ("mp4" or "webm"). 0: *a is to be given to
 * ff_audio_free. ERR_IO: cannot be read; ERR_FORMAT: no sound in it, or none that is known. */
NODISCARD int ff_audio_open(struct ff_audio **a, const char *path, const char *format,
                            struct err *e);
void ff_audio_free(struct ff_audio **a);
/* Its stream in `out`, before the header is written. */
void ff_audio_stream(struct ff_audio *a, AVFormatContext *out);
/* What begins before the film's second `until`, after the header. last: the film ends there. */
NODISCARD int ff_audio_write(struct ff_audio *a, AVFormatContext *out, double until, int last,
                             struct err *e);

#endif
