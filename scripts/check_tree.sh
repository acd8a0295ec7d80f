#!/bin/sh
# check_tree.sh - what git keeps stays below 55 MiB, no file above 40 MiB.
set -u
cd "$(dirname "$0")/.." || exit 2
git ls-files -z | xargs -0 -r stat -c '%s %n' 2>/dev/null | awk '
    { sum += $1; if ($1 > 40 * 1048576) { print $2 " has " $1 " bytes; 40 MiB are allowed"; bad = 1 } }
    END {
        if (sum > 55 * 1048576) { printf "the tree has %.1f MiB; 55 are allowed\n", sum / 1048576; bad = 1 }
        exit bad
    }'
