# Standing settings: config file, environment, command line; and the service under a manager.
. test/e2e/lib.sh

fixture "$tmp/models/fixture"
export ZOETROPE_MODELS=$tmp/models
mkdir -p "$tmp/config/zoetrope"
file=$tmp/config/zoetrope/config.json
value() { # NAME: value and where from
    "$ZOETROPE" config --json | tr -d '\n' |
        sed -n "s/.*\"name\": \"$1\", *\"value\": \"\([^\"]*\)\", *\"from\": \"\([^\"]*\)\".*/\1 \2/p"
}

same config_nothing_said "$("$ZOETROPE" config | grep -c '(/')" 0
echo '{"zoetrope": 1, "steps": 3, "threads": 1, "guidance_2": 2.5, "serve": {"queue": 7, "allow-private": true}}' >"$file"
same config_of_the_file "$(value steps)" "3 $file"
same config_underscores "$(value guidance-2)" "2.5 $file"
same config_of_serve "$(value serve.queue)" "7 $file"
same config_flag "$(value serve.allow-private)" "yes $file"
echo '{"zoetrope": 1, "worker": {"server": "ftp://of.the.file", "key_file": "k", "plain": true}}' >"$file"
same config_of_worker "$(value worker.server)" "ftp://of.the.file $file"
same config_flag_of_worker "$(value worker.plain)" "yes $file"
exits config_worker_by_the_file 4 "$ZOETROPE" worker
holds config_worker_by_the_file_reads_its_key "$tmp/err" "k: "
echo '{"zoetrope": 1, "worker": {"server": "ftp://of.the.file"}}' >"$file"
exits config_worker_address_of_the_file 2 "$ZOETROPE" worker --data "$tmp/w"
holds config_worker_names_the_address "$tmp/err" 'server: "ftp://of.the.file" is no http'
ZOETROPE_WORKER_SERVER=ftp://of.the.environment exits config_worker_by_the_environment 2 "$ZOETROPE" worker --data "$tmp/w"
holds config_worker_environment_wins "$tmp/err" ftp://of.the.environment
ZOETROPE_WORKER_SERVER=ftp://of.the.environment exits config_worker_by_the_command_line 2 "$ZOETROPE" worker --server=ftp://said
holds config_worker_command_line_wins "$tmp/err" ftp://said
ZOETROPE_WORKER_STALL=-1 exits config_worker_number 2 "$ZOETROPE" worker --server http://localhost
holds config_worker_number_says_so "$tmp/err" 'ZOETROPE_WORKER_STALL: stall "-1" is not allowed: 0 to'
echo '{"zoetrope": 1, "steps": 3, "threads": 1, "guidance_2": 2.5, "serve": {"queue": 7, "allow-private": true}}' >"$file"
export ZOETROPE_STEPS=4 ZOETROPE_SERVE_QUEUE=8
same config_environment_wins "$(value steps)" "4 ZOETROPE_STEPS"
same config_environment_of_serve "$(value serve.queue)" "8 ZOETROPE_SERVE_QUEUE"

steps_of() { "$ZOETROPE" info "$1" --json | grep -o '"steps": [0-9]*' | head -n 1; }
film() { "$ZOETROPE" generate -p "a red ball rolls" --size 48x32 --frames 5 --seed 3 -y "$@" >"$tmp/out" 2>"$tmp/err"; }
film -m fixture -o "$tmp/a.y4m"
same config_film_by_the_environment "$(steps_of "$tmp/a.y4m")" '"steps": 4'
unset ZOETROPE_STEPS
film -m fixture -o "$tmp/a.y4m"
same config_film_by_the_file "$(steps_of "$tmp/a.y4m")" '"steps": 3'
film -m fixture --steps 2 -o "$tmp/b.y4m"
same config_command_line_wins "$(steps_of "$tmp/b.y4m")" '"steps": 2'
echo '{"zoetrope": 1, "steps": 1, "serve": {"queue": 1}}' >"$tmp/other.json"
film -m fixture --config "$tmp/other.json" -o "$tmp/c.y4m"
same config_given_file "$(steps_of "$tmp/c.y4m")" '"steps": 1'
film -m fixture --size native --steps 9 --draft -o "$tmp/draft.y4m"
"$ZOETROPE" generate --from-draft "$tmp/draft.y4m" -o "$tmp/of-draft.y4m" >"$tmp/out" 2>"$tmp/err"
same config_leaves_the_film_of_a_draft_alone "$(steps_of "$tmp/of-draft.y4m")" '"steps": 9'
if have_media; then
    film -m fixture --steps 2 -o "$tmp/b.mp4"
    "$ZOETROPE" generate --again "$tmp/b.mp4" -m fixture -o "$tmp/d.mp4" >"$tmp/out" 2>"$tmp/err"
    same config_leaves_recipes_alone "$(steps_of "$tmp/d.mp4")" '"steps": 2'
fi

wrong() { # NAME STATUS JSON TEXT
    echo "$3" >"$file"
    exits "config_$1" "$2" "$ZOETROPE" config
    holds "config_$1_says_so" "$tmp/err" "$4"
    exits "config_${1}_stops_a_film" "$2" "$ZOETROPE" generate -p "a ball rolls" -m fixture -o "$tmp/e.y4m"
}
wrong unknown 2 '{"zoetrope": 1, "stepz": 3}' "config.json: no option \"stepz\"; did you mean \"steps\"?"
wrong unknown_of_serve 2 '{"zoetrope": 1, "serve": {"lissten": 1}}' 'did you mean "listen"?'
wrong unknown_of_worker 2 '{"zoetrope": 1, "worker": {"servr": "x"}}' 'no option "servr" of worker; did you mean "server"?'
wrong value 2 '{"zoetrope": 1, "steps": 0}' "config.json: steps \"0\" is not allowed: 1 to 1000"
wrong twice 3 '{"zoetrope": 1, "steps": 1, "steps": 2}' "config.json"
wrong list 3 '{"zoetrope": 1, "steps": [1]}' "config.json: steps is a list"
wrong no_json 3 'steps = 3' "config.json"
echo '{"zoetrope": 1, "serve": {"drain": -1}}' >"$file"
exits config_value_of_serve 2 "$ZOETROPE" serve
holds config_value_of_serve_says_so "$tmp/err" 'config.json: drain "-1" is not allowed: 0 to'
echo '{"zoetrope": 1, "serve": {"queue": 1.5}}' >"$file"
exits config_count_of_serve 2 "$ZOETROPE" serve
holds config_count_of_serve_says_so "$tmp/err" 'config.json: queue "1.5" is not allowed: 0 to'
exits config_file_is_not_there 4 "$ZOETROPE" serve --config "$tmp/none.json"
ZOETROPE_THREADS=x exits config_environment_is_checked 2 "$ZOETROPE" config --config "$tmp/other.json"
holds config_environment_says_so "$tmp/err" 'ZOETROPE_THREADS: threads "x"'
rm "$file"

# A socket by systemd's protocol, and word that the server is ready and that it ends.
if grep -q 'SERVE=0' "$BUILD/flags.txt" || ! command -v curl >/dev/null || ! command -v python3 >/dev/null; then
    echo "skip config_manager: needs libmicrohttpd, SQLite, curl and python3"
    exit 0
fi
cat >"$tmp/manager.py" <<'PY'
import os, signal, socket, subprocess, sys
listen = socket.socket(); listen.bind(("127.0.0.1", 0)); listen.listen(64)
word = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); word.bind(sys.argv[1]); word.settimeout(20)
def child():
    os.dup2(listen.fileno(), 3); os.set_inheritable(3, True)
    os.environ["LISTEN_PID"] = str(os.getpid())
os.environ.update(LISTEN_FDS="1", NOTIFY_SOCKET=sys.argv[1], WATCHDOG_USEC="600000")
p = subprocess.Popen(sys.argv[2:], pass_fds=(3,), preexec_fn=child, stdout=subprocess.DEVNULL)
print(word.recv(100).decode())
port = listen.getsockname()[1]
r = subprocess.run(["curl", "-s", "-m", "20", f"http://127.0.0.1:{port}/healthz"], capture_output=True, text=True)
print("healthy" if '"status": "ok"' in r.stdout else r.stdout)
print(word.recv(100).decode())
p.send_signal(signal.SIGTERM)
said = word.recv(100).decode()
while said == "WATCHDOG=1":
    said = word.recv(100).decode()
print(said, p.wait())
PY
python3 "$tmp/manager.py" "$tmp/notify2" "$ZOETROPE" serve --model fixture --data "$tmp/data" >"$tmp/out" 2>&1
same serve_by_a_manager "$(tr '\n' ' ' <"$tmp/out")" "READY=1 healthy WATCHDOG=1 STOPPING=1 0 "
exits serve_two_sockets_are_refused 2 bash -c "LISTEN_PID=\$\$ LISTEN_FDS=2 exec '$ZOETROPE' serve --data '$tmp/data2'"
exits serve_no_socket_is_refused 2 bash -c "LISTEN_PID=\$\$ LISTEN_FDS=1 exec '$ZOETROPE' serve --data '$tmp/data2' 3</dev/null"
