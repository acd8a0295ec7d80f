#!/bin/sh
# Two threads that decode with one codec of Wan get each other's frames, or fewer frames, and no error.
#
# A network of PyTorch in eval mode, without gradients, changes nothing when it is called, so one expects that threads may share it:
# a service that draws the next film while the last is decoded, or encodes the picture of the next one. Measured with diffusers 0.42.1
# and torch 2.15.0, random weights, the threads stopped after each latent frame so that the order is known, relative L2: AutoencoderKLWan
# keeps the features of the frame before, and how many of them were used, in itself. Two films in turns come out with the right
# number of frames and are 7e-1 and 8e-1 from what they are alone; another film in the second thread moves the first one by 6e-1, so it
# shows what somebody else ordered. A film within which another is decoded, or a single picture is encoded, goes on as if nothing
# had been before it and ends with 10 frames instead of 13; encoding clears the features of decoding too. Nothing is said. CogVideoX's
# codec, which also decodes by pieces, hands its features on as arguments: 0.0 in every order. A copy.copy() of the codec for each thread
# shares the weights and is right (0.0); so is a lock around encode and decode.
. "$(dirname "$0")/desk.sh"
desk_install diffusers==0.42.1 torch==2.15.0 transformers==5.24.0 accelerate==1.15.0
desk_python <<'PY'
import copy
import sys
import threading
import torch
import diffusers
from diffusers import AutoencoderKLCogVideoX, AutoencoderKLWan

torch.manual_seed(0)


def wan():
    return AutoencoderKLWan(base_dim=4, z_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1), 4


def cogvideox():
    return AutoencoderKLCogVideoX(latent_channels=4, block_out_channels=(8, 8, 8, 8), layers_per_block=1,
                                  norm_num_groups=4, down_block_types=("CogVideoXDownBlock3D",) * 4,
                                  up_block_types=("CogVideoXUpBlock3D",) * 4), 8


class Thread(threading.Thread):
    """Decodes a film and stops after each call of the decoder until it is told to go on."""

    def __init__(self, codec, latents):
        super().__init__(daemon=True)
        self.codec, self.latents = codec, latents
        self.go, self.stopped, self.film = threading.Semaphore(0), threading.Semaphore(0), None

    def run(self):
        self.go.acquire()
        try:
            with torch.no_grad():
                self.film = self.codec.decode(self.latents).sample
        finally:
            self.codec = None
            self.stopped.release()

    def pause(self):
        self.stopped.release()
        self.go.acquire()

    def step(self):
        self.go.release()
        self.stopped.acquire()


def after_a_call(*_):
    thread = threading.current_thread()
    if isinstance(thread, Thread):
        thread.pause()


def play(codecs, latents, order, picture=None):
    """The films of both threads, whose steps come in the order given; at "p" a picture is encoded."""
    codecs[0].decoder.register_forward_hook(after_a_call)
    threads = [Thread(c, x) for c, x in zip(codecs, latents)]
    for t in threads:
        t.start()
    for step in order:
        if step == "p":
            with torch.no_grad():
                codecs[1].encode(picture)
        else:
            threads["ab".index(step)].step()
    while any(t.is_alive() for t in threads):
        for t in threads:
            t.go.release()
            t.join(0.1)
    codecs[0].decoder._forward_hooks.clear()
    return [t.film for t in threads]


def apart(a, b):
    return float((a - b).norm() / b.norm()) if a.shape == b.shape else None


def tell(x):
    return "other frames" if x is None else "%.1e" % x


print("diffusers", diffusers.__version__, "torch", torch.__version__)
picture, seen = torch.rand(1, 3, 1, 32, 32), {}
for make in wan, cogvideox:
    codec, frames = make()
    latents = torch.randn(2, 1, 4, frames, 4, 4)
    with torch.no_grad():
        alone = [codec.decode(x).sample for x in latents]
    for name, order in (("one after the other", "aaaaabbbbb"), ("in turns", "ababababab"),
                        ("the second within the first", "aabbbbbaaa"), ("a picture within the first", "aapaaabbbbb")):
        for copies in False, True:
            codecs = (codec, copy.copy(codec)) if copies else (codec, codec)
            films = play(codecs, latents, order, picture)
            far = [apart(x, y) for x, y in zip(films, alone)]
            seen[make, name, copies] = far, [f.shape[2] for f in films]
            print(f"{make.__name__}, {name}{', a copy each' if copies else ''}: {tell(far[0])} and {tell(far[1])} from "
                  f"alone; %d and %d frames of {alone[0].shape[2]}" % tuple(seen[make, name, copies][1]))
    other = torch.stack([latents[0], torch.randn_like(latents[1])])
    seen[make] = apart(*(play((codec, codec), x, "ababababab", picture)[0] for x in (latents, other)))
    print(f"{make.__name__}, in turns: another second film moves the first by %.1e" % seen[make])
mixed = seen.pop((wan, "in turns", False))
short = [seen.pop((wan, f"{what} within the first", False)) for what in ("the second", "a picture")]
moved, still = seen.pop(wan), seen.pop(cogvideox)
if not (min(mixed[0]) > 0.1 and mixed[1] == [13, 13] and short == [([None, 0.0], [10, 13])] * 2 and moved > 0.1
        and still == 0 and all(far == [0.0, 0.0] for far, _ in seen.values())):
    sys.exit("the behaviour has changed")
PY
