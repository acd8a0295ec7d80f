#!/bin/bash
# gpu.sh [--quick] [BUILD] - everything that only a machine with an NVIDIA GPU can show, in one call
# of under eight minutes: training, speed, kernels, gradients, networks, films. --quick: training
# and speed, and of kernels and gradients what two minutes leave room for. One table at the end.
#
# BUILD (build/gpu) holds zoetrope and ztest, built there by `make gpu` or here when they are
# missing and nvcc is there. Logs go to $OUT or BUILD/log. What changes most often comes first, and
# every step has a limit of its own. The exit status is 0 when nothing failed; figures of speed fail
# nothing.
set -u
cd "$(dirname "$0")/.." || exit 2
budget=470
quick=
[ "${1:-}" != --quick ] || { quick=1 budget=115; shift; }
BUILD=${1:-build/gpu}
OUT=${OUT:-$BUILD/log}
mkdir -p "$OUT"
[ -x "$BUILD/zoetrope" ] && [ -x "$BUILD/ztest" ] || make gpu BUILD="$BUILD" > "$OUT/make.log" 2>&1 ||
    { echo "gpu.sh: cannot build; see $OUT/make.log" >&2; exit 2; }
zoetrope=$BUILD/zoetrope
device=${DEVICE:-cuda} # cpu: to walk through this script without a GPU
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
table=$OUT/table.txt
: > "$table"
failed=0
start=$SECONDS

row() { # STATUS NAME FIGURE
    printf '%-6s %-44s %s\n' "$1" "$2" "$3" | tee -a "$table"
    [ "$1" != FAIL ] || failed=$((failed + 1))
}
left() { # seconds of all
    echo $((budget - (SECONDS - start)))
}
# within LIMIT_S COMMAND: no longer than that, nor than what is left; what will not end is killed
within() {
    local limit=$1
    shift
    [ "$limit" -lt "$(left)" ] || limit=$(left)
    [ "$limit" -gt 1 ] || return 124
    timeout -k 3 "$limit" "$@"
}
log_of() {
    echo "$OUT/$(printf %s "$1" | tr -c 'a-zA-Z0-9.\n' -).log"
}
# check NAME LIMIT_S COMMAND: its last line is the figure
check() {
    local name=$1 limit=$2 log code
    shift 2
    log=$(log_of "$name")
    [ "$(left)" -gt 5 ] || { row skip "$name" "no time left"; return; }
    within "$limit" "$@" > "$log" 2>&1
    code=$?
    if [ $code -eq 0 ]; then
        row ok "$name" "$(tail -n 1 "$log" | cut -c1-90)"
    else
        row FAIL "$name" "status $code: $(grep -Ev '^ok' "$log" | tail -n 1 | cut -c1-90)"
    fi
}

check "device" 60 "$zoetrope" info --devices
[ "$device" = cpu ] || grep -q '^cuda:0' "$(log_of device)" ||
    { row FAIL "device" "no GPU is seen"; exit 1; }

equal() { # NAME FILE FILE
    if cmp -s "$2" "$3"; then
        row ok "$1" "equal"
    else
        row FAIL "$1" "differs"
    fi
}

# 1. a training gives on the GPU what it gives on the CPU, goes from one to the other and back, and
# gives the same bits twice
losses() { # last loss of a run
    tail -n 1 "$1/curve-dit.jsonl" 2> /dev/null | grep -o '"loss": *[0-9.e+-]*' |
        grep -o '[0-9.e+-]*$'
}
train() { # DIR DEVICE [SECONDS]: stopped after SECONDS, or to the end
    within "${3:-40}" "$zoetrope" train configs/tiny.json --out "$work/$1" --device "$2" \
        --resume auto >> "$OUT/train-$1.log" 2>&1
}
train_like_cpu() { # DIR
    local got want
    got=$(losses "$work/$1")
    want=$(losses "$work/cpu")
    if awk -v a="${got:-0}" -v b="${want:-0}" \
        'BEGIN { d = a - b; if (d < 0) d = -d; exit !(b > 0 && d < 0.05 * b) }'; then
        row ok "training: $1 against the CPU" "loss $got, $want"
    else
        row FAIL "training: $1 against the CPU" "$(tail -n 1 "$OUT/train-$1.log" | cut -c1-90)"
    fi
}
training() {
    rm -f "$OUT"/train-*.log
    train cpu cpu
    train one "$device"
    train_like_cpu one
    train two "$device"
    equal "training: the same bits twice" "$work/one/curve-dit.jsonl" "$work/two/curve-dit.jsonl"
    [ -z "$quick" ] || return
    train mixed cpu 3
    train mixed "$device" 4
    train mixed cpu
    train_like_cpu mixed
}

# 2. speed; the comparison with PyTorch is test/bench/peer_torch.py, a call of its own. The peak is
# what one large product reaches on this very card, and whole steps are told as shares of it.
gflops() { # the first figure in a log
    grep -o '[0-9]* GFLOP/s' "$1" 2> /dev/null | head -n 1 | cut -d' ' -f1
}
speed() {
    local peak rate
    within 40 env ZT_TEST_DEVICE="$device" "$BUILD/ztest" --bench bench_gpu_peak > "$OUT/peak.log" 2>&1
    peak=$(gflops "$OUT/peak.log")
    row "$([ -n "$peak" ] && echo ok || echo skip)" "peak: a plain product" \
        "$(head -n 1 "$OUT/peak.log")"
    for case in train-m wan-block wan-1.3b train-s; do
        check "bench $case" 40 "$zoetrope" bench $case --device "$device" --steps 10
        rate=$(gflops "$(log_of "bench $case")")
        [ -z "$peak" ] || [ -z "$rate" ] || [ $case = train-s ] ||
            row ok "share of the peak: $case" "$(awk -v r="$rate" -v p="$peak" \
                'BEGIN { printf "%.1f %%", 100 * r / p }')"
    done
    # where the time of a step goes, by kernel and shape: the table is in the log
    for case in train-m wan-block; do
        check "times $case" 30 env ZT_CUDA_TIMES=1 "$zoetrope" bench $case --device "$device" \
            --steps 6
    done
    check "bench kernels: moves" 40 env ZT_TEST_SET=cuda "$BUILD/ztest" --bench bench_gpu_moves
}

# 3. every kernel against the C kernels in f64; every op and network against f64 on the CPU; whether
# cuDNN has engines for all that is asked of it
kernels() {
    check "kernels" 150 env ZT_TEST_SET=cuda "$BUILD/ztest" kernel_
    check "gradients" 90 env ZT_TEST_DEVICE="$device" "$BUILD/ztest" grad
    check "plans of cuDNN" 90 "$BUILD/ztest" cudnn_
}

# 4. reference vectors
vectors() {
    local type tol
    for type in f32 bf16; do
        tol=1e-4
        [ $type = f32 ] || tol=2e-2
        for case in wan-t2v-original-keys wan-ti2v-token-time umt5-padded tiny-vae tiny-vae-patch2; do
            check "parity $case $type" 30 "$zoetrope" parity "test/golden/$case" --type $type \
                --tol $tol --device "$device"
        done
    done
    for case in gradients-wan-ti2v gradients-umt5 optimiser-adamw optimiser-muon; do
        check "parity $case" 30 "$zoetrope" parity "test/golden/$case" --device "$device"
    done
}

# 5. the shipped model: the same film as on the CPU, and the same bits twice
film() { # NAME DEVICE TYPE [NAME=VALUE of the environment]
    # shellcheck disable=SC2086 # none or one
    within 60 env ${4:-} "$zoetrope" -p "a red ball rolls from left to right" --seed 7 \
        --size native --type "$3" --device "$2" -y -o "$work/$1.y4m" --json \
        > "$OUT/film-$1.json" 2> "$OUT/film-$1.log"
}
psnr() { # NAME LIMIT FILM AGAINST
    local db
    db=$(within 30 "$zoetrope" measure "$3" --against "$4" | grep -o 'PSNR [0-9.]*' | cut -d' ' -f2)
    if awk -v a="${db:-0}" -v b="$2" 'BEGIN { exit !(a >= b) }'; then
        row ok "$1" "$db dB, wanted $2"
    else
        row FAIL "$1" "${db:-no} dB, wanted $2"
    fi
}
films() {
    film cpu cpu f32
    film cuda "$device" f32
    film twice "$device" f32
    film bf16 "$device" bf16
    film queued "$device" f32 ZT_CUDA_GRAPHS=0
    psnr "film in f32 against the CPU" 40 "$work/cuda.y4m" "$work/cpu.y4m"
    psnr "film in bf16 against the CPU (reported)" 0 "$work/bf16.y4m" "$work/cpu.y4m"
    equal "the same film twice" "$work/cuda.y4m" "$work/twice.y4m"
    equal "the same film without a graph" "$work/cuda.y4m" "$work/queued.y4m"
}

training
speed
kernels
if [ -z "$quick" ]; then
    vectors
    films
    check "bench kernels: products" 90 env ZT_TEST_SET=cuda "$BUILD/ztest" --bench bench_gpu_products
fi

echo
cat "$table"
echo "$((SECONDS - start)) s, $failed failed; logs in $OUT"
[ $failed -eq 0 ]
