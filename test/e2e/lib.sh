# lib.sh - sourced by the end-to-end tests, which run from the top of the source tree.
# Each check prints `ok NAME` or `not ok NAME: why`; scripts/run_tests.sh counts the lines.
set -u
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES # a make inside a test is a first make
BUILD=${BUILD:-build}
ZOETROPE=$PWD/$BUILD/zoetrope
case $BUILD in /*) ZOETROPE=$BUILD/zoetrope ;; esac
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export XDG_CACHE_HOME=$tmp/cache XDG_CONFIG_HOME=$tmp/config

ok() {
    echo "ok $1"
}

not_ok() {
    echo "not ok $1: $2"
}

# same NAME GOT EXPECTED: both are strings.
same() {
    if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got '$2', expected '$3'"; fi
}

# exits NAME STATUS COMMAND...: output goes to $tmp/out and $tmp/err.
exits() {
    name=$1 want=$2
    shift 2
    "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
    got=$?
    if [ $got -eq "$want" ]; then
        ok "$name"
    else
        not_ok "$name" "exit $got, expected $want; $(tail -n 1 "$tmp/err")"
    fi
}

# holds NAME FILE TEXT: the file contains the text.
holds() {
    if grep -qF -- "$3" "$2"; then ok "$1"; else not_ok "$1" "no '$3' in $(basename "$2")"; fi
}

# fixture DIR: a small model of random weights.
fixture() {
    FIXTURE_MODEL=$1 "$BUILD/ztest" fixture_model_is_whole >/dev/null || not_ok fixture "no model in $1"
}

# field NAME: the first text of that name in the JSON on standard input.
field() { grep -o "\"$1\": \"[^\"]*\"" | head -n 1 | cut -d'"' -f4; }

# until_true SECONDS COMMAND...: asks again until it is, at most so long. Only a failure takes the time of a slow machine.
until_true() {
    local end=$((SECONDS + $1))
    while [ $SECONDS -le $end ]; do
        "${@:2}" && return 0
        sleep 0.05
    done
    return 1
}

# serves_at FILE: sets url to the address that a server says in it, at most a minute from now.
serves_at() { until_true 60 address_is_said "$1"; }
address_is_said() {
    url=$(sed -n 's/^zoetrope serves at //p' "$1" 2>/dev/null)
    [ -n "$url" ]
}

# A machine of any speed must find a film unfinished when something happens to it. Where its bits are not needed it is so
# long that no machine ends it; else the process gets a tenth of the time from slow_down PID to let_go PID.
declare -A pace
slow_down() {
    while kill -STOP "$1" && sleep 0.09 && kill -CONT "$1" && sleep 0.01; do :; done 2>/dev/null &
    pace[$1]=$!
}
let_go() {
    kill "${pace[$1]}" && wait "${pace[$1]}"
    kill -CONT "$1"
} 2>/dev/null

# FFmpeg in this build, and its program on this machine?
have_media() {
    ! grep -q 'MEDIA=0' "$BUILD/flags.txt" 2>/dev/null && command -v ffmpeg >/dev/null 2>&1
}
