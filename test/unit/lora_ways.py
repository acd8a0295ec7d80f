"""Make lora_ways.safetensors: what LyCORIS 4.1.3 and PEFT 0.21.2 make of one layer of [12,8] by each way to change it.

W and b are the layer; CASE/NAME are the tensors of a file, without the layer's name in front; CASE/expected is the matrix
that the modules multiply by when they run. (Merged by LyCORIS, a LoKr of split factors is another: there the scale counts
twice.) pip install lycoris-lora==4.1.3 peft==0.21.2 torch einops toml safetensors
"""
import sys

import torch
from lycoris.modules.locon import LoConModule
from lycoris.modules.loha import LohaModule
from lycoris.modules.lokr import LokrModule
from peft import LoHaConfig, LoraConfig, get_peft_model, get_peft_model_state_dict
from safetensors.torch import save_file

OUT, IN = 12, 8
torch.manual_seed(3)
base = torch.nn.Linear(IN, OUT)
result = {"W": base.weight.detach().clone(), "b": base.bias.detach().clone()}


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = torch.nn.Linear(IN, OUT)
        self.lin.load_state_dict(base.state_dict())

    def forward(self, x):
        return self.lin(x)


def draw(module):
    for name, p in module.named_parameters():
        if "dora" in name or "magnitude" in name:
            p.data = p.data * (0.7 + 0.6 * torch.rand_like(p))
        elif p.dim() > 1 and "base_layer" not in name:
            p.data = torch.randn_like(p) * 0.5
    module.eval()


def keep(case, forward, tensors):
    with torch.no_grad():
        result[case + "/expected"] = (forward(torch.eye(IN)) - base.bias).T.contiguous()
    for name, v in tensors.items():
        result[f"{case}/{name}"] = v.detach().float().contiguous().clone()


def lycoris(case, cls, **how):
    net = Net()
    module = cls("layer", net.lin, 1.0, **how)
    draw(module)
    module.apply_to()
    keep(case, net, module.custom_state_dict())


def peft(case, config):
    net = get_peft_model(Net(), config)
    draw(net)
    state = get_peft_model_state_dict(net)
    keep(case, net, {k.replace("base_model.model.lin.", ""): v for k, v in state.items()})


lycoris("loha", LohaModule, lora_dim=2, alpha=1)
lycoris("loha-dora", LohaModule, lora_dim=2, alpha=3, weight_decompose=True)
lycoris("loha-wide", LohaModule, lora_dim=3, alpha=3)
lycoris("lokr-whole", LokrModule, lora_dim=100, alpha=7)
lycoris("lokr-half", LokrModule, lora_dim=1, alpha=3)
lycoris("lokr-both", LokrModule, lora_dim=1, alpha=2, decompose_both=True, factor=4)
lycoris("lokr-dora", LokrModule, lora_dim=1, alpha=2, weight_decompose=True)
lycoris("lora-dora", LoConModule, lora_dim=2, alpha=1, weight_decompose=True)
lycoris("lora-dora-columns", LoConModule, lora_dim=2, alpha=1, weight_decompose=True, wd_on_out=False)
peft("peft-loha", LoHaConfig(r=2, alpha=2, target_modules=["lin"]))
peft("peft-dora", LoraConfig(r=2, lora_alpha=2, use_dora=True, target_modules=["lin"]))
save_file(result, sys.argv[1] if len(sys.argv) > 1 else "lora_ways.safetensors")
