#!/bin/sh
# video.sh - the last step of `make video`: hand $PROMPT to the program and write $OUT.
# Environment: PROMPT, OUT (empty: video.mp4, or video.y4m where FFmpeg is not in the build),
# ZOETROPE (the program), BUILD.
set -u

if [ -z "${PROMPT:-}" ]; then
    PROMPT="a red ball rolls from left to right"
    echo "no PROMPT given; drawing: $PROMPT" >&2
fi
media=1
grep -q 'MEDIA=0' "${BUILD:-build}/flags.txt" 2>/dev/null && media=0
if [ -z "${OUT:-}" ]; then
    OUT=video.mp4
    [ $media = 1 ] || OUT=video.y4m
elif [ $media = 0 ] && [ "${OUT%.mp4}" != "$OUT" ]; then
    OUT=${OUT%.mp4}.y4m
    echo "FFmpeg's libraries are not in this build; writing $OUT" >&2
fi

# Through stdin: an argument that begins with @ or - would mean something else.
printf '%s' "$PROMPT" | "$ZOETROPE" generate -p - -o "$OUT" -y
