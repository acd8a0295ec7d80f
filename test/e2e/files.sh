# Models as files: the cache of a hub, options that name files, what `zoetrope info` says of them.
. test/e2e/lib.sh

zt() { "$ZOETROPE" "$@"; }
top=$PWD
model=$tmp/model
fixture "$model"
cd "$tmp" || exit 1

# ---- the cache of Hugging Face's hub ----
hub=$tmp/hub/models--some--name
mkdir -p "$hub/snapshots" "$hub/refs"
cp -r "$model" "$hub/snapshots/0123abcd"
export HF_HUB_CACHE=$tmp/hub
exits hub_by_name 0 zt info some/name --json
exits hub_by_folder 0 zt info "$hub" --json
holds hub_by_folder_is_the_snapshot "$tmp/out" "snapshots/0123abcd"
mkdir "$hub/snapshots/ffff"
exits hub_of_two_without_a_reference 3 zt info some/name
printf 0123abcd >"$hub/refs/main"
exits hub_of_two_by_its_reference 0 zt info some/name
exits hub_without_it 3 zt info some/other

# ---- spellings of stable-diffusion.cpp ----
exits other_spellings 0 zt generate -m "$model" -p "a red ball rolls" -W 64 -H 32 --video-frames 1 --cfg-scale 1 \
    --flow-shift 3 -s 4 --steps 1 --json -o one.y4m
holds other_spellings_are_settings "$tmp/out" '"size": "64x32"'
exits half_a_size 2 zt generate -m "$model" -p "a red ball rolls" -W 64 -o half.y4m
exits no_such_letter 2 zt generate -m "$model" -p "a red ball rolls" -Q 64 -o half.y4m

# ---- files by name ----
exits no_text_encoder 2 zt generate --diffusion-model "$top/test/golden/wan-t2v-original-keys/model.safetensors" \
    -p "a red ball rolls" -o none.y4m
holds no_text_encoder_is_named "$tmp/err" "no text encoder; option t5xxl names one"
exits model_that_is_one_file 3 zt generate -m "$top/test/golden/umt5/model.safetensors" -p "a red ball rolls" -o none.y4m
holds model_that_is_one_file_says_how "$tmp/err" "this is one file of a model: diffusion-model, t5xxl and vae"
mkdir installed beside
cp -r "$model" installed/stories
echo "no model" >beside/stories
exits file_named_like_a_model_hides_it_not 0 env -C beside ZOETROPE_MODELS="$tmp/installed" "$ZOETROPE" \
    generate -m stories -p "a red ball rolls" --size 64x32 --frames 1 --steps 1 -o one.y4m
exits file_of_no_model 3 env -C beside ZOETROPE_MODELS="$tmp/beside" "$ZOETROPE" generate -m stories -p "a red ball rolls" -o none.y4m
holds file_of_no_model_says_what_it_is "$tmp/err" "model stories: this is one file of a model"
exits wrong_file 3 zt generate --diffusion-model "$top/test/golden/umt5/model.safetensors" -p "a red ball rolls" -o none.y4m
holds wrong_file_is_named "$tmp/err" "model.safetensors holds a text encoder, a transformer is wanted"

# ---- info ----
exits info_gguf 0 zt info "$top/test/golden/umt5-gguf/model.gguf"
holds info_gguf_says_types "$tmp/out" "Q8_0 6.2 KiB"
holds info_gguf_says_the_network "$tmp/out" "UMT5EncoderModel"
exits info_gguf_json 0 zt info "$top/test/golden/tokenizer-gguf/model.gguf" --json
holds info_gguf_has_its_keys "$tmp/out" '"tokenizer.ggml.tokens": "list of 298"'
head -c 700 "$top/test/golden/umt5-gguf/model.gguf" >cut.gguf
exits info_of_a_cut_file 3 zt info cut.gguf
holds info_of_a_cut_file_says_so "$tmp/err" "cut.gguf: truncated header: the file ends at byte 700"

# ---- convert ----
exits convert_to_gguf 0 zt convert "$top/test/golden/umt5/model.safetensors" -o umt5.gguf --type q8_0
exits convert_to_gguf_is_a_text_encoder 0 zt info umt5.gguf --json
holds convert_to_gguf_has_its_architecture "$tmp/out" '"general.architecture": "t5encoder"'
exits convert_to_the_same_file 4 zt convert "$top/test/golden/umt5/model.safetensors" -o umt5.gguf
exits convert_pth 0 zt convert "$top/test/golden/pth/model.pth" -o pth.safetensors
exits convert_pth_info 0 zt info pth.safetensors
holds convert_pth_has_all_tensors "$tmp/out" "tensors      19"
python3 - <<'PY'
# As torch.save writes it, of many tensors: their entries are sorted by the reader.
import collections, pickle, struct, sys, types, zipfile
torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
sys.modules.update({"torch": torch, "torch._utils": utils})
class FloatStorage: __module__ = "torch"
def _rebuild_tensor_v2(*args): pass
_rebuild_tensor_v2.__module__ = "torch._utils"
torch.FloatStorage, utils._rebuild_tensor_v2, torch._utils = FloatStorage, _rebuild_tensor_v2, utils
class Storage:
    def __init__(self, key): self.key = key
class Tensor:
    def __init__(self, key): self.key = key
    def __reduce__(self):
        return _rebuild_tensor_v2, (Storage(self.key), 0, (2, 3), (3, 1), False, collections.OrderedDict())
class Pickler(pickle.Pickler):
    def persistent_id(self, o):
        return ("storage", FloatStorage, str(o.key), "cpu", 6) if isinstance(o, Storage) else None
with zipfile.ZipFile("many.pth", "w", zipfile.ZIP_STORED) as z:
    with z.open("many/data.pkl", "w") as f:
        Pickler(f, protocol=2).dump({"layer.%d.weight" % i: Tensor(i) for i in range(300)})
    for i in range(300):
        z.writestr("many/data/%d" % i, struct.pack("<6f", *range(i, i + 6)))
    z.writestr("many/version", "3\n")
PY
exits convert_pth_of_many_tensors 0 zt convert many.pth -o many.safetensors
exits convert_pth_of_many_tensors_info 0 zt info many.safetensors
holds convert_pth_of_many_tensors_has_them "$tmp/out" "tensors      300"
exits info_of_pth 3 zt info "$top/test/golden/pth/model.pth"
holds info_of_pth_says_what_to_do "$tmp/err" "zoetrope convert makes safetensors of it"

# ---- LoRA ----
cp "$top/test/golden/lora-diffusers/lora.safetensors" lora.safetensors
exits lora_of_another_model 3 zt generate -m "$model" -p "a red ball rolls" --lora lora.safetensors:0.5 --size 64x32 --frames 1 \
    --steps 1 -o lora.y4m
holds lora_of_another_model_is_named "$tmp/err" "it is of another model"
exits lora_that_is_not_there 4 zt generate -m "$model" -p "a red ball rolls" --lora none.safetensors -o lora.y4m
exits lora_for_no_expert 2 zt generate -m "$model" -p "a red ball rolls" --lora lora.safetensors@high -o lora.y4m
holds lora_for_no_expert_says_so "$tmp/err" "there is one transformer, no high or low"
exits lora_too_strong 2 zt generate -m "$model" -p "a red ball rolls" --lora lora.safetensors:900 -o lora.y4m
