#!/bin/bash
# check_headers.sh - every header compiles alone with each compiler that is here; the public one is C++ too.
# Environment: CHECK_CPPFLAGS (include path), X86, CHECK_CUDNN (where cuDNN's headers are; empty: nowhere).
set -u
cd "$(dirname "$0")/.." || exit 2
flags="-std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wno-unused-function -Wno-psabi -fsyntax-only -Itest ${CHECK_CPPFLAGS:--Isrc -Iinclude}"
bad=0

isa() {
    case $1 in
    src/kern/cuda/cudnn.h) echo "$CHECK_CUDNN" ;;
    *_avx2.h) echo "-mavx2 -mfma -mf16c" ;;
    src/kern/x86/*) echo "-mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512bf16 -mavx512vnni" ;;
    esac
}

# Headers of .cu files are C++, and as such compile for the host.
cuda_flags="-std=c++17 -D_GNU_SOURCE -Wall -Wextra -Werror -Wno-unused-function -fsyntax-only -DZT_CUDA_HOST -Itest/kern"
cuda() {
    case $1 in
    src/kern/cuda/element.h | src/kern/cuda/team.h | src/kern/cuda/launch.h | src/kern/cuda/each.h | src/kern/cuda/sum.h) return 0 ;;
    esac
    return 1
}

for compiler in gcc clang; do
    command -v $compiler >/dev/null 2>&1 || continue
    for h in include/*.h src/*/*.h src/*/*/*.h tool/*.h test/*.h; do
        [ -f "$h" ] || continue
        [ "${X86:-1}" = 0 ] && [ "${h#src/kern/x86/}" != "$h" ] && continue
        [ -z "${CHECK_CUDNN:-}" ] && [ "$h" = src/kern/cuda/cudnn.h ] && continue
        if cuda "$h"; then
            [ $compiler = clang ] && continue
            command -v g++ >/dev/null 2>&1 || continue
            # shellcheck disable=SC2086
            printf '#include "%s"\n' "$PWD/$h" | g++ $cuda_flags ${CHECK_CPPFLAGS:--Isrc -Iinclude} -x c++ - || {
                echo "g++: $h does not compile alone"
                bad=1
            }
            continue
        fi
        # shellcheck disable=SC2046,SC2086
        printf '#include "%s"\n' "$PWD/$h" | $compiler $flags $(isa "$h") -x c - || {
            echo "$compiler: $h does not compile alone"
            bad=1
        }
    done
done
if command -v clang >/dev/null 2>&1 && [ -f include/zoetrope.h ]; then
    clang -x c++ -std=c++11 -Wall -Wextra -Werror -fsyntax-only include/zoetrope.h || bad=1
fi
exit $bad
