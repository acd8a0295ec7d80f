#!/bin/sh
# The camera: asked for, drawn, measured; the motion brush from files; what is wrong with either.
. test/e2e/lib.sh

film=y4m
have_media && film=mp4
quick="--size native --frames 17 --seed 1 --steps 6"

# --- a camera that is known
exits world 0 "$ZOETROPE" world --world story -n 1 --size 112x64 --frames 17 -p "a girl stands on a lawn, pan left" -o "$tmp/w" --format y4m
exits truth 0 "$ZOETROPE" measure --camera "$tmp/w/0.y4m" --request "pan left"
holds truth_is_said "$tmp/out" "; in truth -"
holds request_is_met "$tmp/out" "the right way"
exits request_is_not_met 1 "$ZOETROPE" measure --camera "$tmp/w/0.y4m" --request "pan right"
exits request_of_an_orbit 2 "$ZOETROPE" measure --camera "$tmp/w/0.y4m" --request "orbit left"
exits request_of_nonsense 2 "$ZOETROPE" measure --camera "$tmp/w/0.y4m" --request "sideways"
exits camera_of_nothing 2 "$ZOETROPE" measure --camera

# --- one that is asked for
# shellcheck disable=SC2086
{
    exits panned 0 "$ZOETROPE" generate -p "a girl stands on a lawn, zoom out" --camera "pan left" $quick -o "$tmp/pan.$film" --json
    holds the_request_counts "$tmp/out" "; camera panleft"
    exits pan_is_seen 0 "$ZOETROPE" measure --camera "$tmp/pan.$film" --request "pan left" --json
    holds pan_is_asked_in_the_recipe "$tmp/out" '"asked": {"pan": -5'
    exits too_far 2 "$ZOETROPE" generate -p x --camera "pan left 11" $quick -o "$tmp/no.$film"
    holds too_far_says_what_is_allowed "$tmp/err" "from 0 to 10"
    exits two_of_simple 2 "$ZOETROPE" generate -p x --camera '{"type":"simple","config":{"pan":1,"roll":1}}' $quick -o "$tmp/no.$film"
    holds two_of_simple_say_so "$tmp/err" "exactly one"
    exits not_taught 0 "$ZOETROPE" generate -p "a red ball rolls" --camera "tilt up" --size native --frames 5 --seed 1 --steps 1 -o "$tmp/no.$film"
    holds not_taught_is_said "$tmp/err" "follow no tiltup"
}

# --- the brush: what stands is no other picture
printf 'P6 8 8 255\n' >"$tmp/above.ppm"
head -c 48 /dev/zero | tr '\0' '\377' >>"$tmp/above.ppm"
head -c 144 /dev/zero >>"$tmp/above.ppm"
echo '{"static_mask": "above.ppm"}' >"$tmp/still.json"
# shellcheck disable=SC2086
{
    exits unbrushed 0 "$ZOETROPE" generate -p "a girl stands on a lawn" --camera static $quick --seed 3 -o "$tmp/free.$film"
    exits brushed_still 0 "$ZOETROPE" generate -p "a girl stands on a lawn" --camera static $quick --seed 3 --brush "$tmp/still.json" -o "$tmp/still.$film"
}
exits against_unbrushed 0 "$ZOETROPE" measure --against "$tmp/free.$film" "$tmp/still.$film"
psnr=$(sed -n 's/.*PSNR \([0-9]*\).*/\1/p' "$tmp/out")
if [ "${psnr:-0}" -ge 25 ]; then ok brushed_still_is_the_same_picture; else not_ok brushed_still_is_the_same_picture "$psnr dB"; fi

# --- and what goes
printf 'P6 8 8 255\n' >"$tmp/mask.ppm"
head -c 96 /dev/zero | tr '\0' '\377' >>"$tmp/mask.ppm"
head -c 96 /dev/zero >>"$tmp/mask.ppm"
cat >"$tmp/brush.json" <<'END'
{"dynamic_masks": [{"mask": "mask.ppm", "trajectories": [{"x": 1, "y": 4}, {"x": 5, "y": 4}]}]}
END
# shellcheck disable=SC2086
{
    exits brushed 0 "$ZOETROPE" generate -p "a girl stands on a lawn" --brush "$tmp/brush.json" --motion 0.5 $quick --steps 2 -o "$tmp/brush.$film" --json
    hash=$(grep -o '"frame_hash": "[0-9a-f]*"' "$tmp/out" | tail -n 1)
    rm "$tmp/mask.ppm"
    exits brushed_again 0 "$ZOETROPE" generate --again "$tmp/brush.$film" -o "$tmp/again.$film" --json
    same brushed_again_is_the_same "$(grep -o '"frame_hash": "[0-9a-f]*"' "$tmp/out" | tail -n 1)" "$hash"
    exits mask_is_gone 4 "$ZOETROPE" generate -p x --brush "$tmp/brush.json" $quick -o "$tmp/no.$film"
    echo '{"dynamic_masks": []}' >"$tmp/brush.json"
    exits brush_of_nothing 2 "$ZOETROPE" generate -p x --brush "$tmp/brush.json" $quick -o "$tmp/no.$film"
    holds brush_of_nothing_names_fields "$tmp/err" "static_mask"
}
