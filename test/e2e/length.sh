#!/bin/sh
# Length: 120 seconds in one job take the memory of 5, and how the windows go together is said.
. test/e2e/lib.sh

film=y4m
have_media && film=mp4
quick="--steps 1 --guidance 1 --size native --seed 2 --fps 8" # frames are counted: those that are drawn
figure() {
    tail -n 1 "$tmp/out" | sed -n "s/.*\"$1\": \([0-9.]*\).*/\1/p"
}

# shellcheck disable=SC2086
{
    exits five_seconds 0 "$ZOETROPE" generate -p "waves crash against a cliff" $quick --seconds 5 -o "$tmp/short.$film" --json
    short=$(figure peak_rss_bytes)
    exits two_minutes 0 "$ZOETROPE" generate -p "waves crash against a cliff" $quick --seconds 120 -o "$tmp/long.$film" --json
    long=$(figure peak_rss_bytes)
}
if [ $((20 * (long - short))) -le "$short" ]; then
    ok two_minutes_in_the_memory_of_five_seconds
else
    not_ok two_minutes_in_the_memory_of_five_seconds "$short and $long bytes"
fi
holds two_minutes_say_their_joins "$tmp/out" '"joins": [{"frame": 41, '
holds two_minutes_say_what_drifts "$tmp/out" '"slope_per_minute": {"color": '

exits measure_joins 0 "$ZOETROPE" measure --joins "$tmp/long.$film" --json
same measure_joins_finds_them_in_the_recipe "$(grep -o '"frame"' "$tmp/out" | wc -l | tr -d ' ')" 26
exits measure_joins_elsewhere 0 "$ZOETROPE" measure --joins "$tmp/short.$film" --at 8,16
holds measure_joins_for_people "$tmp/out" "     1.00 s"
exits measure_joins_nowhere 2 "$ZOETROPE" measure --joins "$tmp/short.$film" --at 16,8
holds measure_joins_names_the_list "$tmp/err" '"16,8"'
exits measure_joins_of_nothing 2 "$ZOETROPE" measure --joins

# --- shots
cat >"$tmp/shots.json" <<'END'
[{"prompt": "a red ball rolls to the right", "seconds": 1, "seed": 3},
 {"prompt": "waves crash against a cliff", "seconds": 1, "camera": "the camera pans left", "join": "cut"}]
END
# shellcheck disable=SC2086
{
    exits shots 0 "$ZOETROPE" generate --shots "$tmp/shots.json" $quick -o "$tmp/shots.$film" --json
    holds shots_are_read "$tmp/out" '"canonical_prompt": "'
    hash=$(grep -o '"frame_hash": "[0-9a-f]*"' "$tmp/out" | tail -n 1)
    exits shots_again 0 "$ZOETROPE" generate --again "$tmp/shots.$film" -o "$tmp/again.$film" --json
    same shots_again_are_the_same "$(grep -o '"frame_hash": "[0-9a-f]*"' "$tmp/out" | tail -n 1)" "$hash"
    exits shots_of_no_file 4 "$ZOETROPE" generate --shots "$tmp/nowhere.json" $quick
    sed 's/"cut"/"fade"/' "$tmp/shots.json" >"$tmp/wrong.json"
    exits shots_with_a_wrong_join 2 "$ZOETROPE" generate --shots "$tmp/wrong.json" $quick
    holds shots_with_a_wrong_join_name_it "$tmp/err" "shot 2"
}

# --- films that go on
# shellcheck disable=SC2086
{
    exits extend 0 "$ZOETROPE" generate --extend "$tmp/short.$film" $quick --seconds 1 -o "$tmp/longer.$film" --json
    holds extend_begins_with_the_film "$tmp/out" '"frames": 48,'
    holds extend_takes_its_words "$tmp/out" '"prompt": "waves crash'
    exits extend_of_nothing 4 "$ZOETROPE" generate -p "a red ball" --extend "$tmp/nowhere.mp4" $quick
    exits loop 0 "$ZOETROPE" generate -p "a red ball" --loop --frames 9 $quick -o "$tmp/loop.$film"
    exits loop_again 0 "$ZOETROPE" generate --again "$tmp/loop.$film" -o "$tmp/loop2.$film"
    exits key_frame_without_a_time 2 "$ZOETROPE" generate -p "a red ball" --key-frame a.png $quick
    holds key_frame_without_a_time_says_how "$tmp/err" SECONDS:FILE
}

# --- what nothing is said of
exits rate_unsaid 0 "$ZOETROPE" generate -p "a red ball" --steps 1 --guidance 1 --size native --frames 5 -o "$tmp/rate.$film" --json
holds rate_unsaid_is_24 "$tmp/out" '"fps": 24'
holds rate_unsaid_shows_pictures_between "$tmp/out" '"frames": 15,'

# --- other kinds of films, pictures
# shellcheck disable=SC2086
{
    exits gif 0 "$ZOETROPE" generate -p "a red ball" $quick --frames 5 -o "$tmp/a.gif"
    same gif_begins_as_one "$(head -c 6 "$tmp/a.gif")" GIF89a
    exits picture 0 "$ZOETROPE" generate -p "a red ball" $quick -o "$tmp/a.ppm"
    exits picture_again 0 "$ZOETROPE" generate --again "$tmp/a.ppm" -o "$tmp/b.ppm"
    same picture_is_the_same "$(cksum <"$tmp/b.ppm")" "$(cksum <"$tmp/a.ppm")"
    exits picture_of_many_frames 2 "$ZOETROPE" generate -p "a red ball" $quick --seconds 1 -o "$tmp/c.ppm"
    exits variants 0 "$ZOETROPE" generate -p "a red ball" $quick -b 2 -o "$tmp/v.ppm"
    same variants_have_numbers "$(ls "$tmp"/v-1.ppm "$tmp"/v-2.ppm | wc -l | tr -d ' ')" 2
    same variants_differ "$(cmp -s "$tmp/v-1.ppm" "$tmp/v-2.ppm" && echo no)" ""
    if have_media; then
        exits webm 0 "$ZOETROPE" generate -p "a red ball" $quick --frames 5 -o "$tmp/a.webm"
        exits webm_again 0 "$ZOETROPE" generate --again "$tmp/a.webm" -o "$tmp/b.gif"
    fi
}
