#!/bin/bash
# check_map.sh [--fix] - each `path:line symbol` of doc/MAP.md must have that symbol on the screen around
# that line. --fix rewrites the line number to where the symbol is defined (or first stands).
set -u
cd "$(dirname "$0")/.." || exit 2
map=doc/MAP.md
[ -f $map ] || { echo "no $map"; exit 1; }
fix=0
[ "${1:-}" = --fix ] && fix=1
screen=30 # lines above and below
bad=0
count=0

# The line that looks like a definition of the symbol: at the left edge and without a semicolon;
# else a struct, else the first line that holds the word.
find_line() { # file symbol
    awk -v s="$2" '
    BEGIN { word = "(^|[^A-Za-z0-9_])" s "([^A-Za-z0-9_]|$)" }
    $0 ~ word {
        if (!any) any = FNR
        if (!def && ($0 ~ "^[A-Za-z].*" && $0 !~ /;[ \t]*$/ || $0 ~ "^#define[ \t]+" s)) def = FNR
        if (!type && $0 ~ "^(struct|enum|union)[ \t]+" s "[ \t]*([{]|$)") type = FNR
    }
    END { print type ? type : def ? def : any + 0 }' "$1"
}

while read -r ref symbol; do
    file=${ref%:*}
    line=${ref##*:}
    count=$((count + 1))
    if [ ! -f "$file" ]; then
        echo "$map: $file is not here"
        bad=1
        continue
    fi
    now=$(find_line "$file" "$symbol")
    if [ "$now" -eq 0 ]; then
        echo "$map: $symbol is not in $file"
        bad=1
    elif [ $fix = 1 ] && [ "$now" -ne "$line" ]; then
        sed -i "s|\`$ref $symbol\`|\`$file:$now $symbol\`|g" $map
        echo "$file:$line -> $now $symbol"
    elif [ "$now" -lt $((line - screen)) ] || [ "$now" -gt $((line + screen)) ]; then
        echo "$map: $symbol is not at $file:$line but at $now (scripts/check_map.sh --fix)"
        bad=1
    fi
done < <(grep -Eo '`[A-Za-z0-9_./-]+:[0-9]+ [A-Za-z_][A-Za-z0-9_]*' $map | tr -d '`' | sort -u)
[ $count -gt 0 ] || { echo "$map holds no reference of the form \`path:line symbol\`"; bad=1; }
exit $bad
