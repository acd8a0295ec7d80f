#!/bin/sh
# report_sizes.sh - files over 600 lines, public headers over 150 and functions over 60: a report, never a failure.
set -u
cd "$(dirname "$0")/.." || exit 2
find src include tool test example -name '*.[ch]' -o -name '*.cu' -o -name '*.cc' 2>/dev/null | sort | while read -r f; do
    awk -v file="$f" '
    /^{/ { start = FNR }
    /^}/ { if (start && FNR - start + 1 > 60) printf "  function of %d lines: %s:%d\n", FNR - start + 1, file, start; start = 0 }
    END {
        if (FNR > 600) printf "  file of %d lines: %s\n", FNR, file
        if (file ~ /\.h$/ && FNR > 150) printf "  header of %d lines: %s\n", FNR, file
    }' "$f"
done
