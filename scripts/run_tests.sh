#!/bin/bash
# run_tests.sh - build/ztest, the examples and test/e2e/*.sh; the last line is the total.
set -u
cd "$(dirname "$0")/.." || exit 2
BUILD=${BUILD:-build}
export BUILD
passed=0
failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# A program that counts its own tests ends with "N passed, N failed"; one that dies before counts as one failure.
"$BUILD/ztest" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
counts=$(grep -Eo '[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
if [ -n "$counts" ]; then
    passed=$((passed + $(echo "$counts" | cut -d' ' -f1)))
    n=$(echo "$counts" | cut -d' ' -f3)
    failed=$((failed + n))
    [ "$status" -eq 0 ] || [ "$n" -gt 0 ] || failed=$((failed + 1))
else
    echo "not ok ztest: ended with status $status before its last line"
    failed=$((failed + 1))
fi

for script in test/e2e/*.sh; do
    [ "$script" != test/e2e/lib.sh ] && [ -f "$script" ] || continue
    bash "$script" 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    ok=$(grep -c '^ok ' "$log")
    bad=$(grep -c '^not ok ' "$log")
    passed=$((passed + ok))
    failed=$((failed + bad))
    if [ "$bad" -eq 0 ] && { [ "$status" -ne 0 ] || { [ "$ok" -eq 0 ] && ! grep -q '^skip ' "$log"; }; }; then
        echo "not ok $script: status $status, $ok checks"
        failed=$((failed + 1))
    fi
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
