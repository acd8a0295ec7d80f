# zoetrope parity as its users meet it: exit codes, one line per output, folders that are not whole.
. test/e2e/lib.sh

golden=test/golden
parity() { "$ZOETROPE" parity "$@"; }
without() { # FILE: a copy of a case that lacks it
    rm -rf "$tmp/case"
    cp -r $golden/umt5 "$tmp/case"
    rm "$tmp/case/$1"
}

exits agrees 0 parity $golden/umt5
holds a_line_for_each_output "$tmp/out" "last_hidden_state"
exits agrees_in_bf16 0 parity $golden/umt5 --type bf16
exits many_folders 0 parity $golden/umt5 $golden/flow-euler $golden/randn
exits above_the_tolerance 1 parity $golden/umt5 --tol 1e-12
holds above_the_tolerance_says_which "$tmp/out" "FAILED"
exits one_of_many_is_wrong 1 parity $golden/umt5 $golden/flow-euler --tol 1e-12
exits no_folder 3 parity "$tmp/nowhere"
holds no_folder_is_named "$tmp/err" "nowhere"
for file in config.json model.safetensors inputs.safetensors outputs.safetensors; do
    without $file
    exits "without_$file" 3 parity "$tmp/case"
    holds "without_${file}_says_so" "$tmp/err" "$file"
done
without config.json
echo '{"_class_name": "AutoencoderKLMochi"}' >"$tmp/case/config.json"
exits not_supported 3 parity "$tmp/case"
holds not_supported_is_named "$tmp/err" "AutoencoderKLMochi"
exits no_arguments 2 parity
exits wrong_type 2 parity $golden/umt5 --type f16
exits wrong_tolerance 2 parity $golden/umt5 --tol nan
exits help 0 parity -h
