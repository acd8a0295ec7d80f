#!/bin/bash
# check.sh - everything that can be said about the source without running it. One line per step, the
# total last. Environment: BUILD with the libraries built, CHECK_CPPFLAGS, X86.
set -u
cd "$(dirname "$0")/.." || exit 2
passed=0
failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

step() { # NAME COMMAND...
    name=$1
    shift
    if "$@" >"$log" 2>&1; then
        echo "ok $name"
        passed=$((passed + 1))
    else
        echo "FAILED $name"
        sed 's/^/    /' "$log" | head -n 60
        failed=$((failed + 1))
    fi
}

tool_step() { # TOOL NAME COMMAND...: where the tool is not installed, the step is left out by name
    if command -v "$1" >/dev/null 2>&1; then
        shift
        step "$@"
    else
        echo "skip $2: $1 is not installed"
    fi
}

format() {
    git ls-files 'src/*.[ch]' 'include/*.[ch]' 'tool/*.[ch]' 'test/*.[ch]' 'example/*.[ch]' |
        xargs -r clang-format --dry-run -Werror
}

lint() {
    cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability -j2 \
        --inline-suppr --suppressions-list=scripts/cppcheck.txt --max-configs=4 \
        '-D_Noreturn=__attribute__((noreturn))' -D__x86_64__ -D__GNUC__ -Isrc -Iinclude src
}

step "layers" scripts/check_layers.sh
step "headers compile alone" scripts/check_headers.sh
step "exported names" scripts/check_names.sh
step "size of the tree" scripts/check_tree.sh
step "references of doc/MAP.md" scripts/check_map.sh
tool_step clang-format "clang-format" format
tool_step cppcheck "cppcheck" lint
scripts/report_sizes.sh

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
