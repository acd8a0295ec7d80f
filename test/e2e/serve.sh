# The service as a program: started, asked by curl, ended by SIGTERM in the middle of a film, started again.
. test/e2e/lib.sh

if grep -q 'SERVE=0' "$BUILD/flags.txt" || ! have_media || ! command -v curl >/dev/null; then
    echo "skip serve: needs libmicrohttpd, SQLite, FFmpeg and curl"
    exit 0
fi
fixture "$tmp/models/fixture"
export ZOETROPE_MODELS=$tmp/models
wish='{"prompt":"a red ball rolls","size":"48x32","steps":1,"frames":5,"seed":3}'

start() { # sets server and url
    rm -f "$tmp/serve" # of the one before
    "$ZOETROPE" serve --listen 127.0.0.1:0 --data "$tmp/data" --drain 0 --log "$tmp/log" "$@" >"$tmp/serve" 2>"$tmp/err" &
    server=$!
    serves_at "$tmp/serve" || not_ok start "$(cat "$tmp/err")"
}
ask() { curl -s -m 20 -H 'Content-Type: application/json' "$@"; }
is_now() { now=$(ask "$url/v1/videos/$1" | field status) && [ "$now" = "$2" ]; }
wait_for() { # ID STATUS
    until_true 90 is_now "$@"
    echo "$now"
}

exits serve_public_needs_keys 2 "$ZOETROPE" serve --listen 0.0.0.0:0 --data "$tmp/public"
holds serve_public_says_so "$tmp/err" "--keys"
exits serve_unknown_option 2 "$ZOETROPE" serve --port 1
exits serve_number_out_of_range 2 "$ZOETROPE" serve --drain -1

start
same serve_data_is_private "$(find "$tmp/data" -perm /077 | wc -l)" 0
same serve_health "$(ask "$url/healthz" | field status)" ok
id=$(ask "$url/v1/videos" -d "$wish" | field id)
same serve_film "$(wait_for "$id" completed)" completed
curl -s -o "$tmp/film.mp4" "$url/v1/videos/$id/content"
exits serve_film_is_whole 0 "$ZOETROPE" measure "$tmp/film.mp4"
exits serve_film_has_its_recipe 0 "$ZOETROPE" info "$tmp/film.mp4"
holds serve_film_recipe_has_the_prompt "$tmp/out" "a red ball rolls"
exits serve_one_server_for_a_folder 4 "$ZOETROPE" serve --listen 127.0.0.1:0 --data "$tmp/data"

long=$(ask "$url/v1/videos" -d '{"prompt":"a ball rolls","steps":500,"seconds":20}' | field id)
next=$(ask "$url/v1/videos" -d "$wish" | field id)
same serve_long_runs "$(wait_for "$long" in_progress)" in_progress
kill -TERM $server
wait $server
same serve_sigterm_is_no_failure $? 0
start
same serve_next_is_there "$(ask "$url/v1/videos/$next" | field id)" "$next"
ask -X POST "$url/v1/videos/$long/cancel" >/dev/null
same serve_next_is_drawn "$(wait_for "$next" completed)" completed
same serve_same_film "$(ask "$url/v1/videos/$next" | field sha256)" "$(ask "$url/v1/videos/$id" | field sha256)"
kill -KILL $server
wait $server 2>/dev/null
start
same serve_after_kill "$(ask "$url/v1/videos/$next" | field status)" completed
kill -TERM $server
wait $server
holds serve_log_is_json "$tmp/log" '"event": "started"'

# A film that hangs in the kernel (its picture goes to a pipe that nobody reads) ends alone; what hangs cannot be interrupted.
start --stall 1 --lease 0.6
ask "$url/v1/videos" -d '{"prompt":"a ball rolls","steps":500,"seconds":20}' >"$tmp/out"
hangs=$(ask "$url/v1/videos" -d "$wish" | field id)
mkfifo "$tmp/data/preview/${hangs#video_}.png.tmp.$server"
ask -X POST "$url/v1/videos/$(field id <"$tmp/out")/cancel" >/dev/null
same serve_hanging_film_fails "$(wait_for "$hangs" failed)" failed
same serve_hanging_film_is_named "$(ask "$url/v1/videos/$hangs" | field code)" E_STALLED
same serve_health_says_that_it_hangs "$(ask "$url/healthz" | field status)" worker-stalled
holds serve_log_says_that_it_hangs "$tmp/log" '"event": "film-stalled"'
kill -TERM $server
wait $server
same serve_ends_although_a_film_hangs $? 0
holds serve_log_says_what_was_not_interrupted "$tmp/log" 'cannot be interrupted'
start
same serve_hanging_film_stays_failed "$(wait_for "$hangs" failed)" failed
kill -TERM $server
wait $server

# SIGHUP: keys are read again and the log is opened anew; a bad file changes nothing. A server that ends lives, but is not to be asked.
keys() { printf '{"keys":[{"tenant":"ann","key":"%s"}]}' "$1" >"$tmp/keys"; }
code() { curl -s -m 20 -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $1" "$url$2"; }
code_is() { [ "$(code "$1" "$2")" = "$3" ]; }
keys first-key-of-ann-1
start --keys "$tmp/keys" --drain 20
long=$(ask -H 'Authorization: Bearer first-key-of-ann-1' "$url/v1/videos" -d '{"prompt":"a ball rolls","steps":900,"seconds":20}' | field id)
mv "$tmp/log" "$tmp/log.1"
keys other-key-of-ann-2
kill -HUP $server
until_true 20 code_is other-key-of-ann-2 /v1/videos 200
same serve_reload_takes_keys "$(code first-key-of-ann-1 /v1/videos)$(code other-key-of-ann-2 /v1/videos)" 401200
holds serve_reload_is_logged_in_the_new_log "$tmp/log" '"event": "reloaded"'
keys short
kill -HUP $server
until_true 20 grep -q reload-failed "$tmp/log"
same serve_bad_keys_change_nothing "$(code other-key-of-ann-2 /v1/videos)$(code short /v1/videos)" 200401
holds serve_bad_keys_say_why "$tmp/log" 'key: 16 characters or more'
holds serve_bad_keys_are_on_stderr "$tmp/err" 'what it said before holds'
same serve_reload_drops_nothing "$(ask -H 'Authorization: Bearer other-key-of-ann-2' "$url/v1/videos/$long" | field status)" in_progress
kill -TERM $server
until_true 20 code_is x /readyz 503
same serve_lives_while_it_ends "$(code x /healthz)" 200
ask -X POST -H 'Authorization: Bearer other-key-of-ann-2' "$url/v1/videos/$long/cancel" >/dev/null
wait $server
same serve_ends_after_that $? 0
