#!/usr/bin/env python3
"""A model directory of Wan 2.1 in its true shapes with random weights, in bf16, to measure whole runs by.

true_wan.py DIR TOKENIZER [--layers N] [--text-layers N] [--vace]
TOKENIZER is a folder with a tokenizer.json. Needs torch, diffusers, transformers, numpy; 14.5 GB of disk
(18 with --vace, which writes VACE 1.3B)."""
import argparse
import json
import pathlib
import shutil

import numpy as np
import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel, WanVACETransformer3DModel
from transformers import UMT5Config, UMT5EncoderModel

args = argparse.ArgumentParser()
args.add_argument("dir", type=pathlib.Path)
args.add_argument("tokenizer", type=pathlib.Path)
args.add_argument("--layers", type=int, default=30)
args.add_argument("--text-layers", type=int, default=24)
args.add_argument("--vace", action="store_true")
a = args.parse_args()

NOISE = np.random.default_rng(1).standard_normal(1 << 22).astype(np.float32)


def values(name, shape):
    """Norms are one, biases nought, the rest such that what goes in and comes out is alike large."""
    count = int(np.prod(shape))
    if name.endswith(("gamma", "layer_norm.weight", "norm.weight", "norm_q.weight", "norm_k.weight")) or "norm2.weight" in name:
        x = np.ones(count, np.float32)
    elif name.endswith("bias"):
        x = np.zeros(count, np.float32)
    else:
        x = np.resize(NOISE, count) * np.float32(max(count // shape[0], 1) ** -0.5)
        if "shared" in name or "embed_tokens" in name:
            x = np.resize(NOISE, count)
    assert x.dtype == np.float32
    return (x.view(np.uint32) >> 16).astype(np.uint16)


def write(path, tensors):
    """tensors: name -> shape. Written one after the other, so that no model is in memory."""
    at, head = 0, {}
    for name, shape in tensors.items():
        size = 2 * int(np.prod(shape))
        head[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        for name, shape in tensors.items():
            f.write(values(name, shape).tobytes())
    print(path, at, "bytes")


def shapes(model):
    seen = {}
    for name, p in model.state_dict().items():
        if name != "encoder.embed_tokens.weight":
            seen[name] = tuple(p.shape)
    return seen


with torch.device("meta"):
    if a.vace:
        dit = WanVACETransformer3DModel(num_attention_heads=12, ffn_dim=8960, num_layers=a.layers,
                                        vace_layers=list(range(0, a.layers, 2)))
    else:
        dit = WanTransformer3DModel(num_attention_heads=12, ffn_dim=8960, num_layers=a.layers)
    vae = AutoencoderKLWan()
    config = UMT5Config(d_model=4096, d_ff=10240, num_heads=64, d_kv=64, num_layers=a.text_layers, vocab_size=256384)
    text = UMT5EncoderModel(config)
for part, model, file in (("transformer", dit, "diffusion_pytorch_model.safetensors"),
                          ("vae", vae, "diffusion_pytorch_model.safetensors"),
                          ("text_encoder", text, "model.safetensors")):
    write(a.dir / part / file, shapes(model))
    model.config.to_json_file(a.dir / part / "config.json") if part == "text_encoder" else model.save_config(a.dir / part)
shutil.copytree(a.tokenizer, a.dir / "tokenizer", dirs_exist_ok=True)
(a.dir / "scheduler").mkdir(exist_ok=True)
(a.dir / "scheduler/scheduler_config.json").write_text(json.dumps({
    "_class_name": "UniPCMultistepScheduler", "num_train_timesteps": 1000, "prediction_type": "flow_prediction",
    "use_flow_sigmas": True, "flow_shift": 3.0, "solver_order": 2, "solver_type": "bh2", "final_sigmas_type": "zero"}))
(a.dir / "model_index.json").write_text(json.dumps({
    "_class_name": "WanVACEPipeline" if a.vace else "WanPipeline", "_diffusers_version": "0.42.1",
    "scheduler": ["diffusers", "UniPCMultistepScheduler"], "text_encoder": ["transformers", "UMT5EncoderModel"],
    "tokenizer": ["transformers", "T5TokenizerFast"], "transformer": ["diffusers", type(dit).__name__],
    "vae": ["diffusers", "AutoencoderKLWan"]}))
