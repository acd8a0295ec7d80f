#!/bin/sh
# torch's CPU generator takes a seed of 64 bits and draws by its lower 32 alone.
#
# `torch.Generator().manual_seed(s)` allows any s from -2^63 to 2^64 - 1 and `initial_seed()` says it back, so one expects
# another film for each. Measured with torch 2.15.0 and diffusers 0.42.1: the CPU's Mersenne twister is begun with s modulo 2^32, so
# the noise of 7, 2^32 + 7, 2^63 + 7 and 7 - 2^32 is one and the same, and so are the films of a pipeline (which draws on the
# CPU for a CPU generator, the way to the same film on all machines). numpy's own Mersenne twister (RandomState) refuses
# such seeds, `numpy.random.MT19937` and Python's `random` use all of their bits. Programs that make seeds by hashing, by the
# time in nanoseconds or of 64 random bits have 2^32 films and not 2^64: of 77,000 such seeds two are likely to draw one film.
. "$(dirname "$0")/desk.sh"
desk_install torch==2.15.0 diffusers==0.42.1 transformers==5.24.0 accelerate==1.15.0 numpy==2.4.6
desk_python <<'PY'
import random
import sys
import numpy
import torch
import diffusers
from diffusers.utils.torch_utils import randn_tensor

seeds = [7, 2**32 + 7, 2**63 + 7, 7 - 2**32]


def noise(seed):
    g = torch.Generator().manual_seed(seed)
    return randn_tensor((1, 16, 3, 8, 8), generator=g, dtype=torch.float32), g.initial_seed()


first = noise(seeds[0])[0]
same = [torch.equal(noise(s)[0], first) for s in seeds]
said = [noise(s)[1] % 2**64 == s % 2**64 for s in seeds]
other = not torch.equal(noise(8)[0], first)
twisters = (numpy.random.Generator(numpy.random.MT19937(7)).random()
            != numpy.random.Generator(numpy.random.MT19937(2**32 + 7)).random(),
            random.Random(7).random() != random.Random(2**32 + 7).random())
print("torch", torch.__version__, "diffusers", diffusers.__version__)
print("seeds", seeds, "| the noise of the first:", same, "| told apart by initial_seed:", said)
print("numpy and Python tell 7 and 2^32 + 7 apart:", twisters)
if not (all(same) and all(said) and other and all(twisters)):
    sys.exit("the behaviour has changed")
PY
