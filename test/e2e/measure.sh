# zoetrope measure: films of anyone, and a list of prompts on a model of random weights.
. test/e2e/lib.sh

fixture "$tmp/models/fixture"
export ZOETROPE_MODELS=$tmp/models
zt() { "$ZOETROPE" "$@"; }
list="--model fixture --prompts prompts.txt --steps 1 --frames 5 --guidance 1"
cd "$tmp" || exit 1

# --- films
exits world_clip 0 zt world -n 1 -o clips --format y4m --size 224x128 --frames 17 \
    -p "a large blue ball rolls from right to left alone, static camera"
film=$(echo clips/*.y4m)
exits film 0 zt measure "$film"
holds film_is_seen "$tmp/out" "blue ball left"
exits film_as_expected 0 zt measure "$film" --expect "ball left"
exits film_not_as_expected 1 zt measure "$film" --expect "red ball left"
exits film_json 0 zt measure "$film" --json
holds film_json_says_what "$tmp/out" '"seen": "blue ball left"'
cp "$film" story.y4m
printf '{"zoetrope": 1, "prompt": "an astronaut on the moon"}' >story.y4m.json
exits film_of_another_world 0 zt measure story.y4m
holds film_of_another_world_is_named "$tmp/err" 'words of the world "story"'
exits film_missing 4 zt measure nowhere.y4m
exits unknown_expectation 2 zt measure "$film" --expect "pink ball"
holds unknown_expectation_is_named "$tmp/err" '"pink"'

# --- words that keep their things
exits exchange 0 zt measure --exchange --model fixture --count 2 --steps 1 --frames 5 --guidance 1
holds exchange_counts_pairs "$tmp/out" "of 2 pairs"
exits exchange_json 0 zt measure --exchange --model fixture --count 1 --steps 1 --frames 5 --json
holds exchange_json_says_what "$tmp/out" '"median_psnr"'
exits exchange_of_too_many 2 zt measure --exchange --model fixture --count 1500

# --- does a mover keep its velocity
exits velocity 0 zt measure --velocity --count 4 --frames 13 --columns renders
holds velocity_of_renders "$tmp/out" "renders         0.0"
holds velocity_of_a_ball_that_stops "$tmp/out" "stands still    2."
exits velocity_of_a_model 0 zt measure --velocity --count 1 --frames 9 --steps 1 --guidance 1 \
    --model fixture --columns model --json
holds velocity_of_a_model_is_json "$tmp/out" '"over_half_a_second"'
exits velocity_of_odd_frames 2 zt measure --velocity --columns renders --frames 12
holds velocity_of_odd_frames_says_which "$tmp/err" '"12", --velocity takes 9, 13 .. 41'
exits velocity_is_kept 0 zt measure --velocity --count 2 --frames 9 --columns renders --out balls
cp "$tmp/out" first
head -c $(($(wc -c <balls/balls.jsonl) - 20)) balls/balls.jsonl >cut # killed while it wrote
cp cut balls/balls.jsonl
exits velocity_goes_on 0 zt measure --velocity --count 2 --frames 9 --columns renders --out balls
same velocity_goes_on_to_the_same "$(cat "$tmp/out")" "$(cat first)"
holds velocity_repeats_one_ball "$tmp/err" "1/1"
exits velocity_of_other_settings 2 zt measure --velocity --count 2 --frames 13 --columns renders --out balls
exits velocity_of_films 2 zt measure --velocity "$film"
exits velocity_of_none 2 zt measure --velocity --count 0

# --- films that are given a picture
first="zt measure --first-frame --model fixture --steps 1 --guidance 1 --frames 5"
exits first_frame 0 $first --count 2
holds first_frame_beside_the_codec "$tmp/out" "difference"
holds first_frame_on_end "$tmp/out" "portrait, model"
exits first_frame_json 0 $first --count 2 --json --out first_frames
for key in codec_alone difference within_1_db refused against_render against_first portrait; do
    holds "first_frame_json_$key" "$tmp/out" "\"$key\""
done
cp "$tmp/out" first
exits first_frame_goes_on 0 $first --count 2 --json --out first_frames
same first_frame_goes_on_to_the_same "$(cat "$tmp/out")" "$(cat first)"
exits first_frame_of_another_seed 2 $first --count 2 --json --out first_frames --seed 3
exits first_frame_of_odd_frames 2 $first --frames 6
holds first_frame_of_odd_frames_says_which "$tmp/err" '"6", --first-frame takes 5, 9 .. 41'
exits first_frame_of_size 2 $first --size 64x64
exits first_frame_of_films 2 zt measure --first-frame "$film"
exits seed_of_a_list 2 zt measure --seed 3 "$film"

# --- a list
printf 'red ball right\tA red ball rolls to the right\nblue box left\t蓝色方块向左滑动\n' >prompts.txt
exits list_missing 4 zt measure --model fixture --prompts nowhere.txt
printf 'red ball right A ball\n' >bad.txt
exits list_broken 3 zt measure --model fixture --prompts bad.txt
holds list_broken_names_the_line "$tmp/err" "line 1"
exits renders_need_no_model 0 zt measure --columns renders --prompts prompts.txt --frames 17
holds renders_are_right "$tmp/out" "100.0 %"
holds renders_have_a_seam_measure "$tmp/out" ", seam "
# shellcheck disable=SC2086
{
    exits list 0 zt measure $list --out run
    holds list_prints_columns "$tmp/out" "shuffled"
    cp run/films.jsonl first.jsonl
    same list_logs_each_film "$(wc -l <first.jsonl)" 7
    # killed while it wrote the last line
    head -c $(($(wc -c <first.jsonl) - 20)) first.jsonl >run/films.jsonl
    exits list_goes_on 0 zt measure $list --out run --json
    same list_repeats_one_film "$(wc -l <run/films.jsonl)" 7
    same list_same_figures "$(head -n 6 run/films.jsonl)" "$(head -n 6 first.jsonl)"
    holds list_json "$tmp/out" '"model"'
    holds list_json_says_how_squares_show "$tmp/out" '"seam"'
    exits list_of_other_settings 2 zt measure $list --count 2 --steps 2 --out run
}
