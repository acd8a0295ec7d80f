#!/bin/sh
# A LoRA of Wan loses its queries, keys and values where the projections are fused, in either order, and nothing is said.
#
# fuse_qkv_projections() is a documented way to fewer and larger products: the matrices of queries, keys and values become one (keys and
# values in cross attention). One expects that it changes no result, that it takes an adapter along, or that it refuses. Measured with
# diffusers 0.42.1, peft 0.21.2 and torch 2.15.0, random weights, relative L2: with a LoRA loaded before it, the fused matrix is made of
# the bare weights below the adapter; with a LoRA loaded after it, the adapter is hung on the three layers that nobody calls any more. A
# LoRA of what was fused then has an effect of 0.0 where it moved the answer by 2e-1, a LoRA of all of attention keeps its outputs (and
# the queries of cross attention) and is another LoRA, 3e-1 from itself; get_active_adapters() names it in both cases, and PEFT and
# diffusers are silent. fuse_lora() before it is right, but unfuse_lora() after it takes nothing away: the LoRA stays.
# unfuse_qkv_projections() gives the LoRA back. The order that works is load_lora_weights, fuse_lora, unload_lora_weights,
# fuse_qkv_projections, and another LoRA means to begin anew.
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
                                 text_dim=32, freq_dim=256, ffn_dim=32, num_layers=2)


codec = AutoencoderKLWan(base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1)
state = expert().state_dict()
folder = tempfile.TemporaryDirectory()


def lora(name, *layers):
    file = os.path.join(folder.name, name)
    save_file({f"transformer.blocks.{b}.{layer}.lora_{m}.weight": 0.3 * torch.randn(*shape)
               for b in range(2) for layer in layers for m, shape in (("A", (4, 24)), ("B", (24, 4)))}, file)
    return file


inner = lora("inner.safetensors", "attn1.to_q", "attn1.to_k", "attn1.to_v", "attn2.to_k", "attn2.to_v")
whole = lora("whole.safetensors", *(f"attn{a}.{n}" for a in (1, 2) for n in ("to_q", "to_k", "to_v", "to_out.0")))
noise, time, words = torch.randn(1, 16, 2, 4, 4), torch.tensor([500]), torch.randn(1, 512, 32)


def run(*steps):
    """The answer after each of the steps, and the pipeline."""
    net = expert()
    net.load_state_dict(state)
    pipe = WanPipeline(tokenizer=None, text_encoder=None, transformer=net, vae=codec,
                       scheduler=UniPCMultistepScheduler(use_flow_sigmas=True, flow_shift=3.0,
                                                         prediction_type="flow_prediction"))
    for step in steps:
        step(pipe)
    with torch.no_grad():
        return net(noise, time, words, return_dict=False)[0], pipe


def load(file):
    return lambda pipe: pipe.load_lora_weights(file, adapter_name="x")


def fuse_projections(pipe):
    pipe.transformer.fuse_qkv_projections()


def fuse_lora(pipe):
    pipe.fuse_lora()


def unfuse_lora(pipe):
    pipe.unfuse_lora()


def apart(a, b):
    return float((a - b).norm() / b.norm())


def unload(pipe):
    pipe.unload_lora_weights()


def unfuse_projections(pipe):
    pipe.transformer.unfuse_qkv_projections()


print("diffusers", diffusers.__version__, "peft", peft.__version__, "torch", torch.__version__)
bare = run()[0]
alone = apart(run(fuse_projections)[0], bare)
print("fused without a LoRA: %.1e from the network as it was" % alone)
seen = {}
for name, file in (("q, k, v", inner), ("all of attention", whole)):
    right = run(load(file))[0]
    seen[name] = [apart(right, bare)]
    print(f"LoRA of {name}: moves the answer by {seen[name][0]:.1e}")
    for order, steps in {
            "LoRA, fused": (load(file), fuse_projections),
            "fused, LoRA": (fuse_projections, load(file)),
            "LoRA, fused, unfused": (load(file), fuse_projections, unfuse_projections),
            "LoRA, fuse_lora, unload, fused": (load(file), fuse_lora, unload, fuse_projections),
            "LoRA, fuse_lora, fused, unfuse_lora": (load(file), fuse_lora, fuse_projections, unfuse_lora)}.items():
        x, pipe = run(*steps)
        seen[name] += [apart(x, bare), apart(x, right)]
        print(f"  {order}: {seen[name][-2]:.1e} from no LoRA, {seen[name][-1]:.1e} from the LoRA; active:",
              pipe.get_active_adapters())
ok = alone < 1e-5
for name, (moved, *a) in seen.items():
    lost = (a[0], a[2]) if name == "q, k, v" else (a[1] - moved / 3, a[3] - moved / 3)
    ok &= moved > 0.1 and a[5] < 1e-5 and a[7] < 1e-5 and a[9] < 1e-5
    ok &= max(lost) < 1e-5 if name == "q, k, v" else min(lost) > 0
if not ok:
    sys.exit("the behaviour has changed")
PY
