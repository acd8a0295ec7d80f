#!/bin/sh
# Guidance by skipped layers, with no other guidance beside it, is guidance by the negative prompt.
#
# Skip-layer, perturbed-attention and smoothed-energy guidance push a film away from what the same network draws, for the same words,
# with some layers skipped or blurred; they are the guidance for fast models, whose guidance by a negative prompt is off (scale 1). One
# expects that the negative prompt plays no part then. Measured with diffusers 0.42.1 and torch 2.15.0 in the modular pipeline of Wan,
# random weights: with guidance_scale=1 the guiders SkipLayerGuidance, PerturbedAttentionGuidance and SmoothedEnergyGuidance of strength
# 2.8 draw to the bit the film of ClassifierFreeGuidance(2.8, start=0.1): the second pass is given the negative prompt, and no layer is
# skipped in it. (They begin after step 0.) With guidance 5 beside it skip-layer guidance works; smoothed-energy guidance still blurs
# nothing: the film is the plain one of guidance 5, 0.0 apart, for 29 evaluations instead of 20; perturbed attention raises a ValueError
# for Wan. Naming the layers by skip_layer_guidance_layers=[1], as its documentation offers, is a TypeError; LayerSkipConfig works. So
# of six ways to use them on Wan one does what its name says, and three look well tuned, for a stronger negative prompt does change a
# film. Whoever compares guidance should draw with two negative prompts: if the films differ, it is the negative prompt that guides.
. "$(dirname "$0")/desk.sh"
desk_install diffusers==0.42.1 torch==2.15.0 transformers==5.24.0 accelerate==1.15.0 ftfy==6.3.1
desk_python <<'PY'
import sys
import torch
import diffusers
from diffusers import (ClassifierFreeGuidance, LayerSkipConfig, PerturbedAttentionGuidance, SkipLayerGuidance,
                       SmoothedEnergyGuidance, UniPCMultistepScheduler, WanTransformer3DModel)
from diffusers.modular_pipelines import WanBlocks

diffusers.utils.logging.set_verbosity(50)
torch.manual_seed(0)
net = WanTransformer3DModel(patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12,
                            text_dim=32, freq_dim=256, ffn_dim=32, num_layers=3)
pipe = WanBlocks().sub_blocks["denoise"].init_pipeline()
pipe.update_components(transformer=net, scheduler=UniPCMultistepScheduler(
    prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0))
pipe.set_progress_bar_config(disable=True)
words, blurry, ugly = (3 * torch.randn(1, 512, 32) for _ in range(3))
calls = [0]
net.register_forward_pre_hook(lambda *_: calls.__setitem__(0, calls[0] + 1))


def film(guider, negative=blurry):
    calls[0] = 0
    pipe.update_components(guider=guider)
    latents = pipe(prompt_embeds=words, negative_prompt_embeds=negative, height=32, width=32, num_frames=9,
                   num_inference_steps=10, output="latents", generator=torch.Generator().manual_seed(1))
    return latents, calls[0]


def apart(a, b):
    return float((a[0] - b[0]).norm() / b[0].norm())


def skip(scale):
    return SkipLayerGuidance(guidance_scale=scale, skip_layer_guidance_scale=2.8,
                             skip_layer_config=LayerSkipConfig(indices=[1], fqn="blocks"),
                             skip_layer_guidance_start=0.0, skip_layer_guidance_stop=1.0)


def perturb(scale):
    return PerturbedAttentionGuidance(guidance_scale=scale, perturbed_guidance_scale=2.8,
                                      perturbed_guidance_layers=[1], perturbed_guidance_start=0.0,
                                      perturbed_guidance_stop=1.0)


def smooth(scale):
    return SmoothedEnergyGuidance(guidance_scale=scale, seg_guidance_scale=2.8, seg_guidance_layers=[1])


def by_layers(scale):
    return SkipLayerGuidance(guidance_scale=scale, skip_layer_guidance_layers=[1])


plain = {scale: film(ClassifierFreeGuidance(guidance_scale=scale)) for scale in (1.0, 5.0)}
hidden = film(ClassifierFreeGuidance(guidance_scale=2.8, start=0.1))
print("diffusers", diffusers.__version__, "torch", torch.__version__)
seen = {}
for make in skip, perturb, smooth, by_layers:
    for scale in 1.0, 5.0:
        name = f"{make.__name__} beside guidance {scale:g}"
        try:
            drawn = film(make(scale))
            seen[make, scale] = (apart(drawn, plain[scale]), apart(drawn, hidden),
                                 apart(film(make(scale), ugly), drawn), drawn[1])
            print("%s: %.1e from plain guidance, %.1e from guidance 2.8 by the negative prompt; another "
                  "negative prompt moves it by %.1e; %d evaluations" % (name, *seen[make, scale]))
        except (TypeError, ValueError) as e:
            seen[make, scale] = type(e)
            print(f"{name}: {type(e).__name__}: {e}")
print("evaluations of plain guidance 1: %d, 5: %d" % (plain[1.0][1], plain[5.0][1]))
if not (all(seen[m, 1.0][1] == 0 and seen[m, 1.0][2] > 0.01 and seen[m, 1.0][0] > 0.01
            for m in (skip, perturb, smooth))
        and seen[smooth, 5.0][0] == 0 and seen[smooth, 5.0][3] > plain[5.0][1] and seen[skip, 5.0][0] > 0.1
        and seen[perturb, 5.0] is ValueError and seen[by_layers, 5.0] is TypeError):
    sys.exit("the behaviour has changed")
PY
