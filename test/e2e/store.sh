# Two servers, one queue in PostgreSQL: servers are killed and stopped, the database is restarted, and the promises hold.
# STORE_ROUNDS=1000 bash test/e2e/store.sh: by hand.
. test/e2e/lib.sh

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
if grep -q 'SERVE=0\|PG=0' "$BUILD/flags.txt" || ! have_media || ! command -v curl >/dev/null || ! command -v python3 >/dev/null; then
    echo "skip store: needs libmicrohttpd, SQLite, libpq, FFmpeg, curl and python3"
    exit 0
fi
if [ -z "$bin" ]; then
    ok "store # skipped: PostgreSQL is not installed (Debian: postgresql)"
    exit 0
fi

# ---- a cluster of the test's own, as a user that PostgreSQL agrees to run as ----
pg=$(mktemp -d /tmp/zt-pg-XXXXXX)
as=
if [ "$(id -u)" = 0 ]; then
    chown postgres "$pg"
    as="setpriv --reuid=postgres --regid=postgres --clear-groups"
fi
control() { $as "$bin/pg_ctl" -D "$pg/db" -o "-k $pg -h 127.0.0.1 -p $port -c fsync=off" -l "$pg/log" -w "$@" >/dev/null 2>&1; }
sql() { PGOPTIONS='-c client_min_messages=error' PGPASSWORD=geheim "$bin/psql" -qtA -h "$pg" -p "$port" -U zt films -c "$1"; }
port=$((20000 + $$ % 20000))
a= b= proxy=
over() {
    for p in $a $b $proxy; do { kill -CONT "$p"; kill -KILL "$p"; wait "$p"; } 2>/dev/null; done
    control -m immediate stop
    rm -rf "$pg" "$tmp"
}
trap over EXIT
echo geheim >"$pg/password"
chmod 644 "$pg/password"
(cd / && $as "$bin/initdb" -D "$pg/db" -A scram-sha-256 --pwfile="$pg/password" -U zt -N -E UTF8 --locale=C) >"$tmp/initdb" 2>&1 ||
    not_ok store_initdb "$(tail -n 1 "$tmp/initdb")"
control start || not_ok store_starts "$(tail -n 1 "$pg/log")"
PGPASSWORD=geheim "$bin/createdb" -h "$pg" -p "$port" -U zt films

fixture "$tmp/models/fixture"
export ZOETROPE_MODELS=$tmp/models
store=postgresql://zt:geheim@127.0.0.1:$port/films
wish='{"prompt":"a red ball rolls","size":"48x32","steps":1,"frames":1,"seed":3}'

# ---- what is said of a store that is none ----
serve() { "$ZOETROPE" serve --listen 127.0.0.1:0 --data "$tmp/$1" --store "$2" --log "$tmp/$1.log"; }
exits store_bad_address 2 serve x mysql://u:geheim@h/d
exits store_wrong_password 4 serve x "postgresql://zt:falsch@127.0.0.1:$port/films"
holds store_says_why "$tmp/err" "password authentication failed"
same store_tells_no_password "$(grep -c 'falsch\|geheim' "$tmp/err" "$tmp/x.log" 2>/dev/null | cut -d: -f2 | sort -u | tr -d '\n')" 0
exits store_away_at_start 4 serve x "postgresql://zt:geheim@127.0.0.1:1/films"

# ---- two servers; the connections of a lose answers ----
python3 test/e2e/store_proxy.py $((port + 1)) "$port" "$tmp/cuts" >"$tmp/cut" &
proxy=$!
until_true 60 grep -qs ready "$tmp/cut"
store_a=postgresql://zt:geheim@127.0.0.1:$((port + 1))/films store_b=$store
begin() { # NAME: sets NAME to its process and url_NAME
    rm -f "$tmp/cuts"
    rm -f "$tmp/$1.out"
    eval "store=\$store_$1"
    "$ZOETROPE" serve --listen 127.0.0.1:0 --data "$tmp/$1" --store "$store" --lease 1.5 --drain 0 --log "$tmp/$1.log" \
        >"$tmp/$1.out" 2>"$tmp/$1.err" &
    eval "$1=$!"
    serves_at "$tmp/$1.out" || not_ok "store_begin_$1" "$(tail -n 1 "$tmp/$1.err")"
    eval "url_$1=$url"
    [ -z "$cuts" ] || : >"$tmp/cuts"
}
end() { eval "kill -KILL \$$1; wait \$$1" 2>/dev/null; } 2>/dev/null
url_of() { eval "echo \$url_$1"; }
ask() { curl -s -m 10 -H 'Content-Type: application/json' "$@"; }
# A wish under a key, until it is acknowledged by one of the two; its id goes to the list.
order() { # KEY
    for try in $(seq 200); do
        for at in $(if [ $((RANDOM % 2)) = 0 ]; then echo a b; else echo b a; fi); do
            id=$(ask -H "Idempotency-Key: $1" "$(url_of "$at")/v1/videos" -d "$wish" | field id)
            [ -z "$id" ] || { echo "$1 ${id#video_}" >>"$tmp/acknowledged"; return; }
        done
        sleep 0.05
    done
    not_ok store_order "nobody took $1 after $try tries"
}

cuts=
begin a
is() { [ "$("${@:2}")" = "$1" ]; }
until_is() { until_true 90 is "$@"; } # VALUE COMMAND...
# Steps are in the store: a server that is killed half-way is gone on from by another, to the same bits.
half() { ask "$(url_of "$1")/v1/videos" -d '{"prompt":"a red ball rolls","size":"96x64","steps":1000,"frames":41,"seed":3}' | field id; }
steps_kept() { sql "SELECT count(*) FROM zoetrope.kept WHERE job=${film#video_} AND name='job.json'"; }
left() { sql "SELECT (SELECT count(*) FROM zoetrope.kept)+(SELECT count(*) FROM zoetrope.kept_part)"; }
reached() { sql "SELECT count(*) FROM zoetrope.job WHERE id=${film#video_} AND step>=200"; }
film=$(half a)
slow_down "$a" # steps are kept by the second
until_is 1 reached
until_is 1 steps_kept
end a
begin b
slow_down "$b" # its first step must be seen
until_is t sql "SELECT fence=2 AND step>0 FROM zoetrope.job WHERE id=${film#video_}"
first=$(sql "SELECT step>=100 FROM zoetrope.job WHERE id=${film#video_}")
let_go "$b"
until_is completed eval 'ask "$url_b/v1/videos/$film" | field status'
same store_p4_another_server_goes_on "$(grep -c job-continued "$tmp/b.log")" 1
same store_p4_it_does_not_begin_anew "$first" t
"$ZOETROPE" -p "a red ball rolls" --size 96x64 --steps 1000 --frames 41 --seed 3 -m fixture -o "$tmp/whole.mp4" >/dev/null 2>&1
same store_p4_the_film_has_the_same_bits "$(ask "$url_b/v1/videos/$film" | field sha256)" "$(sha256sum "$tmp/whole.mp4" | cut -d' ' -f1)"
same store_steps_go_with_the_film "$(left)" 0
film=$(half b)
slow_down "$b"
until_is 1 steps_kept
ask -X POST "$url_b/v1/videos/$film/cancel" >/dev/null
let_go "$b"
until_is 0 left
same store_steps_go_when_cancelled "$(left)" 0
sql "DELETE FROM zoetrope.job"
begin a
# The test's own eye: each change of a state, in the order in which they became true.
sql "CREATE TABLE seen(n bigserial, job bigint, was text, now text, fence bigint, who int DEFAULT pg_backend_pid());
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS \$\$BEGIN
  INSERT INTO public.seen(job,was,now,fence) VALUES(NEW.id,OLD.state,NEW.state,NEW.fence); RETURN NEW; END\$\$;
CREATE TRIGGER see AFTER UPDATE OF state ON zoetrope.job FOR EACH ROW WHEN (OLD.state<>NEW.state) EXECUTE FUNCTION see()"

# A late worker: stopped for longer than its lease, then woken while it is ahead of the other.
running() { sql "SELECT count(*) FROM zoetrope.job WHERE id=${long#video_} AND state='running' AND fence=$1"; }
state() { sql "SELECT state FROM zoetrope.job WHERE id=${long#video_}"; }
long=$(ask "$url_a/v1/videos" -d '{"prompt":"a ball rolls","size":"96x64","steps":1000,"frames":25,"seed":3}' | field id)
until_is 1 running 1
case $(sql "SELECT owner FROM zoetrope.job WHERE id=${long#video_}") in *"$(cat "$tmp/a/server")"*) who=a late=$a next=$b ;; *) who=b late=$b next=$a ;; esac
slow_down $late
until_true 60 eval 'find "$tmp/$who/work" -path "*${long#video_}.job/step" | grep -q .'
let_go $late
kill -STOP $late
slow_down $next
until_is 1 running 2
kill -CONT $late
until_true 60 grep -qs job-lost "$tmp/$who.log"
let_go $next
until_is succeeded state
same store_p3_the_late_one_has_heard "$(grep -c job-lost "$tmp/$who.log")" 1
same store_p3_another_has_it "$(sql "SELECT fence FROM zoetrope.job WHERE id=${long#video_} AND state='succeeded'")" 2
same store_p3_the_late_one_wrote_nothing "$(sql "SELECT count(DISTINCT who) FROM seen WHERE job=${long#video_} AND fence=2")" 1
long=$(ask "$url_a/v1/videos" -d '{"prompt":"a ball rolls","steps":900,"seconds":20}' | field id)
until_is 1 running 1
# The page of either server can cancel it.
ask -X POST "$(url_of $who)/v1/videos/$long/cancel" >/dev/null
until_is cancelled state
same store_cancelled_from_the_other_server "$(state)" cancelled
same store_p7_same_key_same_job "$(ask -H 'Idempotency-Key: k' "$url_a/v1/videos" -d "$wish" | field id)" \
    "$(ask -H 'Idempotency-Key: k' "$url_b/v1/videos" -d "$wish" | field id)"

# The database is away for a moment: 503, and nobody has to be started anew.
control -m immediate stop
code() { curl -s -m 10 -o /dev/null -w '%{http_code}' "$@"; }
until_is 503 code "$url_a/v1/videos"
same store_away_is_503 "$(code "$url_a/v1/videos")$(code "$url_b/readyz")" 503503
same store_away_is_no_death "$(code "$url_b/healthz")" 200
control start
until_is 200 code "$url_a/v1/videos"
until_is 200 code "$url_b/readyz"
same store_back_is_200 "$(code "$url_a/v1/videos")$(code "$url_b/readyz")" 200200

# ---- the loop ----
rounds=${STORE_ROUNDS:-4}
cuts=yes
: >"$tmp/cuts"
calls=$((rounds * 10))
for i in $(seq $calls); do # an answer that was lost makes no second job
    code "$url_a/v1/videos" -H 'Content-Type: application/json' -d "${wish/3\}/$((1000 + i))\}}" >>"$tmp/codes"
    echo >>"$tmp/codes"
    sleep 0.05
done
RANDOM=${STORE_SEED:-1}
for round in $(seq "$rounds"); do
    { for i in 1 2 3; do order "r$round-$i"; done; } &
    orders=$!
    sleep "0.$((RANDOM % 4))$((RANDOM % 10))"
    who=$(if [ $((RANDOM % 2)) = 0 ]; then echo a; else echo b; fi)
    case $(((round + ${STORE_SEED:-1}) % 3)) in
    0) control -m immediate restart ;;
    1) end $who; begin $who ;;
    2) end a; control -m immediate restart; begin a ;;
    esac
    wait $orders
    [ $((round % 50)) != 0 ] || echo "    $round rounds" >&2
done
open() { sql "SELECT count(*) FROM zoetrope.job WHERE state IN ('queued','running','finalizing')"; }
until_true 600 is 0 open

rm "$tmp/cuts"
[ -z "${STORE_ROUNDS:-}" ] || grep -c cut "$tmp/cut" >&2
same store_answers_were_lost "$(grep -q cut "$tmp/cut" && echo yes)" yes
same store_all_have_ended "$(open)" 0
list=$(sed "s/\(.*\) \(.*\)/('\1',\2),/" "$tmp/acknowledged" | tr -d '\n')
same store_p1_acknowledged_are_there "$(sql "SELECT count(*) FROM (VALUES ${list%,}) AS v(k,i) JOIN zoetrope.job ON id=i AND idem_key=k")" \
    "$(wc -l <"$tmp/acknowledged")"
same store_p1_all_were_acknowledged "$(wc -l <"$tmp/acknowledged")" $((3 * rounds))
over="('succeeded','failed','cancelled')"
same store_p2_each_ended_once "$(sql "SELECT count(*) FROM zoetrope.job j WHERE (SELECT count(*) FROM seen WHERE job=j.id AND now IN $over)<>1")" 0
same store_p2_no_end_was_left "$(sql "SELECT count(*) FROM seen WHERE was IN $over")" 0
same store_p2_no_failure_but_of_lost_workers "$(sql "SELECT DISTINCT error_code, error_msg FROM zoetrope.job WHERE state='failed' AND error_code<>'E_WORKER_LOST'")" ""
same store_p3_sum_of_fences_is_sum_of_claims "$(sql 'SELECT sum(fence) FROM zoetrope.job')" "$(sql "SELECT count(*) FROM seen WHERE now='running'")"
same store_p3_the_last_claim_ended_it "$(sql "SELECT count(*) FROM seen s JOIN zoetrope.job j ON j.id=s.job WHERE s.now='succeeded' AND s.fence<>j.attempt")" 0
[ -z "${STORE_ROUNDS:-}" ] || sort "$tmp/codes" | uniq -c >&2
same store_p1_acknowledged_calls_have_jobs "$(sql "SELECT count(*)>=$(grep -c 200 "$tmp/codes") FROM zoetrope.job WHERE idem_key IS NULL AND id<>${long#video_}")" t
same store_p1_a_call_is_one_job "$(sql "SELECT count(*)-count(DISTINCT params) FROM zoetrope.job WHERE params LIKE '%\"seed\":1___%' OR params LIKE '%\"seed\": 1___%'")" 0
same store_p7_a_key_is_one_job "$(sort "$tmp/acknowledged" | uniq | cut -d' ' -f1 | uniq -d | wc -l)" 0
# P5: either server hands out each film, whole; and all of them are the same film.
same store_films_are_the_same "$(sql "SELECT count(DISTINCT result_sha) FROM zoetrope.job WHERE state='succeeded' AND idem_key IS NOT NULL")" 1
id=$(sql "SELECT max(id) FROM zoetrope.job WHERE state='succeeded' AND idem_key IS NOT NULL")
sha=$(sql "SELECT result_sha FROM zoetrope.job WHERE id=$id")
rm -f "$tmp"/b/film/*
for at in a b; do
    curl -s -o "$tmp/film" "$(url_of $at)/v1/videos/video_$id/content"
    same "store_p5_film_is_whole_at_$at" "$(sha256sum <"$tmp/film" | cut -d' ' -f1)" "$sha"
    same "store_poster_at_$at" "$(curl -s "$(url_of $at)/v1/videos/video_$id/content?variant=thumbnail" | head -c 4 | tail -c 3)" PNG
done
[ -z "${STORE_ROUNDS:-}" ] || sql "SELECT state, count(*), sum(attempt), max(attempt) FROM zoetrope.job GROUP BY 1"
same store_logs_tell_no_password "$(cat "$tmp"/?.log "$tmp"/?.err | grep -c geheim)" 0
