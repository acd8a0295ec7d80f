#!/usr/bin/env python3
"""The decoders of `zoetrope bench wan-vae` in diffusers: the same shape, random weights, bf16.

    pip install torch diffusers
    python3 test/bench/peer_wan_vae.py [--size 480x272] [--frames 17] [--type bf16|f32] [wan-vae | wan-vae-2.2]

Compare only what was measured in turns on a quiet machine. A line of JSON as of `zoetrope bench`; cpu_seconds are those of
all threads together, which a busy machine disturbs less.
"""
import argparse, json, resource, time

import torch
from diffusers import AutoencoderKLWan

SHAPES = {
    "wan-vae": {},
    "wan-vae-2.2": dict(base_dim=160, decoder_base_dim=256, z_dim=48, is_residual=True, in_channels=12, out_channels=12,
                        patch_size=2, scale_factor_spatial=16, latents_mean=[0.0] * 48, latents_std=[1.0] * 48),
}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("what", nargs="?", default="wan-vae", choices=SHAPES)
    p.add_argument("--size", default="480x272")
    p.add_argument("--frames", type=int, default=17)
    p.add_argument("--type", default="bf16", choices=("bf16", "f32"))
    p.add_argument("--threads", type=int, default=torch.get_num_threads())
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    w, h = map(int, a.size.split("x"))
    dtype = torch.bfloat16 if a.type == "bf16" else torch.float32
    torch.manual_seed(0)
    m = AutoencoderKLWan(**SHAPES[a.what]).to(dtype).eval()
    ks = m.config.scale_factor_spatial
    z = torch.randn(1, m.config.z_dim, (a.frames - 1) // 4 + 1, h // ks, w // ks).to(dtype)
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    with torch.no_grad():
        m.decode(z)
    s = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"bench": a.what, "width": w, "height": h, "frames": a.frames, "type": a.type, "vae_seconds": round(s, 3),
                      "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 3),
                      "rss_above_weights_bytes": (after.ru_maxrss - before.ru_maxrss) * 1024, "threads": a.threads}))


if __name__ == "__main__":
    main()
