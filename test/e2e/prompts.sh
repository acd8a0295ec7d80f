# Many films out of one file of prompts: what a line may say, what is refused before anything is
# drawn, films that are there, films that fail.
. test/e2e/lib.sh

fixture "$tmp/models/fixture"
export ZOETROPE_MODELS=$tmp/models
quick="--size native --steps 2 --frames 5"
zt() { "$ZOETROPE" generate $quick "$@"; }
cd "$tmp" || exit 1
count() { grep -c -- "$1" "$2"; }
hash_of() { sed -n '/"stage": "done", "film": '"$1"',/s/.*"frame_hash": "\([0-9a-f]*\)".*/\1/p' "$tmp/out"; }

# --- films, with what the command line says as a default
printf '\357\273\277{"prompt": "a red ball rolls", "output": "a.y4m"}\r\n\n' >two.jsonl
printf '{"zoetrope": 1, "prompt": "a blue box falls", "seed": 7, "output": "b.y4m", "steps": 1}' >>two.jsonl
exits films 0 zt --prompts two.jsonl --seed 5 --json
cp "$tmp/out" films.out
same films_are_two "$(count '"stage": "done"' films.out)" 2
holds films_know_their_line films.out '"stage": "done", "film": 2, "films": 2, "line": 3'
same films_say_each_name_once "$(grep '"stage": "done"' films.out | grep -o '"film":' | wc -l)" 2
holds films_are_counted films.out '"drawn": 2, "there": 0, "failed": 0, "left": 0'
first=$(hash_of 1) second=$(hash_of 2)
exits film_alone 0 "$ZOETROPE" "a red ball rolls" $quick --seed 5 -o alone.y4m
cmp -s alone.y4m a.y4m && ok film_is_that_of_its_options || not_ok film_is_that_of_its_options differs
exits film_of_its_line 0 "$ZOETROPE" "a blue box falls" --size native --frames 5 --steps 1 --seed 7 -o alone2.y4m
cmp -s alone2.y4m b.y4m && ok film_of_its_line_is_equal || not_ok film_of_its_line_is_equal differs
[ "$first" != "$second" ] && [ ${#first} = 64 ] && ok films_differ || not_ok films_differ "$first"
exits films_without_names 0 zt --prompts <(printf '{"seed": 31}\n{"seed": 32}\n') -p "a red ball"
[ -s zoetrope-31.mp4 -o -s zoetrope-31.y4m ] && ok films_are_called_after_seeds || not_ok films_are_called_after_seeds "$(ls)"
holds films_say_which "$tmp/err" "film 2 of 2"

# --- refused before the first one
refused() { # NAME STATUS TEXT LINES
    printf "$4" >bad.jsonl
    exits "$1" "$2" zt --prompts bad.jsonl
    holds "$1_says_so" "$tmp/err" "$3"
    holds "$1_draws_nothing" "$tmp/err" "nothing was drawn"
    [ -e x.y4m ] && not_ok "$1_leaves_nothing" x.y4m || ok "$1_leaves_nothing"
}
good='{"prompt": "a red ball", "output": "x.y4m"}\n'
refused bad_json 2 "bad.jsonl:2: " "$good"'{"prompt": }\n'
refused bad_object 2 "bad.jsonl:2: an object" "$good"'["a red ball"]\n'
refused bad_option 2 'did you mean "steps"' "$good"'{"prompt": "a", "stpes": 2}\n'
refused bad_value 2 "bad.jsonl:3: settings: steps \"0\" is not allowed: 1 to 1000" "$good"'\n{"prompt": "a ball", "steps": 0}\n'
refused bad_words 2 "bad.jsonl:2: prompt: nothing to draw" "$good"'{"seed": 3}\n'
refused bad_model 2 "bad.jsonl:2: model: all films" "$good"'{"prompt": "a ball", "model": "other"}\n'
refused bad_picture 4 "bad.jsonl:2: " "$good"'{"prompt": "a ball", "first_frame": "nowhere.png"}\n'
refused bad_stream 2 "bad.jsonl:2: output: " "$good"'{"prompt": "a ball", "output": "-"}\n'
refused same_output 2 "bad.jsonl:2: output: ./x.y4m is the film of line 1" "$good"'{"prompt": "a ball", "output": "./x.y4m"}\n'
refused same_seed 2 "is the film of line 1 as well" '{"prompt": "a", "seed": 1}\n{"prompt": "b", "seed": 1}\n'
refused exists 4 "bad.jsonl:2: a.y4m exists already" "$good"'{"prompt": "a ball", "output": "a.y4m"}\n'
printf "$good"'{"steps": 0}\n{"prompt": "a", "steps": 0}\n' >bad.jsonl
exits all_that_is_wrong 2 zt --prompts bad.jsonl
same all_that_is_wrong_is_said "$(count 'bad.jsonl:[23]: settings: steps' "$tmp/err")" 2
exits no_file 4 zt --prompts nowhere.jsonl
printf '\n \n' >empty.jsonl
exits no_line 2 zt --prompts empty.jsonl
exits skip_alone 2 zt -p "a ball" --skip-existing -o y.y4m
exits skip_takes_no_value 2 zt --prompts two.jsonl --skip-existing=1

# --- films that are there
before=$(cksum <a.y4m)
printf '{"prompt": "a red ball rolls", "output": "a.y4m"}\n{"prompt": "a ball", "output": "c.y4m"}\n' >three.jsonl
exits there 0 zt --prompts three.jsonl --skip-existing
holds there_says_so "$tmp/err" "a.y4m is there already"
holds there_is_counted "$tmp/err" "1 drawn, 1 there already"
same there_is_untouched "$(cksum <a.y4m)" "$before"
exits there_with_y 0 zt --prompts three.jsonl --skip-existing -y
same there_with_y_is_untouched "$(cksum <a.y4m)" "$before"
exits there_all 0 zt --prompts three.jsonl --skip-existing --json
holds there_all_is_counted "$tmp/out" '"drawn": 0, "there": 2'
head -c 3000 a.y4m >c.y4m # cut in its first frame or later
exits there_but_cut 4 zt --prompts three.jsonl --skip-existing
holds there_but_cut_says_so "$tmp/err" "three.jsonl:2: c.y4m exists already"
exits there_but_cut_is_replaced 0 zt --prompts three.jsonl --skip-existing -y
same there_but_cut_is_whole "$(wc -c <c.y4m)" "$(wc -c <a.y4m)"
same there_is_still_untouched "$(cksum <a.y4m)" "$before"

# --- one that fails, after the checks: its folder goes while the first one is drawn
mkdir gone
printf '{"prompt": "a ball", "output": "d.y4m", "steps": 1000}\n{"prompt": "a ball", "output": "gone/e.y4m"}\n{"prompt": "a box", "output": "f.y4m"}\n' >fails.jsonl
"$ZOETROPE" generate $quick --prompts fails.jsonl >out 2>err &
pid=$!
slow_down $pid
until_true 60 test -e d.part.y4m
rmdir gone
let_go $pid
wait $pid
same failed_status $? 11
holds failed_is_named err "fails.jsonl:2: gone/e.y4m"
holds failed_is_counted err "2 drawn, 1 failed"
[ -s f.y4m ] && ok failed_does_not_stop_the_others || not_ok failed_does_not_stop_the_others "$(cat err)"

# --- a fault of all of them: no more disk; and Ctrl-C
mkdir disk
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=4k none disk 2>err; then
    trap 'umount "$tmp/disk"; rm -rf "$tmp"' EXIT
    printf '{"prompt": "a ball", "output": "disk/g.y4m"}\n{"prompt": "a ball", "output": "disk/h.y4m"}\n' >full.jsonl
    exits common_status 4 zt --prompts full.jsonl
    holds common_stops "$tmp/err" "0 drawn, 1 failed, 1 not begun"
fi
printf '{"prompt": "a ball", "output": "i.y4m", "steps": 1000, "frames": 1001}\n{"prompt": "a ball", "output": "j.y4m"}\n' >stop.jsonl
"$ZOETROPE" generate $quick --prompts stop.jsonl >out 2>err &
pid=$!
until_true 60 test -e i.part.y4m
kill -INT $pid
wait $pid
same stopped_status $? 130
holds stopped_is_counted err "0 drawn, 2 not begun"
