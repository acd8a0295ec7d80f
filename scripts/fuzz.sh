#!/bin/sh
# fuzz.sh SECONDS - run each libFuzzer target of $BUILD for that long; stop at the first finding.
# Seeds come from test/fuzz/corpus/NAME (NAME without fuzz_); what is new stays in $BUILD/corpus/NAME.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
for target in "$BUILD"/fuzz_*; do
    [ -x "$target" ] || continue
    name=$(basename "$target")
    name=${name#fuzz_}
    corpus=$BUILD/corpus/$name
    mkdir -p "$corpus" "$BUILD/crashes"
    seeds=
    [ -d "test/fuzz/corpus/$name" ] && seeds=test/fuzz/corpus/$name
    echo "fuzz $name: $seconds s"
    # shellcheck disable=SC2086
    "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$BUILD/crashes/$name-" "$corpus" $seeds 2>"$BUILD/$name.log" || {
        tail -n 40 "$BUILD/$name.log"
        echo "fuzz $name: FAILED; the input is in $BUILD/crashes"
        exit 1
    }
    grep -E 'number_of_executed_units|new_units_added' "$BUILD/$name.log" | sed 's/^stat::/  /'
done
