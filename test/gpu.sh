#!/bin/bash
# gpu.sh [BUILD] - everything that only a machine with an NVIDIA GPU can show, in one call of under
# eight minutes: kernels, gradients, networks, films, training, speed. One table at the end.
#
# BUILD (build/gpu) holds zoetrope and ztest, built there by `make gpu` or here when they are
# missing and nvcc is there. Logs go to $OUT or BUILD/log. The exit status is 0 when nothing failed;
# figures of speed fail nothing.
set -u
cd "$(dirname "$0")/.." || exit 2
BUILD=${1:-build/gpu}
OUT=${OUT:-$BUILD/log}
mkdir -p "$OUT"
[ -x "$BUILD/zoetrope" ] && [ -x "$BUILD/ztest" ] || make gpu BUILD="$BUILD" > "$OUT/make.log" 2>&1 ||
    { echo "gpu.sh: cannot build; see $OUT/make.log" >&2; exit 2; }
zoetrope=$BUILD/zoetrope
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
left() { # seconds of the eight minutes
    echo $((470 - (SECONDS - start)))
}
# check NAME LIMIT_S COMMAND: its last line is the figure
check() {
    local name=$1 limit=$2 log
    shift 2
    log=$OUT/$(printf %s "$name" | tr -c 'a-zA-Z0-9.\n' -).log
    [ "$(left)" -gt 5 ] || { row skip "$name" "no time left"; return; }
    [ "$limit" -lt "$(left)" ] || limit=$(left)
    if timeout "$limit" "$@" > "$log" 2>&1; then
        row ok "$name" "$(tail -n 1 "$log" | cut -c1-90)"
    else
        row FAIL "$name" "status $?: $(grep -Ev '^ok' "$log" | tail -n 1 | cut -c1-90)"
    fi
}

check "device" 60 "$zoetrope" info --devices
"$zoetrope" info --devices | grep -q '^cuda:0' || { row FAIL "device" "no GPU is seen"; exit 1; }

# 1. every kernel against the C kernels in f64; every op and network against f64 on the CPU
check "kernels" 150 env ZT_TEST_SET=cuda "$BUILD/ztest" kernel_
check "gradients" 90 env ZT_TEST_DEVICE=cuda "$BUILD/ztest" grad

# whether cuDNN has engines for all that is asked of it, by its tables for an H100
if "$zoetrope" info --devices | grep -q 'capability 9.0'; then
    check "plans of cuDNN" 90 "$BUILD/ztest" cudnn_
fi

# 2. reference vectors
for type in f32 bf16; do
    tol=1e-4
    [ $type = f32 ] || tol=2e-2
    for case in wan-t2v-original-keys wan-ti2v-token-time umt5-padded tiny-vae tiny-vae-patch2; do
        check "parity $case $type" 30 "$zoetrope" parity "test/golden/$case" --type $type \
            --tol $tol --device cuda
    done
done
for case in gradients-wan-ti2v gradients-umt5 optimiser-adamw optimiser-muon; do
    check "parity $case" 30 "$zoetrope" parity "test/golden/$case" --device cuda
done

# 3. the shipped model: the same film as on the CPU, and the same bits twice
film() { # NAME DEVICE TYPE
    "$zoetrope" -p "a red ball rolls from left to right" --seed 7 --size native --type "$3" \
        --device "$2" -y -o "$work/$1.y4m" --json 2> /dev/null
}
psnr() { # NAME LIMIT FILM AGAINST
    local db
    db=$("$zoetrope" measure "$3" --against "$4" | grep -o 'PSNR [0-9.]*' | cut -d' ' -f2)
    if awk -v a="${db:-0}" -v b="$2" 'BEGIN { exit !(a >= b) }'; then
        row ok "$1" "$db dB, wanted $2"
    else
        row FAIL "$1" "${db:-no} dB, wanted $2"
    fi
}
film cpu cpu f32 > "$OUT/film-cpu.json"
film cuda cuda f32 > "$OUT/film-cuda.json"
film twice cuda f32 > "$OUT/film-twice.json"
film bf16 cuda bf16 > "$OUT/film-bf16.json"
ZT_CUDA_GRAPHS=0 film queued cuda f32 > "$OUT/film-queued.json"
psnr "film in f32 against the CPU" 40 "$work/cuda.y4m" "$work/cpu.y4m"
psnr "film in bf16 against the CPU (reported)" 0 "$work/bf16.y4m" "$work/cpu.y4m"
equal() { # NAME FILE FILE
    if cmp -s "$2" "$3"; then
        row ok "$1" "equal"
    else
        row FAIL "$1" "differs"
    fi
}
equal "the same film twice" "$work/cuda.y4m" "$work/twice.y4m"
equal "the same film without a graph" "$work/cuda.y4m" "$work/queued.y4m"

# 4. a training goes from CPU to GPU and back; two on the GPU give the same bits
losses() { # last loss of a run
    tail -n 1 "$1/curve-dit.jsonl" | grep -o '"loss": *[0-9.e+-]*' | grep -o '[0-9.e+-]*$'
}
train() { # DIR DEVICE [SECONDS]: stopped after SECONDS, or to the end
    timeout -s TERM "${3:-100}" "$zoetrope" train configs/tiny.json --out "$1" --device "$2" \
        --resume auto >> "$OUT/train.log" 2>&1
}
train "$work/cpu" cpu
train "$work/one" cuda
train "$work/two" cuda
train "$work/mixed" cpu 3
train "$work/mixed" cuda 4
train "$work/mixed" cpu
for dir in one mixed; do
    if awk -v a="$(losses "$work/$dir")" -v b="$(losses "$work/cpu")" \
        'BEGIN { d = a - b; if (d < 0) d = -d; exit !(b > 0 && d < 0.05 * b) }'; then
        row ok "training: $dir against the CPU" "loss $(losses "$work/$dir"), $(losses "$work/cpu")"
    else
        row FAIL "training: $dir against the CPU" "$(losses "$work/$dir"), $(losses "$work/cpu")"
    fi
done
equal "training: the same bits twice" "$work/one/curve-dit.jsonl" "$work/two/curve-dit.jsonl"

# 5. speed; the comparison with PyTorch is test/bench/peer_torch.py, a call of its own. The peak is
# what one large product reaches on this very card, and whole steps are told as shares of it.
gflops() { # the first figure in a log
    grep -o '[0-9]* GFLOP/s' "$1" 2> /dev/null | head -n 1 | cut -d' ' -f1
}
timeout 60 "$BUILD/ztest" --bench bench_gpu_peak > "$OUT/peak.log" 2>&1
peak=$(gflops "$OUT/peak.log")
row "$([ -n "$peak" ] && echo ok || echo skip)" "peak: a plain product" "$(head -n 1 "$OUT/peak.log")"
for case in train-s train-m wan-block wan-1.3b; do
    check "bench $case" 60 "$zoetrope" bench $case --device cuda --steps 10
    rate=$(gflops "$OUT/bench-$case.log")
    [ -z "$peak" ] || [ -z "$rate" ] || [ $case = train-s ] ||
        row ok "share of the peak: $case" "$(awk -v r="$rate" -v p="$peak" \
            'BEGIN { printf "%.1f %%", 100 * r / p }')"
done
check "bench kernels" 90 env ZT_TEST_SET=cuda "$BUILD/ztest" --bench

echo
cat "$table"
echo "$((SECONDS - start)) s, $failed failed; logs in $OUT"
[ $failed -eq 0 ]
