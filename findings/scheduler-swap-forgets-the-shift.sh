#!/bin/sh
# Another sampler for a Wan pipeline, taken from its config as the guides say, draws by other noise levels.
#
# `pipe.scheduler = X.from_config(pipe.scheduler.config)` is diffusers' way to change samplers, and noise levels are expected to stay.
# Measured with diffusers 0.42.1 and the config of Wan's UniPC (flow_shift 5): FlowMatchEulerDiscreteScheduler, FlowMatchHeun
# and FlowMatchLCM call it `shift`, so they draw with shift 1 (levels 1, 0.667, 0.334, 0.001 instead of 1, 0.938, 0.834, 0.626), a log
# line says that attributes are "not expected and will be ignored", and their config still says flow_shift 5.
# EulerDiscreteScheduler takes the same config without any line and begins at the level 157 of a diffusion that is none of
# flows; the way back from FlowMatchEuler gives a UniPC without flow levels and with prediction_type epsilon. DPMSolverMultistep keeps the shift.
. "$(dirname "$0")/desk.sh"
desk_install diffusers==0.42.1 torch==2.15.0 transformers==5.24.0 accelerate==1.15.0
desk_python <<'PY'
import io
import logging
import sys
import torch
import diffusers
from diffusers import (DPMSolverMultistepScheduler, EulerDiscreteScheduler, FlowMatchEulerDiscreteScheduler,
                       FlowMatchHeunDiscreteScheduler, FlowMatchLCMScheduler, UniPCMultistepScheduler)

heard = io.StringIO()
diffusers.utils.logging.set_verbosity_warning()
logging.getLogger("diffusers").addHandler(logging.StreamHandler(heard))


def swap(kind, config):
    heard.seek(0)
    heard.truncate()
    s = kind.from_config(config)
    s.set_timesteps(4)
    levels = sorted({round(float(x), 3) for x in s.sigmas}, reverse=True)
    print(f"{kind.__name__}: levels {levels}, config shift {s.config.get('shift')}, flow_shift "
          f"{s.config.get('flow_shift')}, warned: {'ignored' in heard.getvalue()}")
    return levels, "ignored" in heard.getvalue(), s.config


print("diffusers", diffusers.__version__, "torch", torch.__version__)
wan = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0)
right = swap(UniPCMultistepScheduler, wan.config)[0]
flows = [swap(k, wan.config) for k in (FlowMatchEulerDiscreteScheduler, FlowMatchHeunDiscreteScheduler,
                                       FlowMatchLCMScheduler)]
euler = swap(EulerDiscreteScheduler, wan.config)
dpm = swap(DPMSolverMultistepScheduler, wan.config)
back = swap(UniPCMultistepScheduler, FlowMatchEulerDiscreteScheduler(shift=5.0).config)
same = all(levels == [1, 0.667, 0.334, 0.001, 0] and warned and c["shift"] == 1 and c["flow_shift"] == 5
           for levels, warned, c in flows)
if not (right[1] == 0.938 and same and euler[0][0] > 157 and not euler[1] and dpm[0][1] == 0.937
        and back[0][0] > 157 and back[2]["prediction_type"] == "epsilon"):
    sys.exit("the behaviour has changed")
PY
