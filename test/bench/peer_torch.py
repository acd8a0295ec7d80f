#!/usr/bin/env python3
"""The cases of `zoetrope bench` in PyTorch, as a peer to measure against in the same call.

    python3 test/bench/peer_torch.py [--device cuda] [--compile] [--steps 6]
        [--size WxH] [--frames N] [--layers N] CASE...

Prints one line per case like `zoetrope bench` does. Needs PyTorch 2.9 or later (torch.optim.Muon);
nothing of zoetrope needs Python. The network is the open Wan 2.x transformer: self-attention with
3D rotary positions and RMS norm over all heads, cross-attention to text, shared modulation.
"""
import argparse
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

# name: heads, head size, hidden, layers, text width, windows, (t, h, w), words, training
CASES = {
    "train-s": (4, 64, 1024, 8, 256, 32, (5, 4, 7), 10, True),
    "train-m": (6, 64, 1536, 12, 256, 256, (11, 4, 7), 24, True),
    "wan-block": (40, 128, 13824, 1, 4096, 1, (21, 30, 52), 512, False),
    "wan-1.3b": (12, 128, 8960, 30, 4096, 1, (21, 30, 52), 512, False),
}


def rotary(x, cos, sin):
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2).to(x.dtype)


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))
        self.norm_q, self.norm_k = nn.RMSNorm(width, 1e-6), nn.RMSNorm(width, 1e-6)

    def forward(self, x, y, turn=None):
        def split(z):
            return z.unflatten(-1, (self.heads, -1)).transpose(1, 2)

        q, k = split(self.norm_q(self.q(x))), split(self.norm_k(self.k(y)))
        if turn is not None:
            q, k = rotary(q, *turn), rotary(k, *turn)
        out = F.scaled_dot_product_attention(q, k, split(self.v(y)))
        return self.o(out.transpose(1, 2).flatten(2))


class Block(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.table = nn.Parameter(torch.randn(1, 6, width) / width**0.5)
        self.one, self.two = Attention(width, heads), Attention(width, heads)
        self.norm = nn.LayerNorm(width, 1e-6)
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x, e, text, turn):
        shift1, scale1, gate1, shift2, scale2, gate2 = (self.table + e.float()).chunk(6, 1)

        def plain(z):
            return F.layer_norm(z.float(), z.shape[-1:], eps=1e-6)

        dtype = self.up.weight.dtype
        h = (plain(x) * (1 + scale1) + shift1).to(dtype)
        x = x + self.one(h, h, turn).float() * gate1
        x = x + self.two(self.norm(x.to(dtype)), text)
        h = (plain(x) * (1 + scale2) + shift2).to(dtype)
        return x + self.down(F.gelu(self.up(h), approximate="tanh")).float() * gate2


class Transformer(nn.Module):
    def __init__(self, heads, size, hidden, layers, text):
        super().__init__()
        width = heads * size
        self.patch, self.out = nn.Linear(64, width), nn.Linear(width, 64)
        self.time = nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width))
        self.mod = nn.Linear(width, 6 * width)
        self.text = nn.Sequential(nn.Linear(text, width), nn.GELU("tanh"), nn.Linear(width, width))
        self.blocks = nn.ModuleList(Block(width, heads, hidden) for _ in range(layers))

    def forward(self, x, t, text, turn):
        e = self.mod(F.silu(self.time(t))).unflatten(-1, (6, -1))
        y, x = self.text(text), self.patch(x).float()
        for block in self.blocks:
            x = block(x, e, y, turn)
        return self.out(x.to(self.out.weight.dtype)).float()


def angles(size, grid, device):
    space = 2 * (size // 6)
    parts = []
    for axis, (dim, n) in enumerate(zip((size - 2 * space, space, space), grid)):
        f = 1e4 ** (-torch.arange(0, dim, 2, device=device, dtype=torch.float64) / dim)
        a = torch.arange(n, device=device, dtype=torch.float64)[:, None] * f
        shape = [1, 1, 1, dim // 2]
        shape[axis] = n
        parts.append(a.view(shape).expand(*grid, dim // 2))
    a = torch.cat(parts, -1).flatten(0, 2)
    return a.cos().float(), a.sin().float()


def optimisers(net):
    hidden = [p for n, p in net.named_parameters() if p.ndim == 2 and n.startswith("blocks")]
    ids = {id(p) for p in hidden}
    rest = [p for p in net.parameters() if id(p) not in ids]
    return torch.optim.Muon(hidden, lr=0.002), torch.optim.AdamW(rest, lr=1e-4)


def sized(case, args):
    """The case with the layers, size and frames that were asked for, as `zoetrope bench` takes them."""
    heads, size, hidden, layers, text_dim, n, (t, h, w), words, training = case
    if args.size:
        w, h = (int(v) // 16 for v in args.size.split("x"))
    t = (args.frames - 1) // 4 + 1 if args.frames else t
    return heads, size, hidden, args.layers or layers, text_dim, n, (t, h, w), words, training


def add_sizes(parser):
    parser.add_argument("--size", help="of the film, WxH")
    parser.add_argument("--frames", type=int)
    parser.add_argument("--layers", type=int)
    parser.add_argument("--steps", type=int, default=6)


def run(name, args):
    heads, size, hidden, layers, text_dim, n, grid, words, training = sized(CASES[name], args)
    device, dtype = torch.device(args.device), torch.bfloat16
    torch.manual_seed(1)
    net = Transformer(heads, size, hidden, layers, text_dim).to(device)
    if not training:
        net = net.to(dtype)
    tokens = grid[0] * grid[1] * grid[2]
    x = torch.randn(n, tokens, 64, device=device)
    target, t = torch.randn_like(x), torch.randn(n, 256, device=device)
    text = torch.randn(n, words, text_dim, device=device)
    turn = angles(size, grid, device)
    call = torch.compile(net) if args.compile else net
    steppers = optimisers(net) if training else ()

    def step():
        if training:  # f32 masters, bf16 products
            with torch.autocast(device.type, dtype):
                loss = F.mse_loss(call(x, t, text, turn), target)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            for o in steppers:
                o.step()
                o.zero_grad(set_to_none=True)
        else:
            with torch.no_grad():
                call(x.to(dtype), t.to(dtype), text.to(dtype), turn)
        if device.type == "cuda":
            torch.cuda.synchronize()

    for _ in range(3):
        step()
    seconds = []
    for _ in range(args.steps):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    median = sorted(seconds)[len(seconds) // 2]
    how = "torch.compile" if args.compile else "eager"
    print(f"{name}  {median:.4f} s per step ({min(seconds):.4f} at best), {n * tokens / median:.0f} tokens/s, "
          f"torch {torch.__version__} {how} on {args.device}", flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--device", default="cuda")
    p.add_argument("--compile", action="store_true")
    add_sizes(p)
    p.add_argument("case", nargs="+", choices=list(CASES))
    args = p.parse_args()
    for name in args.case:
        run(name, args)


if __name__ == "__main__":
    main()
