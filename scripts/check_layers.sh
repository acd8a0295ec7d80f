#!/bin/sh
# check_layers.sh - a file includes its own folder and lower layers only, and each foreign library has one folder
# (but for SHA-256, the one thing below the kernels that a CPU has instructions for).
set -u
cd "$(dirname "$0")/.." || exit 2

# The tables of the papers say the same: "| 1 | `src/kern` ... |".
papers() { grep -HE '^\| [0-9]+ \| `' doc/STYLE.md doc/MAP.md; }

{ papers; find src tool -name '*.[ch]' -o -name '*.cu' | sort | xargs grep -nE '^[ \t]*#[ \t]*include' /dev/null; } | awk '
BEGIN {
    n = split("base=0 kern=1 comm=1 net=1 format=1 media=1 tensor=2 world=2 model=3 generate=4 train=5 measure=6 serve=6 api=7 tool=8", rows, " ")
    for (i = 1; i <= n; i++) { split(rows[i], p, "="); layer[p[1]] = p[2] }
    n = split("jansson.h=format ode/=world libavformat/=media libavcodec/=media libavutil/=media libswscale/=media libswresample/=media immintrin.h=kern mpi.h=comm cuda=kern cublas=kern cudnn=kern nccl.h=comm curl/=net sqlite3.h=serve libpq-fe.h=serve microhttpd.h=serve", rows, " ")
    for (i = 1; i <= n; i++) { split(rows[i], p, "="); home[p[1]] = p[2] }
}
$1 ~ /^doc\// {
    n = split($0, cell, "|")
    gsub(/\([^)]*\)/, "", cell[3])
    while (match(cell[3], /`[^`]*`/)) {
        name = substr(cell[3], RSTART + 1, RLENGTH - 2)
        cell[3] = substr(cell[3], RSTART + RLENGTH)
        if (name !~ /^(src\/[a-z]+|tool)$/)
            continue
        sub(/^src\//, "", name)
        papers++
        if (layer[name] != cell[2] + 0) {
            print $1 " " name " is layer " layer[name] ", not" cell[2]; bad = 1
        }
    }
    next
}
{
    split($0, at, ":")
    n = split(at[1], dir, "/")
    mine = dir[1] == "tool" ? "tool" : dir[2]
    text = $0
    sub(/^[^:]*:[^:]*:/, "", text)
    sub(/^[ \t]*#[ \t]*include[ \t]*/, "", text)
    name = text
    sub(/^["<]/, "", name)
    sub(/[">].*/, "", name)
    if (!(mine in layer)) { print at[1] ": folder " mine " has no layer"; bad = 1; next }
    if (text ~ /^</) {
        for (h in home)
            if (index(name, h) == 1 && mine != home[h] && at[1] != "src/base/hash_ni.c") {
                print at[1] ":" at[2] ": <" name "> belongs to src/" home[h] " alone"; bad = 1
            }
        next
    }
    if (split(name, part, "/") < 2)
        next   # a file beside this one, or the public header
    if (!(part[1] in layer)) { print at[1] ":" at[2] ": \"" name "\" is no folder of src"; bad = 1; next }
    if (part[1] != mine && layer[part[1]] >= layer[mine]) {
        print at[1] ":" at[2] ": " mine " (layer " layer[mine] ") includes " part[1] " (layer " layer[part[1]] ")"; bad = 1
    }
}
END {
    if (papers < 20) { print "doc/STYLE.md and doc/MAP.md have no tables of layers any more"; bad = 1 }
    exit bad
}'
