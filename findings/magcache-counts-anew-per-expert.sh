#!/bin/sh
# MagCache counts its steps anew in the second expert of Wan 2.2, so calibration there never prints a table.
#
# A table of MagCache has one ratio per step of the film. In WanPipeline with two experts each transformer carries hooks of its own,
# and each counts only its own calls: the low-noise expert, which takes over in the middle of the film, reads the table
# from its first entry, and its "retention" (the part of the film that is never skipped) begins again there. A calibration run for 10
# steps prints its table when a counter reaches 10, which neither expert's does: it ends without a word, and the ratios are dropped. One
# expert prints two tables, with and without the prompt. Measured with diffusers 0.42.1 on random weights: with ratios that forbid
# skipping in steps 1..5 of 10 and allow it after, three steps with the first expert leave seven for the second, of which
# four should be skipped by the film's count, and one is. What works: calibrate and configure each expert with the number of steps
# that it will really see.
. "$(dirname "$0")/desk.sh"
desk_install diffusers==0.42.1 torch==2.15.0 transformers==5.24.0 ftfy==6.3.1
desk_python <<'PY'
import contextlib
import io
import sys
import diffusers
import torch
from diffusers import (AutoencoderKLWan, MagCacheConfig, UniPCMultistepScheduler, WanPipeline,
                       WanTransformer3DModel)

STEPS = 10
torch.manual_seed(0)
words, nothing = torch.randn(2, 1, 16, 32)


def network():
    return WanTransformer3DModel(patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12,
                                 in_channels=16, out_channels=16, text_dim=32, freq_dim=256, ffn_dim=32,
                                 num_layers=3, rope_max_seq_len=32).eval()


def pipeline(boundary):
    vae = AutoencoderKLWan(base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1)
    noise = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0)
    pipe = WanPipeline(tokenizer=None, text_encoder=None, vae=vae, scheduler=noise, transformer=network(),
                       transformer_2=network() if boundary else None, boundary_ratio=boundary)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def film(pipe):
    pipe(prompt_embeds=words, negative_prompt_embeds=nothing, height=16, width=16, num_frames=5,
         guidance_scale=3.0, num_inference_steps=STEPS, output_type="latent")


def tables(pipe):
    experts = [t for t in (pipe.transformer, pipe.transformer_2) if t is not None]
    for t in experts:
        t.enable_cache(MagCacheConfig(calibrate=True, num_inference_steps=STEPS))
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        film(pipe)
    for t in experts:
        t.disable_cache()
    return said.getvalue().count("Calibration Complete")


print("diffusers", diffusers.__version__)
one, pair = pipeline(None), pipeline(0.9)
printed = tables(one), tables(pair)
print("tables printed by a calibration: one expert %d, two experts %d" % printed)

ratios = [1.0] + [0.5] * 5 + [1.0] * 4
steps, computed = [0, 0], [0, 0]


def count(which, i):
    def hook(*_):
        which[i] += 1
    return hook


for i, t in enumerate((pair.transformer, pair.transformer_2)):
    t.enable_cache(MagCacheConfig(mag_ratios=ratios, num_inference_steps=STEPS, retention_ratio=0.0,
                                  max_skip_steps=STEPS))
    t.condition_embedder.register_forward_hook(count(steps, i))
    t.blocks[1].ffn.register_forward_hook(count(computed, i))
film(pair)
steps = [n // 2 for n in steps]
skipped = [s - n // 2 for s, n in zip(steps, computed)]
print("steps of the experts", steps, "of which skipped", skipped)
if printed != (2, 0) or steps != [3, 7] or skipped != [0, 1]:
    sys.exit("the behaviour has changed")
PY
