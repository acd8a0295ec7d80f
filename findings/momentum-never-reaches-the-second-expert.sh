#!/bin/sh
# Momentum of projected guidance is never on in the second expert of Wan 2.2.
#
# Wan 2.2 draws with two transformers, one for high and one for low noise, and its modular pipeline has a guider for each. Adaptive
# projected guidance keeps a running mean of what the prompt adds (momentum, -0.5 in its paper), so that a film does not burn at high
# scales. One expects that both guiders, set alike, guide alike. Measured with diffusers 0.42.1 and torch 2.15.0, random weights, 10 steps
# of which 8 evaluations are the first expert's and 12 the second's: momentum -0.5 in the first guider moves the film (5e-3 of its
# size), in the second it moves nothing, 0 apart to the bit, for any momentum, and its buffer is None when the film is done. The buffer is
# made at step 0 of the film, and a second expert has no step 0. The same network as a single expert, with the same guider, is moved. So
# most steps of a film lack what was set for them, without a word; and a comparison of momentums by the second guider says that they
# make no difference. (start and stop count the steps of the whole film, too: stop=0.5 in the second guider leaves one guided step, and
# start=0.5 means guidance in all but one.) What helps: guider_2.momentum_buffer = MomentumBuffer(-0.5) before each film.
. "$(dirname "$0")/desk.sh"
desk_install diffusers==0.42.1 torch==2.15.0 transformers==5.24.0 accelerate==1.15.0 ftfy==6.3.1
desk_python <<'PY'
import contextlib
import io
import sys
import torch
import diffusers
from diffusers import (AdaptiveProjectedGuidance, ClassifierFreeGuidance, UniPCMultistepScheduler,
                       WanTransformer3DModel)
from diffusers.guiders.adaptive_projected_guidance import MomentumBuffer
from diffusers.modular_pipelines import Wan22Blocks, WanBlocks

diffusers.utils.logging.set_verbosity(50)
torch.manual_seed(0)
high, low = (WanTransformer3DModel(patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, text_dim=32,
                                   freq_dim=256, ffn_dim=32, num_layers=2) for _ in range(2))
words, negative = (3 * torch.randn(1, 512, 32) for _ in range(2))


def pipeline(blocks, **parts):
    pipe = blocks().sub_blocks["denoise"].init_pipeline()
    pipe.update_components(scheduler=UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True,
                                                             flow_shift=3.0), **parts)
    return pipe


def film(pipe, **guiders):
    calls = {high: 0, low: 0}
    hooks = [net.register_forward_pre_hook(lambda net, _: calls.__setitem__(net, calls[net] + 1)) for net in calls]
    pipe.update_components(**guiders)
    with contextlib.redirect_stderr(io.StringIO()):
        latents = pipe(prompt_embeds=words, negative_prompt_embeds=negative, height=32, width=32, num_frames=9,
                       num_inference_steps=10, output="latents", generator=torch.Generator().manual_seed(1))
    for hook in hooks:
        hook.remove()
    return latents, calls[high], calls[low]


def apart(a, b):
    return float((a[0] - b[0]).norm() / b[0].norm())


def projected(momentum=None):
    return AdaptiveProjectedGuidance(guidance_scale=5.0, adaptive_projected_guidance_momentum=momentum,
                                     adaptive_projected_guidance_rescale=0.0)


print("diffusers", diffusers.__version__, "torch", torch.__version__)
two = pipeline(Wan22Blocks, transformer=high, transformer_2=low)
plain = film(two, guider=projected(), guider_2=projected())
first = film(two, guider=projected(-0.5), guider_2=projected())
second = {}
for momentum in -0.5, -0.9, 0.5:
    guider = projected(momentum)
    second[momentum] = apart(film(two, guider=projected(), guider_2=guider), plain)
    print("momentum %g in the second guider moves the film by %g, its buffer is %s"
          % (momentum, second[momentum], guider.momentum_buffer))
made = projected(-0.5)
made.momentum_buffer = MomentumBuffer(-0.5)
helped = apart(film(two, guider=projected(), guider_2=made), plain)
alone = pipeline(WanBlocks, transformer=low)
single = apart(film(alone, guider=projected(-0.5)), film(alone, guider=projected()))
print("evaluations of the first and the second expert:", plain[1:])
print("momentum -0.5 in the first guider moves it by %.1e, in the second with a buffer made by hand by %.1e; "
      "the second expert alone by %.1e" % (apart(first, plain), helped, single))
part = {}
for name, how in ("stop=0.5", {"stop": 0.5}), ("start=0.5", {"start": 0.5}):
    guided = film(two, guider=ClassifierFreeGuidance(guidance_scale=5.0),
                  guider_2=ClassifierFreeGuidance(guidance_scale=5.0, **how))
    part[name] = guided[2] - plain[2] // 2
    print("%s in the second guider: guided steps %d of the second expert's %d" % (name, part[name], plain[2] // 2))
if not (set(second.values()) == {0.0} and made.momentum_buffer is not None and helped > 1e-3
        and apart(first, plain) > 1e-3 and single > 1e-3 and part == {"stop=0.5": 1, "start=0.5": 5}):
    sys.exit("the behaviour has changed")
PY
