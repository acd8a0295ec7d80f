"""Text to video from Python: include/zoetrope.h by ctypes. One file, no packages needed.

    import zoetrope

    film = zoetrope.generate("a red ball rolls from left to right", seed=7, output="ball.mp4")
    film.frames[0, 0, 0, 0]             # a memoryview [frames, height, width, 3] of bytes
    numpy.asarray(film.frames)          # the same memory, no copy

    with zoetrope.Model() as model, zoetrope.Job(model, prompt="a lighthouse", steps=8) as job:
        print(job.plan()["forecast_s"])
        film = job.run(progress=lambda stage, done, total, left_s: print(stage, done, total))

Options are those of the program with _ for -: options() lists them. A callback may stop the film by
raising anything, which run() raises again; so does Ctrl-C, and Job.cancel() from any other thread.
The library is $ZOETROPE_LIBRARY, that of the source tree, that beside which this file is installed,
or the system's.
"""
import argparse
import ctypes
import ctypes.util
import os
import sys

__all__ = ["Error", "Cancelled", "Film", "Job", "Model", "generate", "options", "save_picture", "version"]

CODES = {-1: "check", -2: "usage", -3: "model", -4: "io", -5: "device", -6: "fit", -130: "cancel"}
FIGURES = ("seed", "width", "height", "frames", "fps", "steps", "threads", "memory_bytes", "forecast_s",
           "unknown_words", "canonical_prompt", "note", "again", "seconds", "frame_hash", "latent_hash", "joins",
           "still", "run_note", "evaluations", "skipped_evaluations")
_INTEGERS = ("seed", "width", "height", "frames", "steps", "threads", "memory_bytes", "evaluations",
             "skipped_evaluations")
_REALS = ("fps", "forecast_s", "seconds")


class Error(Exception):
    """What the library refuses or cannot do: str() is its line, .code its number (an exit status,
    negated), .name one of check, usage, model, io, device, fit, cancel."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code, self.name = code, CODES.get(code, "unknown")


class Cancelled(Error):
    """Job.cancel() was called."""


# ---- the library ----

_Frame = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_int,
                          ctypes.c_int)
_Progress = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_long, ctypes.c_long,
                             ctypes.c_double)
_Preview = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_int,
                            ctypes.c_void_p, ctypes.c_int, ctypes.c_int)


class _Option(ctypes.Structure):
    _fields_ = [(name, ctypes.c_char_p) for name in ("name", "type", "range", "fallback", "help")] + [
        ("letter", ctypes.c_char)]


def _candidates():
    here = os.path.dirname(os.path.realpath(__file__))
    if "ZOETROPE_LIBRARY" in os.environ:
        yield os.environ["ZOETROPE_LIBRARY"]
        return
    yield os.path.join(here, "..", "build", "libzoetrope.so")
    for folder in ("lib", "lib64"):  # this file is PREFIX/share/zoetrope/python/zoetrope.py
        yield os.path.join(here, "..", "..", "..", folder, "libzoetrope.so.0")
    yield ctypes.util.find_library("zoetrope") or "libzoetrope.so.0"


def _declare(lib):
    p, text, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t
    out, error = ctypes.POINTER(ctypes.c_void_p), (ctypes.c_char_p, ctypes.c_size_t)
    number = ctypes.c_int
    for name, result, *args in (
            ("zt_version", text), ("zt_model_open", number, out, text, *error), ("zt_model_free", None, out),
            ("zt_model_get", text, p, text), ("zt_option_info", number, number, ctypes.POINTER(_Option), size),
            ("zt_job_new", number, out, p), ("zt_job_free", None, out),
            ("zt_job_set", number, p, text, text, *error), ("zt_job_set_film", number, p, text, *error),
            ("zt_job_on_preview", None, p, _Preview, p), ("zt_job_on_frame", None, p, _Frame, p),
            ("zt_job_on_progress", None, p, _Progress, p), ("zt_job_frames_apart", None, p, number),
            ("zt_job_plan", number, p, *error),
            ("zt_job_run", number, p, *error), ("zt_cancel", None, p), ("zt_job_get", text, p, text),
            ("zt_job_recipe", text, p)):
        function = getattr(lib, name)
        function.restype, function.argtypes = result, args
    return lib


def _library():
    global _loaded
    if _loaded is None:
        tried = []
        for path in _candidates():
            if os.sep in path and not os.path.exists(path):
                tried.append(os.path.normpath(path))
                continue
            try:
                _loaded = _declare(ctypes.CDLL(path))
                break
            except (OSError, AttributeError) as e:
                tried.append(str(e))
        else:
            raise ImportError("libzoetrope.so is not found (`make` builds it; $ZOETROPE_LIBRARY names it); tried "
                              + "; ".join(tried))
    return _loaded


_loaded = None


def _ask(function, *args):
    """Call what takes (..., error, size) at its end; raise what it says."""
    error = ctypes.create_string_buffer(4096)
    code = function(*args, error, len(error))
    if code:
        raise (Cancelled if code == -130 else Error)(code, error.value.decode("utf-8", "replace"))


def _text(value):
    return None if value is None else value.decode("utf-8", "replace")


def _bytes(what, name):
    text = what if isinstance(what, bytes) else os.fspath(what).encode()
    if b"\0" in text:
        raise Error(-2, f"{name}: a NUL character")
    return text


def version():
    """The version of the library, "0.1.0"."""
    return _text(_library().zt_version())


def options():
    """All options: a list of dicts with name, type, range, fallback, help (and letter, "" for none)."""
    rows, row = [], _Option()
    while _library().zt_option_info(len(rows), ctypes.byref(row), ctypes.sizeof(row)) == 0:
        rows.append({name: _text(getattr(row, name)).rstrip("\0") for name, _ in _Option._fields_})
    return rows


# ---- films ----

class Film:
    """A film that is done. frames: memoryview [n, height, width, 3] of bytes over data, a bytearray
    (None where they were not kept); fps; figures: a dict; recipe: JSON, by which it can be made
    again."""

    def __init__(self, data, shape, figures, recipe):
        self.data, self.figures, self.recipe = data, figures, recipe
        self.frames = memoryview(data).cast("B", shape) if data is not None else None
        self.n_frames, self.height, self.width = shape[:3]
        self.fps, self.seed = figures["fps"], figures["seed"]

    def __len__(self):
        return self.n_frames

    def picture(self, i):
        """Picture i as a flat memoryview of height * width * 3 bytes, no copy."""
        n = self.height * self.width * 3
        i = range(self.n_frames)[i]
        return memoryview(self.data)[i * n:(i + 1) * n]


def save_picture(path, rgb, width, height):
    """Write a PPM, which options such as first_frame read: rgb has height * width * 3 bytes."""
    view = memoryview(rgb).cast("B")
    if width < 1 or height < 1 or view.nbytes != width * height * 3:
        raise ValueError(f"rgb has {view.nbytes} bytes, {width}x{height} pictures have {width * height * 3}")
    with open(path, "wb") as f:
        f.write(b"P6 %d %d 255\n" % (width, height))
        f.write(view)


class _Owned:
    """What must be freed: by close(), at the end of `with`, or when nothing refers to it."""
    _free = None

    def close(self):
        handle, self._handle = getattr(self, "_handle", None), None
        if handle:
            getattr(_library(), self._free)(ctypes.byref(handle))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    __del__ = close

    def _at(self):
        if not self._handle:
            raise ValueError(f"this {type(self).__name__} is closed")
        return self._handle


class Model(_Owned):
    """A model directory: a path, a name, or None for the default. Any number of jobs may share it."""
    _free = "zt_model_free"

    def __init__(self, name=None):
        self._handle = None
        handle = ctypes.c_void_p()
        _ask(_library().zt_model_open, ctypes.byref(handle), _bytes(name, "model") if name else None)
        self._handle = handle

    def get(self, key):
        """A fact ("name", "width", "license", ...) as text; None for one that there is not."""
        return _text(_library().zt_model_get(self._at(), key.encode()))


class Job(_Owned):
    """One film: set options, plan, run. Of one thread at a time, but for cancel()."""
    _free = "zt_job_free"

    def __init__(self, model=None, **settings):
        """model: a Model, which is kept as long as the job; or what Model() takes."""
        self._handle, self._raised = None, None
        self._model = model if isinstance(model, Model) or model is None else Model(model)
        handle = ctypes.c_void_p()
        _library().zt_job_new(ctypes.byref(handle), self._model._at() if self._model else None)
        self._handle = handle
        self.set(**settings)

    def _at(self):
        if self._model:
            self._model._at()  # the library borrows it
        return super()._at()

    def set(self, **settings):
        """job.set(steps=20, first_frame="a.png", overwrite=True); None leaves an option as it is."""
        for name, value in settings.items():
            if value is None:
                continue
            if isinstance(value, bool):
                value = "yes" if value else "no"
            elif isinstance(value, (int, float)):
                value = repr(value)
            _ask(_library().zt_job_set, self._at(), name.replace("_", "-").encode(), _bytes(value, name))

    def set_film(self, path):
        """Take the settings of a film that was made before, to make it again."""
        _ask(_library().zt_job_set_film, self._at(), _bytes(path, "path"))

    def get(self, key):
        """A figure as zt_job_get says it: an int, float or str; None: not known (yet)."""
        value = _text(_library().zt_job_get(self._at(), key.encode()))
        if value is None:
            return None
        return int(value) if key in _INTEGERS else float(value) if key in _REALS else value

    def figures(self):
        """All figures that are known, by their names."""
        known = ((key, self.get(key)) for key in FIGURES)
        return {key: value for key, value in known if value is not None}

    def recipe(self):
        """The whole recipe as JSON; None before the plan."""
        return _text(_library().zt_job_recipe(self._at()))

    def plan(self):
        """Settle what is unsaid and forecast memory and time, without weights; the figures."""
        _ask(_library().zt_job_plan, self._at())
        return self.figures()

    def cancel(self):
        """Stop a run soon, from any thread: it raises Cancelled."""
        handle = self._handle
        if handle:
            _library().zt_cancel(handle)

    def _guarded(self, function):
        """What a callback raises goes to run() and stops the film."""
        def call(_user, *args):
            try:
                function(*args)
                return 0
            except BaseException as e:  # Ctrl-C comes here, too
                self._raised = self._raised or e
                return 1
        return call

    def run(self, progress=None, frame=None, preview=None, keep=True):
        """Draw the film; a Film. With output set it is written there, too.

        progress(stage, done, total, left_s): left_s is None where it is not known.
        frame(index, n_frames, rgb, width, height): each picture, rgb a memoryview of its bytes that
            is good until the call returns.
        preview(window, step, n_steps, rgb, width, height): what each step promises.
        keep: False keeps no frames in memory; Film.frames is None then.
        """
        figures = self.plan()
        shape = (figures["frames"], figures["height"], figures["width"], 3)
        picture_bytes = shape[1] * shape[2] * 3
        data = bytearray(shape[0] * picture_bytes) if keep else None
        start = ctypes.addressof(ctypes.c_char.from_buffer(data)) if keep else 0

        def view(rgb, w, h):
            return memoryview((ctypes.c_uint8 * (w * h * 3)).from_address(rgb)).cast("B").toreadonly()

        def on_frame(index, n_frames, rgb, w, h):
            if keep:
                ctypes.memmove(start + index * picture_bytes, rgb, picture_bytes)
            if frame:
                frame(index, n_frames, view(rgb, w, h), w, h)

        def on_progress(stage, done, total, left_s):
            if progress:
                progress(_text(stage), done, total, left_s if left_s >= 0 else None)

        def on_preview(window, step, n_steps, rgb, w, h):
            preview(window, step, n_steps, view(rgb, w, h), w, h)

        # Progress is always asked for: a callback is where Python sees Ctrl-C.
        calls = (_Frame(self._guarded(on_frame)), _Progress(self._guarded(on_progress)),
                 _Preview(self._guarded(on_preview)) if preview else _Preview())
        self._raised, lib, job = None, _library(), self._at()
        lib.zt_job_on_frame(job, calls[0], None)
        lib.zt_job_frames_apart(job, not frame)  # whoever looks is called on the caller's thread
        lib.zt_job_on_progress(job, calls[1], None)
        lib.zt_job_on_preview(job, calls[2], None)
        try:
            _ask(lib.zt_job_run, job)
        except Cancelled:
            if self._raised:
                raise self._raised from None
            raise
        finally:
            lib.zt_job_on_frame(job, _Frame(), None)
            lib.zt_job_on_progress(job, _Progress(), None)
            lib.zt_job_on_preview(job, _Preview(), None)
            self._raised = None
        return Film(data, shape, self.figures(), self.recipe())


def generate(prompt, model=None, progress=None, frame=None, preview=None, keep=True, **settings):
    """A film of a prompt in one call: Job(model, prompt=prompt, **settings).run(...)."""
    with Job(model, prompt=prompt, **settings) as job:
        return job.run(progress, frame, preview, keep)


# ---- as a program ----

def main(arguments=None):
    """zoetrope.py PROMPT: writes a film, or lists the options."""
    about = argparse.ArgumentParser(
        description="A film of a prompt by libzoetrope, as an example of this module.",
        epilog='example: python3 zoetrope.py "a red ball rolls from left to right" -o ball.mp4 --set steps=8 seed=7')
    about.add_argument("prompt", nargs="?", help="what to draw, in English or Chinese")
    about.add_argument("-o", "--output", help="NAME.mp4, .webm, .gif, .y4m, a folder of PNG files")
    about.add_argument("-m", "--model", help="a name or a folder")
    about.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="further options")
    about.add_argument("--list-options", action="store_true", help="say which options there are")
    given = about.parse_args(arguments)
    try:
        _library()
    except ImportError as e:
        print(f"error: {e}", file=sys.stderr)
        return 4
    if given.list_options:
        for row in options():
            print(f"{row['name']:16} {row['help']} ({row['range'] or row['type']}; unsaid: {row['fallback']})")
        return 0
    if not given.prompt:
        about.error("a prompt is needed")
    settings = dict(pair.partition("=")[::2] for pair in given.set)
    watched = sys.stderr.isatty()  # else no line is written over
    again, rest, below = ("\r", "\033[K", "\n") if watched else ("", "", "")

    def progress(stage, done, total, left_s):
        left = f", {left_s:.0f} s left" if left_s is not None else ""
        print(f"{again}{stage} {done}/{total}{left}{rest}", end="", file=sys.stderr, flush=True)

    try:
        film = generate(given.prompt, given.model, progress if watched else None, output=given.output, keep=False,
                        **settings)
    except Error as e:
        print(f"{below}error: {e}", file=sys.stderr)
        return -e.code
    except KeyboardInterrupt:
        print(f"{below}stopped", file=sys.stderr)
        return 130
    print(f"{again}{len(film)} pictures {film.width}x{film.height}, {film.fps:g} a second, seed {film.seed}"
          + (f": {given.output}" if given.output else "") + rest, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
