#!/bin/sh
# Smaller tiles for a video autoencoder of diffusers make a smaller film, with stripes left out of every picture.
#
# enable_tiling() takes the size of a tile and the stride from one tile to the next. Who has too little memory makes the tiles smaller,
# and expects the stride to follow, or a refusal: tiles that are smaller than the stride do not cover the picture. Measured with
# diffusers 0.42.1 and torch 2.15.0 on small random networks: tile_sample_min_height and tile_sample_min_width of 128 leave the stride
# of AutoencoderKLWan at 192, so 64 pixels after each tile are decoded by nobody, the tiles are set side by side, and no word is said:
# 320x320 becomes 256x256, a Wan film of 832x480 becomes 576x352. HunyuanVideo's autoencoder does the same, LTX's (tiles of 512 every
# 448) draws 448x448 for 640x640 with tiles of 256, CogVideoX's, whose factors of overlap come out whole for its own tile size alone,
# makes 320x320 larger, 341x329, by columns drawn twice. Encoding loses the same stripes (32x32 latents for 40x40). Writers of films
# take any size, so what is wrong is seen only in the picture's size and at its seams. With a stride that is said too (tiles of 128
# every 96) all is well, within what tiles cost anyway (1e-2).
. "$(dirname "$0")/desk.sh"
desk_install diffusers==0.42.1 torch==2.15.0 transformers==5.24.0
desk_python <<'PY'
import sys
import torch
import diffusers
from diffusers import (AutoencoderKLCogVideoX, AutoencoderKLHunyuanVideo, AutoencoderKLLTXVideo,
                       AutoencoderKLWan)


def wan():
    return AutoencoderKLWan(base_dim=4, z_dim=16, dim_mult=[1, 2, 2, 2], num_res_blocks=1,
                            temperal_downsample=[False, True, True]), 16, 8


def wan_2_2():
    return AutoencoderKLWan(base_dim=4, decoder_base_dim=4, z_dim=16, dim_mult=[1, 2, 2, 2], num_res_blocks=1,
                            temperal_downsample=[False, True, True], patch_size=2, is_residual=True,
                            in_channels=12, out_channels=12, scale_factor_spatial=16), 16, 16


def hunyuan():
    return AutoencoderKLHunyuanVideo(latent_channels=4, block_out_channels=(8, 8, 8, 8), layers_per_block=1,
                                     norm_num_groups=4), 4, 8


def cogvideox():
    return AutoencoderKLCogVideoX(latent_channels=4, block_out_channels=(8, 8, 8, 8), layers_per_block=1,
                                  norm_num_groups=4, down_block_types=("CogVideoXDownBlock3D",) * 4,
                                  up_block_types=("CogVideoXUpBlock3D",) * 4), 4, 8


def ltx():
    return AutoencoderKLLTXVideo(latent_channels=8, block_out_channels=(8, 8, 8, 8),
                                 decoder_block_out_channels=(8, 8, 8, 8), layers_per_block=(1,) * 5,
                                 decoder_layers_per_block=(1,) * 5, decoder_inject_noise=(False,) * 5,
                                 upsample_residual=(False,) * 4, upsample_factor=(1,) * 4,
                                 timestep_conditioning=False), 8, 32


def apart(a, b):
    return float((a - b).norm() / b.norm())


def decode(make, width, height, **tiles):
    torch.manual_seed(0)
    codec, channels, scale = make()
    latents = torch.randn(1, channels, 1, height // scale, width // scale)
    if tiles:
        codec.enable_tiling(**tiles)
    with torch.no_grad():
        return codec.decode(latents).sample


def square(name, pixels):
    return {f"tile_sample_{name}_height": pixels, f"tile_sample_{name}_width": pixels}


print("diffusers", diffusers.__version__, "torch", torch.__version__)
ok = True
for make, w, h, tile, got in ((wan, 320, 320, 128, (256, 256)), (wan, 832, 480, 128, (576, 352)),
                              (wan_2_2, 320, 320, 128, (256, 256)), (hunyuan, 320, 320, 128, (256, 256)),
                              (ltx, 640, 640, 256, (448, 448)), (cogvideox, 320, 320, 128, (341, 329))):
    whole, tiled = decode(make, w, h), decode(make, w, h, **square("min", tile))
    size = tuple(tiled.shape[:-3:-1])
    print(f"{make.__name__}: {w}x{h} latents decode to %dx%d, in tiles of {tile} to %dx%d" % (
        *whole.shape[:-3:-1], *size))
    ok &= tuple(whole.shape[:-3:-1]) == (w, h) and size == got

full, holes = decode(wan, 320, 320), decode(wan, 320, 320, **square("min", 128))
both = decode(wan, 320, 320, **square("min", 128), **square("stride", 96))
second = holes[..., :120, 136:248]
here, there, own = (apart(a, b) for a, b in ((holes[..., :120, :120], full[..., :120, :120]),
                                             (second, full[..., :120, 200:312]),
                                             (second, full[..., :120, 136:248])))
covered = apart(both, full)
print("wan, tiles of 128: the first is %.1e from its place in the whole; the second %.1e from the place 64 pixels "
      "on, %.1e from its own" % (here, there, own))
print("wan, tiles of 128 every 96: %dx%d, %.1e from the whole" % (*both.shape[:-3:-1], covered))
torch.manual_seed(0)
codec, picture = wan()[0], torch.rand(1, 3, 1, 320, 320)
codec.enable_tiling(**square("min", 128))
with torch.no_grad():
    encoded = codec.encode(picture).latent_dist.mean.shape
print("wan, a picture of 320x320 encoded in tiles of 128: %dx%d latents" % tuple(encoded[:-3:-1]))
if not (ok and here < 0.03 and there < 0.03 and own > 2 * there and covered < 0.03 and encoded[-2:] == (32, 32)):
    sys.exit("the behaviour has changed")
PY
