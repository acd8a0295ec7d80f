#!/bin/sh
# The same weights with the same metadata, saved twice by safetensors, are two different files.
#
# Tensors lie in a fixed order (by type, then name), so one expects equal files of equal input, and caches, recipes and mirrors
# know models by SHA-256. Measured with safetensors 0.8.0 and numpy 2.4.6: entries of `__metadata__` are written in the order
# of a hash table that is seeded anew by each process, and within one process by each call, so two entries suffice for
# other bytes: of 24 savings in one process of a tensor with six entries (720 orders) nearly all differ, and the files have equal length and equal
# content. diffusers and PEFT write several entries into LoRA files (`format`, `lora_adapter_metadata`), so a LoRA that is
# saved again has another hash, and one that was merely looked at and saved looks edited.
. "$(dirname "$0")/desk.sh"
desk_install safetensors==0.8.0 numpy==2.4.6
desk_python <<'PY'
import hashlib
import json
import struct
import sys
import numpy
import safetensors
from safetensors.numpy import load, save

tensors = {"w": numpy.arange(4, dtype=numpy.float32)}


def files(n_entries, n):
    notes = {f"note_{i}": "same" for i in range(n_entries)}
    return [save(tensors, metadata=notes) for _ in range(n)]


def kinds(made):
    return len({hashlib.sha256(f).hexdigest() for f in made})


def content(file):
    length, = struct.unpack("<Q", file[:8])
    return json.loads(file[8:8 + length]), load(file)["w"].tolist()


many, one, none = files(6, 24), files(1, 24), files(0, 24)
print("safetensors", safetensors.__version__)
print("24 files of six entries: %d different ones, of one entry: %d, without: %d" %
      (kinds(many), kinds(one), kinds(none)))
print("orders seen:", sorted({"".join(k[-1] for k in content(f)[0]["__metadata__"]) for f in many})[:4], "...")
equal = all(content(f) == content(many[0]) and len(f) == len(many[0]) for f in many)
if not (kinds(many) > 12 and kinds(one) == kinds(none) == 1 and equal):
    sys.exit("the behaviour has changed")
PY
