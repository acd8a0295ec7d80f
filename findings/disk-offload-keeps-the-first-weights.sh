#!/bin/sh
# Offloaded to one folder on disk, the second expert of Wan 2.2 computes with the weights of the first, and a later model with those
# of the one before it.
#
# pipe.enable_group_offload(offload_to_disk_path=folder) writes the weights of each group of layers to a file and takes them from there
# when they are needed, for machines whose memory does not hold them. One expects that what is read is what the same model wrote.
# Measured with diffusers 0.42.1 and torch 2.15.0, random weights, relative L2 between films: the files are named by a hash of the layer's
# name alone, the same for transformer and transformer_2, and a file that is there is not written again. So both experts of Wan 2.2
# compute with the weights of the first (1e-7 from the film of the first expert twice, 2e-1 from the right one), with groups of blocks as
# with leaves; and where the folder is left over, a fine-tuned model, or the same one with a LoRA fused in, draws the old model's film
# (0.0 from it, 6e-1 and 1e-1 from its own). Nothing is said, and the documentation speaks of no folder for each. Offloading in memory is
# right. What helps: enable_group_offload on each component by itself, with a new folder for each of them and for each run.
. "$(dirname "$0")/desk.sh"
desk_install diffusers==0.42.1 torch==2.15.0 transformers==5.24.0 accelerate==1.15.0 peft==0.21.2
desk_python <<'PY'
import sys
import tempfile
import torch
import diffusers
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel
from peft import LoraConfig

torch.manual_seed(9)
codec = AutoencoderKLWan(base_dim=4, z_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1, latents_mean=[0.0] * 4,
                         latents_std=[1.0] * 4).eval()
words = torch.randn(1, 8, 16)


def expert(seed, lora=False):
    torch.manual_seed(seed)
    net = WanTransformer3DModel(patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=4,
                                out_channels=4, text_dim=16, freq_dim=16, ffn_dim=32, num_layers=2,
                                rope_max_seq_len=32).eval()
    if lora:
        net.add_adapter(LoraConfig(r=4, lora_alpha=4, target_modules=["to_q", "to_v", "to_out.0"],
                                   init_lora_weights=False))
        net.fuse_lora()
        net.unload_lora()
    return net


def film(high, low, **offload):
    """What two experts draw; offload is what enable_group_offload is told, or for each expert its folder."""
    pipe = WanPipeline(tokenizer=None, text_encoder=None, vae=codec, transformer=high, transformer_2=low,
                       boundary_ratio=0.5, scheduler=UniPCMultistepScheduler(
                           prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0))
    pipe.set_progress_bar_config(disable=True)
    folders = offload.pop("folders", None)
    if folders:
        for net, folder in zip((high, low), folders):
            net.enable_group_offload(onload_device=torch.device("cpu"), offload_to_disk_path=folder, **offload)
    elif offload:
        pipe.enable_group_offload(onload_device=torch.device("cpu"), exclude_modules="vae", **offload)
    return pipe(prompt_embeds=words, negative_prompt_embeds=-words, guidance_scale=1.0, width=32, height=32,
                num_frames=5, num_inference_steps=6, output_type="latent",
                generator=torch.Generator().manual_seed(1)).frames


def apart(a, b):
    return float((a - b).norm() / b.norm())


print("diffusers", diffusers.__version__, "torch", torch.__version__)
right, first, far = film(expert(1), expert(2)), film(expert(1), expert(1)), []
ok = apart(first, right) > 0.05
for how in {"offload_type": "leaf_level"}, {"offload_type": "block_level", "num_blocks_per_group": 1}:
    print(how["offload_type"])
    memory = apart(film(expert(1), expert(2), **how), right)
    with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
        apiece = apart(film(expert(1), expert(2), folders=(a, b), **how), right)
    with tempfile.TemporaryDirectory() as folder:
        drawn = film(expert(1), expert(2), offload_to_disk_path=folder, **how)
        wrong, twice = apart(drawn, right), apart(drawn, first)
        print(" in memory: %.0e from the film without offloading; a folder for each expert: %.0e" % (memory, apiece))
        print(" one folder: %.0e from the film without offloading, %.0e from the first expert twice" % (wrong, twice))
        ok = ok and max(memory, apiece, twice) < 1e-5 and wrong > 0.05
        for name, net in (("another model", lambda: expert(3)), ("the first with a LoRA", lambda: expert(1, lora=True))):
            later, own = film(net(), net(), offload_to_disk_path=folder, **how), film(net(), net())
            old, away = apart(later, drawn), apart(later, own)
            print(f" {name}, in the same folder later: %.0e from its own film, %.0e from the old one" % (away, old))
            ok = ok and old < 1e-5 and away > 0.05
if not ok:
    sys.exit("the behaviour has changed")
PY
