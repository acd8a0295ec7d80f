#!/bin/sh
# diffusers loads a LoRA of LightX2V for Wan without its differences of modulation, and says nothing.
#
# LightX2V's extractor, which makes the few-step LoRAs that most people use, writes what changes in the tables of modulation as
# blocks.N.diff_m and head.diff_m beside lora_down, lora_up and diff_b. load_lora_weights of diffusers 0.42.1 takes the pairs and
# diff_b, leaves the tables as they are and writes no warning, as if the file had been used whole: the transformer computes, to the
# bit, what it computes with the same file without diff_m. (A name that it does not know at all is an error.) Added by hand the
# difference is far above what rounding would be. What helps: add diff_m to scale_shift_table yourself, times the strength.
. "$(dirname "$0")/desk.sh"
desk_install diffusers==0.42.1 torch==2.15.0 transformers==5.24.0 ftfy==6.3.1 peft==0.21.2
desk_python <<'PY'
import io
import logging
import sys

import diffusers
import torch
from diffusers import AutoencoderKLWan, FlowMatchEulerDiscreteScheduler, WanPipeline, WanTransformer3DModel

LAYERS = ["self_attn.q", "self_attn.k", "self_attn.v", "self_attn.o", "cross_attn.q", "cross_attn.k",
          "cross_attn.v", "cross_attn.o", "ffn.0", "ffn.2"]
D, F, R = 24, 64, 4


def pipeline():
    torch.manual_seed(0)
    net = WanTransformer3DModel(patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=16,
                                out_channels=16, text_dim=32, freq_dim=64, ffn_dim=F, num_layers=2).eval()
    vae = AutoencoderKLWan(base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1)
    return WanPipeline(tokenizer=None, text_encoder=None, transformer=net, vae=vae,
                       scheduler=FlowMatchEulerDiscreteScheduler())


def lora():
    torch.manual_seed(3)
    file = {}
    for block in range(2):
        for layer in LAYERS:
            name = f"diffusion_model.blocks.{block}.{layer}."
            wide, out = (F if layer == "ffn.2" else D), (F if layer == "ffn.0" else D)
            file[name + "lora_down.weight"] = torch.randn(R, wide) / 10
            file[name + "lora_up.weight"] = torch.randn(out, R) / 10
            file[name + "alpha"] = torch.tensor(float(R))
            file[name + "diff_b"] = torch.randn(out) / 10
    return file


def velocity(pipe):
    with torch.no_grad():
        return pipe.transformer(torch.ones(1, 16, 2, 4, 4), torch.tensor([500.0]), torch.ones(1, 8, 32)).sample


said = io.StringIO()
diffusers.utils.logging.set_verbosity_warning()
diffusers.utils.logging.get_logger("diffusers").addHandler(logging.StreamHandler(said))
torch.set_num_threads(1)
tables = {f"diffusion_model.blocks.{b}.diff_m": torch.randn(1, 6, D) / 10 for b in range(2)}
tables["diffusion_model.head.diff_m"] = torch.randn(1, 2, D) / 10
without, whole = pipeline(), pipeline()
without.load_lora_weights(lora())
whole.load_lora_weights({**lora(), **tables})
a, b = velocity(without), velocity(whole)
with torch.no_grad():
    for i in range(2):
        whole.transformer.blocks[i].scale_shift_table += tables[f"diffusion_model.blocks.{i}.diff_m"]
    whole.transformer.scale_shift_table += tables["diffusion_model.head.diff_m"]
c = velocity(whole)
print("diffusers", diffusers.__version__)
print(f"with diff_m in the file the velocity differs by {(b - a).abs().max().item():.0e}, said: {said.getvalue()!r}")
print(f"with diff_m added by hand by {((c - a).norm() / a.norm()).item():.1e} (relative L2)")
if not torch.equal(a, b) or said.getvalue() or (c - a).norm() < 1e-3 * a.norm():
    sys.exit("the behaviour has changed")
PY
