#!/bin/sh
# The config of a default diffusers scheduler is no JSON.
#
# save_pretrained of DPMSolverMultistepScheduler with its defaults writes `"lambda_min_clipped": -Infinity`. RFC 8259 has no
# infinities, so strict readers (jansson, serde_json, RapidJSON, JSON.parse of JavaScript) refuse the whole file of
# every model that was saved with this sampler, whatever else it says. Measured with diffusers 0.42.1: its Singlestep and SASolver relatives
# do the same, the flow-matching Euler scheduler does not. Python reads its own file back, so nobody who stays in Python notices.
. "$(dirname "$0")/desk.sh"
desk_install diffusers==0.42.1 torch==2.15.0 transformers==5.24.0 accelerate==1.15.0
desk_python <<'PY'
import json
import os
import sys
import tempfile
import diffusers


def refuse(word):
    raise ValueError(word)


print("diffusers", diffusers.__version__)
not_json = []
for name in ("DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler", "DPMSolverSDEScheduler",
             "DEISMultistepScheduler", "SASolverScheduler", "UniPCMultistepScheduler",
             "FlowMatchEulerDiscreteScheduler"):
    with tempfile.TemporaryDirectory() as d:
        try:
            getattr(diffusers, name)().save_pretrained(d)
        except ImportError:
            continue
        text = open(os.path.join(d, "scheduler_config.json")).read()
    try:
        json.loads(text, parse_constant=refuse)
    except ValueError as e:
        line = next(l.strip() for l in text.splitlines() if str(e) in l)
        not_json.append(name)
        print(f"{name}: {line}")
print("not JSON:", not_json)
if "DPMSolverMultistepScheduler" not in not_json or "FlowMatchEulerDiscreteScheduler" in not_json:
    sys.exit("the behaviour has changed")
PY
