#!/bin/sh
# OpenVINO's CPU rounds activations to bytes where only the weights are int8, also when f32 was asked for.
#
# A model whose matrices are stored as int8 with a scale per row ("weight-only", what NNCF and optimum-intel export) is expected
# to compute in the type of INFERENCE_PRECISION_HINT; with f32 it should agree with the widened weights to rounding.
# Measured with openvino 2026.4.1 on a CPU with AVX-512 VNNI or AMX: activations are quantised too, in groups of 32
# (DYNAMIC_QUANTIZATION_GROUP_SIZE, 32 unless said). The same graph with the same weights widened beforehand is 7e-7 from the truth,
# with int8 weights and the hint f32 it is 9e-3, worse than bf16 throughout (2e-3), and the hint says f32 when it is read back.
# EXECUTION_MODE_HINT=ACCURACY or group size 0 is what turns it off.
# Where diffusion transformers are compared "in f32" with int8 weights, the activations' error is taken for the weights'.
. "$(dirname "$0")/desk.sh"
grep -qE 'avx512_vnni|avx_vnni|amx_int8' /proc/cpuinfo || { echo "this CPU multiplies no bytes: nothing to see"; exit 2; }
desk_install openvino==2026.4.1 numpy==2.4.6
desk_python <<'PY'
import sys
import numpy as np
import openvino as ov
from openvino import opset13 as op

rng = np.random.default_rng(0)
K, N, ROWS = 1024, 256, 8
wide = rng.standard_normal((N, K)).astype(np.float32)
scale = (np.abs(wide).max(1, keepdims=True) / 127).astype(np.float32)
codes = np.clip(np.round(wide / scale), -128, 127).astype(np.int8)
x = rng.standard_normal((ROWS, K)).astype(np.float32)
x[:, 5] *= 50
truth = x.astype(np.float64) @ (codes.astype(np.float64) * scale).T


def run(int8, **config):
    i = op.parameter([-1, K], np.float32)
    w = (op.multiply(op.convert(op.constant(codes), np.float32), op.constant(scale)) if int8
         else op.constant(codes * scale))
    c = ov.Core().compile_model(ov.Model([op.matmul(i, w, False, True)], [i]), "CPU", config)
    y = c([x])[0]
    return (float(np.linalg.norm(y - truth) / np.linalg.norm(truth)),
            c.get_property("INFERENCE_PRECISION_HINT").get_type_name(),
            c.get_property("DYNAMIC_QUANTIZATION_GROUP_SIZE"))


rows = {
    "widened weights, hint f32": run(False, INFERENCE_PRECISION_HINT="f32"),
    "int8 weights, hint f32": run(True, INFERENCE_PRECISION_HINT="f32"),
    "int8 weights, hint f32, group 0": run(True, INFERENCE_PRECISION_HINT="f32",
                                           DYNAMIC_QUANTIZATION_GROUP_SIZE=0),
    "int8 weights, mode ACCURACY": run(True, EXECUTION_MODE_HINT="ACCURACY"),
}
print("openvino", ov.__version__)
for name, (error, hint, group) in rows.items():
    print(f"{name}: relative error {error:.1e}, hint read back {hint}, group {group}")
wide_, int8, off, accurate = (r[0] for r in rows.values())
if not (wide_ < 1e-5 and int8 > 2e-3 and off < 1e-5 and accurate < 1e-5):
    sys.exit("the behaviour has changed")
PY
