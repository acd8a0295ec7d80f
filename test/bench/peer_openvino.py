#!/usr/bin/env python3
"""The forward cases of `zoetrope bench` in OpenVINO on the CPU, as a peer to measure against.

    python3 test/bench/peer_openvino.py [--type bf16|int8] [--steps 6] [--size WxH] [--frames N]
        [--layers N] CASE...

Prints one line per case, with the relative L2 distance of the velocity from that of PyTorch in f32. The
network is that of peer_torch.py; int8 is the post-training quantisation of NNCF (weights and
activations), calibrated on four other inputs. Needs PyTorch, openvino and, for int8, nncf; nothing
of zoetrope needs Python.
"""
import argparse
import time

import openvino as ov
import torch

import peer_torch


def inputs(case, seed):
    heads, size, hidden, layers, text_dim, n, grid, words, training = case
    g = torch.Generator().manual_seed(seed)
    tokens = grid[0] * grid[1] * grid[2]
    return (torch.randn(n, tokens, 64, generator=g), torch.randn(n, 256, generator=g),
            torch.randn(n, words, text_dim, generator=g), *peer_torch.angles(size, grid, "cpu"))


class Flat(torch.nn.Module):
    """The network with its rotary table as two plain inputs."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x, t, text, cos, sin):
        return self.net(x, t, text, (cos, sin))


def quantised(model, case):
    import nncf

    rows = [[v.numpy() for v in inputs(case, seed)] for seed in range(2, 6)]
    return nncf.quantize(model, nncf.Dataset(rows, lambda r: r), subset_size=len(rows),
                         model_type=nncf.ModelType.TRANSFORMER, fast_bias_correction=True)


def run(name, args):
    case = peer_torch.sized(peer_torch.CASES[name], args)
    heads, size, hidden, layers, text_dim, n, grid, words, training = case
    torch.manual_seed(1)
    net = Flat(peer_torch.Transformer(heads, size, hidden, layers, text_dim)).eval()
    x = inputs(case, 1)
    with torch.no_grad():
        want = net(*x)
        model = ov.convert_model(net, example_input=x)
    if args.type == "int8":
        model = quantised(model, case)
    call = ov.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "bf16",
                                           "PERFORMANCE_HINT": "LATENCY"})
    values = [v.numpy() for v in x]
    seconds = []
    for _ in range(args.steps + 2):  # two to warm up
        start = time.perf_counter()
        out = call(values)[0]
        seconds.append(time.perf_counter() - start)
    seconds = sorted(seconds[2:])
    error = float((torch.tensor(out).double() - want).norm() / want.double().norm())
    print(f"{name}  {seconds[len(seconds) // 2]:.4f} s per step ({seconds[0]:.4f} at best), "
          f"{args.type}, {error:.2e} from f32, openvino {ov.__version__}", flush=True)


def main():
    forward = [name for name, case in peer_torch.CASES.items() if not case[-1]]
    p = argparse.ArgumentParser()
    p.add_argument("--type", default="bf16", choices=("bf16", "int8"))
    peer_torch.add_sizes(p)
    p.add_argument("case", nargs="+", choices=forward)
    args = p.parse_args()
    for name in args.case:
        run(name, args)


if __name__ == "__main__":
    main()
