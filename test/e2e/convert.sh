# zoetrope convert: the model of this tree in two bytes a weight, then in one, and films of both.
. test/e2e/lib.sh

zt() { "$ZOETROPE" "$@"; }
source=$PWD/model
film="--seed 3 --size native --steps 8 --frames 17"
bytes_of() { find "$1" -name '*.safetensors' -exec cat {} + | wc -c; }
fact() { zt info "$1" --json | sed -n 's/.*"'"$2"'": "\([^"]*\)".*/\1/p'; }
cd "$tmp" || exit 1

exits to_two_bytes 0 zt convert "$source" -o two --weights bf16
source=$tmp/two
exits no_folder 2 zt convert "$source"
exits wrong_type 2 zt convert "$source" -o small --weights int4
holds wrong_type_says_what_is_allowed "$tmp/err" "int8, bf16, f32"
exits no_model 3 zt convert nowhere -o small
exits to_bytes 0 zt convert "$source" -o small
holds to_bytes_says_the_sizes "$tmp/out" "small: "
same nothing_else_is_left "$(ls)" "$(printf 'err\nout\nsmall\ntwo')"
same card_is_copied "$(cksum <small/CARD.md)" "$(cksum <"$source/CARD.md")"
was=$(bytes_of "$source") is=$(bytes_of small)
[ $((is * 100)) -lt $((was * 54)) ] && ok half_the_size || not_ok half_the_size "$is of $was bytes"
case $(fact small weights) in I8*F32*) ok info_says_the_type ;; *) not_ok info_says_the_type "$(fact small weights)" ;; esac
same info_says_the_same_parameters "$(fact small parameters)" "$(fact "$source" parameters)"
exits info_weights 0 zt info small --weights
holds info_weights_are_bytes "$tmp/out" "blocks.0.attn1.to_q.weight                               I8 "
exits exists 4 zt convert "$source" -o small
exits overwrite 0 zt convert "$source" -o small -y

exits film 0 zt "a red ball rolls from left to right" --model "$source" $film -o wide.y4m
exits film_of_bytes 0 zt "a red ball rolls from left to right" --model ./small $film -o small.y4m
exits films_compare 0 zt measure small.y4m --against wide.y4m
psnr=$(sed -n 's/.*PSNR \([0-9]*\).*/\1/p' "$tmp/out")
[ "${psnr:-0}" -ge 40 ] && ok the_film_is_nearly_the_same || not_ok the_film_is_nearly_the_same "$(cat "$tmp/out")"

# --- one file
weights=$(find "$source" -path '*transformer*' -name '*.safetensors')
exits file 0 zt convert "$weights" -o file.gguf
holds file_says_its_size "$tmp/out" "file.gguf: "
holds file_says_how_far_it_is "$tmp/err" "(100%)"
exits file_to_a_folder 2 zt convert "$weights" -o folder
holds file_to_a_folder_says_what_can_be "$tmp/err" ".safetensors or .gguf"
