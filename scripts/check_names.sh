#!/bin/sh
# check_names.sh - nothing but zt_ leaves $BUILD/libzoetrope.a and .so, and every zt_ function of the
# public header is in both.
set -u
cd "$(dirname "$0")/.." || exit 2
BUILD=${BUILD:-build}
bad=0

nm -g --defined-only "$BUILD/libzoetrope.a" | awk 'NF == 3 { print $3 }' | sort >"$BUILD/names.a"
nm -D --defined-only "$BUILD/libzoetrope.so" | awk 'NF == 3 && $2 != "A" { print $3 }' | sort >"$BUILD/names.so"
for kind in a so; do
    if grep -v '^zt_' "$BUILD/names.$kind"; then
        echo "libzoetrope.$kind exports the names above; only zt_ may leave it"
        bad=1
    fi
done
for name in $(sed -e 's|/\*.*||' -e '/^ *\*/d' include/zoetrope.h | grep -Eo 'zt_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u); do
    for kind in a so; do
        grep -qx "$name" "$BUILD/names.$kind" || {
            echo "$name stands in include/zoetrope.h but not in libzoetrope.$kind"
            bad=1
        }
    done
done
soname=$(objdump -p "$BUILD/libzoetrope.so" | awk '$1 == "SONAME" { print $2 }')
[ "$soname" = libzoetrope.so.0 ] || { echo "SONAME is '$soname', expected libzoetrope.so.0"; bad=1; }
exit $bad
