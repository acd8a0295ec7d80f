#!/bin/sh
# Video autoencoders of diffusers disagree about frames that do not fill a latent frame, and none of them says a word.
#
# A causal codec with four frames to a latent frame takes 1, 5, 9 ... frames. Given 8 one expects an error, padding, or
# a third latent frame. Measured with diffusers 0.42.1 and torch 2.15.0, by changing one frame of a clip at a time:
#   AutoencoderKLWan            8 frames: two latent frames, frames 6 to 8 are never looked at
#   AutoencoderKLLTXVideo      16 frames (eight to a latent frame): two latent frames, frames 10 to 16 are never looked at
#   AutoencoderKLHunyuanVideo   8 frames: two latent frames that depend on all 8
#   AutoencoderKLCogVideoX      8 frames: two latent frames that depend on all 8
# So the end of a film that is edited or extended (video to video, a training clip cut by seconds) is lost with Wan and LTX
# unless the caller counts, and the decoded film is shorter than the one that was given. With tiling it is the same.
. "$(dirname "$0")/desk.sh"
desk_install diffusers==0.42.1 torch==2.15.0 transformers==5.24.0 accelerate==1.15.0
desk_python <<'PY'
import sys
import torch
import diffusers
from diffusers import (AutoencoderKLCogVideoX, AutoencoderKLHunyuanVideo, AutoencoderKLLTXVideo,
                       AutoencoderKLWan)

torch.manual_seed(0)
narrow = dict(block_out_channels=(8, 8, 8, 8))
codecs = {
    "AutoencoderKLWan": (AutoencoderKLWan(base_dim=8, z_dim=4, dim_mult=[1, 2, 2, 2],
                                          num_res_blocks=1), 8, 2, [6, 7, 8]),
    "AutoencoderKLLTXVideo": (AutoencoderKLLTXVideo(latent_channels=8, layers_per_block=(1,) * 5,
                                                    decoder_block_out_channels=(8, 8, 8, 8),
                                                    decoder_layers_per_block=(1,) * 5, **narrow),
                              16, 2, list(range(10, 17))),
    "AutoencoderKLHunyuanVideo": (AutoencoderKLHunyuanVideo(layers_per_block=1, norm_num_groups=2,
                                                            latent_channels=4, **narrow), 8, 2, []),
    "AutoencoderKLCogVideoX": (AutoencoderKLCogVideoX(layers_per_block=1, norm_num_groups=2,
                                                      latent_channels=4, **narrow), 8, 2, []),
}
print("diffusers", diffusers.__version__, "torch", torch.__version__)
changed = 0
for name, (codec, frames, want_latents, want_unseen) in codecs.items():
    codec.eval()
    clip = torch.rand(1, 3, frames, 32, 32) * 2 - 1
    with torch.no_grad():
        latent = codec.encode(clip).latent_dist.mean
        unseen = []
        for f in range(frames):
            other = clip.clone()
            other[:, :, f] += 0.5
            if torch.equal(codec.encode(other).latent_dist.mean, latent):
                unseen.append(f + 1)
    print(f"{name}: {frames} frames, {latent.shape[2]} latent frames, never looked at: {unseen}")
    changed |= latent.shape[2] != want_latents or unseen != want_unseen
if changed:
    sys.exit("the behaviour has changed")
PY
