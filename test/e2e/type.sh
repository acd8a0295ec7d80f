# --type of `generate`: the shipped model (bytes with a scale for each row, computed in bf16) is drawn as ever unless another type is
# asked for; a film in that type is another one and nearly the same, is made again from its recipe, and what is no type is refused.
. test/e2e/lib.sh

zt() { "$ZOETROPE" "$@"; }
cd "$tmp" || exit 1
film="--seed 3 --size native --steps 8 --frames 17"

# near TYPE LEAST: in dB. Rounding alone, bf16 against f32, is at 54 dB on such films; int8 was seen at 48 to 52, q8_0 (stored bytes
# rounded once more) at 54, q4_0 at 42: 4 dB are left for another CPU's order of sums.
near() {
    exits "film_$1" 0 zt "a red ball rolls from left to right" $film --type "$1" -o "$1.y4m"
    exits "compare_$1" 0 zt measure "$1.y4m" --against auto.y4m
    db=$(sed -n 's/.*PSNR \([0-9]*\).*/\1/p' "$tmp/out")
    [ "${db:-0}" -ge "$2" ] && ok "near_$1" || not_ok "near_$1" "$(cat "$tmp/out")"
    cmp -s auto.y4m "$1.y4m" && not_ok "another_film_$1" "the same bytes" || ok "another_film_$1"
}

exits film_auto 0 zt "a red ball rolls from left to right" $film -o auto.y4m
near int8 44
near q8_0 50
near q4_0 36
holds recipe_says_int8 int8.y4m.json '"type": "int8"'
exits again 0 zt --again int8.y4m -o again.y4m
cmp -s int8.y4m again.y4m && ok again_is_the_same || not_ok again_is_the_same "frames differ"
exits one_thread 0 zt "a red ball rolls from left to right" $film --type int8 --threads 1 -o one.y4m
cmp -s int8.y4m one.y4m && ok threads_do_not_matter || not_ok threads_do_not_matter "frames differ"
exits unknown 2 zt "a red ball" --type int4
holds unknown_says_what_is_allowed "$tmp/err" 'type "int4" is not allowed: auto, bf16, f32, int8, q8_0, q4_0'
