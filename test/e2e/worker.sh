# Workers on other machines, as processes: one film goes through a kill, a server that is started again, a worker that
# sleeps beyond its lease and one that ends in good order, and has the bits of a film that nobody disturbed.
. test/e2e/lib.sh

if grep -q 'SERVE=0\|NET=0' "$BUILD/flags.txt" || ! have_media || ! command -v curl >/dev/null; then
    echo "skip worker: needs libmicrohttpd, SQLite, libcurl, FFmpeg and curl"
    exit 0
fi
fixture "$tmp/models/fixture"
export ZOETROPE_MODELS=$tmp/models
lease=2
short='{"prompt":"a red ball rolls","size":"48x32","steps":2,"frames":5,"seed":3}'
long='{"prompt":"a red ball rolls","size":"96x64","steps":1000,"frames":73,"seed":3}'

serve() { # DATA ADDRESS OPTION...: sets server and url
    data=$tmp/$1
    address=$2
    shift 2
    rm -f "$tmp/serve" # of the one before
    "$ZOETROPE" serve --listen "$address" --data "$data" --drain 0 --lease $lease "$@" >"$tmp/serve" 2>"$tmp/err" &
    server=$!
    serves_at "$tmp/serve" || not_ok worker_server_starts "$(cat "$tmp/err")"
}
worker() { # NAME OPTION...: sets worker; its log is $tmp/NAME.log
    "$ZOETROPE" worker --server "$url" --data "$tmp/w-$1" --name "$1" --threads 1 "${@:2}" 2>>"$tmp/$1.log" &
    worker=$!
}
ask() { curl -s -m 20 -H 'Content-Type: application/json' "$@"; }
film() { ask "$url/v1/videos" -d "$1" | field id; }
has_status() { [ "$(ask "$url/v1/videos/$1" | field status)" = "$2" ]; }
logged() { grep -q "\"$2\"" "$tmp/$1.log" 2>/dev/null; }
step() { (cd "$data/work" && stat -c %Y%s%i "${1#video_}.job/step" 2>/dev/null); }
journal_is_whole() { (cd "$data/work" && test -e "${1#video_}.job/job.json"); } # the last of its three files
step_is_new() { now=$(step "$1") && [ "$now" != "$2" ]; }
sha() { ask "$url/v1/videos/$1" | field sha256; }
done_soon() { until_true 400 has_status "$1" completed; }
check() { if "${@:2}"; then ok "$1"; else not_ok "$1" "$(tail -qn 3 "$tmp"/*.log)"; fi; }

exits worker_needs_a_server 2 "$ZOETROPE" worker
exits worker_address_is_none 2 "$ZOETROPE" worker --server ftp://localhost --data "$tmp/w"
exits worker_name_is_none 2 "$ZOETROPE" worker --server http://localhost --name a/b --data "$tmp/w"
exits worker_key_file_is_missing 4 "$ZOETROPE" worker --server http://localhost --key-file "$tmp/none" --data "$tmp/w"

# ---- what the server's own thread draws is the measure ----
"$ZOETROPE" -p "a red ball" --size 48x32 --steps 1 --seed 5 -m fixture -o "$tmp/given.png" >/dev/null 2>&1
picture=$(base64 -w0 "$tmp/given.png")
refused=$(printf '{"prompt":"a red ball rolls","size":"48x32","steps":2,"frames":5,"seed":4,"input_reference":"data:image/png;base64,%s"}' "$picture")
drawn=$(printf '{"prompt":"a red ball","n":2,"size":"48x32","steps":4,"seed":4,"image":"%s","image_fidelity":0.5}' "$picture")
pictures() { ask "$url/v1/images/generations" -d "$drawn" | field task_id | sed 's/^/video_/'; }
message() { ask "$url/v1/videos/$1" | field message; }
serve data 127.0.0.1:0
short_id=$(film "$short") drawn_id=$(pictures) refused_id=$(film "$refused") long_id=$(film "$long")
check worker_measure_is_drawn done_soon "$long_id"
short_sha=$(sha "$short_id") drawn_sha=$(sha "$drawn_id") long_sha=$(sha "$long_id") says=$(message "$refused_id")
check worker_measure_is_one test -n "$short_sha" -a -n "$drawn_sha" -a -n "$long_sha" -a -n "$says"
kill -TERM $server && wait $server

# ---- many films, two workers, keys ----
printf '{"keys":[{"tenant":"ann","key":"client-0123456789"}],"workers":[{"name":"w","key":"worker-0123456789"}]}' >"$tmp/keys"
serve keyed 127.0.0.1:0 --workers 0 --keys "$tmp/keys"
worker stranger
wait $worker
same worker_without_a_key_ends $? 2
printf 'worker-0123456789\n' >"$tmp/key"
worker one --key-file "$tmp/key" && one=$worker
ZOETROPE_WORKER_KEY=worker-0123456789 worker two && two=$worker
ask() { curl -s -m 20 -H 'Content-Type: application/json' -H 'Authorization: Bearer client-0123456789' "$@"; }
ids=$(for _ in 1 2 3 4 5 6 7 8; do film "$short"; done)
drawn_id=$(pictures) refused_id=$(film "$refused")
for id in $ids $drawn_id; do done_soon "$id" || not_ok worker_many "$id"; done
same worker_many_have_the_same_bits "$(for id in $ids; do sha "$id"; done | sort -u)" "$short_sha"
same worker_pictures_come_along "$(sha "$drawn_id")" "$drawn_sha"
until_true 90 has_status "$refused_id" failed
same worker_says_why_it_fails "$(message "$refused_id")" "$says"
check worker_both_drew eval 'logged one film-delivered && logged two film-delivered'
exits worker_folder_is_one_workers 4 "$ZOETROPE" worker --server "$url" --data "$tmp/w-one"
kill -TERM $one $two
wait $one
same worker_ends_well $? 0
wait $two
kill -TERM $server && wait $server
ask() { curl -s -m 20 -H 'Content-Type: application/json' "$@"; }

# ---- one film, and all that may happen to it ----
serve data 127.0.0.1:0 --workers 0
id=$(film "$long")
worker a && a=$worker
slow_down $a
check worker_step_is_sent until_true 90 step_is_new "$id" ""
until_true 90 journal_is_whole "$id"
kill -KILL $a
wait $a 2>/dev/null
worker b && b=$worker
slow_down $b
check worker_another_goes_on until_true 90 logged b job-continued
check worker_steps_are_taken eval '! logged a step-not-sent'
at=$(step "$id")
kill -KILL $server
wait $server 2>/dev/null
serve data "${url#http://}" --workers 0
check worker_outlives_the_server until_true 90 step_is_new "$id" "$at"
check worker_keeps_its_job eval '! logged b job-lost'
let_go $b
kill -STOP $b
worker c && c=$worker
slow_down $c
check worker_asleep_loses_its_job until_true 90 logged c job-continued
kill -CONT $b
check worker_late_is_refused until_true 90 logged b job-lost
let_go $c
kill -TERM $b $c
wait $b $c
check worker_drains logged c job-released
same worker_leaves_nothing "$(find "$tmp"/w-[bc] -name '*.job' -o -name '*.mp4' -o -name '*.png' | wc -l)" 0
check worker_job_waits has_status "$id" queued
worker d && d=$worker
check worker_film_is_done done_soon "$id"
same worker_film_has_the_same_bits "$(sha "$id")" "$long_sha"
check worker_went_on_for_all logged d job-continued
same worker_server_keeps_no_steps "$(find "$data/work" -mindepth 1 | wc -l)" 0

# ---- a device that hangs: here a picture that goes to a pipe that nobody reads ----
kill -TERM $d && wait $d
worker g --stall 1 && g=$worker
slow_down $g
id=$(film "$long") hung=$(film "$short")
until_true 90 has_status "$id" in_progress
mkfifo "$tmp/w-g/preview/${hung#video_}.png.tmp.$g"
ask -X POST "$url/v1/videos/$id/cancel" >/dev/null
let_go $g
until_true 120 eval '! kill -0 $g 2>/dev/null' && wait $g
same worker_that_hangs_ends $? 5
holds worker_says_that_it_hangs "$tmp/g.log" "cannot be interrupted"
worker g && g=$worker # as systemd does it, in the same folder
check worker_after_it_draws_the_film done_soon "$hung"
same worker_film_that_hung_has_the_same_bits "$(sha "$hung")" "$short_sha"
kill -TERM $g && wait $g
worker d && d=$worker

# ---- cancel, and a model that is another ----
slow_down $d
id=$(film "$long")
until_true 90 has_status "$id" in_progress
ask -X POST "$url/v1/videos/$id/cancel" >/dev/null
check worker_cancels until_true 90 logged d job-cancelled
let_go $d
check worker_cancelled has_status "$id" failed
kill -TERM $d && wait $d
ZOETROPE_MODELS='' worker e -m "$PWD/model" && e=$worker
check worker_of_another_model_says_so until_true 90 grep -q 'drawn by fixture' "$tmp/e.log"
kill -TERM $e && wait $e
kill -TERM $server && wait $server

# ---- https, with an authority of our own ----
certificate() { # NAME SUBJECT-ALTERNATIVE-NAME
    openssl req -new -newkey rsa:2048 -nodes -keyout "$tmp/$1.key" -subj /CN=films -out "$tmp/$1.csr" &&
        printf 'subjectAltName=%s\n' "$2" >"$tmp/$1.ext" &&
        openssl x509 -req -in "$tmp/$1.csr" -CA "$tmp/ca.pem" -CAkey "$tmp/ca.key" -CAcreateserial -days 2 \
            -extfile "$tmp/$1.ext" -out "$tmp/$1.pem"
} >/dev/null 2>&1
if ! command -v openssl >/dev/null || ! command -v python3 >/dev/null; then
    echo "skip worker_tls: needs openssl and python3"
else
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$tmp/ca.key" -subj "/CN=an authority of our own" -days 2 -out "$tmp/ca.pem" >/dev/null 2>&1
    certificate right IP:127.0.0.1
    certificate wrong DNS:other.example
    serve tls 127.0.0.1:0 --workers 0
    plain=$url
    python3 test/e2e/tls_proxy.py "${url##*:}" "$tmp/right.pem" "$tmp/right.key" "$tmp/wrong.pem" "$tmp/wrong.key" >"$tmp/ports" 2>/dev/null &
    proxy=$!
    until_true 10 test -s "$tmp/ports"
    read -r right wrong <"$tmp/ports"
    url=https://127.0.0.1:$right worker unknown && unknown=$worker
    url=https://127.0.0.1:$wrong SSL_CERT_FILE=$tmp/ca.pem worker elsewhere && elsewhere=$worker
    check worker_tls_unknown_authority_is_refused until_true 10 logged unknown server-not-reached
    check worker_tls_other_host_is_refused until_true 10 logged elsewhere server-not-reached
    holds worker_tls_says_how_to_trust "$tmp/unknown.log" "certificate is not trusted"
    holds worker_tls_names_the_variable "$tmp/unknown.log" "SSL_CERT_FILE"
    holds worker_tls_says_which_host "$tmp/elsewhere.log" "127.0.0.1'"
    url=$plain
    id=$(film "$short")
    sleep 2
    check worker_tls_nobody_else_draws has_status "$id" queued
    same worker_tls_says_it_once "$(grep -c server-not-reached "$tmp/unknown.log")" 1
    url=https://127.0.0.1:$right SSL_CERT_FILE=$tmp/none.pem worker missing && missing=$worker
    check worker_tls_missing_file_is_named until_true 10 grep -q "SSL_CERT_FILE: $tmp/none.pem" "$tmp/missing.log"
    url=https://127.0.0.1:$right SSL_CERT_FILE=$tmp/ca.pem worker trusting && trusting=$worker
    url=$plain
    check worker_tls_draws done_soon "$id"
    same worker_tls_film_has_the_same_bits "$(sha "$id")" "$short_sha"
    kill -TERM $unknown $elsewhere $missing $trusting $proxy $server
    wait $unknown $elsewhere $missing $trusting $proxy $server
fi

# ---- the shipped model ----
unset ZOETROPE_MODELS
serve real 127.0.0.1:0 --workers 0
worker f && f=$worker
id=$(film '{"prompt":"a red ball rolls from the left","steps":2,"frames":5,"seed":3}')
check worker_real_film done_soon "$id"
"$ZOETROPE" -p "a red ball rolls from the left" --steps 2 --frames 5 --seed 3 -o "$tmp/real.mp4" >/dev/null 2>&1
same worker_real_film_is_the_commands "$(sha "$id")" "$(sha256sum "$tmp/real.mp4" | cut -d' ' -f1)"
kill -TERM $f $server
wait
