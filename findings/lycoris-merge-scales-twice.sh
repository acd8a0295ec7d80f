#!/bin/sh
# LyCORIS merges LoHa and LoKr with alpha / rank counted twice.
#
# A network trained with these modules and the same network after merge_to are two networks: get_weight multiplies by alpha / rank,
# and get_diff_weight, which merging goes through, multiplies by it again. The forward pass counts it once. With
# alpha 2 and rank 4 a merged LoHa has half of its effect; a LoKr whose second factor is split, rank 1 and alpha 4, has four
# times. LoRA (LoCon) is right, and so is a LoKr of whole factors, whose scale is 1. Measured with lycoris-lora 4.1.3. Whoever compares films
# before and after a merge, or takes merged weights as the reference for a loader, sees a fault that is not his.
. "$(dirname "$0")/desk.sh"
desk_install lycoris-lora==4.1.3 torch==2.15.0
desk_python <<'PY'
import sys
import torch
from importlib.metadata import version
from lycoris.modules import LoConModule, LohaModule, LokrModule

torch.manual_seed(0)


def effect(kind, merge, **options):
    torch.manual_seed(1)
    layer = torch.nn.Linear(8, 12, bias=False)
    before = layer.weight.detach().clone()
    module = kind("layer", layer, 1.0, **options)
    for p in module.parameters():
        torch.nn.init.normal_(p)
    if merge:
        module.merge_to(1.0)
    else:
        module.apply_to()
    with torch.no_grad():
        return layer(torch.eye(8)).T - before


print("lycoris-lora", version("lycoris-lora"))
seen = {}
for name, kind, options in (("LoCon, alpha/rank 2/4", LoConModule, dict(lora_dim=4, alpha=2)),
                            ("LoHa, alpha/rank 2/4", LohaModule, dict(lora_dim=4, alpha=2)),
                            ("LoKr, split, alpha/rank 4/1", LokrModule, dict(lora_dim=1, alpha=4)),
                            ("LoKr, whole", LokrModule, dict(lora_dim=64, alpha=2, full_matrix=True))):
    used, merged = effect(kind, False, **options), effect(kind, True, **options)
    seen[name] = (merged.norm() / used.norm()).item()
    apart = (merged - used * seen[name]).norm() / merged.norm()
    print(f"{name}: merged is {seen[name]:.4f} of what was used (rest {apart:.1e})")
if [round(v, 3) for v in seen.values()] != [1.0, 0.5, 4.0, 1.0]:
    sys.exit("the behaviour has changed")
PY
