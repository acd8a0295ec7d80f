"""Films by zoetrope as a node of ComfyUI: prompt and pictures in, frames out.

To install: a link to this folder in ComfyUI/custom_nodes. zoetrope.py is looked for beside it, then
among Python's modules. ComfyUI brings torch; without it frames are the memoryview of zoetrope.Film.
"""
import logging
import os
import sys
import tempfile
import threading

import comfy.model_management
import comfy.utils

_here = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
if os.path.exists(os.path.join(_here, "zoetrope.py")) and _here not in sys.path:
    sys.path.append(_here)
import zoetrope  # noqa: E402

try:
    import torch
except ImportError:
    torch = None
try:
    from PIL import Image
except ImportError:
    Image = None

BAR = 100
PARTS = {"sampling": 60, "drawing": 39}  # of the bar; a long film does both in turns
_open = {}  # the model that was used last, by its name: its weights stay loaded


def _model(name):
    if name not in _open:
        for old in _open.values():
            old.close()
        _open.clear()
        _open[name] = zoetrope.Model(name or None)
    return _open[name]


def _rgb(image):
    """IMAGE, [B][H][W][C] of 0..1: the first picture as (bytes, width, height)."""
    picture = image[0]
    if hasattr(picture, "detach"):
        picture = picture.detach()[..., :3].float().clamp(0, 1).mul(255).round().byte().cpu()
        if picture.shape[-1] < 3:
            picture = picture[..., :1].expand(-1, -1, 3)
        height, width = picture.shape[:2]
        return picture.contiguous().numpy().tobytes(), width, height
    rgb = bytes(round(255 * min(max(v, 0), 1)) for row in picture for pixel in row for v in pixel[:3])
    return rgb, len(picture[0]), len(picture)


def _frames(film):
    if torch is None:
        return film.frames
    frames = torch.frombuffer(film.data, dtype=torch.uint8).reshape(film.frames.shape)
    return frames.float().div_(255)


def _settings(lines):
    """"name=value", one a line."""
    pairs = [line.partition("=") for line in lines.splitlines() if line.strip()]
    return {name.strip().replace("-", "_"): value.strip() for name, _, value in pairs}


class _Watch:
    """ComfyUI's progress bar, and its button that stops: looked at by a thread, because a step of a
    large model takes minutes."""

    def __init__(self, job):
        self.job, self.bar, self.done = job, comfy.utils.ProgressBar(BAR), {}
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)

    def look(self):
        while not self.over.wait(0.2):
            if comfy.model_management.processing_interrupted():
                self.job.cancel()
                return

    def run(self):
        self.thread.start()
        try:
            return self.job.run(self.progress, preview=self.preview if Image else None)
        except zoetrope.Cancelled:
            comfy.model_management.throw_exception_if_processing_interrupted()
            raise
        finally:
            self.over.set()
            self.thread.join()

    def show(self, preview=None):
        self.bar.update_absolute(int(sum(self.done.values())), BAR, preview)

    def progress(self, stage, done, total, _left_s):
        comfy.model_management.throw_exception_if_processing_interrupted()
        if stage in PARTS and total:
            self.done[stage] = PARTS[stage] * done / total
            self.show()

    def preview(self, _window, _step, _n_steps, rgb, width, height):
        self.show(("JPEG", Image.frombytes("RGB", (width, height), bytes(rgb)), 512))


class ZoetropeVideo:
    """One node: a film of a prompt."""

    CATEGORY = "zoetrope"
    DESCRIPTION = "Draws a film from words with zoetrope, on the CPU or what the option device names."
    FUNCTION = "draw"
    RETURN_TYPES = ("IMAGE", "FLOAT", "STRING")
    RETURN_NAMES = ("frames", "fps", "recipe")

    @classmethod
    def INPUT_TYPES(cls):
        unsaid = "0 is the model's own"
        return {
            "required": {
                "prompt": ("STRING", {"multiline": True, "default": "a red ball rolls from left to right"}),
                "seed": ("INT", {"default": 0, "min": 0, "max": 2 ** 53, "control_after_generate": True}),
                "seconds": ("FLOAT", {"default": 0, "min": 0, "max": 3600, "step": 0.1, "tooltip": unsaid}),
                "width": ("INT", {"default": 0, "min": 0, "max": 8192, "step": 2, "tooltip": unsaid}),
                "height": ("INT", {"default": 0, "min": 0, "max": 8192, "step": 2, "tooltip": unsaid}),
                "steps": ("INT", {"default": 0, "min": 0, "max": 1000, "tooltip": unsaid}),
                "guidance": ("FLOAT", {"default": 0, "min": 0, "max": 100, "step": 0.1, "tooltip": unsaid}),
            },
            "optional": {
                "negative": ("STRING", {"multiline": True, "default": ""}),
                "first_frame": ("IMAGE",),
                "last_frame": ("IMAGE",),
                "model": ("STRING", {"default": "", "tooltip": "a name or a folder; empty is the default model"}),
                "options": ("STRING", {"multiline": True, "default": "",
                                       "tooltip": "further options of zoetrope, name=value, one a line"}),
            },
        }

    def draw(self, prompt, seed, seconds=0, width=0, height=0, steps=0, guidance=0, negative="", first_frame=None,
             last_frame=None, model="", options=""):
        if bool(width) != bool(height):
            raise ValueError("width and height: both or neither")
        with tempfile.TemporaryDirectory() as folder, zoetrope.Job(_model(model)) as job:
            for name, image in (("first_frame", first_frame), ("last_frame", last_frame)):
                if image is not None:
                    path = os.path.join(folder, name + ".ppm")
                    zoetrope.save_picture(path, *_rgb(image))
                    job.set(**{name: path})
            job.set(prompt=prompt, seed=seed, seconds=seconds or None, steps=steps or None,
                    guidance=guidance or None, negative=negative or None,
                    size=f"{width}x{height}" if width else None, **_settings(options))
            plan = job.plan()
            for key in ("unknown_words", "note"):
                if plan.get(key):
                    logging.warning("zoetrope: %s: %s", key.replace("_", " "), plan[key])
            watch = _Watch(job)
            film = watch.run()
        watch.bar.update_absolute(BAR, BAR)
        return _frames(film), film.fps, film.recipe


NODE_CLASS_MAPPINGS = {"ZoetropeVideo": ZoetropeVideo}
NODE_DISPLAY_NAME_MAPPINGS = {"ZoetropeVideo": "zoetrope: film of words"}
