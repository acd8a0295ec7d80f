# The program as its users meet it, on a model of random weights: help, exit codes, prompts, options,
# films, recipes, JSON, stopping.
. test/e2e/lib.sh

fixture "$tmp/models/fixture"
export ZOETROPE_MODELS=$tmp/models
zt() { "$ZOETROPE" "$@"; }
quick="--size native --steps 2 --frames 5"
cd "$tmp" || exit 1
BUILD_HAS_MEDIA=0
(cd "$OLDPWD" && have_media) && BUILD_HAS_MEDIA=1
figure() { sed -n '$s/.*"'"$1"'": "\{0,1\}\([^",}]*\).*/\1/p' "$tmp/out"; } # of the last JSON line

# --- help and usage
exits help 0 zt --help
exits help_of_no_command 2 zt help nothing
holds help_of_no_command_says_which "$tmp/err" "generate resume live"
exits help_again 0 zt help
holds help_names_exit_codes "$tmp/out" "6 does not fit into memory"
exits version 0 zt --version
exits no_arguments 2 zt
for c in generate live world train measure parity info convert serve bench; do
    exits "help_$c" 0 zt $c --help
    same "help_of_$c" "$(zt help $c)" "$(cat "$tmp/out")"
    holds "help_lists_$c" "$tmp/out" "$c"
done
manual=$OLDPWD/doc/zoetrope.1
missing=
for word in $(zt generate --help | grep -o -- '--[a-z-]*[a-z]' | sort -u); do
    sed 's/\\//g' "$manual" | grep -q -- "$word" || missing="$missing $word"
done
same manual_page_has_all_options "$missing" ""
exits bare_word 2 zt mesure
holds bare_word_names_the_nearest "$tmp/err" '"measure"'
exits bare_word_after_generate 2 zt generate ball
exits words_without_quotes 2 zt a red ball rolls
for dash in —steps "“a" －－steps; do
    exits "no_word_$dash" 2 zt generate "$dash" 4 $quick -o dash.y4m
done
exits unknown_option 2 zt -p "a ball" --stpes 4
holds unknown_option_names_the_nearest "$tmp/err" '"steps"'
for c in "generate -p ball" "resume" "live -p ball"; do
    exits "unknown_option_at_the_end_of_${c%% *}" 2 zt $c --stpes
    holds "unknown_option_at_the_end_of_${c%% *}_is_said" "$tmp/err" "no option"
done
for c in train parity measure bench; do
    exits "unknown_option_at_the_end_of_$c" 2 zt $c --stpes
    holds "unknown_option_at_the_end_of_${c}_is_said" "$tmp/err" "stpes"
    same "unknown_option_at_the_end_of_${c}_wants_nothing" "$(grep -c "wants a value" "$tmp/err")" 0
done
exits models_that_are_not_there 4 zt -p "a ball" --models nowhere
exits list_that_is_not_there 2 zt measure
holds list_that_is_not_there_says_how "$tmp/err" "--prompts FILE names a list"
exits option_without_value 2 zt -p "a ball" --steps
exits option_out_of_range 2 zt -p "a ball" --steps 0
holds option_says_what_is_allowed "$tmp/err" "1 to 1000"
exits two_prompts 2 zt "a red ball rolls" "a blue box falls"
holds two_prompts_says_so "$tmp/err" "second prompt"
exits label_apart 2 zt "a red ball rolls" --label "ACME AI"
holds label_apart_says_how "$tmp/err" '--label="ACME AI"'
exits blank_prompt 2 zt -p "  　 "
exits flag_with_value 2 zt "a red ball" --json=1
holds flag_with_value_says_so "$tmp/err" "--json takes no value"
exits no_prompt 2 zt generate --steps 2
exits unknown_ending 2 zt -p "a ball" $quick -o film.avi
exits model_missing 3 zt -p "a ball" --model nowhere
holds model_missing_says_where "$tmp/err" "$tmp/models"
exits folder_missing 4 zt -p "a ball" $quick -o nowhere/film.y4m
exits vram_of_a_cpu 2 zt "a red ball" $quick --vram 8G -o x.y4m
holds vram_of_a_cpu_names_the_other_limit "$tmp/err" "vram: cpu has no memory of its own; ram limits it"
exits does_not_fit 6 zt -p "a ball" --ram 64M --size 4096x2304 -o film.y4m
holds does_not_fit_says_what_there_is "$tmp/err" "there are 64.0 MiB"

# --- prompts
exits sentence 0 zt "a red ball rolls" $quick -o sentence.y4m
exits sentence_chinese 0 zt 一个红球从左边滚来 $quick -o chinese.y4m
exits chinese_word 0 zt 太空人 $quick -o one_chinese.y4m
exits chinese_word_of_generate 0 zt generate 太空人 $quick -o one_chinese.y4m -y
exits word_with_an_accent 0 zt générique $quick -o accent.y4m
exits chinese_word_live 0 zt live 太空人 --frames 5 --for 0.1 -o -
exits one_word_with_p 0 zt -p ball $quick -o word.y4m
printf 'a red ball\nrolls\n' >prompt.txt
exits prompt_file 0 zt -p @prompt.txt $quick -o file.y4m
exits words_behind_dashes 0 zt $quick -o dashes.y4m -- "a red ball rolls"
head -c 70000 /dev/zero | tr '\0' a >long.txt
exits prompt_file_too_long 2 zt -p @long.txt -o film.y4m
printf 'a red ball\r\n' >crlf.txt
exits prompt_file_of_windows 0 zt -p @crlf.txt $quick -o crlf.y4m
exits prompt_file_of_windows_info 0 zt info crlf.y4m
holds prompt_file_of_windows_is_clean "$tmp/out" '"a red ball"'
exits prompt_file_missing 4 zt -p @nowhere.txt $quick -o film.y4m
printf 'a "red" $ball' | zt -p - $quick -o stdin.y4m >out 2>err
same prompt_stdin $? 0
exits recipe_of_stdin 0 zt info stdin.y4m
holds prompt_stdin_is_kept "$tmp/out" 'a \"red\" $ball'
exits unknown_words 0 zt "a red ball frobnicates" $quick -o unknown.y4m
holds unknown_words_are_named "$tmp/err" frobnicates

html=$("$ZOETROPE" -p '&quot;a red&nbsp;ball&quot; rolls from left to right' $quick --seed 5 -o html.y4m --json 2>err | tail -n 1 | grep -o '"canonical_prompt": "[^"]*"')
same prompt_of_a_web_page "$html" "$(zt "a red ball rolls from left to right" $quick --seed 5 -o plain.y4m --json 2>err | tail -n 1 | grep -o '"canonical_prompt": "[^"]*"')"
cp -r models/fixture models/plain
sed -i 's/"text": "canonical"/"text": "plain"/; s/"fixture"/"plain"/' models/plain/model_index.json
exits long_prompt 0 zt "$(printf 'a red ball rolls and %.0s' $(seq 400)) the end" --model plain $quick -o much.y4m
holds long_prompt_says_where_it_ends "$tmp/err" "note: the prompt is longer than the"

# --- files
exits default_name 0 zt "a red ball" $quick --seed 77
ls zoetrope-77.* >/dev/null 2>&1 && ok default_name_holds_the_seed || not_ok default_name_holds_the_seed "$(ls)"
before=$(cksum <sentence.y4m)
exits exists 4 zt "a blue box" $quick -o sentence.y4m
same exists_is_untouched "$(cksum <sentence.y4m)" "$before"
exits name_too_long 4 zt "a red ball" $quick -o "$(printf 'a%.0s' $(seq 240)).y4m"
grep -q sampling "$tmp/err" && not_ok name_too_long_before_sampling "$(cat "$tmp/err")" || ok name_too_long_before_sampling
"$ZOETROPE" "a red ball" --size native --steps 1000 --seconds 60 -o held.y4m >/dev/null 2>&1 &
pid=$!
until_true 60 test -s held.part.y4m
exits held 4 zt "a blue box" $quick -o held.y4m
holds held_says_so "$tmp/err" "held.part.y4m: is being written already"
kill -TERM $pid
wait $pid
exits overwrite 0 zt "a blue box" $quick -o sentence.y4m -y
exits film_on_stdout 0 zt "a red ball" $quick --seed 5 -o - --json
same film_on_stdout_is_y4m "$(head -c 9 "$tmp/out")" YUV4MPEG2
same film_on_stdout_json_on_stderr "$(tail -n 1 "$tmp/err" | head -c 1)" "{"
"$ZOETROPE" "a red ball" $quick -o - 2>err >/dev/full
same disk_full $? 4
"$ZOETROPE" "a red ball" --frames 201 --steps 1 -o - 2>err | head -c 100 >/dev/null
same closed_pipe "${PIPESTATUS[0]}" 4

# closed streams: what is said to people must not get into the film
for closed in 1 2; do
    case $closed in
    1) zt "a red ball" $quick -o closed.y4m -y --json >&- 2>err ;;
    2) zt "a red ball" $quick -o closed.y4m -y >out 2>&- ;;
    esac
    exits film_with_stream_${closed}_closed 0 zt info closed.y4m
    holds film_with_stream_${closed}_closed_is_whole "$tmp/out" "5 frames"
    same film_with_stream_${closed}_closed_size "$(wc -c <closed.y4m)" "$(wc -c <sentence.y4m)"
done
zt info --words >/dev/full 2>err
same output_that_did_not_arrive $? 4

# --- the same film
for n in 1 2 3 8; do
    zt "a red ball rolls" $quick --seed 5 --threads $n -o threads.y4m -y --json >out 2>err
    hashes=$(figure frame_hash).$(figure latent_hash)
    [ $n = 1 ] && first=$hashes
    same "same_film_with_${n}_threads" "$hashes" "$first"
done
same film_hash_is_a_hash ${#first} 129
[ "$(grep -c '^{.*}$' out)" = "$(grep -c . out)" ] && ok json_lines || not_ok json_lines "$(grep -v '^{.*}$' out | head -n 1)"
[ "$(grep -c '"stage": "sampling"' out)" -ge 2 ] && ok json_progress || not_ok json_progress "$(cat out)"
for key in seed width height frames fps steps memory_bytes forecast_s seconds output model_hash peak_rss_bytes; do
    [ -n "$(figure $key)" ] && ok "json_has_$key" || not_ok "json_has_$key" "$(tail -n 1 out)"
done
same json_plan_waits_for_no_hash "$(grep '"stage": "plan"' out | grep -c -e model_hash -e recipe)" 0
exits json_failure 4 zt "a red ball" $quick -o threads.y4m --json
holds json_failure_says_so "$tmp/out" '"code": 4'
exits again 0 zt generate --again threads.y4m -o again.y4m --json
same again_is_the_same "$(figure frame_hash).$(figure latent_hash)" "$first"
zt "a red ball rolls" $quick --seed 5 --guidance 1 -o one.y4m --json >out 2>err
one=$(figure frame_hash)
zt "a red ball rolls" $quick --seed 5 --guidance 0.5 -o less.y4m --json >out 2>err
same guidance_below_one_is_none "$(figure frame_hash)" "$one"
exits cache 0 zt "a red ball rolls" --size native --frames 5 --steps 12 --seed 5 --cache easy:10 --cache-check -o cache.y4m --json
cached=$(figure frame_hash)
holds cache_is_counted "$tmp/out" '"evaluations": 12, "skipped_evaluations": 9'
holds cache_says_its_error "$tmp/out" '"cache_error": 0.'
exits cache_recipe 0 zt info cache.y4m
holds cache_stands_in_the_recipe "$tmp/out" '"skipped_evaluations": 9'
exits cache_again 0 zt generate --again cache.y4m -o cache2.y4m --json
same cache_again_is_the_same "$(figure frame_hash)" "$cached"
exits cache_unknown 2 zt "a red ball" $quick --cache deltacache -o x.y4m
holds cache_unknown_names_them "$tmp/err" "easy, mag, taylor, tea or tea-retain"
exits cache_of_another_model 2 zt "a red ball" $quick --cache tea -o x.y4m
holds cache_of_another_model_is_named "$tmp/err" "was fitted to Wan2.1 T2V 1.3B"
exits cache_check_of_nothing 2 zt "a red ball" $quick --cache-check -o x.y4m
exits fps_as_a_fraction 0 zt "a red ball" $quick --seed 5 --fps 24000/1001 -o ntsc.y4m
same fps_as_a_fraction_is_in_the_file "$(head -n 1 ntsc.y4m | grep -o ' F[0-9:]*')" " F24000:1001"
exits fps_again 0 zt generate --again ntsc.y4m -o ntsc2.y4m
same fps_again_is_the_same "$(head -n 1 ntsc2.y4m | grep -o ' F[0-9:]*')" " F24000:1001"
exits fps_of_no_film 2 zt "a red ball" $quick --fps 100/3 -o x.y4m
holds fps_says_what_is_allowed "$tmp/err" "24000/1001"
exits seconds 0 zt "a red ball" $quick --seed 5 --seconds 1.3 --fps 24 -o seconds.y4m --json
seconds=$(figure frame_hash)
same seconds_are_kept "$(figure frames)" 31
same seconds_are_at_that_rate "$(head -c 80 seconds.y4m | grep -ao 'F24:1')" F24:1
exits repeated 0 zt generate --again seconds.y4m --interpolate repeat -o repeated.y4m --json
same repeated_has_as_many "$(figure frames)" 31
exits interpolate_unknown 2 zt "a red ball" $quick --interpolate blur -o x.y4m
holds interpolate_unknown_names_them "$tmp/err" "motion, repeat"
exits seconds_again 0 zt generate --again seconds.y4m -o seconds2.y4m --json
same seconds_again_are_the_same "$(figure frame_hash)" "$seconds"
echo YUV4MPEG2 broken >broken.y4m
exits again_of_a_broken_film 3 zt generate --again broken.y4m -o x.y4m
holds again_of_a_broken_film_is_named "$tmp/err" "broken.y4m"
exits bare 0 zt "a red ball" $quick --no-metadata -o bare.y4m
exits bare_has_no_recipe 0 zt info bare.y4m
holds bare_says_so "$tmp/out" "no recipe"
exits again_of_a_bare_film 3 zt generate --again bare.y4m -o x.y4m
exits recipe 0 zt info threads.y4m
grep -qF "$tmp" out && not_ok recipe_without_paths "$(cat out)" || ok recipe_without_paths

# --- the model has changed
cp -r models/fixture models/changed
sed -i 's/"release": "test"/"release": "test 2"/; s/"fixture"/"changed"/' models/changed/model_index.json
exits again_with_another_model 0 zt generate --again threads.y4m --model changed -o other.y4m
holds again_names_the_release "$tmp/err" "release test"
mkdir empty
ZOETROPE_MODELS=$tmp/empty exits again_without_its_model 3 zt generate --again threads.y4m --model gone -o x.y4m
holds again_says_which_release "$tmp/err" "release test"
rm -r models/changed

# --- config files
echo '{"zoetrope": 1, "prompt": "a red ball rolls", "seed": 5, "steps": 9, "frames": 5, "size": "native"}' >config.json
exits config 0 zt generate --config config.json --steps 2 -o config.y4m --json
same config_then_command_line "$(figure frame_hash).$(figure latent_hash)" "$first"
echo '{"zoetrope": 2, "prompt": "a red ball"}' >new.json
exits config_newer 3 zt generate --config new.json -o x.y4m
holds config_newer_says_so "$tmp/err" "version 2"
echo '{"zoetrope": 1, "promt": "a red ball"}' >typo.json
exits config_typo 2 zt generate --config typo.json -o x.y4m
holds config_typo_names_the_nearest "$tmp/err" '"prompt"'

echo '{"zoetrope": 1, "prompt": "a red ball", "frames": 5, "steps": 2, "output": "named.y4m"}' >named.json
exits config_output 0 zt generate --config named.json
[ -s named.y4m ] && ok config_names_the_film || not_ok config_names_the_film "$(ls)"
echo '{"zoetrope": 1, "prompt": "a red ball", "frames": 5, "steps": 2, "output": "-"}' >pipe.json
exits config_output_to_stdout 0 zt generate --config pipe.json --json
same config_output_to_stdout_is_y4m "$(head -c 9 "$tmp/out")" YUV4MPEG2
same config_output_to_stdout_json_on_stderr "$(tail -n 1 "$tmp/err" | head -c 1)" "{"

# --- films of strangers
cp sentence.y4m strange.y4m
recipe() { echo "$1" >strange.y4m.json; }
recipe '{"zoetrope": 1, "prompt": "a red ball", "output": "sentence.y4m", "overwrite": true}'
exits recipe_that_names_files 3 zt generate --again strange.y4m
holds recipe_that_names_files_is_refused "$tmp/err" "output"
printf '{"zoetrope": 1, "no JSON \033[31m"' >strange.y4m.json
exits recipe_that_is_no_json 0 zt info strange.y4m --json
holds recipe_that_is_no_json_is_a_comment "$tmp/out" '"comment": "{\"zoetrope'
exits recipe_with_escapes 0 zt info strange.y4m
grep -q "$(printf '\033')" "$tmp/out" && not_ok recipe_with_escapes_is_cleaned "$(cat "$tmp/out")" || ok recipe_with_escapes_is_cleaned

# --- models that do not fit together
cp -r models/fixture models/unfit
sed -i 's/"latent_channels": [0-9]*/"latent_channels": 3/' models/unfit/vae/config.json
exits unfit_model 3 zt "a red ball" --model models/unfit -o x.y4m
holds unfit_model_says_so "$tmp/err" "must be equal"
rm models/unfit/vae/*.safetensors
exits unreadable_model 4 zt "a red ball" --model models/unfit -o x.y4m
exits unreadable_model_info 4 zt info models/unfit
rm -r models/unfit

# --- stopping
"$ZOETROPE" "a red ball" --frames 2001 --steps 1 --size 640x480 -o long.y4m >out 2>err &
pid=$!
has_frames() { [ "$(head -c 9999 long.part.y4m 2>/dev/null | wc -c)" = 9999 ]; }
until_true 120 has_frames
kill -INT $pid
wait $pid
same interrupted $? 130
[ -s long.part.y4m ] && [ ! -e long.y4m ] && ok interrupted_leaves_the_part || not_ok interrupted_leaves_the_part "$(ls)"
exits interrupted_part_reads 0 zt info long.part.y4m

# a file that may not grow is an error of a write, not a death
exits file_size_limit 4 bash -c "ulimit -f 2; exec '$ZOETROPE' generate -p 'a red ball' $quick --seed 1 -o limit.y4m"
holds file_size_limit_says_so "$tmp/err" "File too large"

# --- info and world
exits info_model 0 zt info
holds info_model_name "$tmp/out" fixture
exits info_words 0 zt info --words
holds info_words_lists "$tmp/out" "红色"
exits info_weights 0 zt info --weights
holds info_weights_lists "$tmp/out" "blocks.0.attn1.to_q.weight"
exits info_json 0 zt info threads.y4m --json
holds info_json_recipe "$tmp/out" '"recipe": {"zoetrope": 1'
exits info_nothing 3 zt info nothing-here
exits info_film_that_is_not_there 4 zt info no/film.mp4
holds info_film_that_is_not_there_is_no_model "$tmp/err" "no/film.mp4: no such file"
exits world 0 zt world -n 2 -o clips --frames 3 --size 64x48 --format y4m --seed 4
[ -s clips/4.y4m ] && [ -s clips/5.y4m ] && ok world_clips || not_ok world_clips "$(ls clips)"
holds world_truth clips/4.json '"canonical"'
exits world_exists 4 zt world -n 1 -o clips --frames 3 --size 64x48 --format y4m --seed 4
exits world_wish 0 zt world -n 3 --captions -p "a blue box falls"
same world_wish_is_granted "$(grep -c 'blue box' "$tmp/out")" 3
exits world_list 0 zt world --list
holds world_list_names "$tmp/out" physics
exits world_sheet 0 zt world --sheet sheet.ppm --size 32x16 --columns 3
same world_sheet_rows "$(wc -l <"$tmp/out") $(grep -c 'moves left.*leftward' "$tmp/out")" "9 1"
same world_sheet_size "$(head -c 10 sheet.ppm | tr '\n' ' ')" "P6 100 160"
exits world_sheet_of_a_wish 0 zt world --sheet wish.ppm --size 32x16 -n 2 -p "a blue box falls"
same world_sheet_of_a_wish_size "$(head -c 10 wish.ppm | tr '\n' ' ')" "P6 202 34 "
exits world_sheet_too_large 2 zt world --sheet wish.ppm --size 4096x4096
exits world_sheet_without_time 2 zt world --sheet wish.ppm --frames 1
exits world_unknown 2 zt world --world fysics --list
holds world_unknown_names_them "$tmp/err" "physics"
exits world_bad_number 2 zt world -n 0 -o clips
exits world_without_folder 2 zt world -n 1

# --- a picture of each step
exits preview 0 zt "a red ball rolls" $quick --seed 5 --preview soon.ppm -o seen.y4m --json
same preview_same_film "$(figure frame_hash).$(figure latent_hash)" "$first"
same preview_size "$(head -c 3 soon.ppm | tr '\n' ' ')$(sed -n 2p soon.ppm)" "P6 48 32"
same preview_alone "$(ls soon*)" soon.ppm
exits preview_unknown_kind 2 zt "a red ball rolls" $quick --preview soon.txt -o x.y4m
holds preview_unknown_kind_says_which "$tmp/err" ".png"
exits preview_nowhere 4 zt "a red ball rolls" $quick --preview no/soon.ppm -o x.y4m
exits preview_without_terminal 0 zt "a red ball rolls" $quick --preview -o seen.y4m -y
holds preview_without_terminal_says_so "$tmp/err" "no terminal"
same preview_without_terminal_sends_no_codes "$(grep -c "$(printf '\033')" "$tmp/err")" 0
# terminal NAME ANSWER ARGUMENTS: what a terminal got, that answers a question for its abilities so.
terminal() {
    name=$1 answer=$2
    shift 2
    printf "$answer" | timeout 60 script -qec "$ZOETROPE 'a red ball rolls' $quick -o seen.y4m -y $*" "$name" \
        >/dev/null 2>&1
}
if command -v script >/dev/null 2>&1; then
    unset KITTY_WINDOW_ID COLORTERM TERM_PROGRAM
    TERM=xterm-kitty terminal kitty.tty '' --preview
    holds preview_kitty kitty.tty "_Ga=T,q=2,f=24"
    TERM=xterm terminal sixel.tty '\033[?62;4;22c' --preview
    holds preview_sixel_when_the_terminal_says_so sixel.tty '"1;1;'
    TERM=xterm terminal blocks.tty '\033[?62;14;22c' --preview
    holds preview_blocks_else blocks.tty "▀"
    TERM=dumb terminal dumb.tty '' --preview
    holds preview_dumb_terminal_says_so dumb.tty "no terminal that shows pictures"
    TERM=dumb terminal forced.tty '' --preview=blocks
    holds preview_forced forced.tty "▀"
    # A note stands on the line below the picture, cut to its columns, and goes when something is typed.
    { sleep 1; echo "camera: orbit left"; sleep 1.5; echo "camera: sideways"; sleep 1; printf x; sleep 0.5; printf '\177q'; sleep 1; } |
        TERM=xterm timeout 20 script -qec "stty cols 60 rows 24; $ZOETROPE live 'a red ball and a dragon rolls' --frames 9 --steps 1 --for 9" live.tty >/dev/null 2>&1
    holds live_says_what_it_does_not_know live.tty "words that the model does not know: dragon"
    holds live_note_below_the_picture live.tty "$(printf '\033')[Knote: camera: films of this scene"
    holds live_refusal_below_the_picture live.tty "$(printf '\033')[Kzoetrope: camera"
    same live_notes_do_not_wrap "$(tr '\r\033' '\n\n' <live.tty | grep -aoE '(note|zoetrope): .*' | awk 'length > 59' | wc -l)" 0
    same live_notes_go "$(tr '\r\033' '\n\n' <live.tty | grep -a '^\[K> x' | head -1)" "[K> x"
else
    echo "skip previews on a terminal: no script"
fi
exits expand_by_rules 0 zt "a red ball rolls" $quick --expand -o expand.y4m
holds expand_shows_the_prompt "$tmp/err" "prompt: "
exits expand_endpoint_gone 0 zt "a red ball rolls" $quick --expand http://127.0.0.1:9 -o expand.y4m -y
holds expand_endpoint_gone_says_so "$tmp/err" "the prompt is drawn as typed"
exits expand_nonsense 2 zt "a red ball rolls" $quick --expand=maybe -o x.y4m
zt_live() { (sleep 0.3; echo "a blue box falls"; sleep 0.3; echo "camera: pan left"; sleep 2) | "$ZOETROPE" live "a red ball rolls" --frames 9 --steps 2 "$@" >live.y4m; }
exits live 0 zt_live -o - --for 1.5
same live_is_36_frames "$(grep -ao FRAME live.y4m | wc -l)" 36
holds live_says_how_it_went "$tmp/err" "wishes"
exits live_without_terminal 2 zt live "a red ball rolls" --frames 9
holds live_without_terminal_says_what_does "$tmp/err" "-o -"
exits live_into_a_file 2 zt live "a red ball rolls" -o a.mp4
exits live_too_long_a_window 2 zt live "a red ball rolls" --frames 99 -o -
exits label 0 zt "a red ball rolls" --steps 2 --frames 5 --label -o label.y4m
exits label_unknown_character 2 zt "a red ball rolls" $quick '--label=A!' -o x.y4m
holds label_unknown_character_says_what_is "$tmp/err" "AI-GENERATED"
exits draft 0 zt "a red ball rolls" --size native --frames 5 --draft --steps 9 --seed 5 -o draft.y4m
exits from_draft 0 zt generate --from-draft draft.y4m -o final.y4m
holds from_draft_says_how_well "$tmp/err" "correlation"
holds plan_says_the_rate "$tmp/err" "5 frames of 48x32 at 8 per second"
same from_draft_is_no_other_version "$(grep -c 'latent differs' "$tmp/err")" 0
printf '[{"prompt":"a red ball","seconds":1},{"prompt":"a blue box","seconds":1}]' >two.json
printf '[{"prompt":"a yellow cone that falls onto its side","seconds":1}]' >one.json # the later list wins
exits film_of_two_shots 0 zt --shots one.json --shots two.json --steps 1 --size native -o two.y4m
exits extend_needs_no_words_of_shots 0 zt --extend two.y4m --seconds 1 --steps 1 --size native -o extended.y4m
exits extend_says_what_it_drew 0 zt info extended.y4m
holds extend_takes_the_last_shots_words "$tmp/out" '"prompt": "a blue box"'
exits from_no_draft 2 zt generate --from-draft final.y4m -o x.y4m
holds from_no_draft_says_so "$tmp/err" "no film of --draft"
if [ $BUILD_HAS_MEDIA = 1 ]; then
    ffmpeg -v error -f lavfi -i sine=d=3 long.wav && ffmpeg -v error -i long.wav long.mp3 && ffmpeg -v error -t 0.25 -i long.wav short.wav
    ffmpeg -v error -f lavfi -i color=d=1 -an mute.mp4
    kept="-p ball --size 96x64 --steps 2 --seconds 1 -y"
    sound() { ffprobe -v error -select_streams a -show_entries stream=codec_name,duration -of csv=p=0 "$1" | sed 's/\(\.[0-9]\).*/\1/'; }
    exits audio 0 zt $kept --audio long.wav -o sound.mp4
    same audio_is_encoded_and_ends_with_the_film "$(sound sound.mp4)" "aac,1.0"
    exits audio_again 0 zt generate --again sound.mp4 -o again.mp4
    same audio_again_has_its_sound "$(sound again.mp4)" "aac,1.0"
    exits audio_copied 0 zt $kept --audio long.mp3 -o sound.mp4
    same audio_copied_as_it_is "$(sound sound.mp4)" "mp3,1.0"
    exits audio_webm 0 zt $kept --audio long.mp3 -o sound.webm
    same audio_webm_has_opus "$(sound sound.webm | cut -d, -f1)" "opus"
    exits audio_short 0 zt $kept --audio short.wav -o sound.mp4
    same audio_short_has_no_silence_behind "$(sound sound.mp4)" "aac,0.2"
    exits audio_of_nothing 3 zt $kept --audio prompt.txt -o x.mp4
    holds audio_of_nothing_is_named "$tmp/err" "prompt.txt"
    exits audio_of_a_mute_film 3 zt $kept --audio mute.mp4 -o x.mp4
    holds audio_of_a_mute_film_says_so "$tmp/err" "no sound in it"
    exits audio_in_a_gif 2 zt $kept --audio long.wav -o x.gif
    same audio_none_unless_asked "$(sound a.mp4 2>/dev/null)" ""
    same audio_refused_leaves_nothing "$(ls x.mp4 x.part.mp4 2>/dev/null)" ""
fi
exits preview_of_many 2 zt generate --prompts prompt.txt --preview soon.ppm

# --- what needs FFmpeg
if [ $BUILD_HAS_MEDIA = 1 ]; then
    exits mp4 0 zt "a red ball rolls" $quick --seed 5 -o film.mp4 --json
    same mp4_same_film "$(figure frame_hash).$(figure latent_hash)" "$first"
    ffmpeg -v error -y -i film.mp4 -c copy copy.mp4 </dev/null
    ffmpeg -v error -y -ss 0.3 -i film.mp4 -c copy cut.mp4 </dev/null # all frames are in it, the first are hidden
    shown=$(ffprobe -v error -count_frames -show_entries stream=nb_read_frames -of csv=p=0 cut.mp4)
    exits cut_film 0 zt info cut.mp4
    holds cut_film_has_the_frames_that_are_seen "$tmp/out" ", $shown frames,"
    exits again_without_recipe 3 zt generate --again prompt.txt -o x.y4m
    exits mp4_copy 0 zt generate --again copy.mp4 -o copied.y4m --json
    same mp4_copy_keeps_the_recipe "$(figure frame_hash).$(figure latent_hash)" "$first"
    for film in sentence.y4m -; do # players and encoders are FFmpeg's: they must read what is written
        zt "a red ball" $quick --seed 5 -o - 2>err | cat - >piped.y4m
        [ $film = - ] || cp sentence.y4m piped.y4m
        ffmpeg -v error -y -i - -f null - <piped.y4m >out 2>err
        same "ffmpeg_reads_$film" "$? $(cat err)" "0 "
    done
    exits png_folder 0 zt "a red ball" $quick -o pictures/
    exits png_folder_exists 4 zt "a red ball" $quick -o pictures/
    given="--seed 5 --first-frame pictures/frame-00000.png"
    exits first_frame_lost 2 zt "a red ball" $quick $given -o lost.y4m # as weights without training do
    holds first_frame_lost_says_so "$tmp/err" "does not go on from this picture"
    holds first_frame_lost_names_the_worlds "$tmp/err" "worlds of its own alone (physics)"
    same first_frame_lost_leaves_nothing "$(ls lost* 2>/dev/null)" ""
    exits first_frame 0 zt "a red ball" $quick $given --force-picture -o from.y4m
    exits first_frame_missing 4 zt "a red ball" $quick --first-frame nowhere.png -o x.y4m
    exits first_frame_again_needs_it 2 zt generate --again from.y4m -o x.y4m
    holds first_frame_again_says_so "$tmp/err" "first-frame"
    exits first_frame_again 0 zt generate --again from.y4m --first-frame pictures/frame-00000.png -o from2.y4m
    # the model that is shipped: a render of its worlds, and squares of black and white
    exits render_of_a_world 0 zt world --world story -n 1 --seed 511 --frames 1 --size 224x128 --format png -o renders
    printf 'P6 224 128 255\n' >squares.ppm
    awk 'BEGIN { for (y = 0; y < 128; y++) for (x = 0; x < 224; x++) {
        c = (int(x / 16) + int(y / 16)) % 2 ? "w" : "b"; printf "%s%s%s", c, c, c } }' |
        LC_ALL=C tr wb '\376\001' >>squares.ppm
    shipped="--model $OLDPWD/model $quick --seed 5"
    exits render_of_a_ball 0 zt world -n 1 --seed 512 --frames 1 --size 224x128 --format png -o renders -p "a red ball rolls to the right"
    exits first_frame_of_its_worlds 0 zt "a red ball rolls to the right" $shipped --steps 8 --first-frame renders/512/frame-00000.png -o own.y4m
    pixels() { ffmpeg -nostdin -v error -i "$1" -f rawvideo -pix_fmt rgb24 - | cksum; }
    exits render_goes_on 0 zt world -n 1 --seed 512 --frames 5 --size 224x128 --format y4m -o renders -y -p "a red ball rolls to the right"
    for detail in 0 1; do # of what goes on from a picture, or from a film
        exits detail_$detail 0 zt "a red ball rolls to the right" $shipped --steps 8 --size native --first-frame renders/512/frame-00000.png --picture-detail $detail -y -o own$detail/
        exits extend_detail_$detail 0 zt "a red ball rolls to the right" $shipped --steps 8 --extend renders/512.y4m --picture-detail $detail -y -o longer$detail/
    done
    same first_frame_is_the_picture "$(pixels own1/frame-00000.png)" "$(pixels renders/512/frame-00000.png)"
    for frame in own0/frame-00000 own0/frame-00002 longer0/frame-00005; do
        exits "detail_is_seen_$frame" 1 cmp -s $frame.png ${frame/0/1}.png
    done
    exits words_left_open_are_looked_for 0 zt "somebody walks" $shipped --first-frame renders/511/frame-00000.png --force-picture -y -o own.y4m
    same what_was_seen_is_said_once "$(grep -c 'the picture shows' "$tmp/err")" 1
    same what_was_seen_is_said_first "$(awk '/the picture shows|^sampling/ { print $1; exit }' "$tmp/err")" note:
    exits first_frame_from_outside 2 zt "a red ball" $shipped --first-frame squares.ppm -o outside.y4m
    exits first_frame_from_outside_forced 0 zt "a red ball" $shipped --first-frame squares.ppm --force-picture -y -o outside.y4m
fi
