# zoetrope doctor: which model a folder holds, what is wrong with it, what it needs.
. test/e2e/lib.sh

zt() { "$ZOETROPE" "$@"; }
fixture "$tmp/model"
cd "$tmp" || exit 1

exits whole 0 zt doctor model
holds whole_names_the_model out "fixture, a model directory of zoetrope"
holds whole_names_the_parts out "transformer/diffusion_pytorch_model.safetensors"
holds whole_forecasts_memory out "  memory "
holds whole_measures_a_step out "measured: 1 of 5 blocks"
holds whole_says_the_command out "zoetrope generate -p 'a red ball rolls from left to right' -m model"
if grep -q "$(printf '\033')" out; then not_ok plain_when_piped "colours"; else ok plain_when_piped; fi
ZOETROPE=$ZOETROPE sh -c "$(sed -n 's/^  run  *zoetrope/exec "$ZOETROPE"/p' out) -o said.y4m --steps 1 --seed 1" >/dev/null 2>err </dev/null
[ -s said.y4m ] && ok the_command_draws || not_ok the_command_draws "$(tail -n 1 err)"
exits json 0 zt doctor model --json --quick
holds json_is_an_object out '"status": 0}'
holds quick_runs_nothing out '"seconds_per_step": null'
exits deep 0 zt doctor model --deep --quick
holds deep_looked out "all are finite"

mkdir -p "it's here" && cp -r model "it's here/"
exits odd_name 0 zt doctor "it's here/model" --quick
holds odd_name_is_quoted out "-m 'it'\\''s here/model'"

exits nothing_there 3 zt doctor nowhere
mkdir empty
exits no_model 3 zt doctor empty
exits wrong_option 2 zt doctor model --shallow
exits no_file 4 zt doctor model/model_index.json nowhere.gguf

rm -r model/vae
exits missing 3 zt doctor model
holds missing_says_what out "the vae is missing: folder vae"
if grep -q "^  run" out; then not_ok missing_has_no_command "there is one"; else ok missing_has_no_command; fi
printf 'version https://git-lfs.github.com/spec/v1\n' >model/transformer/diffusion_pytorch_model.safetensors
exits pointer 3 zt doctor model
holds pointer_is_named out "Git LFS pointer"
exits file_alone 0 zt doctor "it's here/model/transformer/diffusion_pytorch_model.safetensors"
holds file_alone_is_known out "WanTransformer3DModel"
