"""zoetrope.py and the node of ComfyUI by Python's own library: run.py MODEL FOLDER; one line per check.

ComfyUI is played by what its loader does with a folder of custom nodes (nodes.py, load_custom_node)
and by the two modules of it that the node asks.
"""
import hashlib
import importlib.util
import json
import os
import signal
import sys
import threading
import traceback
import types

import zoetrope

QUICK = {"size": "48x32", "steps": 2, "frames": 5, "seed": 3}
TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Interrupted(Exception):
    """InterruptProcessingException of ComfyUI."""


def raises(kind, call, *args, **settings):
    try:
        call(*args, **settings)
    except kind as e:
        return e
    raise AssertionError(f"no {kind.__name__}")


@test
def film_is_what_the_library_drew(model, folder):
    film = zoetrope.generate("a red ball rolls", model, output=f"{folder}/a.y4m", **QUICK)
    assert film.frames.shape == (5, 32, 48, 3), film.frames.shape
    assert hashlib.sha256(film.data).hexdigest() == film.figures["frame_hash"]
    assert len(film) == 5 and film.fps > 0 and film.seed == 3
    assert film.picture(-1) == film.frames.cast("B")[-48 * 32 * 3:]
    assert json.loads(film.recipe)["prompt"] == "a red ball rolls"
    with open(f"{folder}/a.y4m", "rb") as f:
        assert f.read(9) == b"YUV4MPEG2"


@test
def frames_are_one_memory(model, _):
    film = zoetrope.generate("a red ball rolls", model, **QUICK)
    film.data[5] = film.data[5] ^ 255
    assert film.frames[0, 0, 1, 2] == film.data[5]


@test
def callbacks_see_all(model, _):
    stages, frames, previews = [], [], []
    film = zoetrope.generate("a ball", model, lambda *a: stages.append(a), lambda i, n, rgb, w, h: frames.append(
        (i, n, bytes(rgb), w, h)), lambda *a: previews.append(a[:3]), keep=False, **QUICK)
    assert film.frames is None and len(film) == 5
    assert [f[0] for f in frames] == list(range(5)) and all(f[1] == 5 and f[3:] == (48, 32) for f in frames)
    assert hashlib.sha256(b"".join(f[2] for f in frames)).hexdigest() == film.figures["frame_hash"]
    assert ("sampling", 2, 2) in [s[:3] for s in stages], stages
    assert all(p[0] == 0 and p[2] == 2 for p in previews)


@test
def plan_needs_no_weights(model, _):
    with zoetrope.Model(model) as m, zoetrope.Job(m, prompt="a ball", **QUICK) as job:
        assert job.recipe() is None and job.get("seed") is None
        plan = job.plan()
        assert plan["width"] == 48 and plan["forecast_s"] > 0 and isinstance(plan["memory_bytes"], int), plan
        assert m.get("name") and m.get("nothing") is None


@test
def faults_are_exceptions(model, folder):
    e = raises(zoetrope.Error, zoetrope.generate, "a ball", model, steps="many")
    assert (e.code, e.name) == (-2, "usage") and "steps" in str(e), e
    e = raises(zoetrope.Error, zoetrope.generate, "a ball", model, no_such=1)
    assert e.code == -2 and "no-such" in str(e), e
    e = raises(zoetrope.Error, zoetrope.Model, f"{folder}/nothing")
    assert e.name == "model", e.name
    e = raises(zoetrope.Error, zoetrope.generate, "a ball", model, first_frame=f"{folder}/none.png", **QUICK)
    assert e.name == "io" and "none.png" in str(e), (e.name, e)
    raises(zoetrope.Error, zoetrope.generate, "a\0ball", model)
    job = zoetrope.Job(model, prompt="a ball")
    job.close()
    raises(ValueError, job.plan)
    raises(ValueError, zoetrope.save_picture, f"{folder}/a.ppm", b"123", 2, 2)


@test
def closed_model_is_said(model, _):
    m = zoetrope.Model(model)
    job = zoetrope.Job(m, prompt="a ball", **QUICK)
    m.close()
    raises(ValueError, job.run)


@test
def callback_that_raises_stops(model, folder):
    def frame(index, *_):
        if index == 1:
            raise KeyError("enough")
    output = f"{folder}/stopped.y4m"
    raises(KeyError, zoetrope.generate, "a ball", model, frame=frame, output=output, **QUICK)
    assert not os.path.exists(output)


@test
def ctrl_c_stops(model, _):
    import _thread
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets what runs behind it ignore it
    raises(KeyboardInterrupt, zoetrope.generate, "a ball", model, lambda *_: _thread.interrupt_main(), **QUICK)


@test
def cancel_from_another_thread(model, _):
    with zoetrope.Job(model, prompt="a ball", **{**QUICK, "steps": 1000, "seconds": 20, "frames": None}) as job:
        began = threading.Event()
        thread = threading.Thread(target=lambda: (began.wait(60), job.cancel()))
        thread.start()
        e = raises(zoetrope.Cancelled, job.run, lambda stage, *_: stage == "sampling" and began.set())
        thread.join()
        assert e.code == -130 and e.name == "cancel"
        job.set(steps=1, seconds=0.5)
        assert len(job.run()) > 1, "a job that was stopped runs again"


@test
def two_jobs_at_once_are_the_same_film(model, _):
    with zoetrope.Model(model) as m:
        hashes = [None, None]

        def draw(i):
            hashes[i] = zoetrope.generate("a red ball rolls", m, **QUICK).figures["frame_hash"]
        threads = [threading.Thread(target=draw, args=(i,)) for i in range(2)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert hashes[0] and hashes[0] == hashes[1]


@test
def options_are_the_table(_model, _):
    rows = {row["name"]: row for row in zoetrope.options()}
    assert rows["prompt"]["letter"] == "p" and rows["steps"]["type"] == "int" and len(rows) > 30
    assert zoetrope.version().count(".") == 2


@test
def a_film_again(model, folder):
    film = zoetrope.generate("a red ball rolls", model, output=f"{folder}/b.y4m", **QUICK)
    with zoetrope.Job(model) as job:
        try:
            job.set_film(f"{folder}/b.y4m")
        except zoetrope.Error as e:
            assert e.name == "io", e  # a build that reads no films
            return
        assert job.run().figures["frame_hash"] == film.figures["frame_hash"]


# ---- ComfyUI ----

class Bar:
    """comfy.utils.ProgressBar."""
    last = None

    def __init__(self, total):
        self.values, self.total = [], total
        Bar.last = self

    def update_absolute(self, value, total=None, preview=None):
        self.values.append((value, total or self.total))
        assert preview is None or (preview[0] == "JPEG" and preview[1].size and preview[2] > 0), preview


def load_node(button, interrupted=lambda: False):
    """What nodes.py does with custom_nodes/comfyui_zoetrope, a link, and what it takes from it."""
    for name in ("comfy", "comfy.utils", "comfy.model_management"):
        sys.modules[name] = types.ModuleType(name)
    comfy = sys.modules["comfy"]
    comfy.utils, comfy.model_management = sys.modules["comfy.utils"], sys.modules["comfy.model_management"]
    comfy.utils.ProgressBar = Bar
    comfy.model_management.throw_exception_if_processing_interrupted = button
    comfy.model_management.processing_interrupted = interrupted
    path = os.environ["NODE_FOLDER"]
    spec = importlib.util.spec_from_file_location(path.replace(".", "_x_"), os.path.join(path, "__init__.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def execute(node, **inputs):
    """As execution.py runs a node: all required inputs, what is optional where it is given."""
    types_ = node.INPUT_TYPES()
    assert set(inputs) <= {*types_["required"], *types_["optional"]}, inputs
    defaults = {name: row[1]["default"] for name, row in types_["required"].items()}
    result = getattr(node(), node.FUNCTION)(**{**defaults, **inputs})
    assert isinstance(result, tuple) and len(result) == len(node.RETURN_TYPES) == len(node.RETURN_NAMES)
    return result


@test
def node_contract(model, _):
    module = load_node(lambda: None)
    (name, node), = module.NODE_CLASS_MAPPINGS.items()
    assert name in module.NODE_DISPLAY_NAME_MAPPINGS
    frames, fps, recipe = execute(node, prompt="a red ball rolls", seed=3, width=48, height=32, steps=2, model=model,
                                  options="frames=5\n")
    film = zoetrope.generate("a red ball rolls", model, **QUICK)
    assert tuple(frames.shape) == (5, 32, 48, 3) and fps == film.fps
    assert json.loads(recipe)["seed"] == 3
    bytes_ = (frames * 255).round().byte().numpy().tobytes() if module.torch else bytes(frames.cast("B"))
    assert bytes_ == film.data, "the frames are those of the film"
    values = [v for v, total in Bar.last.values]
    assert values[-1] == Bar.last.total == 100 and values == sorted(values) and 60 in values, values


@test
def node_takes_a_picture(model, _):
    module = load_node(lambda: None)
    node, = module.NODE_CLASS_MAPPINGS.values()
    image = [[[[x / 47, y / 31, 0.5, 1.0] for x in range(48)] for y in range(32)]]  # [B][H][W][C], with alpha
    want = bytes(round(255 * v) for row in image[0] for pixel in row for v in pixel[:3])
    assert module._rgb(image) == (want, 48, 32)
    if module.torch:
        assert module._rgb(module.torch.tensor(image)) == (want, 48, 32)
        image = module.torch.tensor(image)
    inputs = {"prompt": "a ball", "width": 48, "height": 32, "steps": 1, "model": model}
    _, _, recipe = execute(node, first_frame=image, options="frames=5\nforce-picture=yes", **inputs)
    assert json.loads(recipe)["first_frame_hash"], recipe


@test
def node_stops_at_the_button(model, _):
    asked = []

    def button():
        asked.append(1)
        if len(asked) > 2:
            raise Interrupted
    node, = load_node(button).NODE_CLASS_MAPPINGS.values()
    raises(Interrupted, execute, node, prompt="a ball", width=48, height=32, steps=500, seconds=10, model=model)
    assert len(asked) < 20, len(asked)


@test
def node_stops_within_a_step(model, _):
    """The button is pressed while nothing is told: a thread looks at it."""
    pressed = threading.Event()

    def throw():
        if pressed.is_set() and threading.current_thread() is threading.main_thread() and caught:
            raise Interrupted
    caught = []
    module = load_node(throw, pressed.is_set)
    node, = module.NODE_CLASS_MAPPINGS.values()
    cancel = zoetrope.Job.cancel
    zoetrope.Job.cancel = lambda job: (caught.append(1), cancel(job))
    threading.Timer(0.3, pressed.set).start()
    try:
        raises(Interrupted, execute, node, prompt="a ball", width=48, height=32, steps=1000, seconds=20, model=model)
    finally:
        zoetrope.Job.cancel = cancel
    assert caught == [1]


@test
def node_says_what_is_wrong(model, _):
    node, = load_node(lambda: None).NODE_CLASS_MAPPINGS.values()
    e = raises(zoetrope.Error, execute, node, options="samplr=euler", model=model)
    assert "samplr" in str(e), e
    raises(ValueError, execute, node, width=48, model=model)


def main():
    model, folder = sys.argv[1:]
    for run in TESTS:
        try:
            run(model, folder)
            print(f"ok python_{run.__name__}", flush=True)
        except Exception:
            where = traceback.format_exc().strip().replace("\n", " | ")
            print(f"not ok python_{run.__name__}: {where[-600:]}", flush=True)


main()
