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

# TOOL VERSION NAME COMMAND...: where the tool is not installed, or another version of it, which draws
# other lines or sees other ghosts, the step is left out by name.
tool_step() {
    tool=$1 version=$2
    shift 2
    if ! command -v "$tool" >/dev/null 2>&1; then
        echo "skip $1: $tool is not installed"
    elif ! "$tool" --version | grep -Eq "[ -]$version([^0-9]|\$)"; then
        echo "skip $1: $("$tool" --version | head -n 1), not version $version"
    else
        step "$@"
    fi
}

format() {
    git ls-files 'src/*.[ch]' 'include/*.[ch]' 'tool/*.[ch]' 'test/*.[ch]' 'example/*.[ch]' \
        'src/*.cu' 'test/*.cc' |
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
tool_step clang-format 14 "clang-format" format
tool_step cppcheck 2.10 "cppcheck" lint
scripts/report_sizes.sh

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
