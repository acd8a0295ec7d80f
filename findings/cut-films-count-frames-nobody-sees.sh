#!/bin/sh
# A film that ffmpeg cut says how many frames it holds, not how many it shows, and samplers of frames believe it.
#
# `ffmpeg -ss 1 -i film.mp4 -t 0.5 -c copy cut.mp4` keeps all frames from the key frame before and hides what is not wanted by an edit
# list. Players and decoders obey it. Measured with ffmpeg n9.0.2 (imageio-ffmpeg 0.8.1), PyAV 18.1.0, OpenCV 5.0.0.93 and transformers
# 5.24.0: of 48 frames at 24 a second the cut shows 14, while `stream.frames` of PyAV (nb_frames of ffprobe) and OpenCV's
# CAP_PROP_FRAME_COUNT say 38. transformers' `read_video_pyav` and `read_video_opencv` spread the frames that a model is to see over 38:
# of 8 that were asked for it gets 3, the first, the sixth and the eleventh, the metadata says 8 and 1.58 s, and no word is said.
# One expects 8 frames spread over the half second. Counting what is decoded is right, the stream's duration (0.71 s) is nearer.
. "$(dirname "$0")/desk.sh"
desk_install av==18.1.0 imageio-ffmpeg==0.8.1 opencv-python-headless==5.0.0.93 numpy==2.4.6 transformers==5.24.0
desk_python <<'PY'
import os
import subprocess
import sys
import tempfile
import av
import cv2
import imageio_ffmpeg
import numpy as np
import transformers
from transformers.video_utils import read_video_opencv, read_video_pyav

folder = tempfile.TemporaryDirectory()
film, cut = (os.path.join(folder.name, n) for n in ("film.mp4", "cut.mp4"))
with av.open(film, "w") as out:
    s = out.add_stream("libx264", rate=24, options={"g": "48"})
    s.width = s.height = 64
    s.pix_fmt = "yuv420p"
    for i in range(48):
        out.mux(s.encode(av.VideoFrame.from_ndarray(np.full((64, 64, 3), 4 * i, np.uint8), format="rgb24")))
    out.mux(s.encode(None))
ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
subprocess.run([ffmpeg, "-v", "error", "-y", "-ss", "1", "-i", film, "-t", "0.5", "-c", "copy", cut], check=True)

with av.open(cut) as c:
    stream = c.streams.video[0]
    said, lasts = stream.frames, float(stream.duration * stream.time_base)
    shown = sum(1 for _ in c.decode(video=0))
opencv = int(cv2.VideoCapture(cut).get(cv2.CAP_PROP_FRAME_COUNT))


def eight(metadata, **_):
    return np.linspace(0, metadata.total_num_frames - 1, 8, dtype=int)


got = {}
for read in (read_video_pyav, read_video_opencv):
    frames, about = read(cut, eight)
    got[read.__name__] = (len(frames), len(about.frames_indices), round(about.duration, 2))
version = subprocess.run([ffmpeg, "-version"], capture_output=True, text=True).stdout.split()[2]
print("ffmpeg", version, "av", av.__version__, "cv2", cv2.__version__, "transformers", transformers.__version__)
print(f"shown {shown} frames in {lasts:.2f} s; PyAV says {said}, OpenCV {opencv}")
for name, (n, asked, seconds) in got.items():
    print(f"{name}: {asked} frames asked for, {n} given, said to last {seconds} s")
if not (shown < 16 and said == opencv == 38 and lasts < 0.8
        and all(n < 5 and asked == 8 and seconds > 1.5 for n, asked, seconds in got.values())):
    sys.exit("the behaviour has changed")
PY
