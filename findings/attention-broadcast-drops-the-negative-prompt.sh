#!/bin/sh
# Pyramid attention broadcast of Wan's cross attention gives the pass of the negative prompt the words of the prompt.
#
# PyramidAttentionBroadcast keeps what an attention gave and gives it again in the next calls; its range of 2 means "every second time",
# and one expects time to be steps of the film, for prompt and negative prompt apart. WanPipeline computes the two in two calls, and
# says which is which with cache_context("cond") and ("uncond"). MagCache obeys that; PAB counts calls and keeps one
# memory. So with any even range the prompt is computed and the negative prompt is given its result, in every step. In Wan words enter
# by cross attention alone: within the range of timesteps both passes are one and the same, and the film is to the bit the one without
# guidance (scale 1), at twice its calls; nothing is said. Measured with diffusers 0.42.1 and torch 2.15.0, random weights, guidance 5,
# relative L2 between films: another negative prompt changes the film by 4e-2 without the cache, by exactly 0 with range 2 or 4 over all
# timesteps, by a quarter of that with the default timesteps (100 to 800), which leave some steps alone. MagCache keeps the 4e-2. Given to
# the same transformer as a batch of two, as the pipelines do for which PAB was written, prompt and negative prompt stay apart. PAB
# looks like the gentlest of the caches for cross attention, and a film without guidance looks like a weak model.
. "$(dirname "$0")/desk.sh"
desk_install diffusers==0.42.1 torch==2.15.0 transformers==5.24.0 ftfy==6.3.1
desk_python <<'PY'
import sys
import torch
import diffusers
from diffusers import (AutoencoderKLWan, MagCacheConfig, PyramidAttentionBroadcastConfig,
                       UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel)

torch.manual_seed(0)
STEPS = 10
codec = AutoencoderKLWan(base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1)
net = WanTransformer3DModel(patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12,
                            text_dim=32, freq_dim=256, ffn_dim=32, num_layers=2)
pipe = WanPipeline(tokenizer=None, text_encoder=None, transformer=net, vae=codec,
                   scheduler=UniPCMultistepScheduler(prediction_type="flow_prediction",
                                                     use_flow_sigmas=True, flow_shift=3.0))
pipe.set_progress_bar_config(disable=True)
words, blurry, ugly = (3 * torch.randn(1, 512, 32) for _ in range(3))


def film(negative, guidance=5.0):
    return pipe(prompt_embeds=words, negative_prompt_embeds=negative, guidance_scale=guidance, height=32,
                width=32, num_frames=9, num_inference_steps=STEPS, output_type="latent",
                generator=torch.Generator().manual_seed(1)).frames


def apart(a, b):
    return float((a - b).norm() / b.norm())


def broadcast(every, first=-1, last=1001):
    return PyramidAttentionBroadcastConfig(
        cross_attention_block_skip_range=every, cross_attention_timestep_skip_range=(first, last),
        current_timestep_callback=lambda: pipe.current_timestep)


def effect(cache):
    if cache is not None:
        net.enable_cache(cache)
    moved = apart(film(ugly), film(blurry))
    if cache is not None:
        net.disable_cache()
    return moved


rows = {"without a cache": effect(None),
        "broadcast, range 2, all timesteps": effect(broadcast(2)),
        "broadcast, range 4, all timesteps": effect(broadcast(4)),
        "broadcast, range 2, timesteps 100 to 800": effect(broadcast(2, 100, 800)),
        "MagCache": effect(MagCacheConfig(threshold=0.2, max_skip_steps=1, retention_ratio=0.2,
                                          num_inference_steps=STEPS, mag_ratios=[1.0] * STEPS))}
net.enable_cache(broadcast(2))
guided = film(blurry)
net.disable_cache()
unguided = apart(guided, film(blurry, 1.0))
noise, time = torch.randn(1, 16, 3, 4, 4), torch.tensor([500])
with torch.no_grad():
    pipe._current_timestep = 500
    net.enable_cache(broadcast(2))
    two = [net(noise, time, w, return_dict=False)[0] for w in (words, blurry)]
    net._reset_stateful_cache()
    batch = net(noise.repeat(2, 1, 1, 1, 1), time.repeat(2), torch.cat([words, blurry]), return_dict=False)[0]
in_two, in_one = apart(two[1], two[0]), apart(batch[1:], batch[:1])

print("diffusers", diffusers.__version__, "torch", torch.__version__)
for name, moved in rows.items():
    print(f"{name}: another negative prompt moves the film by {moved:.1e}")
print(f"broadcast, range 2, guidance 5 is {unguided:.1e} away from guidance 1 without a cache")
print(f"prompt and negative prompt, broadcast: {in_two:.1e} apart in two calls, {in_one:.1e} as a batch")
plain, two, four, default, mag = rows.values()
if not (plain > 0.03 and two == four == 0 and unguided < 1e-4 and default < plain / 2 and mag > plain / 2
        and in_two == 0 and in_one > 1e-2):
    sys.exit("the behaviour has changed")
PY
