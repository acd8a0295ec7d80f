#!/bin/sh
# A LoRA of both transformers of Wan 2.2 is half lost by `fuse_lora()` and `unload_lora_weights()`.
#
# A14B has two transformers, and a LoRA is loaded into both by two calls (`load_into_transformer_2=True`). The documented way to
# spare the adapters' cost is then `fuse_lora()`, `unload_lora_weights()`: one expects the film of before. Measured with
# diffusers 0.42.1, peft 0.21.2 and torch 2.15.0: the default of `fuse_lora` is components=["transformer"], so the second one is not fused,
# while `unload_lora_weights` takes the adapter from both. Between the calls the film is still right, which hides it; after
# them the expert of low noise draws without its LoRA, `num_fused_loras` says 1, and nothing is said.
# components=["transformer", "transformer_2"] is right.
. "$(dirname "$0")/desk.sh"
desk_install diffusers==0.42.1 torch==2.15.0 transformers==5.24.0 accelerate==1.15.0 peft==0.21.2 ftfy==6.3.1
desk_python <<'PY'
import os
import sys
import tempfile
import peft
import torch
import diffusers
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel
from safetensors.torch import save_file

torch.manual_seed(0)


def expert():
    return WanTransformer3DModel(patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12,
                                 text_dim=32, freq_dim=256, ffn_dim=32, num_layers=1)


def pipeline(experts):
    pipe = WanPipeline(tokenizer=None, text_encoder=None, transformer=experts[0],
                       transformer_2=experts[1], boundary_ratio=0.875, vae=codec,
                       scheduler=UniPCMultistepScheduler(prediction_type="flow_prediction",
                                                         use_flow_sigmas=True, flow_shift=3.0))
    pipe.set_progress_bar_config(disable=True)
    return pipe


codec = AutoencoderKLWan(base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1)
states = [expert().state_dict(), expert().state_dict()]
folder = tempfile.TemporaryDirectory()
file = os.path.join(folder.name, "lora.safetensors")
save_file({f"transformer.blocks.0.attn1.{n}.lora_{m}.weight": torch.randn(*shape)
           for n in ("to_q", "to_k", "to_v", "to_out.0")
           for m, shape in (("A", (4, 24)), ("B", (24, 4)))}, file)
words = torch.randn(1, 512, 32)


def film(pipe):
    return pipe(prompt_embeds=words, negative_prompt_embeds=0 * words, height=16, width=16, num_frames=5,
                num_inference_steps=4, output_type="latent",
                generator=torch.Generator().manual_seed(1)).frames


def apart(a, b):
    return float((a - b).norm() / b.norm())


def run(**fuse):
    experts = [expert(), expert()]
    for e, state in zip(experts, states):
        e.load_state_dict(state)
    pipe = pipeline(experts)
    pipe.load_lora_weights(file, adapter_name="x")
    pipe.load_lora_weights(file, adapter_name="x", load_into_transformer_2=True)
    loaded = film(pipe)
    pipe.fuse_lora(**fuse)
    fused = film(pipe)
    pipe.unload_lora_weights()
    return apart(fused, loaded), apart(film(pipe), loaded), pipe.num_fused_loras


plain, named = run(), run(components=["transformer", "transformer_2"])
print("diffusers", diffusers.__version__, "peft", peft.__version__, "torch", torch.__version__)
print("fuse_lora(): fused %.1e, unloaded %.1e away from the film of the LoRA; num_fused_loras %d" % plain)
print("with both named: fused %.1e, unloaded %.1e; %d" % named)
if not (plain[0] < 1e-4 and plain[1] > 0.05 and plain[2] == 1 and named[0] < 1e-4 and named[1] < 1e-4):
    sys.exit("the behaviour has changed")
PY
