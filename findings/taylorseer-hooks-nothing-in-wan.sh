#!/bin/sh
# TaylorSeer of diffusers, switched on as its documentation shows, changes nothing in Wan: no module is hooked, no word is said.
#
# Without patterns of the user's it promises to hook all attention-like modules. Its default patterns end in "attn" and are matched
# against whole names: they fit the "attn" of HunyuanVideo's and Flux's blocks, but not "attn1" and "attn2", as Wan, LTX and CogVideoX
# call theirs. enable_cache succeeds, is_cache_enabled says True, the film is the uncached one to the last bit and takes as long.
# Measured with diffusers 0.42.1 on small random networks: modules hooked by default 0 of 8 attentions in Wan, 0 in LTX,
# 0 in CogVideoX, all in HunyuanVideo. With cache_identifiers that name attn1, attn2 and ffn the same film of Wan differs from the full
# one, so the cache itself works there; use_lite_mode works too. Whoever compares accelerations has to count hooks or
# look at the difference first: an error of exactly zero is the alarm.
. "$(dirname "$0")/desk.sh"
desk_install diffusers==0.42.1 torch==2.15.0 transformers==5.24.0 ftfy==6.3.1
desk_python <<'PY'
import sys
import diffusers
import torch
from diffusers import (AutoencoderKLWan, CogVideoXTransformer3DModel, FlowMatchEulerDiscreteScheduler,
                       HunyuanVideoTransformer3DModel, LTXVideoTransformer3DModel, TaylorSeerCacheConfig,
                       WanPipeline, WanTransformer3DModel)


def wan():
    torch.manual_seed(0)
    return WanTransformer3DModel(patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12,
                                 in_channels=16, out_channels=16, text_dim=32, freq_dim=64, ffn_dim=64,
                                 num_layers=4, rope_max_seq_len=32).eval()


def others():
    yield "LTX", LTXVideoTransformer3DModel(in_channels=8, out_channels=8, num_attention_heads=2,
                                            attention_head_dim=8, cross_attention_dim=16, num_layers=2,
                                            caption_channels=16)
    yield "CogVideoX", CogVideoXTransformer3DModel(num_attention_heads=2, attention_head_dim=8, in_channels=4,
                                                   out_channels=4, time_embed_dim=2, text_embed_dim=8,
                                                   num_layers=2, sample_width=8, sample_height=8,
                                                   sample_frames=9, max_text_seq_length=8)
    yield "HunyuanVideo", HunyuanVideoTransformer3DModel(
        in_channels=4, out_channels=4, num_attention_heads=2, attention_head_dim=10, num_layers=2,
        num_single_layers=1, num_refiner_layers=1, patch_size=1, patch_size_t=1, text_embed_dim=16,
        pooled_projection_dim=8, rope_axes_dim=(2, 4, 4))


def hooked(net):
    return [n for n, m in net.named_modules()
            if getattr(m, "_diffusers_hook", None) and any("taylor" in k for k in m._diffusers_hook.hooks)]


def film(config=None):
    net = wan()
    if config:
        net.enable_cache(config)
    vae = AutoencoderKLWan(base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1)
    pipe = WanPipeline(tokenizer=None, text_encoder=None, transformer=net, vae=vae,
                       scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0))
    pipe.set_progress_bar_config(disable=True)
    g = torch.Generator().manual_seed(1)
    words, nothing = torch.randn(2, 1, 8, 32, generator=g)
    x = pipe(prompt_embeds=words, negative_prompt_embeds=nothing, height=32, width=32, num_frames=5,
             num_inference_steps=20, guidance_scale=4.0, generator=g, output_type="latent").frames
    return x, hooked(net), net.is_cache_enabled


torch.set_num_threads(1)
print("diffusers", diffusers.__version__)
full, _, _ = film()
every = dict(cache_interval=3, disable_cache_before_step=3)
plain, n_plain, on = film(TaylorSeerCacheConfig(**every))
named, n_named, _ = film(TaylorSeerCacheConfig(
    cache_identifiers=[r"blocks\.\d+\.attn1", r"blocks\.\d+\.attn2", r"blocks\.\d+\.ffn"], **every))
off = [((x - full).norm() / full.norm()).item() for x in (plain, named)]
print(f"Wan by default: {len(n_plain)} modules hooked, is_cache_enabled {on}, difference {off[0]}")
print(f"Wan, modules named: {len(n_named)} hooked, difference {off[1]:.2g}")
counts = {}
for name, net in others():
    net.enable_cache(TaylorSeerCacheConfig(**every))
    counts[name] = len(hooked(net))
    print(f"{name} by default: {counts[name]} hooked")
if n_plain or not on or off[0] != 0 or not n_named or not 0 < off[1] < 1 or counts["LTX"] \
        or counts["CogVideoX"] or not counts["HunyuanVideo"]:
    sys.exit("the behaviour has changed")
PY
